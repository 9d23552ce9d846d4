"""Samples of a small distribution, in Fractions, and what its diagrams are worth."""

from fractions import Fraction
from functools import lru_cache

import numpy as np

import fastdiag as fd
from fastdiag.landscapes import Samples

from . import oracle


@lru_cache
def distribution(n, points, seed=0):
    """A small distribution of random polynomial losses with rational coefficients and unequal rational weights."""
    rng = np.random.default_rng([n, points, seed])
    exponents = [e for e in np.ndindex(*(5,) * n) if sum(e) <= 4]
    losses = [{e: Fraction(int(rng.integers(-3, 4)), 2) for e in exponents} for _ in range(points)]
    raw = rng.permutation(points) + 1
    return oracle.Tensors(losses, [Fraction(int(w), int(raw.sum())) for w in raw])


def sample(tensors, chosen):
    """The chosen points, with repetition, as per-point derivatives in Fractions."""
    n = tensors.n
    derivatives = []
    for k in range(5):
        table = np.empty((len(tensors.weights),) + (n,) * k, dtype=object)
        for index in np.ndindex(*table.shape):
            table[index] = Fraction(tensors.entry(index[0], index[1:]))
        derivatives.append(table[list(chosen)])
    return Samples(tuple(derivatives), np.full(len(chosen), 1.0 / len(chosen)))


def truth(tensors, D):
    return Fraction(tensors.value(D.parents, D.parts, "cumulant"))


def up_to(order, root_shares=False):
    return [D for d in range(order + 1) for D in fd.diagrams(d, root_shares=root_shares and d > 0)]
