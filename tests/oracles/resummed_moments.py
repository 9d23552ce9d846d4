"""Resummed sums of fresh data without diagrams: moments of weights that are series in the number of edges, in Fractions.

With K = 1 - eta dv held fast at the start, delta' = K delta - eps eta (v_x + (dv_x - dv) delta + ddv_x delta delta / 2 + ...)
counts edges by powers of eps: the coefficient of eps^d in E s(delta_T) is that of the irreducible diagrams of d edges.
Nothing here calls fastdiag.
"""

from fractions import Fraction
from itertools import product

ONE = (0, 0)


def _product(a, b, most):
    """Of polynomials {((powers of the weights), power of eps): coefficient}; delta counts as eps."""
    found = {}
    for ((p, k), x), ((q, m), y) in product(a.items(), b.items()):
        if sum(p) + sum(q) + k + m <= most:
            key = tuple(i + j for i, j in zip(p, q, strict=True)), k + m
            found[key] = found.get(key, 0) + x * y
    return found


def _powers(polynomials, powers, most):
    found = {(ONE, 0): Fraction(1)}
    for polynomial, often in zip(polynomials, powers, strict=True):
        for _ in range(often):
            found = _product(found, polynomial, most)
    return found


def by_edges(fields, weights, eta, T, order, functions):
    """E s(delta_T) of each function s of two weights, a polynomial, by numbers of edges: lists of Fractions.

    fields: for each point one polynomial {powers: coefficient} for each weight.
    """
    slopes = {}
    for v, e in product(range(2), ((1, 0), (0, 1))):
        slopes[v, e] = sum(w * each[v].get(e, 0) for w, each in zip(weights, fields, strict=True))
    updates = []
    for each in fields:
        moved = []
        for v in range(2):
            step = {(e, 1): -eta * c for e, c in each[v].items()}
            for w, e in enumerate(((1, 0), (0, 1))):
                step[e, 0] = (w == v) - eta * slopes[v, e]
                step[e, 1] = step.get((e, 1), 0) + eta * slopes[v, e]
            moved.append(step)
        updates.append(moved)
    monomials = [(a, b) for a in range(order + 1) for b in range(order + 1 - a)]
    after = {}
    for powers in monomials:
        after[powers] = {}
        for weight, moved in zip(weights, updates, strict=True):
            for key, x in _powers(moved, powers, order).items():
                after[powers][key] = after[powers].get(key, 0) + weight * x
    moments = {powers: [Fraction(int(powers == ONE))] + [Fraction(0)] * order for powers in monomials}
    for _ in range(T):
        new = {}
        for powers in monomials:
            series = [Fraction(0)] * (order + 1)
            for (p, k), x in after[powers].items():
                for d in range(order + 1 - k):
                    series[d + k] += x * moments[p][d]
            new[powers] = series
        moments = new
    return [
        [sum(c * moments[e][d] for e, c in s.items() if sum(e) <= order) for d in range(order + 1)] for s in functions
    ]
