"""Softmax regression on all digits, 650 weights from zero: predictions beside runs."""

import numpy as np
import pytest

import fastdiag as fd


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning")
def test_about_the_path():
    """Noise order 1 is within the runs' interval, and many times that long."""
    land, st, rates = fd.landscapes.digits(), fd.Spacetime(N=100, T=100), np.array([0.01, 0.05])
    predicted = fd.predict(land, st, rates, noise=1)
    runs = fd.simulate(land, st, rates, runs=1000, seed=1)
    assert (np.abs(predicted.total - runs.mean) < 3 * runs.stderr).all()
    assert (predicted.by_order[1] > 30 * runs.stderr).all()


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning")
def test_about_the_start():
    """Order 3 is within the runs' interval to eta T = 0.4, where order 2 no longer is; beyond, it says that it may be off."""
    land, st, rates = fd.landscapes.digits(), fd.Spacetime(N=100, T=100), np.array([0.002, 0.004, 0.008])
    predicted = fd.predict(land, st, rates, 3)
    runs = fd.simulate(land, st, rates, runs=20_000, seed=1)
    off, noise = np.abs(predicted.total - runs.mean), 3 * runs.stderr
    assert (off[:2] < noise[:2]).all()
    assert predicted.by_order[3][1] > noise[1]
    assert noise[2] < off[2] < predicted.trust.error[2]
