"""Sphinx: docstrings are plain text in numpydoc's sections; what reStructuredText would take for markup is text."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

MARKUP = re.compile(r"([*|\\]|_(?!\w))")
CODE = re.compile(r"(``.*?``|`[^`]*`|(?<![\w*])\*\w+(?: \w+)*\*(?![\w*]))")  # and words with stress
PROMPT = (">>>", "...")
RULE = re.compile(r"-{3,}$")
LISTS = ("Parameters", "Raises", "Returns", "Yields", "Warns")
ITEM = re.compile(r"(?P<name>[^\s:][^:]*?) : (?P<text>.*)")
COLON = "\u2236"  # a ratio, which none of them has


def plain(lines: list[str]) -> list[str]:
    """Lines with stars, bars and underscores of the prose escaped; code in backticks and examples stay as they are."""
    done, example = [], False
    for line in lines:
        stripped = line.strip()
        example = (example and bool(stripped)) or stripped.startswith(PROMPT)
        if example or RULE.match(stripped):
            done.append(line)
            continue
        done.append("".join(part if i % 2 else MARKUP.sub(r"\\\1", part) for i, part in enumerate(CODE.split(line))))
    return done


def described(lines: list[str]) -> list[str]:
    """In lists of parameters, `name : text` is a name and its description, no type to be looked up; prose ends a list."""
    done, section = [], ""
    for line, rule in zip(lines, [*lines[1:], ""], strict=True):
        if RULE.match(rule.strip()):
            section = line.strip()
        found = ITEM.match(line) if section in LISTS else None
        if section in LISTS and not found and done[-1:] == [""] and line[:1].strip() and not RULE.match(rule.strip()):
            section, done = "", [*done, ""]  # two empty lines
        done += [found["name"], f"    {found['text']}"] if found else [line]
    return done


def given_back(lines: list[str]) -> list[str]:
    """What is returned, where it has no name, is one text, and its lines are no list."""
    if "Returns" not in lines:
        return lines
    start = lines.index("Returns")
    end = next((i for i in range(start + 2, len(lines)) if RULE.match(lines[i])), len(lines) + 1) - 1
    text = [line for line in lines[start + 2 : end] if line.strip()]
    if not text or any(ITEM.match(line) for line in text):
        return lines
    told = [f":returns: {text[0]}", *(f"    {line}" for line in text[1:])]
    return [*lines[:start], "", "", *told, "", "", *lines[end:]]  # two empty lines end a section


def process(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    lines[:] = plain(described(given_back(lines)))
    if what in ("attribute", "data", "property"):  # else what stands before a colon is taken for a type
        lines[:] = [line.replace(":", COLON) for line in lines]


def finish(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    lines[:] = [line.replace(COLON, ":") for line in lines]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", process, priority=400)  # before napoleon reads the sections
    app.connect("autodoc-process-docstring", finish, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
