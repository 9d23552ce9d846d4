"""Whether to believe a prediction: what can be said without a simulation."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..door import door, outside
from ..errors import FastdiagError, TrustWarning
from ..landscapes import Directional, Symbolic
from ..locks import cached_property
from ..path.predicted import noise_to_signal
from ..typing import FloatArray
from .evidence import Evidence, averages_soon, lacks_squares, recurs_soon, remainder
from .in_floats import in_floats
from .question import Question

SMALL = 0.02  # error of a prediction that is believed, as a part of it
ROUNDING = 1e-10  # of the largest order; what is smaller says nothing
LOSSES = ("test_loss", "train_loss")
MOST_WEIGHTS = 64  # for which noise order 2 is a matter of seconds
SOON = 0.1  # minutes, for which sums over skeletons are worth it


class Trust:
    """How much of a prediction to believe; arrays over learning rates and numbers of updates where these were arrays.

    What takes another prediction (`next_order`, `second_opinion`, and so `error`, `believable` and the text) is computed
    when it is first asked for: about the start that costs a second, and the next order, with those after it as a geometric
    series, is no bound (0.8 to 30 times the true error at orders 1 to 3 on the breast cancer data); of given training sets
    of two to five points, with noise 1, the true error was at most 1.4 times what is said. `bool()` of it is whether all is
    believable.

    Examples
    --------
    >>> import fastdiag as fd
    >>> land, st = fd.landscapes.breast_cancer(), fd.Spacetime(N=200, T=200)
    >>> fd.predict(land, st, 0.005, noise=1).trust
    <trust: Noise order 1 and the self-consistent path differ by 8.7e-06: believe it to that.>
    >>> bool(fd.predict(land, st, 0.005, order=2).trust)
    False
    """

    def __init__(self, question: Question, total: Any, by_order: tuple[Any, ...], discarded: Any = None) -> None:
        self.question, self.discarded, self.total, self.by_order = question, discarded, total, by_order

    def _sized(self, value: Any, axes_of: int | None = None) -> FloatArray:
        """Of an order: the largest of the observable's components, in floats; nan for a formula."""
        found = in_floats(value)
        axes = tuple(range(found.ndim - (self.question.watched.axes if axes_of is None else axes_of), found.ndim))
        return np.asarray(np.abs(found).max(axis=axes, initial=0.0) if axes else np.abs(found))

    @cached_property
    def sizes(self) -> tuple[FloatArray, ...]:
        """The size of each order's contribution; of vectors and matrices the largest entry's."""
        return tuple(map(self._sized, self.by_order))

    @cached_property
    def size(self) -> FloatArray:
        """Of the prediction."""
        return self._sized(self.total)

    @property
    def is_last_against_path(self) -> bool:
        """Whether there is one order of noise alone, to be compared with the path itself."""
        return self.question.about_path and len(self.sizes) == 2

    @cached_property
    def ratio(self) -> FloatArray:
        """The last order's size divided by that of the one before; nan where there are no two that tell."""
        nothing = np.full(np.shape(self.size), np.nan)
        if len(self.sizes) < 3 and not self.is_last_against_path:
            return nothing
        last, before = self.sizes[-1], self.sizes[-2]
        tells = before > ROUNDING * np.max(self.sizes, axis=0)
        return np.asarray(np.divide(last, before, out=nothing, where=tells))

    @cached_property
    def outside(self) -> Any:
        """Where the prediction lies outside what the observable can be: a loss or a variance below its least value."""
        least = self.question.measured.least_loss if self.question.watched.kind in LOSSES else None
        if self.question.watched.mean is not None:
            least = self.question.watched.least
        if least is None:
            return np.zeros(np.shape(self.size), dtype=bool)[()]
        values = in_floats(self.total)
        if self.question.observable == "covariance":
            values = np.diagonal(values, axis1=-2, axis2=-1).min(axis=-1)
        return np.asarray(values < least - ROUNDING * np.max(self.sizes, axis=0) - self.rounding)[()]

    @cached_property
    def rounding(self) -> Any:
        """What 0 may come out as: beside the loss, and beside what the noise of one update moves weights by."""
        question = self.question
        try:
            if question.watched.axes:
                gradients = np.abs(in_floats(question.landscape.gradient_covariance)).max(initial=0.0)
                found = np.sqrt(gradients) * np.abs(in_floats(question.eta)).max()
            else:
                found = np.abs(in_floats(question.measured.loss))
        except FastdiagError:  # not known
            return 0.0
        return ROUNDING * float(np.nan_to_num(found)) ** (2 if question.watched.mean is not None else 1)

    @cached_property
    def step(self) -> Any:
        """eta T lambda_max at the start: far above 1 no expansion about the start holds."""
        from ..values.learning_rates import learning_rates

        question = self.question.within_span()
        updates = question.spacetime.T if question.T is None else np.array(question.T, dtype=float)
        try:
            hessian = np.asarray(question.landscape.hessian, dtype=float)
            numbers, metric = learning_rates(question.eta, len(hessian))
        except (FastdiagError, TypeError):  # a formula, or no Hessian
            return np.full(np.shape(self.size), np.nan)[()]
        rates = np.linalg.eigvals(hessian if metric is None else metric @ hessian)
        with np.errstate(invalid="ignore"):  # 0 times infinity
            return np.multiply.outer(numbers * np.abs(rates).max(initial=0.0), updates)[()]

    @cached_property
    def next_order(self) -> FloatArray | None:
        """The size of the order after the last: it is predicted now. None where it cannot be had, or takes long."""
        found = self._other(order=self.question.order + 1, closure=None, patience=SOON)
        return self._sized(found[-1]) if found else None

    @cached_property
    def after_next(self) -> FloatArray:
        """Expected two orders on: a symmetry may make every other order vanish, as of a logistic loss at 0."""
        return self._in_proportion(-1)

    def _in_proportion(self, place: int) -> FloatArray:
        """An order's size squared over that of the order two before the last; 0 where there are no two that tell."""
        if len(self.sizes) < 3:
            return np.zeros(np.shape(self.size))
        size, before = self.sizes[place], self.sizes[-3]
        tells = before > ROUNDING * np.max(self.sizes, axis=0)
        return np.asarray(np.divide(size * size, before, out=np.zeros(np.shape(self.size)), where=tells))

    @cached_property
    def second_opinion(self) -> FloatArray | None:
        """About the path, how far the noise orders and the self-consistent path lie apart.

        They leave out different skeletons. None where one of them cannot be had, or takes long.
        """
        question = self.question
        if not question.about_path or not question.order:
            return None
        if question.closure:
            found = self._other(order=2 if question.landscape.dimension <= MOST_WEIGHTS else 1, closure=None)
        else:
            found = self._other(order=1, closure="gaussian") if averages_soon(question.landscape) else None
        return self._sized(self.total - sum(found[1:], found[0])) if found else None

    def _other(self, **changes: Any) -> tuple[Any, ...] | None:
        from .predict import answered

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return answered(self.question.but(**changes)).by_order
        except FastdiagError:
            return None

    @cached_property
    def shrinking(self) -> FloatArray:
        """Of a gap, a difference whose next order may be small by accident: the next noise order over the last, of test
        loss or covariance, whichever is larger; at most 1, and 0 where it cannot be had.
        """
        shrunk = np.zeros(np.shape(self.size))
        for name, axes in ((LOSSES[0], 0), ("covariance", 2)):
            found = self._other(order=self.question.order + 1, observable=name, patience=SOON)
            if found:
                before, following = (self._sized(each, axes) for each in found[-2:])
                ratio = np.divide(following, before, out=np.zeros(np.shape(self.size)), where=before > 0)
                shrunk = np.maximum(shrunk, ratio)
        return np.asarray(np.minimum(shrunk, 1))

    @cached_property
    def scatter(self) -> tuple[FloatArray, FloatArray] | None:
        """About the path with noise 1: the weights' scatter as a share of the way that the path has gone, which is how much
        smaller than noise 1 the next order may be expected; and the size of that order's terms that noise 1 itself has.

        None where it cannot be had.
        """
        from ..values.learning_rates import learning_rates

        question, metric = self.question.within_span(), None
        shape = np.shape(self.size)
        try:
            rates = in_floats(question.eta)
            if not isinstance(question.landscape, Symbolic) or rates.ndim == 2:
                rates, metric = learning_rates(rates, question.landscape.dimension)
            numbers = np.atleast_1d(rates).tolist()
            found = noise_to_signal(
                question.landscape, question.times, numbers, question.watched.kind, question.update, metric, question.given,
                question.functions, question.tolerance,
            )
        except FastdiagError:
            return None
        share, at_root = (np.asarray(array).reshape(shape) for array in found)
        return share, np.abs(at_root)

    @property
    def error(self) -> FloatArray:
        """The size of what is left out, as far as can be told."""
        return self._evidence[0]

    @cached_property
    def _evidence(self) -> Evidence:
        found = self._of_orders
        if lacks_squares(self.question) and (scattered := self.scatter) is not None:
            squares = scattered[1]
            if np.max(squares) >= np.max(found.error):
                found = Evidence(squares, "terms of noise order 2 that are known already come to", squares)
            else:
                found = found._replace(error=np.maximum(found.error, squares))
        if self.discarded is None:
            return found
        share = f", and of the covariance's trace at most {np.max(self.discarded):.2g}{self._most()} is left out"
        error = np.maximum(found.error, self.sizes[-1] * self.discarded)
        return Evidence(error, found.said, found.size, found.beside + share)

    @property
    def _of_orders(self) -> Evidence:
        question, last = self.question, self.sizes[-1]
        added = f"{self._name(question.order)} adds"
        if (other := self.second_opinion) is not None:
            about = "the noise orders" if question.closure else f"noise order {question.order}"
            said = f"{about} and the self-consistent path differ by"
            if question.closure or question.order < 2:
                following = self.next_order if not question.closure and recurs_soon(question) else None
                error = other if following is None else np.maximum(other, following)  # each may be small by accident
                if following is None or np.max(following) <= np.max(other):
                    return Evidence(error, said, other)
                return Evidence(error, f"{self._name(question.order + 1)} would add", following)
            error = np.maximum(last, other)
            return Evidence(error, said, other) if np.max(other) >= np.max(last) else Evidence(error, added, last)
        if question.about_path and (question.closure or question.order >= 2):
            few = None if question.closure or question.given is None else self.scatter  # a symmetry may take an order off
            error = last if few is None else np.maximum(last, self.sizes[1] * np.minimum(few[0], 1) ** (question.order - 1))
            return Evidence(error, added, last)
        slow = (question.about_path and question.order) or isinstance(question.landscape, Directional)
        slow = slow and question.landscape.dimension > MOST_WEIGHTS
        scattered = None
        if self.is_last_against_path and (question.given is not None or slow or self.next_order is None):
            scattered = self.scatter
        if not slow and (following := self.next_order) is not None:
            error = following if question.about_path else remainder(last, following, self.after_next)
            if question.about_path and question.watched.kind == "generalization_gap":
                shrunk = np.maximum(error, last * self.shrinking)
                if np.max(shrunk) > np.max(error):
                    said = "shrinking as the test loss's, or the covariance's, the next noise order would be"
                    return Evidence(shrunk, said, shrunk)
            if scattered is not None:  # of few points all orders are of one size, and one may be small by accident
                error = np.maximum(error, np.maximum(last * np.minimum(scattered[0], 1), scattered[1]))
            return Evidence(error, f"{self._name(question.order + 1)} would add", following)
        if scattered is not None:
            share, at_root = scattered
            error = np.maximum(last * np.minimum(share, 1), at_root)
            if np.max(at_root) >= np.max(error):
                return Evidence(error, "terms of noise order 2 that are known already come to", at_root)
            way = f", and the weights scatter by {np.max(share):.2g}{self._most()} of the way that the path goes"
            return Evidence(error, added, last, way if np.all(np.isfinite(share)) else ", and the path stands still")
        error = last if question.about_path else np.maximum(last, self._in_proportion(-2))
        return Evidence(error, added if np.all(error == last) else "the orders before the last let expect", error)

    @cached_property
    def believable(self) -> Any:
        """Whether the error is at most 2 % of the prediction, the orders shrink, and the total can be."""
        if np.isnan(self.size).all():
            return np.zeros(np.shape(self.size), dtype=bool)[()]
        return (self.error <= SMALL * self.size + self.rounding) & ~self.outside & ~self._grows

    @property
    def _grows(self) -> Any:
        """Where the last order is no smaller than the one before, and matters."""
        return (self.ratio >= 1) & (self.sizes[-1] > SMALL * self.size + self.rounding)

    def __bool__(self) -> bool:
        return bool(np.all(self.believable))

    @cached_property
    def doubt(self) -> str:
        """What speaks against it at once, before anything else is computed; '' for nothing."""
        question = self.question
        if question.about_path is False and not question.resummed and question.order < 2:
            return ""
        reasons = []
        if np.any(self.outside):
            least = float(np.min(in_floats(self.total)))
            reasons.append(f"a {question.watched} that cannot be negative comes out as {least:.3g}")
        if np.any(self._grows):
            worst = float(np.max(self.ratio, where=np.asarray(self._grows), initial=0.0))
            reasons.append(f"{self._name(question.order)} is {worst:.2g} times {self._name(question.order - 1)}")
        if not reasons:
            return ""
        return " and ".join(reasons) + self._where(self.outside | self._grows)

    def _name(self, order: int) -> str:
        if not self.question.about_path:
            return f"order {order}"
        return f"noise order {order}" if order else "the path's own value"

    def _where(self, places: Any) -> str:
        """How many learning rates and numbers of updates."""
        count = np.size(places)
        return f" (in {np.sum(places)} of {count} cases)" if count > 1 else ""

    @property
    def advice(self) -> str:
        """What to do where it is not believable."""
        question = self.question
        one_epoch = question.is_fresh
        if not question.about_path:
            noise = 2 if one_epoch and question.landscape.dimension <= MOST_WEIGHTS else 1
            return f"give noise={noise} in place of order, to expand about the path, or a smaller eta or T"
        other = "compare noise=1 with closure='gaussian', " if one_epoch and not question.closure else ""
        return f"{other}take a smaller eta or larger batches, or simulate"

    @door
    def __str__(self) -> str:
        if np.isnan(self.size).any():
            return "A formula, or beyond the range of floats: nothing can be said of its size."
        error, said, size, beside = self._evidence
        size, whole = np.ravel(np.broadcast_to(size, np.shape(self.size))), np.ravel(self.size)
        at = int(np.argmax(size if self else np.ravel(error) / np.maximum(whole, np.finfo(float).tiny)))
        told = f"{said[0].upper()}{said[1:]} {size[at]:.2g}{self._most() if self else ''}{beside}"
        if self:
            return f"{told}: believe it to {'that' if np.max(error) == np.max(size) else f'{np.max(error):.2g}'}."
        first = f" {self.doubt[0].upper()}{self.doubt[1:]}." if self.doubt else ""
        steps = "" if self.question.about_path else f" eta T lambda_max is {np.max(self.step):.3g}."
        where, advice = self._where(~np.asarray(self.believable)), f"{self.advice[0].upper()}{self.advice[1:]}."
        return f"Do not believe it{where}.{first} {told}, beside a prediction of {whole[at]:.3g}.{steps} {advice}"

    def _most(self) -> str:
        return " at most" if np.size(self.size) > 1 else ""

    def __repr__(self) -> str:
        return f"<trust: {self}>"

    def tell(self) -> None:
        """Warn at the user's line where something speaks against it at once."""
        if self.doubt:
            warnings.warn(
                f"do not trust this prediction: {self.doubt}; {self.advice}; p.trust says more", TrustWarning,
                stacklevel=outside(),
            )
