"""The sum over diagrams with another list and another worth: skeletons about the noiseless path, against brute force."""

from fractions import Fraction
from itertools import product
from math import prod

import pytest

import fastdiag as fd
from fastdiag import progress
from fastdiag.diagram.partition import set_partitions
from fastdiag.expansion.diagram_sum import diagram_sum
from fastdiag.expansion.observables import observable_named

WEIGHTS = (Fraction(1, 3), Fraction(2, 3))
MEAN = (Fraction(1, 2), Fraction(1), Fraction(1, 2), Fraction(-1, 3), Fraction(1, 4))  # coefficients of a loss of one weight
NOISE = (Fraction(0), Fraction(1), Fraction(-1, 2), Fraction(1, 5), Fraction(1, 7))  # times 2, or -1
SIDES = (2, -1)  # of mean 0
ETA, T = Fraction(1, 5), 3


def derivative(coefficients, degree, at):
    return sum((prod(range(k - degree + 1, k + 1)) * c * at ** (k - degree)
                for k, c in enumerate(coefficients) if k >= degree), Fraction(0))


def loss(x, eps):
    return tuple(m + eps * SIDES[x] * n for m, n in zip(MEAN, NOISE, strict=True))


def average(values):
    return sum(weight * value for weight, value in zip(WEIGHTS, values, strict=True))


class PathWorth:
    """Nodes are derivatives at the path's own times, edges products of 1 - eta H along the path; one epoch, one weight."""

    def __init__(self):
        self.path = [Fraction(0)]
        for _ in range(T):
            self.path.append(self.path[-1] - ETA * derivative(MEAN, 1, self.path[-1]))

    def zero(self, axes):
        return Fraction(0)

    def outer(self, first, second, axes):
        return first * second

    def value(self, diagram, roots):
        total = Fraction(0)
        for chosen in product(range(T), repeat=len(diagram.parts) - 1):
            times = [T] * (diagram.order + 1)
            for part, time in zip(diagram.parts[1:], chosen, strict=True):
                for node in part:
                    times[node] = time
            edges = list(zip(range(1, diagram.order + 1), diagram.parents[1:], strict=True))
            if all(times[child] < times[parent] for child, parent in edges):
                nodes = [([diagram.degrees[v] for v in part], times[part[0]]) for part in diagram.parts[1:]]
                carried = prod(self.propagator(times[child], times[parent]) for child, parent in edges)
                total += prod(self.cumulant(*some) for some in nodes) * carried * sum(self.at_root(root) for root in roots)
        return total * (-1) ** diagram.order / diagram.automorphisms

    def at_root(self, root):
        return root.sign * prod(derivative(MEAN, len(edges), self.path[T]) for edges in root.nodes)

    def propagator(self, start, stop):
        return ETA * prod(1 - ETA * derivative(MEAN, 2, self.path[r]) for r in range(start + 1, stop))

    def cumulant(self, degrees, time):
        def mean(some):
            return average([prod(derivative(loss(x, 1), k, self.path[time]) for k in some) for x in (0, 1)])

        if len(degrees) == 1:
            return mean(degrees)
        total = Fraction(0)
        for blocks in set_partitions(len(degrees)):
            count = len(set(blocks))
            signed = (-1) ** (count - 1) * prod(range(1, count))
            groups = [[k for k, b in zip(degrees, blocks, strict=True) if b == block] for block in set(blocks)]
            total += signed * prod(map(mean, groups))
        return total


def times(first, second):
    """The product of two series in eps, to eps^2."""
    return [sum((first[i] * second[d - i] for i in range(d + 1)), Fraction(0)) for d in range(3)]


def series(coefficients, degree, theta):
    """The derivative of a loss at a series theta; coefficients are series too."""
    total, power = [Fraction(0)] * 3, [Fraction(1), Fraction(0), Fraction(0)]
    for k in range(degree, len(coefficients)):
        scaled = [prod(range(k - degree + 1, k + 1)) * c for c in coefficients[k]]
        total = [a + b for a, b in zip(total, times(scaled, power), strict=True)]
        power = times(power, theta)
    return total


def brute(name):
    """The powers of eps of the observable after T updates with fresh points, by all sequences of points."""
    values = []
    for points in product((0, 1), repeat=T):
        theta = [Fraction(0)] * 3
        for x in points:
            coefficients = [(m, SIDES[x] * n, Fraction(0)) for m, n in zip(MEAN, NOISE, strict=True)]
            theta = [a - ETA * b for a, b in zip(theta, series(coefficients, 1, theta), strict=True)]
        observed = theta if name in ("displacement", "covariance") else series([(m, 0, 0) for m in MEAN], 0, theta)
        values.append((prod(WEIGHTS[x] for x in points), observed))
    mean = [sum(weight * value[d] for weight, value in values) for d in range(3)]
    if name in ("displacement", "test_loss"):
        return mean
    squares = [[weight * x for x in times(value, value)] for weight, value in values]
    return [sum(square[d] for square in squares) - x for d, x in enumerate(times(mean, mean))]


def listed(noise, root_shares):
    return fd.skeletons(noise, root_shares=root_shares)


@pytest.mark.parametrize("name", ["test_loss", "test_loss_variance"])
def test_skeletons_about_the_path(name):
    """By noise order: the noiseless path's own loss, and the eps^2 of noise that is scaled by eps."""
    by_order, by_diagram = diagram_sum(observable_named(name), 1, listed, PathWorth(), fixed=True)
    path, nothing, noise = brute(name)
    assert (by_order[0], nothing, by_order[1]) == (path, 0, noise)
    assert noise
    assert by_order[1] == sum(by_diagram.values()) - by_order[0]


def test_the_means_square_is_taken_off_in_either_way():
    """Term by term, or as a product: by noise order 2 the two differ in what they add, not in the sum."""
    variance = observable_named("test_loss_variance")
    found = [diagram_sum(variance, 2, listed, PathWorth(), fixed)[0] for fixed in (True, False)]
    assert found[0] == found[1]
    assert found[0][2]


def test_progress_beyond_a_second(monkeypatch):
    """A bar for what is left of an order, one at a time; none before, and none without a terminal."""
    ticks = iter(range(1000))
    land, st = fd.landscapes.samples([0.0, 0.0], [[1.0], [-1.0]], [[[2.0]], [[2.0]]], 0, 0), fd.Spacetime(4, T=2)
    shown = []

    def track(some, total, size, what, show):
        found = list(some)
        shown.append((what, total, len(found), show))
        return found

    known = fd.predict(land, st, 0.1, 3, resummed=False).total
    monkeypatch.setattr(progress, "track", track)
    monkeypatch.setattr(progress, "PATIENCE", 5)
    monkeypatch.setattr(progress, "monotonic", lambda: next(ticks))
    assert fd.predict(land, st, 0.1, 3, resummed=False).total == known
    assert shown == [("diagrams of order 3", 12, 12, None)]


def test_one_bar_at_a_time(capsys):
    outer = progress.track([1], 1, lambda _: 1, "outer", True)
    assert [list(progress.track([1, 2], 2, lambda _: 1, "inner", True)) for _ in outer] == [[1, 2]]
    assert "inner" not in capsys.readouterr().err
    assert list(progress.track([3], 1, lambda _: 1, "later", True)) == [3]
    assert "later" in capsys.readouterr().err
