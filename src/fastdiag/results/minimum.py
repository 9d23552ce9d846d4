"""Runs that start at a minimum: Theorem 2's limit, Corollaries 1 and 2, Example 1, all in an eigenbasis of the Hessian.

k = 1 - eta h is the factor by which an update shrinks a displacement along an eigenvector; indices are its components.
"""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from ..arguments import real, shown
from ..criteria.gap import LARGEST, gap, number_of_updates, points
from ..criteria.geometric import geometric
from ..errors import InputError, TooLargeError
from ..expansion.predict import predict
from ..landscapes import Landscape
from ..landscapes.landscape import check_landscape
from ..spacetime import Spacetime
from ..typing import FloatArray
from ..values import rvalue
from .result import Result

MOST_UPDATES = 100_000  # that are summed over one by one


def positive_rate(eta: object) -> float:
    """A learning rate > 0 as a float, or InputError."""
    return real("eta", eta, above=0, most=LARGEST)


def _basis(landscape: Landscape, eta: float, T: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Eigenvalues h, eigenvectors as columns, and the covariance C of the gradients along them; T = inf checked."""
    h, vectors = np.linalg.eigh(landscape.hessian)
    if T == inf and not 0 < eta * h[0] <= eta * h[-1] < 2:
        raise InputError(
            f"the limit T = inf needs 0 < eta h < 2 in every direction, and eta h is from {eta * h[0]:.4g} to "
            f"{eta * h[-1]:.4g}; give a smaller eta, or a finite T where the result has one"
        )
    return h, vectors, vectors.T @ landscape.gradient_covariance @ vectors


def _third(landscape: Landscape, nodes: tuple[tuple[int, ...], ...], vectors: FloatArray) -> FloatArray:
    return landscape.part(nodes, np.ascontiguousarray(vectors))


def check_minimum(landscape: Landscape) -> None:
    """Raise InputError unless the gradient of the test loss vanishes."""
    check_landscape(landscape)
    size = float(np.abs(landscape.gradient).max())
    if size > 1e-9 * max(1.0, float(np.abs(landscape.hessian).max())):
        raise InputError(f"this holds from a minimum, but the gradient of the test loss is up to {size:.4g} here")


def _geometric(k: FloatArray, T: float) -> FloatArray:
    """1 + k + ... + k^(T-1), without loss near k = 1."""
    if T == inf:
        return np.asarray(1 / (1 - k))
    return np.asarray(geometric(np.ones_like(k), k, int(T)))


def _limit(landscape: Landscape, eta: float) -> float:
    check_minimum(landscape)
    eta = positive_rate(eta)
    h, vectors, C = _basis(landscape, eta, inf)
    k = 1 - eta * h
    S, J = (_third(landscape, nodes, vectors) for nodes in (((0,), (1,), (2,)), ((0, 1, 2),)))
    three = k[:, None, None] * k[:, None] * k
    return float(
        landscape.loss + eta**2 / 2 * (np.diag(C) * h / (1 - k**2)).sum() - eta**3 / 6 * (S * J / (1 - three)).sum()
    )


theorem_2 = Result(
    "Theorem 2, its limit to order 3", "[A]",
    "from a strict minimum the resummed sum to order 3 tends, as T -> inf, to l + (eta^2/2) C_mm H_mm / (1 - k_m^2) "
    "- (eta^3/6) S_lmn J_lmn / (1 - k_l k_m k_n); what it leaves out is of order eta^2: a sum over times brings 1/eta",
    _limit, lambda landscape, eta: predict(landscape, Spacetime(inf, 1, inf), positive_rate(eta), 3).total,
)


def _drift(landscape: Landscape, eta: float, T: float = inf) -> FloatArray:
    check_minimum(landscape)
    eta, T = positive_rate(eta), number_of_updates(T)
    if MOST_UPDATES < T < inf:
        raise TooLargeError(f"the sum has T = {shown(T)} terms, at most {MOST_UPDATES:,} here; take T = inf, or `derived`")
    h, vectors, C = _basis(landscape, eta, T)
    k = 1 - eta * h
    J = _third(landscape, ((0, 1, 2),), vectors)
    if T == inf:
        times = 1 / ((1 - k[:, None] * k)[:, :, None] * (1 - k))
    else:  # sum over t of k_l^(T-1-t) (1 + q + ... + q^(t-1)), q = k_m k_n
        q, steps = k[:, None] * k, range(int(T))
        times = sum((_geometric(q, t)[:, :, None] * k ** (T - 1 - t) for t in steps), np.zeros((len(k),) * 3))
    return np.asarray(vectors @ (-(eta**3) / 2 * np.einsum("mn,mnl,mnl->l", C, J, times)))


def _drift_derived(landscape: Landscape, eta: float, T: float = inf) -> Any:
    return predict(landscape, Spacetime(inf, 1, T), positive_rate(eta), 3, "displacement").total


corollary_1 = Result(
    "Corollary 1", "[A], [B]",
    "from a minimum, to order 3 and for T >> 1/(eta H), E[theta - theta_0]_l = -(eta^3/2) C_mn J_mnl "
    "/ ((1 - k_m k_n) (1 - k_l)); along a flat direction l it grows by -(eta^3/2) C_mn J_mnl / (1 - k_m k_n) "
    "= -(eta^2/2) C_mn J_mnl / (h_m + h_n) + ... an update",
    _drift, _drift_derived,
)


def _overfitting(landscape: Landscape, eta: float, N: int, T: float = inf) -> tuple[float, float]:
    check_minimum(landscape)
    eta, N, T = positive_rate(eta), points(N), number_of_updates(T)
    h, _, C = _basis(landscape, eta, T)
    k = 1 - eta * h
    sums = eta * _geometric(k, T)  # (1 - k^T) / h
    return float((np.diag(C) * h * sums**2).sum() / (2 * N)), gap(landscape, eta, N, T)


def _overfitting_derived(landscape: Landscape, eta: float, N: int, T: float = inf) -> tuple[float, float]:
    """GD is B = N; at T = inf what is left is T large enough that k^T has vanished. The gap is of order 1."""
    check_landscape(landscape)
    eta, N, T = positive_rate(eta), points(N), number_of_updates(T)
    _basis(landscape, eta, T)
    if T == inf:
        slowest = np.abs(1 - eta * np.linalg.eigvalsh(landscape.hessian)).max()
        if slowest >= 1 - 1e-15:
            raise InputError(f"eta = {eta} is so small that 1 - eta h is 1 in floats; give a finite T")
        T = int(np.ceil(np.log(1e-18) / np.log(slowest))) + 1
    spacetime = Spacetime(N, N, T)
    test = predict(landscape, spacetime, eta, 2).total - landscape.loss
    return float(test), float(predict(landscape, spacetime, eta, 1, "generalization_gap").total)


corollary_2 = Result(
    "Corollary 2", "[A], [B]",
    "GD on N points from a minimum: to order 2, E[l] - l = C_mm/(2N h_m) (1 - k_m^T)^2, and the gap is to order 1 "
    "C_mm/(N h_m) (1 - k_m^T); as T -> inf the gap is C.H^-1/N (Takeuchi's criterion; Akaike's where C = H). The values "
    "are (E[l] - l, gap)",
    _overfitting, _overfitting_derived,
)


def _skew(landscape: Landscape, eta: float, T: int | float) -> float:
    check_landscape(landscape)
    eta, T = positive_rate(eta), number_of_updates(T)
    h, vectors, _ = _basis(landscape, eta, T)
    k = 1 - eta * h
    S, J = (_third(landscape, nodes, vectors) for nodes in (((0,), (1,), (2,)), ((0, 1, 2),)))
    sums = _geometric(k[:, None, None] * k[:, None] * k, T)
    return float(-(eta**3) / 6 * (S * J * sums).sum())


example_1 = Result(
    "Example 1", "[A], [B]",
    "the resummed value of [a a a] is -(eta^3/6) S_lmn J_lmn (1 - k^T) / (1 - k), k = k_l k_m k_n",
    _skew, lambda landscape, eta, T: rvalue("[a a a]", landscape, Spacetime(inf, 1, T), positive_rate(eta)),
)
