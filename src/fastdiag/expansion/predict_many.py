"""Many predictions, over any executor."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Iterable
from concurrent.futures import Executor
from typing import Any

from ..arguments import shown
from ..door import door
from ..errors import InputError
from ..progress import check_progress, track
from .predict import _question, answered, predict
from .prediction import Prediction
from .question import Question

WINDOW = 64  # predictions in flight
LOST = "start workers, and ask again"


@door
def predict_many(
    asked: Iterable[Any], executor: Executor | None = None, progress: bool | None = None, **options: Any
) -> list[Prediction]:
    """`predict` for many landscapes, starts, spacetimes or learning rates.

    Parameters
    ----------
    asked : tuples of what `predict` takes: (landscape, spacetime, eta), and more if wanted
    executor : any concurrent.futures.Executor, also Dask's `Client.get_executor()`; by default one after the other, here
    progress : whether to show a bar; by default on a terminal
    options : what all of them have in common, by name

    Returns
    -------
    The predictions, in the order asked for; the same whatever the workers.

    Raises
    ------
    InputError : something else than tuples; with an executor, functions that do not pickle; and what `predict` raises
    DataError : the executor has lost its workers, or finishes nothing for ten minutes

    Examples
    --------
    >>> import fastdiag as fd
    >>> land, st = fd.landscapes.breast_cancer(), fd.Spacetime(N=20, T=20)
    >>> starts = [land, land.at([0.1] * 31)]
    >>> [round(p.total, 4) for p in fd.predict_many([(start, st, 0.001) for start in starts], order=2)]
    [0.6555, 1.5783]
    """
    from ..coefficients.workers import check_executor, computed, packed  # with asyncio

    executor, progress = check_executor(executor), check_progress(progress)
    try:
        tuples = list(asked)
    except TypeError:
        raise InputError(f"asked must be a sequence of tuples (landscape, spacetime, eta), not {shown(asked)}") from None
    questions = [_asked(each, options) for each in tuples]
    if executor is None:
        work: Any = ((i, answered(question)) for i, question in enumerate(questions))
    else:
        todo = {i: (packed("a question", question),) for i, question in enumerate(questions)}
        work = computed(executor, _answered, todo, WINDOW, LOST)
    found: dict[int, Prediction] = dict(track(work, len(questions), lambda _: 1, "predictions", progress))
    predictions = [_of(found[i], question) for i, question in enumerate(questions)]
    for prediction in predictions:
        prediction.trust.tell()
    return predictions


def _answered(question: bytes) -> Prediction:
    """What a worker does."""
    return answered(pickle.loads(question))


def _asked(each: object, options: dict[str, Any]) -> Question:
    if not isinstance(each, tuple):
        raise InputError(f"asked must hold tuples (landscape, spacetime, eta), not {shown(each)}")
    try:
        bound = inspect.signature(predict).bind(*each, **options)
    except TypeError as error:
        raise InputError(f"predict takes something else: {error}") from None
    bound.apply_defaults()
    return _question(**bound.arguments)


def _of(prediction: Prediction, question: Question) -> Prediction:
    """The same, of the landscape that was given and no copy of it."""
    return Prediction(prediction.total, prediction.by_order, prediction.by_diagram, question, prediction.stderr)
