"""Where the nodes of a diagram go: root rightmost, depth runs leftwards, leaves evenly spaced."""

from __future__ import annotations

import re

import numpy as np

from ..diagram import Diagram
from ..typing import FloatArray

LEVEL_WIDTH = 30.0  # from a node to its children
LEAF_HEIGHT = 26.0  # from a leaf to the next
ROOT_MARK = "●"


def tree_positions(D: Diagram) -> FloatArray:
    """The point of each node, (order + 1, 2), y downwards, root at x = 0 and all others at x < 0.

    Leaves lie LEAF_HEIGHT apart in preorder, a parent midway between its first and last child. Subtrees hold
    disjoint runs of leaves, so nodes of one level are at least LEAF_HEIGHT apart too.

    Examples
    --------
    >>> import fastdiag as fd
    >>> tree_positions(fd.Diagram.parse("[a b]")).tolist()
    [[0.0, 13.0], [-30.0, 0.0], [-30.0, 26.0]]
    """
    children = D.children
    rows = np.zeros(D.order + 1)
    leaves = [node for node in range(D.order + 1) if not children[node]]
    rows[leaves] = np.arange(len(leaves))
    for node in reversed(range(D.order + 1)):
        if children[node]:
            rows[node] = (rows[children[node][0]] + rows[children[node][-1]]) / 2
    return np.stack([-LEVEL_WIDTH * np.array(D.levels) + 0.0, LEAF_HEIGHT * rows], axis=1)


def node_names(D: Diagram) -> list[str]:
    """The letter of each node's part as in str(D); '●' for a root alone in its part.

    Examples
    --------
    >>> import fastdiag as fd
    >>> node_names(fd.Diagram.parse("[a b[a]]"))
    ['●', 'a', 'b', 'a']
    """
    names = re.findall(r"[a-z][0-9]*", str(D))  # the text lists the nodes in preorder, as the diagram does
    return names if D.root_shares else [ROOT_MARK, *names]
