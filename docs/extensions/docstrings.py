"""Sphinx: docstrings are plain text in numpydoc's sections; what reStructuredText would take for markup is text."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

MARKUP = re.compile(r"([*|\\]|_(?!\w))")
CODE = re.compile(r"(``.*?``|`[^`]*`)")
PROMPT = (">>>", "...")
RULE = re.compile(r"-{3,}$")
LISTS = ("Parameters", "Raises", "Returns", "Yields", "Warns")
ITEM = re.compile(r"(?P<name>[^\s:][^:]*?) : (?P<text>.*)")


def plain(lines: list[str]) -> list[str]:
    """Lines with stars, bars and underscores of the prose escaped; code in backticks and examples stay as they are."""
    done, example = [], False
    for line in lines:
        stripped = line.strip()
        example = (example and bool(stripped)) or stripped.startswith(PROMPT)
        if example or RULE.match(stripped):
            done.append(line)
            continue
        done.append("".join(part if part.startswith("`") else MARKUP.sub(r"\\\1", part) for part in CODE.split(line)))
    return done


def described(lines: list[str]) -> list[str]:
    """In lists of parameters, `name : text` is a name and its description; the text is no type to be looked up."""
    done, section = [], ""
    for line, rule in zip(lines, [*lines[1:], ""], strict=True):
        if RULE.match(rule.strip()):
            section = line.strip()
        found = ITEM.match(line) if section in LISTS else None
        done += [found["name"], f"    {found['text']}"] if found else [line]
    return done


def process(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    first = [""] if what in ("attribute", "property") else []  # else what stands before a colon is taken for a type
    lines[:] = first + plain(described(lines))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", process, priority=400)  # before napoleon reads the sections
    return {"parallel_read_safe": True, "parallel_write_safe": True}
