"""Learning rates that change: one factor for each update."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Self, TypeAlias, cast

from ..arguments import decimal, number, sequence
from ..door import door
from ..errors import InputError, TooLargeError
from ..record import Portable
from ..typing import Number

Vector: TypeAlias = tuple[Number, ...]
Factors: TypeAlias = Sequence[Number] | Callable[[int], Number]
"""c_0, c_1, ...: numbers, or a function of the update t = 0, 1, ..."""
MOST_UPDATES = 10_000_000  # that a schedule has numbers for


class Scheduled(Portable):
    """A rule, a frozen dataclass, with a field `schedule`: c_0, c_1, ..., or a function of t; None for a constant 1."""

    __slots__ = ()
    schedule: Vector | Callable[[int], Number] | None

    def __reduce_ex__(self, protocol: Any) -> Any:
        if callable(self.schedule):
            try:
                pickle.dumps(self.schedule)
            except Exception as error:  # of many kinds
                raise InputError(
                    f"{self!r} cannot be pickled, for its schedule is a function that cannot ({error}); pickle "
                    "`rule.listed(T)`, which has the function's numbers for T updates, or give a function of a module"
                ) from error
        return super().__reduce_ex__(protocol)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:  # nothing in it changes, and a function need not pickle
        return self

    @door
    def with_schedule(self, factors: Factors) -> Self:
        """The same rule with the learning rate eta c_t at update t: the gradient g_t enters the recursion as c_t g_t.

        With momentum this is m <- mu m + c_t g, theta <- theta - eta m (as in Keras): what a gradient has put into m keeps
        the rate that it came with. Where instead the rate multiplies m itself (PyTorch), results differ while c_t changes.

        Parameters
        ----------
        factors : c_0, c_1, ..., at least one for each update; or a function of t = 0, 1, ...; exact or floats

        Raises
        ------
        InputError : not numbers; the rule has a schedule already

        Examples
        --------
        >>> import fastdiag as fd
        >>> rule = fd.updates.momentum(0).with_schedule(lambda t: 2 if t < 5 else 1)
        >>> fd.weighted_maps("[a]", fd.Spacetime(N=20, T=10), update=rule)
        15
        """
        if self.schedule is not None:
            raise InputError(f"{self!r} has a schedule already; multiply the two and give one")
        if not callable(factors):
            listed = sequence("a schedule", factors, "numbers", also="a function of t, or ")
            factors = tuple(number(f"c_{t}", c) for t, c in enumerate(listed))
        return cast(Self, replace(cast(Any, self), schedule=factors))

    def factors(self, T: int) -> Vector | None:
        """c_0, ..., c_(T-1), or None where all are 1.

        Raises
        ------
        InputError : the schedule is shorter than T updates, or gives something that is no number
        """
        if self.schedule is None:
            return None
        if T > MOST_UPDATES:
            raise TooLargeError(
                f"a schedule is walked update by update, and T = {decimal(T)} is too many (limit {MOST_UPDATES:,}); "
                "use a rule without one, or a smaller T"
            )
        if callable(self.schedule):
            return tuple(_rate(self.schedule, t) for t in range(T))
        if len(self.schedule) < T:
            raise InputError(
                f"the schedule has {len(self.schedule)} learning rates, but there are T = {T} updates; "
                "give one for each, or a function of t"
            )
        return self.schedule[:T]

    def listed(self, T: int) -> Self:
        """The same rule for T updates, with numbers in place of a function of t, which need not pickle.

        Raises
        ------
        InputError : as for `factors`
        """
        return cast(Self, replace(cast(Any, self), schedule=self.factors(T))) if callable(self.schedule) else self


def _rate(schedule: Callable[[int], Number], t: int) -> Number:
    try:
        factor = schedule(t)
    except Exception as error:  # the caller's own
        raise InputError(f"the schedule fails at t = {t}: {type(error).__name__}: {error}") from error
    return number(f"the schedule at t = {t}", factor)
