"""Letters of formulas are SymPy's own symbols without assumptions, and a namesake of one is never passed over in silence."""

import pickle
from fractions import Fraction

import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import InputError
from fastdiag.letters import Symbol

N, B, T, E, M, eta, mu = sympy.symbols("N B T E M eta mu")
HALF = Fraction(1, 2)
NAMESAKES = [{"positive": True}, {"positive": True, "integer": True}, {"real": True}, {"commutative": False}]


def formulas():
    rules = [None, fd.updates.momentum(HALF), fd.updates.momentum(mu), fd.updates.weight_decay(1), fd.updates.sde(), fd.updates.regularized_newton(HALF)]
    for sampling in ("reshuffle", "cyclic", "replacement", "one epoch"):
        for update in rules:
            for basis in ("cumulant", "moment") if update is None else ("cumulant",):
                yield fd.maps_formula("[a[a]]", sampling, basis, update=update)
                yield fd.maps_formula("[a b]", sampling, basis, update=update)
    expansions = [
        fd.expand("test_loss", 2), fd.expand("generalization_gap", 2, time="E"), fd.expand("displacement", 2, sampling="replacement"),
        fd.expand("test_loss", 2, arrange="double"), fd.expand("test_loss", 2, resummed=True, sampling="one epoch"),
        fd.expand("test_loss", 1, resummed=True, sampling="cyclic"), fd.expand("covariance", 2, basis="moment"),
        fd.expand("test_loss", 1, resummed=True, sampling="one epoch", update=fd.updates.momentum(mu)), fd.expand("test_loss", 1, update=fd.updates.nesterov(mu)),
    ]
    equations = [fd.modified_equation(2), fd.modified_equation(2, training_set="given"), fd.modified_equation(2, update=fd.updates.momentum(mu))]
    for equation in equations:
        yield from (*equation.coefficients.values(), *equation.beginning.values(), equation.pace)
        expansions += [equation.drift, equation.diffusion, equation.nearest_loss, equation.obstruction]
    for formula in expansions:
        yield formula.sympy()
        yield from (term.coefficient for term in formula)
        yield from (term.symbol for term in formula)
    results = fd.results
    for found in (results.proposition_1("[a b]"), results.proposition_2(), results.test_loss_order(2), results.gap_order(2)):
        yield from found.values() if isinstance(found, dict) else [found]
    for check in (results.proposition_1.derived("[a b]"), results.proposition_2.derived(), results.test_loss_order.derived(3)):
        yield from check.values() if isinstance(check, dict) else [check]


@pytest.fixture(scope="module")
def known():
    return [sympy.sympify(formula) for formula in formulas()]


def test_every_symbol_is_one_without_assumptions(known):
    names = set()
    for formula in known:
        for symbol in formula.free_symbols:
            assert symbol == sympy.Symbol(symbol.name), (formula, sympy.srepr(symbol))
            names.add(symbol.name)
    assert names >= {"N", "B", "T", "E", "M", "eta", "mu", "k_μ", "q_μ", "C_μν H^μν"}


def test_they_are_in_the_order_that_sympy_gives_them(known):
    for formula in known:
        for node in sympy.preorder_traversal(formula):
            if node.is_Add or (node.is_Mul and len(node.args) > 2):
                assert node.func(*node.args) == node


def test_numbers_are_put_in_for_symbols_of_ones_own_and_for_names(known):
    for formula in known[::3]:
        for symbol in formula.free_symbols:
            mine = formula.subs(sympy.Symbol(symbol.name), 7)
            assert symbol not in mine.free_symbols
            if symbol.name.isidentifier():
                assert formula.subs(symbol.name, 7) == mine == formula.subs({symbol.name: 7}) == formula.subs([(sympy.Symbol(symbol.name), 7)], simultaneous=True)


@pytest.mark.every(2)
@pytest.mark.parametrize("assumptions", NAMESAKES, ids=str)
def test_a_namesake_is_told(known, assumptions):
    for formula in known:
        for symbol in formula.free_symbols - {mu}:
            with pytest.raises(InputError, match="is another symbol"):
                formula.subs(sympy.Symbol(symbol.name, **assumptions), 7)


def test_what_sympy_remembers_of_its_own_does_not_come_in_between():
    first = E**2 * N**2 + 3 * E * (N - 1)
    assert first.subs(sympy.Symbol("N", real=True), 2) == first
    for formula in (fd.maps_formula("[a b]", "cyclic"), fd.expand("test_loss", 1, time="E", sampling="cyclic").sympy()):
        with pytest.raises(InputError):
            formula.subs(sympy.Symbol("N", real=True), 2)


def test_sympy_takes_them_for_its_own():
    formula = fd.maps_formula("[a[b]]", "cyclic")
    wanted = E**2 * N**2 / 2 - E * N * B / 2
    assert formula.expand() == wanted == formula.expand().xreplace({Symbol("N"): N})
    assert hash(formula.expand()) == hash(wanted)
    assert sympy.diff(formula, N).expand() == E**2 * N - E * B / 2
    assert sympy.Poly(formula, N).degree() == 2
    assert set(sympy.solve(formula, N)) == {sympy.Integer(0), B / E}
    assert sympy.limit(formula / N**2, N, sympy.oo) == E**2 / 2
    assert sympy.lambdify((N, B, E), formula)(10, 2, 3) == 420
    assert wanted.coeff(Symbol("E"), 1) == -N * B / 2
    assert sympy.factor(formula) == formula
    assert formula.has(N)
    assert (formula + N - Symbol("N")).expand() == wanted
    assert sympy.srepr(Symbol("N")) == "Symbol('N')"
    assert sympy.Symbol("N") + 1 == Symbol("N") + 1
    assert sympy.Symbol("N") != Symbol("B")
    assert Symbol("N") != sympy.Symbol("N", positive=True) != sympy.Dummy("N")
    for protocol in range(2, 6):
        again = pickle.loads(pickle.dumps(formula, protocol))
        assert again == formula
        with pytest.raises(InputError):
            again.subs(sympy.Symbol("N", real=True), 2)


def test_numbers_at_a_grid_are_the_counts():
    for D in ("[a b]", "[a[a]]", "[a b[a]]"):
        for n, b, e in ((4, 2, 3), (6, 3, 2)):
            assert fd.maps_formula(D).subs({N: n, B: b, E: e}) == sympy.Rational(str(fd.maps(D, fd.Spacetime(n, b, E=e))))


def test_two_of_one_name_do_not_come_in_by_an_expression():
    formula = fd.expand("test_loss", 2, time="T")
    assert formula.subs(T=2 * N).coefficient("[a b]") == N * (4 * N - 1)
    with pytest.raises(InputError, match="two different symbols are called N"):
        formula.subs(T=sympy.Symbol("N", positive=True))
