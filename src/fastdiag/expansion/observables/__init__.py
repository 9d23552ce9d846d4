"""Observables: what is predicted. Each is a description of the root, in a file of its own."""

from __future__ import annotations

from ...arguments import choice
from .covariance import COVARIANCE
from .displacement import DISPLACEMENT
from .generalization_gap import GENERALIZATION_GAP
from .observable import Observable
from .test_loss import TEST_LOSS
from .test_loss_variance import TEST_LOSS_VARIANCE
from .train_loss import TRAIN_LOSS

_KNOWN = (TEST_LOSS, TRAIN_LOSS, GENERALIZATION_GAP, DISPLACEMENT, COVARIANCE, TEST_LOSS_VARIANCE)
OBSERVABLES: tuple[str, ...] = tuple(observable.name for observable in _KNOWN)


def observable_named(name: object) -> Observable:
    """The observable of that name, or InputError."""
    return _KNOWN[OBSERVABLES.index(choice("observable", name, OBSERVABLES))]


__all__ = ["OBSERVABLES", "Observable", "observable_named"]
