"""Drawing what is large, odd or no drawing at all: fast, refused, or fastdiag's own error."""

import time
from math import inf
from types import SimpleNamespace

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.drawing.outline import bands, way

Draw, ST = fd.drawing, fd.Spacetime
TOO_LARGE = fd.errors.TooLargeError


def star(leaves, parts):
    return fd.Diagram([-1] + [0] * leaves, [0] + [1 + i % parts for i in range(leaves)])


@pytest.mark.parametrize("parts", [1, 299])
def test_a_star_of_299_leaves(parts):
    start = time.monotonic()
    picture = Draw.diagram_svg(star(299, parts))
    assert picture.count("<circle") == 300
    assert picture.count('class="outline"') == (parts < 299) * parts
    assert time.monotonic() - start < 10


def test_bands_among_many_nodes_are_shortest_trees():
    """Straight, and of the length of scipy's minimum spanning tree."""
    from scipy.sparse.csgraph import minimum_spanning_tree
    from scipy.spatial import distance_matrix

    points = np.random.default_rng(0).normal(size=(200, 2))
    part = tuple(range(0, 200, 3))
    (band,) = bands(points, [part], 10.0, 12.0)
    assert all(curve.shape == (2, 2) for curve in band.curves)
    inside = points[list(part)]
    least = minimum_spanning_tree(distance_matrix(inside, inside)).sum()
    assert sum(np.linalg.norm(curve[1] - curve[0]) for curve in band.curves) == pytest.approx(least, rel=1e-12)
    assert way(points, 3, 5, 4.0).tolist() == points[[3, 5]].tolist()


@pytest.mark.parametrize("draw", [Draw.spacetime_text, Draw.spacetime_svg])
def test_spacetimes_too_large_to_list(draw):
    for st in (ST(2**62, 2, 2**62), ST(10**9, 1, 10**9), ST(10**9, 10**8, 3), ST(10**9, 1, 10**8, sampling="replacement")):
        with pytest.raises(TOO_LARGE, match="too many to list"):
            draw(st)
    with pytest.raises(fd.FastdiagError, match="T = inf"):
        draw(ST(4, 1, inf))


@pytest.mark.parametrize("st", [
    ST(1, 1, 5000), ST(2, 1, 5000), ST(2**62, 2, 5), ST(2**62, 1, 3, sampling="replacement"), ST(10**5000, 1, 5), ST(inf, 1, 7),
], ids=range(6))
def test_spacetimes_that_can_be_drawn(st):
    """Also those whose realisations cannot be listed for depth or number."""
    assert "░" in Draw.spacetime_text(st)
    assert Draw.spacetime_svg(st).startswith("<svg")


@pytest.mark.parametrize("sampling", ["cyclic", "reshuffle", "replacement"])
def test_batches_are_the_first_realisation(sampling):
    for N in (1, 2, 3, 4, inf):
        for B in (1, 2, 3):
            for T in range(1, 7):
                if B <= N and (N == inf or N % B == 0):
                    st = ST(N, B, T, sampling=sampling)
                    assert st.batches() == next(st.realisations())


def test_numbers_of_numpy():
    plain = Draw.spacetime_svg(ST(4, 2, 6), SimpleNamespace(cells=[(0, 0)]), "[a]", scale=0.5)
    st = SimpleNamespace(N=np.int8(4), B=np.uint8(2), T=np.int16(6), sampling="reshuffle", batches=ST(4, 2, 6).batches)
    for batches in (None, np.array(ST(4, 2, 6).batches(), np.uint8), [set(b) for b in ST(4, 2, 6).batches()]):
        found = Draw.spacetime_svg(st, SimpleNamespace(cells=np.zeros((1, 2), np.int8)), "[a]", batches, np.float32(0.5))
        assert found == plain
    assert Draw.diagrams_html(fd.diagrams(3), np.int8(2)) == Draw.diagrams_html(fd.diagrams(3), 2)
    assert Draw.table_html(fd.table(2), np.int8(2), np.float64(1)) == Draw.table_html(fd.table(2), 2, 1.0)


def test_masked_batches_are_refused():
    batches = np.ma.array([[0], [1]], mask=[[0], [1]])
    with pytest.raises(fd.FastdiagError, match="masked"):
        Draw.spacetime_svg(ST(2, 1, 2), batches=batches)


class Broken:
    """Of another's class: nothing about it can be read."""

    def __getattr__(self, name):
        raise RuntimeError(name)


JUNK = [None, 3, 2.5, "x", "", b"[a]", object(), Broken(), [], [None], {}, {"a": 1}, np.zeros(3), np.zeros((2, 2)), np.nan, 1j,
        True, [[[]]], range(3), lambda: 0, fd.Diagram, np.array("x"), np.ma.masked, 10**400, -1, inf]


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_junk(junk):
    table, st, laid = fd.table(2), ST(2, 1, 2), SimpleNamespace(cells=[(0, 0)], diagram="[a]")
    calls = [
        lambda: Draw.diagram_svg(junk), lambda: Draw.diagram_svg("[a]", junk), lambda: Draw.diagram_text(junk),
        lambda: Draw.diagrams_html(junk), lambda: Draw.diagrams_html([junk]), lambda: Draw.diagrams_html(fd.diagrams(2), junk),
        lambda: Draw.diagrams_html(fd.diagrams(2), 1, junk), lambda: Draw.table_html(junk), lambda: Draw.table_html(table, junk),
        lambda: Draw.table_html(table, 1, junk), lambda: Draw.spacetime_svg(junk), lambda: Draw.spacetime_text(junk),
        lambda: Draw.spacetime_svg(st, junk), lambda: Draw.spacetime_svg(st, laid, junk),
        lambda: Draw.spacetime_text(st, laid, junk),
        lambda: Draw.spacetime_svg(st, laid, "[a]", junk), lambda: Draw.spacetime_svg(st, laid, "[a]", [junk, junk]),
        lambda: Draw.spacetime_text(st, laid, "[a]", [[junk], [0]]), lambda: Draw.spacetime_svg(st, scale=junk),
        *(lambda name=name: Draw.spacetime_text(SimpleNamespace(**{**vars_of(st), name: junk})) for name in vars_of(st)),
        lambda: Draw.spacetime_text(st, SimpleNamespace(cells=junk, diagram="[a]")),
        lambda: Draw.spacetime_text(st, SimpleNamespace(cells=[junk], diagram="[a]")),
        lambda: Draw.spacetime_text(st, SimpleNamespace(cells=[(junk, 0)], diagram="[a]")),
        lambda: Draw.spacetime_text(st, SimpleNamespace(cells=[(0, 0)], diagram=junk)),
    ]
    for call in calls:
        try:
            found = call()
        except fd.FastdiagError as error:
            found = str(error) if 20 < len(str(error)) < 1500 else error
        assert isinstance(found, str)


def vars_of(st):
    return {"N": st.N, "B": st.B, "T": st.T, "sampling": st.sampling, "batches": st.batches}
