"""A coefficient table as columns, for data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InputError

if TYPE_CHECKING:
    from .table import CoefficientTable


def columns(table: CoefficientTable, spacetime: dict[str, Any]) -> dict[str, Any]:
    """Of a data frame, one line a row; with the coefficients at one spacetime if there is one."""
    found: dict[str, Any] = {
        "diagram": [" + ".join(map(str, entry.diagrams)) for entry in table],
        "order": table.edges,
        "parts": table.parts,
        "value_class": table.value_class,
    }
    if table.row_of is None:
        found |= {"automorphisms": table.automorphisms, "irreducible": table.irreducible}
    if spacetime:
        numbers = table.coefficients(**spacetime)
        if numbers.ndim > 1:
            raise InputError("a table of one line a row takes one N, B and T; see coefficients() for arrays of them")
        found["coefficient"] = numbers
    return found


def library(name: str) -> Any:
    """The module, or InputError that says how to install it."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise InputError(f"{name} is not installed; pip install {name}") from None
