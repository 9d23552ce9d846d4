"""Vector fields about the path, K not symmetric: noise order 1 beside every run in Fractions, order 2 by two ways of ours."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.expansion.about_path import skeleton_series
from fastdiag.path import predicted_about_path
from oracles import fields
from oracles.noise_oracle import Descent

F, W = Fraction, sympy.symbols("u v")
START, ETA = [F(1, 2), F(-1, 3)], F(1, 7)
CASES = [(2, 1, 4, "reshuffle"), (3, 1, 2, "reshuffle"), (4, 2, 3, "cyclic"), (2, 1, 3, "replacement")]
RULES = {"sgd": (None, Descent), "momentum": (fd.updates.momentum(F(1, 2)), partial(Descent, mu=F(1, 2))),
         "nesterov": (fd.updates.nesterov(F(1, 2)), partial(Descent, mu=F(1, 2), nesterov=True))}


def field():
    """Of degree 3, so that exact paths have few digits."""
    drawn, weights = fields.problem(9, degree=3)
    data = [sympy.symbols(f"{x}:{len(drawn[0][0])}") for x in "xy"]
    v = [sum(c * W[0] ** a * W[1] ** b for c, (a, b) in zip(some, drawn[0][0], strict=True)) for some in data]
    law = fd.landscapes.finite({tuple(p[e] for p in each for e in p): w for each, w in zip(drawn, weights, strict=True)})
    return fd.landscapes.symbolic_field(v, W, [*data[0], *data[1]], law, START)


LAND = field()


@pytest.mark.parametrize(("case", "rule"), [
    (CASES[0], "sgd"), (CASES[3], "momentum"), *(pytest.param(case, rule, marks=pytest.mark.long) for case in CASES for rule in RULES),
])
def test_noise_order_1_is_every_run(case, rule):
    update, run = RULES[rule]
    wanted = fields.powers_of_noise(9, START, ETA, case, 2, run)
    N, B, T, sampling = case
    first, second = (fd.observable(fields.expression(s, W), W) for s in fields.functions(9))
    watched = {("s", 0): first, ("s", 0, 1): first.covariance(second)}
    for key, observable in watched.items():
        p = fd.predict(LAND, fd.Spacetime(N, B, T, sampling=sampling), ETA, noise=1, observable=observable, update=update)
        assert list(p.by_order) == [wanted[key][0], wanted[key][2]], key
    p = fd.predict(LAND, fd.Spacetime(N, B, T, sampling=sampling), ETA, noise=1, observable="covariance", update=update)
    for i, j in np.ndindex(2, 2):
        assert p.by_order[1][i, j] == wanted["w", i, j][2]


def test_noise_order_2_by_recursion_and_by_skeletons():
    st = [fd.Spacetime(4, 1, T) for T in (1, 3)]
    land = LAND.samples(4)
    for name in ("displacement", "covariance"):
        found, other = (way(land, st, [0.1], 2, name) for way in (predicted_about_path, skeleton_series))
        for x, y in zip(found.by_order, other.by_order, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-10, atol=1e-14)


def test_flows():
    """The field's own flow and its noise, beside many small steps."""
    land, T = LAND.samples(4), 2
    for name in ("displacement", "covariance"):
        for update in (fd.updates.ode(), fd.updates.sde()):
            flow = fd.predict(land, fd.Spacetime(4, 1, T), 0.02, noise=1, observable=name, update=update)
            assert np.isfinite(flow.total).all()
        fine = fd.predict(land, fd.Spacetime(10**9, 1, T * 400), 0.02 / 400, noise=1, observable=name).by_order
        one = fd.predict(land, fd.Spacetime(4, 1, T), 0.02, noise=1, observable=name, update=fd.updates.sde()).by_order
        np.testing.assert_allclose(fine[0], one[0], rtol=2e-3, atol=1e-9)
        np.testing.assert_allclose(fine[1] * 400, one[1], rtol=5e-3, atol=1e-9)
