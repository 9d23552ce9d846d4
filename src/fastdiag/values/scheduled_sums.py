"""Sums over maps under a learning-rate schedule: k changes from update to update, so every update is walked.

An edge from update s to update t carries c_s times the product of 1 - eta c_u h over the updates u strictly between.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import inf

import numpy as np

from ..diagram import Diagram
from ..embedding.edge_weights import EdgeWeights
from ..embedding.poset import Poset
from ..embedding.sum_over_maps import epoch_curve, sum_over_maps
from ..errors import InputError
from ..spacetime import Spacetime
from ..spacetime.updates import Update
from ..typing import FloatArray, IntArray
from .mode_sums import TOGETHER, index_tuples


def scheduled(update: Update, T: float) -> Update:
    """The rule with its schedule as T numbers, if it has one, or an error if it cannot be walked."""
    if update.schedule is None:
        return update
    if T == inf:
        raise InputError("T = inf has no limit with a schedule; give a finite T")
    return replace(update, schedule=update.factors(int(T)))


def scheduled_sums(
    diagram: Diagram, update: Update, spacetime: Spacetime, values: FloatArray, start: int, rates: FloatArray,
    numbers: FloatArray, alike: IntArray, updates: IntArray,
) -> FloatArray:
    """As `mode_sums`: the contraction with the sums over maps, for each learning rate and time."""
    totals = np.zeros((len(numbers), max(1, len(updates))))
    poset, rule = Poset.of(diagram), update.in_floats(int(spacetime.T))
    with np.errstate(all="ignore"):
        for index, weights in index_tuples(values, start, len(rates), alike):
            for low in range(0, len(weights), TOGETHER):
                some = slice(low, low + TOGETHER)
                curvatures, many = rates[index[:, some]], max(1, TOGETHER // len(weights[some]))
                for first in range(0, len(numbers), many):
                    etas = slice(first, first + many)
                    forces = list(numbers[etas, None] * curvatures[:, None])
                    edges = EdgeWeights.of(poset, rule, rule.factors(int(spacetime.T)), forces)
                    found: Iterable[FloatArray | float]
                    if len(updates):
                        found = epoch_curve(poset, edges, spacetime, "cumulant", updates.tolist())
                    else:
                        found = [sum_over_maps(poset, edges, spacetime, "cumulant")]
                    for place, maps in enumerate(found):
                        totals[etas, place] += np.sum(weights[some] * np.asarray(maps, float), axis=-1)
    return totals
