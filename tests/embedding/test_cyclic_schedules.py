"""Schedules with momentum where one order of the rows is repeated, resummed: steps that do not commute."""

import math
from collections import Counter
from fractions import Fraction
from functools import lru_cache
from itertools import product

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.embedding.weighted import resummed_maps
from fastdiag.expansion import OBSERVABLES
from oracles.observed_losses import symbolic
from oracles.oracle import all_maps, renamed_sequences
from oracles.propagators import propagated

F, L, U = Fraction, fd.landscapes, fd.updates
RATES = (F(1), F(1, 2), F(2), F(3, 2), F(1, 3), F(1, 4))
CURVATURE = F(3, 2)
CASES = [(2, 1, 4), (2, 1, 5), (4, 2, 3), (4, 2, 5), (2, 2, 3)]


@lru_cache
def quadratic():
    """l = h theta^2 / 2 + x theta from theta_0 = 1: order 2 is the whole answer."""
    w, x = sympy.symbols("w x")
    return L.symbolic(CURVATURE * w**2 / 2 + x * w, w, x, L.finite({-1: F(2, 3), 3: F(1, 3)}), [1])


def descended(case, eta, mu, sampling):
    """E l(theta_T), run by run: m <- mu m + c_t g, theta <- theta - eta m."""
    N, B, T = case
    law, total, h = {-1: F(2, 3), 3: F(1, 3)}, F(0), CURVATURE
    sequences = Counter(tuple(tuple(sorted(b)) for b in s) for s in renamed_sequences(N, B, T, sampling))
    slope = sum(chance * x for x, chance in law.items())
    for training_set in product(law, repeat=N):
        for batches, often in sequences.items():
            theta, m = F(1), F(0)
            for t, batch in enumerate(batches):
                m = mu * m + RATES[t] * (h * theta + F(sum(training_set[row] for row in batch), B))
                theta -= eta * m
            total += math.prod(law[x] for x in training_set) * (h * theta**2 / 2 + slope * theta) * often / sequences.total()
    return total


@pytest.mark.parametrize("sampling", ["cyclic", "reshuffle"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_quadratic_is_exact(case, sampling):
    """Whole and partial epochs, at a large learning rate; in floats too."""
    N, B, T = case
    st, rule = fd.Spacetime(N, B, T, sampling=sampling), U.momentum(F(2, 3)).with_schedule(RATES)
    wanted = descended(case, F(1, 2), F(2, 3), sampling)
    assert fd.predict(quadratic(), st, F(1, 2), 2, update=rule).total == wanted
    near = U.momentum(2 / 3).with_schedule([float(c) for c in RATES])
    assert fd.predict(quadratic(), st, 0.5, 2, update=near).total == pytest.approx(float(wanted), rel=1e-12)


@pytest.mark.parametrize("name", OBSERVABLES)
@pytest.mark.parametrize("rule", [U.nesterov(F(1, 2)), U.quasi_hyperbolic(F(1, 2), F(1, 3)), U.weight_decay(F(1, 8), F(1, 2))], ids=str)
def test_floats_are_the_exact_numbers(rule, name):
    """Two weights that the Hessian couples, every observable, several times."""
    st = fd.Spacetime(2, 1, 5, sampling="cyclic")
    exact, floats = (
        fd.predict(symbolic(4), st, eta, 2, name, update=rule.with_schedule(RATES), T=[3, 5]).total for eta in (F(1, 4), 0.25)
    )
    np.testing.assert_allclose(floats, exact.astype(float), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("T", [6, 8])
@pytest.mark.parametrize("text", ["[a[b]]", "[a[a]]", "[a b[a]]", "[a[b a]]"])
def test_sums_over_maps_listed_cell_by_cell(text, T):
    """Epochs of three updates: steps in an epoch have an order too."""
    D, st, rates = fd.Diagram.parse(text), fd.Spacetime(3, 1, T, sampling="cyclic"), (*RATES, F(5, 2), F(-1))
    rule, forces = U.nesterov(F(1, 2)).with_schedule(rates), [F(1, 3), F(5, 2), F(-1, 2)][: D.order]
    batches = [(t % 3,) for t in range(T)]  # any order of the rows
    at = Counter((T, *(t for t, _ in f)) for f in all_maps(D.parents, D.blocks, batches, injective=False))
    known = {}
    for e, s, t, root in {(v, times[v], times[p], p == 0) for times in at for v, p in enumerate(D.parents) if v}:
        known[e, s, t] = propagated(rule, [[forces[e - 1]]], F(1), s, t, root)[0][0]
    wanted = sum(
        ways * math.prod(known[v, times[v], times[p]] for v, p in enumerate(D.parents) if v) for times, ways in at.items()
    )
    assert resummed_maps(D, st, rule, forces) == wanted


def test_a_constant_schedule_is_none():
    """Edges that are swept with their epochs, against edges whose steps commute."""
    st, forces = fd.Spacetime(4, 2, 7, sampling="cyclic"), [F(1, 3), F(2, 3), F(-1, 2)]
    rule, constant = U.momentum(F(1, 2)), U.momentum(F(1, 2)).with_schedule([1] * 7)
    for D in fd.diagrams(3)[::3]:
        assert resummed_maps(D, st, constant, forces) == resummed_maps(D, st, rule, forces)


def test_too_many_choices_are_foreseen():
    st = fd.Spacetime(1, 1, 5000, sampling="cyclic")
    with pytest.raises(fd.errors.TooLargeError, match="tells the 5000 epochs of one order apart"):
        fd.predict(quadratic(), st, 0.1, 2, update=U.momentum(0.5).with_schedule(lambda t: 1 / (1 + t)))
