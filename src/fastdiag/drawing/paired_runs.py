"""Differences between ways of training, with their intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..simulation.compared import Compared
from ..terminal import on_one_line
from .picture import logarithmic, picture

MARKS = "osD^vP*X"


def save(compared: Compared, path: str | Path | None, against: int) -> Any:
    """A picture of all differences from one kind; over learning rates or updates where they are arrays.

    Raises
    ------
    InputError : differences of vectors or matrices, or over both; the file's ending is not one that matplotlib writes
    """
    first = compared.simulations[0]
    rates, times = np.ndim(first.eta) == 1, np.ndim(first.T) == 1
    if rates and times:
        raise InputError("a picture has one axis, learning rates or updates, not both; give one number for either")
    many = rates or times
    if compared.differences.ndim > 2 + many:
        raise InputError(f"a picture has one number for each kind, and the {first.observable} has more; ask for another")
    others = [i for i in range(len(compared.labels)) if i != against]
    with picture(path, 4.6, 3.4, "") as figure:
        ax = figure.subplots()
        ax.axhline(0.0, color="0.6", lw=0.8)
        for mark, i in enumerate(others):
            means, errors = compared.differences[i, against], 1.96 * compared.errors[i, against]
            this = compared.simulations[i]
            at = np.asarray(this.eta if rates else this.T) if many else np.array([mark])
            ax.errorbar(
                at, np.atleast_1d(means), np.atleast_1d(errors), fmt=MARKS[mark % len(MARKS)], ms=4, capsize=2, lw=1,
                label=_plain(compared.labels[i]),
            )
        if many:
            if rates and (np.asarray(first.eta) > 0).all():
                logarithmic(ax, np.min(first.eta), np.max(first.eta))
            ax.set_xlabel(r"learning rate $\eta$" if rates else "updates $T$")
            if others:
                ax.legend(frameon=False, fontsize=8)
        else:
            ax.set_xticks(range(len(others)), [_plain(compared.labels[i]) for i in others])
            ax.set_xlim(-0.5, max(len(others), 1) - 0.5)
        what = first.observable.replace("_", " ")
        ax.set_ylabel(f"{what} less that of {_plain(compared.labels[against])}")
        ax.set_title(f"differences of {first.runs:,} runs, 95 %", fontsize=9)
    return figure


def _plain(label: str) -> str:
    """On one line, and no formula whatever dollars it has."""
    return on_one_line(label).replace("$", r"\$")
