"""Type aliases used in signatures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal, Protocol, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

IntArray: TypeAlias = npt.NDArray[Any]
"""Integers or booleans."""
FloatArray: TypeAlias = npt.NDArray[np.float64]
"""Real numbers, float64."""
Number: TypeAlias = Any
"""int, Fraction, float or a SymPy expression."""
Curve: TypeAlias = Any
"""A Number, or an array of them: which of the two, only the call knows."""
Exact: TypeAlias = int | Fraction
"""An exact count."""


class WithSymbols(Protocol):
    """A SymPy expression, whether or not its types are known."""

    @property
    def free_symbols(self) -> Any: ...


Whole: TypeAlias = SupportsIndex | float | Fraction | WithSymbols
"""A whole number of any type, or a formula for one."""
Rates: TypeAlias = npt.ArrayLike | Fraction | WithSymbols | Sequence[object]
"""A learning rate, several, or a matrix; exact ones too."""
Basis: TypeAlias = Literal["cumulant", "moment"]
Sampling: TypeAlias = Literal["reshuffle", "cyclic", "replacement"]
Last: TypeAlias = Literal["keep", "drop"]
"""What becomes of the last batch of an epoch, where fewer than B points are left for it."""
PathLike: TypeAlias = str | os.PathLike[str]
"""Where a file or folder is."""
