"""Expected observables about the path, for many learning rates and numbers of updates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..arguments import own, shown
from ..errors import InputError, UnsupportedError
from ..landscapes import Estimated, Landscape, Symbolic
from ..landscapes.local import Numbers
from ..spacetime import Spacetime
from ..spacetime.updates import Update
from ..typing import FloatArray
from .first_order import Walk, walked
from .motion import Motion
from .observed import terms, total
from .second_order import SecondWalk

HIGHEST = 2  # noise order


@dataclass(frozen=True, slots=True)
class PathSeries:
    """An expected observable about the path; arrays (learning rates, times) + the observable's axes."""

    by_order: tuple[Numbers, ...]
    """By noise order."""
    by_skeleton: dict[str, Numbers]
    """By the text of a skeleton, of noise orders 0 and 1; higher orders come as one sum."""


def predicted_about_path(
    landscape: Landscape,
    times: Sequence[Spacetime],
    etas: Sequence[Any],
    noise: int,
    observable: str = "test_loss",
    update: Update | None = None,
    metric: FloatArray | None = None,
) -> PathSeries:
    """Expected observables by noise order; with Fractions for learning rates exactly.

    Parameters
    ----------
    times : spacetimes that differ in T alone
    etas : numbers; all Fractions or ints on a symbolic landscape for exact results
    noise : the highest noise order
    metric : the matrix that multiplies a learning rate, (n, n)

    Raises
    ------
    InputError : a path that leaves the range of numbers
    UnsupportedError : a sample of an unknown distribution; a landscape that cannot move; a noise order that is not had here
    """
    if isinstance(landscape, Estimated):
        raise UnsupportedError(
            "a path is not estimated from a sample: it needs the loss along the way, not some cumulants; give the "
            "landscape's `.points` for the (biased) value of the points themselves"
        )
    if noise > HIGHEST:
        raise UnsupportedError(f"noise order {shown(noise)} has no recursion; the highest is {HIGHEST}")
    start, rates = _numbers(landscape, etas)
    moments = [spacetime.finite("T") for spacetime in times]
    order = sorted(set(moments))
    last = times[0].with_updates(order[-1])
    remembers = observable in ("train_loss", "generalization_gap")
    rows: list[list[list[dict[str, Any]]]] = []
    with np.errstate(all="ignore"):  # what overflows is told
        for eta in rates:
            motion = Motion(update, eta if metric is None else eta * metric, start, order[-1])
            walk = (SecondWalk if noise == 2 else Walk)(landscape, motion, last, noise, remembers)
            found = {walk.t: terms(walk, observable) for walk in walked(walk, order)}
            rows.append([found[T] for T in moments])
    kind = start.dtype

    def stacked(read: Any) -> Numbers:
        return np.array([[read(cell) for cell in row] for row in rows], dtype=kind)

    by_order = tuple(stacked(lambda cell, p=p: total(cell[p])) for p in range(noise + 1))
    names = [(p, name) for p, contributions in enumerate(rows[0][0][:2]) for name in contributions]
    by_skeleton = {name: stacked(lambda cell, p=p, name=name: cell[p][name]) for p, name in names}
    return PathSeries(by_order, by_skeleton)


def _numbers(landscape: Landscape, etas: Sequence[Any]) -> tuple[Numbers, list[Any]]:
    """theta_0 and the learning rates, in floats or in Fractions."""
    rates = [_fraction(own(eta)) for eta in etas]
    if not isinstance(landscape, Symbolic) or not all(isinstance(rate, Fraction) for rate in rates):
        start = np.array([float(x) for x in landscape.theta])
        return start, [float(rate) for rate in rates]
    exactly = [_fraction(own(x)) for x in landscape.theta]
    if not all(isinstance(x, Fraction) for x in exactly):
        raise InputError(f"an exact path needs a rational start, not {shown(landscape.theta)}; give a float eta")
    return np.array(exactly, dtype=object), rates


def _fraction(value: Any) -> Any:
    """An int or a rational number of SymPy as a Fraction."""
    if isinstance(value, int | Fraction):
        return Fraction(value)
    if getattr(value, "is_Rational", False):
        return Fraction(int(value.p), int(value.q))
    if getattr(value, "free_symbols", None):
        raise UnsupportedError(f"a path needs numbers, and {shown(value)} is a formula; expand about the start instead")
    return value
