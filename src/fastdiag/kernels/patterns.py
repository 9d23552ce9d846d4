"""Pattern rows: how nodes fall into epochs and parts into positions, counted once for all N, T, B, E.

A pattern problem is n nodes with below[v], the mask of nodes that must come strictly before v, and part[v] in 0..P-1.
Shapes (multisets of level sizes) and keys (multisets of shapes) are numbered by a catalog: grow[shape, c] is the shape
with one more level of c parts, merge[shape, other] the union, join[key, shape] the key with one more epoch; 0 is the
empty shape and the empty key. Shapes of c parts are starts[c] to starts[c + 1], keys of c parts key_starts[c] to
key_starts[c + 1]; sizes[mask] is how many elements a mask has.

Every count is a number of patterns, so nothing is subtracted. Bound for n nodes: a row sums to at most
2 (n + 1) Fubini(n)^2, below 2^63 for n <= 10; on object arrays `py_func` has no bound.
"""

from typing import Any

from .kernel import inlined, kernel


@inlined
def next_elements(below: Any, count: int, ideal: int) -> int:
    """The elements that can come next: outside the ideal, with everything below them in it."""
    free = 0
    for p in range(count):
        if not ideal >> p & 1 and below[p] & ~ideal == 0:
            free |= 1 << p
    return free


@kernel
def strict_chains(below: Any, sizes: Any, chains: Any) -> None:
    """chains[I, m]: strict chains of m steps from the empty set to the order ideal I of a poset of P elements.

    A step adds a non-empty set of elements all of whose lower covers are already there, so a chain of m steps to I is a
    strictly order-preserving surjection of I onto m levels. below[p] is the mask of elements that must come before p
    (p in below[p]: p can never come). chains: (2^P, P+1).
    """
    P = len(below)
    full = (1 << P) - 1
    for ideal in range(full + 1):
        for m in range(P + 1):
            chains[ideal, m] = 0
    chains[0, 0] = 1
    for ideal in range(full):
        free = next_elements(below, P, ideal)
        for m in range(sizes[ideal] + 1):
            if chains[ideal, m] != 0:
                step = free
                while step > 0:
                    chains[ideal | step, m + 1] += chains[ideal, m]
                    step = (step - 1) & free


@kernel
def level_chains(below: Any, grow: Any, starts: Any, sizes: Any, chains: Any) -> None:
    """chains[I, shape]: `strict_chains` to I by the sizes of their steps. Only shapes of |I| parts are written."""
    P = len(below)
    full = (1 << P) - 1
    for ideal in range(full + 1):
        for s in range(starts[sizes[ideal]], starts[sizes[ideal] + 1]):
            chains[ideal, s] = 0
    chains[0, 0] = 1
    for ideal in range(full):
        free = next_elements(below, P, ideal)
        for s in range(starts[sizes[ideal]], starts[sizes[ideal] + 1]):
            if chains[ideal, s] != 0:
                step = free
                while step > 0:
                    chains[ideal | step, grow[s, sizes[step]]] += chains[ideal, s]
                    step = (step - 1) & free


@kernel
def level_rows(
    below: Any, part: Any, strings: Any, grow: Any, starts: Any, sizes: Any, order: Any, chains: Any, out: Any
) -> None:
    """out[r, shape]: level patterns of one epoch, the parts merged by the growth string r.

    Scratch: order (n,), chains (2^n, shapes).
    """
    n = len(below)
    for r in range(len(strings)):
        P = 0
        for v in range(n):
            order[v] = 0
            P = max(P, strings[r, part[v]] + 1)
        for v in range(n):
            for u in range(n):
                if below[v] >> u & 1:
                    order[strings[r, part[v]]] |= 1 << strings[r, part[u]]
        level_chains(order[:P], grow, starts, sizes, chains)
        for s in range(starts[P], starts[P + 1]):
            out[r, s] = chains[(1 << P) - 1, s]


@kernel
def epoch_patterns(
    below: Any, partial: bool, sizes: Any, component: Any, above: Any, chains: Any, ways: Any
) -> None:
    """ways[S, V, m]: how nodes fall onto m whole epochs, and some of the set V into a last, partial one.

    The relations between nodes of one epoch are among the set S. For each set of relations inside an epoch, joined nodes
    are components, whose strict chains are the epochs; then sums over subsets. Relations are numbered by upper node,
    then lower node. Scratch: component and above (n,), chains (2^n, n+1). ways: (2^relations, 2^n or 1 if not `partial`,
    n+1), zeros on entry.
    """
    n = len(below)
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
def _sequences(
    P: int, upwards: bool, entering: Any, leaving: Any, grow: Any, sizes: Any, place: Any,
    begins: Any, inside: Any, shape: Any, number: Any,
) -> None:
    """Sequences of levels to each set of parts (`upwards`), or from it to all of them, merged by what can be told apart.

    Those of a set are entries begins[set] to begins[2^P + set]: the relations along which they rise, their shape, and how
    many they are. place: (sets of relations, shapes), 0 on entry and exit.
    """
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
                s = grow[shape[e], sizes[step]]
                found = place[inside[e] | risen, s] - 1
                if found < 0:
                    found = used
                    used += 1
                    place[inside[e] | risen, s] = used
                    inside[found] = inside[e] | risen
                    shape[found] = s
                    number[found] = 0
                number[found] += number[e]
            step = (step - 1) & i
        for e in range(begins[here], used):
            place[inside[e], shape[e]] = 0
        begins[here + top + 1] = used


@kernel
def cyclic_rows(
    below: Any, part: Any, strings: Any, first: int, partial: bool, ways: Any, grow: Any, merge: Any, levels: Any,
    starts: Any, sizes: Any, merged: Any, entering: Any, leaving: Any, members: Any, place: Any,
    up_begins: Any, up_inside: Any, up_shape: Any, up: Any, down_begins: Any, down_inside: Any, down_shape: Any, down: Any,
    row: Any, lengths: Any, columns: Any, counts: Any,
) -> int:
    """Pattern rows where one order of the rows is repeated, the parts merged by strings[first:], until the space ends.

    Column (m shapes + shape) (n + 1) + j: some nodes fall onto m whole epochs and the others into the last, partial one;
    parts fall onto position levels of that shape, (epoch, position) lexicographically strictly increasing; the first j
    levels lie before the cut of the partial epoch, and hold every part that has a node in it. j = 0 is what remains where
    all epochs are whole.

    ways: of `epoch_patterns`. Relations along which the levels rise may lie inside an epoch, the others lie between
    epochs; a weak order of the parts is a sequence of levels before the cut and one after it. levels[shape]: its number of
    levels. Scratch: merged (n,); entering, leaving, members (2^n,); place (sets of relations, shapes), zeros on entry and
    exit; begins (2^(n+1),), inside, shape, number (entries,), upwards and downwards; row (shapes, n+1, n+1), zeros on
    entry and exit. Returns how many rows were written.
    """
    n = len(below)
    shapes = len(grow)
    used = 0
    for r in range(first, len(strings)):
        P = 0
        for v in range(n):
            merged[v] = strings[r, part[v]]
            P = max(P, merged[v] + 1)
        top = (1 << P) - 1
        if used + (n + 1) * (starts[P + 1] - starts[P]) * (n + 1) > len(columns):
            return r - first
        for mask in range(top + 1):  # of parts: relations that end there, relations that begin there, nodes
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
        _sequences(P, False, entering, leaving, grow, sizes, place, down_begins, down_inside, down_shape, down)
        if partial:
            _sequences(P, True, entering, leaving, grow, sizes, place, up_begins, up_inside, up_shape, up)
        else:  # no level before the cut
            up_begins[0] = 0
            up_begins[top + 1] = 1
            up_inside[0] = 0
            up_shape[0] = 0
            up[0] = 1
        for early in range(top + 1 if partial else 1):
            nodes = members[early]
            for e in range(up_begins[early], up_begins[early + top + 1]):
                j = levels[up_shape[e]]
                for d in range(down_begins[early], down_begins[early + top + 1]):
                    s = merge[up_shape[e], down_shape[d]]
                    inside = up_inside[e] | down_inside[d]
                    product = up[e] * down[d]
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


@kernel
def reshuffle_rows(
    below: Any, part: Any, strings: Any, first: int, partial: bool, grow: Any, join: Any, starts: Any, key_starts: Any,
    sizes: Any, merged: Any, sub: Any, order: Any, known: Any, needs: Any, slots: Any, level: Any, state: Any, active: Any,
    touched: Any, row: Any, lengths: Any, columns: Any, counts: Any,
) -> int:
    """Pattern rows in the moment basis where every epoch has its own order, the parts merged by strings[first:].

    Column key shapes + last: in each whole epoch that holds nodes, the parts present fall onto levels, strictly
    increasing along the relations inside; the key is the multiset of the shapes of these epochs, last the shape in a
    last, partial epoch (if `partial`; else 0).

    A chain of ideals of nodes visits the epochs. Scratch: merged, sub, order (n,); known, needs (2^n,); slots, level
    (2^n, shapes); state (2^n, keys), zeros on entry and exit; active (keys,); touched (columns,); row (columns,), zeros
    on entry and exit. Returns how many rows were written before the space ended.
    """
    n = len(below)
    full = (1 << n) - 1
    shapes = len(grow)
    used = 0
    needs[0] = 0
    for v in range(n):
        for mask in range(1 << v):
            needs[mask | 1 << v] = needs[mask] | below[v]
    for r in range(first, len(strings)):
        if used + len(touched) > len(columns):
            return r - first
        P = 0
        for v in range(n):
            merged[v] = strings[r, part[v]]
            P = max(P, merged[v] + 1)
        for mask in range(full + 1):
            known[mask] = -1  # else the number of parts that the nodes of the mask meet
        before = used
        state[0, 0] = 1
        found = 0
        for ideal in range(full + 1):
            count = 0
            for k in range(key_starts[sizes[ideal] + 1]):
                if state[ideal, k] != 0:
                    active[count] = k
                    count += 1
            if count == 0:
                continue
            rest = full & ~ideal
            chosen = rest
            while chosen > 0:
                after = ideal | chosen
                closed = needs[chosen] & ~after == 0
                if closed and known[chosen] < 0:
                    # level patterns of the parts met by the chosen nodes, from the relations among these
                    present = 0
                    for p in range(P):
                        sub[p] = -1
                    for v in range(n):
                        if chosen >> v & 1 and sub[merged[v]] < 0:
                            sub[merged[v]] = present
                            order[present] = 0
                            present += 1
                    for v in range(n):
                        if chosen >> v & 1 and below[v] & chosen != 0:
                            for u in range(n):
                                if chosen >> u & 1 and below[v] >> u & 1:
                                    order[sub[merged[v]]] |= 1 << sub[merged[u]]
                    level_chains(order[:present], grow, starts, sizes, level)
                    for s in range(starts[present], starts[present + 1]):
                        slots[chosen, s] = level[(1 << present) - 1, s]
                    known[chosen] = present
                if closed:
                    for s in range(starts[known[chosen]], starts[known[chosen] + 1]):
                        ways = slots[chosen, s]
                        if ways != 0:
                            for a in range(count):
                                k = active[a]
                                state[after, join[k, s]] += state[ideal, k] * ways
                                if chosen == rest and partial:
                                    c = k * shapes + s
                                    if row[c] == 0:
                                        touched[found] = c
                                        found += 1
                                    row[c] += state[ideal, k] * ways
                chosen = (chosen - 1) & rest
            for a in range(count):
                k = active[a]
                if ideal == full:
                    columns[used] = k * shapes
                    counts[used] = state[full, k]
                    used += 1
                state[ideal, k] = 0
        for i in range(found):
            columns[used] = touched[i]
            counts[used] = row[touched[i]]
            used += 1
            row[touched[i]] = 0
        lengths[r - first] = used - before
    return len(strings) - first
