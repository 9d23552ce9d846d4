"""Random polynomial vector fields and functions of two weights, and SGD on them from 0: brute force in Fractions.

Nothing here calls fastdiag but `formula` and `arrays`, which say the same to it. A field is one polynomial for each weight,
and each point has one. `theta <- theta - eta * mean over the batch of v_x(theta)`.
"""

from collections import Counter
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import factorial, prod

import numpy as np

from . import oracle
from .given_sets import batches_of
from .noise_oracle import Descent, shifted

POWERS = [(a, b) for a in range(5) for b in range(5) if a + b <= 4]


def polynomial(rng, degree=4):
    """With small coefficients."""
    return {e: Fraction(int(rng.integers(-3, 4)), 2) for e in POWERS if sum(e) <= degree}


@lru_cache
def problem(seed, points=2, degree=4):
    """The field of each point, and unequal weights of the points."""
    rng = np.random.default_rng(seed)
    raw = [int(x) for x in rng.integers(1, 4, points)]
    fields = [[polynomial(rng, degree) for _ in range(2)] for _ in range(points)]
    return fields, [Fraction(w, sum(raw)) for w in raw]


@lru_cache
def functions(seed):
    """Two functions of the weights."""
    rng = np.random.default_rng(seed)
    return polynomial(rng), polynomial(rng)


def runs(fields, weights, case, order, rule=oracle.HeavyBall, last=None):
    """(chance, theta_T as series in eta) over all training sets and batches; weights None: the points are the training set."""
    N, B, T, sampling = case
    if weights is None:
        sets, sequences = [(1, range(N))], batches_of(*case, last)
    else:
        sets = [(prod(weights[x] for x in some), some) for some in product(range(len(fields)), repeat=N)]
        renamed = oracle.renamed_sequences(N, B, T, sampling, last)
        sequences = [(Fraction(often, len(renamed)), s) for s, often in Counter(renamed).items()]
    for (chance, training_set), (share, batches) in product(sets, sequences):
        run = rule([[Fraction(0)] * (order + 1) for _ in range(2)])
        for t, batch in enumerate(batches):
            at, kick = run.point(), []
            for v in range(2):
                terms = [oracle.evaluate(fields[training_set[row]][v], at) for row in batch]
                kick.append([sum(column) / len(batch) for column in zip(*terms, strict=True)])
            run.step(t, kick)
        yield chance * share, run.theta


def observed(watched, found, order):
    """Means and covariances of functions at the end of runs, by their places, and those of the weights."""
    sums = {}

    def add(name, chance, series):
        sums[name] = [x + chance * y for x, y in zip(sums.get(name, [Fraction(0)] * (order + 1)), series, strict=True)]

    for chance, theta in found:
        values = [oracle.evaluate(s, theta) for s in watched]
        for kind, some in (("s", values), ("w", theta)):
            for i, x in enumerate(some):
                add((kind, i), chance, x)
                for j, y in enumerate(some):
                    add((kind, i, j), chance, oracle.series_product(x, y))
    for kind, i, j in [key for key in sums if len(key) == 3]:
        means = oracle.series_product(sums[kind, i], sums[kind, j])
        sums[kind, i, j] = [x - y for x, y in zip(sums[kind, i, j], means, strict=True)]
    return sums


@lru_cache
def expected(seed, case, order=4, rule=oracle.HeavyBall, given=False):
    """Of the seed's field, or that of as many points as it has rows, and the seed's functions."""
    fields, weights = problem(seed, case[0] if given else 2)
    return observed(functions(seed), runs(fields, None if given else weights, case, order, rule), order)


def expression(of, symbols):
    """A polynomial as SymPy writes it."""
    import sympy

    return sum(
        sympy.Rational(c.numerator, c.denominator) * prod(w**k for w, k in zip(symbols, e, strict=True)) for e, c in of.items()
    )


@lru_cache
def formula(seed, given=0, degree=4):
    """The seed's field as a formula of two weights; given: how many points, all as probable."""
    import sympy

    from fastdiag.landscapes import finite, symbolic_field

    fields, weights = problem(seed, given or 2, degree)
    symbols = sympy.symbols("u v")
    data = [sympy.symbols(f"{x}:{len(fields[0][0])}") for x in "xy"]
    powers = list(fields[0][0])
    v = [sum(c * symbols[0] ** a * symbols[1] ** b for c, (a, b) in zip(some, powers, strict=True)) for some in data]
    values = [tuple(sympy.Rational(p[e].numerator, p[e].denominator) for p in each for e in powers) for each in fields]
    chances = [Fraction(1, given)] * given if given else weights
    return symbolic_field(v, symbols, [*data[0], *data[1]], finite(dict(zip(values, chances, strict=True))), [0, 0])


def tensor(of, degree):
    """The derivative at 0 of a polynomial of two weights, (2,) * degree."""
    found = np.zeros((2,) * degree)
    for index in np.ndindex(*found.shape):
        e = (index.count(0), index.count(1))
        found[index] = float(of.get(e, 0)) * prod(map(factorial, e))
    return found


def arrays(seed, degree=4, given=0):
    """The derivatives at 0 of the seed's field up to a degree, for each point, (S, 2) + (2,) * degree; and the weights."""
    fields, weights = problem(seed, given or 2)
    found = [np.array([[tensor(v, k) for v in each] for each in fields]) for k in range(degree + 1)]
    return found, None if given else [float(w) for w in weights]


def powers_of_noise(seed, start, eta, case, order, rule=Descent):
    """The same as series in eps, the points' deviations from their mean scaled by it, at a finite eta from another start."""
    drawn, weights = problem(seed, degree=3)
    N, B, T, sampling = case
    means = [oracle.mean_loss([each[v] for each in drawn], weights) for v in range(2)]
    renamed = oracle.renamed_sequences(N, B, T, sampling)

    def found():
        for training_set, (batches, often) in product(product(range(2), repeat=N), Counter(renamed).items()):
            chance = prod(weights[x] for x in training_set) * Fraction(often, len(renamed))
            run = rule([[Fraction(x)] + [Fraction(0)] * order for x in start], eta)
            for t, batch in enumerate(batches):
                at, kick = run.point(), []
                for v in range(2):
                    mean = oracle.evaluate(means[v], at)
                    own = [oracle.evaluate(drawn[training_set[row]][v], at) for row in batch]
                    noise = [sum(column) / len(batch) - m for *column, m in zip(*own, mean, strict=True)]
                    kick.append([x + y for x, y in zip(mean, shifted(noise), strict=True)])
                run.step(t, kick)
            yield chance, run.theta

    return observed(functions(seed), found(), order)
