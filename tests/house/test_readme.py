"""The README and the tour, pasted line by line: each shown value is what the line gives. And the tables that pages print."""

import ast
import re
from pathlib import Path

import fastdiag as fd

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TUTORIAL = (ROOT / "docs" / "start" / "tutorial.md").read_text()
TOUR = (ROOT / "docs" / "reference" / "tour.md").read_text()
SHELL = (ROOT / "docs" / "reference" / "shell.md").read_text()


def pasted(page):
    """Runs a page's lines of Python one by one, compares what each shows, and says how many did."""
    names: dict[str, object] = {}
    shown = 0
    for line in "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)).splitlines():
        code, _, comment = line.partition("  # ")
        if not code.strip():
            continue
        (statement,) = ast.parse(code).body
        if isinstance(statement, ast.Expr):
            assert repr(eval(code, names)) == comment.strip(), code
            shown += 1
        else:
            exec(code, names)
    return shown


def test_lines_of_the_readme():
    assert pasted(README) == 4
    assert README.count("\n") <= 150


def test_lines_of_the_tour():
    assert pasted(TOUR) >= 18


def test_the_printed_table_is_of_this_version():
    """What `fastdiag predict` prints by default: its columns, its predictions and what it says of them."""
    head = next(line for line in SHELL.splitlines() if line.startswith("┃ N = T"))
    names = ["N = T", "eta", "noise 0", "noise 1", "noise 2", "self-consistent", "resummed 3", "simulated, 95 %", "agree", "trust"]
    assert [cell.strip() for cell in head.strip("┃").split("┃")] == names
    assert "N = T = 50: noise 2 and the simulation part at eta =" in SHELL
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in SHELL.splitlines() if line.startswith("│")]
    assert len(rows) == 24
    land, st = fd.landscapes.breast_cancer(), fd.Spacetime(N=10, T=10)
    etas = [float(row[1]) for row in rows[:8]]
    p, closed, start = fd.predict(land, st, etas, noise=2), fd.predict(land, st, etas, closure="gaussian"), fd.predict(land, st, etas)
    for i, row in enumerate(rows[:8]):
        expected = [p.up_to(0)[i], p.up_to(1)[i], p.total[i], closed.total[i], start.total[i]]
        assert [float(cell) for cell in row[2:7]] == [float(f"{value:.4g}") for value in expected]
        assert row[-1] == ("yes" if p.trust.believable[i] else "no")


def test_the_page_of_the_path():
    """Its tables' predictions, of ten updates."""
    page = (ROOT / "docs" / "path.md").read_text()
    land, st = fd.landscapes.breast_cancer(), fd.Spacetime(N=10, T=10)
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in page.splitlines() if line.startswith("| 10,")]
    assert len(rows) == 6
    for row in rows:
        eta = float(row[0].split()[1])
        p, start = fd.predict(land, st, eta, noise=2), fd.predict(land, st, eta)
        if len(row) == 5:
            error, _, doubt = row[3].partition(",")
            assert (error, bool(doubt)) == (f"{float(p.trust.error):.2g}", not p.trust)
        assert row[-3 if len(row) == 6 else 1] == f"{start.total:.4f}"
        assert row[-2 if len(row) == 6 else 2] == f"{p.total:.4f}"


def test_the_printed_formula():
    formula = f"```text\n{fd.expand('test_loss', 2).text()}\n```"
    assert formula in README
    assert formula in TOUR
    assert formula in TUTORIAL
