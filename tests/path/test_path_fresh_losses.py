"""The path on losses that nobody chose: drawn ones beside brute force, slopes of what is left out, tensors beside points."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdiag as fd
from fastdiag.errors import TaylorWarning
from fastdiag.path import predicted_about_path
from oracles.noise_oracle import centred, landscape, observables

NAMES = ("test_loss", "train_loss", "generalization_gap", "displacement", "covariance", "test_loss_variance")
small = st.fractions(min_value=-1, max_value=1, max_denominator=4)


@st.composite
def polynomials(draw, degree):
    return {(power,): draw(small) for power in range(1, degree + 1)}


@given(
    loss=polynomials(4), noises=st.lists(polynomials(3), min_size=2, max_size=2), start=small, eta=st.fractions(Fraction(1, 9), Fraction(1, 2), max_denominator=9),
    case=st.sampled_from([(2, 1, 3, "reshuffle"), (2, 1, 3, "cyclic"), (3, 2, 2, "replacement"), (3, 1, 2, "reshuffle")]),
)
@settings(max_examples=8, deadline=None)
def test_drawn_losses(loss, noises, start, eta, case):
    chances = [Fraction(1, 4), Fraction(3, 4)]
    noises = centred(noises, chances)
    N, B, T, sampling = case
    expected = observables(loss, noises, chances, [start], eta, N, B, T, sampling, 2)
    land = landscape(loss, noises, chances, [start])
    for name in NAMES:
        series = predicted_about_path(land, [fd.Spacetime(N, B, T, sampling=sampling)], [eta], 1, name)
        for order, power in ((0, 0), (1, 2)):
            assert np.array_equal(series.by_order[order][0, 0], np.array(expected[name][power])), name


def exact_loss(scale, T=4):
    """SGD's expected test loss in floats, over all runs: l = w^2 + w^4/4 + v^2 + w v^2 / 2 and noise scale x (w + v + w v)."""
    points, chances = np.array([-2.0, 0.0, 1.0]), np.array([1 / 6, 1 / 2, 1 / 3])
    weights = np.array([[1.5, -1.0]])
    weight = np.ones(1)
    for _ in range(T):
        w, v = weights[:, :1], weights[:, 1:]
        x = scale * points
        slopes = np.stack([2 * w + w**3 + v**2 / 2 + x * (1 + v), 2 * v + w * v + x * (1 + w)], axis=-1)
        weights = (weights[:, None, :] - 0.2 * slopes).reshape(-1, 2)
        weight = (weight[:, None] * chances).ravel()
    w, v = weights.T
    return weight @ (w**2 + w**4 / 4 + v**2 + w * v**2 / 2)


def test_what_is_left_out_falls_with_the_right_power():
    """With noise scaled by eps the error of orders up to p falls as eps^2, eps^3, eps^5: the next ones' fewest tied nodes."""
    import sympy

    w, v, x = sympy.symbols("w v x")
    law = fd.landscapes.finite({-2: Fraction(1, 6), 0: Fraction(1, 2), 1: Fraction(1, 3)})
    errors = {}
    for parts in (10, 20, 80, 160):
        loss = w**2 + w**4 / 4 + v**2 + w * v**2 / 2 + x * (w + v + w * v) / parts
        land = fd.landscapes.symbolic(loss, (w, v), x, law, [Fraction(3, 2), -1])
        series = predicted_about_path(land, [fd.Spacetime(4, 1, 4)], [0.2], 2)
        errors[parts] = exact_loss(1 / parts) - np.cumsum([order[0, 0] for order in series.by_order])
    assert np.log2(errors[80] / errors[160])[:2] == pytest.approx([2, 3], abs=0.2)
    assert np.log2(errors[10] / errors[20])[2] == pytest.approx(5, abs=0.2)  # smaller ones are rounding


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
def test_tensors_go_the_way_of_the_points_that_they_are_of(sampling):
    rng = np.random.default_rng(4)
    H = rng.normal(size=(6, 2, 2))
    points = fd.landscapes.samples(rng.normal(size=6), rng.normal(size=(6, 2)), np.eye(2) + 0.1 * (H + H.swapaxes(1, 2)))
    nodes = {(1,): ((0,),), (2,): ((0, 1),), (1, 1): ((0,), (1,)), (1, 2): ((0,), (1, 2)), (2, 2): ((0, 1), (2, 3))}
    triples = {(1, 1, 1): ((0,), (1,), (2,)), (1, 1, 2): ((0,), (1,), (2, 3)), (1, 2, 2): ((0,), (1, 2), (3, 4)), (2, 2, 2): ((0, 1), (2, 3), (4, 5))}
    dense = fd.landscapes.tensors({key: points.part(some) for key, some in {**nodes, **triples}.items()}, points.loss)
    for noise, T in ((1, 9), (2, 4)):
        spacetime = fd.Spacetime(4, 1, T, sampling=sampling) if noise == 1 else fd.Spacetime(4, 1, T)
        for name in NAMES:
            if noise == 2 and name in ("train_loss", "generalization_gap"):
                continue
            with pytest.warns(TaylorWarning) if name == "test_loss" and noise == 1 else _nothing():
                found = predicted_about_path(dense, [spacetime], [0.2], noise, name)
            with pytest.warns(TaylorWarning) if name == "test_loss" and noise == 1 else _nothing():
                expected = predicted_about_path(points, [spacetime], [0.2], noise, name)
            for one, other in zip(found.by_order, expected.by_order, strict=True):
                assert one == pytest.approx(other, rel=1e-9, abs=1e-13), name


def _nothing():
    from contextlib import nullcontext

    return nullcontext()
