"""Cells of Python in a page, run one after another in one namespace, as a notebook runs them; no Sphinx in here."""

from __future__ import annotations

import ast
import base64
import contextlib
import html
import io
import re
import traceback
import warnings
from dataclasses import dataclass
from typing import Any

CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(?P<options>(?::[^\n]*\n)*)(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
FORMS = {"image/svg+xml": "_repr_svg_", "text/html": "_repr_html_", "text/latex": "_repr_latex_"}


@dataclass(frozen=True)
class Cell:
    """Code and its tags, which mean what they mean to MyST-NB: raises-exception, remove-cell, remove-output."""

    code: str
    tags: frozenset[str]

    @classmethod
    def of(cls, code: str, tags: str) -> Cell:
        return cls(code, frozenset(re.findall(r"[\w-]+", tags)))


def cells_of(page: str) -> list[Cell]:
    """The cells of a page in MyST Markdown."""
    return [Cell.of(found["code"], found["options"].partition(":tags:")[2]) for found in CELL.finditer(page)]


def run(cell: Cell, names: dict[str, Any]) -> list[tuple[str, str]]:
    """Run a cell and give what it shows: pairs of a media type and a text."""
    printed, shown = io.StringIO(), None
    body = ast.parse(cell.code).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) and not cell.code.rstrip().endswith(";") else None
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
        warnings.simplefilter("default")
        try:
            exec(compile(ast.Module(body, []), "<cell>", "exec"), names)
            if last is not None:
                shown = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
        except Exception as error:
            if "raises-exception" not in cell.tags:
                raise
            printed.write("".join(traceback.format_exception_only(error)))
        else:
            if "raises-exception" in cell.tags:
                raise AssertionError(f"nothing is raised by\n{cell.code}")
    told = "".join(f"{each.category.__name__}: {each.message}\n" for each in caught)
    outputs = [("text/plain", text) for text in (told, printed.getvalue()) if text]
    return outputs if shown is None else [*outputs, display(shown)]


def display(value: Any) -> tuple[str, str]:
    """The richest form in which a value shows itself."""
    for kind, method in FORMS.items():
        form = getattr(value, method, None)
        if not isinstance(value, type) and callable(form) and (text := form()) is not None:
            return kind, text
    if any(kind.__module__ == "matplotlib.figure" for kind in type(value).__mro__):
        drawn = io.BytesIO()
        value.savefig(drawn, format="svg", metadata={"Date": None})
        picture = base64.b64encode(drawn.getvalue()).decode()  # apart from the page, whose style it would change
        return "text/html", f'<img alt="{html.escape(repr(value))}" src="data:image/svg+xml;base64,{picture}">'
    return "text/plain", repr(value) + "\n"
