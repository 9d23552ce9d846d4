"""Objects as small HTML tables, for notebooks: in the page's own colours, whatever they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from html import escape
from types import FunctionType
from typing import Any

import numpy as np

from .numerals import shown, written
from .terminal import spelled_out

MOST_ENTRIES = 36  # of an array that is written out
MOST_LINES = 40  # of a table; the rest is counted


def html_table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Text cells below a caption; at most 40 rows, then how many more.

    Examples
    --------
    >>> html_table("a < b", ["x"], [["1"], ["2"]])
    '<div><p>a &lt; b</p><table><tr><th>x</th></tr><tr><td>1</td></tr><tr><td>2</td></tr></table></div>'
    """
    rows = list(rows)
    more = len(rows) - MOST_LINES
    lines = [_line(head, "th")] if any(head) else []
    lines += [_line(row, "td") for row in rows[:MOST_LINES]]
    lines += [_line([f"... and {more:,} more"], "td")] if more > 0 else []
    return f"<div><p>{_text(bare(caption))}</p><table>{''.join(lines)}</table></div>"


def fields(value: Any) -> str:
    """A dataclass: its repr as a caption, a row for each of its public fields."""
    named = [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value) if field.name[0] != "_"]
    told = [(name, content) for name, content in named if content is not None and not isinstance(content, FunctionType)]
    return html_table(repr(value), (), [(name, cell(content)) for name, content in told])


def cell(value: Any) -> str:
    """A value in a few words: floats to six digits, small arrays by their entries, large ones by shape and range."""
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    if isinstance(value, np.ndarray):
        if value.size <= MOST_ENTRIES:
            return np.array2string(value, precision=4, suppress_small=False, separator=", ")
        span = f", from {value.min():.4g} to {value.max():.4g}" if value.dtype.kind in "iuf" else ""
        return f"{' × '.join(map(str, value.shape))} array{span}"
    return value if isinstance(value, str) else shown(value)


def entry_places(eta: Any, times: Any) -> list[tuple[str, str]]:
    """In words, the learning rate and number of updates of each entry of a curve, where either may be an array."""
    rates = ["matrix"] if np.ndim(eta) == 2 else [cell(rate) for rate in np.atleast_1d(eta).tolist()]
    return [(rate, written(T)) for rate in rates for T in (times if isinstance(times, tuple) else (times,))]


def bare(text: str) -> str:
    """A repr without the angle brackets around it.

    Examples
    --------
    >>> bare("<<3 points> as a sample>")
    '<3 points> as a sample'
    """
    return text[1:-1] if text.startswith("<") and text.endswith(">") else text


def _line(cells: Iterable[str], kind: str) -> str:
    return f"<tr>{''.join(f'<{kind}>{_text(cell)}</{kind}>' for cell in cells)}</tr>"


def _text(text: str) -> str:
    return escape(spelled_out(text))
