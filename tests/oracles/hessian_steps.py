"""Oracle of Hessian-based steps: as series in the learning rate, batch by batch."""

from fractions import Fraction

from . import oracle


def step(losses, points, theta, lam):
    """-(1/eta + lam H)^-1 g as a series in eta: u = -eta (g + lam H u), solved one power of eta at a time."""
    order, n = len(theta[0]) - 1, len(theta)
    B = len(points)
    g, H = [], []
    for i in range(n):
        slopes = [oracle.derivative(losses[x], i) for x in points]
        g.append(mean([oracle.evaluate(f, theta) for f in slopes], B))
        H.append([mean([oracle.evaluate(oracle.derivative(f, j), theta) for f in slopes], B) for j in range(n)])
    u = [[Fraction(0)] * (order + 1) for _ in range(n)]
    for _ in range(order):
        right = [add(g[i], *([lam * x for x in oracle.series_product(H[i][j], u[j])] for j in range(n))) for i in range(n)]
        u = [[Fraction(0)] + [-x for x in terms[:-1]] for terms in right]
    return u


def add(*series):
    return [sum(terms) for terms in zip(*series, strict=True)]


def mean(series, B):
    return [x / B for x in add(*series)]
