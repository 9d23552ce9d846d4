"""Thresholds of minibatch SGD beside simulations of many random data sets: mean squares grow above, and do not below."""

import numpy as np
import pytest

import fastdiag as fd

S = fd.stationary
KINDS = [  # share of the data sets, weights, points, batch, mu, nu, whether Hessians have rank one
    (0.25, 2, 5, 1, 0.0, None, True), (0.15, 3, 4, 2, 0.0, None, True), (0.1, 1, 3, 1, 0.0, None, True),
    (0.2, 2, 4, 1, 0.0, None, False), (0.15, 2, 5, 1, 0.6, None, True), (0.15, 2, 4, 2, 0.5, 0.7, False),
]


def growth(hessians, lam, batch, mu, nu, seed, particles=600, updates=200, settled=30):
    """The factor on E |z|^2 for each update, z = (w, lam m): hessians (sets, points, n, n), lam (sets,) -> (sets,) and errors.

    The mean is made by rare runs. So after each update runs are drawn anew with chances |z'|^2 / |z|^2 and made as long as
    before, which leaves the mean of the product of the mean factors what E |z|^2 is.
    """
    rng = np.random.default_rng(seed)
    sets, points, n, _ = hessians.shape
    direct, carried, fresh = (1, mu, 1) if nu is None else (1 - mu * nu, mu * nu, 1 - mu)
    z, rate, each = rng.standard_normal((sets, particles, 2, n)), lam[:, None, None], np.arange(sets)[:, None]
    z[:, :, 1] *= mu != 0
    logs = np.empty((updates, sets))
    for t in range(updates):
        z /= np.sqrt((z**2).sum(axis=(2, 3), keepdims=True))
        picks = rng.integers(points, size=(sets, particles, batch))
        h = hessians[each[:, :, None], picks].mean(axis=2)
        g, w, m = rate * np.einsum("spij,spj->spi", h, z[:, :, 0]), z[:, :, 0], z[:, :, 1]
        z = np.stack([w - direct * g - carried * m, mu * m + fresh * g if mu else 0 * m], axis=2)
        weights = (z**2).sum(axis=(2, 3))
        logs[t] = np.log(weights.mean(axis=1))
        sums = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
        at = (np.arange(particles) + rng.random((sets, 1))) / particles
        chosen = np.minimum([np.searchsorted(row, there) for row, there in zip(sums, at, strict=True)], particles - 1)
        z = z[each, chosen]
    kept = logs[settled:].reshape(10, -1, sets).mean(axis=1)  # ten stretches
    return np.exp(kept.mean(axis=0)), kept.std(axis=0, ddof=1) / np.sqrt(10)


@pytest.mark.parametrize("count", [20, pytest.param(400, marks=pytest.mark.long)])
def test_second_moments_grow_above_the_limit_and_not_below(count):
    rng, seen = np.random.default_rng(7), 0
    for kind, (share, n, points, batch, mu, nu, rows) in enumerate(KINDS):
        sets = round(share * count)
        given, hessians = [], np.empty((sets, points, n, n))
        for one in hessians:
            if rows:
                X = rng.standard_normal((points, n)) * rng.uniform(0.3, 3, n)
                given.append((X, np.zeros(points)))
                one[:] = X[:, :, None] * X[:, None, :]
            else:
                root = rng.standard_normal((points, n, n))
                one[:] = root @ root.swapaxes(1, 2) - 0.4 * np.eye(n)
                one += max(0.0, 0.2 - np.linalg.eigvalsh(one.mean(axis=0))[0]) * np.eye(n)  # a minimum, of points that are none
                given.append((fd.landscapes.samples(np.zeros(points), np.zeros((points, n)), one.copy()), None))
        limits = np.array([S.minibatch_stability_limit(*data, batch, mu, nu) for data in given])
        for beyond, diverges in ((0.9, False), (1.1, True)):
            factors, errors = growth(hessians, beyond * limits, batch, mu, nu, kind)
            exact = [S.minibatch_growth(*data, beyond * lam, batch, mu, nu)[0] for data, lam in zip(given, limits, strict=True)]
            assert ((factors > 1) == diverges).all(), (kind, beyond, factors, exact)
            assert (np.abs(np.log(factors / exact)) < 6 * errors + 3e-3).all(), (kind, beyond, factors / exact, errors)
            seen += sets
    assert seen == 2 * count
