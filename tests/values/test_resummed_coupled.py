"""Exact resummed values where the Hessian couples the weights: maps enumerated by hand, SGD in Fractions, rotations."""

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.expansion import OBSERVABLES
from oracles import oracle
from oracles.observed_losses import AXES, problem, symbolic
from oracles.observed_losses import exact as sgd_series
from oracles.propagators import propagated

F, L, U = Fraction, fd.landscapes, fd.updates
CASES = [(3, 1, 2, "reshuffle"), (4, 2, 2, "reshuffle"), (2, 1, 4, "reshuffle"), (2, 1, 5, "cyclic"),
         (4, 2, 3, "reshuffle"), (3, 2, 2, "replacement"), (2, 1, 3, "replacement")]
SEED = 4  # the Hessian couples the two weights
ETA = sympy.Symbol("eta", positive=True)
SMALL = [(3, 1, 3, "reshuffle"), (2, 1, 4, "reshuffle"), (4, 2, 3, "cyclic"), (2, 1, 4, "cyclic"), (2, 1, 3, "replacement")]
RULES = {
    "sgd": None, "momentum": U.momentum(F(1, 3)), "nesterov": U.nesterov(F(-1, 2)), "decay": U.weight_decay(F(1, 4)),
    "schedule": U.schedule([F(1), F(1, 2), F(2), F(3, 2)]),
    "both": U.momentum(F(1, 3)).with_schedule([F(1), F(1, 2), F(2), F(3, 2)]),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
@pytest.mark.parametrize("case", SMALL, ids=str)
def test_values_are_sums_over_maps(case, rule):
    """All irreducible diagrams to order 2, one of order 3: every map, its edges by the recursion."""
    N, B, T, sampling = case
    losses, chances = problem(SEED)
    land, tensors, eta = symbolic(SEED), oracle.Tensors(losses, chances), F(1, 3)
    hessian = [[tensors.moment(((i, j),)) for j in range(2)] for i in range(2)]
    assert hessian[0][1] != 0
    st = fd.Spacetime(N, B, T, sampling=sampling)
    some = [*fd.diagrams(1, irreducible=True), *fd.diagrams(2, irreducible=True), fd.Diagram.parse("[b[a a]]")]
    for D in some:
        found, runs = F(0), list(st.realisations())
        maps = [f for batches in runs for f in oracle.all_maps(D.parents, D.blocks, batches, injective=False)]
        known, values = {}, {}
        for f in maps:
            at = (T, *(t for t, _ in f))
            known[at] = known.get(at, 0) + 1
        for at, often in known.items():
            ends = []
            for v in range(1, D.order + 1):
                key = at[v], at[D.parents[v]], D.parents[v] == 0
                if key not in values:
                    values[key] = propagated(rule, hessian, eta, *key)
                ends.append(lambda a, b, matrix=values[key]: matrix[a][b])
            found += often * tensors.value(D.parents, D.parts, "cumulant", ends)
        wanted = found * F(-1, B) ** D.order / D.automorphisms / len(runs)
        assert fd.rvalue(D, land, st, eta, update=rule) == wanted, D


TINY = F(1, 10**9)


@pytest.mark.every(7)
@pytest.mark.parametrize("name", OBSERVABLES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_observable_as_a_series(case, name):
    """What is kept to order 3 (2 over many updates) has the exact series, at eta = 10^-9 without rounding."""
    N, B, T, sampling = case
    order = 2 if T > 3 or name == "generalization_gap" else 3
    p = fd.predict(symbolic(SEED), fd.Spacetime(N, B, T, sampling=sampling), TINY, order, name)
    total, series = np.asarray(p.total, dtype=object), sgd_series(SEED, case)[name]
    for index in np.ndindex(*(2,) * AXES.get(name, 0)):
        some = (series[index] if index else series)[: order + 1]
        rest = F(int(total[index].p), int(total[index].q)) - sum(x * TINY**d for d, x in enumerate(some))
        assert abs(rest) < 10**5 * TINY ** (order + 1)


def test_a_formula_in_eta():
    """The same with a symbol for eta."""
    st = fd.Spacetime(2, 1, 4)
    formula = fd.predict(symbolic(SEED), st, ETA, 2).total
    series = sgd_series(SEED, (2, 1, 4, "reshuffle"))["test_loss"]
    assert [sympy.Poly(formula, ETA).nth(d) for d in range(3)] == series[:3]
    assert formula.subs(ETA, sympy.Rational(1, 3)) == fd.predict(symbolic(SEED), st, F(1, 3), 2).total


TURN = [[F(3, 5), F(-4, 5)], [F(4, 5), F(3, 5)]]


@lru_cache
def twice(third):
    """One landscape in weights along the Hessian's eigenvectors, and turned; noise in gradient and Hessian, third derivatives.

    third: a third weight that is not coupled to the others, with the curvature of one of them.
    """
    a, b, c, x = sympy.symbols("a b c x")
    p, q, r = sympy.symbols("p q r")
    loss = 3 * a**2 / sympy.Integer(2) + b**2 / sympy.Integer(2) + x * (a - 2 * b) + x * a * b + a**2 * b / 3 - b**3 / 6
    loss += (3 * c**2 / sympy.Integer(2) + x * c + a * c**2 / 2) if third else 0
    turned = loss.subs({a: TURN[0][0] * p + TURN[0][1] * q, b: TURN[1][0] * p + TURN[1][1] * q, c: r}, simultaneous=True)
    law = L.finite({-1: F(2, 3), 2: F(1, 3)})
    straight = L.symbolic(loss, (a, b, c)[: 2 + third], x, law, [0] * (2 + third))
    return straight, L.symbolic(sympy.expand(turned), (p, q, r)[: 2 + third], x, law, [0] * (2 + third))


@pytest.mark.every(4)
@pytest.mark.parametrize("rule", [None, RULES["momentum"], U.regularized_newton(F(1, 2))], ids=str)
@pytest.mark.parametrize("third", [False, True])
@pytest.mark.parametrize(
    "st", [fd.Spacetime(math.inf, 2, math.inf), fd.Spacetime(2, 1, math.inf), fd.Spacetime(2, 1, math.inf, sampling="cyclic"),
           fd.Spacetime(4, 2, 7), fd.Spacetime(3, 1, 7, sampling="replacement")], ids=str)
def test_rotations_change_nothing(st, third, rule):
    """For ever too, and with a third weight that stays alone; the covariance turns with the weights."""
    order = 2 if third or rule is not None else 3
    straight, turned = (fd.predict(land, st, F(1, 5), order, update=rule).total for land in twice(third))
    assert straight == turned
    if rule is None and not third:
        one, other = (fd.predict(land, st, F(1, 5), 2, "covariance").total for land in twice(third))
        turn = np.array(TURN, dtype=object)
        assert (turn.T @ one @ turn == other).all()


def test_irrational_eigenvalues():
    """Curvatures (3 +- sqrt(5)) / 2: rational answers for ever, near the float ones."""
    u, v, x = sympy.symbols("u v x")
    loss = (u**2 + 2 * u * v + 2 * v**2) / sympy.Integer(2) + x * (u + v) + u**3 / 6 + u * v * x
    land, forever = L.symbolic(loss, (u, v), x, L.normal(), [0, 0]), fd.Spacetime(math.inf, 1, math.inf)
    for rule, near in [(None, None), (RULES["momentum"], U.momentum(1 / 3))]:
        exact = fd.predict(land, forever, F(1, 4), 3, update=rule).total
        assert exact.is_Rational
        assert fd.predict(land, forever, 0.25, 3, update=near).total == pytest.approx(float(exact), rel=1e-12)
    assert fd.predict(L.archimedes(z=1), fd.Spacetime(3, 1, 3), F(1, 4), 2).total.evalf() == pytest.approx(
        fd.predict(L.archimedes(z=1), fd.Spacetime(3, 1, 3), 0.25, 2).total, rel=1e-12)


@pytest.mark.parametrize(("eta", "rule"), [(F(1), None), (F(4, 5), None), (F(3), RULES["momentum"])], ids=str)
def test_what_does_not_forget(eta, rule):
    """h = (3 +- sqrt(5)) / 2, 2.618 and 0.382: eta h < 2 up to eta = 0.7639; a saddle."""
    u, v, x = sympy.symbols("u v x")
    loss = (u**2 + 2 * u * v + 2 * v**2) / sympy.Integer(2) + x * (u + v)
    forever = fd.Spacetime(math.inf, 1, math.inf)
    land = L.symbolic(loss, (u, v), x, L.normal(), [0, 0])
    with pytest.raises(fd.errors.InputError, match="T = inf needs"):
        fd.predict(land, forever, eta, 2, update=rule)
    assert fd.predict(land, forever, F(76, 100), 2).total > 0
    saddle = L.symbolic(u * v + x * u, (u, v), x, L.normal(), [0, 0])
    with pytest.raises(fd.errors.InputError, match="T = inf needs"):
        fd.predict(saddle, forever, F(1, 10), 2, update=rule)
