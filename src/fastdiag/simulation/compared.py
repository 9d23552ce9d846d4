"""Ways of training side by side: what each comes to, and by how much they differ."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import shown
from ..door import door
from ..errors import InputError
from ..markup import html_table
from ..record import Record
from ..typing import FloatArray
from .simulation import Simulation


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Compared(Record):
    """Runs of several kinds on the same training sets; see `compare`. `compared[label]` is one kind's Simulation."""

    labels: tuple[str, ...]
    simulations: tuple[Simulation, ...]
    """One for each label."""
    differences: FloatArray
    """[i, j] is the i-th's less the j-th's, (K, K), then (rates,), (times,) if these were arrays, the observable's axes."""
    errors: FloatArray
    """Their standard errors, from differences run by run."""

    def __getitem__(self, label: str) -> Simulation:
        return self.simulations[self._place(label)]

    def __len__(self) -> int:
        return len(self.labels)

    @door
    def difference(self, label: str, other: str) -> tuple[Any, Any]:
        """The first's mean less the other's, and its standard error: floats, or arrays.

        Examples
        --------
        >>> import fastdiag as fd
        >>> land, st = fd.landscapes.gauss(1), fd.Spacetime(N=10, E=1)
        >>> kinds = [("SGD", st, 0.1, "sgd"), ("GD", st, 0.1, "gd")]
        >>> mean, stderr = fd.compare(kinds, land, runs=1000).difference("SGD", "GD")
        >>> bool(abs(mean) > 5 * stderr)
        True
        """
        place = self._place(label), self._place(other)
        mean, error = self.differences[place], self.errors[place]
        return (float(mean), float(error)) if np.ndim(mean) == 0 else (mean, error)

    def plot(self, path: str | Path | None = None, against: str | None = None) -> Any:
        """A picture: differences from one kind, by default the first, with 95 % intervals.

        Over learning rates or updates where these are arrays, else one place for each kind. It is written to the path if
        one is given, and given back as a matplotlib Figure, which notebooks show. Needs matplotlib.

        Raises
        ------
        InputError : no such label; a vector or a matrix; arrays of both rates and updates; the file's ending is not one
            that matplotlib writes
        """
        from ..drawing.paired_runs import save

        return save(self, path, self._place(self.labels[0] if against is None else against))

    def _place(self, label: object) -> int:
        if not isinstance(label, str) or label not in self.labels:
            raise InputError(f"there is no {shown(label)} among {', '.join(map(shown, self.labels))}")
        return self.labels.index(label)

    @property
    def _head(self) -> str:
        first = self.simulations[0]
        return f"{first.observable} of {first.runs} runs on common training sets"

    def rows(self) -> list[tuple[str, str, str]]:
        """Label, mean, and difference from the first one, in words; of arrays their shape."""
        found = []
        for i, (label, simulation) in enumerate(zip(self.labels, self.simulations, strict=True)):
            if self.differences.ndim > 2:
                shape = np.shape(simulation.mean)
                found.append((label, f"array of shape {shape}", "" if i == 0 else f"array of shape {shape}"))
                continue
            mean, error = self.differences[i, 0], self.errors[i, 0]
            lost = f" ({simulation.diverged} runs diverged)" if simulation.diverged else ""
            what = f"{simulation.mean:.6g} ± {simulation.stderr:.2g}{lost}"
            found.append((label, what, "" if i == 0 else f"{mean:+.4g} ± {error:.2g}"))
        return found

    def __repr__(self) -> str:
        titles = ("", "mean", f"less {self.labels[0]}")
        lines_of = [titles, *self.rows()]
        widths = [max(len(row[k]) for row in lines_of) for k in range(3)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in lines_of]
        return "\n  ".join([f"<Compared: {self._head}", *lines]) + ">"

    def _repr_html_(self) -> str:
        return html_table(self._head, ("", "mean", f"less {self.labels[0]}"), self.rows())
