"""Yes or no for each diagram of a list."""

from typing import Any

from .kernel import kernel


@kernel
def irreducible_mask(trees: Any, tree_index: Any, blocks: Any, out: Any) -> None:
    """False where a node other than the root has one child and is alone in its block."""
    count, n = blocks.shape
    for row in range(count):
        parents = trees[tree_index[row]]
        out[row] = True
        for i in range(1, n):
            children = 0
            members = 0
            for j in range(n):
                children += parents[j] == i
                members += blocks[row, j] == blocks[row, i]
            if children == 1 and members == 1:
                out[row] = False


@kernel
def path_condition_mask(trees: Any, tree_index: Any, blocks: Any, out: Any) -> None:
    """False where a node and one of its ancestors lie in one block."""
    count, n = blocks.shape
    for row in range(count):
        parents = trees[tree_index[row]]
        out[row] = True
        for i in range(1, n):
            j = parents[i]
            while j >= 0:
                if blocks[row, i] == blocks[row, j]:
                    out[row] = False
                j = parents[j]
