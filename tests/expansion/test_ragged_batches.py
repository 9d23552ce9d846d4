"""Predictions where B does not divide N: against every training set and shuffle in Fractions."""

from fractions import Fraction
from itertools import product
from math import prod

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.expansion import OBSERVABLES
from oracles import oracle
from oracles.hessian_steps import add, step
from oracles.observed_losses import AXES, problem, symbolic

F = Fraction
CASES = [(3, 2, 3, "reshuffle", "keep"), (3, 2, 2, "reshuffle", "drop")]
LONG = [(3, 2, 4, "reshuffle", "keep"), (3, 2, 6, "cyclic", "keep"), (3, 2, 3, "cyclic", "drop"), (3, 2, 6, "reshuffle", "keep"), (3, 2, 5, "reshuffle", "keep"), (3, 2, 3, "reshuffle", "drop"), (4, 3, 4, "cyclic", "keep"),
        (3, 2, 2, "cyclic", "keep")]


def grid(case):
    N, B, T, sampling, last = case
    return fd.Spacetime(N, B, T, sampling=sampling, last=last)


@pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning")
@pytest.mark.parametrize("case", CASES + [pytest.param(case, marks=pytest.mark.long) for case in LONG], ids=str)
def test_the_series_is_sgd(case):
    """To order 3, in two weights; E is from 1 to 3."""
    losses, weights = problem(1)
    *numbers, last = case
    wanted = oracle.sgd_observables(losses, weights, *numbers, 3, oracle.descents(losses, weights, *numbers, 3, last))
    for name in OBSERVABLES:
        p = fd.predict(symbolic(1), grid(case), 1, 3, name, resummed=False)
        axes = AXES.get(name, 0)
        for d, found in enumerate(map(np.asarray, p.by_order)):
            for index in np.ndindex(found.shape):
                assert found[index] == (wanted[name][index] if axes else wanted[name])[d], (name, d)


# A parabola with additive noise, H coupled: resummed order 2, and noise order 1, are the whole truth at any eta.

H, PULL, START = [[F(2), F(1)], [F(1), F(3)]], [F(1), F(-2)], [F(1), F(-1)]
RATES = [F(1), F(1, 2), F(2), F(1, 3), F(1), F(3, 2)]
RULES = {
    "sgd": (None, {}), "momentum": (fd.updates.momentum(F(1, 2)), {"mu": F(1, 2)}),
    "schedule": (fd.updates.schedule(RATES), {"rates": RATES}),
    "both": (fd.updates.momentum(F(1, 2)).with_schedule(RATES), {"mu": F(1, 2), "rates": RATES}),
}


def parabola(law):
    u, v, x = sympy.symbols("u v x")
    loss = u**2 + u * v + sympy.Rational(3, 2) * v**2 + x * (u - 2 * v)
    return fd.landscapes.symbolic(loss, (u, v), x, fd.landscapes.finite(law), at=[1, -1])


def loss_after(batches, data, eta, mu=0, rates=None):
    """The mean loss and the training set's at theta_T."""
    theta, memory = START, [F(0), F(0)]
    for t, batch in enumerate(batches):
        x = sum(data[row] for row in batch) / F(len(batch))
        g = [H[i][0] * theta[0] + H[i][1] * theta[1] + x * PULL[i] for i in range(2)]
        memory = [mu * m + (1 if rates is None else rates[t]) * slope for m, slope in zip(memory, g, strict=True)]
        theta = [w - eta * m for w, m in zip(theta, memory, strict=True)]
    u, v = theta
    tested = u**2 + u * v + F(3, 2) * v**2
    return tested, tested + sum(data) / F(len(data)) * (u - 2 * v)


def expected(case, law, eta, **rule):
    sequences, totals = oracle.renamed_sequences(*case), [F(0), F(0)]
    for data in product(law, repeat=case[0]):
        for batches in sequences:
            found = loss_after(batches, data, eta, **rule)
            totals = [a + prod(law[x] for x in data) * b / len(sequences) for a, b in zip(totals, found, strict=True)]
    return dict(zip(("test_loss", "train_loss"), totals, strict=True))


LAW = {F(-1): F(2, 3), F(2): F(1, 3)}
GRIDS = [(3, 2, 4, "reshuffle", "keep"), (3, 2, 5, "cyclic", "keep"), (3, 2, 2, "reshuffle", "keep"), (3, 2, 3, "reshuffle", "drop"),
         (3, 2, 2, "cyclic", "drop")]


@pytest.mark.parametrize(("case", "rule"), [
    pytest.param(case, rule, marks=() if i in (0, 1) or (i, rule) == (2, "schedule") else pytest.mark.long)
    for i, case in enumerate(GRIDS) for rule in RULES
], ids=str)
def test_a_parabola_resummed_and_about_its_path(case, rule):
    land, eta, (update, options) = parabola(LAW), F(1, 7), RULES[rule]
    for name, wanted in expected(case, LAW, eta, **options).items():
        assert fd.predict(land, grid(case), eta, 2, name, update=update).total == wanted
        assert fd.predict(land, grid(case), eta, noise=1, observable=name, update=update).total == wanted
        assert fd.predict(land, grid(case), float(eta), 2, name, update=update).total == pytest.approx(float(wanted), rel=1e-12)


@pytest.mark.parametrize("case", GRIDS[:2], ids=str)
def test_a_curve_meets_batches_of_both_sizes(case):
    found = fd.predict(parabola(LAW), grid(case), 1 / 7, 2, T=[1, 2, 3, 4, 5]).total
    wanted = [expected((*case[:2], T, *case[3:]), LAW, F(1, 7))["test_loss"] for T in (1, 2, 3, 4, 5)]
    assert found == pytest.approx([float(x) for x in wanted], rel=1e-12)


@pytest.mark.parametrize("case", GRIDS, ids=str)
def test_a_given_training_set(case):
    data, eta = [F(-1), F(1, 2), F(2)], F(1, 7)
    land = parabola({x: F(1, 3) for x in data})
    sequences = oracle.batch_sequences(*case)
    wanted = sum(loss_after(batches, data, eta)[1] for batches in sequences) / len(sequences)
    for way in ({"order": 2}, {"noise": 1}):
        assert fd.predict(land, grid(case), eta, training_set="given", **way).total == wanted, way


def test_for_ever():
    """T = inf, whole epochs: the limit of many."""
    forever = fd.predict(parabola(LAW), fd.Spacetime(3, 2, float("inf"), last="keep"), 1 / 7, 2).total
    assert forever == pytest.approx(fd.predict(parabola(LAW), fd.Spacetime(3, 2, E=200, last="keep"), 1 / 7, 2).total, rel=1e-12)
    about_path = fd.predict(parabola(LAW), fd.Spacetime(3, 2, float("inf"), last="keep"), 1 / 7, noise=1).total
    assert about_path == pytest.approx(forever, rel=1e-10)


@pytest.mark.parametrize("case", [(3, 2, 2, "reshuffle", "keep"), pytest.param((3, 2, 3, "cyclic", "keep"), marks=pytest.mark.long)], ids=str)
def test_hessian_steps(case):
    """The batch's mean Hessian and gradient; resummed in floats and exactly agree with the series to its order."""
    losses, weights = problem(1)
    lam, sequences = F(1, 2), oracle.renamed_sequences(*case)
    total = [F(0)] * 4
    for points in product(range(len(losses)), repeat=3):
        for batches in sequences:
            theta = [[F(0)] * 4 for _ in range(2)]
            for batch in batches:
                theta = [add(x, u) for x, u in zip(theta, step(losses, [points[row] for row in batch], theta, lam), strict=True)]
            chance = prod(weights[x] for x in points) / len(sequences)
            total = add(total, [chance * x for x in oracle.evaluate(oracle.mean_loss(losses, weights), theta)])
    newton = fd.updates.regularized_newton(lam)
    with pytest.warns(fd.errors.TrustWarning):
        assert list(fd.predict(symbolic(1), grid(case), 1, 3, resummed=False, update=newton).by_order) == total
    eta = F(1, 10**6)
    exactly = fd.predict(symbolic(1), grid(case), eta, 3, update=newton).total
    assert abs(exactly - sum(x * eta**d for d, x in enumerate(total))) < 1e3 * eta**4
    assert fd.predict(symbolic(1), grid(case), 0.05, 3, update=newton).total == pytest.approx(
        float(fd.predict(symbolic(1), grid(case), F(1, 20), 3, update=newton).total), rel=1e-12
    )


def test_a_gpu_has_batches_of_one_size():
    land, spacetime = parabola(LAW), fd.Spacetime(3, 2, 2, last="keep")
    for ask in (lambda: fd.rvalue("[a a]", land, spacetime, 0.1, device="cuda"), lambda: fd.predict(land, spacetime, 0.1, device="cuda")):
        with pytest.raises(fd.errors.UnsupportedError, match="two sizes"):
            ask()
