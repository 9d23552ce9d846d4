"""A diagram's tensors averaged over blocks of its nodes and contracted, over a sample and over parts of the sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from ..diagram import Diagram
from ..landscapes.estimated import Estimated
from ..landscapes.landscape import Factor, Nodes, contract
from ..landscapes.polykay import disjoint, polykay
from ..typing import Exact, FloatArray, IntArray
from .plan import plan

CHUNK_BYTES = 1 << 26  # arrays over points are formed this much at a time


@lru_cache(maxsize=1 << 16)
def regrouped(diagram: Diagram, blocks: tuple[int, ...]) -> Diagram:
    """The tree with another partition, up to what its contraction depends on."""
    return Diagram(diagram.parents, blocks).value_class


class BlockMeans:
    """The sample behind an Estimated landscape. Its arithmetic is that of the points' arrays: floats, or Fractions."""

    def __init__(self, sample: Estimated) -> None:
        self.sample = sample
        self.points, self.size = sample.points, sample.size
        self.exact: bool = self.points.per_point(0, slice(0, 1), None)[0][0].dtype == object
        groups = sample.groups or self.size
        self.cuts = np.array([self.size * k // groups for k in range(groups + 1)])
        self.kept = np.array([self._number(self.size - count) for count in np.diff(self.cuts).tolist()])
        self._means: dict[Nodes, FloatArray] = {}
        self._sums: dict[Nodes, FloatArray] = {}
        self._axes: dict[int, int] = {}
        self._tensors: dict[int, tuple[slice, list[Factor]]] = {}
        self._whole: dict[Diagram, FloatArray] = {}
        self._partial: dict[Diagram, FloatArray] = {}

    def polykay(self, diagram: Diagram) -> FloatArray:
        """The unbiased estimate from all points, an array of no axes."""
        weights = polykay(diagram.blocks, self.size)
        return np.asarray(
            sum(self._number(weight) * self.contraction(regrouped(diagram, sigma)) for sigma, weight in weights.items())
        )

    def polykay_left_out(self, diagram: Diagram) -> FloatArray:
        """The same from the sample without its k-th group, (groups,)."""
        counts = np.diff(self.cuts)
        result = np.zeros(len(counts), object if self.exact else float)
        for count in np.unique(counts).tolist():
            chosen = counts == count
            for sigma, weight in polykay(diagram.blocks, self.size - count).items():
                result[chosen] += self._number(weight) * self.contraction_left_out(regrouped(diagram, sigma))[chosen]
        return result

    def contraction(self, diagram: Diagram) -> FloatArray:
        """Every part of the diagram as the sample mean of the product of its nodes' tensors."""
        if diagram not in self._whole:
            parts = [(self.mean(nodes), _open(nodes, edges)) for nodes, edges in plan(diagram).parts]
            self._whole[diagram] = contract(parts, [])
        return self._whole[diagram]

    def contraction_left_out(self, diagram: Diagram) -> FloatArray:
        """The same without the k-th group, (groups,).

        The mean A of a part becomes (S A - a_k) / (S - s_k), a_k the sum over the group of s_k points; the product of the
        parts is multiplied out, so that the a_k of one point stay products of its tensors.
        """
        if diagram not in self._partial:
            parts, point = plan(diagram).parts, diagram.order
            means = [(self.mean(nodes), _open(nodes, edges)) for nodes, edges in parts]
            scales = [(self.size / self.kept) ** (len(parts) - q) * (-1 / self.kept) ** q for q in range(len(parts) + 1)]
            total = self.contraction(diagram) * scales[0]
            for chosen in range(1, 1 << len(parts)):
                rest = [mean for i, mean in enumerate(means) if not chosen >> i & 1]
                terms = [part for i, part in enumerate(parts) if chosen >> i & 1]
                if self.sample.groups is None:
                    tensors = [tuple(edges[axis] for axis in node) for nodes, edges in terms for node in nodes]
                    products = [contract([*rest, *factors], [point]) for factors in self._chunks(tensors, point)]
                    total = total + scales[len(terms)] * np.concatenate(products)
                else:
                    sums = [(self.group_sums(nodes), [point, *_open(nodes, edges)]) for nodes, edges in terms]
                    total = total + scales[len(terms)] * contract([*rest, *sums], [point])
            self._partial[diagram] = total
        return self._partial[diagram]

    def mean(self, nodes: Nodes) -> FloatArray:
        """Sample mean of the product of the nodes' tensors over the axes that leave them."""
        if nodes not in self._means:
            if self.sample.groups is not None:
                total = self.group_sums(nodes).sum(axis=0)
            else:
                total = self._sum(nodes, 0, self.size)
            self._means[nodes] = np.asarray(total / self.size)
        return self._means[nodes]

    def group_sums(self, nodes: Nodes) -> FloatArray:
        """Sums over each group of points of the product of the nodes' tensors, (groups, ...)."""
        if nodes not in self._sums:
            pairs = zip(self.cuts[:-1].tolist(), self.cuts[1:].tolist(), strict=True)
            self._sums[nodes] = np.stack([self._sum(nodes, start, stop) for start, stop in pairs])
        return self._sums[nodes]

    def disjoint(self, diagram: Diagram) -> FloatArray:
        """Independent unbiased estimates, one from each group of disjoint batches, (groups,)."""
        batch = self.sample.batch
        batches, served = diagram.order + 1, self.sample.batches(diagram.order)
        copies = served // batches  # of the diagram's batches in a group that serves higher orders too
        groups = self.size // (served * batch)
        rows = np.arange(groups * served * batch).reshape(groups, served, batch)
        rows = rows[:, : copies * batches].reshape(-1, batches, batch)
        total = np.zeros(len(rows), object if self.exact else float)
        for blocks, weight in disjoint(diagram.blocks, batch).items():
            parts, point = plan(regrouped(diagram, blocks)).parts, diagram.order
            nodes = [(i, tuple(edges[a] for a in node)) for i, (part, edges) in enumerate(parts) for node in part]
            step = self._step([axes for _, axes in nodes], batch * batches)
            for start in range(0, len(rows), step):
                factors = []
                for name, (i, axes) in enumerate(nodes, point + 1):
                    factors += self._batch_mean(rows[start : start + step, i], axes, point, name)
                total[start : start + step] += self._number(weight) * contract(factors, [point])
        return np.asarray(total.reshape(groups, copies).sum(axis=1) / copies)

    def _batch_mean(self, rows: IntArray, axes: tuple[int, ...], point: int, name: int) -> list[Factor]:
        """Mean over each row of points of a tensor; a tensor of several factors keeps the sum as a label, `name`."""
        groups, batch = rows.shape
        factors = self.points.per_point(len(axes), rows.ravel(), self.sample.frame)
        split = [(array.reshape(groups, batch, *array.shape[1:]), named) for array, named in factors]
        if len(split) == 1:
            return [(split[0][0].sum(axis=1) / batch, (point, *axes))]
        split[0] = (split[0][0] / batch, split[0][1])
        return [(array, (point, name, *(axes[a] for a in named))) for array, named in split]

    def _sum(self, nodes: Nodes, start: int, stop: int) -> FloatArray:
        labels = _open(nodes, range(1 + max((a for node in nodes for a in node), default=-1)))
        point = sum(map(len, nodes))
        total = np.zeros((self.sample.dimension,) * len(labels), object if self.exact else float)
        for factors in self._chunks(list(nodes), point, start, stop, len(labels)):
            total = total + contract(factors, labels)
        return total

    def _chunks(
        self, tensors: list[tuple[int, ...]], point: int, start: int = 0, stop: int | None = None, kept: int = 0
    ) -> Iterator[list[Factor]]:
        """list[Factor] of the product of some tensors at one point, a chunk of the points at a time."""
        stop, step = self.size if stop is None else stop, self._step(tensors, 1, kept - 1)
        for first in range(start, stop, step):
            rows = slice(first, min(first + step, stop))
            yield [
                (array, (point, *(axes[a] for a in named)))
                for axes in tensors
                for array, named in self._per_point(len(axes), rows)
            ]

    def _per_point(self, degree: int, rows: slice) -> list[Factor]:
        """The points' tensors; the last ones of each degree are kept."""
        if degree not in self._tensors or self._tensors[degree][0] != rows:
            self._tensors[degree] = rows, self.points.per_point(degree, rows, self.sample.frame)
        return self._tensors[degree][1]

    def _step(self, tensors: list[tuple[int, ...]], together: int, kept: int = 0) -> int:
        """How many points (or sets of `together` points) to take at a time."""
        for degree in set(map(len, tensors)) - self._axes.keys():
            self._axes[degree] = max(len(named) for _, named in self.points.per_point(degree, slice(0, 1), None))
        widest = max(2, kept, *(self._axes[len(axes)] for axes in tensors))
        return int(max(1, CHUNK_BYTES // (8 * together * self.sample.dimension**widest)))

    def _number(self, weight: Exact) -> Any:
        return Fraction(weight) if self.exact else float(weight)


def _open(nodes: Nodes, names: Sequence[int]) -> list[int]:
    """The names of the axes that leave a part: those that only one of its nodes has."""
    every = [axis for node in nodes for axis in node]
    return [names[axis] for axis in sorted(set(every)) if every.count(axis) == 1]
