"""SGD and GD with gradients of penalties, against all runs enumerated with every pair of points written out in NumPy."""

from itertools import combinations

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import InputError, UnsupportedError
from oracles.enumerated_runs import KINDS, enumerated, expected, landscape
from oracles.plain_sgd import START, UNEVEN, Plain, X

ETAS = {"logistic": 0.8, "samples": 0.1, "symbolic": 0.1}
MATRIX = np.array([[0.15, 0.05], [0.05, 0.08]])
MATRICES = {"logistic": 4 * MATRIX, "samples": MATRIX, "symbolic": MATRIX}


def led(noise, slope, whole=False):
    """theta <- theta - eta (g + eta (noise grad C + slope H G)), C and G.G/2 estimated by all pairs of training points."""

    def descend(oracle, points, batches, eta):
        theta, times = oracle.start, (lambda v: eta @ v) if np.ndim(eta) == 2 else (lambda v: eta * v)
        for batch in batches:
            g = [oracle.gradient(x, theta) for x in points]
            h = [oracle.hessian(x, theta) for x in points]
            pairs = list(combinations(range(len(points)), 2))
            spread = sum((h[x] - h[y]) @ times(g[x] - g[y]) for x, y in pairs) / len(pairs)
            product = sum(h[x] @ times(g[y]) + h[y] @ times(g[x]) for x, y in pairs) / (2 * len(pairs))
            mean = np.mean(g if whole else [g[row] for row in batch], axis=0)
            theta = theta - times(mean + noise * spread + slope * product)
        return theta

    return descend


def meets(kind, spacetime, eta, descend, runs=20_000, names=("train_loss", "displacement"), **options):
    every = enumerated(kind, spacetime, eta, descend, rows=True)
    for name in names:
        found = fd.simulate(landscape(kind), spacetime, eta, runs, observable=name, **options)
        mean, deviation = expected(name, *every)
        assert (np.abs(found.mean - mean) < 4 * deviation / np.sqrt(runs) + 1e-14).all(), name
        np.testing.assert_allclose(found.stderr, deviation / np.sqrt(runs), rtol=0.1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("eta", ["a number", "a matrix"])
def test_descent_that_is_led(kind, eta):
    eta = ETAS[kind] if eta == "a number" else MATRICES[kind]
    for spacetime in (fd.Spacetime(N=3, T=4), fd.Spacetime(N=3, B=2, T=2, sampling="replacement")):
        meets(kind, spacetime, eta, led(0.3, -0.4), update=fd.updates.corrected(0.3, -0.4))


@pytest.mark.parametrize("kind", KINDS)
def test_gdc_is_gd_on_the_penalised_loss(kind):
    meets(kind, fd.Spacetime(N=3, E=2), ETAS[kind], led((3 - 1) / (4 * 3), 0, whole=True), method="gdc")
    once = fd.Spacetime(N=4, B=2, E=1)
    meets(kind, once, ETAS[kind], led((1 / 2 - 1 / 4) / 4, 0, whole=True), method="gdc")


@pytest.mark.parametrize("kind", ["softmax", "squares"])
def test_regressions_with_several_outputs(kind):
    """One update of GD on two points in all: where each of the nine training sets ends, by its own arithmetic."""
    made = {"softmax": fd.landscapes.softmax, "squares": fd.landscapes.least_squares}[kind]
    targets = [0, 1, 2] if kind == "softmax" else [[1.0, 0.0, -1.0], [0.5, 2.0, 0.0], [0.0, -1.0, 1.0]]
    start, ridge, noise, slope, eta = np.arange(6).reshape(3, 2) / 7 - 0.3, np.arange(6) / 10, 0.7, -0.2, 0.6
    land = made(X, targets, start, ridge, UNEVEN)
    g, h = [], []
    for x, target in zip(X, targets, strict=True):
        u = start @ x
        p = np.exp(u) / np.exp(u).sum()
        out = p - np.eye(3)[target] if kind == "softmax" else u - target
        bend = np.diag(p) - np.outer(p, p) if kind == "softmax" else np.eye(3)
        g.append(np.outer(out, x).ravel() + ridge * start.ravel())
        h.append(np.kron(bend, np.outer(x, x)) + np.diag(ridge))
    mean, square = np.zeros(6), np.zeros(6)
    for a in range(3):
        for b in range(3):
            step = (g[a] + g[b]) / 2 + eta * noise * (h[a] - h[b]) @ (g[a] - g[b])
            moved = -eta * (step + eta * slope * (h[a] @ g[b] + h[b] @ g[a]) / 2)
            mean, square = mean + UNEVEN[a] * UNEVEN[b] * moved, square + UNEVEN[a] * UNEVEN[b] * moved**2
    rule, runs = fd.updates.corrected(noise, slope), 40_000
    found = fd.simulate(land, fd.Spacetime(N=2, B=2, T=1), eta, runs, observable="displacement", update=rule)
    deviation = np.sqrt(square - mean**2)
    assert (np.abs(found.mean - mean) < 4.5 * deviation / np.sqrt(runs)).all()
    np.testing.assert_allclose(found.stderr, deviation / np.sqrt(runs), rtol=0.05)


def test_a_given_training_set_is_one_number():
    land = fd.landscapes.logistic(X, [1, 0, 1], START, ridge=[0.1, 0.4])
    oracle = Plain(land)
    theta = led(1 / 6, 0, whole=True)(oracle, range(3), [()] * 6, 0.8)
    found = fd.simulate(land, fd.Spacetime(N=3, E=2), 0.8, 2, method="gdc", training_set="given")
    assert found.mean == pytest.approx(oracle.test_loss(theta), rel=1e-13)


def test_other_epochs_are_followed():
    """Four epochs at a quarter of the rate, led, beside one: their test losses differ by o(eta^2), unled ones by eta^2."""
    many, once = fd.Spacetime(N=2, E=4), fd.Spacetime(N=2, E=1)
    rule = fd.updates.corrected(*fd.results.emulation(many, 1, once, 4))
    assert (rule.noise, rule.slope) == ((4 - 1) / 4, (4 - 1) / 2)
    gaps = []
    for eta in (0.02, 0.01):
        plain = mean_loss(many, eta / 4, led(0, 0)) - mean_loss(once, eta, led(0, 0))
        followed = mean_loss(many, eta / 4, led(rule.noise, rule.slope)) - mean_loss(once, eta, led(0, 0))
        gaps.append((plain, followed))
    (plain, followed), (half, less) = gaps
    assert np.log2(plain / half) == pytest.approx(2, abs=0.15)
    assert np.log2(followed / less) > 2.8


def mean_loss(spacetime, eta, descend):
    chances, losses, *_ = enumerated("samples", spacetime, eta, descend, rows=True)
    return chances @ losses


def test_what_is_refused():
    land, grid = landscape("logistic"), fd.Spacetime(N=3, T=3)
    for change, message in (
        ({"spacetime": fd.Spacetime(N=1, T=3), "update": fd.updates.corrected(1)}, "N = 1 has none"),
        ({"spacetime": fd.Spacetime(N=3, T=4), "method": "gdc"}, r"coefficient of C\.H"),
        ({"spacetime": fd.Spacetime(N=np.inf, T=4), "method": "gdc"}, "N = inf"),
        ({"method": "gdc", "update": fd.updates.momentum(0.5)}, "gdc is an update rule of its own"),
    ):
        with pytest.raises(InputError, match=message):
            fd.simulate(**({"landscape": land, "spacetime": grid, "eta": 0.1, "runs": 2} | change))
    with pytest.raises(UnsupportedError, match="takes pairs of points"):
        fd.predict(land, grid, 0.1, 2, update=fd.updates.corrected(1))
    with pytest.raises(UnsupportedError, match="takes pairs of points"):
        fd.predict(land, grid, 0.1, noise=1, update=fd.updates.corrected(1))
    alone = fd.simulate(land, fd.Spacetime(N=1, T=3), 0.1, 300, method="gdc")
    assert alone.mean == fd.simulate(land, fd.Spacetime(N=1, T=3), 0.1, 300).mean
