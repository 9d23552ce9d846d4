"""Pattern kernels and their bounds: the same source on Python integers, third parties, numbers past 64 bits."""

from collections import Counter
from functools import reduce
from itertools import pairwise
from operator import mul

import kauri
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastdiag as fd
from fastdiag.diagram.partition import set_partitions
from fastdiag.kernels.limbs import combine_rows, limbs_times_factors, rows_times_limbs


def trees(nodes):
    """All rooted trees with that many nodes, as untied diagrams hung below the root, and in kauri's form."""
    for levels in {D.levels for D in fd.diagrams(nodes - 1)}:
        text, root, path = "", [], []
        for here, following in pairwise([*levels, 0]):
            node: list = []
            del path[here:]
            (path[-1] if path else root).append(node)
            path.append(node)
            text += "x" + ("[" if following > here else " ") + "]" * max(0, here - following)
        yield _untied(f"[{text}]"), root[0]


def _untied(text):
    names = iter("abcdefghijklmnop")
    return "".join(next(names) if c == "x" else c for c in text).replace(" ]", "]")


def test_untied_counts_are_kauris_weights_of_composed_euler_steps():
    """kauri: the elementary weight of T composed Euler steps is the number of strict maps of a tree into T times."""
    seen = Counter()
    for T in (1, 3, 8):
        weights = reduce(mul, [kauri.euler] * T).elementary_weights_map()
        for nodes in range(1, 8):
            for text, nested in trees(nodes):
                assert fd.maps(text, fd.Spacetime(T, 1, T)) == round(weights(kauri.Tree(nested)), 6)
                seen[nodes] += T == 8
    assert list(seen.values()) == [1, 1, 2, 4, 9, 20, 48]


def rows_of(relations, family, partial, strings, plain, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(fd.embedding.patterns, "INT64_NODES", 0 if plain else 10)
        return fd.embedding.patterns.pattern_rows(relations, family, partial, strings)


@pytest.mark.parametrize("text", ["[a b[a c] d]", "[a a[b[c]]]", "[a[b] c[d]]"])
def test_pattern_kernels_are_their_python_source(text, monkeypatch):
    """Compiled on int64, and the same source on Python integers."""
    relations = fd.embedding.poset.Poset.of(fd.Diagram.parse(text))
    strings = set_partitions(relations.parts)
    for family in ("one order", "fresh orders"):
        for partial in (False, True):
            compiled, plain = (rows_of(relations, family, partial, strings, plain, monkeypatch) for plain in (False, True))
            assert compiled.counts.dtype == np.int64
            assert plain.counts.dtype == object
            assert all((x == y).all() for x, y in zip(compiled, plain, strict=True))


def test_rows_are_the_same_in_small_space(monkeypatch):
    """A kernel that runs out of space goes on where it was."""
    ds = fd.diagrams(6)
    relations, strings = fd.embedding.poset.Poset.of(ds[5000]), set_partitions(fd.embedding.poset.Poset.of(ds[5000]).parts)
    for family in ("one order", "fresh orders"):
        whole = fd.embedding.patterns.pattern_rows(relations, family, True, strings)
        with monkeypatch.context() as patch:
            patch.setattr(fd.embedding.patterns, "ROW_SPACE", 1)
            split = fd.embedding.patterns.pattern_rows(relations, family, True, strings)
        assert all((x == y).all() for x, y in zip(whole, split, strict=True))


def test_the_bound_of_the_pattern_kernels():
    """2 (n + 1) Fubini(n)^2 bounds what a row sums to, and holds up to the size that is compiled."""
    from fastdiag.embedding.patterns import INT64_NODES, fubini

    assert 2 * (INT64_NODES + 1) * fubini(INT64_NODES) ** 2 < 2**63
    for n in range(1, 7):
        for tree in {D.parents for D in fd.diagrams(n)}:
            relations = fd.embedding.poset.Poset.of(fd.Diagram(tree, range(n + 1)))
            for family in ("one order", "fresh orders"):
                rows = fd.embedding.patterns.pattern_rows(relations, family, True, [range(n)])
                assert rows.counts.min() > 0
                assert int(rows.counts.sum()) <= 2 * (n + 1) * fubini(n) ** 2


def test_order_polynomials_past_64_bits():
    T = 10**12
    counts = fd.count_maps(fd.diagrams(8)[:3], fd.Spacetime(T, 1, T))
    assert counts.numerators.tolist() == [fd.maps(D, fd.Spacetime(T, 1, T)) for D in fd.diagrams(8)[:3]]
    assert fd.maps("[a b c d e f g h]", fd.Spacetime(T, 1, T)) == T**8


@pytest.mark.long
def test_patterns_past_64_bits():
    """Twelve leaves have 1.2 10^19 pairs of weak orders: the plain source goes on where int64 ends."""
    text = "[a b c d e f g h i j k l]"
    assert fd.maps(text, fd.Spacetime(6, 2, E=1000, sampling="cyclic")) == 6000**12


def limbs(number, width, count):
    """Limbs of a possibly negative number: all in 0..2^width - 1 but the last."""
    out = []
    for _ in range(count - 1):
        out.append(number & (1 << width) - 1)
        number >>= width
    return [*out, number]


def value(row, width):
    return sum(int(x) << width * j for j, x in enumerate(row))


@given(st.data())
def test_limb_kernels_past_64_bits(data):
    width, count = 24, 9
    big, small = st.integers(0, 2**150), st.integers(-(2**20), 2**20)
    table = np.array(data.draw(st.lists(st.lists(small, min_size=3, max_size=3), min_size=2, max_size=2)))
    worth = data.draw(st.lists(big, min_size=6, max_size=6))
    held = np.array([[limbs(worth[3 * k + c], width, count) for c in range(3)] for k in range(2)])
    kinds, slots = np.array([1, 0]), np.array([0, 1, 0])
    sums = np.zeros((2, 2, count), np.int64)
    rows_times_limbs(np.array([3, 3]), np.tile(np.arange(3), 2), table.ravel(), kinds, held, slots, width, sums)
    exact = [
        [sum(int(table[r, c]) * worth[3 * int(kinds[r]) + c] for c in range(3) if slots[c] == q) for q in range(2)]
        for r in range(2)
    ]
    assert [[value(sums[r, q], width) for q in range(2)] for r in range(2)] == exact
    assert (sums[:, :, :-1] >= 0).all()
    weights = np.array(data.draw(st.lists(small, min_size=4, max_size=4)))
    combined = np.zeros((1, 2, count), np.int64)
    combine_rows(np.array([1]), np.array([0, 1, 4]), np.array([0, 0, 1, 1]), weights, sums, width, combined)
    wanted = [sum(int(weights[i]) * exact[s][q] for i, s in [(1, 0), (2, 1), (3, 1)]) for q in range(2)]
    assert [value(combined[0, q], width) for q in range(2)] == wanted
    factors = data.draw(st.lists(st.integers(0, 2**60), min_size=4, max_size=4))
    split = np.array([limbs(f, width, 3) for f in factors]).reshape(2, 2, 3)
    out = np.zeros((2, 13, 2), np.int64)
    limbs_times_factors(sums, np.ascontiguousarray(np.moveaxis(split, 2, 0)), width, out)
    for r in range(2):
        for t in range(2):
            assert value(out[r, :, t], width) == sum(exact[r][q] * factors[2 * q + t] for q in range(2))
