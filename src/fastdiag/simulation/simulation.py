"""A simulation: what was measured, and of what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import shown
from ..markup import cell, entry_places, html_table
from ..numerals import written
from ..record import Record
from ..spacetime import Spacetime
from ..typing import Curve, FloatArray, IntArray
from .packed_rule import RunRule


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Simulation(Record):
    """A measured observable; see `simulate`. Numbers if eta and T are, else arrays of shape eta.shape + T.shape; the
    observable's own axes last.
    """

    mean: Curve
    """Mean over the runs (of a variance or covariance, the unbiased estimate); inf or nan if one diverged."""
    stderr: Curve
    """Its standard error."""
    eta: Curve
    """Learning rates, or a matrix."""
    runs: int
    """Runs for each learning rate."""
    diverged: int | IntArray
    """Runs in which what was observed is not finite."""
    observable: str
    spacetime: Spacetime
    """N, B, T and the sampling; of gradient descent too as it was given."""
    T: Any
    """The number of updates, or a tuple of them."""
    update: RunRule = None
    """The update rule; None for SGD."""
    method: str = "sgd"
    training_set: str = "drawn"
    degree: int | None = None
    """Of the Taylor polynomials that losses were taken for; None where the losses themselves were run."""
    values: FloatArray | None = None
    """What every run came to, (..., runs) or (..., runs, n), where it was asked for: of a covariance the displacements, of
    the test loss's variance the test losses."""

    @property
    def interval(self) -> tuple[Curve, Curve]:
        """95 % confidence interval of the mean, (lower, upper)."""
        with np.errstate(all="ignore"):
            return self.mean - 1.96 * self.stderr, self.mean + 1.96 * self.stderr

    @property
    def _how(self) -> str:
        """What was run, where it was not plain SGD on the loss itself."""
        words = [] if self.method == "sgd" else [self.method]
        words += [] if self.update is None else [shown(self.update)]
        words += [] if self.training_set == "drawn" else ["a given training set"]
        words += [] if self.degree is None else [f"Taylor polynomials of degree {self.degree}"]
        return "".join(f", {word}" for word in words)

    def __repr__(self) -> str:
        rates: Any = np.atleast_1d(np.nan if np.ndim(self.eta) == 2 else self.eta)
        times: Any = self.T if isinstance(self.T, tuple) else (None,)
        if np.size(self.mean) > len(rates) * len(times):
            return (
                f"<Simulation of the {self.observable}, {np.shape(self.mean)}: {self.runs} runs for each learning rate"
                f"{self._how}>"
            )
        places = [(e, T) for e in rates.tolist() for T in times]
        columns = (np.ravel(column).tolist() for column in (self.mean, self.stderr, self.diverged))
        lines = [
            ("matrix eta" if e != e else f"eta={e:g}") + ("" if T is None else f", T={written(T)}")
            + f": {mean:.6g} ± {stderr:.2g}" + (f" ({diverged} runs diverged)" if diverged else "")
            for (e, T), mean, stderr, diverged in zip(places, *columns, strict=True)
        ]
        if np.ndim(self.mean) == 0:
            return f"Simulation({lines[0]}, {self.runs} runs{self._how})"
        what = f"{len(rates)} learning rates" if np.ndim(self.eta) == 1 else f"{len(times)} numbers of updates"
        return "\n  ".join([f"Simulation({self.runs} runs at each of {what}{self._how})", *lines])

    def plot(self, path: str | Path | None = None) -> Any:
        """A picture of what was measured, over learning rates or numbers of updates, with 95 % intervals.

        As `Prediction.plot`, which takes a simulation `beside` it.

        Examples
        --------
        >>> import fastdiag as fd
        >>> fd.simulate(fd.landscapes.gauss(), fd.Spacetime(N=10, T=10), [0.01, 0.1], runs=100).plot()
        <picture of 1 panel: savefig writes it to a file>
        """
        from ..drawing.expected import plot  # an upward look

        return plot(path, None, self)

    def _repr_html_(self) -> str:
        caption = f"{self.observable} of {self.runs:,} runs{self._how}, {self.spacetime}"
        head = ("eta", "T", "mean", "standard error", "diverged")
        every = entry_places(self.eta, self.T)
        means, errors = (np.reshape(x, (len(every), -1)) for x in (self.mean, self.stderr))
        entries = zip(every, means, errors, np.ravel(self.diverged).tolist(), strict=True)
        rows = [(*place, *(cell(x[0] if x.size == 1 else x) for x in (m, s)), str(lost)) for place, m, s, lost in entries]
        return html_table(caption, head, rows)
