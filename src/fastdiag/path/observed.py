"""What is expected at the end of the path, by noise order and by skeleton."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from ..landscapes.landscape import Landscape
from ..landscapes.local import Local, Numbers
from .closure import GaussianWalk, gaussian
from .first_order import Walk
from .flow import Flow
from .low_rank import LowRank
from .overfitting import TiedWalk
from .second_order import SecondOrder, both, second_order

TRAINED = ("train_loss", "generalization_gap")

Terms: TypeAlias = list[dict[str, Any]]
"""For each noise order the contributions of its skeletons, by their texts."""


def path_alone(walk: Walk | Flow, observable: str, seen: Sequence[Local]) -> Any:
    """The observable without noise: noise order 0; seen: the loss where it is observed, or the two of a covariance."""
    if observable == "displacement":
        return walk.motion.observed(walk.state)
    if observable == "covariance":
        return walk.motion.zeros(*(walk.motion.shape[1],) * 2)
    if observable in ("test_loss", "train_loss"):
        return seen[0].loss
    return walk.motion.zeros(1)[0]


def first_order(walk: Walk | Flow, observable: str, seen: Sequence[Local]) -> dict[str, Any]:
    """The contributions of the skeletons of noise order 1; seen: as for `path_alone`."""
    motion, (here, other) = walk.motion, both(seen)
    bent, met, S = motion.observed(walk.bent), motion.observed(walk.met), walk.seen_covariance
    if observable == "displacement":
        return {"[b[a a]]": bent, "[a[a]]": met}
    if observable == "covariance":
        return {"[a a]": S.dense() if isinstance(S, LowRank) else S}
    if observable == "test_loss_variance":
        pulled = S.times(here.gradient) if isinstance(S, LowRank) else here.gradient @ S
        return {"[a a]": pulled @ other.gradient}
    tie = {"a[a]": walk.tie} if observable != "test_loss" else {}
    if observable == "generalization_gap":
        return {"a[a]": -tie["a[a]"]}
    G = here.gradient
    bowl = S.against(here) if isinstance(S, LowRank) else (here.hessian * S).sum()
    return {"[a a]": bowl / 2, "[b[a a]]": G @ bent, "[a[a]]": G @ met, **tie}


def terms(walk: Walk | Flow | GaussianWalk, observable: str, functions: Sequence[Landscape] = ()) -> Terms:
    """All that the walk knows; functions: what is observed in place of the loss."""
    if isinstance(walk, GaussianWalk):
        return [{"": gaussian(walk, observable, functions)}]
    seen = seen_along(walk, functions)
    found = _by_order(walk, observable, seen)
    if isinstance(walk, TiedWalk):
        tie = walk.tie_of_second_order
        found[2] = {"": -tie} if observable == "generalization_gap" else found[2] | {"": tie}
    return found


def seen_along(walk: Walk | Flow, functions: Sequence[Landscape]) -> tuple[Local, ...]:
    """What is observed where the walk is: the functions, or the loss."""
    seen = (walk.here if function is walk.landscape else walk.seen_by(function) for function in functions)
    return tuple(seen) or (walk.here,)


def terms_of_given(walk: Walk | Flow, observable: str, test: Landscape) -> Terms:
    """The same of a given training set: the landscape's loss is the train loss, that of `test` the test loss.

    A tie of the root to a point is a mean over all of them, which is part of the loss.
    """
    tested = _by_order(walk, "test_loss" if observable in TRAINED else observable, (walk.seen_by(test),))
    if observable not in TRAINED:
        return tested
    trained = _by_order(walk, "test_loss", (walk.here,))
    if observable == "train_loss":
        return trained
    orders = zip(tested, trained, strict=True)
    return [{name: value - theirs[name] for name, value in ours.items()} for ours, theirs in orders]


def _by_order(walk: Walk | Flow, observable: str, seen: Sequence[Local]) -> Terms:
    found: Terms = [{"[]": path_alone(walk, observable, seen)}]
    if walk.noise:
        found.append(first_order(walk, observable, seen))
    if isinstance(walk, SecondOrder):
        found.append(second_order(walk, observable, seen))
    return found


def total(contributions: dict[str, Any]) -> Numbers:
    """Their sum."""
    return np.asarray(sum(contributions.values()))
