"""Myopic model selection: which of several losses learns best in a short run, foretold from the start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from ..arguments import sequence, shown, whole
from ..door import door
from ..errors import InputError
from ..expansion import Prediction
from ..expansion.predict_many import predict_many
from ..landscapes import Estimated, Landscape
from ..landscapes.landscape import check_landscape
from ..markup import html_table
from ..record import Record
from ..spacetime import Spacetime
from ..typing import FloatArray, IntArray, Rates
from .simulate import simulate

NINETY_FIVE = 1.96
SIMULATED = ("observable", "update", "T", "training_set", "test", "progress", "executor")  # options of `simulate` too


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Ranking(Record):
    """Losses after a short run, foretold and measured; see `rank`. Arrays have an entry for each landscape, as given."""

    labels: tuple[str, ...]
    predictions: tuple[Prediction, ...]
    predicted: FloatArray
    """Expected losses, or another observable."""
    error: FloatArray
    """Half the width of their intervals: what the series leaves out, as far as `Prediction.trust` can tell, and 1.96
    standard errors where they are estimates."""
    simulated: FloatArray
    """The same measured; nan without runs."""
    stderr: FloatArray
    """Its standard errors."""

    @property
    def order(self) -> IntArray:
        """The numbers of the landscapes, that with the least prediction first."""
        return np.asarray(np.argsort(self.predicted, kind="stable"))

    @property
    def simulated_order(self) -> IntArray | None:
        """The same by simulation; None without runs."""
        return None if np.isnan(self.simulated).all() else np.asarray(np.argsort(self.simulated, kind="stable"))

    @property
    def interval(self) -> tuple[FloatArray, FloatArray]:
        """(lower, upper) of the predictions."""
        return self.predicted - self.error, self.predicted + self.error

    @property
    def told_apart(self) -> float:
        """The share of the pairs whose intervals do not overlap: of these the predicted order is to be believed."""
        lower, upper = self.interval
        apart = (upper[:, None] < lower) | (upper < lower[:, None])
        pairs = len(lower) * (len(lower) - 1)
        return float(apart.sum() / pairs) if pairs else nan

    @property
    def tau(self) -> float:
        """Kendall's rank correlation of the predictions with the simulation: 1 where they order all pairs alike, -1 where
        none. nan without runs, and of one landscape.
        """
        if self.simulated_order is None or len(self.labels) < 2:
            return nan
        from scipy.stats import kendalltau

        return float(kendalltau(self.predicted, self.simulated).statistic)

    def _rows(self) -> list[tuple[str, ...]]:
        """A head, and a line for each landscape: its label, the prediction, and the simulation if there is one."""
        lines: list[tuple[str, ...]] = [("", "predicted", "simulated")]
        for i in self.order.tolist():
            measured = f"{self.simulated[i]:.6g} ± {NINETY_FIVE * self.stderr[i]:.2g}"
            lines.append((self.labels[i], f"{self.predicted[i]:.6g} ± {self.error[i]:.2g}", measured))
        return lines if self.simulated_order is not None else [line[:2] for line in lines]

    def __str__(self) -> str:
        wide = max(map(len, self.labels))
        return "\n".join("  ".join((f"{label:{wide}}", *cells)) for label, *cells in self._rows())

    def _repr_html_(self) -> str:
        head, *lines = self._rows()
        return html_table(repr(self), head, lines)

    def __repr__(self) -> str:
        best = self.labels[int(self.order[0])]
        beside = "" if self.simulated_order is None else f", Kendall's tau with the simulation {self.tau:.3g}"
        return f"<ranking of {len(self.labels)}: {best} first{beside}>"


@door
def rank(
    landscapes: Iterable[Landscape],
    spacetime: Spacetime,
    eta: Rates,
    runs: int = 0,
    seed: int = 0,
    labels: Iterable[str] | None = None,
    **options: Any,
) -> Ranking:
    """Several architectures, starts or data, in the order of their expected test loss after a short run.

    The order is foretold by derivatives at each start, before anything is trained (papers: [C] 4.5, myopic model
    selection); with `runs` it is simulated too, on the same seeds.

    Parameters
    ----------
    landscapes : of one or more; of `landscapes.estimated` predictions are estimates, and their own points are trained on
    spacetime : N, B, T and the sampling, the same for all
    eta : learning rate, a number
    runs : of each simulation, >= 2; 0 for none
    seed : of the simulations
    labels : a text for each landscape; numbers by default
    options : of `predict`: order, noise, resummed, observable, update, training_set, ...; `simulate` has the last three as
        well, and T, test, progress and executor

    Returns
    -------
    Ranking : order, predicted, interval, simulated, tau

    Raises
    ------
    InputError : no landscapes; an observable with axes, or a curve; what `predict` and `simulate` raise

    Examples
    --------
    >>> import fastdiag as fd
    >>> starts = [fd.landscapes.gauss(h) for h in (1, -1, 0)]
    >>> found = fd.rank(starts, fd.Spacetime(N=20, T=20), 0.01, order=2, labels=["right", "left", "middle"])
    >>> found.order.tolist(), found
    ([2, 0, 1], <ranking of 3: middle first>)
    """
    given = sequence("landscapes", landscapes, "landscapes to be compared")
    if not given:
        raise InputError("landscapes is empty; give one at least")
    for landscape in given:
        check_landscape(landscape)
    count = whole("runs", runs, 0)
    names = [str(i) for i in range(len(given))]
    if labels is not None:
        names = sequence("labels", labels, "a text for each landscape")
    if len(names) != len(given) or not all(isinstance(name, str) for name in names):
        raise InputError(f"labels must be a text for each of the {len(given)} landscapes, not {shown(labels)}")
    for name in ("landscape", "spacetime", "eta"):
        if name in options:
            raise InputError(f"{name} was given twice")
    predictions = predict_many([(landscape, spacetime, eta) for landscape in given], **options)
    if any(np.ndim(prediction.total) for prediction in predictions):
        raise InputError("a ranking takes one number for each landscape; give one eta, one T, an observable without axes")
    error = [float(p.trust.error) + NINETY_FIVE * float(p.stderr or 0.0) for p in predictions]
    means, errors = np.full(len(given), nan), np.full(len(given), nan)
    for i, landscape in enumerate(given if count else ()):
        points = landscape.points if isinstance(landscape, Estimated) else landscape
        shared = {name: options[name] for name in SIMULATED if name in options}
        found = simulate(points, spacetime, eta, count, seed, **shared)
        means[i], errors[i] = found.mean, found.stderr
    predicted = np.array([float(p.total) for p in predictions])
    return Ranking(tuple(names), tuple(predictions), predicted, np.array(error), means, errors)
