"""Maps weighted by an update rule as a formula in N, B, T, E: sums of complete homogeneous symmetric polynomials.

An edge's weight is a sum of exponentials a x^(dt-1), x the rule's eigenvalues, and (dt-1) x^(dt-1) of a double one. One
term for each edge is chosen in all ways; then the weights are powers, and runs of updates sum to h_n(q_0, ..., q_m), the q
products of those x that cross.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any

from ..diagram import Diagram
from ..errors import UnsupportedError
from ..spacetime.updates import Update
from .arithmetic import exact_rule
from .exponential_terms import Exponents, Jet, Terms, signed
from .order_ideals import TransferMatrix, independent_epoch, repeated_epochs
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


def closed_form(
    poset: Poset, terms: Terms, sampling: str, basis: str, diagram: Diagram | None = None
) -> sympy.Expr:
    """The sum over maps of `sum_over_maps` in N, B, T, E; diagram: as there."""
    import sympy

    from ..letters import grid_symbols

    N, B, T, E = grid_symbols()
    length = sympy.Dummy("L", positive=True, integer=True)  # N/B, so that (x^2)^L is x^(2L)
    several = (T, sympy.Integer(1)) if sampling == "replacement" else (E, length)
    epochs, updates = (None, T) if sampling == "one epoch" else several
    posets = merged(poset, basis, diagram)

    def formula(terms: Terms) -> Any:
        if sampling in ("one epoch", "cyclic"):
            return _repeated(poset, diagram, terms, B, basis, updates, epochs)
        return sympy.Add(*(ways * _independent(each, terms, N, B, epochs, updates) for each, ways in posets.items()))

    found = formula(terms) if epochs is None else over_parities(terms, updates, len(poset.ends), formula)
    return found.xreplace({length: N / B})


def _repeated(
    poset: Poset, diagram: Diagram | None, terms: Terms, B: Any, basis: str, updates: Any, epochs: Any
) -> Any:
    """One epoch (`epochs` is None), or whole epochs that repeat one order."""
    import sympy

    found: list[Any] = []
    most = 0 if epochs is None else len(poset.below)
    for chain, alike in distinct(diagram, repeated_epochs(poset, most, epochs is None)):
        moves, m = chain.late if epochs is not None else chain.early, len(chain.skipped) - 1
        for chosen, weight in terms.choices(poset):
            inside = _sum(_runs(moves, terms, chosen)[len(moves.states) - 1], terms, updates, B, basis)
            between = Jet({0: sympy.Integer(1)})
            if epochs is not None:
                skipped = Counter(terms.exponents([mask], chosen) for mask in chain.skipped)
                between = homogeneous(epochs - m, terms, skipped, updates)
            found.append(alike * weight * terms.linear(between * inside, chosen))
    return sympy.Add(*found)


def _independent(poset: Poset, terms: Terms, N: Any, B: Any, epochs: Any, updates: Any) -> Any:
    """Moment basis; whole epochs with an order of their own each."""
    import sympy

    moves = independent_epoch(poset)
    place = {ideal: i for i, ideal in enumerate(moves.ideals)}
    found: list[Any] = []
    pole = False
    for chosen, weight in terms.choices(poset):
        through = [
            [(place[steps.states[j]], used[j], _sum(run, terms, updates, B, "moment"))
             for j, run in _runs(steps, terms, chosen).items() if j]
            for steps, used in zip(moves.transfers, moves.used, strict=True)
        ]
        waits = [terms.exponents([mask], chosen) for mask in moves.crossing]
        # sums over chains of ideals, by the multiset of what passes over skipped epochs, and by rows used in the others
        rows: list[dict[tuple[tuple[Exponents, ...], tuple[int, ...]], Jet]] = [{} for _ in moves.ideals]
        rows[0] = {((waits[0],), ()): Jet({0: sympy.Integer(1)})}
        for i, gains in enumerate(through):
            for j, used, gain in gains:
                for (passed, rest), value in rows[i].items():
                    key = tuple(sorted((*passed, waits[j]))), tuple(sorted((*rest, used)))
                    rows[j][key] = rows[j].get(key, Jet()) + value * gain
        for (passed, rest), value in rows[-1].items():
            pole |= sum(size > 1 for size in rest) > 1
            placed = sympy.cancel(sympy.ff(N, poset.parts) / sympy.Mul(*(sympy.ff(N, size) for size in rest)))
            skipped = homogeneous(epochs - len(rest), terms, Counter(passed), updates)
            found.append(weight * placed * terms.linear(value * skipped, chosen))
    total = sympy.Add(*found)
    if pole:  # at fewer rows than parts, where there are no maps
        return sympy.Piecewise((total, poset.parts <= N), (0, True))
    return total


def _runs(moves: TransferMatrix, terms: Terms, chosen: Sequence[int]) -> dict[int, Counter[Run]]:
    """The ways from the first state to each, by what they are worth."""
    rows: list[Counter[Run]] = [Counter() for _ in moves.states]
    stays = [terms.exponents(masks, chosen) for masks in moves.crossing]
    rows[0][(), (stays[0],), (0,) * len(terms.x)] = 1
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

    if times.is_number or not any(opposite(*pair) for pair in combinations(terms.x, 2)):
        return formula(terms)
    sign = sympy.Integer(-1) ** times
    even, odd = (formula(replace(terms, sign=parity)) for parity in (1, -1))
    return (1 + sign) / 2 * even + (1 - sign) / 2 * odd


def homogeneous(n: Any, terms: Terms, counted: Counter[Exponents], times: Any) -> Jet:
    """h_n of the products x^(exponents times `times`), with multiplicities: the coefficient of z^n in prod (1 - q z)^-k.

    Of q (1 + d), d in the e, (1 - q (1 + d) z)^-k is the sum over a of C(k + a - 1, a) (q d z)^a / (1 - q z)^(k + a).
    """
    import sympy

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
        total += value.of(_homogeneous(n - len(place), frozenset((plain + Counter(place)).items())))
    return total


@lru_cache(maxsize=4096)
def _homogeneous(n: Any, values: frozenset[tuple[Any, int]]) -> Any:
    """The same of values without e.

    By partial fractions, sum over q and r <= k of A[q, r] C(n + r - 1, r - 1) q^n; true from n = 1 - (number of values).
    """
    import sympy

    if n.is_Integer and n < 0:
        return sympy.Integer(0)
    rest = frozenset((q, k) for q, k in values if q != 0)
    if not rest:
        return sympy.Piecewise((1, sympy.Eq(n, 0)), (0, True))
    if rest != values:  # then true from later on
        return sympy.Piecewise((_homogeneous(n, rest), n >= 1 - sum(k for _, k in rest)), (0, True))
    found = []
    for q, k in values:
        series = [sympy.Integer(1)] + [sympy.Integer(0)] * (k - 1)  # prod of (1 - p + p s)^-j in s, p = other / q
        above = 0  # of q, so that none stands below where q may become 0
        for other, j in values:
            if other != q:
                gap = 1 / sympy.powsimp(q - other)
                factor = [sympy.binomial(-j, i) * (other * gap) ** i * gap**j for i in range(k)]
                series = [sympy.Add(*(series[a] * factor[i - a] for a in range(i + 1))) for i in range(k)]
                above += j
        for r in range(1, k + 1):
            ways = sympy.expand_func(sympy.binomial(n + r - 1, r - 1))
            found.append(series[k - r] * ways * q ** (n + above))
    return sympy.Add(*found)
