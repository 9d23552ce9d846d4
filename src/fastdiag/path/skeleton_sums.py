"""A skeleton's contribution about the path, by the sum over maps: any noise order, sampling and number of epochs.

Edges carry the state's deviation, moved by the update's matrix; a node turns those of its children into its own by its
tensor where the path is. What is tied carries a label, the data point: the tensors are deviations from their means, and
their cumulant is a sum over labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ..diagram import Diagram
from ..diagram.partition import moebius_to_top, set_partitions
from ..embedding.edge_weights import Moves
from ..embedding.poset import Poset, bits
from ..embedding.sum_over_maps import sum_over_maps
from ..errors import TooLargeError
from ..landscapes.landscape import Landscape
from ..landscapes.local import Numbers, PointTensors
from ..spacetime import Spacetime
from ..values.root import Root
from .motion import Motion

MOST_NUMBERS = 1 << 24  # that a walk holds: choices x components of the edges

Entries = list[tuple[tuple[int, ...], int, Any]]
"""Components of a node's children, its own, and the coefficient."""


class Path:
    """The path and all tensors along it, at one learning rate."""

    def __init__(self, landscape: Landscape, motion: Motion, updates: int) -> None:
        self.motion = motion
        self.locals: list[PointTensors] = []
        """Where gradients are taken, then where the observable is read."""
        state = motion.zeros(prod(motion.shape))
        for t in range(updates):
            here = landscape.local(motion.start + motion.at_point(state))
            self.locals.append(here)
            stepped = np.asarray(motion.step @ state.reshape(motion.shape)).reshape(-1)
            state = stepped + motion.kicked(motion.rate(t), here.gradient)
        self.locals.append(landscape.local(motion.start + motion.observed(state)))
        self._nodes: dict[tuple[int, int], tuple[Numbers, Numbers]] = {}
        self._matrices: dict[int, Entries] = {}

    @property
    def components(self) -> int:
        """Of the state that an edge carries."""
        return prod(self.motion.shape)

    def node(self, t: int, children: int) -> tuple[Numbers, Numbers]:
        """Means (own component, components of the children ...), and deviations of every point (S, ...)."""
        if (t, children) not in self._nodes:
            here, motion = self.locals[t], self.motion

            def kicked(tensor: Numbers) -> Numbers:
                for axis in range(-children, 0):
                    tensor = np.moveaxis(_read(motion, tensor, axis, motion.point), -1, axis)
                return np.moveaxis(motion.kicked(motion.rate(t), np.moveaxis(tensor, -1 - children, -1)), -1, -1 - children)

            mean = here.mean(children + 1)
            self._nodes[t, children] = kicked(mean), kicked(here.tensor(children + 1) - mean)
        return self._nodes[t, children]

    def passing(self, t: int) -> Entries:
        """What an update does to an edge that passes over it."""
        if t not in self._matrices:
            matrix = self.motion.matrix(self.motion.rate(t), self.locals[t].hessian)
            self._matrices[t] = [((j,), i, x) for (i, j), x in np.ndenumerate(matrix) if x]
        return self._matrices[t]


def _read(motion: Motion, tensor: Numbers, axis: int, reading: Numbers) -> Numbers:
    """An axis of weights as one of the state's components, moved to the end."""
    moved = np.moveaxis(tensor, axis, -1)
    spread = reading[:, None] * moved[..., None, :]
    return np.asarray(spread.reshape(*moved.shape[:-1], -1))


class NodesAndEdges:
    """What edges carry where nodes are tensors along a path, for many choices of labels at a time; see `EdgeWeights`."""

    is_exact = False
    kicks: tuple[()] = ()

    def __init__(self, diagram: Diagram, path: Path, labels: dict[int, Numbers], places: Sequence[Any], root: Root) -> None:
        """labels: of the nodes that are tied, for each choice; places: the updates at which each node may act."""
        self.diagram, self.path, self.labels, self.places, self.root = diagram, path, labels, places, root
        self.is_approximate = not path.motion.is_exact
        self.rates = tuple(range(len(path.locals) - 1))  # the clock tells the time
        self.codes = path.components**diagram.order
        self._known: dict[int, NodesAtOnce] = {}

    def cleared(self, updates: int) -> tuple[NodesAndEdges, int]:
        """They stay as they are."""
        return self, 1

    def born_at(self, now: Sequence[Any], placed: Sequence[int]) -> int:
        """No factor but the node's tensor."""
        return 1

    def crossing(self, epochs: int, now: Sequence[Any]) -> NodesAtOnce:
        """One update."""
        (t,) = now
        if t not in self._known:
            self._known[t] = NodesAtOnce(self, t)
        return self._known[t]

    def codes_of(self, live: int) -> list[int]:
        """The codes of some live edges."""
        base, edges = self.path.components, bits(live)
        return [self.code_of(edges, digits) for digits in product(range(base), repeat=len(edges))]

    def read(self, row: dict[int, Any], state: int, live: int) -> Any:
        """What the root sees of a row's last state: (choices,) + the observable's axes."""
        edges = [child - 1 for child in self.diagram.children[0]]
        total: Any = 0
        for digits in product(range(self.path.components), repeat=len(edges)):
            key = state * self.codes + self.code_of(edges, digits)
            if key in row:
                weight = self._root[(slice(None), *digits)]
                total = total + np.reshape(row[key], (-1, *(1,) * len(self.root.open))) * weight
        return total

    def code_of(self, edges: Sequence[int], digits: Sequence[int]) -> int:
        """The code of some edges' components."""
        return sum(self.path.components**edge * digit for edge, digit in zip(edges, digits, strict=True))

    @cached_property
    def _root(self) -> Numbers:
        """The root's tensor: (choices or 1, components of the children ..., the observable's axes ...)."""
        motion, here, degree = self.path.motion, self.path.locals[-1], len(self.diagram.children[0])
        factors: list[Any] = []
        for i, edges in enumerate(self.root.nodes):
            tensor, tied = here.mean(len(edges)), i == 0 and 0 in self.labels
            if tied:
                tensor = (here.tensor(len(edges)) - tensor)[self.labels[0]]
            for _ in edges:  # each axis in its turn
                tensor = _read(motion, tensor, int(tied), motion.seen)
            factors += [tensor, [*([degree] if tied else []), *edges]]
        for place, edge in enumerate(self.root.open):
            factors += [_read(motion, motion.unit, 1, motion.seen), [degree + 1 + place, edge]]
        opened = [degree + 1 + place for place in range(len(self.root.open))]
        choices = [degree] if 0 in self.labels and self.root.nodes else []
        weights = np.asarray(np.einsum(*factors, [*choices, *range(degree), *opened]))
        return weights if choices else weights[None]


class NodesAtOnce:
    """One update: edges go on, and nodes that act take their children's edges up."""

    def __init__(self, edges: NodesAndEdges, t: int) -> None:
        self.edges, self.t = edges, t
        self.known: dict[tuple[int, ...], Moves] = {}

    def __call__(self, fates: tuple[int, ...]) -> Moves:
        """(code, next code, coefficient), by the fates of the edges: see `order_ideals.Move`."""
        if fates not in self.known:
            found: Moves = [(0, 0, 1)]
            for edge, fate in enumerate(fates):
                if fate & 3 == 3:
                    found = self._joined(found, (edge,), edge, self.edges.path.passing(self.t))
                elif fate & 3 == 2:
                    children = tuple(child - 1 for child in self.edges.diagram.children[edge + 1])
                    found = self._joined(found, children, edge, self._entries(edge + 1))
            self.known[fates] = found
        return self.known[fates]

    def _entries(self, node: int) -> Entries:
        edges, t = self.edges, self.t
        if t not in range(len(edges.rates))[edges.places[node]]:
            return []
        mean, deviations = edges.path.node(t, len(edges.diagram.children[node]))
        tensor = deviations[edges.labels[node]] if node in edges.labels else mean[None]
        found = []
        for own, *children in np.ndindex(*tensor.shape[1:]):
            if (values := tensor[(slice(None), own, *children)]).any():
                found.append((tuple(children), own, values))
        return found

    def _joined(self, moves: Moves, edges: Sequence[int], edge: int, entries: Entries) -> Moves:
        code_of, base = self.edges.code_of, self.edges.path.components
        return [
            (code + code_of(edges, digits), then + base**edge * own, x * y)
            for code, then, x in moves for digits, own, y in entries
        ]


def skeleton_sum(diagram: Diagram, path: Path, spacetime: Spacetime, roots: Sequence[Root]) -> Numbers:
    """The contribution of a skeleton, or of any diagram, with the axes of an observable.

    Parameters
    ----------
    spacetime : to the last update of the path
    roots : the observable's terms at the diagram's root

    Raises
    ------
    TooLargeError : choices of points, and of positions under 'cyclic', times components of the edges
    """
    labels, weights = _labels(diagram, path.locals[-1].weights)
    if (most := len(weights) * path.components**diagram.order) > MOST_NUMBERS:
        raise TooLargeError(
            f"the skeleton {diagram} takes {most:,} numbers in one walk (limit {MOST_NUMBERS:,}): the points to the power of "
            "the tied parts, times the weights to the power of the edges; ask for a lower noise order"
        )
    poset, walked, where = Poset.of(diagram), spacetime, [[slice(None)] * (diagram.order + 1)]
    prefactor = Fraction(1, spacetime.B**diagram.order * diagram.automorphisms)
    if spacetime.sampling == "cyclic" and not spacetime.is_one_epoch:  # a part is where its position is, in every epoch
        poset = Poset.of(Diagram(diagram.parents, range(diagram.order + 1)))
        walked = Spacetime(N=float("inf"), T=spacetime.T)
        length, blocks = spacetime.updates_per_epoch, sorted(set(diagram.blocks[1:]))
        chosen = product((slice(i, None, length) for i in range(length)), repeat=len(blocks))
        where = [[dict(zip(blocks, places, strict=True)).get(block) for block in diagram.blocks] for places in chosen]
        prefactor *= spacetime.B ** len(blocks)
    total: Any = 0
    for root, places in product(roots, where):
        edges: Any = NodesAndEdges(diagram, path, labels, places, root)
        found = np.asarray(sum_over_maps(poset, edges, walked, "cumulant"))
        scale = root.weight(spacetime) * prefactor
        each = found * (scale if path.motion.is_exact else float(scale))
        total = total + (weights.reshape(-1, *(1,) * len(root.open)) * each).sum(axis=0)
    return np.asarray(total)


def _labels(diagram: Diagram, weights: Numbers) -> tuple[dict[int, Numbers], Numbers]:
    """Points of the nodes that are tied, for each term of the parts' joint cumulants of deviations; and the terms' weights."""
    terms: list[tuple[dict[int, int], Any]] = [({}, weights.sum() * 0 + 1)]
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
        terms = [({**known, **more}, x * y) for known, x in terms for more, y in options]
    tied = terms[0][0]
    return (
        {node: np.array([known[node] for known, _ in terms]) for node in tied},
        np.array([x for _, x in terms], dtype=weights.dtype),
    )

