"""Every observable against SGD run in Fractions, un-resummed and resummed."""


import numpy as np
import pytest

import fastdiag as fd
from fastdiag.expansion import OBSERVABLES
from oracles.observed_losses import ORDERS, floats, grid, symbolic, wanted

CASES = [(3, 1, 2, "reshuffle"), (4, 2, 2, "reshuffle"), (2, 1, 4, "reshuffle"), (2, 1, 5, "cyclic"),
         (4, 2, 3, "reshuffle"), (3, 2, 2, "replacement"), (2, 1, 3, "replacement")]


@pytest.mark.parametrize("name", OBSERVABLES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_unresummed_is_sgd(case, name):
    eta = np.array([0.01, 0.3])
    p = fd.predict(floats(1), grid(case), eta, ORDERS[name], observable=name, resummed=False)
    for d, coefficient in enumerate(wanted(name, 1, case)):
        coefficient = coefficient.astype(float)
        np.testing.assert_allclose(
            p.by_order[d], np.multiply.outer(eta**d, coefficient), rtol=1e-11, atol=1e-12
        )


@pytest.mark.parametrize("name", OBSERVABLES)
@pytest.mark.parametrize("case", CASES[1:4], ids=str)
def test_unresummed_is_sgd_exactly(case, name):
    p = fd.predict(symbolic(1), grid(case), 1, 3, observable=name, resummed=False)
    for d, coefficient in enumerate(wanted(name, 1, case)[:4]):
        assert (np.asarray(p.by_order[d]) == coefficient).all(), d
