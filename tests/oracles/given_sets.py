"""SGD on a given training set: every sequence of batches of the same points, in Fractions. Brute force, without fastdiag.

But for `points` and `formula`, which say the same losses to it.
"""

from collections import Counter
from fractions import Fraction
from math import prod

import numpy as np

from . import hessian_steps, oracle
from .noise_oracle import Descent, shifted


def random_losses(seed, n, degree, points):
    """Polynomial losses with small coefficients."""
    rng = np.random.default_rng(seed)
    exponents = [e for e in np.ndindex(*(degree + 1,) * n) if sum(e) <= degree]
    return [{e: Fraction(int(rng.integers(-3, 4)), 2) for e in exponents} for _ in range(points)]


def batches_of(N, B, T, sampling, last=None):
    """(chance, batches) of all orders of the points."""
    sequences = oracle.batch_sequences(N, B, T, sampling, last)
    different = Counter(tuple(tuple(sorted(batch)) for batch in s) for s in sequences)
    return [(Fraction(often, len(sequences)), batches) for batches, often in different.items()]


def series(losses, held_out, case, order, rule=oracle.HeavyBall, lam=None):
    """Every observable as a series in eta, as `oracle.sgd_observables`, from 0; lam: of Hessian-based steps instead."""
    every, n = losses + held_out, len(next(iter(losses[0])))
    slopes = [[oracle.derivative(loss, v) for v in range(n)] for loss in losses]

    def runs():
        for chance, batches in batches_of(*case):
            run = rule([[Fraction(0)] * (order + 1) for _ in range(n)])
            for t, batch in enumerate(batches):
                if lam is not None:
                    run.theta = oracle.axpy(1, hessian_steps.step(losses, batch, run.theta, lam), run.theta)
                    continue
                at = run.point()
                terms = [[oracle.evaluate(slopes[x][v], at) for x in batch] for v in range(n)]
                run.step(t, [[sum(column) / len(batch) for column in zip(*some, strict=True)] for some in terms])
            yield chance, tuple(range(len(losses))), run.theta

    weights = [Fraction(0)] * len(losses) + [Fraction(1, len(held_out))] * len(held_out)
    return oracle.sgd_observables(every, weights, *case[:4], order, runs())


def powers_of_noise(losses, held_out, start, eta, case, order, rule=Descent):
    """Every observable as a series in eps, the points' deviations from their mean scaled by it, at a finite eta."""
    n, share = len(start), [Fraction(1, len(losses))] * len(losses)
    loss, held_out = oracle.mean_loss(losses, share), oracle.mean_loss(held_out, [Fraction(1, len(held_out))] * len(held_out))
    slopes = [[oracle.derivative(each, v) for v in range(n)] for each in (*losses, loss)]

    def runs():
        for chance, batches in batches_of(*case):
            run = rule([[Fraction(x)] + [Fraction(0)] * order for x in start], eta)
            for t, batch in enumerate(batches):
                at, gradient = run.point(), []
                for v in range(n):
                    mean = oracle.evaluate(slopes[-1][v], at)
                    own = [oracle.evaluate(slopes[x][v], at) for x in batch]
                    noise = [sum(column) / len(batch) - m for *column, m in zip(*own, mean, strict=True)]
                    gradient.append([x + y for x, y in zip(mean, shifted(noise), strict=True)])
                run.step(t, gradient)
            yield chance, (0,), run.theta

    found = oracle.sgd_observables([loss, held_out], [Fraction(0), Fraction(1)], 1, *case[1:4], order, runs())
    for i in range(n):
        found["displacement"][i,][0] -= start[i]
    return found


def as_arrays(found, order):
    """For each power the observables as object arrays (n,) * axes."""
    def array(series, k):
        if not isinstance(series, dict):
            return np.array(series[k], dtype=object)
        size = 1 + max(index[0] for index in series)
        result = np.empty((size,) * len(next(iter(series))), dtype=object)
        for index, terms in series.items():
            result[index] = terms[k]
        return result

    return [{name: array(series, k) for name, series in found.items()} for k in range(order + 1)]


def formula(losses, start):
    """The points as a symbolic landscape, all as probable; equal ones count together."""
    import sympy

    from fastdiag.landscapes import finite, symbolic

    weights = sympy.symbols(f"w:{len(start)}")
    exponents = list(losses[0])
    data = sympy.symbols(f"x:{len(exponents)}")
    loss = sum(x * prod(w**k for w, k in zip(weights, e, strict=True)) for x, e in zip(data, exponents, strict=True))
    values = Counter(tuple(sympy.Rational(each[e].numerator, each[e].denominator) for e in exponents) for each in losses)
    law = finite({value: sympy.Rational(often, len(losses)) for value, often in values.items()})
    return symbolic(loss, weights, data, law, start)


def points(losses):
    """The same as points with their derivatives at 0, up to the fourth."""
    from fastdiag.landscapes import samples

    tensors = oracle.Tensors(losses, [])

    def array(degree):
        shape = (len(losses), *(tensors.n,) * degree)
        return np.array([float(tensors.entry(i[0], i[1:])) for i in np.ndindex(*shape)]).reshape(shape)

    return samples(*map(array, range(5)))
