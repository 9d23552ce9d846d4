"""Gradient descent beside SGD, many epochs beside one: Corollaries 3 and 4, the GDC regularizer, and STIC."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from ..arguments import whole
from ..criteria.gap import LARGEST, points
from ..expansion.predict import predict
from ..landscapes import Landscape
from ..landscapes.landscape import check_landscape
from ..spacetime import Spacetime
from ..typing import FloatArray
from .minimum import check_minimum, corollary_2, positive_rate
from .result import Result


def _trace_slope(landscape: Landscape) -> FloatArray:
    """The gradient of C's trace: twice cov(hess l_x [m, n], grad l_x [n]), (n,)."""
    check_landscape(landscape)
    return np.asarray(2 * landscape.part(((0, 1), (1,))).sum(axis=1))


def _moved(landscape: Landscape, spacetime: Spacetime, eta: float) -> Any:
    """The eta^2 term of the expected displacement."""
    return predict(landscape, spacetime, eta, 2, "displacement", resummed=False).by_order[2]


def _one_epoch(landscape: Landscape, eta: float, N: int) -> FloatArray:
    eta, N = positive_rate(eta), points(N)
    return eta**2 * (N - 1) / 4 * _trace_slope(landscape)


def _one_epoch_derived(landscape: Landscape, eta: float, N: int) -> Any:
    eta, N = positive_rate(eta), points(N)
    return _moved(landscape, Spacetime(N, N, N), eta) - _moved(landscape, Spacetime(N, 1, N), eta)


corollary_3 = Result(
    "Corollary 3", "[A], [B]",
    "over one epoch E[theta_GD - theta_SGD] = eta^2 (N - 1)/4 grad C + o(eta^2), both of N updates",
    _one_epoch, _one_epoch_derived,
)


def _many_epochs(landscape: Landscape, eta: float, N: int, M: int) -> FloatArray:
    eta, N, M = positive_rate(eta), points(N), _epochs(M)
    slope = _trace_slope(landscape) + 2 * landscape.hessian @ landscape.gradient
    return np.asarray(eta**2 * (M - 1) / (4 * M) * N * slope)


def _many_epochs_derived(landscape: Landscape, eta: float, N: int, M: int) -> Any:
    eta, N, M = positive_rate(eta), points(N), _epochs(M)
    return _moved(landscape, Spacetime(N, 1, E=M), eta / M) - _moved(landscape, Spacetime(N, 1, E=1), eta)


def _epochs(M: object) -> int:
    return whole("M", M, 1, int(LARGEST), "epochs")


corollary_4 = Result(
    "Corollary 4", "[A]",
    "E[theta_(M epochs, eta/M) - theta_(one epoch, eta)] = eta^2 (M - 1)/(4M) N (grad C + 2 H G) + o(eta^2); the papers "
    "leave out H G, the change of a GD with smaller steps",
    _many_epochs, _many_epochs_derived,
)


def _regularizer(landscape: Landscape, eta: float, N: int) -> FloatArray:
    eta, N = positive_rate(eta), points(N)
    return eta * (N - 1) / (4 * N) * _trace_slope(landscape)


gdc = Result(
    "GDC", "[A], [B]",
    "GD on l + l_C follows SGD: l_C = eta (N - 1)/(4N) C, C the trace; these are the gradients of l_C",
    _regularizer, lambda landscape, eta, N: _one_epoch_derived(landscape, eta, N) / (points(N) * positive_rate(eta)),
)


def _information(landscape: Landscape, eta: float, N: int, T: float = inf) -> float:
    check_minimum(landscape)
    return float(landscape.loss + corollary_2(landscape, eta, N, T)[1])


def _information_derived(landscape: Landscape, eta: float, N: int, T: float = inf) -> float:
    check_landscape(landscape)
    return float(landscape.loss + corollary_2.derived(landscape, eta, N, T)[1])


stic = Result(
    "STIC", "[A]",
    "the stabilized Takeuchi criterion adds Corollary 2's gap to the loss: l + C_mm/(N h_m) (1 - k_m^T), which at finite T "
    "is finite where h_m = 0",
    _information, _information_derived,
)
