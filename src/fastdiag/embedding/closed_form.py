"""Maps weighted by an update rule as a formula in N, B, T, E: sums of complete homogeneous symmetric polynomials.

An edge's weight is a sum of exponentials a x^(dt-1), x the rule's eigenvalues, and (dt-1) x^(dt-1) of a double one. One
term for each edge is chosen in all ways; then the weights are powers, and runs of updates sum to h_n(q_0, ..., q_m), the q
products of those x that cross.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any, TypeAlias

from ..diagram import Diagram
from ..errors import UnsupportedError
from ..spacetime.formulas import is_formula
from ..spacetime.updates import Update
from .arithmetic import exact_rule
from .exponential_terms import Exponents, Jet, Terms, signed
from .order_ideals import Epoch, TransferMatrix, independent_epoch, repeated_epochs
from .pattern_weights import Formulas, slots
from .poset import Poset, merged
from .sum_over_maps import distinct

if TYPE_CHECKING:
    import sympy

Run = tuple[tuple[int, ...], tuple[Exponents, ...], Exponents]
"""Parts on each level, the q between levels, the x that pass over levels; the order of levels does not matter."""
SHORT = 400  # operations up to which a formula is factored


def updated_formula(diagram: Diagram, sampling: str, basis: str, update: Update) -> sympy.Expr:
    """See `maps_formula`."""
    import sympy

    check_timeless(update)
    found = closed_form(Poset.of(diagram), Terms.of(update, diagram.order), sampling, basis, diagram)
    short = sampling == "one epoch" and found.count_ops() <= SHORT  # with mu^(N/B) to be factored, minutes go by
    return sympy.powsimp(sympy.factor(sympy.together(found))) if short else found


def check_timeless(update: Update) -> None:
    """Raise UnsupportedError for a schedule, which no closed form knows, and InputError for floats."""
    if update.schedule is not None:
        raise UnsupportedError(
            "a schedule depends on absolute time, so there is no formula in T; fastdiag.weighted_maps, "
            "fastdiag.coefficient and fastdiag.predict have it at numbers"
        )
    exact_rule(update, 0)


@dataclass(frozen=True, slots=True)
class SymbolicGrid:
    """The numbers of a spacetime, each a number or an expression."""

    N: Any
    B: Any
    repeats: bool
    """Whether all epochs have one order of the rows; one epoch is so too."""
    updates: Any
    """Of an epoch."""
    epochs: Any
    """Those that are run to their end."""
    rest: Any = 0
    """Updates of a last, partial epoch."""
    last: Any = None
    """The size of a smaller last batch of whole epochs."""
    share: Any = 1
    """What a node in it weighs."""

    def segments(self, updates: Any) -> list[tuple[Any, bool]]:
        """So many updates up to the end of an epoch: in batches of one size, and in the last one by itself."""
        return [(updates, False)] if self.last is None else [(updates - 1, False), (1, True)]


def closed_form(
    poset: Poset, terms: Terms, sampling: str, basis: str, diagram: Diagram | None = None
) -> sympy.Expr:
    """The sum over maps of `sum_over_maps` in N, B, T, E, rational in letters and their powers; diagram: as there."""
    import sympy

    from ..letters import grid_symbols
    from .geometric_sum import in_fractions

    N, B, T, E = grid_symbols()
    one = sympy.Integer(1)
    if sampling == "one epoch":
        return in_fractions(sum_on(SymbolicGrid(N, B, True, T, 0, T), poset, terms, basis, diagram))
    several = (T, one) if sampling == "replacement" else (E, N / B)
    grid = SymbolicGrid(N, B, sampling == "cyclic", several[1], several[0])
    return in_fractions(sum_on(grid, poset, terms, basis, diagram))


def sum_on(
    grid: SymbolicGrid, poset: Poset, terms: Terms, basis: str, diagram: Diagram | None = None
) -> sympy.Expr:
    """The sum over maps of `sum_over_maps` on a grid of symbols; diagram: as there."""
    import sympy

    length, whole, rest = sympy.symbols("L E R", positive=True, integer=True, cls=sympy.Dummy)
    known = {length: grid.updates, whole: grid.epochs, rest: grid.rest}
    numbers = {symbol: sympy.sympify(x) for symbol, x in known.items()}
    short = {x: symbol for symbol, x in numbers.items() if not x.is_number}  # (x^2)^L is x^(2L) for symbols
    updates, epochs, left = (short.get(x, x) for x in numbers.values())
    grid = replace(grid, updates=updates, epochs=epochs, rest=left)
    posets = merged(poset, basis, diagram)

    def formula(terms: Terms) -> Any:
        if grid.repeats:
            return _repeated(poset, diagram, terms, grid, basis)
        fit = [(each, ways) for each, ways in posets.items() if is_formula(grid.N) or each.parts <= grid.N]
        return sympy.Add(*(ways * _independent(each, terms, grid) for each, ways in fit))

    found = formula(terms) if epochs == 0 else over_parities(terms, updates, len(poset.ends), formula)
    return found.xreplace(numbers)


Row: TypeAlias = dict[int, Jet]
"""What has been summed up to each state."""


def _repeated(poset: Poset, diagram: Diagram | None, terms: Terms, grid: SymbolicGrid, basis: str) -> Any:
    """One epoch, or epochs that repeat one order, the last of which may be partial."""
    import sympy

    found: list[Any] = []
    epochs, rest = grid.epochs, grid.rest
    most = 0 if epochs == 0 else len(poset.below)
    one = Jet({0: sympy.Integer(1)})
    for chain, alike in distinct(diagram, repeated_epochs(poset, most, rest != 0)):
        m, states = len(chain.skipped) - 1, chain.late.states  # and of the early sweep
        for chosen, weight in terms.choices(poset):
            row: Row = {0: one}
            if rest != 0:
                row = _after(row, chain.early, [(rest, False)], terms, chosen, grid, basis)
                row = {i: x for i, x in row.items() if chain.required & ~states[i] == 0}
            between = one
            if epochs != 0:
                row = _after(row, chain.late, grid.segments(grid.updates - rest), terms, chosen, grid, basis)
                skipped = Counter(terms.exponents([mask], chosen) for mask in chain.skipped)
                between = homogeneous(epochs - m, terms, skipped, grid.updates)
            inside = row.get(len(states) - 1, Jet())
            found.append(alike * weight * terms.linear(between * inside, chosen))
    return sympy.Add(*found)


def _independent(poset: Poset, terms: Terms, grid: SymbolicGrid) -> Any:
    """Moment basis; epochs with an order of their own each, the last of which may be partial."""
    import sympy

    N = grid.N
    moves = independent_epoch(poset)
    place = {ideal: i for i, ideal in enumerate(moves.ideals)}
    found: list[Any] = []
    pole, one = False, Jet({0: sympy.Integer(1)})
    for chosen, weight in terms.choices(poset):
        waits = [terms.exponents([mask], chosen) for mask in moves.crossing]
        # sums over chains of ideals, by the multiset of what passes over skipped epochs, and by rows used in the others
        rows: list[dict[tuple[tuple[Exponents, ...], tuple[int, ...]], Jet]] = [{} for _ in moves.ideals]
        rows[0] = {((waits[0],), ()): one}
        for i, ideal in enumerate(moves.ideals):
            gains = _epoch(moves, i, grid.segments(grid.updates), terms, chosen, grid)
            for after, used, gain in gains:
                j = place[after]
                for (passed, rest), value in rows[i].items() if after != ideal else ():
                    key = tuple(sorted((*passed, waits[j]))), tuple(sorted((*rest, used)))
                    rows[j][key] = rows[j].get(key, Jet()) + value * gain
        last: list[tuple[int, int, Jet]] = [(len(rows) - 1, 0, one)]
        if grid.rest != 0:
            early = [(grid.rest, False)]
            last = [
                (i, used, x) for i in range(len(rows))
                for after, used, x in _epoch(moves, i, early, terms, chosen, grid) if after == moves.ideals[-1]
            ]
        for i, used, end in last:
            for (passed, rest), value in rows[i].items():
                pole |= sum(size > 1 for size in (*rest, used)) > 1
                placed = sympy.cancel(sympy.ff(N, poset.parts) / sympy.Mul(*(sympy.ff(N, size) for size in (*rest, used))))
                skipped = homogeneous(grid.epochs - len(rest), terms, Counter(passed), grid.updates)
                found.append(weight * placed * terms.linear(value * skipped * end, chosen))
    total = sympy.Add(*found)
    if pole and is_formula(N):  # at fewer rows than parts, where there are no maps
        return sympy.Piecewise((total, poset.parts <= N), (0, True))
    return total


def _epoch(
    moves: Epoch, i: int, segments: Sequence[tuple[Any, bool]], terms: Terms, chosen: Sequence[int], grid: SymbolicGrid
) -> list[tuple[int, int, Jet]]:
    """From an ideal to others in one epoch, with the rows it uses, where N has so many."""
    import sympy

    steps, used = moves.transfers[i], moves.used[i]
    row = _after({0: Jet({0: sympy.Integer(1)})}, steps, segments, terms, chosen, grid, "moment")
    few = is_formula(grid.N)
    return [(steps.states[j], used[j], x) for j, x in row.items() if few or used[j] <= grid.N]


def _after(
    row: Row, moves: TransferMatrix, segments: Sequence[tuple[Any, bool]], terms: Terms, chosen: Sequence[int],
    grid: SymbolicGrid, basis: str,
) -> Row:
    """The row after runs of updates; (1, True) is the one of a smaller last batch."""
    for updates, is_last in segments:
        after: Row = {}
        for start, value in row.items():
            if is_last:
                gains = _last_gains(moves, start, terms, chosen, grid, basis)
            else:
                runs = _runs(moves, start, terms, chosen)
                gains = {j: _sum(run, terms, updates, grid.B, basis) for j, run in runs.items()}
            for j, gain in gains.items():
                after[j] = after.get(j, Jet()) + value * gain
        row = after
    return row


def _last_gains(
    moves: TransferMatrix, start: int, terms: Terms, chosen: Sequence[int], grid: SymbolicGrid, basis: str
) -> Row:
    """A stay, and the steps, at the update of a smaller last batch."""
    power, shift = terms.power(terms.exponents(moves.crossing[start], chosen))
    found = {start: shift.of(power)}
    for source, target, parts, passing, nodes in moves.steps:
        if source == start:
            power, shift = terms.power(terms.exponents(passing, chosen))
            gain = shift.of(slots((parts,), grid.last, basis, Formulas) * grid.share**nodes * power)
            found[target] = found.get(target, Jet()) + gain
    return found


def _runs(moves: TransferMatrix, start: int, terms: Terms, chosen: Sequence[int]) -> dict[int, Counter[Run]]:
    """The ways from a state to each, by what they are worth."""
    rows: list[Counter[Run]] = [Counter() for _ in moves.states]
    stays = [terms.exponents(masks, chosen) for masks in moves.crossing]
    rows[start][(), (stays[start],), (0,) * len(terms.x)] = 1
    for source, target, parts, passing, _ in sorted(moves.steps):
        over = terms.exponents(passing, chosen)
        for (sizes, between, passed), ways in rows[source].items():
            key = (
                tuple(sorted((*sizes, parts))),
                tuple(sorted((*between, stays[target]))),
                tuple(a + b for a, b in zip(passed, over, strict=True)),
            )
            rows[target][key] += ways
    return {i: row for i, row in enumerate(rows) if row}


def _sum(run: Counter[Run], terms: Terms, updates: Any, B: Any, basis: str) -> Jet:
    found: dict[tuple[int, tuple[Exponents, ...]], Jet] = {}
    for (sizes, between, passed), ways in run.items():
        key, (power, shift) = (len(sizes), between), terms.power(passed)
        found[key] = found.get(key, Jet()) + shift.of(ways * slots(sizes, B, basis, Formulas) * power)
    total = Jet()
    for (m, between), coefficient in found.items():
        total += coefficient * homogeneous(updates - m, terms, Counter(between), 1)
    return total


def over_parities(terms: Terms, times: Any, edges: int, formula: Callable[[Terms], Any]) -> Any:
    """A formula in powers x^times; where two products of x are opposite, for even and for odd `times` in one expression.

    Powers of the two are equal at even `times`, so that a formula of both divides by zero there.
    """
    import sympy

    def opposite(one: Any, other: Any) -> bool:
        (s, x), (t, y) = signed(one), signed(other)
        return any(
            s**a != t**b and sympy.expand(x**a - y**b) == 0 for a in range(1, edges) for b in range(1, edges + 1 - a)
        )

    if times.is_number or not (-1 in terms.x or any(opposite(*pair) for pair in combinations(terms.x, 2))):  # -1: of 1
        return formula(terms)
    sign = sympy.Integer(-1) ** times
    even, odd = (formula(replace(terms, sign=parity)) for parity in (1, -1))
    return (1 + sign) / 2 * even + (1 - sign) / 2 * odd


def homogeneous(n: Any, terms: Terms, counted: Counter[Exponents], times: Any) -> Jet:
    """h_n of the products x^(exponents times `times`), with multiplicities: the coefficient of z^n in prod (1 - q z)^-k.

    Of q (1 + d), d in the e, (1 - q (1 + d) z)^-k is the sum over a of C(k + a - 1, a) (q d z)^a / (1 - q z)^(k + a).
    """
    import sympy

    from .geometric_sum import geometric_sum

    one = sympy.Integer(1)
    plain: Counter[Any] = Counter()  # equal ones are counted together
    more: dict[tuple[Any, ...], Jet] = {(): Jet({0: one})}  # by the q that come once more, for each d
    for exponents, k in counted.items():
        q, shift = terms.power(exponents, times)
        plain[q] += k
        d, powers = Jet({mask: x for mask, x in shift.items() if mask}), [Jet({0: one})]
        while following := powers[-1] * d:
            powers.append(following.of(q))
        longer: dict[tuple[Any, ...], Jet] = {}
        for place, value in more.items():
            for a, power in enumerate(powers):
                if gain := value * power.of(comb(k + a - 1, a)):
                    key = tuple(sorted((*place, *[q] * a), key=str))
                    longer[key] = longer.get(key, Jet()) + gain
        more = longer
    total = Jet()
    for place, value in more.items():
        total += value.of(geometric_sum(n - len(place), plain + Counter(place)))
    return total
