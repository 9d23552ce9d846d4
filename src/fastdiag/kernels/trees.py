"""Rooted trees as level sequences: the successor rule of Beyer and Hedetniemi (SIAM J. Comput. 9, 1980)."""

from typing import Any

from .kernel import inlined, kernel


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


@inlined
def _reverse(row: Any, start: int, stop: int) -> None:
    for i in range((stop - start) // 2):
        held = row[start + i]
        row[start + i] = row[stop - 1 - i]
        row[stop - 1 - i] = held


@kernel
def smallest_first(levels: Any, out: Any) -> None:
    """Order the children at every node by the level sequences of their subtrees, least first.

    The whole sequence becomes the least of its tree. `levels` and `out` are (count, n). Reversing the canonical
    sequence of Beyer and Hedetniemi is not enough: from 8 nodes on, children need not be in order after it.
    """
    count, n = levels.shape
    for number in range(count):
        row = out[number]
        for i in range(n):
            row[i] = levels[number, i]
        for top in range(n - 3, -1, -1):  # deeper nodes first
            swapped = True
            while swapped:
                swapped = False
                i = top + 1
                while i < n and row[i] > row[top]:
                    # the subtree at i is [i, j), that of the next sibling, if there is one, [j, k)
                    j = i + 1
                    while j < n and row[j] > row[i]:
                        j += 1
                    k = j
                    if j < n and row[j] == row[i]:
                        k = j + 1
                        while k < n and row[k] > row[j]:
                            k += 1
                    same = 0
                    while same < min(j - i, k - j) and row[i + same] == row[j + same]:
                        same += 1
                    if j < k and same < j - i and (same == k - j or row[j + same] < row[i + same]):
                        _reverse(row, i, j)
                        _reverse(row, j, k)
                        _reverse(row, i, k)
                        swapped = True
                        i += k - j
                    else:
                        i = j


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
