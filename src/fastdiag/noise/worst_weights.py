"""Worst alignments over the weights of models that are not linear in them, found by search ([E] theorems 3.2, 3.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from ..arguments import array, own, shown, whole
from ..door import silent_door
from ..errors import InputError
from ..record import Record
from ..typing import FloatArray
from .models import Model
from .worst import least_eps

Family: TypeAlias = Callable[[FloatArray], Model]

CLOSE = 1e-6  # of each other: ends of two starts that are one
ZERO = 1e-7  # residuals this much smaller than outputs are their rounding
STEP = 1e-5  # of finite differences
MANY = 512  # weights from which on products are worth several threads
TRIES = 1000  # of a walk across kinks, for each start
REFUSED = 1e30  # the value where there is none


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WorstWeights(Record):
    """The least and the greatest alignment that a search found, and where; see `worst_over_weights`."""

    least: float
    greatest: float
    at_least: FloatArray
    """Weights, (n,)."""
    at_greatest: FloatArray
    labels_least: FloatArray
    """Labels there, (points,)."""
    labels_greatest: FloatArray
    along_least: FloatArray | None
    """Directions, (n,); None for the loss alignment."""
    along_greatest: FloatArray | None
    agreed: tuple[int, int]
    """How many starts ended within 1e-6 of the least, and of the greatest."""
    starts: int
    eps: float
    """The least eps with (1 - eps)/(1 + eps)^2 <= alignment <= (3 + eps)/(1 - eps)^2, as in theorem 3.2."""

    def __repr__(self) -> str:
        return (
            f"<alignments from {self.least:.6g} to {self.greatest:.6g}, found by {self.agreed[0]} and {self.agreed[1]} of "
            f"{self.starts} starts>"
        )


@silent_door
def worst_over_weights(
    model: Family, theta: ArrayLike, y: ArrayLike | str = "any", V: ArrayLike | str | None = None, starts: int = 10,
    seed: int = 0,
) -> WorstWeights:
    """The range of the loss alignment, or of directional alignments, over all weights of a model, by search.

    [E] theorems 3.2 and 3.5 speak of the worst weights. Of a linear model `worst_loss_alignment` knows them exactly; of
    others this climbs from several starts (L-BFGS, the gradient from the model's own Jacobian and second derivatives), and
    across the kinks of an activation by random steps too. What it finds is attained, at the weights and labels it returns;
    that nothing is worse is not proven: see how many starts agree. Bounds to set beside it: theorem 3.5's,
    `loss_alignment_bounds(X, slopes=...)`, for any labels; and theorem 3.2's, for fitted labels and models linear in
    F(theta), the range of `worst_directional_alignment(X)`, since mu is a weighted mean of directional alignments.

    Parameters
    ----------
    model : a function of the weights, (n,) -> Model: `two_layer_network` and the like with the weights in their arrays, or
        one that fills a Model itself, whose Jacobian is then differentiated by differences
    theta : (n,) weights of the first start; those of the others are normal, of about its size
    y : (points,) labels; 'fitted' for all that the model can give, f(x; theta*) with theta* as free as theta; or 'any'
    V : None for the loss alignment; (n, m) directions, one in each column, or 'any', for the directional one
    starts : starts
    seed : whole number >= 0

    Returns
    -------
    WorstWeights, uncentred alignments

    Raises
    ------
    InputError : a model that fails or is of another width than theta; no start with an alignment; shapes

    Examples
    --------
    >>> import fastdiag as fd
    >>> X = [[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]
    >>> net = lambda w: fd.noise.two_layer_network(X, w.reshape(2, 2), [1.0, -1.0], "leaky_relu", 0.5, both=False)
    >>> fd.noise.worst_over_weights(net, [1.0, 0.0, 0.0, 1.0], starts=5).greatest < 3  # of three points: all that can be
    True
    """
    begin = array("theta", theta, (None,), "weights")
    if not begin.size:
        raise InputError("theta must have at least one weight")
    starts, seed = whole("starts", starts, 1, 10_000), whole("seed", seed, 0)
    family = partial(_evaluated, model, len(begin))
    first = family(begin)
    search = _Search(family, len(begin), *_labels(y, first), isinstance(own(V), str))
    columns = _directions(V, len(begin))
    rng = np.random.default_rng(seed)
    size = float(np.sqrt((begin**2).mean())) or 1.0
    at = [begin, *(size * rng.standard_normal((starts - 1, len(begin))))]
    parts = 1 + search.fitted + search.turns
    ends = {}
    for sign in (1.0, -1.0):
        found = []
        # threads of the linear algebra library go on spinning after a product, and take that time from ours
        with threadpool_limits(1 if len(begin) < MANY else None, user_api="blas"):
            for there in at:
                z = np.concatenate([there, *(size * rng.standard_normal((parts - 1, len(begin))))])
                found.append(min((search.climb(sign, z, v, rng) for v in columns), key=lambda end: end.value))
        best = min(found, key=lambda end: end.value)
        if best.value >= REFUSED:
            raise InputError("from no start is there an alignment: residuals, or the Jacobian, vanish at all of them")
        ends[sign] = best, sum(end.value <= best.value + CLOSE * max(CLOSE, abs(best.value)) for end in found)
    (least, one), (greatest, other) = ends[1.0], ends[-1.0]
    bottom, top = max(0.0, least.value), -greatest.value
    return WorstWeights(
        bottom, top, least.theta, greatest.theta, least.labels, greatest.labels, least.direction, greatest.direction,
        (one, other), starts, least_eps(bottom, top),
    )


class _End(NamedTuple):
    """Where a climb ended."""

    value: float
    theta: FloatArray
    labels: FloatArray
    direction: FloatArray | None


class _Search:
    """An alignment as a function of all that is free: weights, then those of the labels, then a direction."""

    def __init__(self, family: Family, n: int, fitted: bool, y: FloatArray | None, turns: bool) -> None:
        self.family, self.n, self.fitted, self.y, self.turns = family, n, fitted, y, turns

    def climb(self, sign: float, z: FloatArray, v: FloatArray | None, rng: np.random.Generator) -> _End:
        """From a start to the nearest end, least for sign 1; with any labels the one point that has a residual follows."""
        point = self._extreme(sign, z, v)
        for _ in range(100):
            z = self._descent(sign, z, v, point, rng)
            before, point = point, self._extreme(sign, z, v)
            if point == before:
                break
        value, _ = self.at(sign, z, v, point)
        theta = z[: self.n]
        direction = None
        if self.turns or v is not None:
            direction = z[-self.n :] if v is None else v
        return _End(value, theta, self._labels_at(z, point), direction)

    def at(
        self, sign: float, z: FloatArray, v: FloatArray | None, point: int | None, slopes: bool = False
    ) -> tuple[float, FloatArray]:
        """The value that is made least, and, if asked for, its gradient."""
        nothing = REFUSED, np.zeros_like(z)
        theta, direction = z[: self.n], z[-self.n :] if self.turns else v
        try:
            here = self.family(theta)
            there = self.family(z[self.n : 2 * self.n]) if self.fitted else None
        except InputError:  # numbers that overflow
            return nothing
        J, n = here.jacobian, len(here.jacobian)
        if self.y is None and not self.fitted:
            r = np.zeros(n)
            r[_extreme(sign, J, direction) if point is None else point] = 1.0
        else:
            labels = there.outputs if there is not None else self.y
            assert labels is not None
            r = here.outputs - labels
            if not np.abs(r).max() > ZERO * max(np.abs(here.outputs).max(), np.abs(labels).max()):
                return nothing
        size = np.abs(r).max()
        value, by_squares, by_rows, by_direction = _alignment(J, (r / size) ** 2, direction)
        if not np.isfinite(value):
            return nothing
        if not slopes:
            return sign * value, z
        gradient = self._second(here, theta, by_rows)
        parts = [gradient]
        if self.fitted or self.y is not None:
            pulls = 2 * by_squares * (r / size) / size
            parts[0] = gradient + J.T @ pulls
            if there is not None:
                parts.append(-there.jacobian.T @ pulls)
        if self.turns:
            parts.append(by_direction)
        full = np.concatenate(parts)
        return (sign * value, sign * full) if np.isfinite(full).all() else nothing

    def _descent(
        self, sign: float, z: FloatArray, v: FloatArray | None, point: int | None, rng: np.random.Generator
    ) -> FloatArray:
        """L-BFGS; and where the model has kinks, at which gradients do not tell, steps at random, and again."""
        value = partial(self.at, sign, v=v, point=point)
        options = {"maxiter": 1000, "ftol": 1e-12, "gtol": 1e-9, "maxcor": 20}
        for again in range(2):
            z = np.asarray(minimize(partial(value, slopes=True), z, jac=True, method="L-BFGS-B", options=options).x)
            second = self.family(z[: self.n]).second
            if again or not (second is None or second.kinked):
                break
            best, size = value(z, point=None)[0], float(np.sqrt((z**2).mean()))
            for _ in range(TRIES):
                kind, (first, last) = rng.integers(3), sorted(rng.integers(len(z) + 1, size=2))
                if kind == 0:
                    first, last = 0, len(z)
                tried, drawn = z.copy(), size * rng.standard_normal(last - first)
                if kind < 2:
                    tried[first:last] = drawn
                else:
                    tried[first:last] += 10 ** rng.uniform(-3, 0.5) * drawn
                found = value(tried, point=None)[0]
                if found <= best:  # along what is level between two kinks too
                    z, best = tried, found
        return z

    def _second(self, here: Model, theta: FloatArray, by_rows: FloatArray) -> FloatArray:
        """Sum over points of grad^2 f_i q_i."""
        if here.second is not None:
            return here.second.along(by_rows)
        found, step = np.empty(self.n), STEP * max(1.0, float(np.abs(theta).max()))
        for k in range(self.n):
            ends = []
            for move in (step, -step):
                moved = theta.copy()
                moved[k] += move
                ends.append(self.family(moved).jacobian)
            found[k] = ((ends[0] - ends[1]) * by_rows).sum() / (2 * step)
        return found

    def _extreme(self, sign: float, z: FloatArray, v: FloatArray | None) -> int | None:
        """With any labels, the point whose residual alone is the worst."""
        if self.fitted or self.y is not None:
            return None
        try:
            return _extreme(sign, self.family(z[: self.n]).jacobian, z[-self.n :] if self.turns else v)
        except InputError:
            return 0

    def _labels_at(self, z: FloatArray, point: int | None) -> FloatArray:
        if self.y is not None:
            return self.y
        if self.fitted:
            return self.family(z[self.n : 2 * self.n]).outputs
        labels = self.family(z[: self.n]).outputs.copy()
        assert point is not None
        labels[point] -= max(1.0, float(np.abs(labels).max()))  # a residual that outputs do not round away
        return labels


def _alignment(
    J: FloatArray, squares: FloatArray, v: FloatArray | None
) -> tuple[float, FloatArray, FloatArray, FloatArray]:
    """mu, or g along v, of squared residuals; its derivatives by these, by J, and by v."""
    points, n = J.shape
    total = squares.sum()
    if v is None:
        J = J / (unit := np.abs(J).max())
        wide = n > points
        turned = (J @ J.T) @ J if wide else J @ (J.T @ J)
        c = np.einsum("xi,xi->x", turned, J)
    else:
        b = J @ v
        c = b**2
    mass = c.sum()
    value = points * (squares @ c) / (total * mass)
    by_squares = points * c / (total * mass) - value / total
    by_c = points * squares / (total * mass) - value / mass
    if v is not None:
        by_b = 2 * by_c * b
        return float(value), by_squares, np.outer(by_b, v), J.T @ by_b
    weighted = by_c[:, None] * J
    mixed = (J @ J.T) @ weighted if wide else J @ (J.T @ weighted)
    return float(value), by_squares, 2 * (by_c[:, None] * turned + mixed) / unit, np.zeros(n)


def _extreme(sign: float, J: FloatArray, v: FloatArray | None) -> int:
    """The point whose residual alone gives the least alignment, or, for sign -1, the greatest."""
    return int(np.argmin(sign * _alignment(J, np.ones(len(J)), v)[1]))


def _evaluated(model: Family, n: int, theta: FloatArray) -> Model:
    """The model at some weights, or InputError."""
    if not callable(model):
        raise InputError(f"model must be a function of the weights that returns a Model, not {shown(model)}")
    try:
        found = model(theta.copy())
    except InputError:
        raise
    except Exception as error:  # whatever it raises
        raise InputError(f"the model fails at weights of shape {theta.shape}: {type(error).__name__}: {error}") from error
    if not isinstance(found, Model):
        raise InputError(f"model must return a Model, as two_layer_network does, not {shown(found)}")
    if found.jacobian.shape != (len(found.outputs), n):
        raise InputError(
            f"the model's Jacobian must have shape ({len(found.outputs)}, {n}), points and weights like theta, not "
            f"{found.jacobian.shape}"
        )
    return found


def _labels(y: ArrayLike | str, first: Model) -> tuple[bool, FloatArray | None]:
    """Whether labels are fitted, and those that are given."""
    given = own(y)
    if isinstance(given, str):
        if given not in ("any", "fitted"):
            raise InputError(f"y must be labels, 'fitted' or 'any', not {shown(given)}")
        return given == "fitted", None
    return False, array("y", y, (len(first.outputs),), "one label for each point")


def _directions(V: ArrayLike | str | None, n: int) -> list[FloatArray | None]:
    given = own(V)
    if given is None or isinstance(given, str):
        if given not in (None, "any"):
            raise InputError(f"V must be directions in columns, 'any' or None, not {shown(given)}")
        return [None]
    columns = array("V", V, (n, None), "weights, directions")
    if not columns.size or not columns.any(axis=0).all():
        raise InputError("V needs at least one direction, and none that is zero")
    return [np.asarray(v / np.abs(v).max()) for v in columns.T]
