"""The covariance of the weights theta_T, (n, n)."""

from __future__ import annotations

from ...values.root import Root
from .displacement import DISPLACEMENT
from .observable import Observable


def _roots(degree: int, shares: bool) -> tuple[Root, ...]:
    return (Root(open=(0, 1)), Root(open=(1, 0))) if degree == 2 and not shares else ()


COVARIANCE = Observable("covariance", _roots, axes=2, mean=DISPLACEMENT)
