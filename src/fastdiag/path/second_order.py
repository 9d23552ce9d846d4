"""Noise of the second order about the path, where no point is met twice: the cumulants' recursion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import permutations
from typing import Any

import numpy as np

from ..diagram import Diagram
from ..errors import UnsupportedError
from ..landscapes.landscape import Landscape
from ..landscapes.local import Local, Numbers
from ..memory import require
from ..numerals import shown
from ..spacetime import Spacetime
from .first_order import Walk
from .motion import Motion
from .settled import fixed, summed_powers

COPIES = 14  # arrays of n^3 numbers at a time

# Legs, as texts: what deviations of one product have grown on; a cumulant is a sum over skeletons cut open below the root.
THIRDS = (("a", "b", "c[a b]"), ("a", "a[b]", "b"), ("a", "a", "a"))
SECONDS = (
    ("c[a b]", "d[a b]"), ("a", "d[b c[a b]]"), ("a", "d[a[b] b]"), ("a[b]", "d[a b]"), ("b", "d[a a[b]]"), ("a", "b[a a]"),
    ("a", "d[a c[b b]]"), ("a", "c[a b b]"), ("a", "a[c[b b]]"), ("a[b]", "a[b]"), ("a", "a[b b]"),
)
PRODUCTS = (("c[a a]", "d[b b]"), ("a", "a", "c[b b]"), ("a", "a", "b", "b"))  # m m, S m, S S
MEANS = tuple(f"e[{' '.join(legs)}]" for legs in (*SECONDS, *PRODUCTS, *THIRDS))


class SecondOrder:
    """k, the third cumulant of a walk's state, S2 and m2, the second order of its covariance and mean.

    Each by what its legs have grown on, see THIRDS, SECONDS and MEANS, so that the answer is known skeleton by skeleton:
    all 36 but [a[b] b[a]] and [a[b[c] c[b]]], two of whose nodes would each come before the other, and which have no maps.
    S2 is symmetric; k has its legs in the order of their texts, and all orders of them count.
    """

    motion: Motion
    local: Local
    S: Numbers
    bent: Numbers
    met: Numbers
    batch: Any
    steps = 1
    """0 in continuous time: squares and cubes of what one update does, but those of its noise, are nothing then."""

    def begin(self, size: int) -> None:
        """With nothing, of a state of so many numbers."""
        require(8 * COPIES * size**3, f"third cumulants of {size} numbers", "take noise=1, which needs none")
        zeros = self.motion.zeros
        self.m2, self.S2 = zeros(len(MEANS), size), zeros(len(SECONDS), size, size)
        self.k = zeros(len(THIRDS), size, size, size)

    @property
    def m(self) -> Numbers:
        """The mean's shift of the first order."""
        return np.asarray(self.bent + self.met)

    def _kicked(self, rate: Any, tensor: Numbers, *axes: int) -> Numbers:
        """`Motion.kicked` along some axes."""
        if len(self.motion.push) == 1 and np.ndim(rate) == 0:  # at once
            return np.asarray(tensor * (-rate * self.motion.push[0]) ** len(axes))
        for axis in axes:
            tensor = np.moveaxis(self.motion.kicked(rate, np.moveaxis(tensor, axis, -1)), -1, axis)
        return tensor

    def _skewed(self, rate: Any, A: Numbers) -> Numbers:
        """What an update, which moves deviations by A, adds to k."""
        local, B, AS = self.local, self.batch, A @ self.motion.at_point(self.S)
        bent = self._kicked(rate, _along(local.third_tensor.transpose(1, 2, 0), AS, AS), 2)
        tilted = self._kicked(rate, local.tilted, 0, 1) @ AS.T / B
        return np.array([bent, tilted, self.steps * self._kicked(rate, local.skew, 0, 1, 2) / B**2])

    def _widened(self, rate: Any, A: Numbers) -> Numbers:
        """To S2."""
        motion, local, J, B = self.motion, self.local, self.local.third_tensor, self.batch
        beside, S, m = motion.at_point(self.S), motion.at_point_twice(self.S), motion.at_point(self.m)

        def joined(k: Numbers, free: int) -> Numbers:
            """Two of the legs of k at J."""
            two = [axis for axis in range(3) if axis != free]
            return np.tensordot(self._read(motion.point, k, *two), J, (two, (1, 2)))

        bent, tilted, skew = self.k
        mixed = [
            joined(bent, 2) / 2, joined(bent, 0), *(joined(tilted, leg) for leg in range(3)), joined(skew, 0) / 2,
            beside @ (J @ m).T, beside @ local.fourth(S).T / 2,
        ]
        found = A @ self._kicked(rate, np.array(mixed), 2)
        found = found + found.swapaxes(1, 2)
        JS, slope, curved = J @ S, local.covariance_slope @ m, local.paired(local.thirds(S))
        curved = curved + curved.T
        both = (local.covariance_over(S) - curved) / 2
        noise = np.array([self.steps * np.tensordot(JS, JS, ((1, 2), (2, 1))) / 2, slope / B, both / B, curved / (2 * B)])
        noise = self._kicked(rate, noise, 1, 2)
        found[0] = found[0] + noise[0]
        return np.concatenate([found, noise[1:]])

    def _shifted(self, rate: Any) -> Numbers:
        """To m2."""
        motion, local, J = self.motion, self.local, self.local.third_tensor
        S, m = motion.at_point_twice(self.S), motion.at_point(self.m)
        S2, k = self._read(motion.point, self.S2, 1, 2), self._read(motion.point, self.k, 1, 2, 3)
        bent, tilted, skew = k
        bends = local.fourths_of([bent / 2, (tilted + tilted.swapaxes(0, 1)) / 2, skew / 6])
        shifts = [
            *np.tensordot(S2, J, ((1, 2), (1, 2))) / 2, J @ m @ m / 2, local.fourth(S) @ m / 2, local.fifth(S) / 8,
            *bends,
        ]
        return motion.kicked(rate, np.array(shifts))

    def _read(self, reading: Numbers, tensor: Numbers, *axes: int) -> Numbers:
        """`Motion.read` along some axes."""
        if len(reading) == 1 and reading[0] == 1:
            return tensor
        for axis in axes:
            tensor = np.moveaxis(self.motion.read(reading, np.moveaxis(tensor, axis, -1)), -1, axis)
        return tensor

    @property
    def seen(self) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers]:
        """m, S, m2, S2 and k of what is observed."""
        motion = self.motion
        S2, k = self._read(motion.seen, self.S2, 1, 2), self._read(motion.seen, self.k, 1, 2, 3)
        return motion.observed(self.m), motion.observed_twice(self.S), motion.observed(self.m2), S2, k


class SecondWalk(SecondOrder, Walk):
    """The walk with all that.

    J, Q, R are the third to fifth derivatives at the path, C' and C'' the covariance's; for plain SGD, K = 1 - eta H:

    m2' = K m2 - eta/2 J:(S2 + m m) - eta/6 Q:(k + 3 S m) - eta/8 R:(S S)
    S2' = K S2 K + M + M^T + eta^2/2 J:(S x S):J + eta^2/B (C'.m + C'':S/2),  M = -eta/2 K [(k + 2 S m):J + S (Q:S)]
    k' = K K K k - eta sym[(K S)(K S) J] + eta^2/B sym[(K S).C'] - eta^3/B^2 E[xi xi xi]
    """

    def __init__(self, landscape: Landscape, motion: Motion, spacetime: Spacetime, noise: int, remembers: bool) -> None:
        if not spacetime.is_one_epoch:
            raise UnsupportedError(
                "noise order 2 has a recursion where no point is met twice, and T = "
                f"{shown(spacetime.T)} is more than one epoch of {shown(spacetime.updates_per_epoch)} updates; take noise=1"
            )
        m, n = motion.shape
        self.motion = motion
        self.begin(m * n)
        super().__init__(landscape, motion, spacetime, noise, remembers)

    @property
    def carried(self) -> tuple[Numbers, ...]:
        return *super().carried, np.diagonal(self.S2, axis1=1, axis2=2), self.m2, self.k

    def advance(self, rate: Any) -> None:
        A = self.motion.matrix(rate, self.local.hessian)
        shape, size = self.k.shape, len(A)
        k = A @ (A @ self.k.reshape(-1, size, size**2)).reshape(shape)
        k = (k.reshape(-1, size) @ A.T).reshape(shape) + self._skewed(rate, A)
        S2 = A @ self.S2 @ A.T + self._widened(rate, A)
        m2 = self.m2 @ A.T + self._shifted(rate)
        super().advance(rate)
        self.k, self.S2, self.m2 = k, S2, m2

    def settle(self) -> None:
        super().settle()
        rate = self.motion.rate(0)
        A = self.motion.matrix(rate, self.local.hessian)
        self.k = np.array([summed_powers(A, kicks) for kicks in self._skewed(rate, A)])
        self.S2 = np.array([summed_powers(A, kicks) for kicks in self._widened(rate, A)])
        self.m2 = fixed(A, self._shifted(rate))


def second_order(walk: SecondOrder, observable: str, seen: Sequence[Local]) -> dict[str, Any]:
    """The contributions of noise order 2, by skeleton; of the test loss's variance as one sum.

    seen: what losses are of where it is observed
    """
    if observable == "generalization_gap":
        return {"": walk.motion.zeros(1)[0]}  # of points that were met there is more
    m, S, m2, S2, k = walk.seen
    if observable == "displacement":
        return _rooted([(mean,) for mean in MEANS], m2)
    if observable == "covariance":
        return _rooted(SECONDS, S2)
    here, other = both(seen)
    G, H = here.gradient, here.hessian
    if observable == "test_loss_variance":
        whole = np.sum([k.transpose(0, *order) for order in permutations((1, 2, 3))], axis=0)
        third = whole[0] / 2 + whole[1] + whole[2] / 6
        skewed = (np.tensordot(third, H, 2) @ other.gradient + np.tensordot(third, other.hessian, 2) @ G) / 2
        return {"": G @ S2.sum(axis=0) @ other.gradient + skewed + at_root((here, other), m, S, observable)}
    J, legs = here.third_tensor, (*[(mean,) for mean in MEANS], *SECONDS, *PRODUCTS, *THIRDS)
    skewed = np.tensordot(k, J, 3) * np.array([3, 6, 1]) / walk.motion.numbers(6)
    return _rooted(legs, [*(m2 @ G), *((H * S2).sum(axis=(1, 2)) / 2), *products_at_root(here, m, S), *skewed])


def _rooted(legs: Iterable[tuple[str, ...]], values: Iterable[Any]) -> dict[str, Any]:
    """By the texts of skeletons with these legs at the root."""
    return {_text(some): value for some, value in zip(legs, values, strict=True)}


@cache
def _text(legs: tuple[str, ...]) -> str:
    return str(Diagram.parse(f"[{' '.join(legs)}]"))


def products_at_root(here: Local, m: Numbers, S: Numbers) -> tuple[Any, Any, Any]:
    """What products of mean and covariance of the first order add to the loss in the second order: m m, S m, S S."""
    return m @ here.hessian @ m / 2, here.third(S) @ m / 2, (here.fourth(S) * S).sum() / 8


def both(seen: Sequence[Local]) -> tuple[Local, Local]:
    """The two functions of a covariance; of a variance they are one."""
    return seen[0], seen[-1]


def at_root(seen: Sequence[Local], m: Numbers, S: Numbers, observable: str) -> Any:
    """What mean and covariance of the first order add at the root in the second order."""
    here, other = both(seen)
    G, H = here.gradient, here.hessian
    if observable == "test_loss_variance":
        tilted = G @ S @ other.hessian @ m + other.gradient @ S @ H @ m
        bent = (G @ S @ other.third(S) + other.gradient @ S @ here.third(S)) / 2
        return tilted + bent + ((H @ S) * (other.hessian @ S).T).sum() / 2
    return sum(products_at_root(here, m, S)) if observable in ("test_loss", "train_loss") else 0


def _along(tensor: Numbers, first: Numbers, second: Numbers) -> Numbers:
    """first and second times the first two axes."""
    return np.asarray(np.tensordot(first, (second @ tensor), 1))
