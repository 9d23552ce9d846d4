"""Update rules: the diagram sum against each optimizer run as it is defined, in Fractions."""

from fractions import Fraction as F
from functools import lru_cache, partial

import numpy as np
import pytest
import sympy

import fastdiag as fd
import oracle
from fastdiag import updates
from test_expansion import diagram_series, float_landscape, problem, random_losses

RATES = [F(1), F(2, 3), F(-1, 2), F(3, 2), F(5, 4), F(1, 3)]
# what is asked for, and the same as an optimizer of its own
RULES = {
    "sgd": (updates.sgd(), oracle.HeavyBall),
    "momentum": (updates.momentum(F(2, 3)), partial(oracle.HeavyBall, mu=F(2, 3))),
    "momentum negative": (updates.momentum(F(-1, 2)), partial(oracle.HeavyBall, mu=F(-1, 2))),
    "nesterov": (updates.nesterov(F(2, 3)), partial(oracle.Nesterov, mu=F(2, 3))),
    "quasi_hyperbolic": (updates.quasi_hyperbolic(F(2, 3), F(1, 4)), partial(oracle.QuasiHyperbolic, mu=F(2, 3), nu=F(1, 4))),
    "weight_decay": (updates.weight_decay(F(1, 5)), partial(oracle.HeavyBall, decay=F(1, 5))),
    "weight_decay with momentum": (updates.weight_decay(F(1, 5), F(1, 2)), partial(oracle.HeavyBall, mu=F(1, 2), decay=F(1, 5))),
    "equal factors": (updates.weight_decay(F(1, 3), F(2, 3)), partial(oracle.HeavyBall, mu=F(2, 3), decay=F(1, 3))),
    "schedule": (updates.schedule(RATES), partial(oracle.HeavyBall, rates=RATES)),
    "momentum with schedule": (updates.momentum(F(2, 3)).with_schedule(RATES), partial(oracle.HeavyBall, mu=F(2, 3), rates=RATES)),
    "nesterov with schedule": (updates.nesterov(F(2, 3)).with_schedule(RATES.__getitem__), partial(oracle.Nesterov, mu=F(2, 3), rates=RATES)),
    "quasi_hyperbolic with schedule": (
        updates.quasi_hyperbolic(F(2, 3), F(1, 4)).with_schedule(RATES),
        partial(oracle.QuasiHyperbolic, mu=F(2, 3), nu=F(1, 4), rates=RATES),
    ),
}
# N, B, T, sampling: one epoch, several, whole and partial, B = 1 and 2
CASES = [(3, 1, 3, "reshuffle"), (4, 2, 2, "reshuffle"), (2, 1, 4, "reshuffle"), (2, 1, 3, "reshuffle"), (4, 2, 3, "reshuffle"),
         (2, 1, 4, "cyclic"), (2, 1, 5, "cyclic"), (4, 2, 3, "cyclic"), (3, 2, 2, "replacement"), (2, 1, 3, "replacement")]


@lru_cache
def brute(name, n, case, order):
    losses, weights, _ = problem(n, n)
    return oracle.optimizer_test_loss(losses, weights, *case, order, RULES[name][1])


@pytest.mark.parametrize("basis", ["cumulant", "moment"])
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("name", RULES)
def test_diagram_sum_is_the_optimizer(name, case, basis):
    tensors, spacetime = problem(1, 1)[2], fd.Spacetime(*case[:3], sampling=case[3])
    count = partial(fd.coefficient, update=RULES[name][0])
    assert diagram_series(tensors, spacetime, basis, 4, count) == brute(name, 1, case, 4)
