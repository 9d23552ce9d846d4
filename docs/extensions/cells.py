"""Sphinx: the directive `code-cell` runs its code while the pages are built and shows what it gives; formulas as MathML.

Pages are MyST Markdown notebooks, which Jupyter opens with jupytext. All run in the process of the build, a page in a
namespace of its own, so that kernels are compiled once and nothing but Sphinx is needed.
"""

from __future__ import annotations

import re
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.utils.math import latex2mathml
from running import Cell, run
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ENDING = re.compile(r"(\n# .*)+\s*\Z")  # comments that say what a cell prints


class CodeCell(SphinxDirective):
    """A cell: its code, and below it what it shows."""

    has_content = True
    optional_arguments = 1
    option_spec: ClassVar = {"tags": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        cell = Cell.of("\n".join(self.content), self.options.get("tags", ""))
        if not self.config.run_cells:
            return [] if "remove-cell" in cell.tags else [nodes.literal_block(cell.code, cell.code, language="python")]
        names = self.env.temp_data.setdefault("names of cells", {"__name__": "__main__"})
        try:
            outputs = run(cell, names)
        except Exception as error:
            raise self.error(f"{type(error).__name__}: {error}, in the cell\n{cell.code}") from error
        if "remove-cell" in cell.tags:
            return []
        shown = [] if "remove-output" in cell.tags else [_node(kind, text) for kind, text in outputs]
        text = ENDING.sub("", cell.code) if shown else cell.code  # the output follows: no need to say it twice
        code = nodes.literal_block(text, text, language="python")
        return [*([] if "remove-input" in cell.tags else [code]), *shown]


def _node(kind: str, text: str) -> nodes.Node:
    if kind == "text/plain":
        return nodes.literal_block(text, text.rstrip("\n"), language="text", classes=["output"])
    if kind == "text/latex":
        formula = text.strip().strip("$").removeprefix(r"\displaystyle")
        return nodes.math_block(formula, formula, nowrap=True, number=None, classes=["output"])
    return nodes.raw("", f'<div class="output">{text}</div>', format="html")


def inline(writer: nodes.NodeVisitor, node: nodes.math) -> None:
    writer.body.append(latex2mathml.tex2mathml(node.astext()))
    raise nodes.SkipNode


def block(writer: nodes.NodeVisitor, node: nodes.math_block) -> None:
    formula = node.astext().strip()
    lines = formula.removeprefix(r"\begin{aligned}").removesuffix(r"\end{aligned}").strip()
    lines = lines if r"\\" in lines else lines.replace("&", "")  # one row is no table
    writer.body.append(f'<div class="math">{latex2mathml.tex2mathml(lines, as_block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("run_cells", True, "env", {bool})
    app.add_directive("code-cell", CodeCell)
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
