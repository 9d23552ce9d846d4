"""Lookups in coefficient tables against counting anew, loading, and a fresh interpreter against `import numpy`."""

import statistics
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np
import pytest

import fastdiag as fd

T = np.arange(1, 1001)
WHERE = {"N": 1000, "B": 10}


def seconds(function, times=5):
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def by_counting(sampling, exact=False):
    """All diagrams to order 4 at all T, with `count_maps`, the fastest way without a table."""
    rows = []
    for d in range(5):
        ds = fd.diagrams(d)
        counts = fd.count_maps(ds, fd.Spacetime(**WHERE, T=1000, sampling=sampling), T=T)
        below = [counts.denominator * D.automorphisms * (-10) ** d for D in ds]
        lines = zip(counts.numerators.tolist(), below, strict=True)
        rows += [[Fraction(x, b) if exact else x / b for x in line] for line, b in lines]
    return np.array(rows, object if exact else float)


def by_one(sampling, times):
    """`coefficient` for each diagram and each of some T."""
    spacetimes = [fd.Spacetime(**WHERE, T=t, sampling=sampling) for t in times]
    return [[fd.coefficient(D, spacetime) for spacetime in spacetimes] for d in range(5) for D in fd.diagrams(d)]


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
@pytest.mark.parametrize("exact", [False, True], ids=["float64", "exact"])
def test_lookup_against_counting(benchmark, sampling, exact):
    """All 124 diagrams to order 4 at 1,000 values of T."""
    table = fd.table(4, sampling)

    def look_up():
        return table.coefficients(**WHERE, T=T, exact=exact)

    found, right = look_up(), by_counting(sampling, exact)
    few = [1, 99, 100, 101, 555, 1000]
    assert by_one(sampling, few) == table.coefficients(**WHERE, T=few, exact=True).tolist()
    if exact:
        assert (found == right).all()
    else:
        np.testing.assert_allclose(found, right, rtol=1e-14, atol=0)
    lookup, counting = seconds(look_up), seconds(lambda: by_counting(sampling, exact), 3)
    one = seconds(lambda: by_one(sampling, few), 1) * len(T) / len(few)
    benchmark.extra_info["count_maps / lookup"] = round(counting / lookup, 1)
    benchmark.extra_info["loop over fd.coefficient / lookup"] = round(one / lookup)
    print(f"\n{sampling}, {'exact' if exact else 'float64'}: lookup {1e3 * lookup:.2f} ms; count_maps takes")
    print(f"{counting / lookup:.1f} times as long, a loop over fd.coefficient {one / lookup:,.0f} (from {len(few)} T)")
    benchmark.group = "124 diagrams at 1,000 T"
    benchmark(look_up)


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic"])
def test_loading(benchmark, sampling):
    """Orders 0 to 6, digests taken, against listing the same diagrams."""

    def listed():
        return [fd.diagrams(d) for d in range(7)]

    table = fd.table(6, sampling)
    for d, ds in enumerate(listed()):
        assert (table.where(order=d).blocks[:, : d + 1] == ds.blocks).all()
    loading = seconds(lambda: fd.table(6, sampling))
    print(f"\n{sampling}: orders 0 to 6 load in {1e3 * loading:.1f} ms, {loading / seconds(listed):.1f} listings of them")
    benchmark.group = "loading orders 0 to 6"
    benchmark(lambda: fd.table(6, sampling))


ONE = "import fastdiag as fd; assert fd.table(4)['[a b[a]]'].coefficient(N=1000, B=10, E=3) == -13455"


@pytest.mark.parametrize("statement", [ONE, "import numpy"], ids=["one coefficient", "import numpy"])
def test_a_fresh_interpreter(benchmark, statement):
    assert fd.coefficient("[a b[a]]", fd.Spacetime(**WHERE, E=3)) == -13455

    def run(code=statement):
        subprocess.run([sys.executable, "-c", code], check=True)

    run()
    taken, numpy = seconds(run, 9), seconds(lambda: run("import numpy"), 9)
    print(f"\n{statement[:40]}...: {1e3 * taken:.0f} ms in all, {taken / numpy:.2f} times `import numpy`")
    benchmark.group = "a fresh interpreter"
    benchmark.pedantic(run, rounds=5)
