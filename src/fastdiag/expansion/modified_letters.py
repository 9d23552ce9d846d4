"""The letters of a rule in a modified equation, and what numbers may stand for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..arguments import shown
from ..embedding import Rule
from ..errors import InputError
from ..spacetime.updates import Update, momentum, nesterov, quasi_hyperbolic, schedule, weight_decay
from .modified_rules import period_of

OWN = ("N", "B", "T", "E", "M", "eta")


def check_numbers(update: Rule, given: Mapping[str, Any]) -> None:
    """Raise InputError unless the rule may have these numbers for its letters: what makes it checks them."""
    def put(x: Any) -> Any:
        if not (symbols := getattr(x, "free_symbols", ())):
            return x
        found = x.subs({symbol: given[symbol.name] for symbol in symbols if symbol.name in given}, simultaneous=True)
        if found.is_finite is False:
            raise InputError(f"{update!r} has a pole at {', '.join(f'{name}={shown(y)}' for name, y in given.items())}")
        return found

    if not isinstance(update, Update):
        return
    if isinstance(update.schedule, tuple):
        period_of(schedule([put(c) for c in update.schedule]))
    made, step = update.name.split("(")[0], update.step
    if made == "weight_decay":
        weight_decay(put(1 - step[0][0]), put(step[1][1]) if len(step) > 1 else 0)
    elif made == "quasi_hyperbolic":
        mu = step[1][1]
        quasi_hyperbolic(put(mu), put(step[0][1] / mu) if mu != 0 else 0)  # with no momentum nu does not count
    elif made in ("momentum", "nesterov"):
        (momentum if made == "momentum" else nesterov)(put(step[1][1]))
