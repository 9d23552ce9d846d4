"""What an erratum is: what is printed, what is right, and an example that tells them apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..markup import cell, html_table
from ..record import Portable


class Numbers(NamedTuple):
    """One quantity of an example, three times."""

    printed: Any
    """By the printed formula."""
    right: Any
    """By the corrected one, or by the engine."""
    exact: Any
    """Without either: by running SGD on every training set in every order, or by listing what is counted."""

    def _repr_html_(self) -> str:
        return html_table("one quantity of an example", (), [(name, cell(value)) for name, value in self._asdict().items()])


@dataclass(frozen=True, slots=True)
class Erratum(Portable):
    """A printed formula or statement that is wrong."""

    where: str
    printed: str
    right: str
    example: str
    """The example, and the quantity in it that `check` computes."""
    check: Callable[[], Numbers]
    """Computes it anew."""

    def __repr__(self) -> str:
        return f"<{self.where}: printed {self.printed}; right {self.right}>"
