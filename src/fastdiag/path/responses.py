"""What each data point has done to the state so far: it matters where a point is met again, and for the train loss."""

from __future__ import annotations

from itertools import accumulate
from math import gcd

import numpy as np

from ..landscapes.local import Numbers
from ..memory import require
from ..spacetime import Spacetime
from .settled import fixed


class Responses:
    """The response of the state to every data point, (S, m n), were the point in every batch.

    At an update the points of its batch have been met before: `met` is the sum over earlier updates s of the responses,
    weighted by n(s, t) N / (B_s B_t), n the mean number of rows that the batches s and t share, B_s and B_t their sizes. It
    is None where that is 0.
    """

    met: Numbers | None = None

    @property
    def whole(self) -> Numbers | None:
        """The sum over all earlier updates; None where nobody asks."""
        return None

    def before(self, t: int) -> None:
        """Make `met` that of update t."""

    def after(self, t: int, matrix: Numbers, kicks: Numbers) -> None:
        """Go through update t, which multiplies with a matrix and at which each point would have kicked."""

    def settle(self, matrix: Numbers, kicks: Numbers) -> None:
        """To the beginning of an epoch after infinitely many, all of whose updates are the same."""


class Seen(Responses):
    """No point is met twice, but all that were seen are remembered."""

    def __init__(self, nothing: Numbers) -> None:
        self.all = nothing

    @property
    def whole(self) -> Numbers:
        return self.all

    def after(self, t: int, matrix: Numbers, kicks: Numbers) -> None:
        self.all = self.all @ matrix.T + kicks


class Reshuffled(Responses):
    """Every row is met once in an epoch of L updates, in a fresh order; with replacement L = 1."""

    def __init__(self, nothing: Numbers, epoch: int) -> None:
        self.earlier, self.now, self.epoch = nothing, nothing, epoch

    def settle(self, matrix: Numbers, kicks: Numbers) -> None:
        self.earlier, self.now = fixed(matrix, kicks), kicks * 0

    @property
    def whole(self) -> Numbers:
        return np.asarray(self.earlier + self.now)

    def before(self, t: int) -> None:
        self.met = self.earlier if t >= self.epoch else None

    def after(self, t: int, matrix: Numbers, kicks: Numbers) -> None:
        if t >= self.epoch:
            self.earlier = self.earlier @ matrix.T
        self.now = self.now @ matrix.T + kicks if t % self.epoch else kicks
        if (t + 1) % self.epoch == 0:
            self.earlier, self.now = self.earlier + self.now, self.now * 0


class Cyclic(Responses):
    """Every row is met at its own place in each epoch: for each place, what it did until it was met last."""

    def __init__(self, nothing: Numbers, spacetime: Spacetime, remembers: bool) -> None:
        self.spacetime, self.all = spacetime, nothing if remembers else None
        self.epoch, self.points = spacetime.updates_per_epoch, spacetime.finite("N")
        self.places: list[Numbers] = []
        """Just after a place's last update."""
        self.matrices: list[Numbers] = []
        """Of this epoch's updates."""
        self.rest: list[Numbers | None] = []
        """For each place, the product of the last epoch's matrices after it; None for none."""
        self.passed: Numbers | None = None
        """The product of this epoch's matrices."""

    def settle(self, matrix: Numbers, kicks: Numbers) -> None:
        if self.all is not None:
            self.all = fixed(matrix, kicks)
        powers = [None, *accumulate([matrix] * (self.epoch - 1), np.matmul)]
        self.rest, self.matrices, self.passed = powers[::-1], [], None
        whole = np.linalg.matrix_power(matrix, self.epoch)
        self.places = [fixed(whole, kicks)] * self.epoch

    @property
    def whole(self) -> Numbers | None:
        return self.all

    def _share(self, t: int) -> tuple[int, int]:
        """N over the size of the batch of update t, which is met again, in lowest terms."""
        size = self.spacetime.batch_size(t)
        common = gcd(self.points, size)
        return self.points // common, size // common

    def before(self, t: int) -> None:
        if t < self.epoch:
            return
        place, found = t % self.epoch, self.places[t % self.epoch]
        for factor in (self.rest[place], self.passed):
            if factor is not None:
                found = found @ factor.T
        points, size = self._share(t)
        self.met = found * points / size

    def after(self, t: int, matrix: Numbers, kicks: Numbers) -> None:
        if self.all is not None:
            self.all = self.all @ matrix.T + kicks
        if self.met is None:
            self.places.append(kicks)
        else:
            points, size = self._share(t)
            self.places[t % self.epoch] = (self.met @ matrix.T) * size / points + kicks
        self.matrices.append(matrix)
        self.passed = matrix if self.passed is None else matrix @ self.passed
        if len(self.matrices) == self.epoch:
            after: Numbers | None = None
            self.rest = []
            for factor in reversed(self.matrices):
                self.rest.insert(0, after)
                after = factor if after is None else after @ factor
            self.matrices, self.passed = [], None


class WithoutReplacement(Responses):
    """Of a given training set of N points: what a batch has, others lack.

    The noise of the updates s and t has the covariance N/(N-1) (n(s, t) / (B_s B_t) - 1/N) C in place of
    n(s, t) / (B_s B_t) C.
    """

    def __init__(self, drawn: Responses, points: int) -> None:
        """drawn: of independent rows, the whole remembered."""
        self.drawn, self.points = drawn, points

    def settle(self, matrix: Numbers, kicks: Numbers) -> None:
        self.drawn.settle(matrix, kicks)

    def before(self, t: int) -> None:
        self.drawn.before(t)
        met, whole = self.drawn.met, self.drawn.whole
        if whole is not None:
            self.met = ((0 if met is None else met) - whole) * self.points / max(self.points - 1, 1)

    def after(self, t: int, matrix: Numbers, kicks: Numbers) -> None:
        self.drawn.after(t, matrix, kicks)


def responses(spacetime: Spacetime, remembers: bool, nothing: Numbers) -> Responses:
    """Those of a spacetime, with T its last update.

    Parameters
    ----------
    remembers : whether somebody asks for the whole
    nothing : zeros (S, m n)

    Raises
    ------
    TooLargeError : under 'cyclic', one response for each place of an epoch does not fit into memory
    """
    if spacetime.is_one_epoch:
        return Seen(nothing) if remembers and spacetime.N != float("inf") else Responses()
    epoch = spacetime.updates_per_epoch
    if spacetime.sampling != "cyclic":
        return Reshuffled(nothing, epoch)
    points, size = nothing.shape
    require(
        8 * epoch * size * (points + 2 * size), f"the responses of {points} points at each of {epoch} places of an epoch",
        "take sampling='reshuffle', which needs one for all places, or larger batches",
    )
    return Cyclic(nothing, spacetime, remembers)
