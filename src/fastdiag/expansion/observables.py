"""What is predicted: a description of the root, and nothing more."""

from __future__ import annotations

from ..errors import InputError

OBSERVABLES: tuple[str, ...] = ("test_loss",)


def check_observable(observable: str) -> None:
    """Raise InputError unless the observable is known."""
    if not isinstance(observable, str) or observable not in OBSERVABLES:
        raise InputError(f"unknown observable {observable!r}; known: {', '.join(OBSERVABLES)}")
