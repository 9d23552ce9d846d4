"""Random polynomial losses, their tensors and their landscape, and the sum over all diagrams."""

from fractions import Fraction
from functools import lru_cache

import numpy as np

import fastdiag as fd

from . import oracle


def random_losses(seed, n, degree=5, points=2):
    """Polynomial losses with small integer coefficients, and unequal weights of the points."""
    rng = np.random.default_rng(seed)
    exponents = [e for e in np.ndindex(*(degree + 1,) * n) if 0 <= sum(e) <= degree]
    losses = [{e: Fraction(int(rng.integers(-3, 4)), 2) for e in exponents} for _ in range(points)]
    raw = [int(x) for x in rng.integers(1, 4, points)]
    return losses, [Fraction(w, sum(raw)) for w in raw]


@lru_cache
def problem(seed, n):
    losses, weights = random_losses(seed, n)
    return losses, weights, oracle.Tensors(losses, weights)


def diagram_series(tensors, spacetime, basis, order, count=fd.coefficient):
    return [
        sum(
            coefficient * tensors.value(D.parents, D.parts, basis)
            for D in fd.diagrams(d)
            if (coefficient := count(D, spacetime, basis))
        )
        for d in range(order + 1)
    ]


def float_landscape(losses, tensors):
    def array(degree):
        shape = (len(losses), *(tensors.n,) * degree)
        return np.array([float(tensors.entry(i[0], i[1:])) for i in np.ndindex(*shape)]).reshape(shape)

    return fd.landscapes.samples(*map(array, range(5)), weights=[float(w) for w in tensors.weights])


def taylor_points(degree, n=2, points=5, seed=3):
    """Derivatives at 0 of random polynomials, symmetric."""
    rng, found = np.random.default_rng(seed), []
    for k in range(degree + 1):
        array = rng.normal(size=(points,) + (n,) * k)
        result = np.zeros_like(array)
        for index in np.ndindex((n,) * k):
            result[(slice(None), *index)] = array[(slice(None), *sorted(index))]
        found.append(result)
    return found
