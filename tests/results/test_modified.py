"""Modified equations of the literature beside the engine, and beside every epoch of a given training set."""

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import InputError

R = fd.results
RNG = np.random.default_rng(5)


def points():
    """Four points with random derivatives up to the third, symmetric."""
    tensors = [RNG.normal(size=(4, *(2,) * k)) for k in range(4)]
    for k, tensor in enumerate(tensors):
        for index in np.ndindex(*(2,) * k):
            tensor[(slice(None), *index)] = tensor[(slice(None), *sorted(index))]
    return fd.landscapes.samples(*tensors)


LAND = points()


@pytest.mark.parametrize(("result", "arguments"), [
    (R.barrett_dherin, (LAND, 0.1)), (R.smith, (LAND, 0.1, 1)), (R.smith, (LAND, 0.1, 2)), (R.smith, (LAND, 0.1, 4)),
    (R.li_tai_e, (LAND, 0.1, 1)), (R.li_tai_e, (LAND, 0.1, 2, 3)), (R.roberts, (LAND, 0.1, 10, 25, 2)),
], ids=lambda x: getattr(x, "name", ""))
def test_closed_forms_are_the_engine(result, arguments):
    closed, derived = (found if isinstance(found, tuple) else (found,) for found in (result(*arguments), result.derived(*arguments)))
    for x, y in zip(closed, derived, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12)


def test_momentum():
    mu = sympy.Symbol("mu", positive=True)
    for given in (mu, Fraction(9, 10)):
        for closed, derived in zip(R.momentum_rate(given), R.momentum_rate.derived(given), strict=True):
            assert sympy.simplify(closed - derived) == 0


def test_smith_is_every_epoch():
    """The flow along the modified loss for a unit of time, and epochs of all orders: apart by eta^3."""
    def epochs(eta, B):
        ends = []
        for order in permutations(range(4)):
            theta = np.zeros(2)
            for start in range(0, 4, B):
                here = LAND.derivatives
                some = list(order[start : start + B])
                g = here[1][some] + here[2][some] @ theta + (here[3][some] @ theta) @ theta / 2
                theta = theta - eta * g.mean(axis=0)
            ends.append(theta)
        return np.mean(ends, axis=0)

    for B in (1, 2):
        off = []
        for eta in (1e-3, 2e-3):
            drift = R.smith(LAND, eta, B)
            curved = drift + LAND.hessian @ LAND.gradient * (eta * 4 / B) ** 2 / 2  # of the flow: half its own derivative
            off.append(epochs(eta, B) - curved)
        np.testing.assert_allclose(off[1] / off[0], 8, rtol=0.1)


UNEQUAL = fd.landscapes.samples([0.0, 1], [[1.0], [2]], [[[1.0]]] * 2, 0, weights=[1, 2])
THREE = fd.landscapes.samples([0.0, 1, 2], [[1.0], [2], [0]], [[[1.0]]] * 3, 0)


@pytest.mark.parametrize(("result", "arguments", "what"), [
    (R.smith, (THREE, 0.1, 2), "B"), (R.smith, (UNEQUAL, 0.1, 1), "weight"), (R.roberts, (THREE, 0.1, 2, 3, 5), "B"),
    (R.momentum_rate, (1,), "between -1 and 1"), (R.momentum_rate, (2,), "between -1 and 1"),
], ids=str)
def test_what_the_engine_refuses_has_no_closed_form(result, arguments, what):
    for answer in (result, result.derived):
        with pytest.raises(InputError, match=what):
            answer(*arguments)
