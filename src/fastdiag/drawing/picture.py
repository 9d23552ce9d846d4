"""A picture file of curves, in one style."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

from ..arguments import path as checked
from ..arguments import text
from ..errors import InputError
from ..files import to_install, write
from ..terminal import on_one_line

UNASKED = ("pgf",)  # needs LaTeX
FEW_DECADES = 1e3


def check_picture(path: str | Path) -> Path:
    """The path, or InputError unless a picture can be written there: an ending matplotlib knows, a folder that exists."""
    path = checked("a picture's file", path)
    _importable()
    from matplotlib.figure import Figure

    if _format(path) not in set(Figure().canvas.get_supported_filetypes()).difference(UNASKED):
        raise InputError(f"cannot write {path}: give a file name that ends in .png, .svg or .pdf")
    if not path.resolve().parent.is_dir():
        raise InputError(f"cannot write {path}: there is no such folder")
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder")
    return path


@contextmanager
def picture(path: str | Path | None, width: float, height: float, title: str = "") -> Iterator[Any]:
    """A matplotlib Figure of that size in inches, whatever style the caller has set; written to the path, if any."""
    title = text("title", title)
    _importable()
    path = None if path is None else check_picture(path)
    import matplotlib

    from .figure import Picture

    with matplotlib.rc_context(style()):
        figure = Picture(figsize=(width, height), layout="constrained")
        yield figure
        if title:  # of files and data: no formula, whatever dollars it has
            figure.suptitle(on_one_line(title), fontsize=10, parse_math=False)
        if path is None:
            return
        content = BytesIO()
        figure.savefig(content, format=_format(path), dpi=200)
    write(path, content.getvalue())


def logarithmic(ax: Any, low: float, high: float) -> None:
    """The first axis of what lies from low to high; over few decades with plain numbers at 1, 2 and 5 of each."""
    from matplotlib.ticker import LogLocator, NullFormatter

    ax.set_xscale("log")
    if high < FEW_DECADES * low:
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())


def _importable() -> None:
    """InputError unless matplotlib is there."""
    if find_spec("matplotlib") is None:
        raise InputError(f"pictures need matplotlib: {to_install('plot')}")


def _format(path: Path) -> str:
    return path.suffix.lstrip(".").lower()


def style() -> dict[str, Any]:
    """matplotlib's defaults and what is ours: the caller's LaTeX, fonts and colours stay out."""
    import matplotlib

    own = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "fastdiag"}
    return {key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith("backend")} | own
