"""What can be resummed: rules, diagrams, times and learning rates, each with an error that says why not."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from operator import attrgetter

import numpy as np

from ..diagram import Diagram
from ..embedding import Rule
from ..errors import InputError, TooLargeError, UnsupportedError
from ..landscapes.landscape import Landscape
from ..numerals import shown
from ..spacetime import Spacetime
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Update, sgd
from ..typing import FloatArray
from .eigenbasis import Eigenbasis
from .hessian_steps import LinearRule, newton_rates
from .modes import check_rule_forgets, rounding
from .plan import plan
from .root import Roots


def linear_rule(update: Rule, continuous: bool) -> LinearRule:
    """The update rule, None if it is plain SGD."""
    if update is None or update == sgd():
        return None
    if not isinstance(update, Update | RegularizedNewton):
        raise UnsupportedError(
            f"{update!r} is no linear rule, so no edge has a propagator; fastdiag.predict resums ode() and sde()"
        )
    if continuous:
        raise UnsupportedError(f"continuous=True is for plain SGD, not for {update!r}; leave it out for the exact sums")
    return update


def check_irreducible(diagram: Diagram) -> None:
    """Raise InputError if the diagram's maps are part of others'."""
    if not diagram.is_irreducible:
        raise InputError(
            f"{diagram} is reducible (a node of degree 2 is alone in its part): resummation absorbs it into the "
            "diagram without that node, so it has no resummed value of its own; coefficient and uvalue give its plain one"
        )


def check_resummable(
    diagram: Diagram, landscape: Landscape, times: Sequence[Spacetime], continuous: bool, roots: Roots,
    reducible: bool = False,
) -> None:
    """Raise an error that says why, if a resummed value cannot be had; times: of one grid.

    reducible : whether nodes of degree 2 that are alone have a value of their own
    """
    if not reducible:
        check_irreducible(diagram)
    landscape.require_degree(max(plan(diagram, root).highest_degree for root in roots), f"diagram {diagram}")
    latest, longest = last_of(times)
    if continuous and not latest.is_one_epoch:
        raise UnsupportedError(
            f"continuous=True is for one epoch, T <= N/B = {latest.updates_per_epoch}, and here T = {latest.T}; "
            "leave it out for the exact sums over several epochs"
        )
    if longest >= 2**62 or latest.B >= 2**62:
        raise TooLargeError(f"T and B must be below 2^62, not {shown(longest)} and {shown(latest.B)}; use T = math.inf")
    if not latest.is_one_epoch and latest.updates_per_epoch >= 2**62:
        raise TooLargeError(f"N / B must be below 2^62, not {shown(latest.updates_per_epoch)}; use N = math.inf")


def last_of(times: Sequence[Spacetime]) -> tuple[Spacetime, int]:
    """The one with the most updates, of one grid, and the most updates that are not infinite; else 1."""
    latest = max(times, key=attrgetter("T"))
    if latest.T < inf:
        return latest, int(latest.T)
    return latest, max((int(spacetime.T) for spacetime in times if spacetime.T < inf), default=1)


def check_contracts(eigenbasis: Eigenbasis, numbers: FloatArray, continuous: bool, update: LinearRule = None) -> None:
    """Raise InputError unless every direction forgets its past: 0 < eta h, and eta h < 2 where time is discrete.

    With an update rule, unless its own condition holds.
    """
    lowest, highest = float(eigenbasis.rates[0]), float(eigenbasis.rates[-1])
    if isinstance(update, RegularizedNewton):
        small = newton_rates(update, np.outer(numbers, eigenbasis.rates))
        if not (small > 0).all() or not (small < 2 * (1 - rounding(len(eigenbasis.rates)))).all():
            raise InputError(
                f"T = inf needs 0 < eta h / (1 + lam eta h) < 2 in every direction with {update!r}, and here it is from "
                f"{small.min():.4g} to {small.max():.4g}; use another eta, or a finite T"
            )
        return
    if update is not None:
        ends = np.outer(numbers, [lowest, highest])
        low, high = float(ends.min(initial=inf)), float(ends.max(initial=-inf))
        check_rule_forgets(update, low, high, rounding(len(eigenbasis.rates)))
        return
    if numbers.min(initial=inf) * lowest <= 0:
        raise InputError(
            f"T = inf needs a strict minimum, but the least eigenvalue of the Hessian is {lowest:.4g} (or eta is 0); "
            "give a finite T"
        )
    if not continuous and numbers.max(initial=0.0) * highest >= 2 * (1 - rounding(len(eigenbasis.rates))):
        raise InputError(
            f"T = inf needs eta h < 2 in every direction, but the largest eta h is {numbers.max() * highest:.4g}; "
            f"use eta < {2 / highest:.4g}, or a finite T (floats tell eta h to rounding)"
        )
