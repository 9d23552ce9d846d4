"""The papers' network on all digits, ten updates: predictions of the start beside runs, as in paper [B]'s figure 2."""

import numpy as np
import pytest

import fastdiag as fd

pytest.importorskip("jax")
ST, RATES = fd.Spacetime(N=10, T=10), np.array([0.01, 0.02, 0.05, 0.1])  # eta T to 1


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning")
@pytest.mark.parametrize(("observable", "order", "reach"), [("test_loss", 3, 3), ("generalization_gap", 2, 4)])
def test_predictions_are_within_the_runs_intervals(observable, order, reach):
    """To eta T = 0.5 and 1; beyond, the error is at most what `trust` says, and it says not to believe the prediction."""
    net = fd.landscapes.convolutional(seed=0)
    predicted = fd.predict(net, ST, RATES, order, observable, resummed=False)
    runs = fd.simulate(net, ST, RATES, runs=4000, seed=1, observable=observable)
    error = np.abs(predicted.total - runs.mean)
    assert (error < 3 * runs.stderr)[:reach].all()
    assert (np.abs(predicted.by_order[2]) > 3 * runs.stderr)[1:].all()  # so that the second order is seen at all
    assert (error < predicted.trust.error + 3 * runs.stderr).all()
    assert not predicted.trust.believable[reach:].any()
