"""The walk in ints against the same walk in Fractions; what is foreseen of it."""

import random
from fractions import Fraction

import pytest

import fastdiag as fd
from fastdiag import updates
from fastdiag.embedding.crossing import matrix_power, matrix_product
from fastdiag.embedding.edge_weights import EdgeWeights
from fastdiag.embedding.poset import Poset
from fastdiag.embedding.powers import Powers, row_times
from fastdiag.embedding.sum_over_maps import _summed, sum_over_maps
from fastdiag.errors import TooLargeError
from fastdiag.spacetime.updates import Update

HALF = Fraction(1, 2)
GRIDS = [((4, 2, 2), "reshuffle"), ((4, 2, 5), "reshuffle"), ((4, 2, 5), "cyclic"), ((2, 1, 4), "cyclic"), ((4, 2, 3), "replacement")]


@pytest.mark.every(4)
@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("rule", [updates.momentum(Fraction(2, 3)), updates.weight_decay(Fraction(1, 5)), updates.quasi_hyperbolic(HALF, Fraction(1, 3))], ids=str)
def test_denominators_come_out_once(grid, rule):
    spacetime, draw = fd.Spacetime(*grid[0], sampling=grid[1]), random.Random(str((grid, rule)))
    one = len(rule.push) == 1
    for diagram in (D for d in (1, 2, 3) for D in draw.sample(list(fd.diagrams(d)), min(4, fd.count_diagrams(d)))):
        poset = Poset.of(diagram)
        forces = [draw.choice([HALF, Fraction(-1, 3), Fraction(7, 5)]) for _ in range(diagram.order)]
        rates = tuple(draw.choice([Fraction(1), Fraction(1, 4), Fraction(3, 7)]) for _ in range(spacetime.T))
        cases = [EdgeWeights.of(poset, rule), EdgeWeights.of(poset, rule, None, forces), EdgeWeights.of(poset, rule, rates)]
        if one or grid[1] != "cyclic":
            cases.append(EdgeWeights.of(poset, rule, rates, forces))
        for edges in cases:
            for basis in ("cumulant", "moment"):
                found = sum_over_maps(poset, edges, spacetime, basis)
                assert found == _summed(poset, edges, spacetime, basis, None), (diagram, edges)
            whole, below = edges.cleared(spacetime.T)
            assert below > 1
            assert {type(x) for x in whole._numbers()} == {int}


def test_powers_of_steps():
    step = ((HALF, Fraction(1, 3)), (Fraction(-1), Fraction(2, 5)))
    product = ((1, 0), (0, 1))
    for exponent in range(9):
        assert matrix_power(step, exponent) == product
        product = matrix_product(product, step)


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic"])
def test_a_rule_without_state_places_nothing(sampling):
    idle = Update("idle", ((HALF,),), (0,), (1,), (1,))
    assert fd.weighted_maps("[a b]", fd.Spacetime(2, 1, 4, sampling=sampling), update=idle) == 0
    assert fd.weighted_maps("[]", fd.Spacetime(2, 1, 4, sampling=sampling), update=idle) == 1


def test_many_choices_of_links_are_foreseen():
    with pytest.raises(TooLargeError, match="matrix entries"):
        fd.coefficient("[a b c d e f g h i j]", fd.Spacetime(20, 1, 40), update=updates.regularized_newton(HALF))


@pytest.mark.parametrize("times", [0, 1, 2, 5, 60])
@pytest.mark.parametrize("missing", [False, True])
def test_ones_on_the_diagonal_are_counted_by_binomials(times, missing):
    draw = random.Random(times)
    matrix = {i: {i: 1} | {j: draw.randint(-3, 3) for j in range(i + 1, 5) if draw.random() < 0.7} for i in range(5)}
    if missing:
        del matrix[3]  # what comes there is gone
    row = expected = {0: 2, 1: -1, 3: 5}
    for _ in range(times):
        expected = row_times(expected, matrix)
    found = Powers(matrix).after(row, times)
    assert {i: x for i, x in found.items() if x} == {i: x for i, x in expected.items() if x}


def test_floats_do_not_answer_for_ints():
    """1.0 equals 1, and what is kept for a rule of floats is not as good."""
    spacetime = fd.Spacetime(6, 3, 24)
    land = fd.landscapes.samples([0.0, 0.0], [[1.0], [-2.0]], [[[1.0]], [[3.0]]], [[[[1.0]]], [[[2.0]]]])
    rule, exactly = (updates.sgd().with_schedule([one] * 24) for one in (1.0, 1))
    fd.predict(land, spacetime, 0.1, 2, resummed=False, update=rule)
    for D in fd.diagrams(2):
        found = fd.coefficient(D, spacetime, update=exactly)
        assert type(found) is Fraction
        assert found == fd.coefficient(D, spacetime)
