"""Formulas of rules whose factors coincide, do so at some numbers of updates, or are 0, against weighted maps at numbers."""

from fractions import Fraction as F  # noqa: N817

import pytest
import sympy

import fastdiag as fd
from fastdiag import updates
from oracles import oracle
from oracles.spacetimes import of_size

N, B, T, E = sympy.symbols("N B T E")
RULES = [
    updates.weight_decay(F(1, 4), F(-3, 4)),  # 3/4 and -3/4
    updates.weight_decay(F(3, 4), F(1, 2)),  # 1/4 and 1/2, whose square it is
    updates.weight_decay(F(3, 4), F(-1, 2)), updates.weight_decay(F(1, 2), F(-1, 4)), updates.momentum(F(-1, 2)), updates.nesterov(F(1, 3)),
    updates.quasi_hyperbolic(F(-1, 2), F(1, 2)), updates.momentum(0), updates.nesterov(0),
]


REPEATED = updates.weight_decay(F(2, 5), F(3, 5))
ODD = updates.weight_decay(F(7, 8), F(-1, 2))  # 1/8 and -1/2, whose cube is opposite
MORE = [REPEATED, ODD, updates.weight_decay(F(1, 2), F(1, 2)), updates.weight_decay(1), updates.weight_decay(1, F(0)), updates.weight_decay(1, F(-1, 3)),
        updates.weight_decay(0, F(1, 2)), updates.quasi_hyperbolic(F(0), F(1, 2))]


def grids(sampling):
    """Small spacetimes, as numbers of the formula and themselves."""
    for n, b, size in ((1, 1, 1), (2, 1, 1), (2, 1, 2), (3, 1, 3), (4, 1, 2), (2, 2, 2), (4, 2, 3)):
        spacetime = of_size(sampling, n, b, size)
        yield {N: n, B: b, E: size, T: spacetime.T}, spacetime


def check(text, sampling, basis, rule, put=None):
    """`put`: numbers for the rule's symbols, and the same rule with them."""
    numbers, plain = put or ({}, rule)
    formula = fd.maps_formula(text, sampling, basis, update=rule)
    for at, spacetime in grids(sampling):
        wanted = F(fd.weighted_maps(text, spacetime, basis=basis, update=plain))
        assert formula.subs({**at, **numbers}) == sympy.Rational(wanted.numerator, wanted.denominator), (text, basis, spacetime)


@pytest.mark.every(3)
@pytest.mark.parametrize("sampling", ["one epoch", "cyclic", "reshuffle", "replacement"])
@pytest.mark.parametrize("rule", MORE, ids=repr)
def test_repeated_factors_and_zero(rule, sampling):
    for text in ("[a]", "[a a]", "[a[b]]", "[a b]"):
        check(text, sampling, "cumulant", rule)
    check("[a[b]]", sampling, "moment", rule)


@pytest.mark.every(2)
@pytest.mark.parametrize("text", ["[a b c]", "[a b[a]]", "[a[a b]]", "[a[b[c]]]", "[a[b[a]]]"])
@pytest.mark.parametrize("rule", [REPEATED, ODD, updates.weight_decay(1)], ids=repr)
def test_three_nodes(rule, text):
    check(text, "one epoch", "cumulant", rule)


@pytest.mark.parametrize("rule", [pytest.param(REPEATED, marks=pytest.mark.long), ODD, updates.weight_decay(1)], ids=repr)
def test_three_nodes_over_epochs(rule):
    check("[a[b[a]]]", "cyclic", "cumulant", rule)


@pytest.mark.long
@pytest.mark.parametrize("sampling", ["one epoch", "cyclic", "reshuffle", "replacement"])
@pytest.mark.parametrize("rule", [*RULES, *MORE], ids=repr)
def test_all_diagrams_to_order_three(rule, sampling):
    for D in [D for d in range(1, 4) for D in fd.diagrams(d)]:
        for basis in ("cumulant", "moment"):
            check(D, sampling, basis, rule)


@pytest.mark.every(2)
@pytest.mark.parametrize("text", ["[a[b]]", "[a a]", "[a b]"])
@pytest.mark.parametrize("sampling", ["cyclic", "reshuffle", "replacement"])
@pytest.mark.parametrize("rule", [REPEATED, updates.weight_decay(1), ODD], ids=repr)
def test_formula_is_the_sum_over_maps(rule, sampling, text):
    """Map by map, with w from the rule's own recursion."""
    D = fd.Diagram.parse(text)
    for basis in ("cumulant", "moment"):
        formula = fd.maps_formula(D, sampling, basis, update=rule)
        for at, spacetime in list(grids(sampling))[1:3]:
            sequences, total = list(spacetime.realisations()), F(0)
            blocks = D.blocks[:1] + tuple(b + 9 for b in D.blocks[1:])
            for batches in sequences:
                for f in oracle.all_maps(D.parents, blocks, batches, basis == "moment"):
                    ends = [f[p - 1][0] if p else spacetime.T for p in D.parents[1:]]
                    term = F(1)
                    for v, (end, p) in enumerate(zip(ends, D.parents[1:], strict=True)):
                        term *= rule.weight(end - f[v][0], to_root=p == 0)
                    total += term
            total /= len(sequences)
            assert formula.subs(at) == sympy.Rational(total.numerator, total.denominator), (basis, spacetime)


def test_repeated_factor_is_the_limit_of_two():
    near = F(3, 5) - F(1, 10**12)
    for text in ("[a]", "[a[b]]", "[a a]"):
        for at, _ in grids("one epoch"):
            one, other = (fd.maps_formula(text, "one epoch", update=rule).subs(at) for rule in (REPEATED, updates.weight_decay(F(2, 5), near)))
            assert abs(one - other) < 1e-9
    assert fd.maps_formula("[a]", "one epoch", update=REPEATED).subs({B: 1, T: 2}) == sympy.Rational(11, 5)  # 1 + (3/5 + 3/5)


@pytest.mark.every(3)
@pytest.mark.parametrize("sampling", ["one epoch", "cyclic", "reshuffle", "replacement"])
def test_symbols_whose_factors_coincide(sampling):
    c, number = sympy.Symbol("c"), F(2, 5)
    put = {c: sympy.Rational(2, 5)}
    for text in ("[a]", "[a[b]]") if sampling == "one epoch" else ("[a a]",):
        check(text, sampling, "cumulant", updates.weight_decay(1 - c, c), (put, updates.weight_decay(1 - number, number)))
        check(text, sampling, "cumulant", updates.weight_decay(1 - c, -c), (put, updates.weight_decay(1 - number, -number)))
        check(text, sampling, "cumulant", updates.weight_decay(1 - c**2, c), (put, updates.weight_decay(1 - number**2, number)))
        check(text, sampling, "cumulant", updates.weight_decay(1, c), (put, updates.weight_decay(1, number)))


@pytest.mark.parametrize("sign", [-1, pytest.param(1, marks=pytest.mark.long)])
def test_roots_whose_factors_coincide(sign):
    """1 - decay = mu^2 with mu irrational: the powers are equal only when worked out."""
    rule = updates.weight_decay(F(1, 2), sign * sympy.sqrt(2) / 2)
    formula = fd.maps_formula("[a[b]]", "cyclic", update=rule)
    for at, spacetime in grids("cyclic"):
        wanted = sympy.sympify(fd.weighted_maps("[a[b]]", spacetime, update=rule))
        assert abs(sympy.N(formula.subs(at) - wanted, 30)) < 1e-25, spacetime


@pytest.mark.every(3)
@pytest.mark.parametrize("sampling", ["one epoch", "cyclic", "reshuffle", "replacement"])
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_no_pole_at_numbers(rule, sampling):
    many = sampling == "one epoch" or (rule in RULES[1:3] and sampling == "cyclic")
    for text in ("[a[b]]", "[a b]", "[a b c]") if many else ("[a[b]]", "[a a]"):
        formula = fd.maps_formula(text, sampling, update=rule)
        for n, b, size in ((2, 1, 1), (2, 1, 2), (3, 1, 3), (4, 1, 2), (2, 2, 2)):
            spacetime = of_size(sampling, n, b, size)
            wanted = F(fd.weighted_maps(text, spacetime, update=rule))
            at = {N: n, B: b, E: size, T: spacetime.T}
            assert formula.subs(at) == sympy.Rational(wanted.numerator, wanted.denominator), (text, spacetime)


@pytest.mark.parametrize("rule", [updates.weight_decay(1), updates.weight_decay(F(1, 3))], ids=repr)
def test_fewer_rows_than_parts(rule):
    """Two epochs with two rows each: 1/(N (N - 1))^2."""
    for basis in ("cumulant", "moment"):
        check("[a[b] a[b]]", "reshuffle", basis, rule)


@pytest.mark.parametrize("sampling", ["one epoch", "replacement"])
def test_symbol_at_zero_is_right_or_no_number(sampling):
    """0^(T - 1) is 1 at T = 1 only."""
    d = sympy.Symbol("d")
    formula = fd.maps_formula("[a[b]]", sampling, update=updates.weight_decay(d))
    for at, spacetime in grids(sampling):
        value = formula.subs({d: 1}).subs(at)
        assert value.has(sympy.nan, sympy.zoo) or value == fd.weighted_maps("[a[b]]", spacetime, update=updates.weight_decay(1)), spacetime


@pytest.mark.long
def test_opposite_products_of_four_edges():
    """1/8 on one, -1/2 on three: opposite, and equal in power at even N/B."""
    check("[a a a[a]]", "cyclic", "cumulant", ODD)
