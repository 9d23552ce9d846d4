"""Diagrams as SVG, in a file's own colours or in those of the page around it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np

from ..arguments import real, shown
from ..diagram import Diagram
from ..door import door
from ..errors import InputError
from ..typing import FloatArray
from .layout import tree_positions
from .outline import bands

DOT = 2.0  # radius of a node
BAND = 12.0  # width of an outline
CLEARANCE = BAND / 2 + DOT + 2.2
MARGIN = 10.0
LEAST_SCALE, MOST_SCALE = 1e-3, 1e4
SHADES = (("#d4d4d4", "#a8a8a8"), ("#e0e0e0", "#8f8f8f"), ("#c8c8c8", "#b0b0b0"))  # (band, border), in turn
INK = "#222"
PAPER = "#fff"
FAINTEST = 0.18  # share of the text's colour, which is seen on dark pages too
HALO = 2.4  # of paper around edges and dots, unseen on white: on a dark page they stand out by it


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


def diagram_element(D: Diagram, scale: float) -> Element:
    """The `svg` element of a diagram."""
    points = tree_positions(D)
    art = Element("g")
    wrapped = add_outlines(art, points, D.parts)
    add_tree(art, points, [points[[node, D.parents[node]]] for node in range(1, D.order + 1)])
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
            "width": short_number(width * scale),
            "height": short_number(height * scale),
            "viewBox": " ".join(map(short_number, (left, top, width, height))),
            "style": "max-width:100%;height:auto",
        },
    )
    SubElement(svg, "title").text = title
    svg.append(art)
    return svg


def inline(svg: Element) -> Element:
    """The same in the colour of the text around it, light or dark: a grey becomes that much of it, paper nothing."""
    for parent in list(svg.iter()):
        for child in list(parent):
            kind = child.get("class")
            if kind == "halo" or (kind == "band" and child is not parent[0]):  # of two, what is clear would not cover
                parent.remove(child)
    for element in svg.iter():
        for use in ("fill", "stroke"):
            colour = element.get(use, "none")
            if colour == PAPER:
                element.set(use, "none")
            elif colour.startswith("#"):
                element.set(use, "currentColor")
                share = 1 if colour == INK else max(FAINTEST, 1 - int(colour[1:3], 16) / 255)
                element.set(f"{use}-opacity", short_number(share))
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
    style = {"fill": "none", "stroke": stroke, "stroke-width": short_number(width)}
    style |= {"stroke-linecap": "round", "stroke-linejoin": "round"}
    SubElement(art, "path", {"class": name, "d": " ".join(map(rounded, curves)), **style})


def add_tree(art: Element, points: FloatArray, ways: Sequence[FloatArray], hollow: Sequence[int] = ()) -> None:
    """An edge along each way, then a dot for each node, the root first; circles for the hollow ones."""
    halo = Element("g")  # under all else, so that on white nothing is seen of it
    for curves, width in ((ways, 0.9), ([points[[node, node]] for node in range(len(points))], 2 * DOT)):
        add_path(halo, "halo", curves, PAPER, width + HALO)
    art[:0] = list(halo)
    for corners in ways:
        add_path(art, "edge", [corners])
    for node, (x, y) in enumerate(points):
        where = {"class": "node" if node else "node root"}
        where |= {"cx": short_number(x), "cy": short_number(y), "r": short_number(DOT)}
        style = {"fill": PAPER if node in hollow else INK, "stroke": INK, "stroke-width": "0.9"}
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


def short_number(value: float) -> str:
    """Two decimals at most, no trailing zeros, no negative zero."""
    return f"{round(float(value), 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def _pair(point: FloatArray) -> str:
    return ",".join(map(short_number, point))
