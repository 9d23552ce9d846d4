"""Pattern rows where one order of the rows is repeated: how nodes fall into epochs and parts into positions."""

from typing import Any, NamedTuple

import numpy as np

from .kernel import inlined, kernel
from .levels import ShapeTables, strict_chains


class Sequences(NamedTuple):
    """Sequences of levels, sorted by a set of parts: those of a set are entries begins[set] to begins[2^P + set]."""

    begins: Any
    inside: Any
    """The relations along which they rise."""
    shape: Any
    number: Any
    """How many they are."""


@kernel
def sequences(n: int, most: int, counts: Any) -> Sequences:
    """Room for so many, of at most n parts; their numbers are of the kind of `counts`."""
    return Sequences(
        np.zeros(2 << n, np.int64), np.zeros(most, np.int64), np.zeros(most, np.int64), np.zeros(most, counts.dtype)
    )


@kernel
def epoch_patterns(below: Any, partial: bool, sizes: Any, ways: Any) -> None:
    """ways[S, V, m]: how nodes fall onto m whole epochs, and some of the set V into a last, partial one.

    The relations between nodes of one epoch are among the set S. For each set of relations inside an epoch, joined nodes
    are components, whose strict chains are the epochs; then sums over subsets. Relations are numbered by upper node,
    then lower node. ways: (2^relations, 2^n or 1 if not `partial`, n+1), zeros on entry.
    """
    n = len(below)
    component, above = np.zeros(n, np.int64), np.zeros(n, np.int64)
    chains = np.zeros((1 << n, n + 1), ways.dtype)
    relations = 0
    for v in range(n):
        relations += sizes[below[v]]
    for inside in range(1 << relations):
        for v in range(n):
            component[v] = v
        changed = True
        while changed:
            changed = False
            bit = 0
            for v in range(n):
                for u in range(n):
                    if below[v] >> u & 1:
                        if inside >> bit & 1 and component[u] != component[v]:
                            low = min(component[u], component[v])
                            component[u] = low
                            component[v] = low
                            changed = True
                        bit += 1
        count = 0  # number the components, and order them by the relations between epochs
        for v in range(n):
            if component[v] == v:
                above[v] = count
                count += 1
        for v in range(n):
            component[v] = above[component[v]]
        for c in range(count):
            above[c] = 0
        bit = 0
        for v in range(n):
            for u in range(n):
                if below[v] >> u & 1:
                    if not inside >> bit & 1:
                        above[component[v]] |= 1 << component[u]
                    bit += 1
        everything = (1 << count) - 1
        strict_chains(above[:count], sizes, chains[: everything + 1, : count + 1])
        for last in range(everything + 1 if partial else 1):
            fits = True
            for c in range(count):  # nothing comes after the last epoch, and in it no relation goes between epochs
                fits = fits and above[c] & last == 0
            if fits:
                nodes = 0
                for v in range(n):
                    if last >> component[v] & 1:
                        nodes |= 1 << v
                for m in range(count + 1):
                    ways[inside, nodes, m] += chains[everything & ~last, m]
    for bit in range(relations):
        for inside in range(1 << relations):
            if inside >> bit & 1:
                for nodes in range(ways.shape[1]):
                    for m in range(n + 1):
                        ways[inside, nodes, m] += ways[inside ^ 1 << bit, nodes, m]
    for v in range(n if partial else 0):
        for inside in range(1 << relations):
            for nodes in range(1 << n):
                if nodes >> v & 1:
                    for m in range(n + 1):
                        ways[inside, nodes, m] += ways[inside, nodes ^ 1 << v, m]


@inlined
def list_sequences(
    P: int, upwards: bool, entering: Any, leaving: Any, tables: ShapeTables, place: Any, found: Sequences
) -> None:
    """Sequences of levels to each set of parts (`upwards`), or from it to all of them, merged by what can be told apart.

    place: (sets of relations, shapes), 0 on entry and exit.
    """
    begins, inside, shape, number = found
    top = (1 << P) - 1
    used = 0
    for i in range(top + 1):
        here = i if upwards else top ^ i
        begins[here] = used
        if i == 0:
            inside[0] = 0
            shape[0] = 0
            number[0] = 1
            used = 1
        step = i
        while step > 0:
            other = here ^ step
            lower = other if upwards else here
            risen = entering[step] & leaving[lower]
            for e in range(begins[other], begins[other + top + 1]):
                s = tables.grow[shape[e], tables.sizes[step]]
                entry = place[inside[e] | risen, s] - 1
                if entry < 0:
                    entry = used
                    used += 1
                    place[inside[e] | risen, s] = used
                    inside[entry] = inside[e] | risen
                    shape[entry] = s
                    number[entry] = 0
                number[entry] += number[e]
            step = (step - 1) & i
        for e in range(begins[here], used):
            place[inside[e], shape[e]] = 0
        begins[here + top + 1] = used


@kernel
def cyclic_rows(
    below: Any, part: Any, strings: Any, first: int, partial: bool, ways: Any, most: int, shape_tables: Any, lengths: Any,
    columns: Any, counts: Any,
) -> int:
    """Pattern rows where one order of the rows is repeated, the parts merged by strings[first:], until the space ends.

    Column (m shapes + shape) (n + 1) + j: some nodes fall onto m whole epochs and the others into the last, partial one;
    parts fall onto position levels of that shape, (epoch, position) lexicographically strictly increasing; the first j
    levels lie before the cut of the partial epoch, and hold every part that has a node in it. j = 0 is what remains where
    all epochs are whole.

    ways: of `epoch_patterns`; most: sequences of levels, at the most. Relations along which the levels rise may lie inside
    an epoch, the others lie between epochs; a weak order of the parts is a sequence of levels before the cut and one after
    it. Returns how many rows were written.
    """
    tables = ShapeTables(*shape_tables)
    n, starts, shapes = len(below), tables.starts, len(tables.grow)
    merged = np.zeros(n, np.int64)
    masks = np.zeros((3, 1 << n), np.int64)
    entering, leaving, members = masks[0], masks[1], masks[2]  # of parts: relations that end there, begin there; nodes
    place = np.zeros((len(ways), shapes), np.int64)
    row = np.zeros((shapes, n + 1, n + 1), counts.dtype)
    before_cut, after_cut = sequences(n, most, counts), sequences(n, most, counts)
    used = 0
    for r in range(first, len(strings)):
        P = 0
        for v in range(n):
            merged[v] = strings[r, part[v]]
            P = max(P, merged[v] + 1)
        top = (1 << P) - 1
        if used + (n + 1) * (starts[P + 1] - starts[P]) * (n + 1) > len(columns):
            return r - first
        for mask in range(top + 1):
            entering[mask] = 0
            leaving[mask] = 0
            members[mask] = 0
        bit = 0
        for v in range(n):
            members[1 << merged[v]] |= 1 << v
            for u in range(n):
                if below[v] >> u & 1:
                    entering[1 << merged[v]] |= 1 << bit
                    leaving[1 << merged[u]] |= 1 << bit
                    bit += 1
        for p in range(P):
            for mask in range(1, 1 << p):
                entering[mask | 1 << p] = entering[mask] | entering[1 << p]
                leaving[mask | 1 << p] = leaving[mask] | leaving[1 << p]
                members[mask | 1 << p] = members[mask] | members[1 << p]
        list_sequences(P, False, entering, leaving, tables, place, after_cut)
        if partial:
            list_sequences(P, True, entering, leaving, tables, place, before_cut)
        else:  # no level before the cut
            before_cut.begins[top + 1] = 1
            before_cut.number[0] = 1
        for early in range(top + 1 if partial else 1):
            nodes = members[early]
            for e in range(before_cut.begins[early], before_cut.begins[early + top + 1]):
                j = tables.levels[before_cut.shape[e]]
                for d in range(after_cut.begins[early], after_cut.begins[early + top + 1]):
                    s = tables.merge[before_cut.shape[e], after_cut.shape[d]]
                    inside = before_cut.inside[e] | after_cut.inside[d]
                    product = before_cut.number[e] * after_cut.number[d]
                    for m in range(n + 1):
                        row[s, j, m] += product * ways[inside, nodes, m]
        before = used
        for m in range(n + 1):
            for s in range(starts[P], starts[P + 1]):
                for j in range(n + 1):
                    if row[s, j, m] != 0:
                        columns[used] = (m * shapes + s) * (n + 1) + j
                        counts[used] = row[s, j, m]
                        used += 1
                        row[s, j, m] = 0
        lengths[r - first] = used - before
    return len(strings) - first
