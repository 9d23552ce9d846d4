"""Modified equations of processes on given points."""

import numpy as np
import pytest

import fastdiag as fd

LAND = fd.landscapes.samples([0.0, 1, 2], [[1.0, 0], [2, 1], [0, 3]], [np.eye(2)] * 3, 0, 0)


@pytest.mark.parametrize(("sampling", "once"), [("replacement", {"T": 1}), ("reshuffle", {"E": 1})], ids=str)
def test_a_process_meets_no_points(sampling, once):
    """So its noise is the covariance of the given points, with no N / (N - 1)."""
    update, eta = fd.updates.sde(), 0.1
    found = fd.modified_equation(2, training_set="given", sampling=sampling, update=update).at(LAND, eta, "diffusion", B=1)
    updates = 1 if sampling == "replacement" else 3
    np.testing.assert_allclose(found[2], updates * eta**2 * np.cov([[1.0, 2, 0], [0, 1, 3]], bias=True))
    how = {"resummed": False, "training_set": "given", "update": update}
    told = fd.predict(LAND, fd.Spacetime(3, sampling=sampling, **once), eta, 2, "covariance", **how)
    np.testing.assert_allclose(found[2], told.by_order[2])
