"""Landscapes whose data are weighted points: cumulants as means of products of deviations."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from ..diagram.partition import moebius_to_top
from ..errors import TooLargeError
from ..record import frozen
from ..typing import FloatArray, IntArray
from .contraction import contract
from .cumulant import Weight, central, joint_cumulant, partition_terms
from .landscape import EVERY, MOST_INDICES, Factor, Landscape, Nodes, labels_of, same_frame

CHUNK_BYTES = 1 << 27  # per-point products are formed this much at a time
KEPT_BYTES = 1 << 29  # deviations of one degree up to this size are kept along the last frame


class SampledLandscape(Landscape):
    """A landscape whose distribution is a finite set of weighted points.

    A shift of a tensor changes no cumulant of several, so these are taken of deviations from the means: in raw moments, the
    digits that all points have in common would cancel.
    """

    weights: FloatArray
    """Probability of each point, (S,)."""

    @property
    def index_shape(self) -> tuple[int, ...]:
        """An index of a tensor taken apart, for `factored`: of s entries, index a has the labels s a ... s a + s - 1."""
        return (self.dimension,)

    @abstractmethod
    def mean(self, degree: int, frame: FloatArray | None = None) -> FloatArray:
        """grad^degree l, (n,) * degree."""

    @abstractmethod
    def per_point(self, degree: int, rows: slice | IntArray = EVERY, frame: FloatArray | None = None) -> list[Factor]:
        """grad^degree l_x at some of the points, as factors whose product it is; each has the points as its first axis.

        The factors' labels are those of the axes after the first: 0..degree-1; others up to 2 degree - 1 are summed over.
        """

    @abstractmethod
    def centred(self, degree: int, rows: slice | IntArray, frame: FloatArray | None) -> FloatArray:
        """grad^degree (l_x - l) at some of the points, (points,) + (n,) * degree, exact to the digits of the deviations."""

    def deviations(self, degree: int, rows: slice | IntArray = EVERY, frame: FloatArray | None = None) -> FloatArray:
        """The same; of all points they are kept for the last frame, unless they are large."""
        if 8 * len(self.weights) * self.dimension**degree > KEPT_BYTES:
            return self.centred(degree, rows, frame)
        last, kept = self.__dict__.get("_deviations", (None, {}))
        if not same_frame(last, frame):
            kept = {}
        self.__dict__["_deviations"] = None if frame is None else frame.copy(), kept  # at once: another thread may be here
        if degree not in kept:
            kept[degree] = frozen(self.centred(degree, EVERY, frame))
        return np.asarray(kept[degree][rows])

    def shifted(
        self, degree: int, rows: slice | IntArray = EVERY, frame: FloatArray | None = None
    ) -> tuple[list[Factor], Callable[[], FloatArray] | None]:
        """The same as small factors, and what is still to be taken off, when asked; None for nothing.

        Labels from `degree` on are summed over in the product.
        """
        return [(self.deviations(degree, rows, frame), tuple(range(degree)))], None

    def part(self, nodes: Nodes, frame: FloatArray | None = None) -> FloatArray:
        return self.combined(nodes, frame, moebius_to_top)

    @np.errstate(all="ignore")
    def combined(self, nodes: Nodes, frame: FloatArray | None, weight: Weight) -> FloatArray:
        """`part` with other weights of the set partitions than the Moebius function: for estimates."""
        for node in nodes:
            self.require_degree(len(node), f"a node of degree {len(node)}")
        if len(nodes) == 1:
            return contract([(self.mean(len(nodes[0]), frame), nodes[0])], labels_of(nodes))
        return np.asarray(
            joint_cumulant(
                nodes,
                lambda members: self.moment(members, frame),
                lambda moments: contract([(array, labels_of(members)) for members, array in moments], labels_of(nodes)),
                central(weight),
            )
        )

    def moment(self, nodes: Nodes, frame: FloatArray | None = None) -> FloatArray:
        """Mean of the product of the nodes' deviations; the axes are the labels in ascending order."""
        labels = labels_of(nodes)
        if len(labels) > MOST_INDICES:
            raise TooLargeError(f"a cumulant with {len(labels)} indices is needed; arrays have at most {MOST_INDICES}")
        total = np.zeros((self.dimension,) * len(labels))
        step = max(1, CHUNK_BYTES // (8 * self.dimension ** max(*map(len, nodes), len(labels) - 1)))
        for start in range(0, len(self.weights), step):
            rows = slice(start, start + step)
            total += _mean_product(self.weights[rows], [self.deviations(len(node), rows, frame) for node in nodes], nodes)
        return total

    def factored(self, nodes: Nodes, frame: FloatArray | None = None) -> Iterator[tuple[int, list[Factor]]]:
        """The joint cumulant as a sum of weighted products of small arrays; along a frame an index has one label.

        Negative labels are summed over: -b is that of the points of the b-th mean, others are within a tensor.
        """
        if len(nodes) == 1:
            tensors: dict[int, Any] = {len(nodes[0]): (self.per_point(len(nodes[0]), EVERY, frame), "all of it")}
        else:
            tensors = {degree: self.shifted(degree, EVERY, frame) for degree in set(map(len, nodes))}
        for weight, blocks in partition_terms(len(nodes)):
            if any(len(block) == 1 and tensors[len(nodes[block[0]])][1] is None for block in blocks):
                continue  # a mean that is 0
            factors: list[Factor] = []
            below = -len(blocks) - 1  # the next label for a sum within a tensor
            for point, block in enumerate(blocks, 1):
                scale = self.weights
                for node in (nodes[i] for i in block):
                    degree, found = len(node), tensors[len(node)][0]
                    for array, axes in found:
                        if axes:
                            named = (node[a] if a < degree else below - (a - degree) for a in axes)
                            factors.append((array, (-point, *named)))
                        else:
                            scale = scale * array
                    below -= 1 + max((a - degree for _, axes in found for a in axes if a >= degree), default=-1)
                factors.append((scale, (-point,)))
            yield weight, factors


def _mean_product(weights: FloatArray, tensors: Sequence[FloatArray], nodes: Nodes) -> FloatArray:
    """Sum over weighted points of the product of their tensors, by matrix products: of one tensor with all the others."""
    apart = [nodes[:i] + nodes[i + 1 :] for i in range(len(nodes))]
    one = min(range(len(nodes)), key=lambda i: len(labels_of(apart[i])))
    ours, theirs = labels_of((nodes[one],)), labels_of(apart[one])
    both = [label for label in ours if label in theirs]
    only, rest = ([label for label in some if label not in both] for some in (ours, theirs))
    names = {label: i for i, label in enumerate(labels_of(nodes), 1)}  # 0 is the point

    def named(labels: Sequence[int]) -> list[int]:
        return [names[label] for label in labels]

    operand: list[Any] = [tensors[one], [0, *named(nodes[one])]]
    left: Any = np.einsum(*operand, [*named(both), 0, *named(only)])
    others: list[Any] = [weights, [0]]
    for i, node in enumerate(nodes):
        others += [tensors[i], [0, *named(node)]] if i != one else []
    right: Any = np.einsum(*others, [*named(both), 0, *named(rest)])
    shape, points = right.shape[: len(both)], len(weights)
    left, right = (np.ascontiguousarray(array) for array in (left, right))
    product = left.reshape(prod(shape), points, -1).swapaxes(1, 2) @ right.reshape(prod(shape), points, -1)
    found = product.reshape(*shape, *left.shape[len(both) + 1 :], *right.shape[len(both) + 1 :])
    order = [*both, *only, *rest]
    return np.asarray(found.transpose([order.index(label) for label in sorted(order)]))
