"""Averages of a loss's tensors over Gaussian weights about one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import TooLargeError
from ..record import frozen

if TYPE_CHECKING:
    from .local import Numbers, PointTensors

NODES = 16  # of a Gauss-Hermite sum along one direction
MOST_PLACES = 5000  # of sums along several


@dataclass(frozen=True, slots=True)
class Averaged:
    """<.>, over delta ~ N(0, S)."""

    loss: Any
    """<l>; None of a vector field."""
    gradient: Numbers
    """<G>, (n,)."""
    hessian: Numbers
    """<H>, (n, n)."""
    covariance: Numbers
    """<E g_x g_x> - <G><G> - <H> S <H>, (n, n): of the gradient of a point, less what <H> moves along."""


def by_wick(local: PointTensors, degree: int, S: Numbers, has_loss: bool = True) -> Averaged:
    """Of polynomials, exactly; degree: the highest of their derivatives."""
    w, n = local.weights, local.dimension
    known: dict[int, Numbers] = {}

    def average(k: int) -> Numbers:
        """<grad^k l_x> of every point."""
        if k not in known:
            total = local.tensor(k)
            for pairs in range(1, (degree - k) // 2 + 1):
                term = local.tensor(k + 2 * pairs)
                for _ in range(pairs):
                    term = np.asarray(np.tensordot(term, S, 2))
                total = total + term / (2**pairs * factorial(pairs))
            known[k] = total
        return known[k]

    loss = np.asarray(np.tensordot(w, average(0), 1))[()] if has_loss else None
    G, H = (np.asarray(np.tensordot(w, average(k), 1)) for k in (1, 2))
    products: Numbers = np.zeros((n, n), dtype=int)
    for shared in range(degree):  # indices that both gradients share
        first = average(shared + 1).reshape(len(w), n, -1)
        second = first.reshape(len(w), n, *(n,) * shared)
        for axis in range(shared):
            second = np.moveaxis(np.tensordot(second, S, ((2 + axis,), (0,))), -1, 2 + axis)
        second = second.reshape(len(w), n, -1)
        both = np.einsum("xac,xbc->ab", w[:, None, None] * first, second)
        products = products + both / factorial(shared)
    return Averaged(loss, G, H, _less(products, G, H, S))


def by_hermite(
    spread: Callable[[Numbers, Numbers], PointTensors], theta: Numbers, S: Numbers, has_loss: bool = True
) -> Averaged:
    """Of any loss, by Gauss-Hermite sums along the directions in which S is not 0.

    spread: for places (P, n) and their weights, all points at all places as points of one distribution

    Raises
    ------
    TooLargeError : many directions
    """
    sizes, directions = np.linalg.eigh(S)
    wide = sizes > 1e-14 * max(sizes[-1], 1e-300)
    count, (places, weights) = int(wide.sum()), hermite()
    if NODES**count > MOST_PLACES:
        raise TooLargeError(
            f"an average over {count} directions takes {NODES}^{count} places; polynomials, logistic regression and few "
            "weights need no such sum"
        )
    chosen = np.indices((NODES,) * count).reshape(count, NODES**count)
    everywhere = theta + (directions[:, wide] * np.sqrt(sizes[wide]) @ places[chosen]).T
    all_of_them = spread(everywhere, weights[chosen].prod(axis=0))
    g, G, H = all_of_them.tensor(1), all_of_them.gradient, all_of_them.hessian
    products = (all_of_them.weights[:, None] * g).T @ g
    return Averaged(all_of_them.loss if has_loss else None, G, H, _less(products, G, H, S))


@cache
def hermite() -> tuple[Numbers, Numbers]:
    """Places and weights of a Gauss-Hermite sum over N(0, 1)."""
    places, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return frozen(places), frozen(weights / weights.sum())


def _less(products: Numbers, G: Numbers, H: Numbers, S: Numbers) -> Numbers:
    return np.asarray(products - np.multiply.outer(G, G) - H @ S @ H.T)
