"""Rows of tables: which diagrams they are, filters, indexing, drawings."""

import xml.etree.ElementTree as ET
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastdiag as fd
from fastdiag.errors import DiagramIndexError, InputError


@cache
def table(order, sampling="reshuffle", basis="cumulant"):
    return fd.table(order, sampling, basis)


@cache
def diagrams(order):
    """All diagrams to an order, made without a table."""
    return [D for d in range(order + 1) for D in fd.diagrams(d)]


def test_rows_are_the_diagrams():
    rows = table(6)
    assert len(rows) == 6685
    assert [len(table(d)) for d in range(7)] == [1, 2, 6, 23, 124, 824, 6685]
    for i in [*range(124), *range(124, 6685, 97)]:
        D, entry = diagrams(6)[i], rows[i]
        assert entry.diagrams == (D,)
        assert entry.diagram == rows[-6685 + i].diagram == D
        assert D.automorphisms == entry.diagram.automorphisms == rows.automorphisms[i]
        assert rows.edges[i] == D.order
        assert rows.parents[i].tolist() == [*D.parents, *[-1] * (6 - D.order)]
        assert rows.blocks[i].tolist() == [*D.blocks, *[-1] * (6 - D.order)]
        assert rows.irreducible[i] == D.is_irreducible
        assert rows.parts[i] == len(D.parts) - 1
        assert rows.part_sizes[i].tolist() == [*map(len, D.parts), *[0] * (7 - len(D.parts))]
        assert rows.singleton_leaves[i] == any(len(part) == 1 and D.degrees[part[0]] == 1 for part in D.parts)
        assert diagrams(6)[rows.value_class[i]] == D.value_class
    assert [entry.diagram for entry in table(3)] == diagrams(3)
    assert repr(rows) == "<coefficient table: 6,685 diagrams to order 6, reshuffle, cumulant basis>"
    assert repr(rows["[a a]"]) == "<[a a]: reshuffle, cumulant basis>"


CONDITIONS = {
    "order": lambda D, d: D.order == d,
    "irreducible": lambda D, want: D.is_irreducible == want,
    "most_parts": lambda D, most: len(D.parts) - 1 <= most,
    "largest_part": lambda D, most: max(map(len, D.parts)) <= most,
    "singleton_leaves": lambda D, want: want == any(
        len(part) == 1 and D.degrees[part[0]] == 1 for part in D.parts
    ),
}


@given(
    st.fixed_dictionaries({}, optional={
        "order": st.integers(0, 6), "irreducible": st.booleans(), "most_parts": st.integers(0, 5),
        "largest_part": st.integers(1, 5), "singleton_leaves": st.booleans(),
    })
)
def test_where(conditions):
    right = [D for D in diagrams(5) if all(CONDITIONS[name](D, value) for name, value in conditions.items())]
    left = table(5, "cyclic").where(**conditions)
    assert [entry.diagram for entry in left] == right
    if right:
        assert left.coefficients(6, 2, 7, exact=True).tolist() == [fd.coefficient(D, fd.Spacetime(6, 2, 7, sampling="cyclic")) for D in right]


def test_indexing():
    rows = table(4)
    D = fd.Diagram.parse("[a b[a]]")
    i = diagrams(4).index(D)
    for index in (i, i - 124, np.int64(i), "[b[a] a]", D):
        assert rows[index].diagram == D
    mask = rows.automorphisms == 2
    for index in (slice(3, 9, 2), slice(None, None, -1), [5, 3, 3], np.array([0, -1]), mask, mask.tolist(), ..., [], slice(0, 0)):
        picked = [diagrams(4)[k] for k in np.arange(124)[index]]
        part = rows[index]
        assert [entry.diagram for entry in part] == picked
        assert part.automorphisms.tolist() == [D.automorphisms for D in picked]
        assert part.coefficients(4, 2, 5, exact=True).tolist() == [fd.coefficient(D, fd.Spacetime(4, 2, 5)) for D in picked]
    assert rows[10:][D].diagram == D
    assert rows[mask]["[a b]"].diagram == fd.Diagram.parse("[a b]")
    two = rows.by_value_class()[[2, 0, 2]]
    assert [entry.diagrams for entry in two] == [rows.by_value_class()[k].diagrams for k in (2, 0, 2)]
    nothing = rows[[]]
    assert len(nothing) == len(list(nothing)) == len(nothing.by_value_class()) == 0
    assert nothing.part_sizes.shape == nothing.parents.shape == (0, 5)
    assert nothing.coefficients(10, T=[1, 2]).shape == (0, 2)


@pytest.mark.parametrize(
    "index",
    ["[a b c d e]", "a[a]", 124, -125, "[a a]", None, True, np.True_, 0.5, [0.5], [True], [200], np.array(3), np.array([[0, 1]]),
     (0, 1), {1: 2}, b"[a]", np.zeros((124, 2), bool)],
)
def test_what_is_no_index(index):
    """'[a a]' is no row of the part that is indexed, all others of no table."""
    rows = table(4)
    part = rows.where(largest_part=1) if isinstance(index, str) and index == "[a a]" else rows
    for which in (part, part.by_value_class()):
        with pytest.raises(DiagramIndexError, match=r"not in this table|no row|is indexed by"):
            which[index]
    with pytest.raises(fd.errors.DiagramSyntaxError):
        rows["[a b"]


def test_notebooks_see_drawings():
    for rows, pictures in ((table(3), 23), (table(4), 30), (table(2).by_value_class(), 6), (table(2)[[]], 0)):
        page = ET.fromstring(rows._repr_html_())
        lines = page.findall("table/tbody/tr")
        assert len(lines) == min(30, len(rows))
        assert len(list(page.iter("svg"))) + len(list(page.iter("{http://www.w3.org/2000/svg}svg"))) == pictures
        assert [line.findall("td")[1].text for line in lines] == [" + ".join(map(str, e.diagrams)) for e in rows[:30]]
        assert ("more" in "".join(page.itertext())) == (len(rows) > 30)


def test_what_vanishes_at_a_minimum_has_a_singleton_leaf():
    """Values of diagrams that are left out do vanish where the mean gradient does; others do not."""
    rng = np.random.default_rng(0)
    gradients, hessians, thirds = rng.normal(size=(7, 1)), rng.normal(size=(7, 1, 1)), rng.normal(size=(7, 1, 1, 1))
    land = fd.landscapes.samples(np.zeros(7), gradients - gradients.mean(axis=0), hessians, thirds)
    for entry, gone in zip(table(3), table(3).singleton_leaves.tolist(), strict=True):
        if entry.diagram.order:
            assert (abs(fd.uvalue(entry.diagram, land)) < 1e-12) == gone


def test_entries_are_compared_by_what_they_are():
    one, other = table(3), table(3)
    assert one["[a]"] == other["[a]"] != one["[a a]"]
    assert len({one["[a]"], other["[a]"]}) == 1
    assert one["[a]"] in other
    assert "[a a]" in one
    assert fd.Diagram.parse("[a b c d]") not in one
    assert table(3, basis="moment")["[a]"] not in one


@pytest.mark.parametrize(
    ("call", "words"),
    [(lambda: table(2).where(order="2"), "order must be a whole number"), (lambda: table(2).where(order=2.5), "whole number"),
     (lambda: table(2).where(irreducible="no"), "True or False"), (lambda: table(2).where(singleton_leaves="x"), "True or False"),
     (lambda: table(2).where(most_parts="2"), "whole number"), (lambda: table(2).where(order=[1, 2]), "whole number"),
     (lambda: table(6).coefficients(N=10, T=range(1, 10**6)), "GiB"), (lambda: table(2).coefficients(N=10, T={1, 2}), "T or E must be"),
     (lambda: fd.build(7, executor=4), "executor must be"), (lambda: fd.table(2, path="/nonexistent"), "must be a folder"),
     (lambda: table(2).coefficients(N=10, E=0.5), r"Fraction\(1, 2\)")],
)
def test_choices_that_are_none(call, words):
    with pytest.raises((InputError, fd.errors.TooLargeError), match=words):
        call()
    with pytest.raises(ValueError, match="read-only"):
        table(2).irreducible[0] = False
