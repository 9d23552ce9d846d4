"""Losses differentiated by JAX: a tiny network beside the same one as a formula, all diagrams; and what is refused."""

import pickle
import sys
from fractions import Fraction

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import InputError, UnsupportedError

u, w, x = sympy.symbols("u w x", real=True)
PLACES = [-1, Fraction(1, 2), 2]
FORMULA = fd.landscapes.symbolic(
    (w * sympy.tanh(u * x) - x**2 + 1) ** 2 / 2, [u, w], x,
    fd.landscapes.finite(dict.fromkeys(PLACES, Fraction(1, 3))), at=[Fraction(1, 2), Fraction(-1, 4)],
)
X = np.array([float(place) for place in PLACES])
START = {"inner": [0.5], "outer": -0.25}
ST = fd.Spacetime(N=6, B=2, T=4)


def network(theta, x, y):
    import jax.numpy as jnp

    return (theta["outer"] * jnp.tanh(theta["inner"][0] * x) - y) ** 2 / 2


@pytest.fixture(scope="module")
def land():
    pytest.importorskip("jax")
    return fd.landscapes.autodiff(network, START, X, X**2 - 1)


@pytest.fixture(scope="module")
def formulas(land):
    """SymPy's derivatives, of which the fourth take seconds."""
    return FORMULA.samples(4)


@pytest.mark.parametrize("order", [0, 1, 2, 3, pytest.param(4, marks=pytest.mark.long)])
def test_all_diagrams(land, formulas, order):
    for diagram in fd.diagrams(order):
        assert fd.uvalue(diagram, land) == pytest.approx(fd.uvalue(diagram, formulas), rel=1e-10, abs=1e-12), diagram


def test_predictions(land, formulas):
    for other, asked in ((formulas, {"order": 3, "resummed": False}), (formulas, {"order": 2}), (FORMULA, {"noise": 1})):
        ours, theirs = (fd.predict(each, ST, 0.1, **asked) for each in (land, other))
        assert ours.total == pytest.approx(theirs.total, rel=1e-10)


def test_runs_have_the_same_mean(land):
    """On the same training points: the formula's own tables are drawn otherwise."""
    dense = fd.landscapes.samples(*(land.per_point(k)[0][0] for k in range(4)))
    small = fd.Spacetime(N=3, T=2)
    with pytest.warns(fd.errors.TaylorWarning):
        ours, theirs = (fd.simulate(each, small, 1e-4, runs=50, observable="displacement") for each in (land, dense))
    assert np.allclose(ours.mean, theirs.mean, rtol=1e-6)
    assert fd.simulate(land, small, 0.1, runs=10, update=fd.updates.adam()).mean > 0


def test_steps_with_hessians(land):
    """On the three points as the training set, where all runs are one."""
    for options in ({"method": "gdc"}, {"method": "gd", "update": fd.updates.regularized_newton(0.5)}):
        asked = {"spacetime": fd.Spacetime(N=3, E=2), "eta": 0.3, "runs": 2, "training_set": "given"} | options
        ours, theirs = (fd.simulate(each, **asked).mean for each in (land, FORMULA))
        assert ours == pytest.approx(theirs, rel=1e-12)


def test_weights_in_any_form(land):
    tree = land.tree()
    assert (tree["inner"].tolist(), float(tree["outer"])) == ([0.5], -0.25)
    assert land.dimension == 2
    assert land.at(land.theta).loss == land.loss
    assert float(land.tree([1.0, 2.0])["outer"]) == 2.0
    pickled = pickle.loads(pickle.dumps(land))
    assert pickled.loss == land.loss
    assert repr(pickled) == "<autodiff landscape: 3 points, 2 weights>"


def test_jax_is_left_as_it_was(land):
    import jax.numpy as jnp

    assert jnp.ones(1).dtype == "float32"


def test_what_is_refused(land):
    make = fd.landscapes.autodiff
    with pytest.raises(InputError, match="one number for a data point, not an array of shape"):
        make(lambda theta, x: theta * x, [1.0, 2.0], X)
    with pytest.raises(InputError, match="JAX cannot differentiate the loss"):
        make(lambda theta, x: float(theta @ theta), [1.0, 2.0], X)
    with pytest.raises(InputError, match="the loss at theta is not finite at point 0"):
        make(lambda theta, x: (theta @ theta) / (x + 1), [1.0, 2.0], X)
    with pytest.raises(InputError, match="y must have shape"):
        make(network, START, X, [1.0])


def test_without_jax(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(UnsupportedError, match=r"needs JAX.*pip install .*\[jax\]'"):
        fd.landscapes.autodiff(network, START, X, X)
