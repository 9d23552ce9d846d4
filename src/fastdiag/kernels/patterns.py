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
    below: Any, partial: bool, sizes: Any, component: Any, above: Any, chains: Any, begins: Any, lasts: Any, counts: Any
) -> int:
    """How nodes fall into epochs, for every set of relations that stay inside an epoch.

    Joined by the relations `inside`, nodes form components, whose strict chains are the epochs. Entries begins[inside] to
    begins[inside + 1]: lasts is the mask of the nodes in the last, partial epoch (0 unless `partial`), counts[:, m] the
    ways for the others to fall onto m whole epochs. Returns the number of entries, and writes them if there is room.
    Scratch: component and above (n,), chains (2^n, n+1).
    """
    n = len(below)
    relations = 0
    for v in range(n):
        relations += sizes[below[v]]
    written = 0
    for inside in range(1 << relations):
        begins[inside] = written
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
            fits = False  # also false where the components run in a circle
            for m in range(count + 1):
                fits = fits or chains[everything & ~last, m] != 0
            for c in range(count):  # nothing comes after the last epoch, and in it no relation goes between epochs
                fits = fits and above[c] & last == 0
            if not fits:
                continue
            if written < len(lasts):
                lasts[written] = 0
                for v in range(n):
                    if last >> component[v] & 1:
                        lasts[written] |= 1 << v
                for m in range(n + 1):
                    counts[written, m] = chains[everything & ~last, m] if m <= count else 0
            written += 1
    begins[1 << relations] = written
    return written


@kernel
def cyclic_rows(
    below: Any, part: Any, strings: Any, first: int, partial: bool, begins: Any, lasts: Any, epochs: Any,
    grow: Any, merge: Any, levels: Any, starts: Any, sizes: Any, merged: Any, order: Any, orders: Any, head: Any,
    following: Any, met: Any, ways: Any, up: Any, down: Any, row: Any, lengths: Any, columns: Any, counts: Any,
) -> int:
    """Pattern rows where one order of the rows is repeated, the parts merged by strings[first:], until the space ends.

    Column (m shapes + shape) (n + 1) + j: some nodes fall onto m whole epochs and the others into the last, partial one;
    parts fall onto position levels of that shape, (epoch, position) lexicographically strictly increasing; the first j
    levels lie before the cut of the partial epoch, and hold every part that has a node in it. j = 0 is what remains where
    all epochs are whole.

    begins, lasts, epochs: as `epoch_patterns` writes them. The relations inside an epoch make a poset of parts, whose
    strict chains are the positions; sets of relations with one poset are treated together. levels[shape]: its number of
    levels. Scratch: merged, order (n,); orders (sets, n); head, following (sets,); met (2^n,); ways (2^n, n+1); up, down
    (2^n, shapes); row (n+1, shapes, n+1), zeros on entry and exit. Returns how many rows were written.
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
        width = starts[P + 1] - starts[P]
        if used + (n + 1) * width * (n + 1) > len(columns):
            return r - first
        met[0] = 0
        for v in range(n):
            for mask in range(1 << v):
                met[mask | 1 << v] = met[mask] | 1 << merged[v]
        groups = 0
        for inside in range(len(begins) - 1):
            if begins[inside] == begins[inside + 1]:
                continue
            for p in range(P):
                order[p] = 0
            bit = 0
            for v in range(n):
                for u in range(n):
                    if below[v] >> u & 1:
                        if inside >> bit & 1:
                            order[merged[v]] |= 1 << merged[u]
                        bit += 1
            for q in range(P):  # transitive closure; a part below itself can have no position
                for p in range(P):
                    if order[p] >> q & 1:
                        order[p] |= order[q]
            possible = True
            for p in range(P):
                possible = possible and not order[p] >> p & 1
            if not possible:
                continue
            group = 0
            while group < groups:
                same = True
                for p in range(P):
                    same = same and orders[group, p] == order[p]
                if same:
                    break
                group += 1
            if group == groups:
                groups += 1
                head[group] = -1
                for p in range(P):
                    orders[group, p] = order[p]
            following[inside] = head[group]
            head[group] = inside
        for group in range(groups):
            poset = orders[group, :P]
            for mask in range(top + 1 if partial else 1):
                for m in range(n + 1):
                    ways[mask, m] = 0
            inside = head[group]
            while inside >= 0:
                for entry in range(begins[inside], begins[inside + 1]):
                    for m in range(n + 1):
                        ways[met[lasts[entry]], m] += epochs[entry, m]
                inside = following[inside]
            if partial:  # now: all parts with a node in the last epoch lie within the mask
                for p in range(P):
                    for mask in range(top + 1):
                        if mask >> p & 1:
                            for m in range(n + 1):
                                ways[mask, m] += ways[mask ^ 1 << p, m]
            level_chains(poset, grow, starts, sizes, up)
            for s in range(starts[P], starts[P + 1]):
                down[top, s] = 0
            down[top, 0] = 1
            for ideal in range(top - 1, -1, -1):  # down[I, shape]: chains from I to all parts
                rest = P - sizes[ideal]
                for s in range(starts[rest], starts[rest + 1]):
                    down[ideal, s] = 0
                free = next_elements(poset, P, ideal)
                step = free
                while step > 0:
                    size = sizes[step]
                    for s in range(starts[rest - size], starts[rest - size + 1]):
                        if down[ideal | step, s] != 0:
                            down[ideal, grow[s, size]] += down[ideal | step, s]
                    step = (step - 1) & free
            for ideal in range(top + 1 if partial else 1):
                for s in range(starts[sizes[ideal]], starts[sizes[ideal] + 1]):
                    if up[ideal, s] != 0:
                        rest = P - sizes[ideal]
                        for t in range(starts[rest], starts[rest + 1]):
                            if down[ideal, t] != 0:
                                product = up[ideal, s] * down[ideal, t]
                                for m in range(n + 1):
                                    row[m, merge[s, t], levels[s]] += product * ways[ideal, m]
        before = used
        for m in range(n + 1):
            for s in range(starts[P], starts[P + 1]):
                for j in range(n + 1):
                    if row[m, s, j] != 0:
                        columns[used] = (m * shapes + s) * (n + 1) + j
                        counts[used] = row[m, s, j]
                        used += 1
                        row[m, s, j] = 0
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
