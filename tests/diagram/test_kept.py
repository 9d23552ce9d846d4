"""What a Diagram has been asked for it keeps; it stays frozen, slotted and small, and lists keep their Diagrams."""

import copy
import inspect
import pickle
import sys

import numpy as np
import pytest

import fastdiag as fd

KEPT = ("order", "parts", "children", "degrees", "levels", "value_class")


def brute_force(D):
    """The properties from the parents and blocks, by their definitions."""
    nodes = range(len(D.parents))
    children = tuple(tuple(v for v in nodes if D.parents[v] == u) for u in nodes)
    parts = tuple(tuple(v for v in nodes if D.blocks[v] == block) for block in sorted(set(D.blocks)))
    degrees = tuple(sum(1 for v in nodes if v and u in (v, D.parents[v])) for u in nodes)

    def above(v):
        return [] if v == 0 else [D.parents[v], *above(D.parents[v])]

    return {
        "order": len(nodes) - 1, "children": children, "parts": parts, "degrees": degrees,
        "levels": tuple(len(above(v)) for v in nodes), "root_shares": len(parts[0]) > 1,
        "is_irreducible": not any(v and degrees[v] == 2 and (v,) in parts for v in nodes),
        "satisfies_path_condition": not any(D.blocks[v] == D.blocks[u] for v in nodes for u in above(v)),
    }


@pytest.mark.parametrize("root_shares", [False, True])
def test_properties_by_their_definitions(root_shares):
    for order in range(5):
        for D in fd.diagrams(order, root_shares=root_shares):
            right = brute_force(D)
            for _ in range(2):  # found, and kept
                assert {name: getattr(D, name) for name in right} == right


def test_found_once():
    D = fd.Diagram.parse("[b[a] a]")
    for name in KEPT:
        assert getattr(D, name) is getattr(D, name)
    assert str(D) is str(D)


def test_frozen_and_slotted():
    D = fd.Diagram.parse("[b[a] a]")
    size = sys.getsizeof(D)
    assert not hasattr(D, "__dict__")
    for name in (*KEPT, "parents", "blocks", "automorphisms", "is_irreducible", "anything"):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(D, name, 7)
        with pytest.raises(AttributeError, match="immutable"):
            delattr(D, name)
    with pytest.raises(AttributeError, match="a Diagram has no attribute 'anything'"):
        _ = D.anything
    assert inspect.getdoc(fd.Diagram.degrees)
    assert sys.getsizeof(D) == size


def test_what_is_kept_changes_neither_equality_nor_copies():
    asked, fresh = fd.Diagram.parse("[b[a] a]"), fd.Diagram.parse("[a b[a]]")
    known = [getattr(asked, name) for name in KEPT]
    assert asked == fresh
    assert hash(asked) == hash(fresh) == hash((asked.parents, asked.blocks))
    assert not asked < fresh
    assert asked >= fresh
    for other in (copy.copy(asked), copy.deepcopy(asked), *(pickle.loads(pickle.dumps(asked, p)) for p in range(6))):
        assert other == asked
        assert [getattr(other, name) for name in KEPT] == known
    assert pickle.dumps(asked) == pickle.dumps(fresh)  # what is kept stays here


def test_short_lists_keep_their_diagrams():
    assert fd.diagrams(3) is fd.diagrams(3)
    assert fd.diagrams(3) is not fd.diagrams(3, root_shares=True)
    assert all(one is other for one, other in zip(fd.diagrams(3), fd.diagrams(3), strict=True))
    assert fd.diagrams(6) is not fd.diagrams(6)
    again = fd.diagrams(3)[::-1]
    assert list(again) == list(fd.diagrams(3))[::-1]


@pytest.mark.parametrize("ds", [fd.diagrams(3), fd.diagrams(6), fd.diagrams(3)[::2], next(fd.stream_diagrams(4, shard=7))])
def test_lists_cannot_be_written_to(ds):
    for name in ("parents", "blocks", "automorphisms", "trees", "tree_index", "irreducible", "satisfies_path_condition"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(ds, name)[:1] = 0
    back = pickle.loads(pickle.dumps(ds))
    assert back == ds
    assert not back.blocks.flags.writeable
    assert np.array_equal(back.irreducible, [D.is_irreducible for D in ds])
