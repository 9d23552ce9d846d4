"""What tells the error of a prediction, and which other predictions are had soon enough to tell it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..landscapes import Landscape, Symbolic
from ..landscapes.logistic import Logistic
from ..typing import FloatArray
from .question import Question

MOST_ENTRIES = 1_000_000  # of third cumulants, over all updates and learning rates, that take well below a second
MOST_SHARE = 0.5  # beyond it a geometric series tells nothing
SQUARES = 4  # edges of the first diagrams in which two noises meet at one Hessian, or more, at the root of a variance


class Evidence(NamedTuple):
    """What tells an error."""

    error: FloatArray
    said: str
    size: FloatArray
    """Of what is said."""
    beside: str = ""


def averages_soon(landscape: Landscape) -> bool:
    """Whether averages over Gaussian weights take little time."""
    return isinstance(landscape, Logistic) or landscape.dimension <= (1 if isinstance(landscape, Symbolic) else 4)


def recurs_soon(question: Question) -> bool:
    """Whether the recursion of noise order 2 takes little time."""
    rates = np.size(question.eta) if np.ndim(question.eta) < 2 else 1
    return question.is_fresh and float(question.longest.T) * rates * question.landscape.dimension**3 <= MOST_ENTRIES


def lacks_squares(question: Question) -> bool:
    """Whether a variance has no tr(H S H S) / 2 and the like, which are all of it where the gradient vanishes."""
    few = question.order == 1 if question.about_path else question.order < SQUARES
    return few and question.watched.kind == "test_loss_variance" and question.closure is None


def remainder(last: FloatArray, following: FloatArray, after_next: FloatArray) -> FloatArray:
    """The sizes of all orders after the last, of which two are told, or one where the second is 0: a geometric series."""
    known = last > 0
    share = np.divide(np.where(after_next > 0, after_next, following), last, out=np.zeros(np.shape(last)), where=known)
    return np.asarray((following + after_next) / (1 - np.minimum(share, MOST_SHARE)))
