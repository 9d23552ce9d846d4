"""Pattern tables: how nodes fall into epochs and parts into positions, counted once for all N, T, B, E.

A pattern problem is n nodes with below[v], the mask of nodes that must come strictly before v, and part[v] in 0..P-1.
"""

from typing import Any

from .kernel import inlined, kernel


@inlined
def elements(mask: int) -> int:
    """How many elements a mask has."""
    size = 0
    while mask:
        mask &= mask - 1
        size += 1
    return size


@inlined
def next_elements(below: Any, count: int, ideal: int) -> int:
    """The elements that can come next: outside the ideal, with everything below them in it."""
    free = 0
    for p in range(count):
        if not ideal >> p & 1 and below[p] & ~ideal == 0:
            free |= 1 << p
    return free


@kernel
def ideal_chains(below: Any, watched: int, chains: Any) -> None:
    """chains[I, m, h]: strict chains of m steps from the empty set to the order ideal I of a poset of P elements.

    A step adds a non-empty set of elements all of whose lower covers are already there, so a chain of m steps to I is a
    strictly order-preserving surjection of I onto m levels. below[p] is the mask of elements that must come before p
    (p in below[p]: p can never come). h is the step by which all of `watched` is there, 0 while some of it is missing
    or if it is empty (then only h = 0 is written). chains: (2^P, P+1, P+1). Bound: entries are at most the Fubini
    number of P, so int64 holds them for P <= 17; on object arrays `py_func` has no bound.
    """
    P = len(below)
    full = (1 << P) - 1
    width = P + 1 if watched else 1
    for ideal in range(full + 1):
        for m in range(P + 1):
            for h in range(width):
                chains[ideal, m, h] = 0
    chains[0, 0, 0] = 1
    for ideal in range(full):
        size = elements(ideal)
        free = next_elements(below, P, ideal)
        done = watched & ~ideal == 0
        some = False
        for m in range(size + 1):
            for h in range(min(size + 1, width)):
                some = some or chains[ideal, m, h] != 0
        if not some:
            continue
        step = free
        while step > 0:
            after = ideal | step
            completes = not done and watched & ~after == 0
            for m in range(size + 1):
                if completes:
                    chains[after, m + 1, m + 1] += chains[ideal, m, 0]
                else:
                    for h in range(min(size + 1, width)):
                        chains[after, m + 1, h] += chains[ideal, m, h]
            step = (step - 1) & free


@kernel
def cyclic_patterns(
    below: Any, part: Any, P: int, partial: bool, times: int,
    component: Any, above: Any, order: Any, epochs: Any, positions: Any, out: Any,
) -> None:
    """Cumulant patterns where one order of the rows is repeated: `times` them, added to out[m, l, h].

    h = 0: nodes fall onto m epoch levels and parts onto l position levels, (epoch, position) lexicographically strictly
    increasing. h >= 1 (if `partial`): besides m levels of whole epochs, some nodes lie in the last, partial epoch, and
    the parts of these are all within the first h position levels, not h - 1.

    Every set of relations that stay inside an epoch is tried: joined by them, nodes form components, whose strict chains
    are the epochs; the same relations make a poset of parts, whose strict chains are the positions. Scratch: component
    (n,), above (n,), order (n,), epochs and positions (2^n, n+1, n+1). Bound: for times = 1 the sum of all entries is at
    most Fubini(n) Fubini(P).
    """
    n = len(below)
    relations = 0
    for v in range(n):
        for u in range(n):
            relations += below[v] >> u & 1
    for inside in range(1 << relations):
        # components by the relations inside an epoch; the poset of parts that these make
        for v in range(n):
            component[v] = v
        for p in range(P):
            order[p] = 0
        changed = True
        while changed:
            changed = False
            bit = 0
            for v in range(n):
                for u in range(n):
                    if below[v] >> u & 1:
                        if inside >> bit & 1:
                            order[part[v]] |= 1 << part[u]
                            low = min(component[u], component[v])
                            if component[u] != low or component[v] != low:
                                component[u] = low
                                component[v] = low
                                changed = True
                        bit += 1
        # number the components, and order them by the relations between epochs
        count = 0
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
        ideal_chains(above[:count], 0, epochs[: everything + 1, : count + 1, : count + 1])
        ideal_chains(order[:P], 0, positions[: 1 << P, : P + 1, : P + 1])
        for m in range(count + 1):
            for l in range(P + 1):
                out[m, l, 0] += times * epochs[everything, m, 0] * positions[(1 << P) - 1, l, 0]
        if not partial:
            continue
        for last in range(1, everything + 1):
            fits = True
            for c in range(count):  # nothing comes after the last epoch, and in it no relation goes between epochs
                fits = fits and above[c] & last == 0
            if not fits:
                continue
            watched = 0
            for v in range(n):
                if last >> component[v] & 1:
                    watched |= 1 << part[v]
            ideal_chains(order[:P], watched, positions[: 1 << P, : P + 1, : P + 1])
            for m in range(count + 1):
                for l in range(P + 1):
                    for h in range(1, l + 1):
                        out[m, l, h] += times * epochs[everything & ~last, m, 0] * positions[(1 << P) - 1, l, h]


@kernel
def reshuffle_patterns(
    below: Any, part: Any, P: int, partial: bool, times: int, grow: Any, join: Any, starts: Any,
    sub: Any, order: Any, slots: Any, level: Any, state: Any, active: Any, out: Any,
) -> None:
    """Moment patterns where every epoch has its own order of the rows: `times` them, added to out[key, last].

    A shape is the multiset of the sizes of the levels onto which the parts present in an epoch fall (grow[shape, c]: one
    more level of c parts; 0 is the empty shape); a key is a multiset of shapes, one for each whole epoch that holds nodes
    (join[key, shape]; 0 is the empty key). Shapes of c parts are starts[c] to starts[c + 1]. last: the shape in a
    last, partial epoch (if `partial`), else 0.

    A chain of ideals of nodes visits the epochs; in each, parts present fall onto levels, strictly increasing along the
    relations inside. Scratch: sub (n,), order (n,), slots and level (2^n, shapes), state (2^n, keys), active (keys,).
    Bound: for times = 1 the sum of all entries is at most Fubini(n) Fubini(P).
    """
    n = len(below)
    full = (1 << n) - 1
    shapes = grow.shape[0]
    keys = join.shape[0]
    for chosen in range(1, full + 1):  # slots[S]: level patterns of the parts met by the nodes S
        present = 0
        for p in range(P):
            sub[p] = -1
        for v in range(n):
            if chosen >> v & 1 and sub[part[v]] < 0:
                sub[part[v]] = present
                order[present] = 0
                present += 1
        for v in range(n):
            if chosen >> v & 1:
                for u in range(n):
                    if chosen >> u & 1 and below[v] >> u & 1:
                        order[sub[part[v]]] |= 1 << sub[part[u]]
        top = (1 << present) - 1
        for placed in range(top + 1):
            size = elements(placed)
            for s in range(starts[size], starts[size + 1]):
                level[placed, s] = 0
        level[0, 0] = 1
        for placed in range(top):
            size = elements(placed)
            free = next_elements(order, present, placed)
            for s in range(starts[size], starts[size + 1]):
                if level[placed, s] != 0:
                    step = free
                    while step > 0:
                        level[placed | step, grow[s, elements(step)]] += level[placed, s]
                        step = (step - 1) & free
        for s in range(shapes):
            slots[chosen, s] = level[top, s] if starts[present] <= s < starts[present + 1] else 0
    for ideal in range(full + 1):
        state[ideal, 0] = 1 if ideal == 0 else 0
        for v in range(n):
            if ideal >> v & 1 and below[v] & ~ideal != 0:
                state[ideal, 0] = -1  # no ideal: never reached
        if state[ideal, 0] >= 0:
            for k in range(1, keys):
                state[ideal, k] = 0
    for ideal in range(full + 1):
        some = 0
        if state[ideal, 0] >= 0:
            for k in range(keys):
                if state[ideal, k] != 0:
                    active[some] = k
                    some += 1
        if some == 0:
            continue
        rest = full & ~ideal
        if rest == 0:
            for a in range(some):
                out[active[a], 0] += times * state[full, active[a]]
        elif partial:
            for s in range(1, shapes):
                if slots[rest, s] != 0:
                    for a in range(some):
                        out[active[a], s] += times * state[ideal, active[a]] * slots[rest, s]
        chosen = rest
        while chosen > 0:
            after = ideal | chosen
            if state[after, 0] >= 0:
                for s in range(1, shapes):
                    if slots[chosen, s] != 0:
                        for a in range(some):
                            k = active[a]
                            state[after, join[k, s]] += state[ideal, k] * slots[chosen, s]
            chosen = (chosen - 1) & rest


@kernel
def cyclic_tables(
    below: Any, part: Any, strings: Any, times: Any, targets: Any, partial: bool,
    merged: Any, component: Any, above: Any, order: Any, epochs: Any, positions: Any, out: Any,
) -> None:
    """For each growth string over the parts, merge them and add times[r] x its patterns to out[targets[r]]."""
    for r in range(len(strings)):
        P = 0
        for v in range(len(part)):
            merged[v] = strings[r, part[v]]
            P = max(P, merged[v] + 1)
        cyclic_patterns(
            below, merged, P, partial, times[r], component, above, order, epochs, positions, out[targets[r]]
        )


@kernel
def reshuffle_tables(
    below: Any, part: Any, strings: Any, times: Any, targets: Any, partial: bool, grow: Any, join: Any, starts: Any,
    merged: Any, sub: Any, order: Any, slots: Any, level: Any, state: Any, active: Any, out: Any,
) -> None:
    """For each growth string over the parts, merge them and add times[r] x its patterns to out[targets[r]]."""
    for r in range(len(strings)):
        P = 0
        for v in range(len(part)):
            merged[v] = strings[r, part[v]]
            P = max(P, merged[v] + 1)
        reshuffle_patterns(
            below, merged, P, partial, times[r], grow, join, starts,
            sub, order, slots, level, state, active, out[targets[r]],
        )


@kernel
def order_polynomials(parents: Any, strings: Any, below: Any, chains: Any, out: Any) -> None:
    """out[r, l]: strictly order-preserving surjections of the parts of strings[r] onto l levels.

    parents: of each node but the root, numbered from 0, -1 for the root. Scratch: below (n,), chains (2^n, n+1, 1).
    Bound: as `ideal_chains`.
    """
    count, n = strings.shape
    for r in range(count):
        P = 0
        for v in range(n):
            below[v] = 0
            P = max(P, strings[r, v] + 1)
        for v in range(n):
            if parents[v] >= 0:
                below[strings[r, parents[v]]] |= 1 << strings[r, v]
        ideal_chains(below[:P], 0, chains[: 1 << P, : P + 1])
        for l in range(n + 1):
            out[r, l] = chains[(1 << P) - 1, l, 0] if l <= P else 0
