"""A prediction, split by order and by diagram."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from ..arguments import whole
from ..diagram import Diagram
from ..door import door
from ..numerals import written
from ..record import Record
from ..typing import FloatArray, IntArray

Curve: TypeAlias = float | FloatArray


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
    """by_order[d]: contribution of the diagrams with d edges. Un-resummed, the eta^d term of the exact series."""
    by_diagram: Mapping[Diagram, Curve]
    """The contribution of each diagram; un-resummed coefficient * uvalue * eta^d, resummed its rvalue.

    Only diagrams that the observable has: for the generalization gap those whose root shares a part. For the covariance and
    the test loss's variance they are diagrams of the *second moment* of the change since theta_0, from which `by_order` has
    the mean's square taken off: by_order[d] = second[d] - sum over i + j = d of mean[i] mean[j].
    """
    observable: str
    resummed: bool
    stderr: Curve | None = None
    """Standard error of the total, the jackknife's for the whole sum, on `landscapes.estimated`; None on others."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_diagram", MappingProxyType(dict(self.by_diagram)))

    def __reduce__(self) -> tuple[Any, ...]:  # a mapping proxy does not pickle
        entries = self.total, self.by_order, dict(self.by_diagram), self.observable, self.resummed, self.stderr
        return type(self), entries

    @property
    def order(self) -> int:
        """The highest order that was kept."""
        return len(self.by_order) - 1

    @door
    def up_to(self, order: int) -> Curve:
        """The prediction with the diagrams of at most `order` edges, 0 to the order that was predicted."""
        order = whole("order", order, 0, self.order, "orders that this prediction holds")
        return sum(self.by_order[1 : order + 1], self.by_order[0])

    def __repr__(self) -> str:
        kind = "resummed" if self.resummed else "un-resummed"
        what = f"array of shape {np.shape(self.total)}"
        if np.ndim(self.total) == 0:
            what = f"{self.total:.6g}" if isinstance(self.total, float) else written(self.total)
        if self.stderr is not None and np.ndim(self.stderr) == 0:
            what += f" ± {self.stderr:.2g}"
        return f"<{kind} {self.observable} to order {self.order}: {what}, {len(self.by_diagram)} diagrams>"


def joined(parts: Sequence[Prediction], places: Sequence[IntArray]) -> Prediction:
    """One prediction for all learning rates, from predictions for some of them each; `places` are theirs."""
    back = np.argsort(np.concatenate(places))

    def along(arrays: Iterable[Any]) -> Any:
        return np.concatenate(list(arrays))[back]

    first = parts[0]
    by_order = tuple(along(part.by_order[d] for part in parts) for d in range(first.order + 1))
    by_diagram = {diagram: along(part.by_diagram[diagram] for part in parts) for diagram in first.by_diagram}
    stderr = None if first.stderr is None else along(part.stderr for part in parts)
    total = along(part.total for part in parts)
    return Prediction(total, by_order, by_diagram, first.observable, first.resummed, stderr)
