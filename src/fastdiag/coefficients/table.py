"""All coefficients up to an order, from integer tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import flag, sequence, whole
from ..diagram import Diagram
from ..diagram.selection import selection
from ..door import door
from ..embedding import MapCounts
from ..errors import DiagramIndexError, InputError, TooLargeError
from ..memory import require, size
from ..numerals import written
from ..spacetime import Spacetime
from ..typing import Basis, FloatArray, IntArray, Last, Sampling
from .entry import Entry
from .frames import columns, library
from .rows import TableRows
from .sizes import of_coefficients
from .spacetimes import Spacetimes, one_by_one

if TYPE_CHECKING:
    import pandas
    import pyarrow

MEMORY_BYTES = 8 << 30  # what `coefficients` hands out at once


@dataclass(frozen=True, eq=False)
class CoefficientTable(TableRows):
    """Diagrams up to an order, with the integers from which their coefficients follow at any N, B, T, E; see `table`.

    A row is a diagram, or, after `by_value_class`, all diagrams of one value. Supports len, iteration over entries, and
    indexing: by an int, a Diagram or its text it gives an Entry; by a slice, a mask or an index array a table.

    Examples
    --------
    >>> import fastdiag as fd
    >>> table = fd.table(3, "cyclic")
    >>> table["[a b[a]]"], len(table[table.irreducible]), table[:3].parts.tolist()
    (<[a b[a]]: cyclic, cumulant basis>, 17, [0, 1, 1])
    """

    sampling: Sampling
    basis: Basis

    def _values(self) -> tuple[Any, ...]:
        """The arrays of an order follow from its kind: they have been verified."""
        return self.sampling, self.basis, self.order, self.diagram_rows, self.row_of

    @door
    def where(
        self,
        *,
        order: int | None = None,
        irreducible: bool | None = None,
        most_parts: int | None = None,
        largest_part: int | None = None,
        singleton_leaves: bool | None = None,
    ) -> CoefficientTable:
        """The rows that meet all the conditions given; what is left out is not computed later. No formula of the papers.

        Parameters
        ----------
        order : diagrams with this many edges only
        irreducible : those that are (True) or are not (False)
        most_parts : most parts besides the root's
        largest_part : most nodes to a part; 2 for Gaussian noise
        singleton_leaves : False leaves out what vanishes at a minimum of the test loss: a node of degree 1, the root too,
            that is alone in its part is G

        Raises
        ------
        InputError : a number that is not whole, a choice that is not True or False; `irreducible` of value classes, whose
            diagrams differ in it

        Examples
        --------
        >>> import fastdiag as fd
        >>> [str(entry.diagram) for entry in fd.table(2).where(singleton_leaves=False)]
        ['[]', '[a a]']
        """
        mask = np.ones(len(self), np.bool_)
        if order is not None:
            mask &= self.edges == whole("order", order, 0, what="edges")
        if irreducible is not None:
            if self.row_of is not None:
                raise InputError("diagrams of one value class differ in irreducible; choose before by_value_class")
            mask &= self.irreducible == flag("irreducible", irreducible)
        if most_parts is not None:
            mask &= self.parts <= whole("most_parts", most_parts, 0, what="parts")
        if largest_part is not None:
            mask &= (self.part_sizes <= whole("largest_part", largest_part, 1, what="nodes")).all(axis=1)
        if singleton_leaves is not None:
            mask &= self.singleton_leaves == flag("singleton_leaves", singleton_leaves)
        return self[mask]

    def by_value_class(self) -> CoefficientTable:
        """One row for all diagrams of one unrooted form: their values are equal, so their coefficients add up.

        The un-resummed value depends on the unrooted tree with its partition only; so the papers print their sums
        (Proposition 2). A row shows its first diagram.

        Raises
        ------
        InputError : some diagrams of a class were left out before, so that sums would be partial

        Examples
        --------
        >>> import fastdiag as fd
        >>> cubic = fd.table(3).where(order=3).by_value_class()
        >>> len(cubic), cubic["[a[b[c]]]"].diagrams
        (12, (Diagram.parse('[a b[c]]'), Diagram.parse('[a[b[c]]]')))
        """
        if self.row_of is not None:
            return self
        kept, first, rows, sizes = np.unique(
            self.value_class, return_index=True, return_inverse=True, return_counts=True
        )
        every = np.concatenate(
            [table.arrays["value_class"] + start for table, start in zip(self.orders, self._offsets[:-1], strict=True)]
        )
        if (np.bincount(every, minlength=1)[kept] != sizes).any():
            raise InputError(
                "some value classes are in the table only in part, and their sums would be partial; add up all diagrams, "
                "or choose by what those of a class share (order, parts, singleton leaves)"
            )
        rank = np.argsort(np.argsort(first))
        return replace(self, row_of=rank[rows.reshape(-1)])

    def __contains__(self, entry: object) -> bool:
        if isinstance(entry, str | Diagram):
            try:
                self._find(Diagram.of(entry))
            except DiagramIndexError:
                return False
            return True
        return isinstance(entry, Entry) and any(entry == own for own in self)

    def __iter__(self) -> Iterator[Entry]:
        return (self[i] for i in range(len(self)))

    @overload
    def __getitem__(self, index: int | str | Diagram) -> Entry: ...
    @overload
    def __getitem__(self, index: slice | IntArray | list[int]) -> CoefficientTable: ...
    def __getitem__(self, index: Any) -> Entry | CoefficientTable:
        if isinstance(index, str | Diagram):
            index = self._find(Diagram.of(index))
        index = selection(index, len(self), "row")
        if isinstance(index, int):
            return self._entry(self.diagram_rows[[index] if self.row_of is None else self.row_of == index])
        rows = np.arange(len(self))[index]
        if self.row_of is None:
            return replace(self, diagram_rows=self.diagram_rows[rows])
        order = np.argsort(self.row_of, kind="stable")
        starts = np.searchsorted(self.row_of[order], np.arange(len(self) + 1))
        members = [order[starts[row] : starts[row + 1]] for row in rows]
        return replace(
            self,
            diagram_rows=self.diagram_rows[np.concatenate([np.zeros(0, np.int64), *members])],
            row_of=np.repeat(np.arange(len(rows)), [len(m) for m in members]),
        )

    def _entry(self, kept: IntArray) -> Entry:
        orders = self._orders_of(kept)
        places = zip(orders.tolist(), (kept - self._offsets[orders]).tolist(), strict=True)
        return Entry(self.sampling, self.basis, tuple((self.orders[d], row) for d, row in places))

    def _find(self, diagram: Diagram) -> int:
        number = -1
        if diagram.order <= self.order:
            arrays = self.orders[diagram.order].arrays
            equal = (arrays["parents"] == diagram.parents).all(axis=1) & (arrays["blocks"] == diagram.blocks).all(axis=1)
            number = int(self._offsets[diagram.order] + np.argmax(equal)) if equal.any() else -1
        here = np.flatnonzero(self.diagram_rows == number)
        if not len(here):
            raise DiagramIndexError(f"{diagram} is not in this table of {len(self):,} rows to order {self.order}")
        return int(here[0] if self.row_of is None else self.row_of[here[0]])

    @door
    def coefficients(
        self,
        N: ArrayLike,
        B: ArrayLike = 1,
        T: ArrayLike | None = None,
        E: ArrayLike | None = None,
        exact: bool = False,
        last: Last | None = None,
    ) -> FloatArray:
        """(-1/B)^d maps / |Aut| of every row (papers: Theorem 3), summed over its diagrams.

        Parameters
        ----------
        N, B : training points and batch size; N may be math.inf (fresh data at every update)
        T, E : number of updates, or of epochs. All four may be arrays; they are broadcast against one another
        exact : Fractions instead of float64
        last : where B does not divide N, as for `Spacetime`: 'drop', or 'keep', whose coefficients are summed up one by one

        Returns
        -------
        float64 array, or object array of Fractions, of shape (rows,) + the shape that N, B, T, E broadcast to. Floats are
        right to a few units of the last place: all terms of a count are positive.

        Raises
        ------
        InputError : as for `Spacetime`; shapes that do not broadcast
        TooLargeError : beyond float64 (exact=True has it), free memory, or 8 GiB; too many with a smaller last batch

        Examples
        --------
        >>> import fastdiag as fd
        >>> table = fd.table(2)
        >>> table.coefficients(N=10, B=2, T=[5, 10], exact=True)[2].tolist()
        [Fraction(5, 4), Fraction(5, 1)]
        """
        spacetimes, exact = Spacetimes.of(self.sampling, N, B, T, E, last), flag("exact", exact)
        need, what = self._bytes(spacetimes, exact), f"{len(self.diagram_rows):,} diagrams at {spacetimes.size:,} points"
        advice = "ask for fewer at a time, or choose rows with where(...)"
        if need > MEMORY_BYTES:
            raise TooLargeError(f"{what} need {size(need)}; {advice}")
        require(need, what, advice)
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # what overflows is not finite, or no number
                out = self._of_diagrams(spacetimes, exact)
            fits = exact or bool(np.isfinite(out).all())
        except OverflowError:  # an int beyond all floats
            fits = False
        if not fits:
            raise TooLargeError("some counts exceed float64; ask for exact=True, or take fewer orders")
        if self.row_of is not None:
            summed = np.zeros((len(self), spacetimes.size), out.dtype)
            np.add.at(summed, self.row_of, out)
            out = summed
        return out.reshape(len(self), *spacetimes.shape)

    def _bytes(self, spacetimes: Spacetimes, exact: bool) -> int:
        return of_coefficients(spacetimes, len(self.diagram_rows), sum(map(len, self.orders)), self.order, exact)

    def _of_diagrams(self, spacetimes: Spacetimes, exact: bool) -> FloatArray:
        """The coefficient of each diagram, (diagrams, spacetimes)."""
        out = np.empty((len(self.diagram_rows), spacetimes.size), object if exact else np.float64)
        orders = self._orders_of(self.diagram_rows)
        for spacetime, places, updates in spacetimes.columns():
            if spacetime.is_ragged:
                every = self._entry(self.diagram_rows).diagrams
                out[:, places] = one_by_one(every, spacetime, updates, self.basis, exact)
                continue
            small = max(spacetime.finite("T"), spacetime.updates_per_epoch) < 2**63
            times = np.array(updates, np.int64 if small else object)
            for d in np.unique(orders).tolist():
                table, kept = self.orders[d], np.flatnonzero(orders == d)
                rows = self.diagram_rows[kept] - self._offsets[d]
                group = table.arrays["automorphisms"][rows]
                if exact:
                    limbs, reading = table.limbs(spacetime, self.basis, updates)
                    counts = MapCounts(limbs[rows], reading.width, reading.denominator, (len(rows), len(updates)))
                    below = reading.denominator * (-int(spacetime.B)) ** d
                    lines = zip(counts.numerators.tolist(), group.tolist(), strict=True)
                    found = [[Fraction(x, below * size) for x in line] for line, size in lines]
                else:
                    found = table.floats(spacetime, self.basis, times, rows)
                    found /= (group * (-1.0) ** d)[:, None]
                out[kept if len(places) == spacetimes.size else np.ix_(kept, places)] = found
        return out

    @door
    def to_pandas(self, **spacetime: Any) -> pandas.DataFrame:
        """One line a row, as a pandas DataFrame: diagram, order, parts, value_class, and |Aut| and irreducible of diagrams.

        Parameters
        ----------
        spacetime : N, B and T or E, numbers, and `exact`, as for `coefficients`, for a column of them

        Raises
        ------
        InputError : pandas is not installed, N, B or T are arrays; as for `coefficients`

        Examples
        --------
        >>> import fastdiag as fd
        >>> fd.table(1).to_pandas(N=10, T=5)["coefficient"].tolist()
        [1.0, -5.0]
        """
        return library("pandas").DataFrame(columns(self, spacetime))

    @door
    def to_arrow(self, **spacetime: Any) -> pyarrow.Table:
        """The same as a pyarrow Table; InputError also for exact=True.

        Examples
        --------
        >>> import fastdiag as fd
        >>> fd.table(1).to_arrow(N=10, T=5)["coefficient"].to_pylist()
        [1.0, -5.0]
        """
        if spacetime.get("exact"):
            raise InputError("Arrow has no column of Fractions; leave out exact=True, or use to_pandas")
        return library("pyarrow").table(columns(self, spacetime))

    @door
    def plot(self, path: str | Path | None = None, *, N: int | float, B: int = 1, T: Iterable[int] | None = None) -> Any:
        """A picture: the sizes of the coefficients over the number of updates, the twelve largest.

        Parameters
        ----------
        path : a file to write, .png, .svg or .pdf; None for none
        N, B : as for `coefficients`
        T : numbers of updates; by default up to one epoch, of fresh data to 100

        Returns
        -------
        A matplotlib Figure, which notebooks show

        Raises
        ------
        InputError : as for `coefficients`; no matplotlib, no such folder or format

        Examples
        --------
        >>> import fastdiag as fd
        >>> fd.table(2).plot(N=100, B=10, T=range(1, 101))
        <picture of 1 panel: savefig writes it to a file>
        """
        from ..drawing.coefficients import plot, some_times  # an upward look

        st = Spacetime(N, B, T=1, sampling=self.sampling)
        last = 100 if st.N == inf or self.sampling == "replacement" else st.updates_per_epoch
        times = some_times(last) if T is None else sequence("T", T, "numbers of updates")
        names = [" + ".join(map(str, entry.diagrams)) for entry in self]
        found = self.coefficients(N=st.N, B=st.B, T=times)
        return plot(path, f"N = {written(st.N)}, B = {st.B}, {self.sampling}", names, self.edges.tolist(), times, found)

    def __repr__(self) -> str:
        what = "diagrams" if self.row_of is None else "value classes"
        return f"<coefficient table: {len(self):,} {what} to order {self.order}, {self.sampling}, {self.basis} basis>"

    def _repr_html_(self) -> str:
        from .. import drawing  # the one upward look, for notebooks

        return drawing.table_html(self)
