"""Softmax regression on all digits, 650 weights from zero: predictions about the path beside runs."""

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
