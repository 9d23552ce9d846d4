"""Diagrams: canonical form, text, enumeration and counting, against networkx, brute force and known numbers."""

import pickle
from fractions import Fraction
from itertools import permutations
from math import factorial

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastdiag as fd
from fastdiag.diagram.partition import set_partitions
from fastdiag.kernels.growth import stabilizer

ALL = [1, 1, 4, 17, 101, 700, 5861, 55818, 598201, 7075470, 91341253, 1274606895, 19083260795]
IRREDUCIBLE = [1, 1, 3, 12, 65, 423]
PATH = [1, 1, 3, 9, 37, 166, 926, 5827]
ROOT_SHARES = [1, 2, 9, 48, 329]
BELL = [1, 1, 2, 5, 15, 52, 203, 877, 4140]


@st.composite
def labelled(draw, most=7):
    """A rooted tree with arbitrarily numbered nodes and a labelling of them: (parents, blocks)."""
    n = draw(st.integers(1, most))
    parents = [-1] + [draw(st.integers(0, i - 1)) for i in range(1, n)]
    blocks = [draw(st.integers(0, n - 1)) for _ in range(n)]
    names = draw(st.permutations(range(n)))
    renamed, labels = [0] * n, [0] * n
    for node in range(n):
        renamed[names[node]] = -1 if parents[node] < 0 else names[parents[node]]
        labels[names[node]] = blocks[node]
    return renamed, labels


def isomorphisms(first, second):
    """All bijections of nodes that carry root, edges and partition of one labelled diagram to the other."""
    (p, b), (q, c) = first, second
    n = len(p)
    if len(q) != n:
        return 0
    count = 0
    for image in permutations(range(n)):
        tree = all((q[image[v]] == -1) if p[v] < 0 else q[image[v]] == image[p[v]] for v in range(n))
        if tree and all((b[u] == b[v]) == (c[image[u]] == c[image[v]]) for u in range(n) for v in range(u)):
            count += 1
    return count


@given(labelled(6), labelled(6))
def test_equality_is_isomorphism(first, second):
    a, b = fd.Diagram(*first), fd.Diagram(*second)
    assert (a == b) == (isomorphisms(first, second) > 0)
    assert a.automorphisms == isomorphisms(first, first)
    assert isomorphisms(first, (a.parents, a.blocks)) > 0
    if a == b:
        assert hash(a) == hash(b)
    assert (a < b) + (b < a) + (a == b) == 1


@given(labelled(9))
def test_text_and_pickle_round_trip(raw):
    D = fd.Diagram(*raw)
    again = fd.Diagram.parse(str(D))
    assert again == D
    assert str(again) == str(D)
    assert again.automorphisms == D.automorphisms
    assert eval(repr(D), {"Diagram": fd.Diagram}) == D
    assert pickle.loads(pickle.dumps(D)) == D


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("[]", "[]"), ("a", "[]"), ("[a]", "[a]"), ("[x x]", "[a a]"), ("[b[a] a]", "[a b[a]]"), ("a[a]", "a[a]"),
     ("b[a]", "[a]"), (" [ a  b[c] ] ", "[a b[c]]"), ("[a b[a]]", "[a b[a]]"), ("a[b[a] b]", "a[b b[a]]"), ("[ab]", "[a b]")],
)
def test_parse(text, canonical):
    assert str(fd.Diagram.parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [("[a", 2, "never closed"), ("[a]]", 3, "nothing may follow"), ("[a ?]", 3, "unknown character '?'"),
     ("", 0, "no diagram"), ("[a[]]", 2, "empty brackets"), ("[a [b]]", 3, "right before these brackets"),
     ("[a]b", 3, "nothing may follow"), ("]", 0, "closes nothing"), ("[[a]]", 1, "right before"), ("a b", 2, "nothing may follow"),
     ("ab", 1, "nothing may follow")],
)
def test_parse_errors_point_at_the_position(text, position, words):
    with pytest.raises(fd.errors.DiagramSyntaxError, match="cannot read diagram") as caught:
        fd.Diagram.parse(text)
    assert caught.value.position == position
    assert words in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("parents", "blocks", "words"),
    [([], [], "one parent"), ([-1, 0], [0], "2 parents and 1 blocks"), ([-1, 5], [0, 1], "no node"),
     ([-1, -1], [0, 1], "exactly one"), ([-1, 2, 1], [0, 1, 2], "cycle")],
)
def test_constructor_errors(parents, blocks, words):
    with pytest.raises(fd.errors.InputError, match=words):
        fd.Diagram(parents, blocks)


def test_the_constructor_takes_no_text():
    with pytest.raises(fd.errors.InputError, match=r"Diagram.parse reads a text such as '\[a b\]'"):
        fd.Diagram("[a b]")
    with pytest.raises(fd.errors.InputError, match="1 parents and 0 blocks"):
        fd.Diagram([-1])


def test_a_diagram_is_frozen():
    D = fd.Diagram.parse("[a]")
    with pytest.raises(AttributeError, match="immutable"):
        D.blocks = (0, 0)
    with pytest.raises(AttributeError):
        D.extra = 1


@pytest.mark.parametrize("order", range(9))
def test_counts(order):
    ds = fd.diagrams(order)
    assert len(ds) == ALL[order] == fd.count_diagrams(order)
    mass = sum(
        Fraction(factorial(order), int(size)) * int(count)
        for size, count in zip(*np.unique(ds.automorphisms, return_counts=True), strict=True)
    )
    assert mass == Fraction(order + 1) ** (order - 1) * BELL[order]
    if order < len(PATH):
        assert ds.satisfies_path_condition.sum() == PATH[order]
    if order < len(IRREDUCIBLE):
        assert len(fd.diagrams(order, irreducible=True)) == ds.irreducible.sum() == IRREDUCIBLE[order]
    if order < len(ROOT_SHARES):
        assert len(fd.diagrams(order, root_shares=True)) == fd.count_diagrams(order, True) == ROOT_SHARES[order]


def test_count_without_listing():
    assert [fd.count_diagrams(d) for d in range(13)] == ALL
    # Burnside for rooted trees, against networkx's enumeration of unlabelled rooted trees by level sequences
    from fastdiag.diagram.number_of_diagrams import count_rooted_trees

    assert [count_rooted_trees(n) for n in range(1, 9)] == [1, 1, 2, 4, 9, 20, 48, 115]


@pytest.mark.parametrize("root_shares", [False, True])
@pytest.mark.parametrize("order", range(5))
def test_the_list_is_every_diagram_once_in_order(order, root_shares):
    """Against all parent arrays and all partitions, put into canonical form one by one."""
    found = set()
    for parents in np.ndindex(*range(1, order + 1)):
        for string in set_partitions(order + 1 if root_shares else order):
            blocks = string if root_shares else (-1, *string)
            found.add(fd.Diagram((-1, *parents), blocks))
    listed = list(fd.diagrams(order, root_shares=root_shares))
    assert listed == sorted(found)
    for i, D in enumerate(listed):
        assert fd.diagrams(order, root_shares=root_shares)[i].automorphisms == D.automorphisms


@pytest.mark.parametrize("order", range(10))
def test_listed_trees_are_canonical(order):
    """From order 7 on, reversing the order of Beyer and Hedetniemi does not put all children least first."""
    trees = next(iter(fd.stream_diagrams(order, shard=1))).trees.tolist()
    assert [fd.Diagram(parents, range(order + 1)).parents for parents in trees] == [tuple(parents) for parents in trees]
    assert trees == sorted(trees, key=lambda parents: fd.Diagram(parents, range(order + 1)).levels)


def test_listed_diagrams_are_what_their_text_says():
    """Some of order 7, and all on its one tree whose children a reversal leaves out of order."""
    ds = fd.diagrams(7)
    for i in np.linspace(0, len(ds) - 1, 400).astype(int):
        assert fd.Diagram.parse(str(ds[i])) == ds[i]
    tree = fd.Diagram.parse("[a[b c[d]] e[f[g]]]")
    assert [D.parents for D in ds[ds.tree_index == ds.trees.tolist().index(list(tree.parents))]] == [tree.parents] * 877


def test_automorphisms_against_networkx():
    ds = fd.diagrams(5)
    for D in [ds[i] for i in range(0, len(ds), 7)]:
        graph = nx.Graph(list(enumerate(D.parents))[1:])
        for v, block in enumerate(D.blocks):  # a part is one more node, joined to its members
            graph.add_edge(v, ("part", block))
            graph.nodes[v]["kind"] = "root" if v == 0 else "node"
            graph.nodes["part", block]["kind"] = "part"
        same = nx.algorithms.isomorphism.categorical_node_match("kind", None)
        matcher = nx.algorithms.isomorphism.GraphMatcher(graph, graph, node_match=same)
        assert sum(1 for _ in matcher.isomorphisms_iter()) == D.automorphisms


def test_collections():
    ds = fd.diagrams(4)
    assert ds.parents.dtype == np.int8
    assert ds.blocks.dtype == np.int8
    assert ds.automorphisms.dtype == np.int64
    assert ds.parents.shape == ds.blocks.shape == (101, 5)
    some = ds[ds.irreducible]
    assert len(some) == 65
    assert all(D.is_irreducible for D in some)
    assert [D.is_irreducible for D in ds] == ds.irreducible.tolist()
    assert [D.satisfies_path_condition for D in ds] == ds.satisfies_path_condition.tolist()
    assert ds[-1] == list(ds)[-1]
    assert list(ds[3:5]) == [ds[3], ds[4]]
    with pytest.raises(IndexError):
        ds[101]


@pytest.mark.parametrize("options", [{}, {"irreducible": True}, {"root_shares": True}])
@pytest.mark.parametrize("shard", [1, 7, 100, 10**6])
def test_streaming_is_the_list(shard, options):
    whole = fd.diagrams(4, **options)
    shards = list(fd.stream_diagrams(4, shard=shard, **options))
    assert all(len(s) == shard for s in shards[:-1])
    assert [D for s in shards for D in s] == list(whole)


def test_stars_do_not_blow_up():
    names = "abcdefghijklmnopqrst"
    assert fd.Diagram.parse(f"[{' '.join(names)}]").automorphisms == factorial(20)
    pairs = fd.Diagram.parse(f"[{' '.join(names[:10] + names[9::-1])}]")
    assert pairs.automorphisms == 2**10 * factorial(10)
    chains = fd.Diagram.parse(f"[{' '.join(x + '[' + y + ']' for x, y in zip(names[:8], names[8:16], strict=True))}]")
    assert chains.automorphisms == factorial(8)
    everything = fd.Diagram.parse(f"[{'a ' * 20}]")
    assert everything.automorphisms == factorial(20)


def test_the_growth_kernel_is_its_python_source():
    """One formula, two readers: compiled on arrays, and plain Python on lists."""
    ds = fd.diagrams(5)
    from fastdiag.kernels.trees import tree_shape

    for D in [ds[i] for i in range(0, 700, 11)]:
        shape = np.zeros((4, 6), np.int64)
        tree_shape(np.array(D.levels), *shape)
        blocks = np.array(D.blocks)
        members = np.bincount(blocks, minlength=6)
        tops = np.maximum.accumulate(blocks)
        scratch = np.zeros((5, 6), np.int64)
        assert stabilizer(*shape, blocks, tops, members, *scratch) == D.automorphisms


def test_value_classes():
    for order in range(5):
        for D in fd.diagrams(order):
            least = D.value_class
            alone = [p[0] for p in D.parts if len(p) == 1]
            assert {D.rerooted(v).value_class for v in alone} == {least}
            assert not least.root_shares
    assert fd.Diagram.parse("[b[a a]]").value_class == fd.Diagram.parse("[a a b]")
    # gluing the root to a part leaves an unrooted tree without a lone node
    assert fd.Diagram.parse("a[a]").value_class == fd.Diagram.parse("a[a]")


@pytest.mark.parametrize(
    ("call", "words"),
    [(lambda: fd.diagrams(-1), "order must be an integer >= 0"), (lambda: fd.diagrams(2.5), "order must be"),
     (lambda: fd.diagrams(11), "stream_diagrams"), (lambda: fd.count_diagrams("4"), "order must be"),
     (lambda: fd.diagrams(25), "lists of diagrams go to order 20"), (lambda: fd.stream_diagrams(3, shard=0), "at least 1"),
     (lambda: fd.Diagram.of(3), "expected a Diagram")],
)
def test_bad_input(call, words):
    with pytest.raises(fd.FastdiagError, match=words):
        call()
