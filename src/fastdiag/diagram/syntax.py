"""The text form of diagrams: '[a b[a]]'."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_lowercase

from ..errors import DiagramSyntaxError


def parse(text: str) -> tuple[list[int], list[str]]:
    """Parents and part names, in preorder. A name is a letter, with digits after it where 26 are not enough."""
    parents: list[int] = []
    names: list[str] = []
    open_brackets: list[tuple[int, int]] = []  # (node, position)
    ready = True  # the node just read may still take brackets

    def node(name: str) -> None:
        parents.append(open_brackets[-1][0] if open_brackets else -1)
        names.append(name)

    for found in re.finditer(r"[A-Za-z][0-9]*|\s+|.", text):
        token, position = found.group(), found.start()
        closed = bool(parents) and not open_brackets and not (ready and token == "[")
        if token.isspace():
            ready = ready and not parents
        elif closed:
            raise DiagramSyntaxError(text, position, "nothing may follow the diagram")
        elif token[0].isascii() and token[0].isalpha():
            node(token)
            ready = True
        elif token == "[":
            if not parents:
                node("")  # a bare root is alone in its part
            elif not ready:
                raise DiagramSyntaxError(text, position, "a letter must stand right before these brackets")
            open_brackets.append((len(parents) - 1, position))
            ready = False
        elif token == "]":
            if not open_brackets:
                raise DiagramSyntaxError(text, position, "']' closes nothing")
            opened, start = open_brackets.pop()
            if opened == len(parents) - 1 and opened > 0:
                raise DiagramSyntaxError(text, start, "empty brackets; a node without children is its letter alone")
            ready = False
        else:
            raise DiagramSyntaxError(text, position, f"unknown character {token!r}")
    if open_brackets:
        start = open_brackets[-1][1]
        raise DiagramSyntaxError(text, len(text), f"the bracket opened at position {start} is never closed")
    if not parents:
        raise DiagramSyntaxError(text, len(text), "no diagram; the one-node diagram is '[]'")
    return parents, names


def text_of(children: Sequence[Sequence[int]], blocks: Sequence[int]) -> str:
    """The text of a canonical diagram: parts are named a, b, ... in preorder, a root alone in its part is bare."""
    alone = blocks.count(0) == 1

    def name(block: int) -> str:
        number, letter = divmod(block - alone, len(ascii_lowercase))
        return ascii_lowercase[letter] + (str(number) if number else "")

    def subtree(node: int) -> str:
        inner = " ".join(subtree(child) for child in children[node])
        head = "" if node == 0 and alone else name(blocks[node])
        return f"{head}[{inner}]" if inner or not head else head

    return subtree(0)
