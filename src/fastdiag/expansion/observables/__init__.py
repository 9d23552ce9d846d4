"""Observables: what is predicted. Each is a description of the root, in a file of its own."""

from __future__ import annotations

from ...errors import InputError
from .covariance import COVARIANCE
from .displacement import DISPLACEMENT
from .generalization_gap import GENERALIZATION_GAP
from .observable import Observable
from .test_loss import TEST_LOSS
from .test_loss_variance import TEST_LOSS_VARIANCE
from .train_loss import TRAIN_LOSS

_KNOWN = (TEST_LOSS, TRAIN_LOSS, GENERALIZATION_GAP, DISPLACEMENT, COVARIANCE, TEST_LOSS_VARIANCE)
OBSERVABLES: tuple[str, ...] = tuple(observable.name for observable in _KNOWN)


def observable_named(name: str) -> Observable:
    """The observable of that name, or InputError."""
    for observable in _KNOWN:
        if isinstance(name, str) and observable.name == name:
            return observable
    raise InputError(f"unknown observable {name!r}; known: {', '.join(OBSERVABLES)}")


__all__ = ["OBSERVABLES", "Observable", "observable_named"]
