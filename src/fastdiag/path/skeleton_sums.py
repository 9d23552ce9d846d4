"""A skeleton's contribution about the path, by the sum over maps: any noise order, sampling and number of epochs.

Edges carry the state's deviation, moved by the update's matrix; a node turns those of its children into its own by its
tensor where the path is. Nodes that share a part carry a label, the data point: their tensors are deviations from the
means, and a cumulant of them is a sum over labels. All labels are side by side in arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import inf, prod
from typing import Any

import numpy as np

from ..diagram import Diagram
from ..diagram.partition import moebius_to_top, set_partitions
from ..embedding.crossing import Moves
from ..embedding.poset import Poset, bits
from ..embedding.retied import retied
from ..embedding.sum_over_maps import sum_over_maps
from ..landscapes.local import Numbers
from ..spacetime import Spacetime
from ..typing import IntArray
from ..values.root import Root, Roots
from .node_tensors import Entries, NodeTensors, spread


class NodesAndEdges:
    """What edges carry where nodes are tensors along a path; see `EdgeWeights`."""

    is_exact = False
    is_power = False
    kicks: tuple[()] = ()  # weights change with time
    averages = True
    commute = True  # asked of several epochs swept together, and here is one

    def __init__(
        self, diagram: Diagram, tensors: NodeTensors, spacetime: Spacetime, roots: Roots, ties: Diagram | None = None
    ) -> None:
        """ties: the same nodes, tied to rows; None: as they share cumulants."""
        self.diagram, self.tensors, self.spacetime, self.roots = diagram, tensors, spacetime, roots
        self.is_approximate = not tensors.motion.is_exact
        self.T = int(spacetime.finite("T"))
        self.rates = tuple(range(self.T))  # the clock tells the time
        self.codes = tensors.components**diagram.order
        self._known: dict[int, NodesAtOnce] = {}
        positions = spacetime.updates_per_epoch if repeats(spacetime) else 1
        shares = [Fraction(spacetime.B, spacetime.batch_size(t)) for t in range(positions)]
        self.labels, self.weights, self.places = choices(
            diagram, tensors.seen(self.T).weights, shares, diagram if ties is None else ties
        )

    def cleared(self, updates: int) -> tuple[NodesAndEdges, int]:
        """They are whole already."""
        return self, 1

    def born_at(self, now: Sequence[Any], placed: Sequence[int]) -> int:
        """No factor but the node's tensor."""
        return 1

    def crossing(self, epochs: int, known: dict[int, Any], now: Sequence[Any]) -> NodesAtOnce:
        """One update; no two matrices share one."""
        (t,) = now
        if t not in self._known:
            self._known[t] = NodesAtOnce(self, t)
        return self._known[t]

    def codes_of(self, live: int) -> list[int]:
        """The codes of some live edges."""
        edges = bits(live)
        return [self.code_of(edges, digits) for digits in product(range(self.tensors.components), repeat=len(edges))]

    def code_of(self, edges: Sequence[int], digits: Sequence[int]) -> int:
        """The code of some edges' components."""
        return sum(self.tensors.components**edge * digit for edge, digit in zip(edges, digits, strict=True))

    def read(self, row: dict[int, Any], state: int, live: int) -> Any:
        """The sum over labels of what the root sees of a row's last state, with the observable's axes."""
        edges = [child - 1 for child in self.diagram.children[0]]
        total: Any = 0
        for digits in np.ndindex(*self._root.shape[1 : 1 + len(edges)]):
            key = state * self.codes + self.code_of(edges, digits)
            if key in row:
                tensor = self._root[(slice(None), *digits)]
                carried = self.weights * row[key]
                total = total + (carried.sum() * tensor[0] if len(tensor) == 1 else np.tensordot(carried, tensor, 1))
        return total

    @cached_property
    def _root(self) -> Numbers:
        """The root's tensor: (choices or 1, components of the children ..., the observable's axes ...)."""
        return np.asarray(sum(self._term(root) * self._weight(root) for root in self.roots))

    def _weight(self, root: Any) -> Any:
        weight = root.weight(self.spacetime)
        if self.is_approximate:
            return float(weight)
        return weight / self.tensors.units[self.T] ** len(self.diagram.children[0])

    def _term(self, root: Root) -> Numbers:
        motion, degree, nodes, opened = self.tensors.motion, len(self.diagram.children[0]), root.nodes, root.open
        owners = root.owners or (0,) * len(nodes)
        tied = 0 in self.labels
        factors: list[Any] = []
        for i, edges in enumerate(nodes):
            here = self.tensors.other(owners[i], self.T)
            tensor, labelled = here.mean(len(edges)), tied and i == 0
            if labelled:
                tensor = (here.tensor(len(edges)) - tensor)[self.labels[0]]
            for _ in edges:  # each axis in its turn
                tensor = spread(motion.seen, tensor, int(labelled))
            factors += [tensor, [*([degree] if labelled else []), *edges]]
        for place, edge in enumerate(opened):
            factors += [spread(motion.seen, motion.unit, 1), [degree + 1 + place, edge]]
        axes = [degree + 1 + place for place in range(len(opened))]
        found = np.asarray(np.einsum(*factors, [*([degree] if tied else []), *range(degree), *axes]))
        return found if tied else found[None]


class NodesAtOnce:
    """One update: edges go on, and nodes that act take their children's edges up."""

    def __init__(self, edges: NodesAndEdges, t: int) -> None:
        self.edges, self.t = edges, t
        self.known: dict[tuple[int, ...], Moves] = {}
        self._entries: dict[int, Entries] = {}

    def __call__(self, fates: tuple[int, ...]) -> Moves:
        """(code, next code, coefficient), by the fates of the edges: see `order_ideals.Move`."""
        if fates not in self.known:
            found: Moves = [(0, 0, 1)]
            for edge, fate in enumerate(fates):
                if not found:
                    break
                if fate & 3 == 3:
                    found = self._joined(found, (edge,), edge, self.edges.tensors.passing(self.t))
                elif fate & 3 == 2:
                    children = tuple(child - 1 for child in self.edges.diagram.children[edge + 1])
                    found = self._joined(found, children, edge, self._acting(edge + 1))
            self.known[fates] = found
        return self.known[fates]

    def _acting(self, node: int) -> Entries:
        """A node's tensor, where it is not 0."""
        if node not in self._entries:
            edges, found = self.edges, Entries()
            mean, tensor = edges.tensors.node(self.t, len(edges.diagram.children[node]))
            if node in edges.labels:
                tensor = tensor[edges.labels[node]]
                if (places := edges.places.get(node)) is not None:
                    here = places == self.t % edges.spacetime.updates_per_epoch
                    tensor = tensor * here.reshape(-1, *(1,) * (tensor.ndim - 1))
                for own, *children in np.ndindex(*tensor.shape[1:]):
                    if (values := tensor[(slice(None), own, *children)]).any():
                        found.append((tuple(children), own, values))
            else:
                found = [(tuple(children), own, x) for (own, *children), x in np.ndenumerate(mean) if x]
            self._entries[node] = found
        return self._entries[node]

    def _joined(self, moves: Moves, edges: Sequence[int], edge: int, entries: Entries) -> Moves:
        code_of, base = self.edges.code_of, self.edges.tensors.components
        return [
            (code + code_of(edges, digits), then + base**edge * own, x * y)
            for code, then, x in moves for digits, own, y in entries
        ]


def skeleton_sum(
    diagram: Diagram, tensors: NodeTensors, spacetime: Spacetime, roots: Roots, points: int | None = None
) -> Numbers:
    """The contribution of a skeleton, or of any diagram, with the axes of an observable.

    roots: the observable's terms at the diagram's root, one at least; points: of a given training set.
    """
    exact, total = tensors.motion.is_exact, None
    for ties, weight in retied(diagram, points):
        found = _tied_sum(diagram, ties, tensors, spacetime, roots) * (weight if exact else float(weight))
        total = found if total is None else total + found
    return np.asarray(total)


def _tied_sum(
    diagram: Diagram, ties: Diagram, tensors: NodeTensors, spacetime: Spacetime, roots: Roots
) -> Numbers:
    poset, walked, B = Poset.of(ties), spacetime, spacetime.B
    scale = Fraction(1, B**diagram.order * diagram.automorphisms)
    if repeats(spacetime):  # a part is where its position is, in every epoch
        poset, walked = Poset.of(Diagram(diagram.parents, range(diagram.order + 1))), Spacetime(N=inf, T=spacetime.T)
        scale *= B ** len(set(ties.blocks[1:]))
    elif not spacetime.is_one_epoch:
        poset, alone = poset.loose
        scale *= B**alone
    edges: Any = NodesAndEdges(diagram, tensors, spacetime, roots, ties)
    found = np.asarray(sum_over_maps(poset, edges, walked, "cumulant"))
    return np.asarray(found * (scale if tensors.motion.is_exact else float(scale)))


def repeats(spacetime: Spacetime) -> bool:
    """Whether several epochs have one order of the rows."""
    return spacetime.sampling == "cyclic" and not spacetime.is_one_epoch


def choices(
    diagram: Diagram, weights: Numbers, shares: Sequence[Fraction], ties: Diagram
) -> tuple[dict[int, IntArray], Numbers, dict[int, IntArray]]:
    """The terms of the parts' joint cumulants of deviations: the points of the nodes that share a part, and weights.

    Last the position of each, where there are several, and nodes are tied to one. shares: for each position, B over the
    size of its batch.
    """
    terms: list[tuple[dict[int, int], Any, dict[int, int]]] = [({}, weights.sum() * 0 + 1, {})]
    points = np.flatnonzero(weights).tolist()
    for part in diagram.parts:
        if len(part) == 1:
            continue
        options = []
        for string in set_partitions(len(part)):
            if min(map(string.count, string)) == 1:
                continue  # a deviation alone has the mean 0
            for chosen in product(points, repeat=max(string) + 1):
                weight = prod((weights[x] for x in chosen), start=moebius_to_top(string))
                options.append(({node: chosen[block] for node, block in zip(part, string, strict=True)}, weight))
        terms = [({**known, **more}, x * y, {}) for known, x, _ in terms for more, y in options]
    for part in ties.parts if len(shares) > 1 else ():
        others = sum(1 for node in part if node) - 1
        places: list[tuple[dict[int, int], Fraction]] = [({}, Fraction(1))]
        if len(part) > 1:
            places = [(dict.fromkeys(part, i), share**others) for i, share in enumerate(shares)]
        terms = [
            (known, x if weighs == 1 else x * weighs, {**placed, **there})
            for known, x, placed in terms for there, weighs in places
        ]
    first, _, placed = terms[0]
    return (
        {node: np.array([known[node] for known, _, _ in terms]) for node in first},
        np.array([x for _, x, _ in terms], dtype=weights.dtype),
        {node: np.array([there[node] for _, _, there in terms]) for node in placed},
    )
