"""Diagrams as plain text: the tree in box characters, each node the letter of its part."""

from __future__ import annotations

from ..diagram import Diagram
from ..door import door
from .layout import node_names

BOXES = " ───│╯╰┴│╮╭┬│┤├┼"  # index: 1 to the left + 2 to the right + 4 up + 8 down


@door
def diagram_text(diagram: Diagram | str) -> str:
    """A diagram in lines of text, the root rightmost: '●', or its letter where it shares a part.

    Every other node is the letter of its part, as in the diagram's text. One line for each leaf.

    Raises
    ------
    InputError : not a diagram

    Examples
    --------
    >>> import fastdiag as fd
    >>> print(fd.drawing.diagram_text("[a b[a]]"))
        a─┬─●
    a───b─╯
    """
    D = Diagram.of(diagram)
    names, children, levels = node_names(D), D.children, D.levels
    width = max(map(len, names))
    column = [(max(levels) - level) * (width + 3) for level in levels]
    row = _rows(children)
    height = 1 + max(row)
    lines = [[" "] * (max(levels) * (width + 3) + width) for _ in range(height)]

    for node in range(D.order + 1):
        if children[node]:
            joint = column[node] - 2
            turns = [row[child] for child in children[node]]
            for line in range(min(*turns, row[node]), max(*turns, row[node]) + 1):
                sides = (line in turns) + 2 * (line == row[node])
                sides += 4 * (line > min(turns)) + 8 * (line < max(turns))
                lines[line][joint] = BOXES[sides]
            lines[row[node]][joint + 1] = "─"
        name = names[node].ljust(width, "─" if node else " ")
        lines[row[node]][column[node] : column[node] + width] = name
        if node:
            lines[row[node]][column[node] + width] = "─"
    return "\n".join("".join(line).rstrip() for line in lines)


def _rows(children: tuple[tuple[int, ...], ...]) -> list[int]:
    """Leaves on lines 0, 1, 2, ...; a parent on the line of its middle child, the upper one of two."""
    row = [0] * len(children)
    leaves = [node for node, below in enumerate(children) if not below]
    for line, leaf in enumerate(leaves):
        row[leaf] = line
    for node in reversed(range(len(children))):
        if children[node]:
            row[node] = row[children[node][(len(children[node]) - 1) // 2]]
    return row
