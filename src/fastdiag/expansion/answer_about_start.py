"""Predictions about the start: the diagram sum as numbers, by edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from ..arguments import shown
from ..diagram import Diagram
from ..diagram.number_of_diagrams import count_diagrams
from ..embedding import Rule
from ..errors import FastdiagError, TooLargeError, UnsupportedError
from ..landscapes import Estimated, Symbolic
from ..path.foreseen_walks import check_walks
from ..path.path_worth import FrozenWorth
from ..spacetime import Spacetime
from ..spacetime.processes import Process
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Update
from ..values.by_structure import foreseen
from ..values.device import check_device
from ..values.eigenbasis import Eigenbasis, growth, lost
from ..values.exact_values import exact_learning_rates
from ..values.foreseen_sums import check_sums
from ..values.given import points_met
from ..values.learning_rates import learning_rates, of_one_size
from ..values.overflow import told
from ..values.products import SLAB_BYTES
from ..values.resummable import linear_rule
from ..values.worth import ExactPlainWorth, ExactResummedWorth, PlainWorth, ResummedWorth, Worth
from .diagram_sum import diagram_sum, irreducible_diagrams, plain_diagrams, summands, watched_over
from .prediction import Prediction, joined
from .question import Question, shaped

MOST_DIAGRAMS = 1_000_000  # to order 8; that many take an hour
KEPT, ENOUGH = 1e-10, 1e-6  # shares that rounding may take: else sums go update by update; or at all, where these take long
SOON = 0.1  # minutes that they may take for digits between the two
MOST_NAMED = 15  # the highest order whose number of diagrams is told


def answer_about_start(question: Question) -> Prediction:
    """The answer by diagrams of theta_0's tensors; resummed, or the series in eta."""
    order, resummed, times, propagator = question.order, question.resummed, question.times, question.propagator
    update = cast(Rule, question.update)  # others were refused
    landscape, watched, device, given = question.landscape, question.watched, question.device, question.given
    others, points = question.others, points_met(given, update)
    for each in (landscape, *others):
        each.require_degree(watched.highest_degree(order), f"a prediction of the {watched.name} to order {order}")
    if isinstance(landscape, Estimated):
        if watched.axes or watched.mean or watched.functions:
            raise UnsupportedError(
                f"the {watched.name} is not estimated from a sample: estimates are of test_loss, train_loss and "
                "generalization_gap; give the landscape's `.points` for the (biased) value of the points themselves"
            )
        landscape = landscape.up_to(order)
    exactly = exact_learning_rates(question.eta) if isinstance(landscape, Symbolic) and not question.continuous else None
    unfit = "these are exact" if exactly else "the result has axes" if watched.axes else None
    if resummed and any(spacetime.is_ragged for spacetime in times):
        unfit = unfit or "these are of batches of two sizes"
    unfit = unfit or (None if propagator is None else "edges have another propagator")
    device = check_device(device, unfit if resummed else "these are un-resummed")
    listed = irreducible_diagrams if resummed and propagator is None else plain_diagrams
    worth: Worth
    if isinstance(landscape, Symbolic) and exactly is not None:
        expressions, shape = exactly
        if resummed:
            _foresee(question, times, len(expressions))
            worth = ExactResummedWorth(landscape, times, expressions, order, update, points, others, propagator)
        else:
            worth = ExactPlainWorth(landscape, times, expressions, update, points, others)
    else:
        numbers, metric = learning_rates(question.eta, landscape.dimension)
        rates, shape = np.atleast_1d(numbers), numbers.shape
        if len(groups := of_one_size(rates)) > 1:
            return joined([answer_about_start(question.but(eta=rates[group])) for group in groups], groups, question)
        over_updates = _over_updates(question, rates, metric, points) if resummed and propagator is None else None
        if over_updates is not None:
            worth = over_updates
        elif resummed:
            how = update, points, others, propagator
            worth = ResummedWorth(landscape, times, rates, metric, question.continuous, device, *how)
            plain = device != "cuda" and not question.continuous and worth.update is None
            plain = plain and not any(spacetime.is_ragged for spacetime in times)
            basis = worth.eigenbasis if plain else None
            _foresee(question, times, len(rates), basis)
            asked = [(diagram, roots) for _, diagram, roots in summands(watched, order, listed)]
            if question.is_fresh and not (watched.shares or isinstance(update, RegularizedNewton)):  # others have no maps
                asked = [(diagram, roots) for diagram, roots in asked if diagram.satisfies_path_condition]
            if basis is not None:
                asked = [each for each in asked if foreseen(each[0], basis, each[1], len(rates), times) is None]
            worth.eigenbasis.check_memory(asked, SLAB_BYTES)
        else:
            worth = PlainWorth(landscape, times, rates, metric, update, points, others)
    shape = question.axes_of(shape)
    fixed = question.is_fresh or (given is None and times[0].sampling == "cyclic")  # the rows' order
    with np.errstate(all="ignore"):  # an overflow is reported once, below
        sums, values = diagram_sum(watched, order, watched_over(listed), worth, fixed)
        by_order = tuple(shaped(worth.finished(total, watched.axes), shape) for total in sums)
        by_diagram = {diagram: shaped(worth.finished(value, watched.axes), shape) for diagram, value in values.items()}
    whole = sum(by_order[1:], by_order[0])
    if exactly is None and not np.isfinite(whole).all():
        grows = growth(worth.eigenbasis, worth.numbers, question.span) if isinstance(worth, ResummedWorth) else ""
        told("the prediction", whole, grows)
    stderr = None
    if isinstance(worth, PlainWorth):
        found = worth.standard_error((diagram, roots) for _, diagram, roots in summands(watched, order, listed))
        stderr = None if found is None else shaped(found, shape)
    return Prediction(whole, by_order, by_diagram, question, stderr)


def _foresee(question: Question, times: Sequence[Spacetime], rates: int, basis: Eigenbasis | None = None) -> None:
    """Raise TooLargeError if resummed sums take too long; basis: in which linear models need none over all indices."""
    if any(spacetime.is_symbolic for spacetime in times):
        return
    if isinstance(question.update, Process) or question.propagator is not None:  # integrals; few directions
        return
    order, rule = question.order, linear_rule(cast(Rule, question.update), question.continuous)
    some = (diagram for _, diagram, _ in summands(question.watched, order, irreducible_diagrams))
    met = points_met(question.given, question.update)

    def structured(diagram: Diagram) -> tuple[int, float] | None:
        return None if basis is None else foreseen(diagram, basis, question.watched.of(diagram), rates, times)

    check_sums(some, order, question.landscape.dimension, times, rates, rule, met, question.patience, structured)


def _over_updates(question: Question, rates: Any, metric: Any, points: int | None) -> Worth | None:
    """Sums over maps, update by update, where K = 1 - eta dv of a vector field has no directions that keep the digits.

    None: it has, or these sums take long, and the directions' digits are enough.
    """
    largest = 1.0 if metric is not None else float(np.abs(rates).max(initial=0.0))
    share = lost(question.landscape, metric, question.order, largest)
    if share <= KEPT:
        return None
    if share <= ENOUGH:
        question = question.but(patience=min(SOON, question.patience))
    try:
        return _summed_over_updates(question, rates, metric, points)
    except FastdiagError:
        if share <= ENOUGH:
            return None
        raise


def _summed_over_updates(question: Question, rates: Any, metric: Any, points: int | None) -> Worth:
    why = (
        "the mean of the field's dv is not diagonalisable in real numbers, or so nearly not that its eigenvectors lose the "
        "digits"
    )
    if question.continuous or isinstance(question.update, Process):
        raise UnsupportedError(
            f"{why}, and exponentials of it are not had; give resummed=False, or leave out processes and continuous=True"
        )
    try:
        check_walks(
            lambda order: irreducible_diagrams(order, question.watched.shares), question.landscape, question.times,
            rates.tolist(), question.order, question.update, question.patience, points,
        )
    except TooLargeError as error:
        raise TooLargeError(
            f"{why}, so resummed values are sums over maps, update by update, and here these take too much; give "
            "resummed=False, noise=1, a lower order, fewer updates or a larger patience"
        ) from error
    rule = question.update if isinstance(question.update, Update) else None
    how = question.order, rule, points, question.others
    return FrozenWorth(question.landscape, question.times, rates.tolist(), metric, *how)


def check_listable(order: int) -> None:
    """Raise TooLargeError if the diagrams are too many to be evaluated one by one."""
    count = count_diagrams(min(order, MOST_NAMED))
    if count > MOST_DIAGRAMS:
        least = "more than " if order > MOST_NAMED else ""
        raise TooLargeError(
            f"order {shown(order)} has {least}{count:,} diagrams, and a prediction takes them one by one, at most "
            f"{MOST_DIAGRAMS:,} of an order; ask for a lower order"
        )
