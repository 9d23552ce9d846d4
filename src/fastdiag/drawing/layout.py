"""Where the nodes of a diagram go: root rightmost, depth runs leftwards, leaves evenly spaced."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np

from ..diagram import Diagram
from ..typing import FloatArray

LEVEL_WIDTH = 30.0  # from a node to its children
LEAF_HEIGHT = 26.0  # from a leaf to the next
ROOT_MARK = "●"


def tree_rows(D: Diagram) -> list[float]:
    """The row of each node: leaves at 0, 1, 2, ... in preorder, a parent midway between its first and last child.

    Nodes of one level are at least one row apart, since their subtrees hold disjoint runs of leaves.

    Examples
    --------
    >>> import fastdiag as fd
    >>> tree_rows(fd.Diagram.parse("[a b[a b]]"))
    [0.75, 0.0, 1.5, 1.0, 2.0]
    """
    rows = [0.0] * (D.order + 1)
    leaf = 0
    for node in range(D.order + 1):
        if not D.children[node]:
            rows[node] = leaf
            leaf += 1
    for node in reversed(range(D.order + 1)):
        if D.children[node]:
            rows[node] = (rows[D.children[node][0]] + rows[D.children[node][-1]]) / 2
    return [float(row) for row in rows]
