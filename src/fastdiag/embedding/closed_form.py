"""Maps weighted by an update rule as a formula in N, B, T, E: sums of complete homogeneous symmetric polynomials.

An edge's weight is a sum of exponentials a x^(dt-1), x the rule's eigenvalues. One term for each edge is chosen in all
ways; then the weights are powers, and runs of updates sum to h_n(q_0, ..., q_m), the q products of those x that cross.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from ..diagram import Diagram
from ..diagram.partition import set_partitions
from ..errors import UnsupportedError
from ..spacetime.updates import Update
from .arithmetic import exact_rule
from .order_ideals import TransferMatrix, independent_epoch, repeated_epochs
from .poset import Poset
from .sum_over_maps import coarsenings, distinct

if TYPE_CHECKING:
    import sympy

Exponents = tuple[int, ...]
"""Of each eigenvalue."""
Run = tuple[tuple[int, ...], tuple[Exponents, ...], Exponents]
"""Parts on each level, the q between levels, the x that pass over levels; the order of levels does not matter."""
SHORT = 400  # operations up to which a formula is factored


def updated_formula(diagram: Diagram, sampling: str, basis: str, update: Update) -> sympy.Expr:
    """See `maps_formula`.

    Raises
    ------
    UnsupportedError : a schedule, which no closed form knows; equal eigenvalues, or one that is 0
    """
    import sympy

    if update.schedule is not None:
        raise UnsupportedError(
            "a schedule depends on absolute time, so there is no formula in T; fastdiag.weighted_maps and "
            "fastdiag.coefficient have it at numbers"
        )
    exact_rule(update, 0)
    found = closed_form(Poset.of(diagram), _terms(update), sampling, basis, diagram)
    short = sampling == "one epoch" and found.count_ops() <= SHORT  # with mu^(N/B) to be factored, minutes go by
    return sympy.powsimp(sympy.factor(sympy.together(found))) if short else found


def closed_form(
    poset: Poset, terms: Terms, sampling: str, basis: str, diagram: Diagram | None = None
) -> sympy.Expr:
    """The sum over maps of `sum_over_maps` in N, B, T, E; diagram: as there."""
    import sympy

    N, B, T, E = sympy.symbols("N B T E", positive=True, integer=True)
    several = (T, sympy.Integer(1)) if sampling == "replacement" else (E, N / B)
    epochs, updates = (None, T) if sampling == "one epoch" else several
    if sampling in ("one epoch", "cyclic"):
        def formula(terms: Terms) -> Any:
            return _repeated(poset, diagram, terms, B, basis, updates, epochs)
    else:
        if diagram is None:
            strings = set_partitions(poset.parts) if basis == "cumulant" else [range(poset.parts)]
            posets = Counter(poset.coarsened(string) for string in strings)
        else:
            posets = coarsenings(diagram, basis)

        def formula(terms: Terms) -> Any:
            return sympy.Add(*(
                ways * _independent(each, terms, N, B, epochs, updates) for each, ways in posets.items()
            ))

    return formula(terms) if epochs is None else over_parities(terms, updates, formula)


class Terms:
    """The exponentials of a rule: eigenvalues x, and their coefficients on edges to the root and on others."""

    def __init__(self, x: list[Any], root: list[Any], inner: list[Any], signs: dict[int, int] | None = None) -> None:
        self.x, self.root, self.inner, self.signs = x, root, inner, signs or {}

    def with_signs(self, opposite: Sequence[int], sign: int) -> Terms:
        """The same where (-1)^times is known for the negative ones: what `power` then writes (-x)^times and the sign."""
        return Terms(self.x, self.root, self.inner, dict.fromkeys(opposite, sign))

    def power(self, exponents: Exponents, times: Any = 1) -> Any:
        import sympy

        sign, numbers, others = sympy.Integer(1), sympy.Integer(1), []
        for i, (x, n) in enumerate(zip(self.x, exponents, strict=True)):
            if times != 1 and i in self.signs:
                sign, x = sign * self.signs[i] ** n, -x
            if x.is_Rational:  # one power, so that equal products are equal expressions
                numbers *= x**n
            else:
                others.append(x ** (n * times))
        return sympy.Mul(sign, numbers**times, *others)

    def choices(self, poset: Poset) -> Iterator[tuple[tuple[int, ...], Any]]:
        """An eigenvalue for each edge, and the product of their coefficients."""
        import sympy

        for chosen in product(range(len(self.x)), repeat=len(poset.ends)):
            factors = [(self.root if p < 0 else self.inner)[i] for i, (_, p) in zip(chosen, poset.ends, strict=True)]
            if all(factors):
                yield chosen, sympy.Mul(*factors)

    def exponents(self, masks: Sequence[int], chosen: Sequence[int]) -> Exponents:
        """How often each eigenvalue occurs among the edges of some masks."""
        count = [0] * len(self.x)
        for mask in masks:
            for v, i in enumerate(chosen):
                count[i] += mask >> v & 1
        return tuple(n if x != 1 else 0 for n, x in zip(count, self.x, strict=True))


def _terms(update: Update) -> Terms:
    import sympy

    first, second = ([sympy.sympify(update.weight(dt, to_root)) for to_root in (True, False)] for dt in (1, 2))
    x = [sympy.sympify(line[i]) for i, line in enumerate(update.step)]
    if len(x) == 1:
        found = Terms(x, first[:1], first[1:])
    else:
        gap = sympy.simplify(x[1] - x[0])
        if gap == 0:
            raise UnsupportedError(
                f"{update!r} has a repeated factor {x[0]}, and its formula another form; fastdiag.weighted_maps has it at "
                "numbers, or give a symbol for one of its parameters and take a limit"
            )
        fast = [sympy.factor((two - x[0] * one) / gap) for one, two in zip(first, second, strict=True)]
        slow = [sympy.factor(one - part) for one, part in zip(first, fast, strict=True)]
        root, inner = ([*pair] for pair in zip(slow, fast, strict=True))
        found = Terms(x, root, inner)
    keep = [i for i in range(len(x)) if found.root[i] != 0 or found.inner[i] != 0]
    if any(x[i] == 0 for i in keep):
        raise UnsupportedError(f"{update!r} forgets all at once; fastdiag.weighted_maps has it at numbers")
    return Terms([x[i] for i in keep], [found.root[i] for i in keep], [found.inner[i] for i in keep])


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
            between = 1
            if epochs is not None:
                skipped = Counter(terms.exponents([mask], chosen) for mask in chain.skipped)
                between = homogeneous(epochs - m, powers_of(terms, skipped, updates))
            found.append(alike * weight * between * inside)
    return sympy.Add(*found)


def _independent(poset: Poset, terms: Terms, N: Any, B: Any, epochs: Any, updates: Any) -> Any:
    """Moment basis; whole epochs with an order of their own each."""
    import sympy

    moves = independent_epoch(poset)
    place = {ideal: i for i, ideal in enumerate(moves.ideals)}
    found = []
    for chosen, weight in terms.choices(poset):
        through: list[dict[int, Any]] = []
        for steps, used in zip(moves.transfers, moves.used, strict=True):
            runs = _runs(steps, terms, chosen)
            through.append({
                place[steps.states[j]]: _sum(run, terms, updates, B, "moment") / sympy.ff(N, used[j])
                for j, run in runs.items() if j
            })
        waits = [terms.exponents([mask], chosen) for mask in moves.crossing]
        # sums over chains of ideals, by the multiset of what passes over skipped epochs
        rows: list[dict[tuple[Exponents, ...], Any]] = [{} for _ in moves.ideals]
        rows[0] = {(waits[0],): sympy.Integer(1)}
        for i in range(len(moves.ideals)):
            for j, gain in through[i].items():
                for key, value in rows[i].items():
                    longer = tuple(sorted((*key, waits[j])))
                    rows[j][longer] = rows[j].get(longer, 0) + value * gain
        for key, value in rows[-1].items():
            skipped = powers_of(terms, Counter(key), updates)
            found.append(weight * value * homogeneous(epochs - len(key) + 1, skipped))
    return sympy.ff(N, poset.parts) * sympy.Add(*found)


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


def _sum(run: Counter[Run], terms: Terms, updates: Any, B: Any, basis: str) -> Any:
    import sympy

    found: dict[tuple[int, tuple[Exponents, ...]], Any] = {}
    for (sizes, between, passed), ways in run.items():
        slots = B ** sum(sizes) if basis == "cumulant" else sympy.Mul(*(sympy.ff(B, size) for size in sizes))
        key = len(sizes), between
        found[key] = found.get(key, 0) + ways * slots * terms.power(passed)
    return sympy.Add(*(
        coefficient * homogeneous(updates - m, powers_of(terms, Counter(between), 1))
        for (m, between), coefficient in found.items()
    ))


def powers_of(terms: Terms, counted: Counter[Exponents], times: Any) -> dict[Any, int]:
    """The products x^(exponents times `times`) with multiplicities; equal ones are counted together."""
    found: Counter[Any] = Counter()
    for exponents, k in counted.items():
        found[terms.power(exponents, times)] += k
    return dict(found)


def over_parities(terms: Terms, times: Any, formula: Callable[[Terms], Any]) -> Any:
    """A formula in powers x^times; where two x are opposite numbers, for even and for odd `times` in one expression.

    Powers of the two are equal at even `times`, so that a formula of both divides by zero there.
    """
    import sympy

    opposite = [i for i, x in enumerate(terms.x) if x.is_number and any(x + y == 0 and not x.is_positive for y in terms.x)]
    if times.is_number or not opposite:
        return formula(terms)
    sign = sympy.Integer(-1) ** times
    even, odd = (formula(terms.with_signs(opposite, parity)) for parity in (1, -1))
    return (1 + sign) / 2 * even + (1 - sign) / 2 * odd


def homogeneous(n: Any, values: dict[Any, int]) -> Any:
    """h_n of values with multiplicities, n a symbol or a number: the coefficient of z^n in prod (1 - q z)^-k.

    By partial fractions, sum over q and r <= k of A[q, r] C(n + r - 1, r - 1) q^n; true from n = 1 - (number of values).
    """
    import sympy

    if n.is_Integer and n < 0:
        return sympy.Integer(0)
    found = []
    for q, k in values.items():
        series = [sympy.Integer(1)] + [sympy.Integer(0)] * (k - 1)  # prod of (1 - p + p s)^-j in s, p = other / q
        for other, j in values.items():
            if other != q:
                ratio = sympy.powsimp(other / q)
                slope = ratio / (1 - ratio)
                factor = [sympy.binomial(-j, i) * slope**i / (1 - ratio) ** j for i in range(k)]
                series = [sympy.Add(*(series[a] * factor[i - a] for a in range(i + 1))) for i in range(k)]
        for r in range(1, k + 1):
            found.append(series[k - r] * sympy.expand_func(sympy.binomial(n + r - 1, r - 1)) * q**n)
    return sympy.Add(*found)
