"""Estimates from a sample: unbiased over all samples of a finite distribution, in Fractions."""

from collections import Counter
from fractions import Fraction
from itertools import combinations_with_replacement, permutations, product
from math import factorial, prod

import numpy as np
import pytest
from scipy import stats

import fastdiag as fd
from fastdiag.diagram.partition import set_partitions
from fastdiag.landscapes.polykay import disjoint, moment_from_batches, polykay
from fastdiag.values.estimate import block_means, estimated_value
from oracles.finite_samples import distribution, sample, truth, up_to

SPACETIME = fd.Spacetime(N=3, B=1, T=6)


@pytest.mark.parametrize(
    ("n", "points", "size", "order", "root_shares"),
    [(1, 3, 4, 3, True), (1, 2, 6, 3, False), (2, 2, 4, 3, True), (2, 3, 4, 3, False), (1, 2, 5, 4, False)],
)
def test_polykays_are_unbiased(n, points, size, order, root_shares):
    """The mean over every sample of `size` points, each with its probability, is the value of the distribution."""
    tensors, diagrams = distribution(n, points), up_to(order, root_shares)
    mean, chances = Counter(), 0
    for chosen in combinations_with_replacement(range(points), size):
        ways = factorial(size) // prod(factorial(chosen.count(x)) for x in range(points))
        chance = ways * prod(tensors.weights[x] for x in chosen)
        chances += chance
        land = fd.landscapes.estimated(sample(tensors, chosen))
        for D in diagrams:
            mean[D] += chance * estimated_value(D, land)
    assert chances == 1
    assert {D: mean[D] for D in diagrams} == {D: truth(tensors, D) for D in diagrams}


@pytest.mark.every(2)
@pytest.mark.parametrize(
    ("n", "points", "order", "batch", "served"),
    [(1, 3, 3, 1, None), (1, 2, 3, 2, None), (2, 2, 3, 1, None), (2, 2, 2, 2, None), (1, 2, 2, 3, None), (1, 2, 1, 4, None),
     (1, 2, 4, 1, None), (1, 3, 1, 1, 3), (2, 2, 2, 1, 4), (1, 2, 1, 2, 3)],
)
def test_disjoint_batches_are_unbiased(n, points, order, batch, served):
    """One group of batches for each sequence of points; `served`: the groups are cut for a higher order."""
    tensors = distribution(n, points)
    nodes = (order if served is None else served) + 1
    sequences = list(product(range(points), repeat=nodes * batch))
    chances = [prod(tensors.weights[x] for x in s) for s in sequences]
    land = fd.landscapes.estimated(sample(tensors, sum(sequences, ())), "disjoint", batch=batch)
    land = land if served is None else land.up_to(served)
    for D in fd.diagrams(order, root_shares=nodes * batch < 8 and order < 4):
        single = block_means(land).disjoint(D)
        assert len(single) == len(sequences)
        assert sum(map(Fraction.__mul__, chances, single)) == truth(tensors, D)
        assert estimated_value(D, land) == sum(single) / len(single)


@pytest.mark.parametrize("n", [1, 2])
def test_polykays_are_means_over_different_points(n):
    """The definition: cumulants multiplied out into moments, each the mean over all choices of different points."""
    tensors, chosen = distribution(n, 3, seed=1), (0, 1, 2, 1, 2)
    land = fd.landscapes.estimated(sample(tensors, chosen))
    for D in up_to(3 if n == 1 else 2):
        kernel = Counter()
        for tau in set_partitions(D.order + 1):
            if all(D.blocks[i] == D.blocks[j] for i in range(len(tau)) for j in range(i) if tau[i] == tau[j]):
                split = [len({tau[v] for v in part}) for part in D.parts]
                kernel[tau] = prod((-1) ** (k - 1) * factorial(k - 1) for k in split)
        total = 0
        for tau, weight in kernel.items():
            picks = list(permutations(chosen, max(tau) + 1))
            total += Fraction(weight, len(picks)) * sum(at_points(tensors, D.parents, [p[b] for b in tau]) for p in picks)
        assert estimated_value(D, land) == total


def at_points(tensors, parents, points):
    """The tree contracted with the tensor of each node taken at a given point."""
    total = 0
    for below in product(range(tensors.n), repeat=len(parents) - 1):
        nodes = [() if v == 0 else (below[v - 1],) for v in range(len(parents))]
        for child in range(1, len(parents)):
            nodes[parents[child]] += (below[child - 1],)
        total += prod((tensors.entry(x, indices) for x, indices in zip(points, nodes, strict=True)), start=Fraction(1))
    return total


@pytest.mark.parametrize("batch", [1, 2, 3, 4])
@pytest.mark.parametrize("nodes", [1, 2, 3])
def test_the_papers_recursion(nodes, batch):
    """E{x}_tau over every way to draw the batches, with {x}_tau a product of batch means; the combination is <x>_mu."""
    values = [(Fraction(2), Fraction(-1), Fraction(3)), (Fraction(1), Fraction(5), Fraction(-2))]
    chances = [Fraction(1, 3), Fraction(2, 3)]

    def block_mean(block):
        """Mean over all batches of the product of the block's batch means."""
        return sum(
            prod(chances[k] for k in draw) * prod(sum(values[k][i] for k in draw) / batch for i in block)
            for draw in product(range(2), repeat=batch)
        )

    for mu in set_partitions(nodes):
        exact = prod(
            sum(p * prod(x[i] for i in block) for x, p in zip(values, chances, strict=True)) for block in blocks_of(mu)
        )
        weights = moment_from_batches(mu, batch)
        assert sum(w * prod(map(block_mean, blocks_of(tau))) for tau, w in weights.items()) == exact


def blocks_of(string):
    return [[i for i, b in enumerate(string) if b == block] for block in range(max(string) + 1)]


def test_weights_add_up():
    """Of tensors that are all 1, every moment is 1: a product of means is 1, and a cumulant of two or more is 0."""
    for n in range(1, 6):
        for parts in set_partitions(n):
            expected = int(max(parts) == n - 1)
            assert sum(polykay(parts, n + 2).values()) == expected
            assert sum(disjoint(parts, 3).values()) == expected


RNG = np.random.default_rng(11)
G, H = RNG.normal(size=(40, 2)), RNG.normal(size=(40, 2, 2))
H = H + H.swapaxes(1, 2)
ONES = [np.ones((40,) + (1,) * k) for k in range(5)]


def one_dimension(**given):
    """One weight; every derivative 1 but those that are given."""
    names = ("loss", "grad", "hess", "third", "fourth")
    return fd.landscapes.samples(*(given.get(f, one.ravel()).reshape(one.shape) for f, one in zip(names, ONES, strict=True)))


def test_textbook_estimates():
    g, h, first = G[:, 0], H[:, 0, 0], one_dimension(grad=G[:, 0])
    assert fd.estimate("[a a]", first).value == pytest.approx(np.var(g, ddof=1), rel=1e-12)
    assert fd.estimate("[a a a]", first).value == pytest.approx(stats.kstat(g, 3), rel=1e-12)
    assert fd.estimate("[a a a a]", first).value == pytest.approx(stats.kstat(g, 4), rel=1e-11)
    assert fd.estimate("[a]", first).value == pytest.approx((g.sum() ** 2 - (g**2).sum()) / (40 * 39), rel=1e-12)
    assert fd.estimate("[a a b b]", first).value == pytest.approx(k22(g), rel=1e-11)
    both = fd.landscapes.estimated(one_dimension(grad=g, hess=h))
    assert both.part(((0,), (0, 1)))[0, 0] == pytest.approx(np.cov(g, h)[0, 1], rel=1e-12)  # cov(grad l, hess l)
    plane = fd.landscapes.samples(np.zeros(40), G, H)
    np.testing.assert_allclose(fd.landscapes.estimated(plane).gradient_covariance, np.cov(G.T), rtol=1e-12)
    assert fd.estimate("[]", fd.landscapes.samples(g, G)).value == pytest.approx(g.mean(), rel=1e-13)
    assert fd.estimate("[]", fd.landscapes.samples(g, G)).stderr == pytest.approx(stats.sem(g), rel=1e-12)


def k22(x):
    """The polykay k_22, unbiased for the squared variance, from the known unbiased combination of k_4 and k_2^2."""
    n = len(x)
    return (stats.kstat(x, 2) ** 2 - stats.kstat(x, 4) / n) * (n - 1) / (n + 1)


X, Y, THETA = RNG.normal(size=(9, 3)), RNG.integers(0, 2, 9), RNG.normal(size=3) / 2
TILT = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, -1.0], [0.5, 0.0, 1.0]])
METRIC = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, -0.2], [0.1, -0.2, 0.5]])


def dense(logistic):
    """The same points with every tensor written out."""
    s, ridge = logistic.slopes, np.diag(logistic.ridge)
    x = logistic.X
    return fd.landscapes.samples(
        s(0) + 0.5 * THETA @ ridge @ THETA,
        s(1)[:, None] * x + ridge @ THETA,
        np.einsum("s,sa,sb->sab", s(2), x, x) + ridge,
        np.einsum("s,sa,sb,sc->sabc", s(3), x, x, x),
        np.einsum("s,sa,sb,sc,sd->sabcd", s(4), x, x, x, x),
    )


@pytest.mark.parametrize("options", [{}, {"groups": 3}, {"method": "disjoint"}, {"method": "disjoint", "batch": 2}], ids=str)
@pytest.mark.parametrize("ridge", [0.0, (0.5, 0.0, 0.2)])
def test_logistic_points_are_rank_one(ridge, options, monkeypatch):
    logistic = fd.landscapes.logistic(X, Y, THETA, ridge)
    compact, plain = (fd.landscapes.estimated(land, **options) for land in (logistic, dense(logistic)))
    monkeypatch.setattr("fastdiag.values.block_means.CHUNK_BYTES", 1000)
    for D in up_to(3):
        if (D.order + 1) * options.get("batch", 1) <= 8:
            one, two = fd.estimate(D, compact.along(METRIC)), fd.estimate(D, plain.along(METRIC))
            assert one.value == pytest.approx(two.value, rel=1e-9, abs=1e-11)
            assert one.stderr == pytest.approx(two.stderr, rel=1e-9, abs=1e-11, nan_ok=True)
    for nodes in [((),), ((0,),), ((0, 1),), ((0,), (0, 1)), ((0,), (1,), (2,))]:
        whole, tilt = plain.part(nodes, METRIC @ TILT), compact.along(METRIC)
        np.testing.assert_allclose(compact.part(nodes, METRIC @ TILT), whole, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(tilt.part(nodes, TILT), whole, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(tilt.along(TILT).part(nodes), whole, rtol=1e-9, atol=1e-11)


def test_predictions_of_a_sample():
    """The total is the sum of coefficient x estimate; its error is the jackknife of whole predictions."""
    land = dense(fd.landscapes.logistic(X, Y, THETA, 0.1))
    etas, times = [0.1, 0.5], [2, 3, 6]
    p = fd.predict(fd.landscapes.estimated(land), SPACETIME, etas, order=3, resummed=False, T=times)
    assert p.total.shape == p.stderr.shape == (2, 3)
    for i, eta in enumerate(etas):
        for j, T in enumerate(times):
            expected = sum(
                float(fd.coefficient(D, SPACETIME.with_updates(T))) * eta**D.order * fd.estimate(D, land).value
                for D in up_to(3)
            )
            assert p.total[i, j] == pytest.approx(expected, rel=1e-11)
    without = [fd.landscapes.samples(*(np.delete(a, k, axis=0) for a in land.derivatives)) for k in range(9)]
    left_out = np.array([
        fd.predict(fd.landscapes.estimated(small), SPACETIME, etas, order=3, resummed=False, T=times).total
        for small in without
    ])
    np.testing.assert_allclose(p.stderr, np.sqrt(8 / 9 * ((left_out - left_out.mean(0)) ** 2).sum(0)), rtol=1e-9)
    one = fd.predict(fd.landscapes.estimated(land), SPACETIME, 0.5, order=3, resummed=False)
    assert one.stderr == pytest.approx(p.stderr[1, 2], rel=1e-12)
    assert repr(one) == f"<un-resummed test_loss to order 3: {one.total:.6g} ± {one.stderr:.2g}, 23 diagrams>"
    assert fd.predict(land, SPACETIME, 0.5, order=3, resummed=False).stderr is None


def test_a_matrix_learning_rate():
    """eta is the identity in coordinates along its square root."""
    logistic = fd.landscapes.logistic(X, Y, THETA, 0.1)
    root = np.linalg.cholesky(METRIC)
    turned = [a.copy() for a in dense(logistic).derivatives]
    for k, array in enumerate(turned):
        for axis in range(1, k + 1):
            array = np.moveaxis(np.tensordot(array, root, (axis, 0)), -1, axis)
        turned[k] = array
    for options in ({}, {"method": "disjoint"}):
        found = fd.predict(fd.landscapes.estimated(logistic, **options), SPACETIME, METRIC, order=3, resummed=False)
        plain = fd.landscapes.estimated(fd.landscapes.samples(*turned), **options)
        expected = fd.predict(plain, SPACETIME, 1.0, order=3, resummed=False)
        assert found.total == pytest.approx(expected.total, rel=1e-10)
        assert found.stderr == pytest.approx(expected.stderr, rel=1e-8)


def test_predictions_from_disjoint_batches():
    """One grouping for all orders, so that the groups' whole sums are independent."""
    land = dense(fd.landscapes.logistic(np.tile(X, (3, 1)), np.tile(Y, 3), THETA, 0.1))
    p = fd.predict(fd.landscapes.estimated(land, "disjoint"), SPACETIME, 0.5, order=2, resummed=False)
    single = []
    for k in range(0, 27, 3):
        small = fd.landscapes.samples(*(a[k : k + 3] for a in land.derivatives))
        q = fd.predict(fd.landscapes.estimated(small, "disjoint"), SPACETIME, 0.5, order=2, resummed=False)
        assert np.isnan(q.stderr)  # one group has no spread
        single.append(q.total)
    assert p.total == pytest.approx(np.mean(single), rel=1e-12)
    assert p.stderr == pytest.approx(stats.sem(single), rel=1e-10)
    assert p.by_order[0] == pytest.approx(land.derivatives[0].mean(), rel=1e-12)  # lower orders waste no point


LAND = fd.landscapes.samples(np.arange(3.0), np.arange(6.0).reshape(3, 2), np.ones((3, 2, 2)), np.ones((3, 2, 2, 2)))


@pytest.mark.parametrize(
    ("call", "words"),
    [(lambda: fd.estimate("[a a a]", LAND), "takes at least 4 points, and this sample has 3"),
     (lambda: fd.estimate("[a]", fd.landscapes.estimated(LAND, "disjoint", batch=2)), "from 2 disjoint batches of 2, takes at least 4"),
     (lambda: fd.predict(fd.landscapes.estimated(LAND), SPACETIME, 0.1, resummed=False), "takes at least 4 points"),
     (lambda: fd.landscapes.estimated(LAND).part(((0,),) * 4), "joint cumulant of 4 tensors takes at least 4 points"),
     (lambda: fd.landscapes.estimated(fd.landscapes.samples([0.0, 1.0], [[1.0], [2.0]], weights=[1, 2])), "unequal weights"),
     (lambda: fd.landscapes.estimated(fd.landscapes.tensors({(1,): [1.0]})), "only data points can be a sample"),
     (lambda: fd.estimate("[a]", fd.landscapes.tensors({(1,): [1.0]})), "must have data points"),
     (lambda: fd.estimate("[a]", "data"), "must have data points"),
     (lambda: fd.landscapes.estimated(fd.landscapes.estimated(LAND)), "an estimate already"),
     (lambda: fd.landscapes.estimated(LAND, "k-statistic"), "unknown method 'k-statistic'; known: polykay, disjoint"),
     (lambda: fd.landscapes.estimated(LAND, groups=1), "groups must be a whole number, 2 to 3"),
     (lambda: fd.landscapes.estimated(LAND, groups=2.0), "groups must be a whole number"),
     (lambda: fd.landscapes.estimated(LAND, "disjoint", groups=2), "groups is for method='polykay'"),
     (lambda: fd.landscapes.estimated(LAND, batch=2), "batch is for method='disjoint'"),
     (lambda: fd.landscapes.estimated(LAND, "disjoint", batch=0), "batch must be a whole number, 1 to 3")],
)
def test_bad_input(call, words):
    with pytest.raises(fd.errors.InputError, match=words):
        call()


def test_what_is_not_estimated():
    land = fd.landscapes.estimated(LAND)
    for call in (lambda: fd.predict(land, SPACETIME, 0.1, order=1), lambda: fd.rvalue("[a a]", land, fd.Spacetime(3, 1, 3), 0.1),
                 lambda: fd.predict(land, SPACETIME, np.eye(2), order=1)):
        with pytest.raises(fd.errors.UnsupportedError, match="resummed values are not estimated"):
            call()
    with pytest.raises(fd.errors.MissingTensorError, match="degree 4"):
        fd.estimate("[a b c d]", LAND)
    assert fd.uvalue("[a a]", land) == fd.estimate("[a a]", LAND).value
    disjoint_land = fd.landscapes.estimated(LAND, "disjoint")
    assert fd.uvalue("[a a]", disjoint_land.up_to(1)) == fd.uvalue("[a a]", disjoint_land)  # a higher order than was foreseen
    assert repr(land) == f"<{LAND!r} as a sample, polykay>"
