"""What diagrams contribute about the noiseless path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ..diagram import Diagram
from ..landscapes import Landscape
from ..landscapes.local import Numbers
from ..spacetime.updates import Update
from ..typing import FloatArray
from ..values.given import given_formulas
from ..values.root import Roots
from ..values.worth import Times, Worth
from .motion import Motion
from .node_tensors import FrozenTensors, NodeTensors
from .predicted import start_and_rates, which
from .skeleton_sums import skeleton_sum


class PathWorth(Worth):
    """Nodes are tensors where the path is, edges the update's matrices along it; with rational rates in Fractions."""

    tensors: ClassVar[type[NodeTensors]] = NodeTensors

    def __init__(
        self, landscape: Landscape, times: Times, rates: Sequence[Any], metric: FloatArray | None, noise: int,
        update: Update | None, points: int | None = None, others: Sequence[Landscape] = (),
    ) -> None:
        """noise: the highest noise order of skeletons.

        Raises
        ------
        InputError : T = inf; a path that leaves the range of floats
        UnsupportedError : a landscape that cannot move
        """
        start, numbers = start_and_rates(landscape, rates)
        super().__init__(landscape, times, np.array(numbers, dtype=start.dtype))
        last = max(int(spacetime.finite("T")) for spacetime in times)
        self.points = points
        if start.dtype.kind == "O":
            given_formulas(others)
        self.paths = []
        for i in range(len(numbers)):
            with which(numbers, i) as eta:
                motion = Motion(update, eta if metric is None else eta * metric, start, last)
                self.paths.append(self.tensors(landscape, motion, last, noise, others))

    def zero(self, axes: int) -> Numbers:
        n = self.landscape.dimension
        return self.paths[0].motion.zeros(len(self.paths), len(self.times), *(n,) * axes)

    def value(self, diagram: Diagram, roots: Roots) -> Numbers:
        total = self.zero(len(roots[0].open))
        for i, j in np.ndindex(total.shape[:2]):
            total[i, j] = skeleton_sum(diagram, self.paths[i], self.times[j], roots, self.points)[()]
        return total

    def displacement(self) -> Numbers:
        """Of the path, as it is observed: (rates, times, n)."""
        total = self.zero(1)
        for i, j in np.ndindex(total.shape[:2]):
            path = self.paths[i]
            total[i, j] = path.motion.observed(path.states[int(self.times[j].finite("T"))])
        return total


class FrozenWorth(PathWorth):
    """Resummed values as sums over the updates one by one, whatever the matrix K: about a path that stands still."""

    tensors = FrozenTensors
