"""What is given to a formula's landscape, checked: its start and the indices of its derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from ..arguments import sequence, shown, whole
from ..errors import InputError, TooLargeError
from .exact import Expression, exact

if TYPE_CHECKING:
    from .symbolic import Symbolic

Indices: TypeAlias = tuple[int, ...]

MOST_DERIVATIVES = 100  # of one formula


def checked_start(name: str, given: object, coordinates: tuple[Any, ...], data: tuple[Any, ...]) -> tuple[Expression, ...]:
    """Exact values of the weights, from a mapping or a sequence.

    Raises
    ------
    InputError : not one exact value for each coordinate, or one that depends on the data
    """
    if isinstance(given, Mapping):
        if set(given) != set(coordinates):
            raise InputError(
                f"{name} must give a value to each of the weights {coordinates} and nothing else, not {shown(given)}"
            )
        given = [given[coordinate] for coordinate in coordinates]
    values = sequence(name, given, f"exact values, one for each of the weights {coordinates}")
    if len(values) != len(coordinates):
        raise InputError(f"{name} must be one exact value for each of the weights {coordinates}, not {shown(given)}")
    start = tuple(exact(name, value) for value in values)
    for value in start:
        if value.free_symbols & set(data):
            raise InputError(f"{name} must not depend on the data, but is {shown(value)}")
    return start


def parameters_of(landscape: Symbolic) -> set[Any]:
    """The free symbols: of the loss, of where it is seen from and of the data's distributions."""
    import sympy

    laws = [sympy.sympify(x) for law in landscape.distributions for x in vars(law).values()]
    of_loss: set[Any] = set().union(*(each.free_symbols for each in landscape.formulas))
    of_loss -= {*landscape.coordinates, *landscape.data}
    return of_loss.union(sympy.Tuple(*landscape.theta, *laws).free_symbols)


def checked_indices(name: str, given: object, size: int | None) -> Indices:
    """Coordinates to differentiate along, below `size` if that is given."""
    entries = sequence(name, given, "whole numbers")
    if len(entries) > MOST_DERIVATIVES:
        raise TooLargeError(f"a derivative of degree {len(entries):,} is too long a formula (limit {MOST_DERIVATIVES})")
    return tuple(whole(f"an index in {name}", entry, 0, None if size is None else size - 1) for entry in entries)
