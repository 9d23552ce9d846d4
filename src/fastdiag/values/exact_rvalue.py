"""Exact resummed values on symbolic landscapes: no Hessian is diagonalised.

An edge carries K^(dt-1) eta, K = 1 - eta H, or a rule's propagator. On m weights that the Hessian couples this is, by
Cayley and Hamilton, a sum over l < m of c_l(dt) (eta H)^l eta, and the c_l follow the same recursion with the companion
matrix of the characteristic polynomial in place of eta H. So tensors are contracted with (eta H)^l, and a sum over maps
has a companion matrix and a power l for each edge. A weight that the Hessian does not couple to others has m = 1: a number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import comb, inf, log10
from typing import Any

import numpy as np

from ..coefficients.coefficient import prefactor
from ..diagram import Diagram
from ..embedding.poset import Links, link_choices
from ..embedding.retied import retied
from ..embedding.weighted import resummed_maps
from ..errors import InputError, TooLargeError, UnsupportedError
from ..landscapes.contraction import contract
from ..landscapes.exact import Expression, exact, multiplied_out
from ..landscapes.symbolic import Symbolic
from ..spacetime import Spacetime
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Update, sgd
from .exact_values import exact_parts, in_fast_arithmetic
from .hessian_steps import LinearRule
from .modes import check_rule_forgets, recursion
from .plan import plan
from .root import Root

PLAIN, LINKED, BELOW = KINDS = 0, 1, 2
"""Kinds of edges: any; a lambda-edge; below a chain of Hessians that ends in a lambda-edge, see `hessian_steps`."""

MOST_DIGITS = 300_000  # of a power of k; then a prediction takes some ten seconds
MOST_DEGREE = 2000  # of a power of a formula; then it takes minutes
NO_PART = 1e-12  # of a root, whose others are apart
MOST_QUOTIENT = 33  # terms of a quotient of polynomials; then it takes some ten seconds


@dataclass(frozen=True, slots=True)
class Propagator:
    """What edges carry over eta: K^(dt-1) P, K = 1 - eta G, G = P H; P = 1, of Hessian-based steps (1 + lam eta H)^-1."""

    base: Any
    """P, a matrix of SymPy."""
    pull: Any
    """G."""
    lam: Expression
    eta: Expression
    blocks: tuple[tuple[int, ...], ...]
    """Weights that are coupled."""
    polynomials: tuple[tuple[Expression, ...], ...]
    """det(x - G) for each block: the coefficients of 1, x, ..., the last one, 1, left out."""

    @classmethod
    def of(cls, landscape: Symbolic, eta: Expression, update: LinearRule, hessian: Any = None) -> Propagator:
        """At the learning rate eta; hessian: an immutable matrix in place of the landscape's own."""
        return _propagator(landscape, eta, update.lam if isinstance(update, RegularizedNewton) else 0, hessian)

    @property
    def size(self) -> int:
        """Of the largest block."""
        return max(map(len, self.blocks))

    def force(self, which: int) -> tuple[tuple[Any, ...], ...]:
        """eta times the companion matrix, in a matrix of the common size."""
        polynomial, m = self.polynomials[which], self.size
        last = len(polynomial) - 1
        lines = [[int(i == j > last) for j in range(m)] for i in range(m)]  # what is never reached is forgotten at once
        for l, x in enumerate(polynomial):
            lines[l][last] = _plain(multiplied_out(-self.eta * x))
            if l < last:
                lines[l + 1][l] = _plain(self.eta)
        return tuple(map(tuple, lines))

    @property
    def keys(self) -> list[tuple[int, int]]:
        """(polynomial, power l) of what edges carry; equal polynomials share theirs."""
        firsts = sorted({self.polynomials.index(polynomial) for polynomial in self.polynomials})
        return [(which, l) for which in firsts for l in range(len(self.polynomials[which]))]

    def maps(
        self, ties: Diagram, spacetime: Spacetime, rule: Update, keys: Sequence[tuple[int, int]], links: Links
    ) -> Expression:
        """The sum over maps, of edges with these keys."""
        forces = tuple(self.force(which) for which, _ in keys)
        return _maps(ties, spacetime, rule, forces, tuple(power for _, power in keys), links)

    def tensor(self, kind: int, cut: bool) -> Any:
        """G^l P, and what a kind of edges carries besides: (n, n, keys), the weight below first; uncut (n, keys)."""
        n, keys = self.base.rows, self.keys
        found = np.full((n, n, len(keys)), exact("no edge", 0), object)
        for block, polynomial in zip(self.blocks, self.polynomials, strict=True):
            here = self.base.extract(block, block)
            if kind == BELOW:
                here = -self.lam * self.eta * self.pull.extract(block, block) * here
            which = self.polynomials.index(polynomial)
            for l in range(1 if kind == LINKED else len(block)):
                key = 0 if kind == LINKED else keys.index((which, l))
                for (i, low), (j, high) in product(enumerate(block), repeat=2):
                    scale = self.lam if kind == LINKED else 1
                    found[low, high, key] = multiplied_out(exact("an edge", scale * here[j, i]))
                here = self.pull.extract(block, block) * here
        return found if cut else found[np.arange(n), np.arange(n)]


@lru_cache(maxsize=64)
def _propagator(landscape: Symbolic, eta: Expression, lam: Any, hessian: Any) -> Propagator:
    import sympy

    n = landscape.dimension
    if hessian is None:
        hessian = sympy.Matrix(n, n, list(landscape.exact_part(((0, 1),)).flat))
    lam, base = exact("lam", lam), sympy.eye(n)
    if lam != 0:
        step = (base + lam * eta * hessian).applyfunc(multiplied_out)
        if multiplied_out(step.det()) == 0:
            raise InputError(f"1/eta + lam H has no inverse at eta = {eta}; use another eta")
        base = step.inv().applyfunc(multiplied_out)
    pull = (base * hessian).applyfunc(multiplied_out)
    left, blocks = list(range(n)), list[tuple[int, ...]]()
    while left:
        coupled = [left.pop(0)]
        for i in coupled:  # grows while it is walked
            coupled += [j for j in left if hessian[i, j] != 0 or hessian[j, i] != 0]
            left = [j for j in left if j not in coupled]
        blocks.append(tuple(sorted(coupled)))
    polynomials = []
    for block in blocks:
        _, *falling = pull.extract(block, block).charpoly().all_coeffs()
        polynomials.append(tuple(multiplied_out(exact("a coefficient", x)) for x in reversed(falling)))
    return Propagator(base, pull, lam, eta, tuple(blocks), tuple(polynomials))


def exact_rvalue(
    diagram: Diagram, landscape: Symbolic, spacetime: Spacetime, eta: Expression, root: Root | None = None,
    update: LinearRule = None, points: int | None = None, others: Sequence[Symbolic] = (), hessian: Any = None,
) -> Expression:
    """`rvalue` as a SymPy number or formula; any sampling, several epochs too. With a root and others as `exact_uvalue`.

    points : of a training set that is given; None: rows are drawn
    hessian : H0 of edges 1 - eta H0, an immutable matrix; nodes of degree 2 that are alone then have H - H0

    Raises
    ------
    InputError : T = inf without 0 < eta h < 2, or a rule's own condition
    TooLargeError : powers with too many digits
    """
    check_powers(landscape, [spacetime], [eta], diagram.order, update, hessian)
    d, n = diagram.order, landscape.dimension
    from .symbolic_modes import SymbolicModes

    edges: Any = (SymbolicModes if spacetime.is_symbolic else Propagator).of(landscape, eta, update, hessian)
    cut = edges.size > 1
    chosen = plan(diagram, root, cut)
    rule = update if isinstance(update, Update) else sgd()
    parts = exact_parts(chosen, landscape, others)
    if hessian is not None:
        own = np.array(hessian.tolist(), object)
        first = 1 if root is None else len(root.nodes)  # parts of the root
        alone = [i for i, (nodes, _) in enumerate(chosen.parts) if i >= first and nodes == ((0, 1),)]
        parts = [np.asarray(part - own) if i in alone else part for i, part in enumerate(parts)]
    ways = [(ties, exact("a weight", weight)) for ties, weight in retied(diagram, points)]
    known = [edges.tensor(kind, cut) for kind in (KINDS if isinstance(update, RegularizedNewton) else KINDS[:1])]
    tensors, back = in_fast_arithmetic([*parts, *known])
    total: Any = np.zeros((n,) * len(chosen.open), object)
    for links, kinds in _kinds(diagram, update):
        values: Any = 0
        for some in kinds:
            factors = list(zip(tensors, (labels for _, labels in chosen.parts), strict=False))
            for e, kind in enumerate(some):
                factors.append((tensors[len(parts) + kind], (e, d + e, 2 * d + e) if cut else (e, 2 * d + e)))
            values = np.asarray(values + contract(factors, (*range(2 * d, 3 * d), *chosen.open)), object)
        for keys in np.ndindex(*(len(edges.keys),) * d):  # equal edges share one sum over maps
            if np.any(values[keys]):
                along = [edges.keys[key] for key in keys]
                maps = sum(weight * edges.maps(ties, spacetime, rule, along, links) for ties, weight in ways)
                total = total + back(values[keys]) * maps
    if isinstance(edges, SymbolicModes):  # powers such as k^T are left as they are
        named = np.frompyfunc(lambda term: edges.named(exact("a value", term)), 1, 1)(total)
        return np.asarray(named * (eta**d * prefactor(diagram, spacetime.B)), object)[()]
    scale = exact("a prefactor", prefactor(diagram, spacetime.B)) * eta**d
    return np.frompyfunc(lambda term: multiplied_out(exact("a value", term) * scale), 1, 1)(total)


@lru_cache(maxsize=4096)
def _maps(*given: Any) -> Expression:
    """The terms of an observable have the same ones."""
    import sympy

    return sympy.sympify(resummed_maps(*given))


def _kinds(diagram: Diagram, update: LinearRule) -> Iterable[tuple[Links, list[list[int]]]]:
    """For each choice of lambda-edges the kinds of all edges, in all the ways that go with it."""
    found: defaultdict[Links, list[list[int]]] = defaultdict(list)
    for chosen in link_choices(diagram) if isinstance(update, RegularizedNewton) else [()]:
        for linked in product((True, False), repeat=len(chosen)):
            links = tuple(node for node, whether in zip(chosen, linked, strict=True) if whether)
            kinds = [
                LINKED if v in links else BELOW if v in chosen else PLAIN for v in range(1, diagram.order + 1)
            ]
            found[links].append(kinds)
    return found.items()


def check_powers(
    landscape: Symbolic, times: Iterable[Spacetime], etas: Sequence[Expression], order: int, update: LinearRule = None,
    hessian: Any = None,
) -> None:
    """Raise an error if the powers of 1 - eta h to a time have too many digits or terms, or no limit."""
    times = [spacetime for spacetime in times if not spacetime.is_symbolic]
    longest = max((spacetime.T for spacetime in times), default=0)
    finite = max((spacetime.T for spacetime in times if spacetime.T != inf), default=0)
    if order == 0 or not times:
        return
    for eta in etas:
        edges = Propagator.of(landscape, eta, update, hessian)
        symbols, degree = edges.base.free_symbols, order * int(finite) * edges.size
        if comb(degree + len(symbols), degree) > MOST_QUOTIENT:
            raise TooLargeError(
                f"the formula is a quotient of polynomials of degree {degree:,} in {', '.join(sorted(map(str, symbols)))}, "
                f"which has too many terms (limit {MOST_QUOTIENT}); give numbers, or a smaller T, or resummed=False"
            )
        if longest == inf:
            for block, polynomial in zip(edges.blocks, edges.polynomials, strict=True):
                if not landscape.is_gradient:
                    _check_real(polynomial)
                pull = edges.pull.extract(block, block)
                _check_forgets(polynomial, eta, update, pull.tolist() if len(block) > 1 else pull[0])
        for polynomial in edges.polynomials if not isinstance(update, Update) else ():
            k = multiplied_out(1 + eta * polynomial[0]) if len(polynomial) == 1 else exact("k", 0)
            if k.free_symbols and order * finite > MOST_DEGREE:
                raise TooLargeError(
                    f"the formula ({k})^{finite}, for each of {order} edges, has too many terms: T times the order may be "
                    f"{MOST_DEGREE} at most; give numbers, or resummed=False, whose formula does not grow with T"
                )
            digits = order * finite * log10(max(abs(k.p), k.q)) if k.is_Rational and k else 0
            if digits > MOST_DIGITS:
                raise TooLargeError(
                    f"the exact power ({k})^{finite}, for each of {order} edges, has {int(digits):,} digits, and the limit "
                    f"is {MOST_DIGITS:,}; use a float eta, resummed=False, or T = math.inf"
                )


def _check_forgets(polynomial: Sequence[Expression], eta: Expression, update: LinearRule, hessian: Any) -> None:
    """Raise InputError unless all roots times eta lie where the rule forgets; of formulas it is believed.

    All roots are real. They are above a number if the coefficients about it alternate in sign.
    """
    import sympy

    m = len(polynomial)
    scaled = [multiplied_out(x * eta ** (m - i)) for i, x in enumerate(polynomial)]
    if any(x.free_symbols for x in scaled):
        return
    if m == 1 and isinstance(update, Update):
        check_rule_forgets(update, -scaled[0], -scaled[0])
    low, high = recursion(update).stable() if isinstance(update, Update) else (0, 2)
    for bound, sign in ((low, 1), (high, -1)):
        if abs(bound) == inf:
            continue
        x = sympy.Dummy()
        at = exact("a bound", bound) + sign * x
        first, *others = sympy.Poly(sum((c * at**i for i, c in enumerate(scaled)), start=at**m), x).all_coeffs()
        if any((x / first * (-1) ** i).is_positive is False for i, x in enumerate(others, 1)):
            where = f"eta h is {-scaled[0]} where" if m == 1 else "it is not for some h where"
            raise InputError(
                f"T = inf needs {low} < eta h < {high} in every direction, and {where} the Hessian is {hessian}; "
                "give a finite T, or another eta"
            )


def _check_real(polynomial: Sequence[Expression]) -> None:
    """Raise UnsupportedError if some roots are complex; of formulas they are believed to be real."""
    import sympy

    if any(x.free_symbols for x in polynomial):
        return
    x = sympy.Dummy()
    simple = sympy.Poly(sum((c * x**i for i, c in enumerate(polynomial)), start=x ** len(polynomial)), x).sqf_part()
    if any(abs(sympy.im(root)) > NO_PART for root in simple.nroots()):
        raise UnsupportedError(
            "T = inf of a vector field is had where the mean of dv has real eigenvalues, and here some are complex; give a "
            "finite T"
        )


def _plain(value: Expression) -> Any:
    """Rationals as Fractions, which are the fastest to count with."""
    return Fraction(int(value.p), int(value.q)) if value.is_Rational else value
