"""Weighted maps of rules that forget at once, in part or in turn: map by map, the weights from the rule run on one gradient."""

import random
from collections import Counter
from fractions import Fraction as F  # noqa: N817
from functools import lru_cache
from math import prod

import numpy as np
import pytest

import fastdiag as fd
from fastdiag import updates
from fastdiag.spacetime.updates import Update
from oracles import oracle

HALF = F(1, 2)
SINGULAR = [
    updates.weight_decay(1), updates.weight_decay(1, HALF), updates.weight_decay(1, F(-1, 3)), updates.weight_decay(HALF, 0),
    updates.weight_decay(HALF, HALF), updates.momentum(0), updates.nesterov(0), updates.nesterov(HALF),
    updates.quasi_hyperbolic(0, HALF), updates.quasi_hyperbolic(HALF, 1), updates.quasi_hyperbolic(HALF, 0), updates.weight_decay(1, 0),
    Update("nilpotent", ((0, 1), (0, 0)), (1, 1), (1, 1), (1, 2)), Update("nothing stays", ((0, 0), (0, 0)), (1, 1), (1, 2), (2, 1)),
    Update("no first column", ((0, 2), (0, HALF)), (1, 1), (1, 1), (1, 0)), Update("no second column", ((HALF, 0), (0, 0)), (1, 1), (1, 1), (1, 0)),
    Update("pushed to one end", ((HALF, 1), (0, 0)), (0, 1), (1, 0), (1, 0)), Update("never read", ((HALF, 1), (0, 1)), (1, 0), (0, 1), (1, 0)),
    Update("one order only", ((1, 0), (0, -1)), (1, 1), (1, -1), (1, 1)), Update("zero", ((0,),), (2,), (3,), (5,)),
]
GRIDS = [(N, B, T, sampling) for N, B, T in [(1, 1, 3), (1, 1, 5), (2, 2, 4), (2, 2, 6), (2, 1, 4), (2, 1, 5), (2, 1, 7), (4, 2, 5), (3, 1, 7)]
         for sampling in ("cyclic", "reshuffle", "replacement") if sampling == "cyclic" or (N < 3 and T < 6)]
DIAGRAMS = [fd.Diagram(D.parents, D.blocks) for d in (1, 2, 3) for D in fd.diagrams(d)]


def weights(rule, T):
    """(to the root, to other nodes) of an edge of each duration: the recursion run with its single gradient."""
    state, found = list(rule.push), [(None, None)]
    for _ in range(T):
        found.append(tuple(sum(F(a) * z for a, z in zip(end, state, strict=True)) for end in (rule.seen, rule.point)))
        state = [sum(F(a) * z for a, z in zip(row, state, strict=True)) for row in rule.step]
    return found


@lru_cache(None)
def durations(parents, blocks, grid, injective):
    """How often each tuple of the edges' durations occurs among all maps into all realisations."""
    N, B, T, sampling = grid
    apart = (-1, *blocks[1:])  # no map cares for the root's part
    found, sequences = Counter(), oracle.batch_sequences(N, B, T, sampling)
    for batches in sequences:
        for cells in oracle.all_maps(parents, apart, batches, injective):
            times = [T, *(time for time, _ in cells)]
            found[tuple(times[p] - t for p, t in zip(parents[1:], times[1:], strict=True))] += 1
    return found, len(sequences)


def check(D, grid, basis, rule):
    found, many = durations(D.parents, D.blocks, grid, basis == "moment")
    w = weights(rule, grid[2])
    wanted = sum(number * prod(w[dt][p > 0] for dt, p in zip(dts, D.parents[1:], strict=True)) for dts, number in found.items())
    spacetime = fd.Spacetime(*grid[:3], sampling=grid[3])
    assert fd.weighted_maps(D, spacetime, basis=basis, update=rule) == F(wanted) / many, (D, grid, basis, rule)


def some(seed, cases):
    draw = random.Random(seed)
    for _ in range(cases):
        D = draw.choice(DIAGRAMS)
        yield D, draw.choice([grid for grid in GRIDS if D.order < 3 or grid[1] * grid[2] < 9]), draw.choice(["cumulant", "moment"])


@pytest.mark.parametrize("rule", SINGULAR, ids=repr)
def test_rules_with_singular_steps(rule):
    for D, grid, basis in some(repr(rule), 25):
        check(D, grid, basis, rule)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(40))
def test_random_rules_with_many_zeros(seed):
    draw = random.Random(seed)
    for D, grid, basis in some(seed, 60):
        size = draw.choice([1, 2, 2, 2, 3])
        numbers = iter(draw.choices([0, 0, 0, 1, -1, HALF, F(2, 3)], k=99))
        rows = tuple(tuple(next(numbers) if i <= j else 0 for j in range(size)) for i in range(size))
        check(D, grid, basis, Update("random", rows, *(tuple(next(numbers) for _ in range(size)) for _ in range(3))))


def test_a_decay_of_all_over_several_epochs():
    """The first wrong numbers that were seen: a link that was dropped gave 0."""
    assert fd.coefficient("[a[a]]", fd.Spacetime(1, 1, 3, sampling="cyclic"), update=updates.weight_decay(1)) == 1
    spacetime = fd.Spacetime(2, 2, 6, sampling="cyclic")
    assert fd.weighted_maps("[a[b]]", spacetime, update=updates.weight_decay(1, HALF)) == F(57, 4)
    land = fd.landscapes.samples([0.0], [[1.0]], [[[1.0]]])
    change = fd.predict(land, fd.Spacetime(1, 1, 3), 0.1, 2, "displacement", resummed=False, update=updates.weight_decay(1))
    np.testing.assert_allclose(np.ravel(change.by_order), [0, -0.1, 0.01], atol=1e-15)
