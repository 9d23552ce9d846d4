"""Maps weighted by an update rule as a formula in N, B, T, E: sums of complete homogeneous symmetric polynomials.

An edge's weight is a sum of exponentials a x^(dt-1), x the rule's eigenvalues, and (dt-1) x^(dt-1) of a double one. One
term for each edge is chosen in all ways; then the weights are powers, and runs of updates sum to h_n(q_0, ..., q_m), the q
products of those x that cross.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations, product
from math import comb
from typing import TYPE_CHECKING, Any

from ..diagram import Diagram
from ..diagram.partition import set_partitions
from ..errors import UnsupportedError
from ..spacetime.updates import Update
from .arithmetic import exact_rule
from .order_ideals import TransferMatrix, independent_epoch, repeated_epochs
from .pattern_weights import Formulas, slots
from .poset import Poset
from .sum_over_maps import coarsenings, distinct
from .weighted import without_idle_state

if TYPE_CHECKING:
    import sympy

Exponents = tuple[int, ...]
"""Of each eigenvalue."""
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

    N, B, T, E = sympy.symbols("N B T E", positive=True, integer=True)
    length = sympy.Dummy("L", positive=True, integer=True)  # N/B, so that (x^2)^L is x^(2L)
    several = (T, sympy.Integer(1)) if sampling == "replacement" else (E, length)
    epochs, updates = (None, T) if sampling == "one epoch" else several
    if diagram is not None:
        posets = coarsenings(diagram, basis)
    else:
        strings = set_partitions(poset.parts) if basis == "cumulant" else [range(poset.parts)]
        posets = Counter(poset.coarsened(string) for string in strings)

    def formula(terms: Terms) -> Any:
        if sampling in ("one epoch", "cyclic"):
            return _repeated(poset, diagram, terms, B, basis, updates, epochs)
        return sympy.Add(*(ways * _independent(each, terms, N, B, epochs, updates) for each, ways in posets.items()))

    found = formula(terms) if epochs is None else over_parities(terms, updates, len(poset.ends), formula)
    return found.xreplace({length: N / B})


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of an edge's weight: coefficient x^n or, of a repeated x, also coefficient n x^n; n = dt - 1.

    n x^n is what is linear in e of (x (1 + e))^n, with an e for each edge. So with such terms all numbers are `Jet`s, and
    the result is what is linear in all e that are chosen.
    """

    x: list[Any]
    root: list[Any]
    """Coefficients on edges to the root."""
    inner: list[Any]
    """On others."""
    edge: list[int]
    """The edge whose x (1 + e) it is, as a mask, or 0."""
    options: list[list[int]]
    """Which terms each edge has."""
    sign: int = 0
    """(-1)^updates, if known."""

    @classmethod
    def of(cls, update: Update, edges: int) -> Terms:
        import sympy

        first, second = ([sympy.sympify(update.weight(dt, to_root)) for to_root in (True, False)] for dt in (1, 2))
        x = [sympy.sympify(line[i]) for i, line in enumerate(update.step)]
        edge = [0] * len(x)
        if len(x) == 1:
            pairs = [first]
        elif sympy.simplify(x[1] - x[0]) != 0:
            pairs = amplitudes(x, first, second)
        elif x[0] == 0:
            x, edge, pairs = x[:1], edge[:1], [first]
        else:
            slope = [sympy.factor(two / x[0] - one) for one, two in zip(first, second, strict=True)]
            edge = [0, *(1 << v for v in range(edges))]
            x, pairs = x[:1] * (1 + edges), [first, *[slope] * edges]
        root, inner = ([*line] for line in zip(*pairs, strict=True))
        return cls(x, root, inner, edge, [[i for i, mask in enumerate(edge) if mask in (0, 1 << v)] for v in range(edges)])

    @classmethod
    def powers(cls, k: Sequence[Any]) -> Terms:
        """k_e^(dt - 1), a k for each edge."""
        import sympy

        one = [sympy.Integer(1)] * len(k)
        return cls([*k], one, one, [0] * len(k), [[e] for e in range(len(k))])

    def power(self, exponents: Exponents, times: Any = 1) -> tuple[Any, Jet]:
        """x^(exponents times `times`), and what it is multiplied by where some x are x (1 + e)."""
        import sympy

        sign, numbers, others, shift = sympy.Integer(1), sympy.Integer(1), [], Jet({0: sympy.Integer(1)})
        for x, mask, n in zip(self.x, self.edge, exponents, strict=True):
            minus, x = _sign(x)
            if minus < 0 and n % 2:
                sign *= minus if times == 1 else self.sign or minus**times
            if x.is_number:  # one power, so that equal products are equal expressions
                numbers *= x**n
            else:
                others.append(x ** (n * times))
            if mask and n:
                shift *= Jet({0: sympy.Integer(1), mask: n * times})
        numbers = numbers if numbers.is_Rational else sympy.radsimp(sympy.expand(numbers))
        return sympy.Mul(sign, numbers**times, *others), shift

    def choices(self, poset: Poset) -> Iterator[tuple[tuple[int, ...], Any]]:
        """A term for each edge, and the product of their coefficients."""
        import sympy

        for chosen in product(*self.options):
            factors = [(self.root if p < 0 else self.inner)[i] for i, (_, p) in zip(chosen, poset.ends, strict=True)]
            if all(factors):
                yield chosen, sympy.Mul(*factors)

    def exponents(self, masks: Sequence[int], chosen: Sequence[int]) -> Exponents:
        """How often each term's x occurs among the edges of some masks."""
        count = [0] * len(self.x)
        for mask in masks:
            for v, i in enumerate(chosen):
                count[i] += mask >> v & 1
        return tuple(n if x != 1 else 0 for n, x in zip(count, self.x, strict=True))

    def linear(self, found: Jet, chosen: Sequence[int]) -> Any:
        """What is linear in each chosen e."""
        return found.get(sum(self.edge[i] for i in chosen), 0)


def amplitudes(x: Sequence[Any], first: Sequence[Any], second: Sequence[Any]) -> list[list[Any]]:
    """For each of two different x its coefficients in weights that are sums of x^n, known at n = 0 and 1."""
    import sympy

    gap = sympy.simplify(x[1] - x[0])
    fast = [sympy.factor((two - x[0] * one) / gap) for one, two in zip(first, second, strict=True)]
    return [[sympy.factor(one - part) for one, part in zip(first, fast, strict=True)], fast]


def propagator(update: Update, k: Any, q: Any) -> list[tuple[Any, Any, Any]]:
    """The terms of an edge's resummed weight: x, its coefficient on edges to the root and on others.

    Of a step with the curvature in it the eigenvalues are k and q, or k alone: letters, so that no root is taken.
    """
    import sympy

    update = without_idle_state(update)
    step, push, point, seen = (sympy.Matrix(x) for x in (update.step, update.push, update.point, update.seen))
    x = [k, q][: len(push)]
    states = [push, (step - eigenvalues(update, k, q)[0] * push * point.T) * push]
    first, second = ([reader.dot(state) for reader in (seen, point)] for state in states)
    pairs = amplitudes(x, first, second) if len(x) > 1 else [first]
    return [(one, *pair) for one, pair in zip(x, pairs, strict=True)]


def eigenvalues(update: Update, k: Any, q: Any) -> tuple[Any, Any]:
    """eta h in terms of the eigenvalues k and q of step - eta h push point^T; and k q, or None where there is no q."""
    import sympy

    update = without_idle_state(update)
    step, push, point = (sympy.Matrix(x) for x in (update.step, update.push, update.point))
    h = (step.trace() - sum([k, q][: len(push)])) / point.dot(push)
    return h, sympy.factor(step.det() - h * point.dot(step.adjugate() * push)) if len(push) > 1 else None


class Jet(dict[int, Any]):
    """A polynomial in the e of edges, with e^2 = 0: its coefficients by the mask of edges."""

    def __add__(self, other: Jet) -> Jet:
        return Jet({mask: self.get(mask, 0) + other.get(mask, 0) for mask in self | other})

    def __mul__(self, other: Jet) -> Jet:
        found = Jet()
        for one, x in self.items():
            for two, y in other.items():
                if not one & two:
                    found[one | two] = found.get(one | two, 0) + x * y
        return found

    def of(self, x: Any) -> Jet:
        return Jet({mask: x * y for mask, y in self.items()})


def _sign(x: Any) -> tuple[int, Any]:
    """x as 1 or -1 times what has no sign."""
    return (-1, -x) if (x.is_negative if x.is_number else not x.is_Add and x.could_extract_minus_sign()) else (1, x)


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
    for source, target, parts, passing in sorted(moves.steps):
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
        (s, x), (t, y) = _sign(one), _sign(other)
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
