"""A caller's `np.seterr(all="raise")` changes no answer: each is that of NumPy's defaults, to the last bit."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
import sympy
from scipy.sparse.linalg import aslinearoperator

import fastdiag as fd
import fastdiag.record
from fastdiag.record import same

ST, LATER = fd.Spacetime(N=10, T=10), fd.Spacetime(N=10, T=3000)
TINY = 1e-170
K = np.diag([1.0, TINY, 1e-3])
C = np.diag([TINY, 1.0, TINY])
NOISE, LAW = fd.noise, fd.stationary


def tiny():
    """Gradients and Hessians whose products underflow."""
    return fd.landscapes.samples([0.0, 0.0], [[TINY, 1.0], [-TINY, -1.0]], [[[TINY, 0], [0, 1]]] * 2, [np.full((2, 2, 2), TINY)] * 2)


def logistic():
    return fd.landscapes.logistic([[1.0, 1e-200], [-2.0, 1e-200], [700.0, 1.0]], [1, 0, 1], [0.5, 1e-160], 1e-200)


CALLS = {
    "predict": lambda: fd.predict(tiny(), ST, [1e-160, 0.1], 3),
    "predict, plain": lambda: fd.predict(tiny(), ST, [1e-160, 0.1], 3, resummed=False),
    "predict, long": lambda: fd.predict(tiny(), LATER, 0.9, 3, T=[1, 1000, 3000]),
    "predict, logistic": lambda: fd.predict(logistic(), ST, 1e-160, 2),
    "predict, covariance": lambda: fd.predict(tiny(), ST, 1e-160, 2, "covariance"),
    "predict, variance": lambda: fd.predict(tiny(), ST, 1e-160, 2, "test_loss_variance"),
    "predict, momentum": lambda: fd.predict(tiny(), LATER, 0.1, 2, update=fd.updates.momentum(0.5)),
    "predict, sde": lambda: fd.predict(tiny(), LATER, 0.1, 2, update=fd.updates.sde()),
    "predict, matrix": lambda: fd.predict(tiny(), ST, np.diag([1e-160, 0.1]), 2),
    "predict, a sample": lambda: fd.predict(fd.landscapes.estimated(logistic()), ST, 1e-160, 1, resummed=False),
    "predict, overflow": lambda: fd.predict(tiny(), ST, 1e200, 3, resummed=False),
    "up_to": lambda: fd.predict(tiny(), ST, [1e-160, 0.1], 3).up_to(2),
    "rvalue": lambda: fd.rvalue("[a a a]", tiny(), LATER, [1e-160, 0.9]),
    "rvalue, continuous": lambda: fd.rvalue("[a a]", tiny(), fd.Spacetime(N=3000, T=3000), 0.9, continuous=True),
    "rvalue, reshuffled": lambda: fd.rvalue("[a b[a]]", tiny(), LATER, 1e-160),
    "uvalue": lambda: fd.uvalue("[a a[a]]", tiny()),
    "uvalue, logistic": lambda: fd.uvalue("[a b[a]]", logistic()),
    "estimate": lambda: fd.estimate("[a]", logistic()),
    "simulate": lambda: fd.simulate(tiny(), ST, [1e-160, 0.1], runs=600),
    "simulate, logistic": lambda: fd.simulate(logistic(), ST, [1e-300, 0.1], runs=600),
    "simulate, covariance": lambda: fd.simulate(tiny(), ST, 1e-160, runs=600, observable="covariance"),
    "simulate, sde": lambda: fd.simulate(tiny(), ST, 1e-160, runs=20, method="sde"),
    "simulate, a formula": lambda: fd.simulate(fd.landscapes.gauss(), ST, 1e-300, runs=20),
    "simulate, diverging": lambda: fd.simulate(tiny(), fd.Spacetime(N=999, T=999), 1e3, runs=20),
    "coefficients": lambda: fd.table(4).coefficients(N=[10, 10**80], T=[7, 10**80]),
    "stability_limit": lambda: LAW.stability_limit(1e300),
    "stationary_covariance": lambda: LAW.stationary_covariance(K, C, 1e-160),
    "stationary_covariance, momentum": lambda: LAW.stationary_covariance(K, C, 1e-3, 0.9),
    "continuous_covariance": lambda: LAW.continuous_covariance(K, C, 1e-160),
    "approximation_error": lambda: LAW.approximation_error(K, C, 1e-160),
    "ngd_covariance": lambda: LAW.ngd_covariance(np.eye(2), TINY * np.eye(2), 1e-160),
    "sigma_T": lambda: LAW.sigma_T(K, C, 1e-160, 10),
    "escape_efficiency": lambda: LAW.escape_efficiency(K, C, 0.5, 10**6),
    "escape_efficiency_continuous": lambda: LAW.escape_efficiency_continuous(K, C, 0.5, 1e9),
    "bayes_learning_rate": lambda: LAW.bayes_learning_rate([1.0, 1e-3], 100, 10),
    "bayes_kl": lambda: LAW.bayes_kl(np.diag([1.0, 1e-3]), 100, 10, 1e-3),
    "kramers_rate": lambda: LAW.kramers_rate(1.0, -1.0, 100.0, 16, 1e-3),
    "escape_rate_1d": lambda: LAW.escape_rate_1d(lambda w: w**4, 1.0, 1.0, (-0.5, 0.5), n=64),
    "loss_alignment": lambda: NOISE.loss_alignment([[TINY, 0], [0, 1.0]], [TINY, -1.0]),
    "loss_alignment_bounds": lambda: NOISE.loss_alignment_bounds([[TINY, 0], [0, 1.0]]),
    "directional_alignment": lambda: NOISE.directional_alignment([[TINY, 0], [0, 1.0]], [TINY, -1.0], V=np.eye(2)),
    "noise_covariance": lambda: NOISE.noise_covariance([[TINY, 0], [0, 1.0]], [TINY, -1.0]),
    "noise_operator": lambda: NOISE.noise_operator([[TINY, 0], [0, 1.0]], [TINY, -1.0]).matmat(TINY * np.eye(2)),
    "leading_directions": lambda: NOISE.leading_directions([[TINY, 0], [0, 1.0]], 1),
    "geometry": lambda: NOISE.noise_covariance(NOISE.geometry(tiny())),
    "from_gradients": lambda: NOISE.loss_alignment(NOISE.from_gradients(1.0, [[TINY, 1.0]], aslinearoperator(np.diag([TINY, 1.0])))),
    "gaussian_inputs": lambda: NOISE.gaussian_inputs(np.diag([TINY, 1.0]), [TINY, 1.0]),
    "eigen_dynamics": lambda: NOISE.eigen_dynamics([1.0, 0.5], 0.9, [1.0, TINY], 3000),
    "eigen_dynamics, escaping": lambda: NOISE.eigen_dynamics([1.0, 0.5], 9.0, [1.0, 1.0], 3000),
    "second_moment_dynamics": lambda: NOISE.second_moment_dynamics([[TINY, 0], [0, 1.0]], TINY * np.eye(2), 0.5, 50),
    "label_noise_stationary": lambda: NOISE.label_noise_stationary([1.0, 0.5], 1e-3, TINY),
    "escape_threshold": lambda: NOISE.escape_threshold([1.0, TINY]),
    "growth_rate": lambda: NOISE.growth_rate([1.0, TINY], 1e-160),
    "flat_ratio_limit": lambda: NOISE.flat_ratio_limit([1.0, 1e-100, TINY], 0.1, 1),
    "flat_ratio": lambda: NOISE.flat_ratio([1.0, TINY], [TINY, TINY], 1),
    "variance_ratio": lambda: NOISE.variance_ratio([TINY, 1.0], 1),
    "results": lambda: fd.results.example_1(tiny(), 1e-160, 10),
    "results, derived": lambda: fd.results.example_1.derived(tiny(), 1e-160, 10),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("setting", ["raise", "call", "ignore"])
def test_answers_are_those_of_the_defaults(name, setting):
    def answer(**rules):
        with warnings.catch_warnings(), np.errstate(**rules):
            warnings.simplefilter("ignore")
            try:
                return CALLS[name]()
            except fd.FastdiagError as error:
                return str(error)

    right = answer(divide="warn", over="warn", under="ignore", invalid="warn")
    assert same(answer(all=setting, call=lambda *what: pytest.fail(f"the caller's handler was called: {what}")), right)


def test_the_callers_setting_stays():
    with np.errstate(all="raise"):
        before = np.geterr()
        fd.predict(tiny(), ST, Fraction(1, 10), 1)
        assert np.geterr() == before


def test_a_warning_points_at_the_caller():
    with pytest.warns(RuntimeWarning, match="overflows") as caught:
        fd.predict(tiny(), fd.Spacetime(N=10**9, T=10**9), 1e200, 3, resummed=False)
    assert {warning.filename for warning in caught} == {__file__}


HALVES = fd.landscapes.finite({0: Fraction(1, 2), 1: Fraction(1, 2)})
w, x = sympy.symbols("w x")
FORMULAS = {
    "tiny": ((w - x) ** 2 * Fraction(1, 10**400) + w**3, fd.landscapes.normal(), 1),
    "saturated": (sympy.log(1 + sympy.exp(-800 * w * x)), HALVES, Fraction(3, 2)),
    "steep": (sympy.exp(-500 * w * x), HALVES, Fraction(3, 2)),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_under_the_callers_rules(name):
    """`np.seterr(all="raise")` changes nothing, on formulas and in simulations."""
    loss, law, at = FORMULAS[name]

    def results():
        land, st = fd.landscapes.symbolic(sympy.sympify(loss), w, x, law, at=[at]), fd.Spacetime(2, 1, 3)
        yield land.loss, land.gradient, land.hessian, land.gradient_covariance
        yield land.part(((0,), (0, 1)), np.array([[1e-200]]))
        for eta in (0.1, 1e-200, [1e-300, 1e-3]):
            for observable in ("test_loss", "covariance"):
                yield fd.predict(land, st, eta, 2, observable).total
                yield fd.predict(land, st, eta, 2, observable, resummed=False).total
            for observable in ("test_loss", "train_loss", "displacement", "covariance", "test_loss_variance"):
                run = fd.simulate(land, st, eta, runs=20, observable=observable)
                yield run.mean, run.stderr, run.interval
        yield fd.uvalue("[a]", land), fd.rvalue("[a a]", land, st, 0.1)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the simulation overflows")  # the steep one's runs
        with np.errstate(all="ignore"):
            plain = list(results())
        with np.errstate(all="raise"):
            strict = list(results())
    assert fd.record.same(plain, strict)
