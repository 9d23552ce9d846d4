"""Update rules in modified equations: what of them is a decay, and periods of a schedule."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..embedding import Rule
from ..errors import InputError, TooLargeError, UnsupportedError
from ..spacetime.updates import Update, Vector, momentum, sgd

MOST_UPDATES = 100  # of a period, some seconds
LONG = 20  # of one from which on order 4 takes minutes


def decay_of(update: object) -> Any:
    """What `updates.weight_decay` takes off theta - theta_0 as a term of the loss would; None of other rules.

    With momentum theta_(t+1) - theta_t = mu (1 - d)(theta_t - theta_(t-1)) - d (1 - mu)(theta_t - theta_0) - eta c_t g_t:
    a heavy ball whose momentum is mu (1 - d), on a loss with d (1 - mu)/(2 eta) |theta - theta_0|^2 more.
    """
    if not isinstance(update, Update) or not update.name.startswith("weight_decay("):
        return None
    keep, *mu = update.step[0]
    return (1 - keep) * (1 - mu[0] if mu else 1) or None


def without_decay(update: Rule) -> Rule:
    """The rule that is left; None for SGD."""
    if isinstance(update, Update) and update.name.startswith("weight_decay("):
        keep, *mu = update.step[0]
        left = momentum(mu[0] * keep) if mu and mu[0] != 0 else sgd()
        update = dataclasses.replace(left, schedule=update.schedule)
    return None if update == sgd() else update


def period_of(update: Rule) -> Vector:
    """The learning rates of a period, if the rule has a schedule.

    Raises
    ------
    InputError : learning rates that sum to 0
    TooLargeError : a long period
    UnsupportedError : a function of t
    """
    if not isinstance(update, Update) or update.schedule is None:
        return ()
    if callable(update.schedule):
        raise UnsupportedError(
            "a schedule that is a function of t has no period, and rates that hang on t: those of SGD at update t are its "
            "own for eta c_t, `modified_equation(order).at(landscape, eta * c)`; or give one period as a sequence"
        )
    if len(update.schedule) > MOST_UPDATES:
        raise TooLargeError(f"a period of {len(update.schedule):,} updates is too long (limit {MOST_UPDATES})")
    if not update.schedule or sum(update.schedule) == 0:
        raise InputError("the learning rates of a period sum to 0, so that nothing goes on at a rate; give others")
    return update.schedule
