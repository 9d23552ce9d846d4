"""Spacetimes, and diagrams embedded in them: time runs right, one row for each training point."""

from __future__ import annotations

import math
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np

from ..arguments import shown
from ..diagram import Diagram
from ..door import door
from ..errors import InputError
from ..typing import FloatArray
from .grid import Batches, Cell, DrawnGrid, Placed, attribute, checked_grid, embedded_cells, shaded_cells
from .layout import node_names
from .outline import way
from .svg import DOT, add_outlines, add_tree, check_scale, framed, inline, short_number

COLUMNS_SHOWN, ROWS_SHOWN = 40, 24  # what a page has room for; the rest is an ellipsis
CELL = 24.0  # side of a cell
EPOCH_GAP = 7.0  # between the last update of an epoch and the first of the next
SHADE = "#e6e6e6"
SHADES_ON_CELLS = (("#bdbdbd", "#7c7c7c"), ("#cccccc", "#6a6a6a"), ("#b0b0b0", "#888888"))
SHADED, BLANK = "░", "·"


@door
def spacetime_svg(
    st: DrawnGrid,
    embedding: Placed | None = None,
    diagram: Diagram | str | None = None,
    batches: Batches | None = None,
    scale: float = 1.0,
) -> str:
    """A spacetime as SVG text, with an embedded diagram laid over it.

    Time runs right, one column for each update, a wider gap between epochs; one row for each training point.
    The cells of each batch are shaded. The root stands beyond the last column. At most 40 columns and 24 rows
    are drawn; nodes beyond them stand at the ellipsis, hollow.

    Parameters
    ----------
    st : a Spacetime
    embedding : where the diagram's nodes lie: `cells` holds (row, time) for nodes 1, 2, ...
    diagram : a Diagram or its text; `embedding.diagram` by default
    batches : the rows in the batch of each update, T sequences; by default `embedding.batches`, or else
        `st.batches()`
    scale : size on the page; at 1 a cell is 24 CSS pixels wide

    Returns
    -------
    str, well-formed XML. Shaded cells are `rect.shaded`, others `rect.blank`, numbers and names of the axes `text.axis`;
    the rest as in `diagram_svg`.

    Raises
    ------
    InputError : batches that do not fit the spacetime, cells that do not fit the diagram, a node in a cell
        that is not shaded, a diagram without an embedding
    TooLargeError : more than 100,000 rows in all batches

    Examples
    --------
    >>> import fastdiag as fd
    >>> picture = fd.drawing.spacetime_svg(fd.Spacetime(N=4, B=2, E=3))
    >>> picture.count('class="shaded"'), picture.count('class="blank"')
    (12, 12)
    """
    scale = check_scale(scale)
    return tostring(_element(_scene(st, embedding, diagram, batches), scale), encoding="unicode")


def spacetime_html(st: DrawnGrid, embedding: Placed | None = None) -> str:
    """A spacetime as notebooks show it."""
    return tostring(inline(_element(_scene(st, embedding, None, None), 1.0)), encoding="unicode")


@door
def spacetime_text(
    st: DrawnGrid,
    embedding: Placed | None = None,
    diagram: Diagram | str | None = None,
    batches: Batches | None = None,
) -> str:
    """A spacetime in lines of text: '░' where a row is in the batch, '·' elsewhere, letters where nodes lie.

    Parameters and errors are those of `spacetime_svg`. The diagram's edges are listed below the grid,
    each node as letter(row,time).

    Examples
    --------
    >>> import fastdiag as fd
    >>> print(fd.drawing.spacetime_text(fd.Spacetime(N=3, B=1, E=2)))
       0           5
    0  ░ · · │ ░ · ·
    1  · ░ · │ · ░ ·
    2  · · ░ │ · · ░
    """
    scene = _scene(st, embedding, diagram, batches)
    names = node_names(scene.diagram) if scene.diagram else []
    lying: dict[Cell, str] = {}
    for name, cell in zip(names[1:], scene.cells, strict=True):
        lying[cell] = lying.get(cell, "") + name
    columns = list(range(scene.columns + scene.more_columns))
    widths = [max([1, *(len(text) for (_, t), text in lying.items() if t == time)]) for time in columns]
    gutter = len(str(scene.rows)) + 2
    lines = [" " * gutter]
    for row in range(scene.rows + scene.more_rows):
        line = ("⋮" if row == scene.rows else str(row)).ljust(gutter)
        for time in columns:
            if time:
                line += " │ " if time % scene.epoch == 0 else " "
            if row == 0 and time % 5 == 0 and time < scene.columns:
                lines[0] = lines[0].ljust(len(line)) + str(time)
            if row == scene.rows or time == scene.columns:
                blank = "⋮" if row == scene.rows else "…"
            else:
                blank = SHADED if row in scene.shaded[time] else BLANK
            line += lying.get((row, time), "").ljust(widths[time], blank)
        lines.append(line)
    if scene.diagram:
        ends = [row for (row, _), up in zip(scene.cells, scene.diagram.parents[1:], strict=True) if up == 0]
        root_row = round(sum(ends) / len(ends)) if ends else scene.rows // 2
        lines[1 + root_row] += "   " + names[0]
        lines += [
            f"{_at(names, scene, node)} → {_at(names, scene, scene.diagram.parents[node])}"
            for node in range(1, scene.diagram.order + 1)
        ]
    return "\n".join([*(line.rstrip() for line in lines), *([scene.note] if scene.note else [])])


@dataclass(frozen=True)
class _Scene:
    rows: int  # shown
    columns: int
    more_rows: bool  # than are shown
    more_columns: bool
    epoch: int  # updates to an epoch
    shaded: tuple[frozenset[int], ...]
    diagram: Diagram | None
    placed: tuple[Cell, ...]  # of nodes 1, 2, ...
    note: str
    title: str

    @property
    def beyond(self) -> list[int]:
        """Nodes beyond the cells shown."""
        lies = enumerate(self.placed, 1)
        return [node for node, (row, time) in lies if row >= self.rows or time >= self.columns]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Where the nodes are drawn: what lies beyond the cells shown stands at the ellipsis."""
        return tuple((min(row, self.rows), min(time, self.columns)) for row, time in self.placed)


def _scene(
    st: DrawnGrid, embedding: Placed | None, diagram: Diagram | str | None, batches: Batches | None
) -> _Scene:
    st = checked_grid(st)
    points = shown(st.N)
    if embedding is None and diagram is not None:
        raise InputError("give the embedding that places the diagram's nodes; diagram_svg draws it alone")
    if batches is None:
        batches = attribute(embedding, "batches")
    shaded = shaded_cells(st, st.batches() if batches is None else batches)
    D: Diagram | None = None
    placed: tuple[Cell, ...] = ()
    if embedding is not None:
        D, placed = embedded_cells(st, embedding, diagram, shaded)
    rows, columns = int(min(st.N, ROWS_SHOWN)), int(min(st.T, COLUMNS_SHOWN))
    more_rows, more_columns = rows < st.N, columns < st.T
    cut = [f"first {columns} of {st.T} updates"] * more_columns
    of = "infinitely many" if st.N == math.inf else points
    cut += [f"first {rows} of {of} training points"] * more_rows
    note = ", ".join(cut) + "; nodes beyond at the ellipsis" * any(
        row >= rows or time >= columns for row, time in placed
    )
    title = f"{f'{D} in ' if D else ''}spacetime N = {points}, B = {st.B}, T = {st.T}, {st.sampling}"
    title += f", last = {st.last}" if st.last else ""
    # with replacement, or with fresh data for ever, there are no epochs to set apart
    epoch = len(shaded) + 1 if st.sampling == "replacement" or st.N == math.inf else int(st.N) // st.B
    epoch += st.last == "keep"
    return _Scene(rows, columns, more_rows, more_columns, epoch, shaded, D, placed, note, title)


def _element(scene: _Scene, scale: float) -> Element:
    """The `svg` element of a spacetime."""
    art = Element("g")
    style = {"stroke": SHADE, "stroke-width": "0.8"}
    fills = {kind: SubElement(art, "g", style | {"fill": fill}) for kind, fill in (("shaded", SHADE), ("blank", "none"))}
    side = short_number(CELL - 2)
    for time in range(scene.columns):
        for row in range(scene.rows):
            kind = "shaded" if row in scene.shaded[time] else "blank"
            x, y = _centre(scene, (row, time)) - CELL / 2 + 1
            where = {"x": short_number(x), "y": short_number(y), "width": side, "height": side, "rx": "2"}
            SubElement(fills[kind], "rect", {"class": kind, **where})
    first, last = _centre(scene, (0, 0)), _centre(scene, (scene.rows - 1, scene.columns - 1))
    extent = [first - CELL / 2, last + CELL / 2, *_add_axes(art, scene), *_add_ellipses(art, scene)]
    if scene.diagram is not None:
        extent += _add_embedding(art, scene, scene.diagram)
    return framed(art, np.vstack(extent), 8.0, scene.title, scale)


def _at(names: list[str], scene: _Scene, node: int) -> str:
    return names[node] + ("({},{})".format(*scene.placed[node - 1]) if node else "")


def _centre(scene: _Scene, cell: Cell) -> FloatArray:
    row, time = cell
    return np.array([CELL * (time + 0.5) + EPOCH_GAP * (time // scene.epoch), CELL * (row + 0.5)])


def _add_axes(art: Element, scene: _Scene) -> list[FloatArray]:
    """Numbers of some rows and columns, and what they count."""
    for time in range(0, scene.columns, 5):
        _add_text(art, "axis", str(time), (_centre(scene, (0, time))[0], -5), 10)
    for row in range(0, scene.rows, 1 if scene.rows <= 10 else 5):
        _add_text(art, "axis", str(row), (-5, _centre(scene, (row, 0))[1] + 3.5), 10, "end")
    middle = _centre(scene, (scene.rows - 1, scene.columns - 1)) / 2 + CELL / 4
    _add_text(art, "axis", "update", (middle[0], -17), 11)
    name = _add_text(art, "axis", "training point", (-22, middle[1]), 11)
    name.set("transform", f"rotate(-90 {name.get('x')} {name.get('y')})")
    half = 36  # of the rotated name
    return [np.array([[-30, -27], [-30, middle[1] - half], [-30, middle[1] + half]])]


def _add_ellipses(art: Element, scene: _Scene) -> list[FloatArray]:
    if not scene.note:
        return []
    marks = [("⋯", (scene.rows // 2, scene.columns))] * scene.more_columns
    marks += [("⋮", (scene.rows, scene.columns // 2))] * scene.more_rows
    for mark, cell in marks:
        x, y = _centre(scene, cell)
        _add_text(art, "ellipsis", mark, (x, y + 5), 18)
    y = CELL * (scene.rows + scene.more_rows + 0.6)
    _add_text(art, "note", scene.note, (1, y), 12, "start")
    width = 7 * len(scene.note)
    return [np.array([[1, y], [width, y]]), *(_centre(scene, cell) + CELL / 2 for _, cell in marks)]


def _add_text(
    art: Element, name: str, text: str, at: tuple[float, float], size: int, anchor: str = "middle"
) -> Element:
    where = {"x": short_number(at[0]), "y": short_number(at[1]), "text-anchor": anchor, "font-size": str(size)}
    element = SubElement(art, "text", {"class": name, **where, "fill": "#555", "font-family": "sans-serif"})
    element.text = text
    return element


def _add_embedding(art: Element, scene: _Scene, D: Diagram) -> list[FloatArray]:
    """Outlines, edges and dots of the embedded diagram."""
    points = np.zeros((D.order + 1, 2))
    for cell in set(scene.cells):
        nodes = [node for node, lies in enumerate(scene.cells, 1) if lies == cell]
        points[nodes] = _centre(scene, cell) + _side_by_side(len(nodes))
    heights = [points[child, 1] for child in D.children[0]] or [CELL * scene.rows / 2]
    end = scene.columns - 1 + scene.more_columns
    points[0] = _centre(scene, (0, end))[0] + 1.25 * CELL, float(np.mean(heights))
    lies = (None, *scene.cells)
    spread = [part for part in D.parts if len({lies[node] for node in part}) > 1]
    wrapped = add_outlines(art, points, spread, SHADES_ON_CELLS)
    ways = [way(points, node, D.parents[node], DOT + 2) for node in range(1, D.order + 1)]
    add_tree(art, points, ways, scene.beyond)
    return [points, *wrapped]


def _side_by_side(count: int) -> FloatArray:
    """Offsets of the nodes that share a cell, (count, 2): up to three in one line, more in several lines."""
    across = count if count <= 3 else math.ceil(math.sqrt(count))
    places = np.array([(k % across, k // across) for k in range(count)], np.float64)
    offsets: FloatArray = (places - places.max(axis=0) / 2) * min(8.0, 0.8 * CELL / across)
    return offsets
