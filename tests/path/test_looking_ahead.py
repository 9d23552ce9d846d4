"""The tensors of many places along a path, worked out at once, beside what one would write in NumPy place by place."""

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import InputError
from fastdiag.landscapes import local_logistic

rng = np.random.default_rng(5)
X, Y, RIDGE = rng.normal(size=(9, 3)), rng.integers(0, 2, 9), np.array([0.1, 0.2, 0.05])
SHARES = rng.uniform(0.5, 1.5, 9)
SHARES /= SHARES.sum()


def draft(X, rates, batch, start):
    """Noise orders 0 and 1 of E l after each update, of fresh batches."""
    theta, S, m, found = np.array(start), np.zeros((3, 3)), np.zeros(3), []
    for rate in [*rates, 0.0]:
        p = 1 / (1 + np.exp(-X @ theta))
        bend = SHARES * p * (1 - p)
        G, H = X.T @ (SHARES * (p - Y)) + RIDGE * theta, (X * bend[:, None]).T @ X + np.diag(RIDGE)
        losses = -Y * np.log(p) - (1 - Y) * np.log(1 - p)
        found.append((SHARES @ losses + RIDGE @ theta**2 / 2, G @ m + np.sum(H * S) / 2))
        xi, K = (p - Y)[:, None] * X + RIDGE * theta - G, np.eye(3) - rate * H
        bent = X.T @ (bend * (1 - 2 * p) * np.einsum("xa,ab,xb->x", X, S, X))
        m = K @ m - rate / 2 * bent
        S = K @ S @ K + rate**2 / batch * (xi * SHARES[:, None]).T @ xi
        theta = theta - rate * G
    return np.array(found)


T = 2 * local_logistic.AHEAD + 10


@pytest.mark.parametrize("shift", [0.0, 200.0])
@pytest.mark.parametrize("decays", [False, True])
def test_every_update_of_several_hundred(shift, decays):
    """Read after every update too, and at the last that a schedule has; data far from 0, whose products lose digits."""
    data, start = X + shift, [0.3, -0.2, -0.1]
    eta = 0.1 / (1 + shift**2)
    rates = [eta / (1 + t / 20) if decays else eta for t in range(T)]
    update = fd.updates.schedule([rate / eta for rate in rates]) if decays else None
    land, st = fd.landscapes.logistic(data, Y, start, RIDGE, SHARES), fd.Spacetime(N=np.inf, B=2, T=T)
    assert land.is_far == (shift > 0)
    expected = draft(data, rates, 2, start)
    p = fd.predict(land, st, eta, noise=1, update=update)
    assert p.by_order == pytest.approx(expected[-1], rel=1e-9)
    curve = fd.predict(land, st, eta, noise=1, update=update, T=range(1, T + 1))
    assert np.transpose(curve.by_order) == pytest.approx(expected[1:], rel=1e-9)
    if not decays and not shift:
        forever = fd.predict(land, st, eta, noise=1, T=[7, np.inf])
        assert np.array(forever.by_order)[:, 0] == pytest.approx(expected[7], rel=1e-9)


def test_noise_that_blows_up_before_its_path_is_told_first():
    """On a steep loss the path falls into a cycle of ever wider steps, and its noise grows faster."""
    land, st = fd.landscapes.logistic(X, Y, [0.0] * 3, [30.0, 1.0, 1.0]), fd.Spacetime(N=np.inf, T=500)
    for noise, match in ((0, "the noiseless path leaves"), (1, "noise about the path leaves")):
        with pytest.raises(InputError, match=match):
            fd.predict(land, st, 10.0, noise=noise)


def test_what_is_too_large_to_keep_goes_place_by_place(monkeypatch):
    land, st = fd.landscapes.logistic(X, Y, [0.3, -0.2, -0.1], RIDGE), fd.Spacetime(N=40, B=2, E=2)
    p = fd.predict(land, st, 0.3, noise=1)
    for name, value in (("KEPT_BYTES", 1), ("FEW", 2), ("AHEAD", 3)):
        with monkeypatch.context() as patch:
            patch.setattr(local_logistic, name, value)
            assert land.local(land.theta).most_together == (3 if name == "AHEAD" else 1)
            assert fd.predict(land, st, 0.3, noise=1).by_order == pytest.approx(p.by_order, rel=1e-12)
