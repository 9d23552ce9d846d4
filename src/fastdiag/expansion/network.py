"""Networks: what is left of a diagram when its root is forgotten, cumulants joined by indices.

Un-resummed values depend on the network only, so coefficients of diagrams with one network may be added. For the test loss
networks are the value classes; other observables have networks with free indices, or in several pieces.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, chain, permutations
from typing import Any, TypeAlias

from ..diagram import Diagram
from ..values.root import Root

Node: TypeAlias = tuple[int, ...]
"""The indices of a node: numbers from 0 occur twice and are summed over, -1, -2, ... are free and occur once."""
Part: TypeAlias = tuple[Node, ...]
Network: TypeAlias = tuple[Part, ...]
"""The parts of a network in canonical order, once `canonical_network` has been over it."""


def network_of(diagram: Diagram, root: Root, tied: bool = True) -> Network:
    """The canonical network of a diagram with one term of its root's tensor."""
    return canonical_network(parts_of(diagram, root, tied)[0])


def parts_of(diagram: Diagram, root: Root, tied: bool = True) -> tuple[Network, list[int]]:
    """The parts of a diagram with one term of its root's tensor, in any order, and the index of each edge.

    Edges are numbered by their child, less one. tied=False takes the root out of its part.
    """
    names = list(range(diagram.order))
    places = [child - 1 for child in diagram.children[0]]
    for axis, place in enumerate(root.open):
        names[places[place]] = -1 - axis
    nodes = [
        (*((names[v - 1],) if v else ()), *(names[child - 1] for child in children))
        for v, children in enumerate(diagram.children)
    ]
    factors = tuple(tuple(names[places[place]] for place in edges) for edges in root.nodes)
    first, *others = diagram.parts
    mates = tuple(nodes[v] for v in first if v)
    parts: list[Part] = [tuple(nodes[v] for v in part) for part in others]
    if not tied or not mates:
        parts += [(factor,) for factor in factors]
        factors = ()
    if mates:
        parts.append(mates + factors)
    return tuple(parts), names


def side_by_side(first: Network, second: Network, axes: int) -> Network:
    """Both networks as one; the free indices of the second come after the `axes` of the first."""
    by = 1 + max(indices_of(first), default=-1)
    moved = tuple(
        tuple(tuple(label + by if label >= 0 else label - axes for label in node) for node in part) for part in second
    )
    return canonical_network(first + moved)


def automorphisms(network: Network) -> list[dict[int, int]]:
    """The ways to rename the summed indices of a canonical network that change nothing, found by trying all."""
    summed = sorted({label for label in indices_of(network) if label >= 0})
    found = []
    for image in permutations(summed):
        names = dict(zip(summed, image, strict=True))
        renamed = [
            tuple(sorted(tuple(sorted(names.get(label, label) for label in node)) for node in part)) for part in network
        ]
        if sorted(renamed) == sorted(tuple(sorted(part)) for part in network):
            found.append(names)
    return found


def indices_of(network: Network) -> list[int]:
    """All indices, summed ones twice."""
    return list(chain.from_iterable(chain.from_iterable(network)))


def vanishes_at_minimum(network: Network) -> bool:
    """Whether some factor is the gradient of the test loss."""
    return any(tuple(map(len, part)) == (1,) for part in network)


@lru_cache(maxsize=1 << 16)
def canonical_network(parts: Network) -> Network:
    """The least way to write a network: parts, nodes and names of summed indices in any order give one result."""
    return canonical_names(parts)[0]


def canonical_names(parts: Network) -> tuple[Network, dict[int, int]]:
    """The canonical network, and the new name of each index.

    Nodes are coloured by what they see, and colours refined until they tell nothing new; where nodes still look alike,
    each is tried as the first of them, and the least result is kept.
    """
    nodes = [node for part in parts for node in part]
    part_of = [p for p, part in enumerate(parts) for _ in part]
    ends: defaultdict[int, list[int]] = defaultdict(list)
    for v, node in enumerate(nodes):
        for label in node:
            ends[label].append(v)
    across = [[w for label in node for w in ends[label] if w != v] for v, node in enumerate(nodes)]
    mates = [[w for w in range(len(nodes)) if part_of[w] == part_of[v] and w != v] for v in range(len(nodes))]
    twins: Counter[Any] = Counter()
    seen: list[Any] = []
    for v, node in enumerate(nodes):
        look = (
            len(parts[part_of[v]]), tuple(sorted(map(len, parts[part_of[v]]))), len(node),
            tuple(sorted(label for label in node if label < 0)), len(node) - len(set(node)),
        )
        # leaves on one node, all alone or all in one part, can be exchanged: tell them apart at will
        kind = (across[v][0], part_of[v] if mates[v] else -1) if len(node) == 1 and across[v] else (v, -2)
        seen.append((look, twins[kind]))
        twins[kind] += 1
    best: tuple[Network, dict[int, int]] | None = None
    waiting = [_refined(_ranks(seen), across, mates)]
    while waiting:
        colours = waiting.pop()
        shared = [colour for colour, many in Counter(colours).items() if many > 1]
        if shared:
            for v in (v for v, colour in enumerate(colours) if colour == min(shared)):
                split = [2 * colour + (colour == min(shared) and w != v) for w, colour in enumerate(colours)]
                waiting.append(_refined(_ranks(split), across, mates))
            continue
        found = _written(parts, nodes, colours, ends)
        if best is None or found[0] < best[0]:
            best = found
    assert best is not None  # some colouring tells all nodes apart
    return best


def _refined(colours: list[int], across: list[list[int]], mates: list[list[int]]) -> list[int]:
    while True:
        finer = _ranks([
            (colour, tuple(sorted(colours[w] for w in across[v])), tuple(sorted(colours[w] for w in mates[v])))
            for v, colour in enumerate(colours)
        ])
        if finer == colours:
            return colours
        colours = finer


def _ranks(keys: Sequence[Any]) -> list[int]:
    place = {key: rank for rank, key in enumerate(sorted(set(keys)))}
    return [place[key] for key in keys]


def _written(
    parts: Network, nodes: Sequence[Node], colours: Sequence[int], ends: dict[int, list[int]]
) -> tuple[Network, dict[int, int]]:
    """The network with nodes in the order of their colours, all different, and indices named as they first occur."""
    stops = list(accumulate(map(len, parts)))
    whole = sorted(
        sorted(colours[v] for v in range(stop - len(part), stop)) for stop, part in zip(stops, parts, strict=True)
    )
    place = {colour: v for v, colour in enumerate(colours)}
    names: dict[int, int] = {}
    count = 0
    written = []
    for members in whole:
        part = []
        for v in (place[colour] for colour in members):
            order = sorted(nodes[v], key=lambda label: (label >= 0, sorted(colours[w] for w in ends[label]), -label))
            for label in order:
                if label not in names:
                    names[label] = label if label < 0 else count
                    count += label >= 0
            part.append(tuple(sorted(names[label] for label in order)))
        written.append(tuple(part))
    return tuple(written), names
