"""A picture file of curves, in one style."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import InputError


def check_picture(path: str | Path) -> None:
    """Raise InputError unless a picture can be written there: an ending matplotlib knows, in a folder that exists."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise InputError("pictures need matplotlib: pip install 'fastdiag[plot]'") from None
    if Path(path).suffix.lstrip(".").lower() not in Figure().canvas.get_supported_filetypes():
        raise InputError(f"cannot write {path}: give a file name that ends in .png, .svg or .pdf")
    if not Path(path).resolve().parent.is_dir():
        raise InputError(f"cannot write {path}: there is no such folder")


@contextmanager
def picture(path: str | Path, width: float, height: float, title: str = "") -> Iterator[Any]:
    """A matplotlib Figure of that size in inches, written to the path at the end."""
    check_picture(path)
    import matplotlib
    from matplotlib.figure import Figure

    style = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "fastdiag"}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        if title:
            figure.suptitle(title, fontsize=10)
        figure.savefig(path, dpi=200)
