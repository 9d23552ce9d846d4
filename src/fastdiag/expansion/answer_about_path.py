"""Predictions about the noiseless path, by noise order."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..diagram import Diagram
from ..landscapes import Symbolic
from ..landscapes.exact import exact, multiplied_out
from ..path import PathSeries
from ..values.device import check_device
from ..values.exact_values import exact_learning_rates
from ..values.learning_rates import learning_rates
from ..values.overflow import told
from .about_path import about_path
from .prediction import Prediction
from .question import Question, shaped


def answer_about_path(question: Question) -> Prediction:
    """The answer by noise order; of a closure, the path alone and all that noise adds to it."""
    landscape, times, metric = question.landscape, question.times, None
    check_device(question.device, "an expansion about the path goes through the updates one by one")
    rates: list[Any]
    exactly = exact_learning_rates(question.eta) if isinstance(landscape, Symbolic) else None
    if exactly is not None:
        rates, shape = exactly
    else:
        numbers, metric = learning_rates(question.eta, landscape.dimension)
        rates, shape = np.atleast_1d(numbers).tolist(), numbers.shape
    shape = question.axes_of(shape)

    def series(noise: int, closure: str | None = None) -> PathSeries:
        asked = question.observable, question.update, metric, closure, question.given, question.patience, question.functions
        return about_path(landscape, times, rates, noise, *asked, question.tolerance)

    def finished(values: Any) -> Any:
        return shaped(values if exactly is None else EXACT(values), shape)

    found = series(0 if question.closure else question.order)
    sums = list(found.by_order)
    if question.closure:
        sums.append(series(1, question.closure).by_order[0] - sums[0])
    by_order = tuple(map(finished, sums))
    whole = sum(by_order[1:], by_order[0])
    if exactly is None:
        told("the prediction", whole, ", or this expansion is no use there; take a lower noise order")
    by_diagram = {Diagram.parse(text): finished(values) for text, values in found.by_skeleton.items()}
    axes = len(shape) - question.watched.axes
    lost = None if found.discarded is None else shaped(found.discarded, shape[:axes])
    return Prediction(whole, by_order, by_diagram, question, discarded=lost)


EXACT = np.frompyfunc(lambda value: multiplied_out(exact("a value", value)), 1, 1)
