"""The papers' network on all digits, ten updates: predictions of the start beside runs, as in paper [B]'s figure 2."""

import numpy as np
import pytest

import fastdiag as fd

pytest.importorskip("jax")
ST, RATES = fd.Spacetime(N=10, T=10), np.array([0.01, 0.02])  # eta T to 0.2


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning")
@pytest.mark.parametrize(("observable", "order"), [("test_loss", 3), ("generalization_gap", 2)])
def test_predictions_are_within_the_runs_intervals(observable, order):
    net = fd.landscapes.convolutional(seed=0)
    predicted = fd.predict(net, ST, RATES, order, observable, resummed=False)
    runs = fd.simulate(net, ST, RATES, runs=4000, seed=1, observable=observable)
    assert (np.abs(predicted.total - runs.mean) < 3 * runs.stderr).all()
    assert (np.abs(predicted.by_order[2]) > 3 * runs.stderr)[-1]  # so that the second order is seen at all
