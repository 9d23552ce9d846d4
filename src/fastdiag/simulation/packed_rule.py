"""Update rules as the kernels read them."""

from __future__ import annotations

from math import inf
from typing import Any, TypeAlias

import numpy as np

from ..embedding import PathRule
from ..errors import InputError
from ..kernels.logistic_points import LANES
from ..kernels.update_steps import ADAPTIVE, LINEAR
from ..numerals import shown
from ..spacetime.formulas import is_formula
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Adaptive, Clipped, Corrected, Update, sgd
from ..typing import FloatArray, IntArray

RunRule: TypeAlias = PathRule | Corrected
"""An update rule that can be run."""
PackedRule: TypeAlias = tuple[Any, ...]
"""See `kernels.update_steps`."""


def packed_rule(update: RunRule, T: int, metric: FloatArray | None) -> PackedRule:
    """A rule of T updates; metric: a matrix eta, or None where it is a number.

    Raises
    ------
    InputError : symbols in it; a schedule that is too short
    """
    norm, beta1, beta2, epsilon, corrected, lam = inf, 0.0, 0.0, 1.0, 0.0, 0.0
    kind, linear = LINEAR, sgd()
    if isinstance(update, Clipped):
        norm, linear = update.norm, update.rule
    elif isinstance(update, Adaptive):
        kind = ADAPTIVE
        beta1, beta2, epsilon, corrected = update.beta1, update.beta2, update.epsilon, float(update.corrected)
        linear = Update("averages", ((1, 0, 0), (0, 1, 0), (0, 0, 1)), (1, 0, 0), (1, 0, 0), (1, 0, 0), update.schedule)
    elif isinstance(update, RegularizedNewton):
        lam = _number(update)
    elif isinstance(update, Update):
        linear = update
    rule = linear.in_floats(T)
    arrays = [np.array(each, np.float64) for each in (rule.step, rule.push, rule.point, rule.schedule or ())]
    numbers = np.array([norm, beta1, beta2, epsilon, corrected, lam])
    return kind, *arrays, np.zeros((0, 0)) if metric is None else np.array(metric), numbers


def observed(update: RunRule) -> FloatArray:
    """`seen`: what is observed of a state's parts."""
    linear = update.rule if isinstance(update, Clipped) else update
    if isinstance(linear, Adaptive):
        return np.array([1.0, 0.0, 0.0])
    return np.array(linear.seen if isinstance(linear, Update) else (1,), np.float64)


def rule_scratch(n: int, newton: bool) -> tuple[Any, ...]:
    """Room for `kernels.update_steps`."""
    size = n if newton else 0
    return np.empty((n, LANES)), np.empty(LANES), np.empty((size, size)), np.empty(size)


def correction(update: RunRule, sets: IntArray | None, n: int) -> tuple[Any, ...] | None:
    """As `kernels.training_runs.correct` takes it, for training sets (runs, N); None where nothing is to be added.

    grad C is estimated by 2 N / (N - 1) times (P - Q), H G by (N Q - P) / (N - 1): P the mean over the points of h g, Q the
    mean h times the mean g.
    """
    if not isinstance(update, Corrected) or sets is None or not (update.noise or update.slope):
        return None
    N, noise, slope = sets.shape[1], float(update.noise), float(update.slope)
    own, common = (2 * N * noise - slope) / (N - 1), N * (slope - 2 * noise) / (N - 1)
    return sets, own, common, *(np.empty((n, LANES)) for _ in range(3))


def _number(update: RegularizedNewton) -> float:
    if is_formula(update.lam):
        raise InputError(f"{shown(update.lam)} is a formula, not a number; simulate needs numbers for its symbols")
    return float(update.lam)
