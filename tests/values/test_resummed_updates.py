"""Resummed linear update rules: against maps listed one by one, 60 digits, linear recursions, and the optimizers themselves."""

import math
import os
import random
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from itertools import product

import numpy as np
import pytest
import sympy
from mpmath import mp, mpf

import fastdiag as fd
from fastdiag.errors import InputError, UnsupportedError
from fastdiag.spacetime import updates
from fastdiag.spacetime.updates import Update
from fastdiag.values.mode_sums import mode_sums
from fastdiag.values.modes import recursion
from fastdiag.values.scheduled_sums import scheduled_sums
from oracles import oracle
from oracles import quintic_runs as runs
from oracles.tensors import symmetric_tensors
from oracles.weighted_sums import durations, irreducible, one_epoch_levels

HALF = Fraction(1, 2)
RULES = [
    updates.momentum(HALF), updates.momentum(Fraction(9, 10)), updates.momentum(0.3), updates.momentum(Fraction(1, 4)),
    updates.nesterov(Fraction(3, 4)), updates.quasi_hyperbolic(Fraction(4, 5), Fraction(7, 10)),
    updates.weight_decay(Fraction(1, 8)), updates.sgd(),
    Update("skew", ((Fraction(3, 4), 2), (Fraction(-1, 5), HALF)), (1, Fraction(1, 3)), (2, -1), (Fraction(1, 2), 3)),
]
RATES = [0.0, 1.0, 2.0, 0.5, 0.25, 1.5, 3.0, 2.25, -0.5, 1e-3, 1e-9, 0.1, 0.3, 0.0625, 1e-3 + 2.0**-40]
"""eta h: flat, negative, overdamped, underdamped, critical (1/4 for mu = 1/4) and nearly so, beyond stability."""


def maps_sum(D, spacetime, update, rates):
    """What the modes give for the tuple (0, 1, ..., d-1) alone; rates[e] is eta h of edge e."""
    d = D.order
    values = np.zeros((d, d ** (d - 1)))
    values[0, sum(e * d ** (d - 1 - e) for e in range(1, d))] = 1.0
    aliens = np.zeros(0, np.int64)
    alike = np.zeros(d, np.int64)  # the tuple is not symmetric
    if update.schedule is not None:
        return scheduled_sums(D, update, spacetime, values, 0, np.array(rates), np.ones(1), alike, aliens)[0, 0]
    return mode_sums(D, update, spacetime, values, 0, np.array(rates), np.ones(1), alike, aliens)[0, 0]


def propagators(update, rate, longest, number=Fraction):
    """seen A^(dt-1) push and point A^(dt-1) push for dt = 1, 2, ..., by multiplying the matrix A."""
    step, push = [[number(x) for x in row] for row in update.step], [number(x) for x in update.push]
    point, seen = [number(x) for x in update.point], [number(x) for x in update.seen]
    A = [[a - number(rate) * v * p for a, p in zip(row, point, strict=True)] for row, v in zip(step, push, strict=True)]
    state, outer, inner = push, [None], [None]
    for _ in range(longest):
        outer.append(sum(a * b for a, b in zip(seen, state, strict=True)))
        inner.append(sum(a * b for a, b in zip(point, state, strict=True)))
        state = [sum(a * b for a, b in zip(row, state, strict=True)) for row in A]
    return outer, inner


@pytest.mark.every(2)
@pytest.mark.parametrize(
    "spacetime",
    [fd.Spacetime(*grid, sampling=sampling)
     for grid, sampling in [((6, 2, 3), "reshuffle"), ((4, 1, 4), "reshuffle"), ((2, 1, 5), "reshuffle"), ((2, 1, 4), "reshuffle"),
                            ((4, 2, 3), "reshuffle"), ((2, 1, 5), "cyclic"), ((3, 1, 5), "cyclic"), ((4, 2, 4), "cyclic"),
                            ((2, 1, 4), "replacement"), ((3, 2, 3), "replacement")]],
    ids=repr,
)
def test_against_maps_listed_one_by_one(spacetime):
    draw = random.Random(repr(spacetime))
    for order in range(1, 5):
        chosen = irreducible(order)  # root shared, too
        for D in chosen if order < 3 else draw.sample(chosen, 10 if order == 3 else 4):
            found, realisations = durations(D, spacetime)
            for update in draw.sample(RULES, 4):
                rates = draw.choices(RATES, k=order)
                edges = [propagators(update, Fraction(x), spacetime.T)[D.parents[e + 1] > 0] for e, x in enumerate(rates)]
                terms = [c * math.prod(w[dt] for w, dt in zip(edges, dts, strict=True)) for dts, c in found.items()]
                wanted, scale = sum(terms) / realisations, sum(map(abs, terms)) / realisations
                assert abs(Fraction(maps_sum(D, spacetime, update, rates)) - wanted) <= Fraction(1, 10**11) * scale


def mp_modes(update, rate, at_root):
    """The two exponentials in high precision; exactly equal roots are moved apart by far less than it."""
    rule = recursion(update)
    x = mpf(rate)
    trace, det = (mpf(a.numerator) / a.denominator + x * b.numerator / b.denominator for a, b in (rule.trace, rule.determinant))
    gap = mp.sqrt(trace * trace / 4 - det + mpf(10) ** -90)
    k = [trace / 2 + gap, trace / 2 - gap]
    first, second = (w[not at_root] for w in zip(*[p[1:] for p in propagators(update, rate, 2, exactly)], strict=True))
    return [((second - k[1] * first) / (k[0] - k[1]), k[0]), ((second - k[0] * first) / (k[1] - k[0]), k[1])]


@lru_cache
def largest_weight(update, rate, longest, at_root):
    return max(map(abs, propagators(update, rate, longest, float)[not at_root][1:]))


def exactly(value):
    value = Fraction(value)
    return mpf(value.numerator) / value.denominator


@pytest.mark.every(2)
@pytest.mark.parametrize("T", [30, 1000, 10**6])
@pytest.mark.parametrize("mu", [0.25, 0.9, 0.99])
def test_near_critical_damping_and_many_updates(T, mu):
    critical = (1 - math.sqrt(mu)) ** 2
    rates = [critical * (1 + s) for s in (0.0, 1e-15, -1e-12, 1e-9, -1e-6, 1e-4, 3e-3, -0.03, 0.1, -0.3, 0.6, 2.0)]
    rates += [1e-9, 0.0, 1.0, (1 + math.sqrt(mu)) ** 2 * (1 - 1e-9), 2 * (1 + mu) * (1 - 1e-3)]
    draw = random.Random(f"{T} {mu}")
    spacetime = fd.Spacetime(math.inf, 2, T)
    for update in (updates.momentum(mu), updates.nesterov(mu)):
        if update.name.startswith("nesterov"):
            rates = [x for x in rates if x < 1]
        for order, often in ((1, len(rates)), (2, 6), (3, 2)):
            for trial in range(often):
                D = draw.choice(irreducible(order))
                chosen = [rates[trial]] if order == 1 else draw.choices(rates, k=order)
                with mp.workdps(250):
                    modes = [mp_modes(update, x, D.parents[e + 1] == 0) for e, x in enumerate(chosen)]
                    wanted = mpf(0)
                    for combination in product(*modes):
                        wanted += math.prod(c for c, _ in combination) * one_epoch_levels(D, 2, T, [k for _, k in combination])
                    largest = math.prod(largest_weight(update, x, min(T, 2000), D.parents[e + 1] == 0) for e, x in enumerate(chosen))
                    scale = max(abs(wanted), mpf(2) ** len(set(D.blocks[1:])) * largest)  # of one map
                assert abs(mpf(maps_sum(D, spacetime, update, chosen)) - wanted) <= mpf("1e-11") * scale


# Quadratic losses with additive noise: order 2 is exact, and so is a recursion of the covariance of the optimizer's state.


def optimizer(kind, eta, H, mu, nu=0.7, decay=0.01):
    """(M, b, start): the state moves by M state + b gradient noise; written from the optimizers' definitions.

    The state is (theta, m), theta measured from where the mean gradient is zero.
    """
    n = len(H)
    one = np.eye(n)
    if kind == "momentum":  # m' = mu m + H theta + xi, theta' = theta - eta m'
        return np.block([[one - eta * H, -eta * mu * one], [H, mu * one]]), np.vstack([-eta * one, one])
    if kind == "nesterov":  # m' = mu m + H (theta - eta mu m) + xi, theta' = theta - eta m'
        inner = mu * one - eta * mu * H
        return np.block([[one - eta * H, -eta * inner], [H, inner]]), np.vstack([-eta * one, one])
    if kind == "quasi_hyperbolic":  # m' = mu m + (1 - mu) g, theta' = theta - eta ((1 - nu) g + nu m')
        a = (1 - nu) + nu * (1 - mu)
        return (np.block([[one - eta * a * H, -eta * nu * mu * one], [(1 - mu) * H, mu * one]]),
                np.vstack([-eta * a * one, (1 - mu) * one]))
    raise AssertionError(kind)


RULE = {
    "momentum": lambda mu: updates.momentum(mu), "nesterov": lambda mu: updates.nesterov(mu),
    "quasi_hyperbolic": lambda mu: updates.quasi_hyperbolic(mu, 0.7),
}


@lru_cache
def noisy_quadratic(n, seed=0):
    """Gradients of 7 points and one Hessian, with a flat-ish and a steep direction; the start is not the minimum."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(n, n)))[0]
    H = Q @ np.diag(np.geomspace(0.02, 1.0, n)) @ Q.T
    H = (H + H.T) / 2
    grads = rng.normal(size=(7, n))
    points = [np.full(7, 0.3), grads, np.broadcast_to(H, (7, n, n)), np.zeros((7, n, n, n)), np.zeros((7, n, n, n, n))]
    return fd.landscapes.samples(*points), H, grads.mean(axis=0), np.cov(grads.T, bias=True)


def loss_of(H, mean, covariance, G, loss=0.3):
    """Expected loss, theta measured from the minimum, where it is less by G H^-1 G / 2."""
    return loss - G @ np.linalg.solve(H, G) / 2 + (mean @ H @ mean + np.trace(H @ covariance)) / 2


@pytest.mark.parametrize("kind", RULE)
@pytest.mark.parametrize("mu", [0.0, 0.5, 0.9])
def test_quadratic_losses_with_noise(kind, mu):
    n, B = 3, 2
    land, H, G, C = noisy_quadratic(n)
    spacetime = fd.Spacetime(math.inf, B, 1)
    times = [1, 2, 3, 10, 37, 100, 101, 400]
    etas = [0.03, 0.4, (1 - math.sqrt(mu)) ** 2, 1.3]
    for order in (2, 3):
        grid = fd.predict(land, spacetime, etas, order, T=[*times, math.inf], update=RULE[kind](mu)).total
        for i, eta in enumerate(etas):
            M, b = optimizer(kind, eta, H, mu)
            mean, covariance = np.concatenate([np.linalg.solve(H, G), np.zeros(n)]), np.zeros((2 * n, 2 * n))
            noise = b @ C @ b.T / B
            for t in range(times[-1] + 1):
                if t in times:
                    wanted = loss_of(H, mean[:n], covariance[:n, :n], G)
                    assert grid[i, times.index(t)] == pytest.approx(wanted, rel=1e-11, abs=1e-11)
                mean, covariance = M @ mean, M @ covariance @ M.T + noise
            assert max(abs(np.linalg.eigvals(M))) < 1
            limit = np.linalg.solve(np.eye(4 * n * n) - np.kron(M, M), noise.ravel()).reshape(2 * n, 2 * n)
            assert grid[i, -1] == pytest.approx(loss_of(H, 0 * G, limit[:n, :n], G), rel=1e-11, abs=1e-11)


def test_matrix_learning_rate_and_weight_decay():
    """A matrix eta is a change of coordinates; with decay, theta <- (1 - decay) theta - eta g from theta_0 = 0."""
    land, H, G, C = noisy_quadratic(3)
    eta = np.array([[0.5, 0.1, 0.0], [0.1, 0.3, -0.1], [0.0, -0.1, 0.7]])
    n, mu = 3, 0.8
    M = np.block([[np.eye(n) - eta @ H, -mu * eta], [H, mu * np.eye(n)]])
    b = np.vstack([-eta, np.eye(n)])
    mean, covariance = np.concatenate([np.linalg.solve(H, G), np.zeros(n)]), np.zeros((2 * n, 2 * n))
    for _ in range(50):
        mean, covariance = M @ mean, M @ covariance @ M.T + b @ C @ b.T
    found = fd.predict(land, fd.Spacetime(60, 1, 50), eta, 2, update=updates.momentum(mu)).total
    assert found == pytest.approx(loss_of(H, mean[:n], covariance[:n, :n], G), rel=1e-11)
    decay = 0.03
    mean, covariance = np.zeros(n), np.zeros((n, n))
    K = (1 - decay) * np.eye(n) - 0.4 * H
    for _ in range(50):
        mean, covariance = K @ mean - 0.4 * G, K @ covariance @ K.T + 0.16 * C / 2
    wanted = 0.3 + G @ mean + mean @ H @ mean / 2 + np.trace(H @ covariance) / 2
    found = fd.predict(land, fd.Spacetime(100, 2, 50), 0.4, 2, update=updates.weight_decay(decay)).total
    assert found == pytest.approx(wanted, rel=1e-11)


# Learning-rate schedules: c_s times the product of 1 - c_u x over the updates between, decay included.


@lru_cache
def timed_maps(D, spacetime):
    """How many maps have which times of the nodes, over all realisations."""
    found, realisations = Counter(), 0
    for batches in spacetime.realisations():
        realisations += 1
        found.update(tuple(t for t, _ in f) for f in oracle.all_maps(D.parents, D.blocks, batches, injective=False))
    return found, realisations


@pytest.mark.parametrize(
    "spacetime",
    [fd.Spacetime(*grid, sampling=sampling)
     for grid, sampling in [((6, 2, 3), "reshuffle"), ((4, 1, 4), "reshuffle"), ((2, 1, 5), "reshuffle"), ((2, 1, 4), "reshuffle"),
                            ((2, 1, 5), "cyclic"), ((3, 1, 5), "cyclic"), ((4, 2, 4), "cyclic"), ((1, 1, 4), "cyclic"), ((3, 2, 3), "replacement")]],
    ids=repr,
)
def test_schedules_against_maps_listed_one_by_one(spacetime):
    draw = random.Random(repr(spacetime))
    decay = Fraction(1, 8)
    schedule = [Fraction(draw.randint(-3, 8), 4) for _ in range(spacetime.T + 1)]
    for update, kept in ((updates.schedule(schedule), 1), (replace(updates.weight_decay(decay), schedule=tuple(schedule)), 1 - decay)):
        for order in range(1, 4):
            for D in irreducible(order) if order < 3 else draw.sample(irreducible(order), 8):
                rates = draw.choices(RATES, k=order)
                found, realisations = timed_maps(D, spacetime)
                wanted = scale = Fraction(0)
                for times, count in found.items():
                    term = Fraction(count, realisations)
                    for e, s in enumerate(times):
                        parent = D.parents[e + 1]
                        between = range(s + 1, times[parent - 1] if parent else spacetime.T)
                        term *= schedule[s] * math.prod(kept - schedule[u] * Fraction(rates[e]) for u in between)
                    wanted, scale = wanted + term, scale + abs(term)
                assert abs(Fraction(maps_sum(D, spacetime, update, rates)) - wanted) <= Fraction(1, 10**11) * scale


def test_scheduled_curves_and_constant_schedules():
    land = runs.landscape(4, 3)
    spacetime, times = fd.Spacetime(12, 2, 1), [1, 2, 3, 6, 5, 5, 9]
    for sampling in ("reshuffle", "cyclic", "replacement"):
        spacetime = fd.Spacetime(12, 2, 1, sampling=sampling)
        halved = fd.predict(land, spacetime, [0.2, 0.1], 2, T=times, update=updates.schedule([0.5] * 9))
        plain = fd.predict(land, spacetime, [0.1, 0.05], 2, T=times)
        np.testing.assert_allclose(halved.total, plain.total, rtol=1e-12)
    with pytest.raises(InputError, match="9 learning rates, but there are T = 10"):
        fd.predict(land, spacetime, 0.1, 2, T=10, update=updates.schedule([0.5] * 9))
    fast = replace(updates.momentum(0.5), schedule=(0.5,) * 9)
    for spacetime in (fd.Spacetime(12, 2, 1), fd.Spacetime(20, 2, 1, sampling="cyclic")):
        halved, plain = (fd.predict(land, spacetime, eta, 2, T=[9, 3], update=rule) for eta, rule in ((0.2, fast), (0.1, updates.momentum(0.5))))
        np.testing.assert_allclose(halved.total, plain.total, rtol=1e-12)


# Plain SGD, the limits, errors.


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
def test_without_momentum_it_is_sgd(sampling):
    land = runs.landscape(3, 3)
    etas = [0.0, 0.02, 0.3]
    for spacetime in (fd.Spacetime(6, 2, 3, sampling=sampling), fd.Spacetime(4, 2, 7, sampling=sampling)):
        plain = fd.predict(land, spacetime, etas, 3)
        for update in (updates.momentum(0), updates.nesterov(0.0), updates.quasi_hyperbolic(0.6, 0), updates.weight_decay(0), updates.sgd()):
            other = fd.predict(land, spacetime, etas, 3, update=update)
            for D, value in plain.by_diagram.items():
                np.testing.assert_allclose(other.by_diagram[D], value, rtol=1e-12, atol=1e-14)


def test_curves_are_points():
    """Within one epoch, over several octaves, and beyond it."""
    land = runs.landscape(4, 3)
    for update in (updates.momentum(0.9), updates.nesterov(0.6)):
        spacetime, times, etas = fd.Spacetime(40, 2, 1), [1, 2, 3, 7, 20, 15, 15, 50], [0.1, 0.003]
        curve = fd.predict(land, spacetime, etas, 2, T=times, update=update).total
        for j, T in enumerate(times):
            for i, eta in enumerate(etas):
                point = fd.predict(land, spacetime.with_updates(T), eta, 2, update=update).total
                assert curve[i, j] == pytest.approx(point, rel=1e-12)


def test_many_tuples_are_summed_by_their_kinds(monkeypatch):
    """Over-, under- and critically damped directions, few tuples at a time: real and conjugate modes have their own sums."""
    chosen = [D for order in range(4) for D in fd.diagrams(order)]
    land = symmetric_tensors(4, chosen, 7)
    cumulants = {key: tensor for key, tensor in land.cumulants.items() if key != (0,)}
    land = fd.landscapes.tensors({**cumulants, (2,): np.diag([0.0005, 0.0026, 0.3, 0.9])}, loss=1.0)
    spacetimes = [fd.Spacetime(600, 2, 300), fd.Spacetime(4, 2, 3, sampling="cyclic")]
    few = [fd.predict(land, st, [0.8, 1.0], 3, update=updates.momentum(0.9)) for st in spacetimes]
    found = set()
    for together, threads in [(600, 2), (80, 1), (80, 3)]:
        monkeypatch.setattr("fastdiag.values.mode_sums.TOGETHER", together)
        monkeypatch.setattr(os, "cpu_count", lambda threads=threads: threads)
        many = [fd.predict(land, st, [0.8, 1.0], 3, update=updates.momentum(0.9)) for st in spacetimes]
        for one, other in zip(few, many, strict=True):
            for D, value in one.by_diagram.items():
                np.testing.assert_allclose(other.by_diagram[D], value, rtol=1e-11, atol=1e-12)
        if together == 80:
            found.add(b"".join(p.total.tobytes() for p in many))
    assert len(found) == 1


def test_the_limit_is_the_limit():
    land = noisy_quadratic(2)[0]
    rng = np.random.default_rng(1)
    J = rng.normal(size=(2, 2, 2))
    J = sum(J.transpose(p) for p in [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
    H = np.diag([0.04, 0.9])
    noise = rng.normal(size=(6, 2))
    land = fd.landscapes.samples(np.zeros(6), noise, H + 0.1 * noise[:, :, None] * noise[:, None, :], np.broadcast_to(J, (6, 2, 2, 2)))
    for update, etas in ((updates.momentum(0.64), [0.5, 1.0, 3.2]), (updates.weight_decay(0.1), [0.7])):
        for D in ("[a]", "[a a]", "[a b]", "[a[b b]]", "[a a a]", "[a b[b]]", "[a[a b] b]"):
            limit = fd.rvalue(D, land, fd.Spacetime(math.inf, 2, math.inf), etas, update=update)
            late = fd.rvalue(D, land, fd.Spacetime(math.inf, 2, 3000), etas, update=update)
            np.testing.assert_allclose(limit, late, rtol=1e-11)


def test_what_is_refused():
    land, spacetime = noisy_quadratic(2)[0], fd.Spacetime(math.inf, 1, math.inf)
    with pytest.raises(InputError, match=r"0 < eta h < 3 in every direction with momentum\(0.5\)"):
        fd.rvalue("[a a]", land, spacetime, 3.1, update=updates.momentum(0.5))
    assert np.isfinite(fd.rvalue("[a a]", land, spacetime, 2.9, update=updates.momentum(0.5)))
    with pytest.raises(InputError, match=r"0 < eta h"):
        fd.rvalue("[a a]", land, spacetime, 0.0, update=updates.momentum(0.5))
    with pytest.raises(InputError, match="never forgets"):
        fd.rvalue("[a a]", land, spacetime, 0.1, update=Update("undamped", ((1, 1), (0, 1)), (1, 1), (1, 0), (1, 0)))
    with pytest.raises(UnsupportedError, match="continuous"):
        fd.rvalue("[a a]", land, fd.Spacetime(9, 1, 9), 0.1, continuous=True, update=updates.momentum(0.5))
    three = Update("three", ((1, 0, 0), (0, 1, 0), (0, 0, 1)), (1, 1, 1), (1, 0, 0), (1, 0, 0))
    with pytest.raises(UnsupportedError, match="state of 1 or 2"):
        fd.rvalue("[a a]", land, fd.Spacetime(9, 1, 9), 0.1, update=three)
    with pytest.raises(InputError, match="has no value"):
        fd.rvalue("[a a]", land, fd.Spacetime(9, 1, 9), 0.1, update=updates.momentum(sympy.Symbol("mu")))


# Exact values on symbolic landscapes.


def test_exact_values():
    """One dimension; and two, with a diagonal Hessian."""
    u, v, x, mu, eta = sympy.symbols("u v x mu eta")
    loss = u**2 / 2 + v**2 / 3 + x * u + u**2 * v / 7 + x * v * u + x * v**3 / 6 + u**3
    plane = fd.landscapes.symbolic(loss, [u, v], x, fd.landscapes.normal(), [0, 0])
    for land, update in [
        (fd.landscapes.gauss(), updates.momentum(HALF)), (fd.landscapes.gauss(), updates.nesterov(Fraction(1, 3))),
        (plane, updates.quasi_hyperbolic(Fraction(1, 3), HALF)),
    ]:
        for spacetime in (fd.Spacetime(6, 2, 3), fd.Spacetime(2, 1, 3), fd.Spacetime(2, 1, 4, sampling="cyclic")):
            exact = fd.predict(land, spacetime, Fraction(1, 8), 3, update=update)
            near = fd.predict(land, spacetime, 0.125, 3, update=update)
            for D, value in exact.by_diagram.items():
                assert value.is_Rational
                assert near.by_diagram[D] == pytest.approx(float(value), rel=1e-12, abs=1e-15)
    spacetime = fd.Spacetime(2, 1, 3)
    formula = fd.predict(plane, spacetime, eta, 2, update=updates.momentum(mu)).total
    number = fd.predict(plane, spacetime, Fraction(1, 3), 2, update=updates.momentum(HALF)).total
    assert {mu, eta} == formula.free_symbols
    assert formula.subs({mu: HALF, eta: Fraction(1, 3)}) == number
    stepped = updates.momentum(HALF).with_schedule([1, 2, HALF])
    exact, near = (fd.predict(plane, spacetime, eighth, 2, update=stepped).total for eighth in (Fraction(1, 8), 0.125))
    assert near == pytest.approx(float(exact), rel=1e-12)
