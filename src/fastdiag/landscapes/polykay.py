"""Unbiased estimates of products of joint cumulants, as weights over set partitions: polykays, and the papers' recursion.

Of n random tensors that are observed together at S independent points, a set partition pi of the n names a product: one
joint cumulant for each block. `mu` is the Moebius function of the lattice; moments are products over blocks likewise.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import perm, prod

import numpy as np

from ..diagram.moebius import coarsenings, refinements
from ..diagram.partition import growth_string, set_partitions

String = tuple[int, ...]
"""A set partition as a restricted growth string."""


@lru_cache(maxsize=1 << 14)
def polykay(parts: String, points: int) -> dict[String, Fraction]:
    """Weights of the products of block means whose sum is the unbiased estimate of a product of joint cumulants.

    Cumulants are expanded into moments, a product of moments is estimated by the mean over all choices of *different*
    points, and sums over different points are sums over all points, by inclusion and exclusion:
    `c[sigma] = S^|sigma| * sum over tau below both of mu(tau, parts) mu(tau, sigma) / S(S-1)...(S-|tau|+1)`.

    Parameters
    ----------
    parts : the partition whose blocks' cumulants are multiplied
    points : S, at least as many as there are tensors

    Returns
    -------
    c, without its zeros: the estimate is the sum over sigma of c[sigma] times the product over the blocks of sigma of the
    sample mean of the block's product of tensors

    Examples
    --------
    >>> polykay((0, 0), 10)  # the covariance: 10/9 (mean of xy - mean of x mean of y)
    {(0, 0): Fraction(10, 9), (0, 1): Fraction(-10, 9)}
    """
    n = len(parts)
    strings, above = set_partitions(n), coarsenings(n)
    weights: dict[String, Fraction] = {}
    for tau, outer in _refined(parts):
        scale = Fraction(outer, perm(points, _blocks(strings[tau])))
        for pair in range(above.starts[tau], above.starts[tau + 1]):
            sigma = strings[above.others[pair]]
            weights[sigma] = weights.get(sigma, Fraction(0)) + scale * int(above.moebius[pair]) * points ** _blocks(sigma)
    return {sigma: weights[sigma] for sigma in strings if weights.get(sigma)}


@lru_cache(maxsize=1 << 14)
def central_polykay(parts: String, points: int) -> dict[String, Fraction]:
    """The same with deviations from the sample's means.

    Each tensor is its mean and the deviation. The estimate is linear in every tensor, a constant in a block with others
    adds nothing, and the mean of a deviation is 0.

    Returns
    -------
    c: the estimate is the sum over sigma of c[sigma] times the product over the blocks of sigma of the sample mean of the
    tensor, in a block of one, or of the product of deviations

    Examples
    --------
    >>> central_polykay((0, 1), 10)  # the product of two means
    {(0, 0): Fraction(-1, 9), (0, 1): Fraction(1, 1)}
    """
    alone = [i for i, block in enumerate(parts) if parts.count(block) == 1]
    weights = {}
    for means in (some for size in range(len(alone) + 1) for some in combinations(alone, size)):
        others = [i for i in range(len(parts)) if i not in means]
        for sigma, weight in polykay(growth_string([parts[i] for i in others]), points).items():
            if not any(sigma.count(block) == 1 for block in sigma):
                block_of = {i: (-1, block) for i, block in zip(others, sigma, strict=True)}
                weights[growth_string([block_of.get(i, (i, 0)) for i in range(len(parts))])] = weight
    return dict(sorted(weights.items()))


@lru_cache(maxsize=1 << 14)
def disjoint(parts: String, batch: int) -> dict[String, int]:
    """The same from disjoint batches, one for each block, whose tensors are averaged before anything is multiplied.

    Returns
    -------
    c, without its zeros: the estimate is the sum over tau of c[tau] times {x}_tau, where {x}_tau is the product over all n
    tensors of its mean over the batch of its block of tau

    Examples
    --------
    >>> disjoint((0, 0), 1), disjoint((0, 0), 5)
    ({(0, 0): 1, (0, 1): -1}, {(0, 0): 5, (0, 1): -5})
    """
    strings = set_partitions(len(parts))
    weights: dict[String, int] = {}
    for tau, outer in _refined(parts):
        for rho, weight in moment_from_batches(strings[tau], batch).items():
            weights[rho] = weights.get(rho, 0) + outer * weight
    return {rho: weights[rho] for rho in strings if weights.get(rho)}


@lru_cache(maxsize=1 << 14)
def moment_from_batches(blocks: String, batch: int) -> dict[String, int]:
    """A product of moments as a combination of the {x}_tau of `disjoint` (papers: [B] C.6).

    `<x>_mu = S^n/S^|mu| E{x}_mu - sum over tau strictly finer than mu of prod over blocks b of mu of
    (S-1)!/(S-|tau(b)|)! <x>_tau`, S points to a batch: {x}_mu also pairs different points, and those pairs are removed.

    Examples
    --------
    >>> moment_from_batches((0, 0), 5)  # E[xy] = 5 E{xy} - 4 E[x] E[y]
    {(0, 0): 5, (0, 1): -4}
    """
    strings = set_partitions(len(blocks))
    weights = {blocks: batch ** (len(blocks) - _blocks(blocks))}
    for index, _ in _refined(blocks):
        tau = strings[index]
        inside = [{tau[i] for i, b in enumerate(blocks) if b == block} for block in range(_blocks(blocks))]
        pairs = prod(perm(batch - 1, len(finer) - 1) for finer in inside)
        if tau != blocks and pairs:
            for rho, weight in moment_from_batches(tau, batch).items():
                weights[rho] = weights.get(rho, 0) - pairs * weight
    return weights


def _refined(parts: String) -> list[tuple[int, int]]:
    """The refinements tau of a partition, as (index, mu(tau, parts)); a cumulant is the mu-weighted sum of its moments."""
    below = refinements(len(parts))
    place = set_partitions(len(parts)).index(parts)
    chosen = slice(below.starts[place], below.starts[place + 1])
    return list(zip(np.asarray(below.others[chosen]).tolist(), below.moebius[chosen].tolist(), strict=True))


def _blocks(string: String) -> int:
    return max(string, default=-1) + 1
