"""Orbits of labelled partitions, coarsenings and value classes of whole lists, against diagrams made one by one."""

import random
from collections import Counter
from functools import cache
from itertools import accumulate, product

import networkx as nx
import numpy as np
import pytest

import fastdiag as fd
from fastdiag.diagram.orbits import coarser, moved, places, value_class
from fastdiag.diagram.partition import coarser_ranks, growth_strings, ranks, set_partitions
from fastdiag.embedding import enumerated_maps

BELL = [1, 1, 2, 5, 15, 52, 203, 877, 4140, 21147]


@cache
def listed(order):
    """The list and, for each tree, where its diagrams begin; one more entry for the end."""
    ds = fd.diagrams(order)
    return ds, np.searchsorted(ds.tree_index, np.arange(len(ds.trees) + 1))


def rows_of(order, tree):
    ds, offsets = listed(order)
    return ds.blocks[offsets[tree] : offsets[tree + 1]]


def renumbered(labels):
    names = {}
    return tuple(names.setdefault(label, len(names)) for label in labels)


@pytest.mark.parametrize("size", range(10))
def test_growth_strings_are_all_in_order(size):
    strings = growth_strings(size)
    assert strings.shape == (BELL[size], size)
    assert (ranks(strings) == np.arange(BELL[size])).all()
    if size < 8:
        every = [s for s in product(range(size), repeat=size) if s == renumbered(s)]
        assert strings.tolist() == list(map(list, every)) == list(map(list, set_partitions(size)))


@pytest.mark.parametrize("size", range(7))
def test_coarser_ranks_are_the_order_of_the_lattice(size):
    """sigma is coarser than pi when equal labels of pi have equal labels in sigma."""
    strings = growth_strings(size).tolist()
    starts, others = coarser_ranks(size)
    step = max(1, len(strings) // 40)
    for i in range(0, len(strings), step):
        above = [k for k, s in enumerate(strings) if len(set(zip(strings[i], s, strict=True))) == len(set(strings[i]))]
        assert others[starts[i] : starts[i + 1]].tolist() == above


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_nodes_are_moved_by_ranks_alone(size):
    rng = random.Random(size)
    strings = growth_strings(size).tolist()
    for _ in range(4):
        source = rng.sample(range(size), size)
        images = [renumbered([string[item] for item in source]) for string in strings]
        assert [tuple(strings[r]) for r in moved(np.arange(len(strings)), source)] == images


@pytest.mark.parametrize("order", range(9))
def test_places_are_canonical_forms(order):
    """Every labelled partition to order 5; beyond, a random sample."""
    ds, offsets = listed(order)
    rng = random.Random(order)
    trees = range(len(ds.trees)) if order < 6 else rng.sample(range(len(ds.trees)), 40)
    strings = set_partitions(order)
    for tree in trees:
        place = places(ds.trees[tree])
        assert place.shape == (BELL[order],)
        for i in range(len(strings)) if order < 6 else rng.sample(range(len(strings)), 12):
            assert fd.Diagram(ds.trees[tree].tolist(), (-1, *strings[i])) == ds[int(offsets[tree] + place[i])]


@pytest.mark.parametrize("order", range(9))
def test_as_many_places_as_diagrams(order):
    """On every tree; and each orbit has |Aut(tree)| / |Aut(diagram)| labelled partitions."""
    ds, offsets = listed(order)
    for tree, parents in enumerate(ds.trees):
        orbits = np.bincount(places(parents))
        groups = ds.automorphisms[offsets[tree] : offsets[tree + 1]]
        # the first row puts all nodes into one part, which every automorphism of the tree keeps
        assert (orbits * groups == groups[0]).all()


def test_places_at_order_ten():
    """A star's diagrams are the integer partitions of 10; a chain's are all set partitions."""
    star, chain = places([-1] + [0] * 10), places(range(-1, 10))
    assert star.max() + 1 == 42
    assert (chain == np.arange(115975)).all()


@pytest.mark.parametrize("order", range(7))
def test_coarser_is_merging_parts(order):
    """Against merging parts in all ways, one Diagram each; the lengths and order of every row."""
    ds, offsets = listed(order)
    rng = random.Random(order)
    for tree in range(len(ds.trees)) if order < 5 else rng.sample(range(len(ds.trees)), 8):
        blocks = rows_of(order, tree)
        lengths, place, times = coarser(ds.trees[tree], blocks)
        ends = list(accumulate(lengths.tolist()))
        assert ends[-1] == len(place) == len(times)
        bell = np.array(BELL)[blocks.max(axis=1)]
        assert (np.add.reduceat(times, np.array(ends) - lengths) == bell).all()
        for i in range(len(blocks)) if order < 5 else rng.sample(range(len(blocks)), 5):
            found = slice(ends[i] - lengths[i], ends[i])
            D = ds[int(offsets[tree] + i)]
            merged = Counter(
                fd.Diagram(D.parents, [-1, *(merge[block - 1] for block in D.blocks[1:])])
                for merge in set_partitions(len(D.parts) - 1)
            )
            here = [ds[int(offsets[tree] + p)] for p in place[found]]
            assert here == sorted(merged)
            assert dict(zip(here, times[found].tolist(), strict=True)) == merged


def check_cumulants(order, chosen, spacetime, count):
    ds, offsets = listed(order)
    moments = cache(lambda i: count(ds[i], spacetime, "moment"))
    for i in chosen:
        tree = int(ds.tree_index[i])
        _, place, times = coarser(ds.trees[tree], ds.blocks[[i]])
        total = sum(int(t) * moments(int(offsets[tree] + p)) for p, t in zip(place, times, strict=True))
        assert total == count(ds[i], spacetime, "cumulant")


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
@pytest.mark.parametrize("order", range(7))
def test_cumulant_maps_are_sums_of_moment_maps(order, sampling):
    rng = random.Random(10 * order + len(sampling))
    for _ in range(2):
        B = rng.randint(1, 3)
        N = B * rng.randint(1, 4)
        spacetime = fd.Spacetime(N=N, B=B, T=rng.randint(1, 3 * N // B), sampling=sampling)
        count = len(listed(order)[0])
        check_cumulants(order, range(count) if order < 5 else rng.sample(range(count), 12), spacetime, fd.maps)


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
def test_enumerated_cumulant_maps_are_sums_of_enumerated_moment_maps(sampling):
    check_cumulants(3, range(17), fd.Spacetime(N=4, B=2, T=4, sampling=sampling), enumerated_maps)


@pytest.mark.parametrize("order", range(9))
def test_value_classes_are_those_of_single_diagrams(order):
    ds, offsets = listed(order)
    rng = random.Random(order)
    index = {D: i for i, D in enumerate(ds)} if order < 7 else {}
    for tree in range(len(ds.trees)) if order < 6 else rng.sample(range(len(ds.trees)), 12):
        blocks = rows_of(order, tree)
        rows = np.arange(len(blocks)) if order < 6 else np.sort(rng.sample(range(len(blocks)), min(10, len(blocks))))
        classes = value_class(ds.trees, tree, blocks[rows], offsets)
        for row, found in zip(rows, classes.tolist(), strict=True):
            least = ds[int(offsets[tree] + row)].value_class
            assert ds[found] == least
            assert order > 6 or index[least] == found


def classes_of(order):
    ds, offsets = listed(order)
    return np.concatenate([value_class(ds.trees, t, rows_of(order, t), offsets) for t in range(len(ds.trees))])


@pytest.mark.parametrize("order", range(6))
def test_as_many_value_classes_as_unrooted_diagrams(order):
    """Unrooted trees with a partition that has a part of one node, up to isomorphism by networkx."""
    kinds = {}
    for tree in nx.nonisomorphic_trees(order + 1) if order else [nx.empty_graph(1)]:
        for string in set_partitions(order + 1):
            if 1 not in Counter(string).values():
                continue
            graph = nx.Graph(tree)
            nx.set_node_attributes(graph, "node", "kind")
            graph.add_nodes_from((f"part {block}" for block in string), kind="part")
            graph.add_edges_from((node, f"part {block}") for node, block in enumerate(string))
            degrees = [tuple(sorted(tree.degree(v) for v, b in enumerate(string) if b == block)) for block in set(string)]
            same = kinds.setdefault(tuple(sorted(degrees)), [])
            match = nx.algorithms.isomorphism.categorical_node_match("kind", None)
            if not any(nx.is_isomorphic(graph, other, node_match=match) for other in same):
                same.append(graph)
    assert len(np.unique(classes_of(order))) == sum(map(len, kinds.values()))


@pytest.mark.parametrize("order", [4, 7])
def test_a_class_is_its_own_class(order):
    classes = classes_of(order)
    assert (classes <= np.arange(len(classes))).all()
    assert (classes[classes] == classes).all()


def test_a_shard_is_a_part_of_the_whole():
    ds, offsets = listed(7)
    for tree in (0, 40, 114):
        blocks = rows_of(7, tree)
        lengths, place, times = coarser(ds.trees[tree], blocks)
        middle = len(blocks) // 2
        first, second = coarser(ds.trees[tree], blocks[:middle]), coarser(ds.trees[tree], blocks[middle:])
        for whole, a, b in zip((lengths, place, times), first, second, strict=True):
            assert (whole == np.concatenate([a, b])).all()
            assert whole.dtype == a.dtype == np.int32
        classes = value_class(ds.trees, tree, blocks, offsets)
        assert (value_class(ds.trees, tree, blocks[middle:], offsets) == classes[middle:]).all()
        assert [len(part) for part in coarser(ds.trees[tree], blocks[:0])] == [0, 0, 0]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: places([-1, 0, 1, 0]), fd.errors.InputError, "no canonical tree"),
        (lambda: places([-1, 0, 7]), fd.errors.InputError, "is no node"),
        (lambda: places([-1] + [0] * 11), fd.errors.TooLargeError, "limit is 10"),
        (lambda: coarser([-1, 0, 0], np.array([[0, 0, 1]])), fd.errors.InputError, "root alone"),
        (lambda: coarser([-1, 0, 0], np.array([[0, 2, 1]])), fd.errors.InputError, "growth strings"),
        (lambda: coarser([-1, 0, 0], np.array([0, 1, 1])), fd.errors.InputError, "shape"),
        (lambda: value_class(listed(2)[0].trees, 2, np.array([[0, 1, 2]]), [0, 2, 4]), fd.errors.InputError, "no tree 2"),
        (lambda: value_class(listed(2)[0].trees[:1], 0, np.array([[0, 1, 2]]), [0]), fd.errors.InputError, "all trees"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()
