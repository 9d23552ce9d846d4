"""The displacement theta_T - theta_0, (n,)."""

from __future__ import annotations

from ...values.root import Root
from .observable import Observable


def _roots(degree: int, shares: bool) -> tuple[Root, ...]:
    return (Root(open=(0,)),) if degree == 1 and not shares else ()


DISPLACEMENT = Observable("displacement", _roots, axes=1)
