"""The console of the commands, for tables and sentences."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.measure import Measurement

from ..terminal import is_terminal, legible

MANY = 1000  # columns, more than any table has


class PlainConsole(Console):
    """Prints texts as they are: no markup, no emoji, no control characters, nothing that the stream cannot encode."""

    def __init__(self, width: int | None = None, **options: Any) -> None:
        chosen = is_terminal(sys.stdout) or "COLUMNS" in os.environ
        if os.environ.get("NO_COLOR"):
            options["color_system"] = None  # nor bold
        super().__init__(markup=False, emoji=False, width=None if chosen else width, **options)

    def render_str(self, text: str, **options: Any) -> Any:
        return super().render_str(legible(text, self.encoding), **options)

    def print_fitting(self, tables: Iterable[Any]) -> None:
        """The first table that there is room for, else the last: the widest comes first."""
        for table in tables:
            if Measurement.get(self, self.options.update(max_width=MANY), table).maximum <= self.width:
                break
        self.print(table)
