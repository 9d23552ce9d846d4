"""Brute force in exact rational arithmetic, from the definitions alone. Nothing here calls fastdiag.

Losses are polynomials with Fraction coefficients, {exponents: coefficient}, one for each point of a finite
distribution. SGD runs on power series in the learning rate, truncated after eta^order: lists of Fractions.
"""

from collections import Counter
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, permutations, product
from math import factorial, prod


def series_product(a, b):
    order = len(a) - 1
    out = [Fraction(0)] * (order + 1)
    for i, x in enumerate(a):
        if x:
            for j in range(order + 1 - i):
                out[i + j] += x * b[j]
    return out


def evaluate(polynomial, theta):
    """A polynomial at weights that are series."""
    order = len(theta[0]) - 1
    total = [Fraction(0)] * (order + 1)
    for exponents, coefficient in polynomial.items():
        term = [coefficient] + [Fraction(0)] * order
        for variable, power in enumerate(exponents):
            for _ in range(power):
                term = series_product(term, theta[variable])
        total = [x + y for x, y in zip(total, term, strict=True)]
    return total


def derivative(polynomial, variable):
    out = {}
    for exponents, coefficient in polynomial.items():
        if exponents[variable]:
            lower = list(exponents)
            lower[variable] -= 1
            out[tuple(lower)] = out.get(tuple(lower), Fraction(0)) + coefficient * exponents[variable]
    return out


def mean_loss(losses, weights):
    out = {}
    for loss, weight in zip(losses, weights, strict=True):
        for exponents, coefficient in loss.items():
            out[exponents] = out.get(exponents, Fraction(0)) + weight * coefficient
    return out


def batch_sequences(N, B, T, sampling, last=None):
    """All equally likely sequences of batches, rows not renamed; last: "keep" for a smaller last batch of N mod B."""
    if sampling == "replacement":
        return list(product(combinations(range(N), B), repeat=T))
    L = N // B + (last == "keep")
    orders = [tuple(p[i * B : (i + 1) * B] for i in range(L)) for p in permutations(range(N))]
    epochs = -(-T // L)
    if sampling == "cyclic":
        return [(order * epochs)[:T] for order in orders]
    return [sum(chosen, ())[:T] for chosen in product(orders, repeat=epochs)]


def renamed_sequences(N, B, T, sampling, last=None):
    """The same with rows renamed, which are exchangeable: the first epoch is taken in order."""
    sequences = batch_sequences(N, B, T, sampling, last)
    if sampling == "replacement":
        return sequences
    first = tuple(tuple(range(N)[i * B : (i + 1) * B]) for i in range(min(N // B + (last == "keep"), T)))
    return [s for s in sequences if s[: len(first)] == first]


def descents(losses, weights, N, B, T, sampling, order, last=None):
    """SGD from theta_0 = 0 over all training sets and all batch sequences: (chance, training set, theta_T as series)."""
    n = len(next(iter(losses[0])))
    gradients = [[derivative(loss, v) for v in range(n)] for loss in losses]
    sequences = renamed_sequences(N, B, T, sampling, last)
    different = Counter(tuple(tuple(sorted(batch)) for batch in s) for s in sequences)
    for training_set in product(range(len(losses)), repeat=N):
        for batches, often in different.items():
            chance = prod(weights[x] for x in training_set) * Fraction(often, len(sequences))
            theta = [[Fraction(0)] * (order + 1) for _ in range(n)]
            for batch in batches:
                steps = [[Fraction(0)] * (order + 1) for _ in range(n)]
                for row in batch:
                    for v in range(n):
                        g = evaluate(gradients[training_set[row]][v], theta)
                        steps[v] = [x + y for x, y in zip(steps[v], g, strict=True)]
                for v in range(n):  # eta shifts the series by one
                    theta[v] = [theta[v][0]] + [
                        x - y / len(batch) for x, y in zip(theta[v][1:], steps[v][:-1], strict=True)
                    ]
            yield chance, training_set, theta


def sgd_test_loss(losses, weights, N, B, T, sampling, order):
    """E[l(theta_T)] as a series in eta."""
    test = mean_loss(losses, weights)
    total = [Fraction(0)] * (order + 1)
    for chance, _, theta in descents(losses, weights, N, B, T, sampling, order):
        total = [x + chance * y for x, y in zip(total, evaluate(test, theta), strict=True)]
    return total


def sgd_observables(losses, weights, N, B, T, sampling, order, runs=None):
    """Every observable's expectation as a series in eta; vectors and matrices as dicts from indices to series.

    runs: of another rule, as `descents`.
    """
    test, n = mean_loss(losses, weights), len(next(iter(losses[0])))
    sums = {}

    def add(name, chance, series):
        sums[name] = [x + chance * y for x, y in zip(sums.get(name, [Fraction(0)] * (order + 1)), series, strict=True)]

    for chance, training_set, theta in runs or descents(losses, weights, N, B, T, sampling, order):
        tested = evaluate(test, theta)
        shares = [Fraction(training_set.count(x), N) for x in range(len(losses))]
        trained = evaluate(mean_loss(losses, shares), theta)
        add("test_loss", chance, tested)
        add("train_loss", chance, trained)
        add("generalization_gap", chance, [x - y for x, y in zip(tested, trained, strict=True)])
        add("square", chance, series_product(tested, tested))
        for i in range(n):
            add((i,), chance, theta[i])
            for j in range(n):
                add((i, j), chance, series_product(theta[i], theta[j]))

    def less(second, first, other):
        return [x - y for x, y in zip(second, series_product(first, other), strict=True)]

    every = range(n)
    return {name: sums[name] for name in ("test_loss", "train_loss", "generalization_gap")} | {
        "displacement": {(i,): sums[i,] for i in every},
        "covariance": {(i, j): less(sums[i, j], sums[i,], sums[j,]) for i in every for j in every},
        "test_loss_variance": less(sums["square"], sums["test_loss"], sums["test_loss"]),
    }


class Tensors:
    """Exact derivative tensors at 0 of a finite distribution of polynomial losses, and values of diagrams."""

    def __init__(self, losses, weights):
        self.losses, self.weights = losses, weights
        self.n = len(next(iter(losses[0])))
        self.moment = lru_cache(None)(self._moment)
        self.cumulant = lru_cache(None)(self._cumulant)

    def entry(self, point, indices):
        exponents = tuple(indices.count(v) for v in range(self.n))
        return self.losses[point].get(exponents, Fraction(0)) * prod(map(factorial, exponents))

    def _moment(self, nodes):
        return sum(
            weight * prod(self.entry(x, indices) for indices in nodes) for x, weight in enumerate(self.weights)
        )

    def _cumulant(self, nodes):
        """Recursion on the first node: moment = sum over the block that holds it of cumulant x moment of the rest."""
        first, rest = nodes[0], nodes[1:]
        total = self.moment(nodes)
        for size in range(len(rest)):
            for chosen in combinations(range(len(rest)), size):
                others = tuple(rest[i] for i in range(len(rest)) if i not in chosen)
                total -= self.cumulant((first, *(rest[i] for i in chosen))) * self.moment(others)
        return total

    def value(self, parents, parts, basis, ends=None):
        """Contract a diagram. ends: for each edge a function (a, b) -> weight; None for the identity."""
        d = len(parents) - 1
        part_value = self.cumulant if basis == "cumulant" else self.moment
        total = 0
        for below in product(range(self.n), repeat=d):
            for above in [below] if ends is None else product(range(self.n), repeat=d):
                weight = 1 if ends is None else prod_or_zero(ends[e](above[e], below[e]) for e in range(d))
                if not weight:
                    continue
                nodes = [() if v == 0 else (below[v - 1],) for v in range(d + 1)]
                for child in range(1, d + 1):
                    nodes[parents[child]] += (above[child - 1],)
                term = weight
                for part in parts:
                    term = term * part_value(tuple(tuple(sorted(nodes[v])) for v in part))
                    if not term:
                        break
                total += term
        return total


def prod_or_zero(factors):
    result = 1
    for factor in factors:
        if not factor:
            return 0
        result = result * factor
    return result


def all_maps(parents, blocks, batches, injective):
    """Every map as a tuple of (time, row), by trying all cells for all nodes."""
    cells = [(t, row) for t, batch in enumerate(batches) for row in batch]
    d = len(parents) - 1
    found = []
    for choice in product(cells, repeat=d):
        at = [(len(batches), None), *choice]
        if all(at[v][0] < at[parents[v]][0] for v in range(1, d + 1)) and all(
            (at[u][1] == at[v][1]) if blocks[u] == blocks[v] else not (injective and at[u][1] == at[v][1])
            for u in range(1, d + 1)
            for v in range(1, u)
        ):
            found.append(choice)
    return found


def mean_maps(parents, blocks, N, B, T, sampling, injective):
    """Expected number of maps over all batch sequences."""
    sequences = renamed_sequences(N, B, T, sampling)
    return Fraction(
        sum(len(all_maps(parents, blocks, batches, injective)) for batches in sequences), len(sequences)
    )


# Other update rules: each as its definition says, one step of an optimizer with its buffers.


def optimizer_test_loss(losses, weights, N, B, T, sampling, order, rule, start=None, last=None):
    """E[l(theta_T)] as a series in eta under rule(T, n, order, theta_0), an object with `point` and `step(t, gradient)`.

    The gradient of the batch is taken at `point`, a list of series; `step` moves on; `theta` is what is observed.
    """
    n = len(next(iter(losses[0])))
    start = [Fraction(0)] * n if start is None else start
    gradients = [[derivative(loss, v) for v in range(n)] for loss in losses]
    test = mean_loss(losses, weights)
    sequences = renamed_sequences(N, B, T, sampling, last)
    total = [Fraction(0)] * (order + 1)
    for training_set in product(range(len(losses)), repeat=N):
        chance = prod(weights[x] for x in training_set) / len(sequences)
        for batches in sequences:
            run = rule([[x] + [Fraction(0)] * order for x in start])
            for t, batch in enumerate(batches):
                point = run.point()
                gradient = []
                for v in range(n):
                    terms = [evaluate(gradients[training_set[row]][v], point) for row in batch]
                    gradient.append([sum(column) / len(batch) for column in zip(*terms, strict=True)])
                run.step(t, gradient)
            total = [x + chance * y for x, y in zip(total, evaluate(test, run.theta), strict=True)]
    return total


def axpy(a, x, y):
    """a x + y for lists of series, a a number."""
    return [[a * p + q for p, q in zip(u, v, strict=True)] for u, v in zip(x, y, strict=True)]


def times_eta(x):
    return [[Fraction(0)] + series[:-1] for series in x]


class HeavyBall:
    """m <- mu m + c_t g, theta <- theta - eta m; with decay: theta <- theta - decay (theta - theta_0) - eta m."""

    def __init__(self, theta, mu=0, rates=None, decay=0):
        self.theta, self.start, self.mu, self.rates, self.decay = theta, theta, mu, rates, decay
        self.buffer = [[Fraction(0)] * len(theta[0]) for _ in theta]

    def point(self):
        return self.theta

    def scaled(self, t, gradient):
        return gradient if self.rates is None else axpy(self.rates[t] - 1, gradient, gradient)

    def step(self, t, gradient):
        self.buffer = axpy(self.mu, self.buffer, self.scaled(t, gradient))
        pulled = axpy(-self.decay, axpy(-1, self.start, self.theta), self.theta)
        self.theta = axpy(-1, times_eta(self.buffer), pulled)


class Nesterov(HeavyBall):
    def point(self):
        return axpy(-self.mu, times_eta(self.buffer), self.theta)


class QuasiHyperbolic(HeavyBall):
    def __init__(self, theta, mu, nu, rates=None):
        super().__init__(theta, mu, rates)
        self.nu = nu

    def step(self, t, gradient):
        gradient = self.scaled(t, gradient)
        self.buffer = axpy(self.mu, self.buffer, axpy(-self.mu, gradient, gradient))
        mean = axpy(self.nu, self.buffer, axpy(-self.nu, gradient, gradient))
        self.theta = axpy(-1, times_eta(mean), self.theta)


class DecayTowardsZero(HeavyBall):
    """Decoupled weight decay as it is usually written: theta <- (1 - decay) theta - eta g."""

    def step(self, t, gradient):
        self.theta = axpy(-1, times_eta(gradient), axpy(-self.decay, self.theta, self.theta))
