"""SGD with the gradient of a penalty added to every step, in Fractions from the definitions. Nothing here calls fastdiag."""

from collections import Counter
from fractions import Fraction
from itertools import combinations, product
from math import prod

from oracles.oracle import derivative, evaluate, mean_loss, renamed_sequences


def times(first, second):
    """The product of two polynomials."""
    out = {}
    for (a, x), (b, y) in product(first.items(), second.items()):
        exponents = tuple(i + j for i, j in zip(a, b, strict=True))
        out[exponents] = out.get(exponents, Fraction(0)) + x * y
    return out


def plus(*terms):
    """A sum of polynomials, each with its factor."""
    out = {}
    for factor, polynomial in terms:
        for exponents, x in polynomial.items():
            out[exponents] = out.get(exponents, Fraction(0)) + factor * x
    return out


def square(loss):
    """The squared length of a polynomial's gradient."""
    n = len(next(iter(loss)))
    return plus(*((1, times(d, d)) for d in (derivative(loss, v) for v in range(n))))


def noise_of(losses, weights):
    """The trace of the covariance of the points' gradients, as a polynomial."""
    spread = plus(*((w, square(loss)) for loss, w in zip(losses, weights, strict=True)))
    return plus((1, spread), (-1, square(mean_loss(losses, weights))))


def estimated_noise(losses, training_set):
    """Its unbiased estimate from some points: |g_x - g_y|^2 / 2, averaged over pairs."""
    pairs = list(combinations([losses[x] for x in training_set], 2))
    return plus(*((Fraction(1, 2 * len(pairs)), square(plus((1, x), (-1, y)))) for x, y in pairs))


def corrected_test_loss(losses, weights, N, B, T, penalty, order, rate=1):
    """E[l(theta_T)] as a series in eta, of theta -= rate eta (batch's gradient + eta grad penalty(training_set)), from 0."""
    n, test, total = len(next(iter(losses[0]))), mean_loss(losses, weights), [Fraction(0)] * (order + 1)
    slopes = [[derivative(loss, v) for v in range(n)] for loss in losses]
    sequences = renamed_sequences(N, B, T, "reshuffle")
    different = Counter(tuple(tuple(sorted(batch)) for batch in s) for s in sequences)
    for rows in product(range(len(losses)), repeat=N):
        added = [derivative(penalty(rows), v) for v in range(n)]
        for batches, often in different.items():
            theta = [[Fraction(0)] * (order + 1) for _ in range(n)]
            for batch in batches:
                moved = []
                for v in range(n):
                    steps = [evaluate(slopes[rows[row]][v], theta) for row in batch]
                    mean = [Fraction(sum(column), B) for column in zip(*steps, strict=True)]
                    shifted = [Fraction(0), *evaluate(added[v], theta)[:-1]]
                    moved.append([x + y for x, y in zip(mean, shifted, strict=True)])
                theta = [
                    [w[0], *(x - rate * y for x, y in zip(w[1:], step[:-1], strict=True))]
                    for w, step in zip(theta, moved, strict=True)
                ]
            chance = prod(weights[x] for x in rows) * Fraction(often, len(sequences))
            total = [x + chance * y for x, y in zip(total, evaluate(test, theta), strict=True)]
    return total
