"""Diagrams as SVG, and grids of them as HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np

from ..arguments import instance, real, shown, whole
from ..diagram import Diagram, Diagrams
from ..door import door
from ..errors import InputError, TooLargeError
from ..typing import FloatArray
from .layout import tree_positions
from .outline import bands

if TYPE_CHECKING:
    from ..coefficients import CoefficientTable

DOT = 2.0  # radius of a node
BAND = 12.0  # width of an outline
CLEARANCE = BAND / 2 + DOT + 2.2
MARGIN = 10.0
LEAST_SCALE, MOST_SCALE = 1e-3, 1e4
MOST_PICTURES = 10_000  # on one page
SHADES = (("#d4d4d4", "#a8a8a8"), ("#e0e0e0", "#8f8f8f"), ("#c8c8c8", "#b0b0b0"))  # (band, border), in turn
INK = "#222"


@door
def diagram_svg(diagram: Diagram | str, scale: float = 1.0) -> str:
    """A diagram as SVG text: the root rightmost, a soft grey outline around each part of two nodes or more.

    Parameters
    ----------
    diagram : a Diagram or its text
    scale : size on the page; at 1 an edge takes 30 CSS pixels from left to right

    Returns
    -------
    str, well-formed XML that stands alone and can be put into HTML as it is. Outlines are `g.outline`, edges
    `path.edge`, nodes `circle.node` in node order; the title is the diagram's text.

    Raises
    ------
    InputError : not a diagram; scale is not a positive number

    Examples
    --------
    >>> import fastdiag as fd
    >>> picture = fd.drawing.diagram_svg("[a b[a]]")
    >>> picture.startswith("<svg"), picture.count("<circle"), picture.count('class="outline"')
    (True, 4, 1)
    """
    return tostring(diagram_element(Diagram.of(diagram), check_scale(scale)), encoding="unicode")


@door
def diagrams_html(ds: Diagrams | Sequence[Diagram], limit: int = 60, scale: float = 1.0) -> str:
    """A grid of drawn diagrams, each with its text and |Aut|, as HTML.

    Parameters
    ----------
    ds : diagrams, as `fastdiag.diagrams` lists them or any sequence of Diagram
    limit : how many to draw at most; the rest is counted in a last line
    scale : as for `diagram_svg`

    Raises
    ------
    InputError : not diagrams, a negative limit, a scale that is not a positive number
    TooLargeError : more than 10,000 diagrams to draw

    Examples
    --------
    >>> import fastdiag as fd
    >>> page = fd.drawing.diagrams_html(fd.diagrams(4), limit=10)
    >>> page.count("<svg"), "... and 91 more" in page
    (10, True)
    """
    if not isinstance(ds, Diagrams | list | tuple):
        raise InputError(f"expected diagrams such as fastdiag.diagrams(4), not {shown(ds)}; diagram_svg draws one")
    limit, scale = check_limit(limit, len(ds), "diagrams"), check_scale(scale)
    page = Element("div", {"class": "fastdiag"})
    grid = SubElement(
        page, "div", {"style": "display:flex;flex-wrap:wrap;gap:14px 22px;align-items:flex-end"}
    )
    for index in range(min(limit, len(ds))):
        D = Diagram.of(ds[index])
        figure = SubElement(grid, "figure", {"style": "margin:0;text-align:center"})
        figure.append(diagram_element(D, scale))
        caption = SubElement(figure, "figcaption", {"style": "font:11px monospace"})
        caption.text = str(D)
        SubElement(caption, "br").tail = f"|Aut| = {D.automorphisms}"
    if not len(ds):
        SubElement(page, "p").text = "no diagrams"
    elif len(ds) > limit:
        SubElement(page, "p").text = f"... and {len(ds) - limit:,} more"
    return tostring(page, encoding="unicode")


@door
def table_html(table: CoefficientTable, limit: int = 30, scale: float = 0.7) -> str:
    """The rows of a coefficient table with their diagrams drawn, as HTML.

    Parameters
    ----------
    table : as `fastdiag.table` gives it
    limit : how many rows to draw at most; the rest is counted in a last line
    scale : as for `diagram_svg`

    Raises
    ------
    InputError : not a table, a negative limit, a scale that is not a positive number
    TooLargeError : more than 10,000 rows to draw

    Examples
    --------
    >>> import fastdiag as fd
    >>> page = fd.drawing.table_html(fd.table(3), limit=10)
    >>> page.count("<svg"), "... and 13 more" in page
    (10, True)
    """
    from ..coefficients import CoefficientTable

    table = instance("table", table, CoefficientTable, "fastdiag.table(4) gives one")
    limit, scale = check_limit(limit, len(table), "rows"), check_scale(scale)
    page = Element("div", {"class": "fastdiag"})
    SubElement(page, "p").text = repr(table).strip("<>")
    grid = SubElement(page, "table")
    head = SubElement(SubElement(grid, "thead"), "tr")
    for name in ("diagram", "", "order", "|Aut|", "irreducible"):
        SubElement(head, "th").text = name
    body = SubElement(grid, "tbody")
    for index in range(min(limit, len(table))):
        row, diagrams = SubElement(body, "tr"), table[index].diagrams
        picture = SubElement(row, "td")
        for D in diagrams:
            picture.append(diagram_element(D, scale))
        first = diagrams[0]
        cells = (
            " + ".join(map(str, diagrams)), str(first.order), ", ".join(str(D.automorphisms) for D in diagrams),
            ", ".join("yes" if D.is_irreducible else "no" for D in diagrams),
        )
        for cell in cells:
            SubElement(row, "td", {"style": "font-family:monospace"}).text = cell
    if len(table) > limit:
        SubElement(page, "p").text = f"... and {len(table) - limit:,} more"
    return tostring(page, encoding="unicode")


def diagram_element(D: Diagram, scale: float) -> Element:
    """The `svg` element of a diagram."""
    points = tree_positions(D)
    art = Element("g")
    wrapped = add_outlines(art, points, D.parts)
    for node in range(1, D.order + 1):
        add_path(art, "edge", [points[[node, D.parents[node]]]])
    add_nodes(art, points)
    return framed(art, np.concatenate([points, *wrapped]), MARGIN, str(D), scale)


def framed(art: Element, extent: FloatArray, margin: float, title: str, scale: float) -> Element:
    """An `svg` element just large enough for the points of `extent` and a margin around them."""
    left, top = extent.min(axis=0) - margin
    width, height = np.ptp(extent, axis=0) + 2 * margin
    svg = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "role": "img",
            "width": number(width * scale),
            "height": number(height * scale),
            "viewBox": " ".join(map(number, (left, top, width, height))),
        },
    )
    SubElement(svg, "title").text = title
    svg.append(art)
    return svg


def add_outlines(
    art: Element,
    points: FloatArray,
    parts: Sequence[tuple[int, ...]],
    shades: Sequence[tuple[str, str]] = SHADES,
) -> list[FloatArray]:
    """One `g.outline` for each part of two nodes or more; returns the points the outlines pass."""
    found = bands(points, [part for part in parts if len(part) > 1], CLEARANCE, BAND)
    for index, band in enumerate(found):
        inner, border = shades[index % len(shades)]
        outline = SubElement(art, "g", {"class": "outline", "opacity": "0.72"})
        for stroke, width in ((border, BAND), (inner, BAND - 1.4)):
            add_path(outline, "band", band.curves, stroke, width)
    return [curve for band in found for curve in band.curves]


def add_path(
    art: Element, name: str, curves: Sequence[FloatArray], stroke: str = INK, width: float = 0.9
) -> None:
    """A `path` through the corners of each curve, rounded there."""
    style = {"fill": "none", "stroke": stroke, "stroke-width": number(width)}
    style |= {"stroke-linecap": "round", "stroke-linejoin": "round"}
    SubElement(art, "path", {"class": name, "d": " ".join(map(rounded, curves)), **style})


def add_nodes(art: Element, points: FloatArray, hollow: Sequence[int] = ()) -> None:
    """A dot for each node, the root first; circles for the hollow ones."""
    for node, (x, y) in enumerate(points):
        where = {"class": "node" if node else "node root", "cx": number(x), "cy": number(y), "r": number(DOT)}
        style = {"fill": "#fff" if node in hollow else INK, "stroke": INK, "stroke-width": "0.9"}
        SubElement(art, "circle", where | style)


def rounded(corners: FloatArray) -> str:
    """Path data for a polyline with its inner corners rounded; the middles of its sides stay."""
    middles = (corners[1:] + corners[:-1]) / 2
    data = "M" + _pair(corners[0])
    for corner, before, after in zip(corners[1:-1], middles[:-1], middles[1:], strict=True):
        reach = min(math.dist(corner, before), math.dist(corner, after))
        enter, leave = (corner + (m - corner) * (reach / math.dist(corner, m)) for m in (before, after))
        data += f" L{_pair(enter)} Q{_pair(corner)} {_pair(leave)}"
    return f"{data} L{_pair(corners[-1])}"


def check_scale(scale: float) -> float:
    """The scale, or InputError where it is not a positive number."""
    try:
        return real("scale", scale, least=LEAST_SCALE, most=MOST_SCALE)
    except InputError:
        raise InputError(
            f"scale must be a positive number, from {LEAST_SCALE:g} to {MOST_SCALE:g}, not {shown(scale)}"
        ) from None


def check_limit(limit: int, there: int, what: str) -> int:
    """How many to draw at most, or an error where that is no number, or too many."""
    limit = whole("limit", limit, 0, what=what)
    if min(limit, there) > MOST_PICTURES:
        raise TooLargeError(f"{min(limit, there):,} {what} are too many for one page; draw at most limit={MOST_PICTURES:,}")
    return limit


def number(value: float) -> str:
    """Two decimals at most, no trailing zeros, no negative zero."""
    return f"{round(float(value), 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def _pair(point: FloatArray) -> str:
    return ",".join(map(number, point))
