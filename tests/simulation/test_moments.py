"""Moments of simulated runs: merged, in other units, and in Fractions."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from fastdiag.simulation.run_statistics import Moments, Spread

F = Fraction
RNG = np.random.default_rng(0)


@pytest.mark.filterwarnings("ignore:overflow encountered in ldexp")
@pytest.mark.parametrize("power", [-1000, -500, -270, -100, 0, 100, 270, 500, 1000])
def test_moments_in_other_units(power):
    values = RNG.normal(size=(2, 9, 3))
    parts = [np.ldexp(values[:, some], power) for some in (slice(0, 3), slice(3, 9))]
    for kind, by in ((Moments, 1), (Spread, 2)):
        plain, whole = kind.of(values).result(), kind.of(np.ldexp(values, power)).result()
        merged = kind.of(parts[0]).merged(kind.of(parts[1])).result()
        for one, two, three, shift in zip(plain, whole, merged, (power, by * power), strict=True):
            expected = np.ldexp(one, by * power if kind is Spread else shift)
            assert np.array_equal(two, expected)
            assert np.allclose(three, expected, rtol=1e-12, atol=0)


def test_a_spread_in_fractions():
    values = [1e-100, 3e-100, -2e-100, 7e-100]
    exact = [F(x) for x in values]
    mean = sum(exact) / 4
    second, fourth = (sum((x - mean) ** k for x in exact) / 4 for k in (2, 4))
    variance = second * F(4, 3)
    error = (fourth - second**2) / 4 + 4 * (2 * variance**2) / 12
    found, deviation = Spread.of(np.array(values).reshape(1, 4, 1)).result()
    assert found.item() == pytest.approx(float(variance), rel=1e-14, abs=0)
    with mpmath.workdps(50):
        assert deviation.item() == pytest.approx(float(mpmath.sqrt(mpmath.mpf(error.numerator) / error.denominator)), rel=1e-13, abs=0)


def test_merged_moments_are_those_of_the_whole():
    losses = 1e6 + np.random.default_rng(0).normal(size=(2, 50)) * [[1e-3], [1.0]]
    merged = Moments.of(losses[:, :3]).merged(Moments.of(losses[:, 3:]))
    np.testing.assert_allclose(merged.mean, losses.mean(axis=1), rtol=1e-14)
    np.testing.assert_allclose(np.ldexp(merged.squares, 2 * merged.size) / 50, losses.var(axis=1), rtol=1e-5)
    losses[1, [0, 40]] = math.inf
    lost = Moments.of(losses[:, :3]).merged(Moments.of(losses[:, 3:]))
    assert lost.mean[1] == math.inf
    assert lost.diverged.tolist() == [0, 2]
