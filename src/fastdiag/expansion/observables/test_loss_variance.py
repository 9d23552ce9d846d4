"""The variance of the test loss l(theta_T) over training sets and batches."""

from __future__ import annotations

from itertools import combinations

from ...values.root import Root
from .observable import Observable
from .test_loss import TEST_LOSS


def _roots(degree: int, shares: bool) -> tuple[Root, ...]:
    """Leibniz: the derivative of (l - l(theta_0))^2 shares the edges out between its two factors, some to each."""
    if shares:
        return ()
    edges = tuple(range(degree))
    chosen = (first for size in range(1, degree) for first in combinations(edges, size))
    return tuple(Root(nodes=(first, tuple(e for e in edges if e not in first))) for first in chosen)


TEST_LOSS_VARIANCE = Observable("test_loss_variance", _roots, mean=TEST_LOSS)
