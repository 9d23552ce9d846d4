"""SGD at a finite learning rate with its noise scaled by eps, in Fractions: brute force for expansions about the path.

Losses are l + eps f_x with E f_x = 0, polynomials as in oracle.py; weights are series in eps. Every training set, every
sequence of batches. Nothing here calls fastdiag but `landscape`, which says the same losses to it.
"""

from collections import Counter
from fractions import Fraction
from itertools import product
from math import prod

from .oracle import axpy, batch_sequences, derivative, evaluate, mean_loss, series_product


def shifted(series):
    """Times eps."""
    return [Fraction(0), *series[:-1]]


class Descent:
    """theta <- theta - eta c_t m, m the heavy ball's m <- mu m + g; Nesterov's point; decay towards the start.

    nu: quasi-hyperbolic, theta <- theta - eta c_t [(1 - nu) g + nu m], m <- mu m + (1 - mu) g.
    """

    def __init__(self, theta, eta, mu=0, nesterov=False, decay=0, rates=None, nu=None):
        self.theta = self.start = theta
        self.buffer = [[Fraction(0)] * len(theta[0]) for _ in theta]
        self.eta, self.mu, self.nesterov, self.decay, self.rates = eta, mu, nesterov, decay, rates
        self.nu = nu

    def point(self):
        return self.moved(-self.mu, self.buffer) if self.nesterov else self.theta

    def moved(self, scale, direction):
        """theta + scale eta direction, eta a number or a matrix."""
        n = len(self.theta)
        matrix = self.eta if isinstance(self.eta, list) else [[self.eta * (i == j) for j in range(n)] for i in range(n)]
        raised = [[sum(matrix[i][j] * direction[j][k] for j in range(n)) for k in range(len(direction[0]))] for i in range(n)]
        return axpy(scale, raised, self.theta)

    def step(self, t, gradient):
        factor = 1 if self.rates is None else self.rates[t]
        if self.nu is not None:
            pairs = list(zip(self.buffer, gradient, strict=True))
            self.buffer = [[self.mu * m + (1 - self.mu) * g for m, g in zip(*pair, strict=True)] for pair in pairs]
            self.theta = self.moved(-factor * self.nu, self.buffer)
            self.theta = self.moved(-factor * (1 - self.nu), gradient)
            return
        self.buffer = [[self.mu * m + factor * g for m, g in zip(*pair, strict=True)] for pair in zip(self.buffer, gradient, strict=True)]
        moved = self.moved(-1, self.buffer)
        self.theta = axpy(-self.decay, axpy(-1, self.start, self.theta), moved)


def observables(loss, noises, chances, start, eta, N, B, T, sampling, order, rule=Descent, last=None):
    """Every expectation as a list of the coefficients of eps^0 .. eps^order, by the names of fastdiag's observables."""
    n = len(start)
    slopes = [derivative(loss, v) for v in range(n)]
    slopes_of = [[derivative(noise, v) for v in range(n)] for noise in noises]
    rows = min(N, T * B) if sampling != "replacement" and T * B <= N and last is None else N
    sequences = batch_sequences(N, B, T, sampling, last)
    if sampling != "replacement":
        first = tuple(tuple(range(N)[i * B : (i + 1) * B]) for i in range(min(N // B + (last == "keep"), T)))
        sequences = [s for s in sequences if s[: len(first)] == first]
    different = Counter(tuple(tuple(sorted(batch)) for batch in s) for s in sequences)
    sums = {}

    def add(name, chance, series):
        sums[name] = [x + chance * y for x, y in zip(sums.get(name, [Fraction(0)] * (order + 1)), series, strict=True)]

    for training_set in product(range(len(noises)), repeat=rows):  # rows that are never met are drawn by nobody
        for batches, often in different.items():
            chance = prod(chances[x] for x in training_set) * Fraction(often, len(sequences))
            run = rule([[Fraction(x)] + [Fraction(0)] * order for x in start], eta)
            for t, batch in enumerate(batches):
                point, gradient = run.point(), []
                own = [evaluate(slope, point) for slope in slopes]
                for v in range(n):
                    noise = [Fraction(0)] * (order + 1)
                    for row in batch:
                        noise = [x + y / len(batch) for x, y in zip(noise, evaluate(slopes_of[training_set[row]][v], point), strict=True)]
                    gradient.append([x + y for x, y in zip(own[v], shifted(noise), strict=True)])
                run.step(t, gradient)
            theta = run.theta
            tested = evaluate(loss, theta)
            shares = [Fraction(training_set.count(x), N) for x in range(len(noises))]
            tied = shifted(evaluate(mean_loss(noises, shares), theta))
            add("test_loss", chance, tested)
            add("train_loss", chance, [x + y for x, y in zip(tested, tied, strict=True)])
            add("generalization_gap", chance, [-x for x in tied])
            add("square", chance, series_product(tested, tested))
            for i in range(n):
                add((i,), chance, [theta[i][0] - start[i], *theta[i][1:]])
                for j in range(n):
                    add((i, j), chance, series_product(theta[i], theta[j]))
    mean = [[sums[i,][0] + start[i], *sums[i,][1:]] for i in range(n)]
    every = range(n)

    def less(second, first, other):
        return [x - y for x, y in zip(second, series_product(first, other), strict=True)]

    return {name: sums[name] for name in ("test_loss", "train_loss", "generalization_gap")} | {
        "displacement": [[sums[i,][k] for i in every] for k in range(order + 1)],
        "covariance": [[[less(sums[i, j], mean[i], mean[j])[k] for j in every] for i in every] for k in range(order + 1)],
        "test_loss_variance": less(sums["square"], sums["test_loss"], sums["test_loss"]),
    }


def centred(noises, chances):
    """Without their mean."""
    mean = mean_loss(noises, chances)
    return [{e: noise.get(e, Fraction(0)) - mean.get(e, Fraction(0)) for e in {*noise, *mean}} for noise in noises]


def landscape(loss, noises, chances, start):
    """The same distribution as a symbolic landscape: a data symbol for the noise's coefficient of each monomial."""
    import sympy

    from fastdiag.landscapes import finite, symbolic

    weights = sympy.symbols(f"w:{len(start)}")
    exponents = sorted({e for noise in noises for e in noise})
    data = sympy.symbols(f"x:{len(exponents)}")

    def monomial(e):
        return prod(w**k for w, k in zip(weights, e, strict=True))

    def rational(x):
        return sympy.Rational(Fraction(x).numerator, Fraction(x).denominator)

    formula = sum(rational(c) * monomial(e) for e, c in loss.items()) + sum(x * monomial(e) for x, e in zip(data, exponents, strict=True))
    points = [tuple(rational(noise.get(e, 0)) for e in exponents) for noise in noises]
    law = finite({point: rational(sum(c for p, c in zip(points, chances, strict=True) if p == point)) for point in points})
    return symbolic(formula, weights, data, law, start)
