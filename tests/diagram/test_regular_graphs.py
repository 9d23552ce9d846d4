"""Regular graphs written as diagrams: canonical forms and automorphisms where nothing but a search tells nodes apart."""

import random
import time
from contextlib import suppress
from itertools import combinations, product
from math import factorial

import networkx as nx
import numpy as np
import pytest

import fastdiag as fd
from fastdiag.embedding.embeddings import listable_automorphisms


def vertices(graph):
    """A branch for each vertex; an edge is a part of two leaves."""
    return [[frozenset((u, v)) for v in graph[u]] for u in graph]


def edges(graph):
    """A branch for each edge; a vertex is a part of leaves."""
    return [list(edge) for edge in graph.edges]


def shuffled(branches, seed):
    rng = random.Random(seed)
    parents, blocks = [-1], ["root"]
    for number, branch in enumerate(rng.sample(branches, len(branches))):
        parents += [0, *[len(parents)] * len(branch)]
        blocks += [("branch", number), *rng.sample(branch, len(branch))]
    return fd.Diagram(parents, blocks)


def paley(q):
    squares = {x * x % q for x in range(1, q)}
    return nx.Graph([(u, v) for u, v in combinations(range(q), 2) if (u - v) % q in squares])


def plane(q):
    """Lines of the projective plane over a prime field, as lists of their points."""
    points = [p for p in product(range(q), repeat=3) if any(p) and next(x for x in p if x) == 1]
    return [[i for i, p in enumerate(points) if np.dot(p, line) % q == 0] for line in points]


SHRIKHANDE = nx.Graph(
    [((a, b), ((a + c) % 4, (b + d) % 4)) for a, b in product(range(4), repeat=2) for c, d in ((1, 0), (0, 1), (1, 1))]
)
ROOK = nx.line_graph(nx.complete_bipartite_graph(4, 4))

REGULAR = {  # with the orders of their groups, from the literature
    "K(3,3,3)": (vertices(nx.complete_multipartite_graph(3, 3, 3)), 6**4),
    "K(3,3,3), edges": (edges(nx.complete_multipartite_graph(3, 3, 3)), 6**4),
    "Paley 13": (vertices(paley(13)), 13 * 6),
    "Paley 17": (vertices(paley(17)), 17 * 8),
    "Petersen": (vertices(nx.petersen_graph()), 120),
    "seven Petersen graphs": (vertices(nx.disjoint_union_all([nx.petersen_graph()] * 7)), 120**7 * factorial(7)),
    "Shrikhande": (vertices(SHRIKHANDE), 192),
    "rook": (vertices(ROOK), 2 * factorial(4) ** 2),
    "plane of order 2": (plane(2), 168),
    "plane of order 3": (plane(3), 5616),
    "K(16)": (vertices(nx.complete_graph(16)), factorial(16)),
    "hypercube": (vertices(nx.hypercube_graph(5)), 2**5 * factorial(5)),
    "33 triangles": (vertices(nx.disjoint_union_all([nx.complete_graph(3)] * 33)), 6**33 * factorial(33)),
    "60 chains": ([[i] for i in range(60)], factorial(60)),
    "60 chains in pairs": ([[i // 2] for i in range(60)], 2**30 * factorial(30)),
    "149 tied chains": ([["all"]] * 149, factorial(149)),
}


@pytest.mark.parametrize("name", REGULAR)
def test_regular_graphs(name):
    branches, order = REGULAR[name]
    D = shuffled(branches, 0)
    assert shuffled(branches, 1) == D
    assert fd.Diagram.parse(str(D)) == D
    assert D.automorphisms == order


def test_graphs_that_look_alike_are_told_apart():
    """Strongly regular of equal parameters."""
    assert shuffled(vertices(SHRIKHANDE), 0) != shuffled(vertices(ROOK), 0)


@pytest.mark.parametrize("graph", [nx.random_regular_graph(3, 66, 1), nx.line_graph(nx.petersen_graph()), SHRIKHANDE, ROOK])
@pytest.mark.parametrize("written", [vertices, edges])
def test_what_takes_too_long_is_refused_soon(graph, written):
    branches = written(graph)
    begun = time.process_time()
    with suppress(fd.errors.TooLargeError):
        assert fd.Diagram.parse(str(shuffled(branches, 0))) == shuffled(branches, 0)
    assert time.process_time() - begun < 20  # about a second each


def test_value_classes_of_large_diagrams_end():
    begun = time.process_time()
    D = shuffled(vertices(paley(13)), 0)
    alone = [part[0] for part in D.parts if len(part) == 1]
    assert D.rerooted(alone[1]).value_class == D.value_class
    assert time.process_time() - begun < 10


def test_all_automorphisms():
    """Those of a graph, found by networkx, say where branches and leaves go."""
    D = shuffled(vertices(nx.petersen_graph()), 0)
    ends = {frozenset(D.parents[v] for v in part): part for part in D.parts if len(part) == 2}
    found = []
    for image in nx.algorithms.isomorphism.GraphMatcher(nx.Graph(map(tuple, ends)), nx.Graph(map(tuple, ends))).isomorphisms_iter():
        moved = {0: 0, **image}
        for edge, leaves in ends.items():
            for v, w in product(leaves, ends[frozenset(image[u] for u in edge)]):
                if image[D.parents[v]] == D.parents[w]:
                    moved[v] = w
        found.append([moved[v] for v in range(D.order + 1)])
    assert len(found) == 120
    assert listable_automorphisms(D).tolist() == sorted(found)
