"""The drift along a valley: beside what is published, and beside what late updates add to the displacement."""

import math

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import InputError, UnsupportedError
from fastdiag.path import predicted_about_path

L, U, drift = fd.landscapes, fd.updates, fd.stationary.valley_drift
ARCHIMEDES = L.archimedes()
METRIC = [[0.1, 0.02, 0.0], [0.02, 0.15, 0.01], [0.0, 0.01, 0.1]]


def test_archimedes_has_its_published_velocity():
    """eta^2 / 6 to leading order, and with momentum that of eta / (1 - mu); batches divide it."""
    assert drift(ARCHIMEDES, 1e-4) == pytest.approx([0, 0, 1e-8 / 6], rel=1e-3, abs=1e-13)
    assert drift(ARCHIMEDES, 1e-4, U.momentum(0.5)) == pytest.approx([0, 0, 4e-8 / 6], rel=1e-3, abs=1e-13)
    assert drift(ARCHIMEDES, 0.1, B=4) == pytest.approx(drift(ARCHIMEDES, 0.1) / 4, rel=1e-12)


@pytest.mark.parametrize("eta", [0.1, METRIC], ids=["number", "matrix"])
@pytest.mark.parametrize(
    "update", [None, U.momentum(0.4), U.nesterov(0.4), U.quasi_hyperbolic(0.4, 0.7), U.clipped(0.8, U.momentum(0.4))], ids=str
)
def test_late_updates_add_it_to_the_displacement(update, eta):
    times = [fd.Spacetime(math.inf, 2, T) for T in (399, 400)]
    options = {"update": update} | ({} if np.ndim(eta) == 0 else {"metric": np.array(eta)})
    series = predicted_about_path(ARCHIMEDES, times, [eta if np.ndim(eta) == 0 else 1.0], 1, "displacement", **options)
    before, after = series.by_order[1][0]
    assert drift(ARCHIMEDES, eta, update, B=2) == pytest.approx(after - before, rel=1e-8, abs=1e-12)
    assert np.abs(after - before).max() > 1e-4


def test_there_is_none_at_a_strict_minimum():
    assert drift(L.gauss(), 0.2).tolist() == [0.0]


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (InputError, "gradient is not 0", lambda: drift(L.gauss(1), 0.2)),
        (InputError, "weights diffuse", lambda: drift(L.archimedes(), 0.1) + drift(L.mean_estimation(0, 1), 0.1)),
        (InputError, "shrinks every deviation", lambda: drift(ARCHIMEDES, 1.5)),
        (InputError, "one learning rate", lambda: drift(ARCHIMEDES, [0.1, 0.2])),
        (InputError, "B must be", lambda: drift(ARCHIMEDES, 0.1, B=0)),
        (InputError, "update must be", lambda: drift(ARCHIMEDES, 0.1, "momentum")),
        (InputError, "landscape", lambda: drift("archimedes", 0.1)),
        (UnsupportedError, "steps vanish", lambda: drift(ARCHIMEDES, 0.1, U.adam())),
        (UnsupportedError, "by a linear rule", lambda: drift(ARCHIMEDES, 0.1, U.sde())),
        (UnsupportedError, "without a schedule", lambda: drift(ARCHIMEDES, 0.1, U.schedule([1]))),
    ],
)
def test_what_cannot_be_had_says_why(error, message, call):
    with pytest.raises(error, match=message):
        call()
