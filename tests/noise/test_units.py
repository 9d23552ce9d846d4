"""Every function of noise and stationary in other units: powers of two change no digit, and no scale changes the answer."""

from fractions import Fraction
from math import inf

import mpmath
import numpy as np
import pytest

import fastdiag as fd

N, S = fd.noise, fd.stationary
F = Fraction
POWERS = (-996, -600, -330, -150, 150, 330, 600, 996)  # even: the root of 2 is no float

RNG = np.random.default_rng(0)
J, R, V = RNG.normal(size=(7, 3)), RNG.normal(size=7), RNG.normal(size=(3, 2))
WIDE, SHORT = RNG.normal(size=(3, 7)), RNG.normal(size=3)
K, C, P = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[1.0, -0.3], [-0.3, 0.7]]), np.array([[0.3, 0.1], [0.1, 0.2]])
LAMS, A, S0 = np.array([1.0, 0.5, 0.1]), np.array([1.0, 0.4, 2.0]), np.array([1.0, 3.0, 2.0])

# f(a, b) in units 2^a and 2^b of what it takes, and the exponents (p, q) of its answer: 2^(pa + qb)
CASES = {
    "noise covariance": (lambda a, b: N.noise_covariance(J * a, R * b), 2, 2),
    "noise operator": (lambda a, b: N.noise_operator(J * a, R * b) @ np.eye(3), 2, 2),
    "loss alignment": (lambda a, b: N.loss_alignment(J * a, R * b), 0, 0),
    "loss alignment, few points": (lambda a, b: N.loss_alignment(WIDE * a, SHORT * b, True), 0, 0),
    "bounds": (lambda a, b: N.loss_alignment_bounds(J * a), 0, 0),
    "bounds, few points": (lambda a, b: N.loss_alignment_bounds(WIDE * a), 0, 0),
    "directional alignment": (lambda a, b: N.directional_alignment(J * a, R * b, V * b, True), 0, 0),
    "directional alignment, few points": (lambda a, b: N.directional_alignment(WIDE * a, SHORT * b, WIDE[0] / b), 0, 0),
    "leading values": (lambda a, b: N.leading_directions(J * a, 2)[0], 2, 0),
    "leading vectors": (lambda a, b: N.leading_directions(J * a, 2)[1], 0, 0),
    "loss": (lambda a, b: N.geometry(J * a, R * b).loss, 0, 2),
    "from gradients": (lambda a, b: N.loss_alignment(N.from_gradients(2.0 * b, J * a, np.eye(3) * b)), 2, -2),
    "Gaussian inputs": (lambda a, b: N.directional_alignment(N.gaussian_inputs(np.eye(2) * a, [1.0, 2.0], a), V=[b, 2 * b]), 0, 0),
    "Gaussian covariance": (lambda a, b: N.noise_covariance(N.gaussian_inputs(C * a, [b, 2 * b], 0, J[:2] * b)), 2, 4),
    "escape threshold": (lambda a, b: N.escape_threshold(LAMS * a, A), -1, 0),
    "escape threshold, Gaussian": (lambda a, b: N.escape_threshold(LAMS * a, None, 2), -1, 0),
    "escape threshold, GD": (lambda a, b: N.escape_threshold(LAMS * a, A, inf), -1, 0),
    "growth rate": (lambda a, b: N.growth_rate(LAMS * a, 1.3 / a, A), 0, 0),
    "ratio limit": (lambda a, b: N.flat_ratio_limit(LAMS * a, 1.3 / a, 1, None), 0, 0),
    "flat ratio": (lambda a, b: N.flat_ratio(LAMS * a, S0 * b, 1), 0, 0),
    "variance ratio": (lambda a, b: N.variance_ratio(S0 * b, 1), 0, 0),
    "eigen dynamics": (lambda a, b: N.eigen_dynamics(LAMS * a, 1.3 / a, S0 * b, 5, 2, A), 0, 1),
    "label noise": (lambda a, b: N.label_noise_stationary(LAMS * a, 0.3 / a, 2.0 * b), -1, 1),
    "label noise dynamics": (lambda a, b: N.eigen_dynamics(LAMS * a, 0.3 / a, 0 * S0, 5, label_noise=2.0 * b), -1, 1),
    "moments": (lambda a, b: N.second_moment_dynamics(J * a, np.eye(3) * b, 0.2 / a / a, 3), 0, 1),
    "stability limit": (lambda a, b: S.stability_limit(1.7 * a, 0.3, 0.2), -1, 0),
    "covariance": (lambda a, b: S.stationary_covariance(K * a, C * b, 0.3 / a, 0.5, 0.3), -2, 1),
    "preconditioned": (lambda a, b: S.stationary_covariance(K * a, C * b, P / a, 0.5), -2, 1),
    "continuous": (lambda a, b: S.continuous_covariance(K * a, C * b, 0.3 / a), -2, 1),
    "excess loss": (lambda a, b: S.approximation_error(K * a, C * b, 0.3 / a), -1, 1),
    "excess loss, preconditioned": (lambda a, b: S.approximation_error(K * a, C * b, P / a), -1, 1),
    "natural gradient": (lambda a, b: S.ngd_covariance(K * a, C * (a * b), 0.3 * b, 0.4), -1, 1),
    "finite time": (lambda a, b: S.sigma_T(K * a, C * b, 0.3 / a, 7), -2, 1),
    "finite time, preconditioned": (lambda a, b: S.sigma_T(K * a, C * b, P / a, 7), -2, 1),
    "escape efficiency": (lambda a, b: S.escape_efficiency(K * a, C * b, 0.3 / a, 7), -1, 1),
    "continuous escape": (lambda a, b: S.escape_efficiency_continuous(K * a, C * b, 0.3 / a, 7.3), -1, 1),
    "Bayes rate": (lambda a, b: S.bayes_learning_rate(LAMS * a, 1000, 100), -1, 0),
    "Bayes divergence": (lambda a, b: S.bayes_kl(K * a, 1000, 100, 0.3 / a), 0, 0),
    "Kramers": (lambda a, b: S.kramers_rate(0.3 / a, 1.5 * a, -0.7 * a, 4, 0.2), 1, 0),
    "Kramers, barrier": (lambda a, b: S.kramers_rate(0.3, 1.5, -0.7, 4 * b, 0.2 / b), 0, 0),
    "exact escape, wide": (lambda a, b: S.escape_rate_1d(lambda w: w, 0.5, 1.0 * a, (-a, 2 * a), 32), 0, 0),
    "exact escape, slow": (lambda a, b: S.escape_rate_1d(lambda w: w * a, 0.5 / a, 1.0 * a, (-1, 2), 32), 0, 0),
}
SQUARED = ("moments", "leading vectors")  # 4^a is met on the way


@pytest.mark.parametrize("name", CASES)
def test_other_units(name):
    call, p, q = CASES[name]
    plain, tried = np.asarray(call(1.0, 1.0)), 0
    with np.errstate(all="raise"):
        for i in (0, *POWERS):
            for j in (0, *POWERS):
                by = p * i + q * j
                if max(abs(by), abs(i * (1 + (name in SQUARED))), abs(i + j) * (name == "natural gradient")) < 1000:
                    found = call(2.0**i, 2.0**j)
                    assert np.array_equal(found, np.ldexp(plain, by)), (i, j)
                    tried += 1
    assert tried > 8


def test_reported():
    assert N.escape_threshold([1e300, 5e299, 1e299]) == pytest.approx(1e-300 * N.escape_threshold([1, 0.5, 0.1]), rel=1e-14)
    assert N.escape_threshold([1e300, 5e299, 1e299]) == pytest.approx(8.22e-301, rel=1e-3)
    for scale in (1e-79, 1e-82, 1e-300, 1e150, 1e300):
        assert N.loss_alignment(J * scale, R) == pytest.approx(N.loss_alignment(J, R), rel=1e-13)


def threshold(lams, A):
    """The root in 60 digits."""
    with mpmath.workdps(60):
        lams, A = [mpmath.mpf(x) for x in lams], [mpmath.mpf(x) for x in A]
        highest = min(2 / (x * (1 + a)) for x, a in zip(lams, A, strict=True) if a)
        low, high = mpmath.mpf(0), highest
        for _ in range(150):
            z = (low + high) / 2
            low, high = (z, high) if sum(z * a * x / (2 - z * x) for x, a in zip(lams, A, strict=True)) < 1 else (low, z)
        return low


@pytest.mark.parametrize("lams", [[1.0, 0.5, 0.1], [1.0, 1e-300], [1e300, 1.0, 1e-300], [1e-300, 1e-305], [3.0] * 4])
@pytest.mark.parametrize("alignment", [1.0, 1e-8, 1e8, 1e250])
def test_threshold_in_many_digits(lams, alignment):
    found = N.escape_threshold(lams, alignment)
    assert found == pytest.approx(float(threshold(lams, [alignment] * len(lams))), rel=1e-13)


@pytest.mark.parametrize("share", [1e-3, 1e-8, 1e-13, 1e-100, 1e-280, 1.9, 1e3, 1e100])
@pytest.mark.parametrize("A", [1.0, None])
def test_growth_in_many_digits(share, A):
    """Rates from tiny to enormous: the root of the secular equation, and the losses' proportions, in 700 digits."""
    lams = [1.0, 0.7, 0.2]
    rate = N.growth_rate(lams, share, A)
    ratio = N.flat_ratio_limit(lams, share, 1, A)
    with mpmath.workdps(700):
        x = [mpmath.mpf(share) * mpmath.mpf(lam) for lam in lams]
        own = [(1 - y) ** 2 + (y**2 if A is None else 0) for y in x]
        drive = [y**2 for y in x]
        low, high = max(own), max(own) + sum(drive)
        for _ in range(2300):
            z = (low + high) / 2
            low, high = (z, high) if sum(d / (z - o) for d, o in zip(drive, own, strict=True)) > 1 else (low, z)
        losses = [d / (high - o) for d, o in zip(drive, own, strict=True)]
        assert rate == pytest.approx(float(high), rel=1e-13)
        assert ratio == pytest.approx(float((losses[1] + losses[2]) / losses[0]), rel=1e-12)


def test_ratios_of_entries_far_apart():
    assert N.flat_ratio([1e300, 1e-300], [1e-300, 1e300], 1) == 1.0
    assert N.flat_ratio([1e-200, 1e-200], [1e-200, 3e-200], 1) == 3.0
    with pytest.raises(fd.errors.InputError, match="beyond the range of floats"):
        N.flat_ratio([1.0, 1.0], [1e-200, 1e200], 1)


@pytest.mark.parametrize(("k", "c", "lam"), [("1e-200", "1", "1e-200"), ("1e200", "1e250", "1e-210"), ("1e-300", "1e-290", "1e290")])
def test_a_variance_in_fractions(k, c, lam):
    k, c, lam = float(k), float(c), float(lam)
    exact = F(lam) * F(c) / (F(k) * (2 - F(lam) * F(k)))
    assert S.stationary_covariance([[k]], [[c]], lam)[0, 0] == pytest.approx(float(exact), rel=1e-14)
    assert S.approximation_error([[k]], [[c]], lam) == pytest.approx(float(F(k) * exact / 2), rel=1e-14)
    at_5 = F(lam) ** 2 * F(c) * sum((1 - F(lam) * F(k)) ** (2 * s) for s in range(5))
    assert S.sigma_T([[k]], [[c]], lam, 5)[0, 0] == pytest.approx(float(at_5), rel=1e-14)


@pytest.mark.parametrize("points", [1e3, 1e16, 1e20, 1e100, 1e290])
def test_bayes_with_many_points(points):
    """Of batches of one: the root of the sum of (lam k_i N - 2) / (2 - lam k_i)^2."""
    k = [1.0, 0.3, 0.1]
    found = S.bayes_learning_rate(k, points, 1)
    with mpmath.workdps(40):
        low, high = 2 / mpmath.mpf(points), 2 * 3 / (mpmath.mpf(points) * mpmath.mpf("1.4"))
        for _ in range(120):
            z = (low + high) / 2
            value = sum((z * mpmath.mpf(r) * mpmath.mpf(points) - 2) / (2 - z * mpmath.mpf(r)) ** 2 for r in k)
            low, high = (z, high) if value < 0 else (low, z)
        assert found == pytest.approx(float(high), rel=1e-13)


@pytest.mark.parametrize(
    "call",
    [
        lambda: N.noise_covariance([[1e200]], [1e200], False), lambda: N.leading_directions([[1e200]], 1),
        lambda: N.escape_threshold([5e-324]), lambda: N.growth_rate([1e200], 1e200), lambda: S.stability_limit(5e-324),
        lambda: S.stationary_covariance([[1e-200]], [[1e200]], 1.0), lambda: S.sigma_T([[1.0]], [[1e300]], 1e100, 3),
        lambda: N.eigen_dynamics([1e200], 1e200, [1.0], 1), lambda: S.bayes_learning_rate([1e-320], 10, 5),
        lambda: N.label_noise_stationary([1e-300], 1e299, 1e300),
    ],
)
def test_answers_beyond_floats_are_refused(call):
    with np.errstate(all="raise"), pytest.raises(fd.FastdiagError):
        call()
