"""What a named result is: the papers' closed form, and the engine's own answer beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ..door import door
from ..record import Portable


@dataclass(frozen=True, slots=True)
class Result(Portable):
    """A result of the papers, in its right form. Calling it gives the closed form, `derived` the engine's answer."""

    name: str
    papers: str
    """Where it stands."""
    statement: str
    """In words and symbols."""
    closed: Callable[..., Any]
    """The closed form; no diagram is counted or enumerated for it."""
    derived: Callable[..., Any]
    """The same from diagrams, by the engine. Takes what `closed` takes."""

    @door
    def __call__(self, *args: Any, **options: Any) -> Any:
        return self.closed(*args, **options)

    def __reduce__(self) -> Any:
        """By name, where it has one: its formulas may be lambdas, and there is one of it."""
        for name, value in vars(import_module(__package__)).items():
            if value is self:
                return _named, (name,)
        return type(self), (self.name, self.papers, self.statement, self.closed, self.derived)

    def __repr__(self) -> str:
        return f"<{self.name} ({self.papers}): {self.statement}>"


def _named(name: str) -> Any:
    return getattr(import_module(__package__), name)
