"""The console of the commands, for tables and sentences."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console

from ..terminal import is_terminal, legible


class PlainConsole(Console):
    """Prints texts as they are: no markup, no emoji, no control characters, nothing that the stream cannot encode."""

    def __init__(self, width: int | None = None, **options: Any) -> None:
        watched = is_terminal(sys.stdout)
        super().__init__(markup=False, emoji=False, width=None if watched else width, **options)

    def render_str(self, text: str, **options: Any) -> Any:
        return super().render_str(legible(text, self.encoding), **options)
