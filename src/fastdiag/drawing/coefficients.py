"""Coefficients over the number of updates: of a table's rows, or of a formula's terms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..typing import FloatArray
from .picture import picture

MOST_LINES = 12  # the largest at the end
COLOURS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")  # told apart by everybody
MARKS = "os^Dv<>P*X"


def plot(
    path: str | Path | None, title: str, names: Sequence[str], orders: Sequence[int], times: Sequence[int],
    values: FloatArray,
) -> Any:
    """Sizes of coefficients (rows, times) as a Figure with both axes logarithmic; negative ones are hollow and dashed."""
    kept = np.sort(np.argsort(-np.abs(values[:, -1]), kind="stable")[:MOST_LINES])
    every = max(1, len(times) // 12)
    with picture(path, 6.6, 3.8) as figure:
        ax = figure.subplots()
        for place, row in enumerate(kept.tolist()):
            colour, negative = COLOURS[orders[row] % len(COLOURS)], values[row, -1] < 0
            size = np.where(values[row] == 0, np.nan, np.abs(values[row]))
            ax.plot(times, size, marker=MARKS[place % len(MARKS)], ms=3.5, markevery=every, lw=1, color=colour,
                    ls="--" if negative else "-", mfc="none" if negative else colour,
                    label=("- " if negative else "") + names[row])
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlabel("updates $T$")
        ax.set_ylabel("size of the coefficient")
        left_out = f"; {len(values) - len(kept):,} smaller ones left out" if len(values) > len(kept) else ""
        ax.set_title(title + left_out, fontsize=9, loc="left", parse_math=False)
        handles, labels = ax.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper", frameon=False, fontsize=8)
    return figure


def some_times(last: int) -> list[int]:
    """Numbers of updates from 1 to the last, evenly in their logarithms."""
    return sorted({round(last ** (i / 24)) for i in range(25)})
