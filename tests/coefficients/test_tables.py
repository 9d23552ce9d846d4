"""Lookups in tables: every one against `fd.coefficient`, enumeration and brute force; value classes, frames."""

import math
import subprocess
import sys
from collections import defaultdict
from fractions import Fraction
from functools import cache
from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdiag as fd
from fastdiag.coefficients import order as tables
from fastdiag.embedding import enumerated_maps
from fastdiag.errors import InputError, TooLargeError
from oracles.oracle import mean_maps

SAMPLINGS = ["reshuffle", "cyclic", "replacement"]
BASES = ["cumulant", "moment"]
every_kind = pytest.mark.parametrize(("sampling", "basis"), list(product(SAMPLINGS, BASES)))


@cache
def table(order, sampling="reshuffle", basis="cumulant"):
    return fd.table(order, sampling, basis)


@cache
def diagrams(order):
    """All diagrams to an order, made without a table."""
    return [D for d in range(order + 1) for D in fd.diagrams(d)]


@st.composite
def spacetimes(draw, sampling, largest=5):
    """Keywords N, B and T or E: one epoch, whole ones, partial ones, now and then a huge N."""
    B, L = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    if draw(st.integers(0, 4)) == 0:
        B, L = draw(st.integers(1, 10**12)), draw(st.integers(1, 10**18))
    N = B * L + (draw(st.integers(0, B - 1)) if sampling == "replacement" else 0)
    T = draw(st.integers(1, min(4 * L, 10**20)) if L > largest else st.integers(1, 3 * L + 2))
    as_epochs = draw(st.booleans())
    return {"N": N, "B": B, "E" if as_epochs else "T": Fraction(T * B, N) if as_epochs else T}


def expected(diagrams, sampling, basis, **where):
    spacetime = fd.Spacetime(**where, sampling=sampling)
    return [fd.coefficient(D, spacetime, basis) for D in diagrams]


def assert_close(floats, exact):
    """Relative 1e-14; what is nothing is exactly nothing."""
    for x, right in zip(np.ravel(floats).tolist(), np.ravel(exact).tolist(), strict=True):
        assert abs(Fraction(x) - right) <= abs(right) / 10**14


@every_kind
@settings(max_examples=8)
@given(data=st.data())
def test_every_row_to_order_four(sampling, basis, data):
    where = data.draw(spacetimes(sampling))
    rows = table(4, sampling, basis)
    right = expected(diagrams(4), sampling, basis, **where)
    assert rows.coefficients(**where, exact=True).tolist() == right
    assert_close(rows.coefficients(**where), right)
    assert [entry.coefficient(**where) for entry in rows] == right


@every_kind
@settings(max_examples=6)
@given(data=st.data())
def test_random_rows_of_orders_five_and_six(sampling, basis, data):
    where = data.draw(spacetimes(sampling))
    number = data.draw(st.lists(st.integers(124, 6684), min_size=1, max_size=5, unique=True))
    picked = [diagrams(6)[i] for i in number]
    rows = table(6, sampling, basis)
    right = expected(picked, sampling, basis, **where)
    assert rows[number].coefficients(**where, exact=True).tolist() == right
    assert_close(rows[number].coefficients(**where), right)
    assert [rows[D].coefficient(**where) for D in picked] == right


@every_kind
@pytest.mark.parametrize("where", [(4, 2, 3), (3, 1, 5), (2, 1, 5), (3, 3, 2), (4, 2, 1)])
def test_small_grids_against_enumeration(sampling, basis, where):
    """Cells of every realisation listed by the library, and, to order two, tried by the oracle, which knows nothing of it."""
    N, B, T = where
    spacetime = fd.Spacetime(N, B, T, sampling=sampling)
    rows = table(3, sampling, basis).coefficients(N, B, T, exact=True)
    for D, found in zip(diagrams(3), rows.tolist(), strict=True):
        maps = found * D.automorphisms * (-B) ** D.order
        assert maps == enumerated_maps(D, spacetime, basis)
        if D.order < 3:
            assert maps == mean_maps(D.parents, D.blocks, N, B, T, sampling, basis == "moment")


@pytest.mark.parametrize("sampling", SAMPLINGS[:2])
@pytest.mark.parametrize("T", [3, 4, 11, 1000])
def test_value_classes_of_order_three_as_in_the_papers(sampling, T):
    """E = B = 1: 4 and 2 times C(T, 3), 3/2, 1 and 1 times C(T, 2), 1/6 times T, up to the sign of (-1)^3."""
    classes = table(3, sampling, "moment").where(order=3).by_value_class()
    found = defaultdict(list)
    for entry, parts in zip(classes, classes.parts.tolist(), strict=True):
        if share := -entry.coefficient(N=T, T=T) / comb(T, parts):
            found[parts].append(share)
    assert {parts: sorted(shares) for parts, shares in found.items()} == {
        1: [Fraction(1, 6)], 2: [1, 1, Fraction(3, 2)], 3: [2, 4],
    }
    sums = classes.coefficients(N=T, T=T, exact=True)
    assert sums.tolist() == [entry.coefficient(N=T, T=T) for entry in classes]
    assert_close(classes.coefficients(N=T, E=1), sums)


@every_kind
def test_arrays_are_broadcast(sampling, basis):
    rows = table(3, sampling, basis)
    N, B, T = np.array([[[12]], [[24]]]), np.array([[1], [4], [6]]), np.array([1, 2, 3, 30])
    cases = [(N, B, {"T": T}), (24, 4, {"T": [T.tolist()]}), ([12, 24], 3, {"T": 7}), (12, [1, 2], {"T": np.uint8([5, 200])}),
             (N, [[1], [2]], {"E": [1, 2, Fraction(7, 2)]}), (N, B, {"E": [1, 3]}), (12, 2, {"E": [1.0, 3.0]}), ([4.0, 6.0], 2.0, {"T": [[5.0], [2.0]]}),
             ([math.inf, 12, 8], [2, 2, 4], {"T": [5, 6, 7]}), (math.inf, 3, {"T": [[1], [10**30]]}), (12, 1, {"T": [10**25, 1]})]
    for points, batch, times in cases:
        (name, values), = times.items()
        exact = rows.coefficients(points, batch, exact=True, **times)
        arrays = np.broadcast_arrays(*(np.asarray(x, object) for x in (points, batch, values)))
        assert exact.shape == (len(rows), *arrays[0].shape)
        for at in np.ndindex(arrays[0].shape):
            one = {"N": arrays[0][at], "B": arrays[1][at], name: arrays[2][at]}
            right = expected(diagrams(3), sampling, basis, **one)
            assert exact[(slice(None), *at)].tolist() == right == [entry.coefficient(**one) for entry in rows]
        assert_close(rows.coefficients(points, batch, **times), exact)
    for empty in ({"N": 10, "T": []}, {"N": [], "T": 1}, {"N": np.ones((2, 0, 3)), "T": 4}):
        assert rows.coefficients(**empty).shape == (len(rows), *np.broadcast_shapes(*(np.shape(x) for x in empty.values())))


@every_kind
def test_a_thousand_times_at_once(sampling, basis, monkeypatch):
    """Floats are made in blocks of rows; the blocks make up the table, even if each is of one row."""
    T, some = np.arange(1, 1001), [0, 19, 20, 77, 999]
    for order, block in ((4, 1), (5, tables.SINGLE_THREAD)):
        monkeypatch.setattr(tables, "SINGLE_THREAD", block)
        found = table(order, sampling, basis).coefficients(100, 5, T)
        assert_close(found[:, some], table(order, sampling, basis).coefficients(100, 5, T[some], exact=True))


@every_kind
def test_huge_numbers(sampling, basis):
    rows = table(4, sampling, basis)
    big = 10**30
    for where in ({"N": big, "T": 5}, {"N": big, "B": 10**15, "T": big + 1}, {"N": 1000, "B": 10, "T": big}, {"N": big, "E": 3},
                  {"N": math.inf, "T": big}, {"N": math.inf, "B": 3.0, "T": big + 1}, {"N": 2**64, "B": 2, "T": 2**63}):
        right = expected(diagrams(4), sampling, basis, **where)
        assert rows.coefficients(**where, exact=True).tolist() == right
        assert_close(rows.coefficients(**where), right)
        assert rows["[a b[a]]"].coefficient(**where) == right[diagrams(4).index(fd.Diagram.parse("[a b[a]]"))]
    for where in ({"N": 10**120, "B": 10**60, "T": 10**200}, {"N": 10**400, "B": 10**200, "T": 5}, {"N": 6, "B": 2, "T": 10**120}):
        assert rows.coefficients(**where, exact=True).tolist() == expected(diagrams(4), sampling, basis, **where)
        with pytest.raises(TooLargeError, match="exact=True"):
            rows.coefficients(**where)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"N": 10}, "either the number of updates T, or of epochs E"), ({"N": 10, "T": 1, "E": 1}, "either"),
        ({"N": 10, "T": 0}, "T must be at least 1"), ({"N": 10, "T": [3, 0, 5]}, "T must be at least 1"),
        ({"N": 10, "T": 1.5}, "T must be a whole number"), ({"N": 10, "T": [1, 1.5]}, "T must be a whole number"),
        ({"N": "a", "T": 1}, "N must be a number or an array"), ({"N": 10, "B": 3, "T": 1}, "does not divide"),
        ({"N": 10, "B": [1, 2, 4], "T": 1}, "B = 4 does not divide"), ({"N": 10, "B": 20, "T": 1}, "exceeds N"),
        ({"N": [[1], [2, 3]], "T": 1}, "inhomogeneous"), ({"N": [1, 2], "T": [1, 2, 3]}, r"shapes \(2,\), \(\), \(3,\)"),
        ({"N": math.inf, "E": 1}, "give the number of updates T"), ({"N": 10, "T": math.inf}, "T = inf"),
        ({"N": 10, "T": math.nan}, "not nan"), ({"N": math.nan, "T": 1}, "not nan"), ({"N": 10, "T": True}, "not True"),
        ({"N": 10, "E": [Fraction(1, 3)]}, "10/3 updates"), ({"N": 10, "E": 0.5}, "E must be"), ({"N": 10, "T": 1j}, "not 1j"),
        ({"N": None, "T": 1}, "not None"), ({"N": [10, None], "T": 1}, "array of numbers, not"), ({"N": 10, "T": object()}, "not <object"),
        ({"N": 0, "T": 1}, "N must be at least 1"), ({"N": 10, "B": 0, "T": 1}, "B must be at least 1"), ({"N": 10, "E": -1}, "E must be"),
    ],
)
def test_bad_spacetimes(arguments, words):
    for exact in (False, True):
        with pytest.raises(InputError, match=words):
            table(2).coefficients(**arguments, exact=exact)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fd.table(11), "tables go to order 10, not 11"), (lambda: fd.table(-1), "order must be"),
        (lambda: fd.table("2"), "not '2'"), (lambda: fd.table(2.5), "not 2.5"), (lambda: fd.table(True), "not True"),
        (lambda: fd.table(2, "shuffle"), "unknown sampling 'shuffle'; known: reshuffle"), (lambda: fd.table(2, None), "unknown sampling"),
        (lambda: fd.table(2, "cyclic", "fuzzy"), "unknown basis 'fuzzy'"), (lambda: fd.table(2, path=5), "a folder is a text or a Path, not 5"),
        (lambda: fd.build(11), "tables go to order 10"), (lambda: fd.build(2, "x"), "unknown sampling"),
        (lambda: fd.build(2, directory=5), "a folder is a text or a Path"),
        (lambda: table(2)["[a a]"].coefficient(10, 3, 1), "does not divide"), (lambda: table(2)["[a a]"].coefficient(10), "give the number"),
        (lambda: table(2)["[a a]"].coefficient(10, T=math.inf), "T = inf"), (lambda: table(2)["[a a]"].coefficient(math.inf, E=1), "N = inf"),
        (lambda: table(2).to_pandas(N=3, T=[1]), "one N, B and T"), (lambda: table(2).to_arrow(N=3, T=1, exact=True), "Arrow has no column"),
    ],
)
def test_bad_arguments(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_a_lookup_does_not_import_numba():
    code = (
        "import sys, fastdiag as fd\n"
        "fd.table(4)['[a b[a]]'].coefficient(N=1000, B=10, E=3)\n"
        "fd.table(6, 'cyclic', 'moment').by_value_class().coefficients(N=1000, B=10, T=range(1, 20))\n"
        "print({'numba', 'sympy', 'matplotlib', 'pandas', 'pyarrow', 'rich', 'click'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "set()\n", done.stderr


@pytest.mark.parametrize("order", [0, 1, 4, 5])
def test_value_classes(order):
    plain = table(order)
    grouped = plain.by_value_class()
    classes = defaultdict(list)
    for D in diagrams(order):
        classes[D.value_class].append(D)
    assert [entry.diagrams for entry in grouped] == [tuple(members) for members in classes.values()]
    each = dict(zip(diagrams(order), plain.coefficients(6, 2, [3, 8], exact=True), strict=True))
    sums = [sum(each[D] for D in members).tolist() for members in classes.values()]
    assert grouped.coefficients(6, 2, [3, 8], exact=True).tolist() == sums
    assert_close(grouped.coefficients(6, 2, [3, 8]), sums)
    assert [entry.coefficient(6, 2, 8) for entry in grouped] == [row[1] for row in sums]
    assert grouped.by_value_class() is grouped
    for D in diagrams(order):
        assert D in grouped[D].diagrams
    assert grouped[-1].diagrams == tuple([*classes.values()][-1])
    backwards = grouped[::-1]
    assert [entry.diagrams for entry in backwards] == [tuple(members) for members in reversed(classes.values())]
    assert backwards.coefficients(6, 2, [3, 8], exact=True).tolist() == sums[::-1]
    with pytest.raises(InputError, match="differ in irreducible"):
        grouped.where(irreducible=True)
    rng = np.random.default_rng(order)
    for partial in (plain.where(irreducible=True), plain[rng.permutation(len(plain))[: len(plain) // 2]]):
        kept = {entry.diagram for entry in partial}
        if any(kept & set(members) and set(members) - kept for members in classes.values()):
            with pytest.raises(InputError, match="only in part"):
                partial.by_value_class()
    quiet = grouped.where(singleton_leaves=False)
    assert [e.diagrams for e in quiet] == [e.diagrams for e in plain.where(singleton_leaves=False).by_value_class()]
    for part in (plain[rng.permutation(len(plain))], plain.where(most_parts=2)):
        classes = defaultdict(list)  # in the order in which they are met
        for entry in part:
            classes[entry.diagram.value_class].append(entry.diagram)
        assert [entry.diagrams for entry in part.by_value_class()] == [tuple(members) for members in classes.values()]
        sums = [sum(each[D] for D in members).tolist() for members in classes.values()]
        assert part.by_value_class().coefficients(6, 2, [3, 8], exact=True).tolist() == sums
    assert repr(grouped).startswith(f"<coefficient table: {len(grouped)} value classes to order {order}")


def test_frames():
    classes = table(3).by_value_class()
    frame = classes.to_pandas(N=10, B=2, E=2)
    assert frame["diagram"].tolist() == [" + ".join(map(str, entry.diagrams)) for entry in classes]
    assert list(frame) == ["diagram", "order", "parts", "value_class", "coefficient"]
    rows = table(3)
    coefficients = rows.coefficients(10, 2, E=2).tolist()
    columns = {
        "diagram": [str(entry.diagram) for entry in rows], "order": rows.edges.tolist(), "parts": rows.parts.tolist(),
        "value_class": rows.value_class.tolist(), "automorphisms": rows.automorphisms.tolist(),
        "irreducible": rows.irreducible.tolist(),
    }
    for given_, right in (({}, columns), ({"N": 10, "B": 2, "E": 2}, columns | {"coefficient": coefficients})):
        frame = rows.to_pandas(**given_)
        assert {name: frame[name].tolist() for name in frame} == rows.to_arrow(**given_).to_pydict() == right
    exact = rows.to_pandas(N=10, B=2, E=2, exact=True)
    assert exact["coefficient"].tolist() == rows.coefficients(10, 2, E=2, exact=True).tolist()


def test_frames_without_their_libraries(monkeypatch):
    for name, call in (("pandas", table(1).to_pandas), ("pyarrow", table(1).to_arrow)):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(InputError, match=f"pip install {name}"):
            call()


@pytest.mark.parametrize("sampling", ["cyclic", "reshuffle", "replacement"])
@pytest.mark.parametrize("basis", ["moment", "cumulant"])
def test_tables_in_floats_keep_their_range(sampling, basis):
    table = fd.table(4, sampling, basis)
    for N, B, T in ((6 * 10**80, 10**77, 7 * 10**3), (6 * 10**80, 10**77, 7 * 10**9), (10**9, 10, 10**9 + 3), (12, 3, 11), (3, 1, 8)):
        exact = table.coefficients(N=N, B=B, T=T, exact=True)
        np.testing.assert_allclose(table.coefficients(N=N, B=B, T=T), exact.astype(float), rtol=1e-13)
