"""Losses that are Taylor polynomials: derivatives at points, test losses, train losses."""

from typing import Any

import numpy as np

from .kernel import kernel, lean
from .logistic_points import LANES


@kernel
def taylor(tensors: Any, degree: int, point: int, delta: Any, order: int, work: Any) -> None:
    """The derivative tensor of this order at delta, into the first n^order entries of work (n^degree,).

    It is sum_k D_k delta^(k - order) / (k - order)!, D_k = tensors[k][point], by Horner's rule: contract the
    highest tensor with delta, add the next lower one, and so on.
    """
    n = len(delta)
    size = n**degree
    for j in range(size):
        work[j] = tensors[degree][point, j]
    for k in range(degree - 1, order - 1, -1):
        size //= n
        for i in range(n):
            step = delta[i] / (k + 1 - order)
            for j in range(size):
                work[j] = work[i * size + j] * step + (work[j] if i > 0 else 0.0)
        for j in range(size):
            work[j] += tensors[k][point, j]


@lean
def add_taylor(tensors: Any, degree: int, order: int, points: Any, delta: Any, total: Any, lane: Any, work: Any) -> None:
    """Add the derivatives of this order at the lanes' points to the total (n^order, LANES).

    delta = theta - theta_0, (n, LANES). tensors: five arrays (points, n^k), k = 0..4, not looked at above the degree.
    """
    if order > degree:
        return
    n = len(lane)
    for r in range(LANES):
        for i in range(n):
            lane[i] = delta[i, r]
        taylor(tensors, degree, points[r], lane, order, work)
        for j in range(n**order):
            total[j, r] += work[j]


@lean
def add_taylor_along(
    tensors: Any, degree: int, points: Any, delta: Any, along: Any, total: Any, lane: Any, work: Any
) -> None:
    """Add the Hessians at the lanes' points times the vectors `along` (n, LANES) to the total (n, LANES)."""
    if degree < 2:
        return
    n = len(lane)
    for r in range(LANES):
        for i in range(n):
            lane[i] = delta[i, r]
        taylor(tensors, degree, points[r], lane, 2, work)
        for i in range(n):
            for j in range(n):
                total[i, r] += work[j * n + i] * along[j, r]  # a field's entries are the last axis


@kernel
def polynomial_test_loss(tensors: Any, degree: int, delta: Any, out: Any) -> None:
    """The loss of the one point of the tensors at delta (rates, runs, n), into (rates, runs)."""
    rates, runs, n = delta.shape
    work = np.empty(n**degree)
    for e in range(rates):
        for r in range(runs):
            taylor(tensors, degree, 0, delta[e, r], 0, work)
            out[e, r] = work[0]


@kernel
def polynomial_train_loss(tensors: Any, degree: int, points: Any, delta: Any, out: Any) -> None:
    """The mean loss of each run's points (runs, N) at delta (rates, runs, n), into (rates, runs)."""
    rates, runs, n = delta.shape
    work = np.empty(n**degree)
    for e in range(rates):
        for r in range(runs):
            total = 0.0
            for row in range(points.shape[1]):
                taylor(tensors, degree, points[r, row], delta[e, r], 0, work)
                total += work[0]
            out[e, r] = total / points.shape[1]
