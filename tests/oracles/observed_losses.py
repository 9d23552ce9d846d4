"""Random polynomial losses in two weights, as landscapes, and every observable of theirs in Fractions."""

from fractions import Fraction
from functools import lru_cache

import numpy as np

import fastdiag as fd

from . import oracle

ORDERS = {"test_loss": 4, "train_loss": 4, "generalization_gap": 3, "displacement": 4, "covariance": 3,
          "test_loss_variance": 3}
AXES = {"displacement": 1, "covariance": 2}


def random_losses(seed, n, degree=5, points=2, diagonal=False):
    """Polynomial losses with small coefficients, and unequal weights of the points."""
    rng = np.random.default_rng(seed)
    exponents = [e for e in np.ndindex(*(degree + 1,) * n) if sum(e) <= degree]
    losses = [{e: Fraction(int(rng.integers(-3, 4)), 2) for e in exponents} for _ in range(points)]
    raw = [int(x) for x in rng.integers(1, 4, points)]
    weights = [Fraction(w, sum(raw)) for w in raw]
    if diagonal:  # the mean Hessian, not the points'
        mixed = oracle.mean_loss(losses, weights)[1, 1]
        for loss in losses:
            loss[1, 1] -= mixed
    return losses, weights


@lru_cache
def problem(seed, diagonal=False):
    return random_losses(seed, 2, diagonal=diagonal)


@lru_cache
def exact(seed, case, diagonal=False):
    return oracle.sgd_observables(*problem(seed, diagonal), *case, order=4)


def wanted(name, seed, case, diagonal=False):
    """Coefficients of eta^0, eta^1, ...: object arrays (n,) * axes."""
    series, axes = exact(seed, case, diagonal)[name], AXES.get(name, 0)
    found = []
    for d in range(ORDERS[name] + 1):
        array = np.empty((2,) * axes, dtype=object)
        for index in np.ndindex(*array.shape):
            array[index] = (series[index] if axes else series)[d]
        found.append(array)
    return found


@lru_cache
def symbolic(seed, diagonal=False):
    import sympy

    losses, weights = problem(seed, diagonal)
    u, v, *coefficients = sympy.symbols(f"u v c:{len(losses[0])}")
    powers = list(losses[0])
    formula = sum(c * u**a * v**b for c, (a, b) in zip(coefficients, powers, strict=True))
    values = [tuple(loss[e] for e in powers) for loss in losses]
    law = fd.landscapes.finite(dict(zip(values, weights, strict=True)))
    return fd.landscapes.symbolic(formula, (u, v), coefficients, law, at=[0, 0])


@lru_cache
def floats(seed, diagonal=False):
    return symbolic(seed, diagonal).samples()


def grid(case):
    N, B, T, sampling = case
    return fd.Spacetime(N, B, T, sampling=sampling)
