"""Rankings before training, beside runs; quadratic losses whose answer is known."""

import pickle
from fractions import Fraction

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import InputError

ST = fd.Spacetime(N=8, T=8)


def bowl(height, slope):
    """l_x = height + slope x^2 / 2 from x = 1, noise +-1 on its gradient."""
    return fd.landscapes.samples([height + slope / 2] * 2, [[slope + 1], [slope - 1]], [[[slope]]] * 2, [[[[0.0]]]] * 2)


BOWLS = [bowl(1.0, 1.0), bowl(0.0, 2.0), bowl(0.5, 0.5)]
QUIET = pytest.mark.filterwarnings("ignore::fastdiag.errors.TaylorWarning")


def exact(height, slope, eta=Fraction(1, 20)):
    """The mean loss after 8 updates: x' = (1 - eta slope) x, and each adds eta^2 to the variance."""
    slope, keep = Fraction(slope), 1 - eta * Fraction(slope)
    variance = sum(eta**2 * keep ** (2 * t) for t in range(8))
    return float(Fraction(height) + slope / 2 * (keep**16 + variance))


@QUIET
def test_predictions_and_runs_agree_with_the_known_answer():
    found = fd.rank(BOWLS, ST, 0.05, order=2, runs=400, labels=["high", "steep", "flat"])
    known = np.array([exact(1.0, 1.0), exact(0.0, 2.0), exact(0.5, 0.5)])
    lower, upper = found.interval
    assert ((lower - 1e-12 <= known) & (known <= upper + 1e-12)).all()
    assert (np.abs(found.simulated - known) < 5 * found.stderr).all()
    assert found.order.tolist() == found.simulated_order.tolist() == np.argsort(known).tolist()
    assert (found.tau, found.told_apart) == (1.0, 1.0)
    assert [line.split()[0] for line in str(found).splitlines()[1:]] == ["steep", "flat", "high"]
    assert repr(found) == "<ranking of 3: steep first, Kendall's tau with the simulation 1>"
    assert pickle.loads(pickle.dumps(found)) == found


def test_tau_counts_pairs():
    """One of three pairs is ordered otherwise: (2 - 1) / 3."""
    found = fd.rank(BOWLS, ST, 0.05, order=1)
    assert np.isnan(found.tau)
    assert found.simulated_order is None
    mixed = type(found)(found.labels, found.predictions, np.array([1.0, 2.0, 3.0]), found.error, np.array([2.0, 1.0, 3.0]), found.error)
    assert mixed.tau == pytest.approx(1 / 3)


def test_wide_intervals_tell_nothing():
    found = fd.rank(BOWLS, ST, 0.05, order=2)
    wide = type(found)(found.labels, found.predictions, np.array([1.0, 2.0, 9.0]), np.array([0.6, 0.6, 1.0]), found.stderr, found.stderr)
    assert wide.told_apart == pytest.approx(2 / 3)


@QUIET
def test_samples_have_standard_errors():
    rng = np.random.default_rng(0)
    points = fd.landscapes.logistic(rng.normal(size=(40, 2)), rng.integers(0, 2, 40), [0.5, -0.5])
    sample = fd.landscapes.estimated(points)
    found = fd.rank([sample, points], ST, 0.01, order=2, resummed=False, runs=4)
    assert found.error[0] > found.error[1]
    assert found.error[0] >= 1.96 * found.predictions[0].stderr
    assert found.simulated[0] == found.simulated[1]


@QUIET
def test_runs_are_of_what_was_predicted():
    """A given training set is trained on, and not sets drawn from it."""
    points = [fd.landscapes.logistic([[1.0], [2.0], [-1.0], [0.5]], [0, 1, 0, 1], [start]) for start in (0.5, -0.5)]
    how = {"training_set": "given", "observable": "train_loss"}
    found = fd.rank(points, fd.Spacetime(N=4, T=8), 0.1, order=2, runs=40, seed=3, progress=False, **how)
    runs = [fd.simulate(land, fd.Spacetime(N=4, T=8), 0.1, 40, 3, **how) for land in points]
    assert found.simulated.tolist() == [each.mean for each in runs]
    assert (found.predictions[0].training_set, runs[0].training_set) == ("given", "given")


def test_what_is_refused():
    with pytest.raises(InputError, match="landscapes is empty"):
        fd.rank([], ST, 0.1)
    with pytest.raises(InputError, match="landscape must come from"):
        fd.rank([1], ST, 0.1)
    with pytest.raises(InputError, match="one number for each landscape"):
        fd.rank(BOWLS, ST, [0.1, 0.2], order=1)
    with pytest.raises(InputError, match="labels must be a text for each of the 3"):
        fd.rank(BOWLS, ST, 0.1, labels=["a"])
    with pytest.raises(InputError, match="landscape was given twice"):
        fd.rank(BOWLS, ST, 0.1, landscape=BOWLS[0])
