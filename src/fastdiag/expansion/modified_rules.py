"""Update rules whose modified equations are those of plain SGD: with a decay, and periods of a schedule."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..errors import InputError, TooLargeError, UnsupportedError
from ..spacetime.updates import Update, sgd
from ..typing import Number

MOST_UPDATES = 100  # of a period, some seconds


def decay_of(update: object) -> Any:
    """What an update of plain SGD takes off theta - theta_0 besides; None of other rules."""
    if not isinstance(update, Update) or update.schedule is not None or len(update.push) > 1:
        return None
    if not all(numbers == (1,) for numbers in (update.push, update.point, update.seen)):
        return None
    return 1 - update.step[0][0] or None


def is_plain(update: object) -> bool:
    """Whether a rule is SGD, a decay apart."""
    return update is None or update == sgd() or decay_of(update) is not None


def period_of(update: Update) -> tuple[Number, ...]:
    """The learning rates of a period.

    Raises
    ------
    InputError : they sum to 0
    TooLargeError : a long period
    UnsupportedError : a function of t; a rule with memory or decay
    """
    if callable(update.schedule):
        raise UnsupportedError(
            "a schedule that is a function of t has no period, and rates that hang on t: at update t they are SGD's for "
            "eta c_t, `modified_equation(order).at(landscape, eta * c)`; or give one period as a sequence"
        )
    if dataclasses.replace(update, schedule=None) != sgd():
        raise UnsupportedError(
            f"{update!r} has a schedule and memory or decay: its updates are no product of SGD's; take one of them alone"
        )
    assert update.schedule is not None
    if len(update.schedule) > MOST_UPDATES:
        raise TooLargeError(f"a period of {len(update.schedule):,} updates is too long (limit {MOST_UPDATES})")
    if not update.schedule or sum(update.schedule) == 0:
        raise InputError("the learning rates of a period sum to 0, so that nothing goes on at a rate; give others")
    return update.schedule
