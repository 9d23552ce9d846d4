"""Modified equations of processes on given points; what numbers their letters may have, and what names."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import InputError

F = Fraction
LAND = fd.landscapes.samples([0.0, 1, 2], [[1.0, 0], [2, 1], [0, 3]], [np.eye(2)] * 3, 0, 0)


@pytest.mark.parametrize(("sampling", "once"), [("replacement", {"T": 1}), ("reshuffle", {"E": 1})], ids=str)
def test_a_process_meets_no_points(sampling, once):
    """So its noise is the covariance of the given points, with no N / (N - 1)."""
    update, eta = fd.updates.sde(), 0.1
    found = fd.modified_equation(2, training_set="given", sampling=sampling, update=update).at(LAND, eta, "diffusion", B=1)
    updates = 1 if sampling == "replacement" else 3
    np.testing.assert_allclose(found[2], updates * eta**2 * np.cov([[1.0, 2, 0], [0, 1, 3]], bias=True))
    how = {"resummed": False, "training_set": "given", "update": update}
    told = fd.predict(LAND, fd.Spacetime(3, sampling=sampling, **once), eta, 2, "covariance", **how)
    np.testing.assert_allclose(found[2], told.by_order[2])


MU, D = sympy.symbols("mu d")
HEAVY, DECAY = fd.updates.momentum(MU), fd.updates.weight_decay(D)


@pytest.mark.parametrize(("update", "numbers", "what"), [
    *((HEAVY, {"mu": x}, "between -1 and 1") for x in (2, 1, -1, -3)),
    (fd.updates.nesterov(MU), {"mu": 1}, "between -1 and 1"), (fd.updates.momentum(MU**2), {"mu": 2}, "mu = 4"),
    (fd.updates.quasi_hyperbolic(MU, D), {"mu": F(1, 2), "d": 2}, "nu must lie from 0 to 1"),
    (fd.updates.quasi_hyperbolic(F(1, 2), D), {"d": -1}, "nu must lie from 0 to 1"),
    (DECAY, {"d": 2}, "decay must lie from 0 to 1"), (DECAY, {"d": -1}, "decay must lie from 0 to 1"),
    (fd.updates.schedule([MU, 1]), {"mu": -1}, "sum to 0"), (fd.updates.schedule([1 / MU, 1]), {"mu": 0}, "pole"),
    (HEAVY, {"mu": "a"}, "mu must be exact"), (HEAVY, {"mu": "0"}, "mu must be exact"), (HEAVY, {"mu": D}, "mu = d is a formula"),
], ids=str)
def test_numbers_that_the_rule_itself_refuses(update, numbers, what):
    with pytest.raises(InputError, match=what):
        fd.modified_equation(2, update=update).at(LAND, 0.1, **numbers)


@pytest.mark.parametrize(("letters", "numbers"), [
    (HEAVY, fd.updates.momentum(F(-1, 3))), (DECAY, fd.updates.weight_decay(F(1, 3))), (DECAY, fd.updates.weight_decay(1)),
    (fd.updates.quasi_hyperbolic(F(1, 2), D), fd.updates.quasi_hyperbolic(F(1, 2), F(1, 3))),
    (fd.updates.schedule([D, 1]), fd.updates.schedule([F(1, 3), 1])),
], ids=str)
def test_numbers_that_it_takes(letters, numbers):
    given = {"mu": F(-1, 3)} if letters is HEAVY else {"d": 1 if "(1)" in str(numbers) else F(1, 3)}
    found, wanted = fd.modified_equation(2, update=letters).at(LAND, 0.1, **given), fd.modified_equation(2, update=numbers).at(LAND, 0.1)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_formulas_are_put_into_exact_rates():
    x, y = sympy.symbols("x y")
    land = fd.landscapes.symbolic((x - y) ** 2, x, y, fd.landscapes.finite({0: F(1, 2), 1: F(1, 2)}), [1])
    found = fd.modified_equation(1, update=HEAVY).at(land, F(1, 10), mu=D)[1]
    assert sympy.simplify(found[0] - F(1, 10) / (D - 1)) == 0


@pytest.mark.parametrize("name", ["N", "B", "T", "E", "M", "eta"])
@pytest.mark.parametrize("rule", [
    fd.updates.momentum, fd.updates.weight_decay, lambda x: fd.updates.schedule([1, x]), fd.updates.regularized_newton,
], ids=["momentum", "decay", "schedule", "newton"])
def test_names_of_the_equations_own_letters(rule, name):
    with pytest.raises(InputError, match=f"has the symbol {name}, but"):
        fd.modified_equation(2, update=rule(sympy.Symbol(name)))


def test_a_pole_of_few_points_sends_to_at():
    equation = fd.modified_equation(2, training_set="given")
    with pytest.raises(InputError, match=r"N=1, B=1; the equation's `.at\("):
        equation.drift.subs(N=1, B=1)
    one = fd.landscapes.samples([0.0], [[1.0]], [[[2.0]]], 0)
    np.testing.assert_allclose(equation.at(one, 0.1, N=1, B=1), [[0.0], [-0.1], [-0.01]])
