"""SGD beside its continuous limits: Corollary 5."""

from __future__ import annotations

import numpy as np

from ..arguments import whole
from ..criteria.gap import LARGEST
from ..diagram import Diagram
from ..expansion import Prediction, predict
from ..landscapes import Landscape
from ..spacetime import Spacetime
from ..spacetime.updates import Process, ode, sde
from .minimum import check_minimum, positive_rate
from .result import Result


def _parted(landscape: Landscape, eta: float, T: int) -> tuple[float, float]:
    check_minimum(landscape)
    eta, T = positive_rate(eta), whole("T", T, 1, int(LARGEST), "updates")
    S, J = landscape.part(((0,), (1,), (2,))), landscape.part(((0, 1, 2),))
    CH = float((landscape.gradient_covariance * landscape.hessian).sum())
    return T / 2 * eta**2 * CH, -T / 6 * eta**3 * float(np.sum(S * J))


def _parted_derived(landscape: Landscape, eta: float, T: int) -> tuple[float, float]:
    eta, T = positive_rate(eta), whole("T", T, 1, int(LARGEST), "updates")

    def predicted(process: Process | None) -> Prediction:
        return predict(landscape, Spacetime(T, 1, T), eta, 3, resummed=False, update=process)

    sgd, skew = predicted(None), Diagram.parse("[a a a]")
    return (
        float(sgd.by_order[2] - predicted(ode()).by_order[2]),
        float(sgd.by_diagram[skew] - predicted(sde()).by_diagram[skew]),
    )


corollary_5 = Result(
    "Corollary 5", "[A], [B]",
    "from a minimum, with E = B = 1, E l of SGD less that of the ODE is (T/2) C.H + o(eta^2); SGD and the SDE agree to "
    "order 2, and at order 3 the skew term -(T/6) S.J is SGD's alone. The values are (SGD - ODE at order 2, the skew term)",
    _parted, _parted_derived,
)
