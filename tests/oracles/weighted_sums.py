"""Sums over maps with k^(dt-1) on each edge: listed map by map, level by level in 60 digits, and what the float kernel gives.

Levels: the sum over weak orders of the parts. It shares nothing with transfers.
"""

from collections import Counter
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import prod

import numpy as np
from mpmath import mp, mpf

import fastdiag as fd
from fastdiag.values.packed_transfer_matrices import packed_sum
from fastdiag.values.plan import twins
from fastdiag.values.rvalue import summed_over_maps

from . import oracle


def kernel_sum(D, spacetime, rates, continuous=False):
    """What the kernel gives for the tuple (0, 1, ..., d-1) alone; rates[e] is 1 - k of edge e."""
    d, packed = D.order, packed_sum(D, spacetime, continuous)
    if not len(packed.transfers.sizes):  # no maps
        return 0.0
    values = np.zeros((d, d ** (d - 1)))
    values[0, sum(e * d ** (d - 1 - e) for e in range(1, d))] = 1.0
    return summed_over_maps(values, 0, np.array(rates), np.ones(1), 0 * twins(D), packed, np.zeros(0, np.int64))[0, 0]


def exact_sum(D, spacetime, rates):
    """The same in Fractions, and with |k|: the sum of absolute values."""
    k = [1 - Fraction(rate) for rate in rates]
    return fd.weighted_maps(D, spacetime, k), fd.weighted_maps(D, spacetime, [abs(x) for x in k])


@lru_cache
def irreducible(order):
    return [D for D in fd.diagrams(order, root_shares=True) if D.is_irreducible]


@lru_cache
def durations(D, spacetime):
    """How many maps have which durations of the edges, over all realisations: listed one by one."""
    found, realisations = Counter(), 0
    for batches in spacetime.realisations():
        realisations += 1
        for f in oracle.all_maps(D.parents, D.blocks, batches, injective=False):
            times = [len(batches), *(t for t, _ in f)]
            found[tuple(times[D.parents[v]] - times[v] for v in range(1, D.order + 1))] += 1
    return found, realisations


def weak_orders(items, below):
    """Every map of the items onto 0..m-1 with level[x] < level[y] for (x, y) in below."""
    for m in range(1, items + 1):
        for levels in product(range(m), repeat=items):
            if len(set(levels)) == m and all(levels[x] < levels[y] for x, y in below):
                yield m, levels


def homogeneous(degree, values):
    """h_degree of the values: the corner of a power of a bidiagonal matrix."""
    m = len(values) - 1
    matrix = mp.matrix(m + 1)
    for i, value in enumerate(values):
        matrix[i, i] = value
        if i < m:
            matrix[i, i + 1] = 1
    return (matrix ** (degree + m))[0, m] if degree >= 0 else mpf(0)


def parts_of(D):
    """Part of each node but the root, numbered from 0, and the edges (child's part, parent's part or None)."""
    blocks = D.blocks[1:]
    names = sorted(set(blocks))
    part = [names.index(b) for b in blocks]
    return part, [(part[v], part[D.parents[v + 1] - 1] if D.parents[v + 1] else None) for v in range(D.order)]


def one_epoch_levels(D, B, T, k):
    part, edges = parts_of(D)
    P, total = max(part) + 1, mpf(0)
    if any(x == y for x, y in edges):
        return total
    for m, level in weak_orders(P, [(x, y) for x, y in edges if y is not None]):
        spans = [(level[x], m if y is None else level[y]) for x, y in edges]
        weight = mpf(B) ** P
        for (a, b), x in zip(spans, k, strict=True):
            weight *= x ** (b - a - 1)
        crossed = [prod((x for (a, b), x in zip(spans, k, strict=True) if a < j <= b), start=mpf(1)) for j in range(m + 1)]
        total += weight * homogeneous(T - m, crossed)
    return total


def cyclic_levels(D, B, L, E, k):
    """Whole epochs: a weak order of the nodes into epochs and one of the parts into positions."""
    part, edges = parts_of(D)
    P, d, total = max(part) + 1, D.order, mpf(0)
    parent = [p - 1 for p in D.parents[1:]]
    for m, epoch in weak_orders(d, []):
        if any(p >= 0 and epoch[v] > epoch[p] for v, p in enumerate(parent)):
            continue
        inside = [(x, y) for v, (x, y) in enumerate(edges) if y is not None and epoch[v] == epoch[parent[v]]]
        for l, place in weak_orders(P, inside):
            c, W, R = mpf(B) ** P, [mpf(1)] * (m + 1), [mpf(1)] * (l + 1)
            for v, p in enumerate(parent):
                start, end = (epoch[v], place[part[v]]), (m, 0) if p < 0 else (epoch[p], place[part[p]])
                for gap in range(m + 1):  # an epoch before, between and after those that hold nodes
                    if start[0] < gap <= end[0]:
                        W[gap] *= k[v] ** L
                for e in range(m):
                    for j in range(l + 1):  # the gap before position j
                        if start < (e, j) and (e, j) <= end:
                            R[j] *= k[v]
                    for j in range(l):
                        if start < (e, j) < end:
                            c *= k[v]
            total += c * homogeneous(E - m, W) * homogeneous(L - l, R)
    return total
