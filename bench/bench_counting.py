"""Exact counts: enumeration against closed form, one diagram against a batch, one T against a thousand."""

from fractions import Fraction

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.embedding import enumerated_maps
from fastdiag.embedding.patterns import patterns

DIAGRAM = fd.Diagram.parse("[a b[a] c]")


def sampled_check(counts, ds, spacetime, basis):
    """A part of a batch against `maps`, one by one."""
    for i in range(0, len(ds), max(1, len(ds) // 25)):
        assert Fraction(counts.numerators[i], counts.denominator) == fd.maps(ds[i], spacetime, basis)


@pytest.mark.parametrize("N", [2, 3, 4])
@pytest.mark.parametrize("how", ["enumeration", "closed form"])
def test_enumeration_against_closed_form(benchmark, how, N):
    """Two reshuffled epochs: all realisations enumerated, and the closed form with a cold pattern table."""
    spacetime = fd.Spacetime(N, 1, 2 * N)

    def closed():
        patterns.cache_clear()
        return fd.maps(DIAGRAM, spacetime, "moment")

    assert closed() == enumerated_maps(DIAGRAM, spacetime, "moment")
    benchmark.group = f"two epochs of {N} points"
    benchmark(closed if how == "closed form" else lambda: enumerated_maps(DIAGRAM, spacetime, "moment"))


@pytest.mark.parametrize("N", [10, 10**3, 10**9])
def test_closed_form_is_flat(benchmark, N):
    def closed():
        patterns.cache_clear()
        return fd.maps(DIAGRAM, fd.Spacetime(N, 1, 2 * N))

    assert closed() > 0
    benchmark.group = "closed form over two epochs"
    benchmark(closed)


@pytest.mark.parametrize("order", [4, 6])
@pytest.mark.parametrize("basis", ["cumulant", "moment"])
@pytest.mark.parametrize("T", [300, 350], ids=["whole epochs", "partial epoch"])
def test_all_diagrams_of_an_order(benchmark, order, basis, T):
    """All 101 (5,861) diagrams for one reshuffle spacetime, pattern tables made anew."""
    ds, spacetime = fd.diagrams(order), fd.Spacetime(1000, 10, T)
    sampled_check(fd.count_maps(ds, spacetime, basis), ds, spacetime, basis)
    benchmark.group = f"all diagrams of order {order}"
    benchmark(lambda: fd.count_maps(ds, spacetime, basis).numerators)


@pytest.mark.parametrize("basis", ["cumulant", "moment"])
def test_order_eight_in_one_epoch(benchmark, basis):
    ds, spacetime = fd.diagrams(8), fd.Spacetime(1000, 10, 100)
    counts = fd.count_maps(ds, spacetime, basis)
    for i in range(0, len(ds), 60_000):
        assert counts.numerators[i] == fd.maps(ds[i], spacetime, basis)
    benchmark.group = "all 598,201 diagrams of order 8, one epoch"
    benchmark.pedantic(lambda: fd.count_maps(ds, spacetime, basis).numerators, rounds=3)


@pytest.mark.parametrize("order", [4, 6])
@pytest.mark.parametrize("times", [1, 1000])
def test_a_vector_of_times(benchmark, order, times):
    """Exact counts at T = 1..1000, held as limbs, against T = 350 alone."""
    ds, spacetime = fd.diagrams(order), fd.Spacetime(1000, 10, 350)
    T = np.arange(1, 1001) if times == 1000 else np.array([350])
    counts = fd.count_maps(ds, spacetime, T=T)
    one = fd.count_maps(ds, spacetime)
    column = counts.limbs[:, :, list(T).index(350)]
    for i in range(0, len(ds), 37):
        numerator = sum(int(x) << counts.width * j for j, x in enumerate(column[i]))
        assert numerator * one.denominator == one.numerators[i] * counts.denominator
    benchmark.group = f"order {order}, one T and a thousand"
    benchmark.pedantic(lambda: fd.count_maps(ds, spacetime, T=T), rounds=5, warmup_rounds=1)
