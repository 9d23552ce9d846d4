"""Modified equations and losses of the literature, to the orders that are printed, beside the engine's."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments import number, shown, whole
from ..criteria.gap import LARGEST, points
from ..errors import InputError
from ..expansion.modified_equation import modified_equation
from ..expansion.predict import predict
from ..landscapes import Landscape, SampledLandscape
from ..landscapes.landscape import check_landscape
from ..spacetime import Spacetime
from ..spacetime.updates import momentum
from ..typing import FloatArray
from ..values.given import given_points
from .minimum import positive_rate
from .result import Result


def _gradient_flow(landscape: Landscape, eta: float) -> FloatArray:
    check_landscape(landscape)
    eta, G, H = positive_rate(eta), landscape.gradient, landscape.hessian
    return np.asarray(-eta * G - eta**2 / 2 * H @ G)


def _gradient_flow_derived(landscape: Landscape, eta: float) -> FloatArray:
    return np.asarray(sum(modified_equation(2).at(landscape, positive_rate(eta))))


barrett_dherin = Result(
    "Barrett and Dherin", "Barrett, Dherin 2021",
    "an update of gradient descent is the flow for a unit of time along -eta grad(l + (eta/4) |grad l|^2), to order 2: "
    "-eta G - (eta^2/2) H G",
    _gradient_flow, _gradient_flow_derived,
)


def _check_points(landscape: object) -> None:
    check_landscape(landscape)
    if not isinstance(landscape, SampledLandscape):
        raise InputError(f"the points of a training set are needed, and {shown(landscape)} has none")


def _epoch(landscape: SampledLandscape, eta: float, B: int = 1) -> FloatArray:
    _check_points(landscape)
    eta, N, B = positive_rate(eta), len(landscape.weights), whole("B", B, 1, len(landscape.weights), "points")
    given_points(landscape, Spacetime(N, B, 1, sampling="reshuffle"), None)  # equal weights, whole batches
    G, H = landscape.gradient, landscape.hessian
    varied = np.einsum("abb->a", landscape.part(((0, 1), (2,))))  # half the gradient of C's trace
    spread = (N - B) / (B * max(N - 1, 1))  # of a batch's gradient, in units of C
    return np.asarray(-eta * N / B * (G + eta / 2 * (H @ G + spread * varied)))


def _epoch_derived(landscape: SampledLandscape, eta: float, B: int = 1) -> FloatArray:
    _check_points(landscape)
    equation, N = modified_equation(2, training_set="given"), len(landscape.weights)
    return np.asarray(sum(equation.at(landscape, positive_rate(eta), N=N, B=whole("B", B, 1, N, "points"))))


smith = Result(
    "Smith, Dherin, Barrett and De", "Smith et al. 2021",
    "an epoch of a given training set in m = N/B batches, shuffled anew, is on average the flow for a unit of time along "
    "-eta m grad[l + (eta/4m) sum_i |grad l_i|^2], l_i the batches' losses, to order 2",
    _epoch, _epoch_derived,
)


def _batch(B: int) -> int:
    return whole("B", B, 1, int(LARGEST), "points")


def _stochastic(landscape: Landscape, eta: float, order: int = 2, B: int = 1) -> tuple[FloatArray, FloatArray]:
    check_landscape(landscape)
    eta, order, B = positive_rate(eta), whole("order", order, 1, 2), _batch(B)
    drift = -eta * landscape.gradient if order == 1 else _gradient_flow(landscape, eta)
    return drift, eta**2 / B * landscape.gradient_covariance


def _stochastic_derived(landscape: Landscape, eta: float, order: int = 2, B: int = 1) -> tuple[FloatArray, FloatArray]:
    equation, eta, order, B = modified_equation(2), positive_rate(eta), whole("order", order, 1, 2), _batch(B)
    drift, diffusion = (equation.at(landscape, eta, of, B=B) for of in ("drift", "diffusion"))
    return np.asarray(sum(drift[: order + 1])), np.asarray(diffusion[2])


li_tai_e = Result(
    "Li, Tai and E", "Li, Tai, E 2017",
    "an update of SGD is an SDE for a unit of time: of weak order 1 with drift -eta G, of weak order 2 with "
    "-eta grad(l + (eta/4) |G|^2), and with the covariance eta^2 C/B. The values are (drift, covariance)",
    _stochastic, _stochastic_derived,
)


def _course(N: int, T: int, B: int) -> Spacetime:
    return Spacetime(points(N), B, whole("T", T, 1, int(LARGEST), "updates"))


def _gap(landscape: Landscape, eta: float, N: int, T: int, B: int = 1) -> float:
    check_landscape(landscape)
    eta, spacetime = positive_rate(eta), _course(N, T, B)
    return float(eta * spacetime.T / spacetime.N * np.trace(landscape.gradient_covariance))


def _gap_derived(landscape: Landscape, eta: float, N: int, T: int, B: int = 1) -> float:
    spacetime = _course(N, T, B)
    return float(predict(landscape, spacetime, positive_rate(eta), 1, "generalization_gap", resummed=False).total)


roberts = Result(
    "Roberts", "Roberts 2018",
    "to first order the test loss exceeds the train loss by eta (T/N) tr C after T updates, whatever the batches",
    _gap, _gap_derived,
)


def _effective(mu: Any) -> tuple[Any, Any]:
    import sympy

    momentum(mu)  # which says what it may be
    mu = sympy.sympify(number("mu", mu))
    return 1 / (1 - mu), (1 + mu) / (4 * (1 - mu) ** 2)


def _effective_derived(mu: Any) -> tuple[Any, Any]:
    equation = modified_equation(2, update=momentum(mu))
    return equation.pace, equation.modified_loss().coefficient("G_μ G^μ")


momentum_rate = Result(
    "Momentum's effective rate", "Ghosh et al. 2023, Kovachki and Stuart 2021",
    "its beginning forgotten, heavy-ball momentum follows -eta/(1 - mu) grad(l + eta (1 + mu)/(4 (1 - mu)^2) |G|^2), to "
    "order 2. The values are (1/(1 - mu), what multiplies eta |G|^2)",
    _effective, _effective_derived,
)
