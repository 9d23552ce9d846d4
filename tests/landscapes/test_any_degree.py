"""Points with any number of derivatives: sixth-degree losses beside their formula, and zeros that are said by 0."""

from fractions import Fraction

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import InputError, MissingTensorError, TooLargeError
from oracles import observed_losses

pytestmark = pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning", "ignore::fastdiag.errors.TaylorWarning")
LAND = fd.landscapes.samples([1.0, 1.0], [[1.0], [3.0]], [[[2.0]], [[2.0]]])


@pytest.fixture(scope="module")
def sixth():
    """Losses of degree 6 in one weight, as a formula."""
    import sympy

    w, *coefficients = sympy.symbols("w c:7")
    formula = sum(c * w**k for k, c in enumerate(coefficients))
    half = Fraction(1, 2)
    law = fd.landscapes.finite({(0, 1, 1, half, -1, 2, 1): half, (1, -1, 2, 1, 1, -half, 2): half})
    return fd.landscapes.symbolic(formula, w, coefficients, law, at=[0])


def test_all_degrees_are_used(sixth):
    points, st = sixth.samples(6), fd.Spacetime(2, 2, 5, sampling="cyclic")
    assert points.highest_degree == 6
    exact, near = (fd.predict(land, st, eta, 5, resummed=False) for land, eta in ((sixth, Fraction(1, 8)), (points, 0.125)))
    np.testing.assert_allclose(near.by_order, np.asarray(exact.by_order, float), rtol=1e-10)
    ours, theirs = (fd.predict(land, fd.Spacetime(3, 1, 5), 0.05, noise=1, observable="displacement") for land in (points, sixth))
    np.testing.assert_allclose(ours.by_order, theirs.by_order, rtol=1e-12)


@pytest.mark.long
def test_simulated(sixth):
    start, tensors = [0.125], sixth.samples(6).derivatives
    points = fd.landscapes.samples(*tensors[:5], fifth=tensors[5], higher=[tensors[6]]).at(start)
    one, other = (
        fd.simulate(land, fd.Spacetime(3, 3, 2), 0.01, 2, method="ode") for land in (points, sixth.at([Fraction(1, 8)]))
    )
    assert one.mean == pytest.approx(other.mean, rel=1e-12)


def test_zero_stands_for_what_vanishes():
    zeros = fd.landscapes.samples([1.0, 1.0], [[1.0], [3.0]], [[[2.0]], [[2.0]]], np.zeros((2, 1, 1, 1)), np.zeros((2,) + (1,) * 4))
    short = fd.landscapes.samples([1.0, 1.0], [[1.0], [3.0]], [[[2.0]], [[2.0]]], 0, 0)
    st = fd.Spacetime(N=4, T=4)
    for resummed in (True, False):
        assert fd.predict(short, st, 0.1, 4, resummed=resummed).by_order == fd.predict(zeros, st, 0.1, 4, resummed=resummed).by_order
    flat = fd.landscapes.samples([1.0, 1.0], [[1.0], [3.0]], 0, 0, 0, higher=[0], fifth=0)
    assert flat.highest_degree == 6
    assert fd.predict(flat, st, 0.1, 2).by_order[2] == 0


@pytest.mark.parametrize(("kind", "what", "call"), [
    (MissingTensorError, "supply `third`", lambda: fd.predict(LAND, fd.Spacetime(4, T=4), 0.1, 3)),
    (MissingTensorError, "more in `higher`", lambda: fd.predict(LAND, fd.Spacetime(4, T=4), 0.1, 6)),
    (InputError, r"fifth was given but", lambda: fd.landscapes.samples([1.0], [[1.0]], 0, fifth=0)),
    (InputError, r"higher\[0\] was given but", lambda: fd.landscapes.samples([1.0], [[1.0]], 0, 0, 0, higher=[0])),
    (InputError, "third must", lambda: fd.landscapes.samples([1.0], [[1.0]], 0, 1)),
    (InputError, "higher must be", lambda: fd.landscapes.samples([1.0], [[1.0]], higher=3)),
    (InputError, "symmetric", lambda: fd.landscapes.samples([1.0], [[1.0, 0.0]], 0, 0, 0, fifth=np.arange(32.0).reshape(1, *(2,) * 5))),
    (TooLargeError, "too many derivatives", lambda: fd.landscapes.gauss() and observed_losses.symbolic(1).samples(40)),
])
def test_refusals(kind, what, call):
    with pytest.raises(kind, match=what):
        call()
