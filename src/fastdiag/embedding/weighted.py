"""Counting maps whose edges carry k^(dt - 1): the same patterns, read with powers instead of binomials.

A position, or an epoch, is one step of a triangular transfer matrix over what has been placed so far; an edge multiplies
by its k at every update strictly between child and parent. Sums over runs of steps are powers of the matrix.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import perm
from numbers import Integral
from typing import Any, TypeAlias

from ..diagram import Diagram
from ..diagram.partition import moebius_from_bottom, set_partitions
from ..errors import InputError
from ..spacetime import Spacetime
from ..typing import Basis
from .counting import family_of
from .enumeration import checked
from .relations import Relations

Number: TypeAlias = Any
"""Whatever k is made of: int, Fraction, an element of a polynomial ring."""
Matrix: TypeAlias = dict[int, dict[int, Number]]
STEPWISE = 48  # runs up to this long are walked step by step; longer ones by repeated squaring


def weighted_maps(
    diagram: Diagram | str, spacetime: Spacetime, k: object, basis: Basis = "cumulant"
) -> Any:
    """Expected sum over maps of the product over edges of k_e^(dt - 1), dt = time(parent) - time(child) >= 1.

    The root is at time T. With k = 1 this is `maps`; with k = 1 - eta h it is resummation in an eigenbasis, and momentum
    is a combination of k = 1 and k = mu.

    Parameters
    ----------
    diagram : a Diagram or its text
    spacetime : any sampling, partial epochs too; T should be moderate, since exact powers k^T have T times the digits
    k : exact: an int, a Fraction or a SymPy expression, for all edges; or a sequence of them, the i-th for the edge above
        node i + 1
    basis : 'cumulant' or 'moment'

    Returns
    -------
    int or Fraction; an expanded SymPy expression where k has symbols

    Raises
    ------
    InputError : k is a float, or has the wrong length; unknown basis

    Examples
    --------
    >>> import fastdiag as fd, sympy
    >>> fd.weighted_maps("[a]", fd.Spacetime(N=4, T=4), sympy.Symbol("k"))
    k**3 + k**2 + k + 1
    >>> from fractions import Fraction
    >>> fd.weighted_maps("[a b]", fd.Spacetime(N=2, T=4), [Fraction(1, 2), -1])
    Fraction(0, 1)
    """
    diagram = checked(diagram, spacetime, basis)
    factors, back = _exact_factors(k, diagram.order)
    relations = Relations.of(diagram)
    above = tuple(p - 1 for p in diagram.parents[1:])  # -1: the root
    # in one epoch both kinds of patterns hold, and the basis decides which is simple
    one_order = basis == "cumulant" if spacetime.is_one_epoch else family_of(spacetime) == "one order"
    strings: Sequence[Sequence[int]] = [range(relations.parts)]
    if one_order != (basis == "cumulant"):
        strings = set_partitions(relations.parts)
    total: Number = 0
    for string in strings:
        sum_over_maps = _OneOrder if one_order else _FreshOrders
        sign = 1 if len(strings) == 1 or basis == "cumulant" else moebius_from_bottom(string)
        total = total + sign * sum_over_maps(relations.coarsened(string), above, factors, spacetime).total()
    return back(total)


@dataclass(frozen=True)
class _Sum:
    """One diagram, one partition of its nodes, one spacetime."""

    relations: Relations
    above: tuple[int, ...]
    k: tuple[Number, ...]
    spacetime: Spacetime

    @functools.cached_property
    def schedule(self) -> tuple[int, int, int, int]:
        """Rows, whole epochs, updates of an epoch, updates of the last, partial one."""
        st = self.spacetime
        if st.is_one_epoch:
            return st.finite("T") * st.B, 0, st.finite("T"), st.finite("T")
        return st.finite("N"), st.whole_epochs, st.updates_per_epoch, st.partial_updates

    @functools.cached_property
    def full(self) -> int:
        return (1 << len(self.k)) - 1

    def crossing(self, child_done: Callable[[int], bool], parent_done: Callable[[int], bool]) -> Number:
        """The product of the k of the edges that pass over an update."""
        result: Number = 1
        for v, p in enumerate(self.above):
            if child_done(v) and (p < 0 or not parent_done(p)):
                result = result * self.k[v]
        return result

    def done(self, ideal: int, nodes: int = 0, placed: int = 0) -> Callable[[int], bool]:
        """Whether a node lies in the ideal, or is one of `nodes` and its part is among those placed."""
        return lambda v: bool(ideal >> v & 1 or (nodes >> v & 1 and placed >> self.relations.part[v] & 1))

    def next_ideals(self, ideal: int) -> Iterator[int]:
        """Ideals of nodes that properly contain this one."""
        rest = self.full & ~ideal
        chosen = rest
        while chosen:
            after = ideal | chosen
            if all(not after >> v & 1 or self.relations.below[v] & ~after == 0 for v in range(len(self.k))):
                yield after
            chosen = (chosen - 1) & rest

    def part_order(self, together: Sequence[int]) -> list[int]:
        """For each part, the mask of the parts strictly before it, by the relations inside each set of nodes."""
        masks = [0] * self.relations.parts
        for nodes in together:
            for v in _bits(nodes):
                for u in _bits(self.relations.below[v] & nodes):
                    masks[self.relations.part[v]] |= 1 << self.relations.part[u]
        return masks

    def met(self, nodes: int) -> int:
        """Mask of the parts of some nodes."""
        mask = 0
        for v in _bits(nodes):
            mask |= 1 << self.relations.part[v]
        return mask

    def position_steps(
        self, parts: int, order: Sequence[int], gain: Callable[[int], int], passing: Callable[[int, int], Number]
    ) -> Matrix:
        """One position as a matrix over the parts placed before it; `passing(before, after)` weighs the edges."""
        matrix: Matrix = {0: {}}
        for before in range(parts + 1):
            if before not in matrix:
                continue
            free = sum(1 << p for p in _bits(parts & ~before) if order[p] & ~before == 0)
            step = free
            while True:
                after = before | step
                matrix.setdefault(after, {})
                matrix[before][after] = gain(step.bit_count()) * passing(before, after)
                if step == 0:
                    break
                step = (step - 1) & free
        return matrix


class _FreshOrders(_Sum):
    """Moment basis; every epoch has its own order of the rows."""

    def total(self) -> Number:
        N, whole, epoch, rest = self.schedule
        if self.relations.parts > N:
            return 0
        row: dict[int, Number] = {0: 1}
        for updates, times in ((epoch, whole), (rest, 1)):
            if updates and times:
                row = _power(self.epoch_steps(updates, N), row, times)
        return row.get(self.full, 0) * perm(N, self.relations.parts)

    def epoch_steps(self, updates: int, N: int) -> Matrix:
        """One epoch as a matrix over ideals of nodes."""
        matrix: Matrix = {}
        for ideal in range(self.full + 1):
            if any(self.relations.below[v] & ~ideal for v in _bits(ideal)):
                continue
            matrix[ideal] = {after: self.epoch_weight(ideal, after, updates, N) for after in self.next_ideals(ideal)}
            matrix[ideal][ideal] = self.epoch_weight(ideal, ideal, updates, N)
        return matrix

    def epoch_weight(self, ideal: int, after: int, updates: int, N: int) -> Number:
        nodes = after & ~ideal
        parts = self.met(nodes)
        steps = self.position_steps(
            parts,
            self.part_order([nodes]),
            lambda size: perm(self.spacetime.B, size),
            lambda before, now: self.crossing(self.done(ideal, nodes, before), self.done(ideal, nodes, now)),
        )
        return _power(steps, {0: 1}, updates).get(parts, 0) * Fraction(1, perm(N, parts.bit_count()))


class _OneOrder(_Sum):
    """Cumulant basis; one order of the rows, repeated."""

    def total(self) -> Number:
        return sum(self.of_chain(chain) for chain in self.chains((0,)))

    def chains(self, prefix: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """Ideals at the end of each whole epoch that holds nodes; the last, partial epoch takes what is left."""
        _, whole, _, rest = self.schedule
        if prefix[-1] == self.full or rest:
            yield prefix
        if prefix[-1] != self.full and len(prefix) <= whole:
            for after in self.next_ideals(prefix[-1]):
                yield from self.chains((*prefix, after))

    def of_chain(self, chain: tuple[int, ...]) -> Number:
        _, whole, epoch, rest = self.schedule
        sets = [after & ~before for before, after in zip(chain, chain[1:], strict=False)]
        last = self.full & ~chain[-1]
        order = self.part_order([*sets, last])
        early = self.met(last)
        skipped = [self.crossing(self.done(ideal), self.done(ideal)) ** epoch for ideal in chain]

        def passing(before: int, now: int, partial: bool) -> Number:
            weight: Number = 1
            visits = [*zip(chain, sets, strict=False), *([(chain[-1], last)] if partial else [])]
            for ideal, nodes in visits:
                weight = weight * self.crossing(self.done(ideal, nodes, before), self.done(ideal, nodes, now))
            return weight

        everything = (1 << self.relations.parts) - 1
        row: dict[int, Number] = {0: 1}
        for updates, partial in ((rest, True), (epoch - rest, False)):
            if updates:
                steps = self.position_steps(
                    everything, order, lambda size: int(self.spacetime.B**size), functools.partial(passing, partial=partial)
                )
                row = _power(steps, row, updates)
            if partial:  # the parts of the last epoch lie before its cut
                row = {placed: weight for placed, weight in row.items() if early & ~placed == 0}
        ways = complete_homogeneous(whole - len(sets), skipped)
        return row.get(everything, 0) * ways


def complete_homogeneous(degree: int, values: Sequence[Number]) -> Number:
    """h_n(q_0, ..., q_m): the corner of the (n + m)-th power of the bidiagonal matrix with the values on its diagonal."""
    m = len(values) - 1
    if degree < 0:
        return 0
    bidiagonal = {i: {i: q} | ({i + 1: 1} if i < m else {}) for i, q in enumerate(values)}
    return _power(bidiagonal, {0: 1}, degree + m).get(m, 0)


def _power(matrix: Matrix, row: dict[int, Number], times: int) -> dict[int, Number]:
    """row @ matrix^times."""
    if times <= STEPWISE:
        for _ in range(times):
            row = _product(row, matrix)
        return row
    while times:
        if times & 1:
            row = _product(row, matrix)
        times >>= 1
        if times:
            matrix = {i: _product(entries, matrix) for i, entries in matrix.items()}
    return row


def _product(row: dict[int, Number], matrix: Matrix) -> dict[int, Number]:
    result: dict[int, Number] = {}
    for i, x in row.items():
        for j, y in matrix[i].items():
            result[j] = result[j] + x * y if j in result else x * y
    return result


def _bits(mask: int) -> list[int]:
    return [v for v in range(mask.bit_length()) if mask >> v & 1]


def _exact_factors(k: object, edges: int) -> tuple[tuple[Number, ...], Callable[[Number], Any]]:
    """k for each edge, in arithmetic that is fast, and the way back."""
    values = list(k) if isinstance(k, list | tuple) else [k] * edges
    values = [int(v) if isinstance(v, Integral) else v for v in values]
    if len(values) != edges:
        raise InputError(f"k must be one number, or one for each of the {edges} edges, not {len(values)} of them")
    if all(isinstance(value, int | Fraction) for value in values):
        return tuple(values), lambda total: total
    if any(isinstance(value, float) for value in values):
        raise InputError("k must be exact; write Fraction(1, 2) or sympy.Rational(1, 2) instead of 0.5")
    import sympy
    from sympy.polys.polyerrors import PolynomialError
    from sympy.polys.rings import ring

    try:
        expressions = [sympy.sympify(value, strict=True) for value in values]
    except sympy.SympifyError as error:
        raise InputError(f"k must be an int, a Fraction or a SymPy expression: {error}") from None
    if any(expression.has(sympy.Float, sympy.nan, sympy.oo, sympy.zoo) for expression in expressions):
        raise InputError(f"k must be exact and finite, not {values}; write Fraction(1, 2) instead of 0.5")
    symbols = sorted(set().union(*(e.free_symbols for e in expressions)), key=str)
    if not symbols and all(e.is_Rational for e in expressions):
        return tuple(Fraction(int(e.p), int(e.q)) for e in expressions), lambda total: total
    try:
        polynomials = ring(symbols, sympy.QQ)[0]
        factors = tuple(polynomials.from_expr(e) for e in expressions)
    except (PolynomialError, ValueError):  # k is no polynomial in its symbols: work with expressions
        return tuple(expressions), lambda total: sympy.expand(total)
    return factors, lambda total: polynomials(total).as_expr() if not hasattr(total, "as_expr") else total.as_expr()
