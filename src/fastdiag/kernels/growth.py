"""Restricted growth strings on a tree: the least one of each orbit of the tree's automorphisms, and its stabilizer."""

from typing import Any

from .kernel import inlined, kernel


@inlined
def stabilizer(
    parents: Any, sizes: Any, heads: Any, twins: Any, blocks: Any, tops: Any, members: Any,
    image: Any, used: Any, label: Any, choice: Any, opened: Any,
) -> int:
    """How many tree automorphisms fix the partition, if `blocks` is least in its orbit; otherwise -j.

    A chain of stabilizers, deepest first: at each base node, its orbit under the automorphisms that fix all earlier
    nodes. One automorphism per orbit point is enough, so a star costs its square, not its factorial. On -j, `image`
    up to and including position j begins an automorphism whose string is smaller. tops: running maximum of blocks;
    members: nodes in each block; the last five arguments are scratch of length n. Bound: |Aut| <= (n-1)! < 2^63 for
    n <= 21; on lists `py_func` has no bound.
    """
    n = len(parents)
    group = 1
    for i in range(n):
        image[i] = i
        used[i] = 0
    search = 0
    for base in range(n - 1, 0, -1):
        if twins[base] == 1:
            continue
        orbit = 1
        low = tops[base - 1] + 1  # labels of the fixed prefix: they keep their names
        for place in range(twins[base]):
            target = heads[base] + place * sizes[base]
            if target <= base or min(blocks[target], low) > blocks[base]:
                continue
            if min(blocks[target], low) < blocks[base]:
                image[base] = target
                return -base
            if sizes[base] == 1 and (
                blocks[target] == blocks[base] or members[blocks[target]] * members[blocks[base]] == 1
            ):
                orbit += 1  # twin leaves in one block, or each alone in its own, can be exchanged
                continue
            search += 1
            top = low
            for i in range(low, tops[n - 1] + 1):
                label[i] = -1
            j = base
            choice[base] = place - 1
            while True:
                # the next free candidate for position j
                q = image[parents[j]] + (heads[j] - parents[j])
                k = choice[j] + 1
                v = q + k * sizes[j]
                while k < twins[j]:
                    if twins[j] == 1:
                        break  # the only candidate
                    free = v >= base and used[v] != search
                    if free and sizes[j] == 1 and j > base:
                        # of free twin leaves in one block, or each alone in its own, the first will do
                        for w in range(max(q, base), v):
                            if used[w] != search and (
                                blocks[w] == blocks[v] or members[blocks[w]] * members[blocks[v]] == 1
                            ):
                                free = False
                                break
                    if free:
                        break
                    k += 1
                    v += sizes[j]
                if k < twins[j]:
                    choice[j] = k
                    image[j] = v
                    mark = blocks[v]
                    if mark >= low:
                        mark = label[blocks[v]]
                    new = mark < 0
                    if new:
                        mark = top
                    if mark < blocks[j]:
                        return -j
                    if mark == blocks[j]:
                        used[v] = search
                        opened[j] = new
                        if new:
                            label[blocks[v]] = top
                            top += 1
                        j += 1
                        if j == n:
                            orbit += 1
                            break
                        choice[j] = -1
                else:
                    j -= 1
                    if j == base:
                        break
                    used[image[j]] = 0
                    if opened[j]:
                        label[blocks[image[j]]] = -1
                        top -= 1
        group *= orbit
    return group


@kernel
def least_growth_strings(
    parents: Any, sizes: Any, heads: Any, twins: Any, shared: Any, root_shares: bool, noise: int,
    state: Any, blocks: Any, out_blocks: Any, out_group: Any,
) -> int:
    """Write the diagrams on one tree, from where `state` and `blocks` left off, until `out_blocks` is full.

    shared: nodes that may not be alone in their block. noise: nodes less blocks; -1: any.
    state[0]: 0 to begin, 1 to go on, 2 when there are no more. Returns how many rows were written.
    """
    n = len(parents)
    capacity = len(out_blocks)
    image, used, label, choice, opened, members, tops = (
        state[1], state[2], state[3], state[4], state[5], state[6], state[7],
    )
    floor = 0 if root_shares else 1
    if n == 1:
        if state[0, 0] == 2 or noise > 0:
            return 0
        state[0, 0] = 2
        out_blocks[0, 0] = 0
        out_group[0] = 1
        return 1
    symmetric = False
    for i in range(n):
        symmetric = symmetric or twins[i] > 1
    i = n - 1
    fresh = False  # position i is not counted in members yet
    if state[0, 0] == 0:
        state[0, 0] = 1
        blocks[0] = 0
        members[0] = 1
        i = 1
        blocks[1] = floor - 1
        fresh = True
    written = 0
    while i > 0:
        if not fresh:
            members[blocks[i]] -= 1
        if blocks[i] > tops[i - 1]:
            i -= 1
            fresh = False
            continue
        blocks[i] += 1
        members[blocks[i]] += 1
        tops[i] = max(tops[i - 1], blocks[i])
        fresh = False
        if noise >= 0 or i + 1 == n:
            alone = 0  # nodes that still wait for another one in their block; each costs one of noise
            for j in range(i + 1):
                if shared[j] and members[blocks[j]] == 1:
                    alone += 1
            spent = i - tops[i]
            if alone > (noise - spent if noise >= 0 and i + 1 < n else 0):
                continue
            if noise >= 0 and not spent <= noise <= spent + n - 1 - i:
                continue
        fresh = i + 1 < n
        if fresh:
            i += 1
            blocks[i] = floor - 1
            if heads[i] != i and sizes[i] == 1:
                blocks[i] = max(blocks[i], blocks[i - 1] - 1)  # twin leaves: the string does not fall
            continue
        group = 1
        if symmetric:
            group = stabilizer(
                parents, sizes, heads, twins, blocks, tops, members, image, used, label, choice, opened
            )
            if group <= 0:
                continue
        for j in range(n):
            out_blocks[written, j] = blocks[j]
        out_group[written] = group
        written += 1
        if written == capacity:
            return written
    state[0, 0] = 2
    return written
