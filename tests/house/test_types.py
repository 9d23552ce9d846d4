"""What editors and type checkers see through the lazy face."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import jedi
import pytest

import fastdiag as fd

SOURCE = Path(fd.__file__).parents[1]
GOOD = """
from fractions import Fraction

import numpy as np
import sympy

import fastdiag as fd

N, T, eta, w, x = sympy.symbols("N T eta w x")
st, land = fd.Spacetime(N=10, T=10), fd.landscapes.gauss()
p = fd.predict(land, st, Fraction(1, 10), order=2)
fd.predict(land, st, [Fraction(1, 10), 0.2], order=2, update=fd.updates.momentum(Fraction(1, 2)))
fd.predict(land, fd.Spacetime(N=N, T=T), eta, order=2, resummed=False)
fd.Spacetime(N=np.int64(3), E=Fraction(3, 2), B=np.uint8(1))
fd.simulate(fd.landscapes.softmax(np.ones((3, 2)), ["a", "b", "a"]), st, 0.1, T=[1, 2])
fd.landscapes.symbolic((w - x) ** 2 / 2, w, x, fd.landscapes.normal(), at=[0])
s = fd.simulate(land, st, 0.1, runs=10)
print(abs(s.mean - p.total) < 2 * s.stderr)
fd.table(3).coefficients(N=[10, 20], T=range(1, 3))
fd.expand("test_loss", 2).subs(N=3, T=4)
for diagram in fd.diagrams(3):
    reveal_type(diagram)
reveal_type(p)
reveal_type(p.trust)
"""
BAD = {
    'fd.Spacetime(N=10, T="nonsense")': "arg-type",
    "fd.Spacetime(N=10, T=10, foo=3)": "call-arg",
    'fd.predict("a landscape", fd.Spacetime(N=10, T=10), 0.1)': "arg-type",
    "fd.predict(fd.landscapes.gauss(), fd.Spacetime(N=10, T=10))": "call-arg",
    "fd.predictt": "attr-defined",
    'fd.Diagram.parse("[a]").edges': "attr-defined",
}


def test_the_stub_is_the_face():
    tree = ast.parse((SOURCE / "fastdiag" / "__init__.pyi").read_text())
    named = {alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert named | {"__version__"} == set(fd.__all__)


def test_snippets_are_typed(tmp_path):
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "bad.py").write_text("\n".join(["import fastdiag as fd", *BAD]))
    run = subprocess.run(  # from where `make check` runs, which has left its cache
        [sys.executable, "-m", "mypy", "--no-error-summary", tmp_path / "good.py", tmp_path / "bad.py"],
        cwd=SOURCE.parent, env=os.environ | {"MYPYPATH": "src"}, capture_output=True, text=True, check=False,
    )
    lines = run.stdout.splitlines()
    for kind in ("diagram.diagram.Diagram", "expansion.prediction.Prediction", "expansion.trust.Trust"):
        assert any("good.py" in line and kind in line for line in lines), run.stdout
    errors = [line for line in lines if ": error: " in line]
    assert [Path(line.split(":")[0]).name for line in errors] == ["bad.py"] * len(BAD), run.stdout
    for number, (error, line) in enumerate(zip(BAD.values(), errors, strict=True), 2):
        assert f"bad.py:{number}: " in line
        assert f"[{error}]" in line


@pytest.mark.long
def test_completion():
    def offered(text):
        return {name.name for name in jedi.Script(text, project=jedi.Project(SOURCE)).complete()}

    assert set(fd.__all__) - {"__version__"} <= offered("import fastdiag as fd\nfd.")
    assert {"logistic", "gauss"} <= offered("import fastdiag as fd\nfd.landscapes.")
    assert {"trust", "total"} <= offered(
        "import fastdiag as fd\nfd.predict(fd.landscapes.gauss(), fd.Spacetime(N=1, T=1), 0.1).t"
    )
