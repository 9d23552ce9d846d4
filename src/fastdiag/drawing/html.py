"""Diagrams and coefficient tables as HTML, in the page's own colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from ..arguments import instance, shown, whole
from ..diagram import Diagram, Diagrams
from ..door import door
from ..errors import InputError, TooLargeError
from ..markup import bare
from .svg import check_scale, diagram_element, inline

if TYPE_CHECKING:
    from ..coefficients import CoefficientTable, Entry

MOST_PICTURES = 10_000  # on one page
EXAMPLE = 10  # training points and updates at which a table's coefficients are shown


def diagram_html(diagram: Diagram) -> str:
    """A diagram as notebooks show it."""
    return tostring(inline(diagram_element(diagram, 1.0)), encoding="unicode")


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
        figure.append(inline(diagram_element(D, scale)))
        caption = SubElement(figure, "figcaption", {"style": "font:11px monospace"})
        caption.text = str(D)
        SubElement(caption, "br").tail = f"|Aut| = {D.automorphisms}"
    if not len(ds):
        SubElement(page, "p").text = "no diagrams"
    return _ended(page, len(ds) - limit)


@door
def table_html(table: CoefficientTable, limit: int = 30, scale: float = 0.7) -> str:
    """The rows of a coefficient table with their diagrams drawn, as HTML.

    Parameters
    ----------
    table : as `fastdiag.table` gives it
    limit, scale : as for `diagrams_html`, rows in place of diagrams

    Raises
    ------
    InputError, TooLargeError : not a table; else as there

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
    page = entries_element(repr(table), [table[index] for index in range(min(limit, len(table)))], scale)
    return _ended(page, len(table) - limit)


def entry_html(entry: Entry) -> str:
    """A row of a table as notebooks show it."""
    return tostring(entries_element(repr(entry), [entry], 1.0), encoding="unicode")


def entries_element(caption: str, entries: Sequence[Entry], scale: float) -> Element:
    """Rows of a table, with an example of their coefficients."""
    page = Element("div", {"class": "fastdiag"})
    SubElement(page, "p").text = bare(caption)
    grid = SubElement(page, "table")
    head = SubElement(SubElement(grid, "thead"), "tr")
    names = "diagram", "", "order", "|Aut|", "irreducible", f"coefficient at N = T = {EXAMPLE}, B = 1"
    for name in names:
        SubElement(head, "th").text = name
    body = SubElement(grid, "tbody")
    for entry in entries:
        row = SubElement(body, "tr")
        picture = SubElement(row, "td")
        for D in entry.diagrams:
            picture.append(inline(diagram_element(D, scale)))
        cells = (
            " + ".join(map(str, entry.diagrams)), str(entry.diagram.order),
            ", ".join(str(D.automorphisms) for D in entry.diagrams),
            ", ".join("yes" if D.is_irreducible else "no" for D in entry.diagrams),
            str(entry.coefficient(N=EXAMPLE, E=1)),
        )
        for cell in cells:
            SubElement(row, "td", {"style": "font-family:monospace;padding-left:1em"}).text = cell
    return page


def _ended(page: Element, more: int) -> str:
    """The page as text, with a line for what it leaves out."""
    if more > 0:
        SubElement(page, "p").text = f"... and {more:,} more"
    return tostring(page, encoding="unicode")


def check_limit(limit: int, there: int, what: str) -> int:
    """How many to draw at most, or an error where that is no number, or too many."""
    limit = whole("limit", limit, 0, what=what)
    if min(limit, there) > MOST_PICTURES:
        raise TooLargeError(f"{min(limit, there):,} {what} are too many for one page; draw at most limit={MOST_PICTURES:,}")
    return limit
