"""The generalization gap: test loss less train loss."""

from __future__ import annotations

from dataclasses import replace

from ...values.root import Root, loss_root
from .observable import Observable


def _roots(degree: int, shares: bool) -> tuple[Root, ...]:
    return (replace(loss_root(degree), sign=-1, per_point=True),) if shares else ()


GENERALIZATION_GAP = Observable("generalization_gap", _roots, shares=True)
