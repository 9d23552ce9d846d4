"""A diagram's tensors averaged over blocks of its nodes and contracted, over a sample and over parts of the sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import chain, product
from typing import Any, TypeAlias

import numpy as np

from ..diagram import Diagram
from ..landscapes.contraction import contract
from ..landscapes.directional import Directional
from ..landscapes.estimated import Estimated
from ..landscapes.landscape import Factor, Nodes
from ..landscapes.polykay import central_polykay, disjoint
from ..typing import Exact, FloatArray, IntArray
from .leaf_to_root import batch_contraction
from .plan import plan

CHUNK_BYTES = 1 << 26  # arrays over points are formed this much at a time
DENSE = 3  # from this degree on, deviations are left in their factors

Term: TypeAlias = tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]
"""The nodes of a part whose mean over the whole sample it has, and those of each sum over the group."""


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
        self._tensors: dict[tuple[int, int, int], tuple[list[Factor], FloatArray | None]] = {}
        self._held = 0
        self._off: dict[int, FloatArray] = {}
        self._whole: dict[Diagram, FloatArray] = {}
        self._partial: dict[Diagram, FloatArray] = {}

    def polykay(self, diagram: Diagram) -> FloatArray:
        """The unbiased estimate from all points, an array of no axes."""
        weights = central_polykay(diagram.blocks, self.size)
        return np.asarray(
            sum(self._number(weight) * self.contraction(regrouped(diagram, sigma)) for sigma, weight in weights.items())
        )

    def constant(self, diagram: Diagram) -> FloatArray:
        """The product of the means of all nodes; it is in every estimate, and takes digits from what sets them apart."""
        alone = tuple(range(diagram.order + 1))
        return self.contraction(regrouped(diagram, alone)) if diagram.blocks == alone else np.asarray(self._number(0))

    def polykay_left_out(self, diagram: Diagram) -> FloatArray:
        """The same from the sample without its k-th group, less the constant, (groups,)."""
        counts = np.diff(self.cuts)
        result = np.zeros(len(counts), object if self.exact else float)
        for count in np.unique(counts).tolist():
            chosen = counts == count
            for sigma, weight in central_polykay(diagram.blocks, self.size - count).items():
                result[chosen] += self._number(weight) * self.contraction_left_out(regrouped(diagram, sigma))[chosen]
        return result

    def contraction(self, diagram: Diagram) -> FloatArray:
        """Every part of the diagram as the sample mean of its node, or of the product of its nodes' deviations."""
        if diagram not in self._whole:
            parts = [(self.mean(nodes), _open(nodes, edges)) for nodes, edges in plan(diagram).parts]
            self._whole[diagram] = contract(parts, [])
        return self._whole[diagram]

    def contraction_left_out(self, diagram: Diagram) -> FloatArray:
        """The same without the k-th group, (groups,), less the constant; see `_terms`."""
        if diagram not in self._partial:
            parts, point = plan(diagram).parts, diagram.order
            total = np.zeros(len(self.kept), object if self.exact else float)
            for terms in product(*(self._terms(len(nodes)).items() for nodes, _ in parts)):
                scale, means, sums = self._number(1), [], []
                for ((mean, blocks), factor), (nodes, edges) in zip(terms, parts, strict=True):
                    scale = scale * factor
                    if mean:
                        means.append(self._part(nodes, edges, mean))
                    sums += [([nodes[i] for i in block], edges) for block in blocks]
                rest = [(self.mean(nodes), _open(nodes, edges)) for nodes, edges in means]
                if sums:
                    total = total + scale * self._summed(rest, sums, point)
                elif any(len(nodes) > 1 for nodes, _ in means):
                    total = total + scale * contract(rest, [])
            self._partial[diagram] = total
        return self._partial[diagram]

    def _terms(self, count: int) -> dict[Term, FloatArray]:
        """A part of so many nodes in the sample without the k-th group, as products of means A over the whole sample.

        With a_k the sum over the group of s points, of deviations from the means over the whole sample: the mean of a node
        becomes A - a_k / (S - s); that of a product of deviations is the mean (S A - a_k) / (S - s) of products of these
        less the group's own share of the mean, -a_k / (S - s), for some of the nodes.
        """
        share = 1 / self.kept
        if count == 1:
            return {((0,), ()): self.kept * share, ((), ((0,),)): -share}
        found: dict[Term, FloatArray] = {}

        def add(mean: tuple[int, ...], blocks: tuple[tuple[int, ...], ...], factor: FloatArray) -> None:
            if self.sample.groups is None:  # of one point, the sum of products is the product
                blocks = tuple((i,) for i in sorted(sum(blocks, ())))
            found[mean, blocks] = found.get((mean, blocks), 0) + factor

        for chosen in range(1 << count):
            inside = tuple(i for i in range(count) if chosen >> i & 1)
            apart = tuple((i,) for i in range(count) if not chosen >> i & 1)
            if len(inside) > 1:
                add(inside, apart, self.size * share * share ** len(apart))
                add((), (inside, *apart), -share * share ** len(apart))
            else:
                add((), tuple((i,) for i in range(count)), -(share**count) if inside else share**count)
        return found

    def _part(self, nodes: Nodes, edges: tuple[int, ...], chosen: tuple[int, ...]) -> tuple[Nodes, tuple[int, ...]]:
        """Some nodes of a part, their axes numbered anew."""
        axes = sorted({axis for i in chosen for axis in nodes[i]})
        return tuple(tuple(axes.index(axis) for axis in nodes[i]) for i in chosen), tuple(edges[axis] for axis in axes)

    def _summed(
        self, rest: Sequence[tuple[FloatArray, Sequence[int]]],
        sums: Sequence[tuple[list[tuple[int, ...]], tuple[int, ...]]], point: int,
    ) -> FloatArray:
        """Means contracted with the group's sums of products of nodes' deviations, (groups,)."""
        if self.sample.groups is None:
            tensors = [tuple(edges[axis] for axis in node) for nodes, edges in sums for node in nodes]
            chunks = self._chunks(tensors, point)
            return np.concatenate([sum(contract([*rest, *factors], [point]) for factors in terms) for terms in chunks])
        parts = [self._part(tuple(nodes), edges, tuple(range(len(nodes)))) for nodes, edges in sums]
        totals = ((self.group_sums(nodes), [point, *_open(nodes, edges)]) for nodes, edges in parts)
        return contract([*rest, *totals], [point])

    def mean(self, nodes: Nodes) -> FloatArray:
        """Sample mean of a node's tensor, or of the product of some nodes' deviations over the axes that leave them."""
        if nodes not in self._means:
            if len(nodes) > 1 and self.sample.groups is not None:
                total = self.group_sums(nodes).sum(axis=0)
            else:
                total = self._sum(nodes, 0, self.size, centred=len(nodes) > 1)
            self._means[nodes] = np.asarray(total / self.size)
        return self._means[nodes]

    def group_sums(self, nodes: Nodes) -> FloatArray:
        """Sums over each group of points of the product of the nodes' deviations, (groups, ...)."""
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
            chosen = regrouped(diagram, blocks)
            if isinstance(self.points, Directional):
                frame = self.sample.frame
                metric = None if frame is None else frame @ frame.T
                total += weight * batch_contraction(chosen, self.points, lambda part: rows[:, part], metric)
                continue
            parts, point = plan(chosen).parts, diagram.order
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
        named_apart = [*axes, *(-1 - (len(axes) * name + a) for a in range(len(axes)))]  # sums within the tensor
        return [(array, (point, name, *(named_apart[a] for a in named))) for array, named in split]

    def _sum(self, nodes: Nodes, start: int, stop: int, centred: bool = True) -> FloatArray:
        labels = _open(nodes, range(1 + max((a for node in nodes for a in node), default=-1)))
        point = sum(map(len, nodes))
        total = np.zeros((self.sample.dimension,) * len(labels), object if self.exact else float)
        for terms in self._chunks(list(nodes), point, start, stop, len(labels), centred):
            for factors in terms:
                total = total + contract(factors, labels)
        return total

    def _chunks(
        self, tensors: list[tuple[int, ...]], point: int, start: int = 0, stop: int | None = None, kept: int = 0,
        centred: bool = True,
    ) -> Iterator[list[list[Factor]]]:
        """The product of some tensors at one point, or of their deviations, a chunk of the points at a time.

        It is a sum of products of factors.
        """
        stop, step = self.size if stop is None else stop, self._step(tensors, 1, kept - 1)
        for first in range(start, stop, step):
            rows = slice(first, min(first + step, stop))
            choices, below = [], point + 1  # the next label for a sum within a tensor
            for axes in tensors:
                names = [*axes, *range(below, below + len(axes))]
                factors, off = self._per_point(len(axes), rows, centred)
                terms = [[(array, (point, *(names[a] for a in named))) for array, named in factors]]
                if off is not None:
                    terms.append([(-off, axes)])
                choices.append(terms)
                below += len(axes)
            found = [list(chain.from_iterable(chosen)) for chosen in product(*choices)]
            for factors in found:
                if all(point not in axes for _, axes in factors):
                    factors.append((np.ones(rows.stop - first), (point,)))
            yield found

    def _per_point(self, degree: int, rows: slice, centred: bool) -> tuple[list[Factor], FloatArray | None]:
        """The points' tensors or deviations as factors, and what is to be taken off; as many as are small are kept."""
        if not centred:
            return self.points.per_point(degree, rows, self.sample.frame), None
        key = degree, rows.start, rows.stop
        if key not in self._tensors:
            axes = tuple(range(degree))
            off = None
            if self.exact:
                whole = self.points.per_point(degree, rows, self.sample.frame)[0][0]
                factors: list[Factor] = [(whole - self.mean((axes,)), axes)]
            elif degree < DENSE:
                factors = [(self.points.deviations(degree, rows, self.sample.frame), axes)]
            else:
                factors, mean = self.points.shifted(degree, rows, self.sample.frame)
                if mean is not None and degree not in self._off:
                    self._off[degree] = mean()
                off = self._off.get(degree)
            size = 8 * sum(array.size for array, _ in factors)
            if self._held + size > CHUNK_BYTES:
                self._tensors.clear()
                self._held = 0
            self._held += size
            self._tensors[key] = factors, off
        return self._tensors[key]

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
