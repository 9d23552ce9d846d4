"""Counts and coefficients where B does not divide N, against every cell of every shuffle."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.embedding import enumerated_embedding_counts, enumerated_maps
from oracles import oracle

CASES = [(3, 2, 4, "reshuffle", "keep"), (3, 2, 5, "cyclic", "keep"), (5, 3, 2, "reshuffle", "keep"), (3, 2, 3, "reshuffle", "drop"),
         (3, 2, 3, "cyclic", "drop")]
LONG = [(5, 2, 5, "cyclic", "drop"), (5, 2, 3, "reshuffle", "keep"), (5, 3, 4, "reshuffle", "keep"), (5, 3, 6, "cyclic", "keep"), (5, 4, 3, "reshuffle", "keep")]


def grid(case):
    N, B, T, sampling, last = case
    return fd.Spacetime(N, B, T, sampling=sampling, last=last)


@pytest.mark.parametrize("basis", ["cumulant", "moment"])
@pytest.mark.parametrize("case", CASES + [pytest.param(case, marks=pytest.mark.long) for case in LONG], ids=str)
def test_maps_are_those_listed(case, basis):
    spacetime = grid(case)
    listed = [D for d in (1, 2, 3) for D in fd.diagrams(d)]
    for D in listed:
        count = enumerated_maps(D, spacetime, basis)
        assert fd.maps(D, spacetime, basis) == count == fd.weighted_maps(D, spacetime, 1, basis), D
        assert fd.embedding_counts(D, spacetime, basis) == enumerated_embedding_counts(D, spacetime, basis), D
    found = fd.count_maps(fd.diagrams(2), spacetime, basis, T=[1, spacetime.T])
    for D, row in zip(fd.diagrams(2), found.numerators.tolist(), strict=True):
        counts = [fd.maps(D, spacetime.with_updates(t), basis) for t in (1, spacetime.T)]
        assert [Fraction(x, found.denominator) for x in row] == counts


def by_definition(diagram, case, basis, weight=lambda low, high: 1):
    """The mean over shuffles of the sum over maps of the product over nodes of -1 / (size of the batch), over |Aut|."""
    total, sequences = Fraction(0), oracle.batch_sequences(*case)
    for batches in sequences:
        for cells in oracle.all_maps(diagram.parents, diagram.blocks, batches, basis == "moment"):
            at = [len(batches), *(time for time, _ in cells)]
            term = Fraction(1)
            for node in range(1, len(at)):
                term *= Fraction(-1, len(batches[at[node]])) * weight(at[node], at[diagram.parents[node]])
            total += term
    return total / len(sequences) / diagram.automorphisms


MU = Fraction(1, 3)
RULES = {
    "sgd": (None, lambda low, high: 1),
    "momentum": (fd.updates.momentum(MU), lambda low, high: (1 - MU ** (high - low)) / (1 - MU)),
    "schedule": (fd.updates.schedule([1, 2, Fraction(1, 2), 3]), lambda low, high: [1, 2, Fraction(1, 2), 3][low]),
    "formula": (fd.updates.momentum(sympy.Symbol("mu")), lambda low, high: sum(sympy.Symbol("mu") ** j for j in range(high - low))),
}


KEPT = [(3, 2, 4, "reshuffle", "keep"), (3, 2, 4, "cyclic", "keep"), (3, 2, 2, "cyclic", "keep")]
WEIGHED = [(rule, case) for rule in RULES for case in KEPT if (rule, case) != ("formula", KEPT[0])]  # that oracle takes seconds


@pytest.mark.parametrize(("rule", "case"), WEIGHED, ids=str)
def test_every_node_weighs_one_over_its_batch(case, rule):
    update, weight = RULES[rule]
    listed = ["[a]", "[a a]", "[a[b]]", "[a[a]]", "[a b[a]]"]
    for text, basis in product(listed, ("cumulant", "moment")):
        D = fd.Diagram.parse(text)
        found = fd.coefficient(D, grid(case), basis, update=update)
        assert sympy.expand(found - by_definition(D, case, basis, weight)) == 0, (text, basis)


def test_before_the_last_batch_nothing_is_ragged():
    kept = fd.Spacetime(N=10**9, B=7, T=1000, last="keep")
    assert fd.coefficient("[a a]", kept) == fd.coefficient("[a a]", fd.Spacetime(N=7 * 10**9, B=7, T=1000)) == Fraction(500, 7)


def test_large_numbers():
    """One epoch of 10^9 points: the sum of 1 / |batch| over batches, halved."""
    kept = fd.Spacetime(N=10**9, B=7, E=1, last="keep")
    assert fd.coefficient("[a a]", kept) == (Fraction(10**9 // 7, 7) + Fraction(1, 10**9 % 7)) / 2
    assert fd.maps("[a a]", kept) == 10**9


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic"])
def test_tables_have_them_too(sampling):
    table = fd.table(3, sampling)
    for T in (1, 2, 5, 6):
        dropped = [fd.coefficient(row.diagram, fd.Spacetime(5, 2, T, sampling=sampling, last="drop")) for row in table]
        assert table.coefficients(5, 2, T, exact=True, last="drop").tolist() == dropped
        assert table.coefficients(5, 2, T, last="drop").tolist() == pytest.approx([float(x) for x in dropped], rel=1e-14)
        assert [row.coefficient(5, 2, T, last="drop") for row in table] == dropped
    assert table.coefficients([5, 6], 2, 2, last="keep") == pytest.approx(table.coefficients([10, 6], 2, 2), rel=1e-14)
    times = [1, 2, 3, 4, 6]
    for some in (table.where(order=2), table.where(order=3)[3:7], table.where(order=2).by_value_class()):
        kept = [[sum(fd.coefficient(D, fd.Spacetime(5, 2, T, sampling=sampling, last="keep")) for D in row.diagrams) for T in times] for row in some]
        assert some.coefficients(5, 2, times, exact=True, last="keep").tolist() == kept
        assert some.coefficients(5, 2, times, last="keep") == pytest.approx(np.array(kept, float), rel=1e-14)
        assert some.coefficients([[5], [6]], 2, times, exact=True, last="keep")[:, 0].tolist() == kept
        assert [row.coefficient(5, 2, 4, last="keep") for row in some] == [line[3] for line in kept]
    with pytest.raises(fd.errors.TooLargeError, match="summed up one by one"):
        table.coefficients(5, 2, range(1, 1000), last="keep")
    for ask in (lambda **options: table.coefficients(5, 2, 3, **options), lambda **options: table["[a]"].coefficient(5, 2, 3, **options)):
        with pytest.raises(fd.errors.InputError, match=r"B = 2 does not divide N = 5.*last='drop'"):
            ask()
