"""Pictures: well formed, root rightmost, every band around its own nodes only."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from string import ascii_lowercase
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.drawing import diagram_svg, diagram_text, diagrams_html, spacetime_svg, spacetime_text
from fastdiag.drawing.outline import bands, way
from fastdiag.errors import InputError

SVG = "{http://www.w3.org/2000/svg}"
SMALL = [D for order in range(5) for D in fd.diagrams(order, root_shares=True)]
LARGE = [
    "[a b c d[a[b]]]",
    "a[b[c[d[d[c[b[a]]]]]]]",
    "[a[b[c[a[b[c[a[b[c]]]]]]]]]",
    "[a[b c d] b[c d a] c[d a b] d[a b c]]",
    "[a[b[c d e] c[d e a]] b[d[e a b] e[a b c]] c d e]",
]


class Spacetime(SimpleNamespace):
    """The least that a spacetime must offer to be drawn: batches in order, epoch after epoch."""

    N: int
    B: int
    T: int
    sampling = "cyclic"

    def batches(self):
        return tuple(tuple((t * self.B + b) % self.N for b in range(self.B)) for t in range(self.T))


def elements(root, tag, name):
    return [e for e in root.iter(SVG + tag) if name in e.get("class", "").split()]


def dots(root):
    return np.array([(float(e.get("cx")), float(e.get("cy"))) for e in elements(root, "circle", "node")])


def traced(data):
    """The polyline that path data made of M, L and Q run along; one piece for each M."""
    pieces, t = [], np.linspace(0, 1, 9)[1:, None]
    for command, numbers in re.findall(r"([MLQ])([^MLQ]+)", data):
        ends = np.array(re.findall(r"-?[\d.]+", numbers), float).reshape(-1, 2)
        if command == "M":
            pieces.append([ends])
        elif command == "L":
            pieces[-1].append(ends)
        else:
            here = pieces[-1][-1][-1]
            pieces[-1].append((1 - t) ** 2 * here + 2 * t * (1 - t) * ends[0] + t**2 * ends[1])
    return [np.concatenate(piece) for piece in pieces]


def outlines(root):
    """For each outline: the polylines in its middle, its half width."""
    for outline in elements(root, "g", "outline"):
        band = max(elements(outline, "path", "band"), key=lambda path: float(path.get("stroke-width")))
        yield traced(band.get("d")), float(band.get("stroke-width")) / 2


def gap(pieces, dot):
    """Distance from a dot to polylines."""
    return min(distance(piece, dot) for piece in pieces)


def distance(corners, dot):
    start, along, to = corners[:-1], np.diff(corners, axis=0), dot - corners[:-1]
    share = np.clip((along * to).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-9), 0, 1)
    return np.linalg.norm(dot - start - share[:, None] * along, axis=1).min()


@cache
def picture(D):
    return ElementTree.fromstring(diagram_svg(D))


@pytest.mark.parametrize("D", [*SMALL, *map(fd.Diagram.parse, LARGE)], ids=str)
def test_diagram_svg(D):
    root = picture(D)
    points, (left, top, width, height) = dots(root), map(float, root.get("viewBox").split())
    assert root.find(SVG + "title").text == str(D)
    assert len(points) == D.order + 1
    assert (points[1:, 0] < points[0, 0]).all(), "the root is rightmost"
    assert len(elements(root, "path", "edge")) == D.order
    radius = float(elements(root, "circle", "node")[0].get("r"))
    wrapped = [part for part in D.parts if len(part) > 1]
    found = list(outlines(root))
    assert len(found) == len(wrapped), "one outline for each part of two nodes or more"
    for part, (middle, half) in zip(wrapped, found, strict=True):
        for node, point in enumerate(points):
            if node in part:
                assert gap(middle, point) < 0.02
            else:
                assert gap(middle, point) > half + radius, f"the outline of {part} covers node {node}"
        inside = np.concatenate(middle) - (left, top)
        assert (inside > half).all()
        assert (inside < np.array([width, height]) - half).all()


@pytest.mark.parametrize("D", [*SMALL, *map(fd.Diagram.parse, LARGE)], ids=str)
def test_edges_join_nodes_to_parents(D):
    root = picture(D)
    points = dots(root)
    for node, edge in enumerate(elements(root, "path", "edge"), 1):
        (line,) = traced(edge.get("d"))
        assert line == pytest.approx(points[[node, D.parents[node]]])
        others = [k for k in range(D.order + 1) if k not in (node, D.parents[node])]
        assert all(distance(line, points[k]) > 3 for k in others), "no edge runs through another node"


def test_diagrams_differ_in_their_pictures():
    drawn = {tuple((e.tag, *e.attrib.values()) for e in picture(D).iter()) for D in SMALL}
    assert len(drawn) == len(SMALL)


def test_svg_is_deterministic_and_scales():
    assert diagram_svg("[a b[a]]") == diagram_svg(fd.Diagram.parse("[b[a] a]"))
    small, large = (ElementTree.fromstring(diagram_svg("[a b]", scale)) for scale in (1, 3))
    assert float(large.get("width")) == pytest.approx(3 * float(small.get("width")), rel=1e-3)
    assert large.get("viewBox") == small.get("viewBox")


@pytest.mark.parametrize("D", [*SMALL, *map(fd.Diagram.parse, LARGE)], ids=str)
def test_diagram_text_has_every_letter(D):
    lines = diagram_text(D).split("\n")
    letters = Counter("".join(lines))
    want = Counter(re.findall("[a-z]", str(D)))
    assert {letter: letters[letter] for letter in ascii_lowercase if letters[letter]} == want
    assert letters["●"] == (not D.root_shares)
    assert len(lines) == sum(not children for children in D.children)
    ends = [line[-1] for line in lines if len(line) == max(map(len, lines))]
    assert len(ends) == 1, "the root alone is rightmost"
    assert ends[0] == (str(D)[0] if D.root_shares else "●")


def test_diagram_text_shows_the_tree():
    assert diagram_text("[a b[a c d] e]").split("\n") == [
        "    a─╮",
        "    b─┼─●",
        "a─╮   │",
        "d─┼─c─╯",
        "e─╯",
    ]


def test_diagram_text_of_many_parts():
    nodes = [f"z{k}" for k in range(30)]
    lines = diagram_text(f"[{' '.join(nodes)}]")
    assert "d1─" in lines
    assert "a──" in lines


@pytest.mark.parametrize(
    ("N", "B", "T", "sampling"), [(4, 1, 8, "cyclic"), (6, 2, 7, "reshuffle"), (5, 3, 4, "replacement")]
)
def test_spacetime_shades_the_batches(N, B, T, sampling):
    st = Spacetime(N=N, B=B, T=T, sampling=sampling)
    root = ElementTree.fromstring(spacetime_svg(st))
    assert len(elements(root, "rect", "shaded")) == B * T
    assert len(elements(root, "rect", "blank")) == (N - B) * T
    assert spacetime_text(st).count("░") == B * T
    columns = sorted({float(e.get("x")) for e in root.iter(SVG + "rect")})
    steps = np.diff(columns)
    wider = [t + 1 for t in np.flatnonzero(steps > steps.min() + 1)]
    assert wider == ([] if sampling == "replacement" else list(range(N // B, T, N // B)))


def test_shaded_cells_stand_where_the_batches_say():
    batches = ((2, 0), (1,), ())
    root = ElementTree.fromstring(spacetime_svg(Spacetime(N=3, B=1, T=3), batches=batches))
    xs = sorted({float(e.get("x")) for e in root.iter(SVG + "rect")})
    ys = sorted({float(e.get("y")) for e in root.iter(SVG + "rect")})
    shaded = elements(root, "rect", "shaded")
    where = {(ys.index(float(e.get("y"))), xs.index(float(e.get("x")))) for e in shaded}
    assert where == {(0, 0), (2, 0), (1, 1)}


def test_embedding_lies_on_its_cells():
    st = Spacetime(N=3, B=3, T=4, sampling="cyclic")
    D = fd.Diagram.parse("[a b[a] a]")
    cells = [(2, 3), (2, 3), (0, 1), (2, 0)]  # the first two share a cell
    root = ElementTree.fromstring(spacetime_svg(st, SimpleNamespace(cells=cells, diagram=D)))
    points = dots(root)
    assert len({tuple(point) for point in points}) == 5
    xs = sorted({float(e.get("x")) for e in root.iter(SVG + "rect")})
    ys = sorted({float(e.get("y")) for e in root.iter(SVG + "rect")})
    side = float(next(root.iter(SVG + "rect")).get("width"))
    for (row, time), (x, y) in zip(cells, points[1:], strict=True):
        assert xs[time] < x < xs[time] + side
        assert ys[row] < y < ys[row] + side
    assert points[0, 0] > max(xs) + side, "the root stands beyond the last column"
    (middle, half), = outlines(root)
    assert all(gap(middle, points[node]) < 0.02 for part in D.parts if len(part) > 1 for node in part)
    assert half > 0


def test_part_in_one_cell_has_no_outline():
    st = Spacetime(N=2, B=2, T=3)
    root = ElementTree.fromstring(spacetime_svg(st, SimpleNamespace(cells=[(1, 1), (1, 1)]), "[a a]"))
    assert not elements(root, "g", "outline")


def test_embedding_in_text():
    st = Spacetime(N=3, B=1, T=6)
    embedding = SimpleNamespace(cells=((0, 3), (1, 4), (0, 0)), diagram=fd.Diagram.parse("[a b[a]]"))
    assert spacetime_text(st, embedding).split("\n") == [
        "   0           5",
        "0  a · · │ a · ·   ●",
        "1  · ░ · │ · b ·",
        "2  · · ░ │ · · ░",
        "a(0,3) → ●",
        "b(1,4) → ●",
        "a(0,0) → b(1,4)",
    ]


def test_batches_of_the_embedding_win():
    st = Spacetime(N=2, B=1, T=2)
    embedding = SimpleNamespace(cells=[(1, 0)], diagram="[a]", batches=((1,), (0,)))
    assert "0  · ░" in spacetime_text(st, embedding)
    assert "0  ░ ░" in spacetime_text(st, embedding, batches=((0, 1), (0,)))


def test_large_spacetimes_end_in_an_ellipsis():
    st = Spacetime(N=50, B=1, T=100)
    embedding = SimpleNamespace(cells=[(40, 40), (10, 60), (3, 3)], diagram="[a b c]")
    note = "first 40 of 100 updates, first 24 of 50 training points; nodes beyond at the ellipsis"
    root = ElementTree.fromstring(spacetime_svg(st, embedding))
    assert [e.text for e in elements(root, "text", "note")] == [note]
    assert len(elements(root, "text", "ellipsis")) == 2
    assert len(elements(root, "rect", "shaded")) == 24  # of the first epoch
    hollow = [e.get("fill") == "#fff" for e in elements(root, "circle", "node")]
    assert hollow == [False, True, True, False]
    assert spacetime_text(st, embedding).endswith(note)
    assert "ellipsis" not in spacetime_text(Spacetime(N=4, B=1, T=4))


def test_html_grid():
    page = ElementTree.fromstring(diagrams_html(fd.diagrams(4), limit=7))
    assert len(list(page.iter(SVG + "svg"))) == 7
    captions = ["".join(caption.itertext()) for caption in page.iter("figcaption")]
    assert captions[0] == "[a a a a]|Aut| = 24"
    assert [p.text for p in page.iter("p")] == ["... and 94 more"]
    assert "more" not in diagrams_html(fd.diagrams(2))
    assert "no diagrams" in diagrams_html(fd.diagrams(2)[:0])


def test_bands_in_crowded_places():
    """Nodes closer than the clearance, and a node walled in, are still joined."""
    close = np.array([[0.0, 0.0], [3.0, 0.0], [6.0, 0.0]])
    band, = bands(close, [(0, 2)], 10.0, 12.0)
    assert band.curves[0][[0, -1]].tolist() == close[[0, 2]].tolist()
    assert distance(band.curves[0], close[1]) > 2, "not through the node between them"
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = 20 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    wall = np.concatenate([[[0.0, 0.0], [60.0, 0.0]], ring])
    assert way(wall, 0, 1, 9.0).tolist() == [[0, 0], [60, 0]]


ST = Spacetime(N=3, B=1, T=3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: diagram_svg(7), "expected a Diagram"),
        (lambda: diagram_text(None), "expected a Diagram"),
        (lambda: diagram_svg("[a"), "never closed"),
        (lambda: diagram_svg("[a]", scale=0), "scale must be a positive number"),
        (lambda: diagram_svg("[a]", scale=float("nan")), "scale must be a positive number"),
        (lambda: diagrams_html("[a]"), "expected diagrams"),
        (lambda: diagrams_html(fd.diagrams(2), limit=-1), "limit must be"),
        (lambda: spacetime_svg(3), "expected a Spacetime"),
        (lambda: spacetime_text(ST, diagram="[a]"), "give the embedding"),
        (lambda: spacetime_text(ST, SimpleNamespace(cells=[(0, 0)])), "which diagram"),
        (lambda: spacetime_text(ST, SimpleNamespace(cells=[(0, 0)]), "[a b]"), "has 2 nodes besides"),
        (lambda: spacetime_text(ST, SimpleNamespace(cells=[3]), "[a]"), "an embedding has cells"),
        (lambda: spacetime_text(ST, SimpleNamespace(cells=[(0, 3)]), "[a]"), "outside 3 rows x 3 times"),
        (lambda: spacetime_text(ST, SimpleNamespace(cells=[(0, 1)]), "[a]"), "not in that batch"),
        (lambda: spacetime_svg(ST, batches=[[0]]), "all T = 3 updates"),
        (lambda: spacetime_svg(ST, batches=[[0], [1], [3]]), "rows go from 0 to 2"),
        (lambda: spacetime_svg(ST, batches=[0, 1, 2]), "3 sequences of rows"),
    ],
)
def test_errors(call, message):
    with pytest.raises(InputError, match=re.escape(message)):
        call()
