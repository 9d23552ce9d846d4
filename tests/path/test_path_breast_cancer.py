"""The path on real data: published digits, and what a simulation says."""

import math

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.path import predicted_about_path

LAND = fd.landscapes.breast_cancer()


def sums(st, eta, noise, **options):
    series = predicted_about_path(LAND, [st], [eta], noise, **options)
    return np.cumsum([order[0, 0] for order in series.by_order])


@pytest.mark.parametrize(
    ("N", "eta", "digits"),
    [
        (10, 0.05, (0.33755, 0.35082, 0.35196)), (50, 0.01, (0.34246, 0.34501, 0.34505)),
        (50, 0.05, (0.22186, 0.23352, 0.23876)), (200, 0.01, (0.23115, 0.23362, 0.23375)),
        (200, 0.05, (0.20480, 0.21218, 0.21388)),
    ],
)
def test_one_epoch(N, eta, digits):
    """An independent draft's digits; 100,000 simulated runs at N = 200, eta = 0.01 gave 0.23372 +- 0.00003."""
    found = sums(fd.Spacetime(N=N, T=N), eta, 1 if N == 200 else 2)
    assert found == pytest.approx(digits[: len(found)], abs=5.1e-6)


@pytest.mark.long
@pytest.mark.parametrize(("eta", "digits"), [(0.01, 0.23375), (0.05, 0.21388)])
def test_noise_two_over_two_hundred_updates(eta, digits):
    assert sums(fd.Spacetime(N=200, T=200), eta, 2)[2] == pytest.approx(digits, abs=5.1e-6)


@pytest.mark.parametrize(
    ("N", "B", "E", "eta", "digits"),
    [(100, 10, 10, 0.1, 0.2139), (120, 12, 10, 0.1, 0.2124), (400, 20, 5, 0.2, 0.2073), (20, 1, 5, 0.02, 0.2629), (60, 3, 6, 0.05, 0.2200)],
)
def test_several_epochs(N, B, E, eta, digits):
    assert sums(fd.Spacetime(N=N, B=B, E=E), eta, 1)[1] == pytest.approx(digits, abs=5.1e-5)


@pytest.mark.parametrize(
    ("N", "eta", "digits"),
    [(50, 0.05, 0.23631), (50, 0.1, 0.23858), (50, 0.2, 0.28217), (200, 0.05, 0.21483), (200, 0.1, 0.22804), (200, 0.2, 0.27085)],
)
def test_the_self_consistent_path(N, eta, digits):
    (found,) = sums(fd.Spacetime(N=N, T=N), eta, 1, closure="gaussian")
    assert found == pytest.approx(digits, abs=5.1e-6)


def test_rows_of_norm_five():
    """There noise 2 contributes 0.000726; simulated 0.00073 +- 0.00002 over B = 1, 2, 4."""
    norms = np.linalg.norm(LAND.X, axis=1)
    X = 5 * LAND.X / norms[:, None]
    land = fd.landscapes.logistic(X, LAND.y, np.zeros(31), 0.1)
    series = predicted_about_path(land, [fd.Spacetime(N=50, T=50)], [0.05], 2)
    assert series.by_order[2][0, 0] == pytest.approx(0.000726, abs=5.1e-7)


@pytest.mark.parametrize(
    "name", [pytest.param("train_loss", marks=pytest.mark.long), "generalization_gap", "displacement", "covariance", "test_loss_variance"]
)
def test_observables_beside_a_simulation(name):
    st, eta = fd.Spacetime(N=400, B=40, E=2), 0.05
    series = predicted_about_path(LAND, [st], [eta], 1, name)
    measured = fd.simulate(LAND, st, eta, runs=2000, observable=name, progress=False)
    missed = np.abs(sum(order[0, 0] for order in series.by_order) - measured.mean)
    assert (missed <= 4.5 * np.array(measured.stderr) + 0.02 * np.abs(measured.mean).max()).all()


def test_momentum_beside_no_momentum():
    """Momentum mu at eta (1 - mu) is SGD at eta to first order in eta: the paths are close, and so are the losses."""
    st = fd.Spacetime(N=200, B=1, T=200)
    plain = sums(st, 0.005, 1)
    heavy = sums(st, 0.0005, 1, update=fd.updates.momentum(0.9))
    assert heavy == pytest.approx(plain, rel=0.05)


def test_fresh_data_for_ever():
    st = fd.Spacetime(N=math.inf, T=math.inf)
    at_last = sums(st, 0.05, 2)
    late = sums(fd.Spacetime(N=math.inf, T=1500), 0.05, 1)
    assert at_last[:2] == pytest.approx(late, abs=2e-6)
    assert at_last[0] == pytest.approx(LAND.at_minimum().loss, rel=1e-12)
