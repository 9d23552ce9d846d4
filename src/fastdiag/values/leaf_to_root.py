"""Un-resummed values by vectors that go along the edges of a diagram, where derivatives are known along directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..diagram import Diagram
from ..errors import TooLargeError
from ..landscapes.directional import Directional
from ..landscapes.landscape import Landscape
from ..memory import require
from ..typing import FloatArray
from .forest import Forest, Labels, forest, moments
from .root import Root

NUMBERS = 1 << 23  # of vectors taken at a time
MOST_DERIVATIVES = 3e8  # of single points, in one value: an hour
NOTHING = 1e-14  # of the largest singular value


@dataclass(frozen=True, slots=True)
class Carried:
    """What an edge carries: vectors for each choice of the points that are not averaged over yet, (sizes..., n)."""

    vectors: FloatArray
    open: tuple[int, ...]


class LeafToRoot:
    """One product of means, from the leaves of its trees to their roots."""

    def __init__(
        self, trees: Forest, labels: Labels, landscape: Directional, others: Sequence[Landscape], metric: FloatArray | None
    ) -> None:
        self.trees, self.labels, self.landscape, self.metric = trees, labels, landscape, metric
        self.sources = (landscape, *others)
        self.next = trees.neighbours
        self.holders = {label: {v for v, own in enumerate(labels) if own == label} for label in set(labels) if label >= 0}
        self.points: dict[int, FloatArray] = dict.fromkeys(self.holders, landscape.weights)
        """The weights of what each open label runs over."""

    def value(self) -> FloatArray:
        """The whole, (n,) * its open edges."""
        operands: list[Any] = []
        axis = {label: i for i, label in enumerate(self.holders)}
        first = len(axis)
        seen: set[int] = set()
        for place, v in enumerate(self.trees.open):
            carried = self.carried(v, None)
            seen |= self._below(v, None)
            operands += [self._raised(carried.vectors), [*(axis[c] for c in carried.open), first + place]]
        for node in range(self.trees.count):
            if node in seen or not self.next[node]:
                continue
            seen |= self._below(node, None)
            u, w = min(self._edges(node), key=self._work_of)
            ours, theirs = self.carried(u, w), self.carried(w, u)
            inner = first + len(self.trees.open) + node
            operands += [ours.vectors, [*(axis[c] for c in ours.open), inner]]
            operands += [self._raised(theirs.vectors), [*(axis[c] for c in theirs.open), inner]]
        for i in axis.values():
            if any(i in axes for axes in operands[1::2]):
                operands += [self.landscape.weights, [i]]
        result = [first + place for place in range(len(self.trees.open))]
        return np.asarray(np.einsum(*operands, result, optimize="greedy"))

    def work(self) -> float:
        """How many derivatives of single points it takes."""
        total, seen = 0.0, set[int]()
        for v in self.trees.open:
            total += self._cost(v, None)[0]
            seen |= self._below(v, None)
        for node in range(self.trees.count):
            if node not in seen and self.next[node]:
                seen |= self._below(node, None)
                total += min(map(self._work_of, self._edges(node)))
        return total

    def _edges(self, node: int) -> list[tuple[int, int]]:
        """Of the tree that a node is in."""
        tree = self._below(node, None)
        return [(u, v) for u, v in self.trees.edges if u in tree]

    def _work_of(self, edge: tuple[int, int]) -> float:
        return self._cost(edge[0], edge[1])[0] + self._cost(edge[1], edge[0])[0]

    def _below(self, node: int, above: int | None) -> set[int]:
        """The nodes of the subtree seen from above."""
        found = {node}
        for v in self.next[node]:
            if v != above:
                found |= self._below(v, node)
        return found

    def _closes(self, label: int, node: int, above: int | None) -> bool:
        return self.holders[label] <= self._below(node, above)

    def _cost(self, node: int, above: int | None) -> tuple[float, tuple[int, ...]]:
        """Derivatives of single points for what an edge carries, and what it leaves open."""
        found = [self._cost(v, node) for v in self.next[node] if v != above]
        label, S, n = self.labels[node], len(self.landscape.weights), self.landscape.dimension
        every = sorted({c for _, some in found for c in some} | ({label} if label >= 0 else set()))
        rows = float(S) ** len(every)
        if (pair := self._pair([some for _, some in found], node, above)) is not None:
            rows *= min(n, S) / S if pair in every else 1
        here = rows * (1 if label >= 0 else S) * 2.0 ** len(found)
        return sum(cost for cost, _ in found) + here, tuple(c for c in every if not self._closes(c, node, above))

    def _pair(self, opened: Sequence[tuple[int, ...]], node: int, above: int | None) -> int | None:
        """A label that two children alone have, and nothing else: their mean product is a matrix of at most rank n."""
        for label in self.holders:
            having = [some for some in opened if label in some]
            if having == [(label,)] * 2 and self.labels[node] != label and self._closes(label, node, above):
                return label
        return None

    def _raised(self, vectors: FloatArray) -> FloatArray:
        return vectors if self.metric is None else np.asarray(vectors @ self.metric)

    def carried(self, node: int, above: int | None) -> Carried:
        """What the edge from a node upwards carries."""
        label, source = self.labels[node], self.sources[self.trees.owners[node]]
        given = [self.carried(v, node) for v in self.next[node] if v != above]
        if not given:
            if label < 0:
                return Carried(np.asarray(source.gradient), ())
            deviations = self.landscape.gradients - self.landscape.gradient
            return Carried(deviations, (label,))
        given = [Carried(self._raised(each.vectors), each.open) for each in given]
        sizes = dict(self.points)
        if (pair := self._pair([each.open for each in given], node, above)) is not None:
            given, sizes[pair] = squares(given, pair, sizes[pair])
        every = {c for each in given for c in each.open} | ({label} if label >= 0 else set())
        closing = sorted(c for c in every if self._closes(c, node, above))
        kept = sorted(every - set(closing))
        return self._averaged(node, given, kept, closing, sizes)

    def _averaged(
        self, node: int, given: list[Carried], kept: list[int], closing: list[int], sizes: dict[int, FloatArray]
    ) -> Carried:
        """The derivative at a node along what is given, averaged over the points that close here."""
        label, land = self.labels[node], self.landscape
        shape, n = [len(sizes[c]) for c in kept], land.dimension
        if label >= 0 and closing == [label] and not kept:
            vectors = [each.vectors for each in given]
            return Carried(land.derivatives.mean(land.theta, land.every, land.weights, vectors), ())
        require(8 * prod(shape) * n, "vectors for all choices of points", ADVICE)
        inner = [len(sizes[c]) for c in closing]
        weights = np.ones(1)
        for c in closing:
            weights = np.multiply.outer(weights, sizes[c]).reshape(-1)
        total = np.zeros((prod(shape), n))
        rows_at_once = max(1, NUMBERS // n)
        columns = min(len(weights), rows_at_once)
        step = max(1, rows_at_once // columns)
        for first in range(0, len(total), step):
            for begin in range(0, len(weights), columns):
                outer, within = np.arange(first, min(first + step, len(total))), weights[begin : begin + columns]
                rows = np.repeat(outer, len(within)), np.tile(np.arange(begin, begin + len(within)), len(outer))
                places = dict(zip(kept, np.unravel_index(rows[0], shape or (1,)), strict=False))
                places |= dict(zip(closing, np.unravel_index(rows[1], inner or (1,)), strict=False))
                vectors = [each.vectors[tuple(places[c] for c in each.open)] for each in given]
                found = self._derivative(node, vectors, places.get(label), len(rows[0]))
                total[outer] += np.einsum("kcn,c->kn", found.reshape(len(outer), -1, n), within)
        return Carried(total.reshape(*shape, n), tuple(kept))

    def _derivative(self, node: int, vectors: list[FloatArray], points: Any, rows: int) -> FloatArray:
        """At rows of points and vectors; of the mean loss where there are no points."""
        land, source = self.landscape, self.sources[self.trees.owners[node]]
        if points is not None:
            return land.derivatives.each(land.theta, points, vectors)
        many = [np.broadcast_to(v, (rows, land.dimension)) for v in vectors]
        if isinstance(source, Directional):
            return source.derivatives.means(source.theta, source.every, source.weights, many)
        found = source.part((tuple(range(len(many) + 1)),))
        operands: list[Any] = [found, [*range(1, len(many) + 2)]]
        for i, v in enumerate(many, 2):
            operands += [v, [0, i]]
        return np.asarray(np.einsum(*operands, [0, 1], optimize="greedy"))


ADVICE = "take landscapes.estimated(landscape, method='disjoint'), whose batches go through the points once"


def squares(given: list[Carried], pair: int, weights: FloatArray) -> tuple[list[Carried], FloatArray]:
    """Two children's mean product, symmetrised, as a sum of squares: sizes in place of the weights."""
    first, second = (each.vectors for each in given if each.open == (pair,))
    half = (weights[:, None] * first).T @ second if len(weights) > first.shape[1] else None
    if half is not None:
        sizes, vectors = np.linalg.eigh((half + half.T) / 2)
        rows = vectors.T
    else:  # fewer points than weights: within the span of the vectors
        basis, _ = np.linalg.qr(np.concatenate([first, second]).T)
        small = (weights[:, None] * (first @ basis)).T @ (second @ basis)
        sizes, vectors = np.linalg.eigh((small + small.T) / 2)
        rows = (basis @ vectors).T
    kept = np.abs(sizes) > NOTHING * np.abs(sizes).max(initial=0.0)
    square = Carried(np.ascontiguousarray(rows[kept]), (pair,))
    return [square if each.open == (pair,) else each for each in given], sizes[kept]


@np.errstate(all="ignore")
def leaf_to_root(
    diagram: Diagram, landscape: Directional, root: Root | None = None, others: Sequence[Landscape] = (),
    metric: FloatArray | None = None,
) -> FloatArray:
    """A diagram's contraction with a term of an observable at its root, (n,) * its open edges.

    Parameters
    ----------
    others : what else the root's factors may be of, see `Root`
    metric : the matrix that an edge multiplies with, None for 1

    Raises
    ------
    TooLargeError : all pairs of points, where two parts are open at a node, are too many
    """
    plain = (root is None or (len(root.nodes) == 1 and not root.open and not any(root.owners))) and metric is None
    key = diagram.value_class if plain else None
    if key is not None and key in landscape.known:
        return np.asarray(landscape.known[key])
    if diagram.order == 0:
        source = (landscape, *others)[root.owners[0] if root is not None and root.owners else 0]
        return np.asarray(source.loss)
    trees = forest(diagram if key is None else key, root if key is None else None)
    walks = [(LeafToRoot(trees, labels, landscape, others, metric), weight) for labels, weight in moments(trees)]
    if (work := sum(walk.work() for walk, _ in walks)) > MOST_DERIVATIVES:
        raise TooLargeError(
            f"{diagram} takes about {work:.1e} derivatives of single points (limit {MOST_DERIVATIVES:.0e}): {ADVICE}"
        )
    total = np.asarray(sum(weight * walk.value() for walk, weight in walks))
    if key is not None:
        landscape.known[key] = total
    return total


def batch_contraction(
    diagram: Diagram, landscape: Directional, batch: Callable[[int], Any], metric: FloatArray | None
) -> FloatArray:
    """The contraction of means over batches, one value for each group.

    Parameters
    ----------
    batch : the points of a part, (groups, points of a batch)
    """
    derivatives, theta = landscape.derivatives, landscape.theta
    block = {v: i for i, part in enumerate(diagram.parts) for v in part}
    raised: Callable[[Any], Any] = (lambda v: v) if metric is None else (lambda v: v @ metric)

    def mean(node: int, vectors: list[FloatArray]) -> FloatArray:
        points = batch(block[node])
        groups, size = points.shape
        found = derivatives.each(theta, points.reshape(-1), [np.repeat(v, size, axis=0) for v in vectors])
        return np.asarray(found.reshape(groups, size, -1).sum(axis=1) / size)

    def carried(node: int, left_out: int = 0) -> FloatArray:
        return mean(node, [raised(carried(child)) for child in diagram.children[node][left_out:]])

    if diagram.order == 0:
        points = batch(0)
        return np.asarray(derivatives.losses(theta, points.reshape(-1)).reshape(points.shape).mean(axis=1))
    first = diagram.children[0][0]
    return np.asarray(np.einsum("gi,gi->g", carried(0, 1), raised(carried(first))))
