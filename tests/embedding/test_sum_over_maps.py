"""The one sum over maps against maps listed cell by cell: any rule, curvature, schedule, sampling, in Fractions."""

import math
import random
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import fastdiag as fd
from fastdiag import updates
from fastdiag.embedding.edge_weights import EdgeWeights
from fastdiag.embedding.poset import Poset
from fastdiag.embedding.sum_over_maps import sum_over_maps
from fastdiag.embedding.weighted import resummed_maps
from fastdiag.errors import InputError, TooLargeError
from fastdiag.spacetime.updates import Update

HALF = Fraction(1, 2)
RULES = [
    updates.sgd(), updates.momentum(HALF), updates.nesterov(Fraction(3, 4)), updates.weight_decay(1), updates.weight_decay(1, HALF),
    updates.weight_decay(Fraction(1, 3)), updates.quasi_hyperbolic(0, 1), updates.quasi_hyperbolic(Fraction(1, 3), HALF),
    Update("skew", ((Fraction(3, 4), 2), (Fraction(-1, 5), HALF)), (1, Fraction(1, 3)), (2, -1), (HALF, 3)),
]
GRIDS = [
    ((4, 2, 2), "reshuffle"), ((2, 1, 3), "reshuffle"), ((2, 1, 4), "reshuffle"), ((2, 2, 3), "reshuffle"), ((1, 1, 3), "cyclic"),
    ((2, 2, 4), "cyclic"), ((2, 1, 4), "cyclic"), ((2, 1, 5), "cyclic"), ((3, 2, 3), "replacement"), ((2, 1, 3), "replacement"),
]


def times_of(diagram, spacetime, basis):
    """How often the nodes of a map sit at times (node 1, node 2, ...), and among how many realisations."""
    found, realisations = {}, list(spacetime.realisations())
    nodes = range(1, diagram.order + 1)
    for batches in realisations:
        cells = [(t, row) for t, batch in enumerate(batches) for row in batch]
        for at in product(cells, repeat=diagram.order):
            here = dict(zip(nodes, at, strict=True))
            ordered = all(diagram.parents[v] == 0 or here[v][0] < here[diagram.parents[v]][0] for v in nodes)
            rows = all(
                here[u][1] == here[v][1] if diagram.blocks[u] == diagram.blocks[v] else basis == "cumulant" or here[u][1] != here[v][1]
                for u in nodes for v in range(1, u)
            )
            if ordered and rows:
                key = tuple(t for t, _ in at)
                found[key] = found.get(key, 0) + 1
    return found, len(realisations)


def carried(update, force, start, end, to_root, rates):
    """What an edge carries from an update to another, by multiplying matrices."""
    state = [rates[start] * x for x in update.push]
    for u in range(start + 1, end):
        met = rates[u] * force * sum(a * z for a, z in zip(update.point, state, strict=True))
        state = [sum(a * z for a, z in zip(row, state, strict=True)) - b * met for row, b in zip(update.step, update.push, strict=True)]
    return sum(a * z for a, z in zip(update.seen if to_root else update.point, state, strict=True))


def listed(diagram, update, forces, spacetime, basis, rates):
    found, realisations = times_of(diagram, spacetime, basis)
    total = Fraction(0)
    for times, ways in found.items():
        ends = [spacetime.T if p == 0 else times[p - 1] for p in diagram.parents[1:]]
        total += ways * math.prod(
            carried(update, x, s, t, p == 0, rates) for x, s, t, p in zip(forces, times, ends, diagram.parents[1:], strict=True)
        )
    return total / realisations


@pytest.mark.every(3)
@pytest.mark.parametrize("basis", ["cumulant", "moment"])
@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_against_maps_listed_cell_by_cell(grid, basis):
    spacetime = fd.Spacetime(*grid[0], sampling=grid[1])
    draw = random.Random(str((grid, basis)))
    some = [D for d in range(1, 3) for D in fd.diagrams(d)]
    some += draw.sample(list(fd.diagrams(3)), 4) if len(list(spacetime.realisations())) * (spacetime.T * spacetime.B) ** 3 < 5000 else []
    met = 0
    for diagram in some:
        for update in draw.sample(RULES, 4):
            forces = [draw.choice([Fraction(0), HALF, Fraction(-1, 3), Fraction(2)]) for _ in range(diagram.order)]
            for rates in ([1] * spacetime.T, [Fraction(draw.randint(0, 4), 2) for _ in range(spacetime.T)]):
                rule = update if set(rates) == {1} else update.with_schedule(rates)
                poset = Poset.of(diagram)
                factors = rule.factors(spacetime.T)
                edges = EdgeWeights.of(poset, rule, factors, forces)
                wanted = listed(diagram, update, forces, spacetime, basis, rates)
                assert sum_over_maps(poset, edges, spacetime, basis) == wanted, (diagram, rule, forces)
                met += bool(wanted)
                if basis == "cumulant":
                    assert resummed_maps(diagram, spacetime, rule, forces) == wanted
                plain = listed(diagram, update, [0] * diagram.order, spacetime, basis, rates)
                assert fd.weighted_maps(diagram, spacetime, basis=basis, update=rule) == plain, (diagram, rule)
    assert met > 10


def test_what_one_repeated_order_cannot_sweep():
    with pytest.raises(TooLargeError, match="tells the 100000 epochs of one order apart"):
        fd.weighted_maps("[a b]", fd.Spacetime(1, 1, 10**5, sampling="cyclic"), update=updates.schedule([1] * 10**5))


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
def test_arrays_of_forces_are_the_forces_one_by_one(sampling):
    """Many tuples side by side, as resummed schedules are walked."""
    spacetime, diagram = fd.Spacetime(4, 2, 3, sampling=sampling), fd.Diagram.parse("[a b[a]]")
    rates, forces = (1.0, 0.5, 2.0), np.array([[0.1, 0.7, -0.2], [1.0, 0.3, 0.0], [0.2, 0.2, 2.5]])
    poset = Poset.of(diagram)
    for update in (updates.sgd(), updates.weight_decay(0.25), updates.momentum(0.5)):
        together = sum_over_maps(poset, EdgeWeights.of(poset, update.in_floats(3), rates, list(forces)), spacetime, "cumulant")
        alone = [
            sum_over_maps(poset, EdgeWeights.of(poset, update.in_floats(3), rates, column.tolist()), spacetime, "cumulant")
            for column in forces.T
        ]
        np.testing.assert_allclose(together, alone, rtol=1e-13)


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
@pytest.mark.parametrize("text", ["[a]", "[a[a]]", "[a a]", "[a b[a]]", "[a[b a]]"])
def test_infinitely_many_epochs(text, sampling):
    """The limit of whole epochs, exactly; N = 10^9 is nearly fresh data."""
    diagram = fd.Diagram.parse(text)
    spacetime, later = fd.Spacetime(4, 2, math.inf, sampling=sampling), fd.Spacetime(4, 2, 400, sampling=sampling)
    k = [Fraction(1, 2), Fraction(-1, 3), Fraction(3, 4)][: diagram.order]
    found = fd.weighted_maps(diagram, spacetime, k)
    assert isinstance(found, Fraction)
    assert float(found) == pytest.approx(float(fd.weighted_maps(diagram, later, k)), rel=1e-14)
    forces = [1 - x for x in k]
    assert resummed_maps(diagram, spacetime, updates.sgd(), forces) == found
    for rule in (updates.momentum(HALF), updates.nesterov(Fraction(1, 4))):
        limit = float(resummed_maps(diagram, spacetime, rule, forces))
        assert limit == pytest.approx(float(resummed_maps(diagram, later, rule, forces)), rel=1e-13)
    fresh = fd.weighted_maps(diagram, fd.Spacetime(math.inf, 2, math.inf), k)
    assert float(fd.weighted_maps(diagram, fd.Spacetime(10**9, 2, math.inf, sampling="replacement"), k)) == pytest.approx(float(fresh), rel=1e-7, abs=1e-7)


def test_limits_that_are_not_there():
    for k in (1, -1, Fraction(3, 2)):
        with pytest.raises(InputError, match="has no limit"):
            fd.weighted_maps("[a]", fd.Spacetime(4, 2, math.inf), k)
    with pytest.raises(InputError, match="no limit with a schedule"):
        resummed_maps(fd.Diagram.parse("[a]"), fd.Spacetime(4, 2, math.inf), updates.schedule([1, 2]), [HALF])


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
def test_predictions_after_infinitely_many_epochs(sampling):
    """In floats, of SGD and of rules: what ever more whole epochs tend to, and the exact limit where there is one."""
    rng = np.random.default_rng(3)
    gradients, hessians, thirds = rng.normal(size=(5, 2)), rng.normal(size=(5, 2, 2)) / 4, rng.normal(size=(5, 2, 2, 2)) / 9
    hessians = hessians + hessians.swapaxes(1, 2) + np.diag([1.0, 2.0])
    thirds = sum(thirds.transpose(0, *axes) for axes in ((1, 2, 3), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1)))
    land = fd.landscapes.samples(np.zeros(5), gradients, hessians, thirds, rng.normal(size=(5, 2, 2, 2, 2)) * 0)
    forever = fd.Spacetime(6, 2, math.inf, sampling=sampling)
    for update in (None, updates.momentum(0.5), updates.nesterov(0.3)):
        limit = fd.predict(land, forever, [0.1, 0.3], 3, update=update)
        late = fd.predict(land, forever.with_updates(1200), [0.1, 0.3], 3, update=update)
        for diagram, value in limit.by_diagram.items():
            np.testing.assert_allclose(value, late.by_diagram[diagram], rtol=1e-10, atol=1e-14)
    curve = fd.predict(land, forever, 0.1, 2, T=[3, math.inf]).total
    assert curve[1] == pytest.approx(fd.predict(land, forever, 0.1, 2).total, rel=1e-14)
    gauss = fd.landscapes.gauss()
    for observable in ("test_loss", "generalization_gap"):
        exact, near = (fd.predict(gauss, forever, eta, 3, observable).total for eta in (Fraction(1, 4), 0.25))
        assert near == pytest.approx(float(exact), rel=1e-12)
