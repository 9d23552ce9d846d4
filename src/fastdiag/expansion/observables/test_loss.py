"""The test loss l(theta_T)."""

from __future__ import annotations

from ...values.root import Root, loss_root
from .observable import Observable


def _roots(degree: int, shares: bool) -> tuple[Root, ...]:
    return () if shares else (loss_root(degree),)


TEST_LOSS = Observable("test_loss", _roots)
