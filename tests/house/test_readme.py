"""The README's notebook lines, pasted one by one: each shown value is what the line gives."""

import ast
import re
from pathlib import Path

import fastdiag as fd

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_notebook_lines():
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    shown = 0
    for line in "\n".join(blocks).splitlines():
        code, _, comment = line.partition("  # ")
        if not code.strip():
            continue
        (statement,) = ast.parse(code).body
        if isinstance(statement, ast.Expr):
            assert repr(eval(code, names)) == comment.strip(), code
            shown += 1
        else:
            exec(code, names)
    assert shown >= 18


def test_the_printed_table_is_of_this_version():
    """The README shows the columns that `fastdiag predict` prints by default."""
    for word in ("order 3", "resummed 3", "simulated, 95 %", "N = T = 50: order 3, resummed, and the simulation part at eta ="):
        assert word in README


def test_pictures_are_there():
    for link in re.findall(r"\]\((docs/[^)]*)\)", README):
        assert (Path(__file__).parents[2] / link).is_file(), link


def test_the_printed_formula():
    assert f"```text\n{fd.expand('test_loss', 2).text()}\n```" in README
