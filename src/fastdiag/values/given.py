"""A training set that is given: what is checked of it, and what it changes in a sum over diagrams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ..arguments import shown
from ..embedding import PathRule
from ..errors import InputError, UnsupportedError
from ..landscapes.distributions import Finite
from ..landscapes.estimated import Estimated
from ..landscapes.landscape import Landscape, check_landscape
from ..landscapes.sampled import SampledLandscape
from ..landscapes.symbolic import Symbolic
from ..record import Record
from ..spacetime import Spacetime
from ..spacetime.processes import Process
from ..typing import FloatArray

WHOLE = 1e-9  # how far N times a weight in floats may be from a whole number


@dataclass(frozen=True, slots=True, eq=False)
class Given(Record):
    """A landscape's points as the training set itself; expectations are over batches alone."""

    points: int
    """N."""
    test: Landscape
    """Whose loss is the test loss, seen from the same weights; the landscape itself where there are no other data."""


def given_formulas(others: Sequence[Landscape]) -> tuple[Symbolic, ...]:
    """The landscapes of held-out data and of observed functions, as formulas.

    Raises
    ------
    InputError : one is none
    """
    for each in others:
        if not isinstance(each, Symbolic):
            raise InputError(
                f"exact results need formulas for held-out data and observed functions too, not {shown(each)}; give a "
                "float eta"
            )
    return tuple(each for each in others if isinstance(each, Symbolic))


def points_met(given: Given | None, update: PathRule) -> int | None:
    """How many points rows are drawn from without replacement; None: rows are independent, or an update meets none."""
    return None if given is None or isinstance(update, Process) else given.points


def given_points(landscape: Landscape, spacetime: Spacetime, test: Landscape | None) -> Given:
    """The landscape's points as a training set.

    Raises
    ------
    InputError : no data points; N is not their number; points of unequal weight; a test landscape of another dimension, or
        seen from other weights
    UnsupportedError : a sample of an unknown distribution
    """
    for name, each in (("landscape", landscape), ("test", test)):
        if isinstance(each, Estimated):
            raise UnsupportedError(
                f"with a given training set all data are known, and {name} is a sample of unknown ones: give its `.points`"
            )
    N, often = spacetime.N, _times_met(landscape, spacetime)
    if isinstance(landscape, SampledLandscape) and len(often) != N:
        raise InputError(
            f"training_set='given' trains on the landscape's own {len(often):,} points, so the spacetime must have "
            f"N={len(often)}, not {shown(N)}"
        )
    if np.abs(often - np.rint(often)).max() > WHOLE:
        raise InputError(
            f"training_set='given' takes each point once (a formula's, N times its probability): of {len(often):,} points "
            f"with N = {shown(N)} one would come {float(often[np.abs(often - np.rint(often)).argmax()]):.4g} times; leave "
            "out the weights, or take another N"
        )
    if test is None:
        return Given(int(N), landscape)
    check_landscape(test)
    check_place("test", test, landscape)
    return Given(int(N), test)


def check_place(name: str, other: Landscape, landscape: Landscape) -> None:
    """Raise InputError unless another landscape has the same weights and is seen from the same place."""
    if other.dimension != landscape.dimension:
        raise InputError(
            f"{name} has {other.dimension} weights, and the landscape {landscape.dimension}; give one of as many"
        )
    if not _seen_alike(landscape.theta, other.theta):
        raise InputError(
            f"{name} must be seen from the landscape's own weights, where the runs begin: {shown(landscape.theta)}, not "
            f"{shown(other.theta)}; give {name}.at(landscape.theta)"
        )


def _times_met(landscape: Landscape, spacetime: Spacetime) -> FloatArray:
    """N times the weight of every point."""
    N = spacetime.N
    if isinstance(landscape, SampledLandscape):
        weights: Any = landscape.weights
    elif isinstance(landscape, Symbolic) and all(isinstance(law, Finite) for law in landscape.distributions):
        laws = [law.chances for law in landscape.distributions if isinstance(law, Finite)]
        weights = [prod(chances) for chances in product(*laws)]
    else:
        raise InputError(
            "training_set='given' needs a landscape with data points: landscapes.logistic, landscapes.samples, or a "
            f"formula with finite data; {shown(landscape)} has none"
        )
    if not isinstance(N, int):
        raise InputError(f"a training set that is given has a finite number of points, not N = {shown(N)}")
    try:
        return np.array([float(N * weight) for weight in weights])
    except TypeError:
        raise InputError(f"probabilities of {shown(landscape)} are formulas; training_set='given' needs numbers") from None


def _seen_alike(ours: Any, theirs: Any) -> bool:
    """Whether weights are the same, exact ones as exact ones."""
    try:
        return bool(np.array_equal([float(x) for x in ours], [float(x) for x in theirs]))
    except TypeError:  # formulas
        return list(ours) == list(theirs)
