"""Rooted trees as level sequences: the successor rule of Beyer and Hedetniemi (SIAM J. Comput. 9, 1980)."""

from typing import Any

from .kernel import kernel


@kernel
def rooted_trees(out: Any) -> int:
    """Fill the rows of `out` (count, n) with the canonical level sequences of n nodes; return how many.

    Sequences come in decreasing lexicographic order, path first and star last. The walk stops when `out` is full.
    """
    capacity, n = out.shape
    for i in range(n):
        out[0, i] = i
    row = 0
    while True:
        # p: the last node deeper than 1; q: its parent. Replace the tail by copies of the subtree at q.
        p = n - 1
        while p > 0 and out[row, p] <= 1:
            p -= 1
        if p <= 0 or row + 1 == capacity:
            return row + 1
        q = p - 1
        while out[row, q] != out[row, p] - 1:
            q -= 1
        for i in range(p):
            out[row + 1, i] = out[row, i]
        for i in range(p, n):
            out[row + 1, i] = out[row + 1, i - (p - q)]
        row += 1


@kernel
def smallest_first(levels: Any, out: Any) -> None:
    """Reverse the order of the children at every node: the greatest sequence becomes the least.

    A preorder with all children reversed is a postorder read backwards. `levels` and `out` are (count, n).
    """
    count, n = levels.shape
    for row in range(count):
        # A node ends in the postorder when a node no deeper follows it; the open path is a stack by depth.
        place = n - 1
        depth = -1
        for i in range(n + 1):
            level = levels[row, i] if i < n else 0
            while depth >= level:
                out[row, place] = depth
                place -= 1
                depth -= 1
            depth = level


@kernel
def tree_shape(levels: Any, parents: Any, sizes: Any, heads: Any, twins: Any) -> None:
    """Describe one canonical tree (children ordered least first).

    parents: of each node, -1 at the root. sizes: of each subtree. Siblings with isomorphic subtrees stand side by side:
    heads[i] is the first of the group of i, twins[i] how many they are.
    """
    n = len(levels)
    parents[0] = -1
    for i in range(1, n):
        j = i - 1
        while levels[j] != levels[i] - 1:
            j -= 1
        parents[i] = j
    for i in range(n):
        j = i + 1
        while j < n and levels[j] > levels[i]:
            j += 1
        sizes[i] = j - i
    heads[0] = 0
    for i in range(1, n):
        before = i - sizes[i]  # where an isomorphic elder sibling would start
        heads[i] = i
        if before > 0 and parents[before] == parents[i] and sizes[before] == sizes[i]:
            same = True
            for k in range(sizes[i]):
                if levels[before + k] != levels[i + k]:
                    same = False
                    break
            if same:
                heads[i] = heads[before]
    for i in range(n):
        twins[i] = 0
    for i in range(n):
        twins[heads[i]] += 1
    for i in range(n):
        twins[i] = twins[heads[i]]
