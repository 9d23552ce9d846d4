"""One row of a coefficient table."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ..diagram import Diagram
from ..door import door
from ..embedding.counting import grid, read_patterns
from ..locks import cached_property
from ..spacetime import Spacetime
from ..typing import Basis, Last, Sampling
from .coefficient import coefficient, prefactor
from .order import OrderTable


@dataclass(frozen=True, eq=False)
class Entry:
    """A diagram, or the diagrams of one value class, with their pattern tables."""

    sampling: Sampling
    basis: Basis
    places: tuple[tuple[OrderTable, int], ...]
    """Table and row of each diagram."""

    @cached_property
    def diagrams(self) -> tuple[Diagram, ...]:
        """The diagrams of this row, in ascending order."""
        names = "parents", "blocks", "automorphisms"
        rows = ((table.arrays[name][row].tolist() for name in names) for table, row in self.places)
        return tuple(Diagram._of_canonical(*row) for row in rows)

    @property
    def diagram(self) -> Diagram:
        """The first of the diagrams."""
        return self.diagrams[0]

    @door
    def coefficient(
        self, N: int | float, B: int = 1, T: int | None = None, E: int | Fraction | None = None, last: Last | None = None
    ) -> Fraction:
        """The exact coefficient, summed over the diagrams of the row; `fastdiag.coefficient`, from the table (Theorem 3).

        Parameters
        ----------
        N, B, T, E, last : as for `Spacetime`, T or E; N may be math.inf

        Raises
        ------
        InputError : as for `Spacetime`, and for T = inf
        TooLargeError : a smaller last batch, and more updates than can be waited for

        Examples
        --------
        >>> import fastdiag as fd
        >>> fd.table(3)["[a a]"].coefficient(N=10, B=2, T=5)
        Fraction(5, 4)
        """
        spacetime = Spacetime(N, B, T, E, self.sampling, last)
        spacetime.finite("T")
        total = Fraction(0)
        if spacetime.is_ragged:  # patterns are of batches of one size
            return sum((coefficient(diagram, spacetime, self.basis) for diagram in self.diagrams), total)
        numbers = grid(spacetime)
        for diagram, (table, row) in zip(self.diagrams, self.places, strict=True):
            count = Fraction(*read_patterns(table.patterns(row, self.basis), self.basis, *numbers))
            total += count * prefactor(diagram, spacetime.B)
        return total

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[object, ...]:
        return self.sampling, self.basis, self.diagrams

    def __repr__(self) -> str:
        names = " + ".join(map(str, self.diagrams))
        return f"<{names}: {self.sampling}, {self.basis} basis>"

    def _repr_html_(self) -> str:
        from ..drawing.html import entry_html  # an upward look, for notebooks

        return entry_html(self)
