"""Resummed predictions against SGD itself at finite learning rates, averaged over every training set and every order.

The error of the prediction to order d must fall as eta^(d+1): slopes are measured and asserted.
"""


import numpy as np
import pytest

import fastdiag as fd
from oracles.quintic_runs import WINDOWS, landscape, slope, trained

GRIDS = [
    (3, 1, 3, "reshuffle"), (3, 1, 2, "cyclic"), (6, 2, 3, "reshuffle"), (4, 2, 2, "replacement"),
    (2, 1, 4, "reshuffle"), (2, 1, 5, "reshuffle"), (3, 1, 5, "reshuffle"), (4, 2, 4, "reshuffle"), (4, 2, 5, "reshuffle"),
    (2, 2, 3, "reshuffle"), (2, 1, 4, "cyclic"), (3, 1, 5, "cyclic"), (3, 1, 7, "cyclic"), (4, 2, 5, "cyclic"),
    (3, 1, 3, "replacement"), (3, 2, 3, "replacement"), (4, 2, 3, "replacement"),
]
"""N, B, T: one epoch, several, partial ones, batches, GD."""


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_error_falls_as_eta_to_the_order_plus_one(grid):
    N, B, T, sampling = grid
    spacetime = fd.Spacetime(N, B, T, sampling=sampling)
    points = 3 if N < 4 else 2
    seed = N + B + T
    land = landscape(seed, points)
    for order, (largest, smallest) in WINDOWS.items():
        etas = 2.0 ** -np.arange(largest, smallest + 1)
        exact = trained(seed, points, spacetime, etas)
        gaps = []
        for resummed in (True, False):
            gap = fd.predict(land, spacetime, etas, order, resummed=resummed).total - exact
            assert slope(gap, etas) == pytest.approx(order + 1, abs=0.15)
            gaps.append(gap[-1])
        # the same order of error, and not the same number: resummation keeps other terms
        assert 1e-3 < abs(gaps[0] / gaps[1]) < 1e3
        assert abs(gaps[0] - gaps[1]) > 1e-3 * abs(gaps[1])
