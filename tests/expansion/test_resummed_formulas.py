"""Resummed formulas over epochs and under update rules: with numbers put in they are sums over maps, exactly."""

from fractions import Fraction
from itertools import permutations

import pytest
import sympy

import fastdiag as fd
from fastdiag.embedding.closed_form import closed_form
from fastdiag.embedding.exponential_terms import Terms, eigenvalues
from fastdiag.embedding.poset import Poset
from fastdiag.embedding.weighted import resummed_maps
from fastdiag.expansion.resummed_formulas import maps_in_k
from fastdiag.expansion.symbols import Symbols
from fastdiag.letters import in_letters

N, B, T, E, M = (*sympy.symbols("N B T E"), sympy.Symbol("M"))
MU = sympy.Symbol("mu")
LETTERS = "μνρσ"
K = [Fraction(1, 3), Fraction(-2, 7), Fraction(5, 11)]
GRIDS = {
    "one epoch": [(12, 2, 5), (4, 1, 4), (3, 1, 1)], "cyclic": [(4, 2, 6), (2, 1, 6), (3, 3, 2)],
    "reshuffle": [(4, 2, 6), (2, 1, 4), (3, 1, 3), (2, 2, 3)], "replacement": [(4, 2, 3), (2, 1, 4), (5, 3, 2)],
}


def spacetime(n, b, t, sampling):
    return fd.Spacetime(n, b, t, sampling="reshuffle" if sampling == "one epoch" else sampling)


def rational(x):
    return sympy.Rational(x.numerator, x.denominator)


@pytest.mark.parametrize(
    "diagrams", [["[]", "[a]", *map(str, fd.diagrams(2))], pytest.param(["[a a a]"], marks=pytest.mark.long), ["[a[b b]]"]], ids=str
)
@pytest.mark.parametrize("sampling", GRIDS)
def test_powers_of_k_in_closed_form_are_weighted_maps(sampling, diagrams):
    """Before any letter is put in order; equal k's and k = 1 would be poles, and are left to limits."""
    for D in map(fd.Diagram.of, diagrams):
        k = [sympy.Symbol(f"k_{e}") for e in range(D.order)]
        form = in_letters(closed_form(Poset.of(D), Terms.powers(k), sampling, "cumulant"))
        for n, b, t in GRIDS[sampling]:
            numbers = {N: n, B: b, T: t, E: sympy.Rational(t * b, n), **dict(zip(k, map(rational, K), strict=False))}
            assert form.subs(numbers) == fd.weighted_maps(D, spacetime(n, b, t, sampling), K[: D.order])


@pytest.mark.long
@pytest.mark.parametrize(("sampling", "time"), [("cyclic", "M"), ("reshuffle", "E"), ("replacement", "T")])
def test_two_pieces_with_ties_depend_on_one_another_in_random_batches(sampling, time):
    D, k = fd.Diagram.parse("[a a b b]"), [*K, Fraction(3, 7)]
    form = in_letters(maps_in_k(D, Symbols(sampling, "cumulant", time, None)))
    for n, b, t in GRIDS[sampling]:
        letters = {sympy.Symbol(f"k_{e}"): rational(x) for e, x in enumerate(k)}
        numbers = {N: n, B: b, T: t, E: sympy.Rational(t * b, n), M: sympy.Rational(t, n), **letters}
        assert form.subs(numbers) == fd.weighted_maps(D, spacetime(n, b, t, sampling), k)


@pytest.mark.parametrize(("sampling", "time"), [("cyclic", "M"), ("reshuffle", "E"), ("replacement", "T")])
@pytest.mark.parametrize("observable", ["test_loss", "generalization_gap"])
def test_coefficients_over_epochs_are_weighted_maps(observable, sampling, time):
    check(observable, 2, sampling, time, None)


@pytest.mark.long
@pytest.mark.parametrize(("sampling", "time"), [("cyclic", "M"), ("reshuffle", "E"), ("replacement", "T")])
def test_coefficients_of_order_three_over_epochs_are_weighted_maps(sampling, time):
    check("test_loss", 3, sampling, time, None)


@pytest.mark.parametrize("sampling", GRIDS)
@pytest.mark.parametrize(
    "rule", [fd.updates.momentum(MU), fd.updates.nesterov(MU), fd.updates.weight_decay(Fraction(1, 5), MU),
             fd.updates.quasi_hyperbolic(MU, Fraction(1, 3)), fd.updates.weight_decay(Fraction(1, 5)), fd.updates.momentum(0)], ids=str)
def test_coefficients_under_rules_are_weighted_maps(rule, sampling):
    check("test_loss", 2 if rule == fd.updates.momentum(MU) else 1, sampling, None, rule)


def check(observable, order, sampling, time, rule):
    """Edges carry letters, so the sum over all ways to deal out the numbers must agree."""
    formula = fd.expand(observable, order, sampling=sampling, time=time, resummed=True, update=rule)
    mu = Fraction(2, 5)
    checked = 0
    for D in [D for d in range(1, order + 1) for D in fd.diagrams(d, irreducible=True, root_shares=observable != "test_loss")]:
        for term in [term for term in formula if D in term.diagrams]:
            for n, b, t in GRIDS[sampling]:
                number = term.coefficient.subs({N: n, B: b, T: t, M: sympy.Rational(t, n), E: sympy.Rational(t * b, n), MU: rational(mu)})
                assert {s.name[2:] for s in number.free_symbols} <= set(LETTERS[: D.order])
                found, maps = 0, 0
                for chosen in permutations(K[: D.order]):
                    pairs = {x: second(rule, mu, k) for x, k in zip(LETTERS, chosen, strict=False)}
                    values = {sympy.Symbol(f"k_{x}"): rational(k) for x, k in zip(LETTERS, chosen, strict=False)}
                    values |= {sympy.Symbol(f"q_{x}"): rational(q) for x, (q, _) in pairs.items()}
                    found += number.xreplace(values)
                    grid = spacetime(n, b, t, sampling)
                    if rule is None:
                        maps += fd.weighted_maps(D, grid, chosen)
                    else:
                        forces = [force for _, force in pairs.values()]
                        maps += resummed_maps(D, grid, at(rule, mu), forces)
                scale = Fraction((-1) ** D.order, b**D.order * D.automorphisms) * (1 if observable == "test_loss" else Fraction(-1, n))
                assert found == rational(Fraction(maps) * scale)
                checked += 1
    assert checked


def at(rule, mu):
    numbers = {"mu": rational(mu)}
    replaced = [tuple(sympy.sympify(x).subs(numbers) for x in line) for line in (*rule.step, rule.push, rule.point, rule.seen)]
    step, (push, point, seen) = tuple(replaced[:-3]), replaced[-3:]
    return fd.updates.Update(rule.name, step, push, point, seen)


def second(rule, mu, k):
    """The other eigenvalue, and the force that makes the two: by solving what the step's characteristic polynomial says."""
    if rule is None:
        return Fraction(0), None
    rule = at(rule, mu)
    step, push, point = (sympy.Matrix(x) for x in (rule.step, rule.push, rule.point))
    h = sympy.Symbol("h")
    (force,) = sympy.solve((step - h * push * point.T - rational(k) * sympy.eye(len(push))).det(), h)
    values = [x for x, many in (step - force * push * point.T).eigenvals().items() for _ in range(many)]
    values.remove(rational(k))
    other = values[0] if values else sympy.Integer(0)
    return Fraction(int(other.p), int(other.q)), Fraction(int(force.p), int(force.q))


def test_the_footer_says_what_k_and_q_are():
    """k and q of the printed relation are the eigenvalues of the step."""
    k, q, x = sympy.symbols("k q x")
    for rule in (fd.updates.momentum(MU), fd.updates.nesterov(MU), fd.updates.quasi_hyperbolic(MU, Fraction(1, 3))):
        force, product = eigenvalues(rule, k, q)
        step, push, point = (sympy.Matrix(line) for line in (rule.step, rule.push, rule.point))
        polynomial = (x * sympy.eye(2) - step + force * push * point.T).det()
        assert sympy.simplify(polynomial - x**2 + (k + q) * x - product) == 0
    formula = fd.expand("test_loss", 1, resummed=True, sampling="one epoch", update=fd.updates.momentum(MU))
    assert "with eigenvalues -k + mu - q + 1, where k*q = mu;" in formula.text()
    assert r"k_{\mu} q_{\mu} = \mu" in formula.latex()


def test_where_products_of_k_coincide_the_limit_is_the_sum():
    """A formula has no poles: with the grid put in it is a polynomial in the k's, also at k = 1 and at equal k's."""
    one, two = (sympy.Symbol(f"k_{letter}") for letter in "μν")
    for sampling in ("cyclic", "reshuffle", "replacement"):
        formula = fd.expand("test_loss", 2, resummed=True, sampling=sampling, time="T")
        for text in ("[a]", "[a a]", "[a b]", "[a[a]]"):
            number = sympy.cancel(formula.coefficient(text).subs({N: 4, B: 2, T: 4}))
            assert sympy.fraction(number)[1].is_number
            for k in (1, Fraction(1, 2)):
                D, grid = fd.Diagram.parse(text), fd.Spacetime(4, 2, 4, sampling=sampling)
                right = Fraction((-1) ** D.order, 2**D.order * D.automorphisms) * fd.weighted_maps(D, grid, k)
                assert number.subs({one: rational(Fraction(k)), two: rational(Fraction(k))}) == rational(Fraction(right))


def test_what_has_no_resummed_formula():
    for rule in (fd.updates.sde(), fd.updates.regularized_newton(Fraction(1, 2))):
        with pytest.raises(fd.errors.UnsupportedError, match="resummed formulas are of linear rules"):
            fd.expand("test_loss", 1, resummed=True, update=rule)
    with pytest.raises(fd.errors.UnsupportedError, match="a schedule depends on absolute time"):
        fd.expand("test_loss", 1, resummed=True, update=fd.updates.schedule([1, 2]))
    with pytest.raises(fd.errors.InputError, match="Fraction"):
        fd.expand("test_loss", 1, resummed=True, update=fd.updates.momentum(0.5))
    with pytest.raises(fd.errors.InputError, match="has the symbol T"):
        fd.expand("test_loss", 1, resummed=True, update=fd.updates.momentum(sympy.Symbol("T")))
    momentum = fd.updates.momentum(sympy.Symbol("M"))
    with pytest.raises(fd.errors.InputError, match="has the symbol M"):
        fd.expand("test_loss", 1, update=momentum)
    assert fd.expand("test_loss", 1, time="T", update=momentum).coefficient("[a]").has(sympy.Symbol("M"))
    with pytest.raises(fd.errors.TooLargeError):
        fd.expand("test_loss", 4, resummed=True)
