"""Enumeration: rooted trees and diagrams with |Aut|, against the mass formula and SymPy's partitions."""

from fractions import Fraction
from math import factorial

import numpy as np
import pytest
from sympy.utilities.iterables import multiset_partitions

import fastdiag as fd
from fastdiag.diagram.number_of_diagrams import count_rooted_trees
from fastdiag.kernels.trees import rooted_trees

BELL = {8: 4140, 9: 21147}


def test_rooted_trees_of_20_nodes(benchmark):
    out = np.zeros((count_rooted_trees(20), 20), np.int8)
    assert benchmark(rooted_trees, out) == 12826228
    benchmark.extra_info["trees per second"] = f"{12826228 / benchmark.stats['min']:.3g}" if benchmark.stats else ""


@pytest.mark.parametrize("order", [8, 9])
def test_all_diagrams(benchmark, order):
    """Every diagram with its parents, blocks and |Aut|; the mass formula checks that none is missing."""
    ds = benchmark.pedantic(lambda: _filled(order), rounds=5 if order == 8 else 2, warmup_rounds=1)
    assert len(ds) == fd.count_diagrams(order)
    sizes, counts = np.unique(ds.automorphisms, return_counts=True)
    mass = sum(Fraction(factorial(order) * int(c), int(s)) for s, c in zip(sizes, counts, strict=True))
    assert mass == (order + 1) ** (order - 1) * BELL[order]


def _filled(order):
    ds = fd.diagrams(order)
    assert ds.parents.shape == ds.blocks.shape
    return ds


def test_partitions_of_8_by_sympy(benchmark):
    """The named baseline: SymPy lists the 4,140 partitions that one tree of order 8 carries (286 trees in all)."""
    assert benchmark(lambda: sum(1 for _ in multiset_partitions(list(range(8))))) == 4140
