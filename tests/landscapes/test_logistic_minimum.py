"""The minimum of a logistic landscape."""


import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import InputError


def test_logistic_minimum():
    rng = np.random.default_rng(8)
    X, y = rng.normal(size=(40, 3)), rng.integers(0, 2, 40)
    land = fd.landscapes.logistic(X, y, 30 * rng.normal(size=3), [0.1, 0, 0])
    low = land.at_minimum()
    assert np.abs(low.gradient).max() < 1e-12
    for _ in range(20):
        assert fd.landscapes.logistic(X, y, low.theta + 0.1 * rng.normal(size=3), [0.1, 0, 0]).loss > low.loss
    with pytest.raises(InputError, match="give a ridge"):
        fd.landscapes.logistic([[1.0], [-1.0]], [1, 0], [0.0]).at_minimum()
    with pytest.raises(InputError, match="give a ridge"):
        fd.landscapes.logistic([[1.0, 1.0], [-1.0, -1.0], [2.0, 2.0]], [1, 1, 0], [0.0, 0.0]).at_minimum()
