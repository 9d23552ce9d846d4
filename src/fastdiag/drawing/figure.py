"""What `plot` gives back: a matplotlib Figure that notebooks show by itself."""

from __future__ import annotations

from io import BytesIO

import matplotlib
from matplotlib.figure import Figure

from ..numerals import counted
from .picture import style


class Picture(Figure):
    """A Figure to look at, change (`picture.axes`) and save (`picture.savefig`), made without pyplot."""

    def _repr_png_(self) -> bytes:
        content = BytesIO()
        with matplotlib.rc_context(style()):
            self.savefig(content, format="png", dpi=110)
        return content.getvalue()

    def __repr__(self) -> str:
        return f"<picture of {counted(len(self.axes), 'panel')}: savefig writes it to a file>"

    __str__ = __repr__  # else matplotlib's
