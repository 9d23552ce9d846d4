"""A prediction, split by order and by diagram."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import whole
from ..diagram import Diagram
from ..door import door
from ..embedding import PathRule
from ..landscapes import Landscape
from ..markup import cell, entry_places, html_table
from ..numerals import written
from ..record import Record
from ..spacetime import Spacetime
from ..typing import Curve, IntArray
from .observables import Observable
from .question import Question
from .trust import Trust

if TYPE_CHECKING:
    from ..simulation import Simulation


@dataclass(frozen=True, slots=True, eq=False)
class Prediction(Record):
    """A predicted observable, split by order and by diagram.

    Every entry is a float, or an array of shape eta.shape + T.shape where these were arrays; at the end the observable's
    axes, (n,) or (n, n). On a symbolic landscape with an exact eta the entries are SymPy expressions, or object arrays of
    them.
    """

    total: Curve
    """The prediction: the sum over orders 0..order."""
    by_order: tuple[Curve, ...]
    """by_order[d]: contribution of the diagrams with d edges; about the path, of noise order d. Un-resummed, the eta^d
    term of the exact series. Of a closure two: the path without noise, and all that noise adds."""
    by_diagram: Mapping[Diagram, Curve]
    """The contribution of each diagram; un-resummed coefficient * uvalue * eta^d, resummed its rvalue.

    Only diagrams that the observable has: for the generalization gap those whose root shares a part. For the covariance and
    the test loss's variance they are diagrams of the *second moment* of the change since theta_0, from which `by_order` has
    the mean's square taken off: by_order[d] = second[d] - sum over i + j = d of mean[i] mean[j].

    About the path: the skeletons. By recursion those of the cumulants themselves: of noise orders 0 and 1 all, of noise
    order 2 all that have maps, [a[b] b[a]] and [a[b[c] c[b]]] have none. Three things come as one sum, in `by_order` alone:
    of noise order 2 the skeletons whose root shares a part (their recursion carries a matrix for each data point, and each
    of 42 skeletons would need its own), and those of the test loss's variance, whose roots share edges out; what a closure
    adds. Sums over skeletons, which give noise 2 of small problems over several epochs, have every one.
    """
    question: Question
    """What was asked."""
    stderr: Curve | None = None
    """Standard error of the total, the jackknife's for the whole sum, on `landscapes.estimated`; None on others."""
    discarded: Curve | None = None
    """About the path with a covariance of low rank, at most what share of its trace was left out; None where none was."""
    _kept: list[Trust] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_diagram", MappingProxyType(dict(self.by_diagram)))

    def __reduce__(self) -> tuple[Any, ...]:  # a mapping proxy does not pickle
        return type(self), (self.total, self.by_order, dict(self.by_diagram), self.question, self.stderr, self.discarded)

    def _values(self) -> tuple[Any, ...]:
        return self.total, self.by_order, self.by_diagram, self.question, self.stderr, self.discarded

    def lifted(self, question: Question) -> Prediction:
        """The same in the weights of a question whose span was asked about."""
        span, axes = self.question.span, question.watched.axes

        def lift(value: Any) -> Any:
            return span.lifted(value, axes) if span is not None and axes else value

        by_diagram = {diagram: lift(value) for diagram, value in self.by_diagram.items()}
        by_order = tuple(map(lift, self.by_order))
        return Prediction(lift(self.total), by_order, by_diagram, question, self.stderr, self.discarded)

    @property
    def observable(self) -> str | Observable:
        """What is predicted: its name, or what `fastdiag.observable` made."""
        return self.question.observable

    @property
    def resummed(self) -> bool:
        """Whether updates are summed up; about the path they always are."""
        return self.question.resummed

    @property
    def expansion(self) -> str:
        """What it is an expansion about: 'start' or 'path'."""
        return "path" if self.question.about_path else "start"

    @property
    def noise(self) -> int | None:
        """The highest noise order about the path; None about the start."""
        return self.question.order if self.question.about_path else None

    @property
    def closure(self) -> str | None:
        """The closure, if there is one."""
        return self.question.closure

    @property
    def eta(self) -> Any:
        """The learning rates: a number, an array, or a matrix."""
        return self.question.eta

    @property
    def spacetime(self) -> Spacetime:
        """N, B, T and the sampling."""
        return self.question.spacetime

    @property
    def T(self) -> Any:
        """The number of updates, or a tuple of them."""
        return self.question.spacetime.T if self.question.T is None else self.question.T

    @property
    def update(self) -> PathRule:
        """The update rule; None for SGD."""
        return self.question.update

    @property
    def training_set(self) -> str:
        """Whether the training points are 'drawn' or 'given'."""
        return "drawn" if self.question.given is None else "given"

    @property
    def test(self) -> Landscape | None:
        """With a given training set, the landscape whose loss the test loss is; else None."""
        return None if self.question.given is None else self.question.given.test

    @property
    def order(self) -> int:
        """The highest order that was kept."""
        return len(self.by_order) - 1

    @property
    def trust(self) -> Trust:
        """Whether to believe it, in numbers and in words, without a simulation."""
        if not self._kept:
            self._kept.append(Trust(self.question, self.total, self.by_order, self.discarded))
        return self._kept[0]

    @door
    def up_to(self, order: int) -> Curve:
        """The prediction with the diagrams of at most `order` edges, or of noise order: 0 to the one that was predicted."""
        order = whole("order", order, 0, self.order, "orders that this prediction holds")
        return sum(self.by_order[1 : order + 1], self.by_order[0])

    def plot(self, path: str | Path | None = None, *, beside: Simulation | None = None) -> Any:
        """A picture: over the learning rates or the numbers of updates that were arrays, order by order if none was.

        Curves of each order kept, a simulation as points with 95 % intervals, a shade where `trust` does not believe it. Of
        vectors the largest components to the highest order, of covariances the variances. Needs matplotlib.

        Parameters
        ----------
        path : a file to write, .png, .svg or .pdf; None for none
        beside : what `fastdiag.simulate` measured of the same observable and training, on the same landscape, which is for
            you to see to

        Returns
        -------
        A matplotlib Figure, which notebooks show

        Raises
        ------
        InputError : no matplotlib, no such folder or format; formulas, a single vector; more than four learning rates by
            more than four numbers of updates; a simulation of something else

        Examples
        --------
        >>> import fastdiag as fd
        >>> land, st, rates = fd.landscapes.gauss(), fd.Spacetime(N=10, T=10), [0.01, 0.02, 0.05, 0.1]
        >>> measured = fd.simulate(land, st, rates, runs=100)
        >>> fd.predict(land, st, rates, order=2).plot(beside=measured)
        <picture of 1 panel: savefig writes it to a file>
        """
        from ..drawing.expected import plot  # an upward look

        return plot(path, self, beside)

    @property
    def _kind(self) -> str:
        """What was predicted how."""
        what = f"{self.question.watched.name}{', given training set,' if self.question.given else ''}"
        if self.closure:
            return f"{what} along the self-consistent path"
        if self.expansion == "path":
            return f"{what} about the path, noise order {self.order}"
        return f"{'resummed' if self.resummed else 'un-resummed'} {what} to order {self.order}"

    def __repr__(self) -> str:
        what = f"array of shape {np.shape(self.total)}"
        if np.ndim(self.total) == 0:
            what = f"{self.total:.6g}" if isinstance(self.total, float) else written(self.total)
        if self.stderr is not None and np.ndim(self.stderr) == 0:
            what += f" ± {self.stderr:.2g}"
        count = "" if self.expansion == "path" else f", {len(self.by_diagram)} diagrams"
        doubt = self.trust.doubt
        return f"<{self._kind}: {what}{count}{f'; not to be trusted: {doubt}' if doubt else ''}>"

    def _repr_html_(self) -> str:
        names = ["path" if self.noise is not None else "order 0", *(f"{self._step} {d}" for d in range(1, self.order + 1))]
        head = ["eta", "T", *names, "total"]
        columns = [*self.by_order, self.total]
        if self.stderr is not None:
            head, columns = [*head, "±"], [*columns, self.stderr]
        spots, axes, parts = entry_places(self.eta, self.T), self.question.watched.axes, []
        for column in map(np.asarray, columns):
            part = column.reshape(len(spots), *column.shape[column.ndim - axes :])
            parts.append(list(part) if axes else part.tolist())
        rows = [(*spot, *map(cell, entries)) for spot, *entries in zip(spots, *parts, strict=True)]
        return html_table(f"{self._kind}, {self.spacetime}. {self.trust}", head, rows)

    @property
    def _step(self) -> str:
        """What its orders count."""
        return "order" if self.noise is None else "noise"


def joined(parts: Sequence[Prediction], places: Sequence[IntArray], question: Question) -> Prediction:
    """One prediction for all learning rates, from predictions for some of them each; `places` are theirs."""
    back = np.argsort(np.concatenate(places))

    def along(arrays: Iterable[Any]) -> Any:
        return np.concatenate(list(arrays))[back]

    first = parts[0]
    by_order = tuple(along(part.by_order[d] for part in parts) for d in range(first.order + 1))
    by_diagram = {diagram: along(part.by_diagram[diagram] for part in parts) for diagram in first.by_diagram}
    stderr = None if first.stderr is None else along(part.stderr for part in parts)
    return Prediction(along(part.total for part in parts), by_order, by_diagram, question, stderr)
