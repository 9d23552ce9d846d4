"""The pages of docs/: links that lead somewhere, cells that run, a build without a warning."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastdiag as fd

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


def extension(name):
    """A module of docs/extensions, without Sphinx."""
    spec = importlib.util.spec_from_file_location(name, DOCS / "extensions" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


running = extension("running")


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not link.startswith(("http:", "https:")):
            assert (page.parent / link).exists(), link


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "{code-cell}" in page.read_text()], ids=lambda page: page.relative_to(DOCS).as_posix()
)
def test_cells_run(page, monkeypatch):
    """And comments that end a cell are what it prints in a shell."""
    text, display, shown = page.read_text(), running.display, []
    monkeypatch.setattr(running, "display", lambda value: shown.append(repr(value)) or display(value))
    cells, names = running.cells_of(text), {"__name__": "__main__"}
    assert len(cells) == text.count("```{code-cell}")
    compared = 0
    for cell in cells:
        shown.clear()
        outputs = running.run(cell, names)
        code = cell.code.rstrip().splitlines()
        said = [line.removeprefix("# ") for line in code[max(i + 1 for i, line in enumerate(code) if line[:2] != "# ") :]]
        if said:
            printed = outputs[:-1] if shown else outputs
            assert said == "".join(text for _, text in printed).splitlines() + shown
            compared += 1
    assert compared == 12 or page.name != "tutorial.md"


def test_every_public_name_is_in_the_reference():
    text = "\n".join(page.read_text() for page in (DOCS / "reference" / "api").glob("*.md"))
    named = set(re.findall(r"^\.\. auto\w+:: fastdiag\.(\S+)$", text, re.MULTILINE))
    rooms = {"updates": "spacetime.updates"}
    assert {rooms.get(name, name) for name in fd.__all__} - {"__version__", "FastdiagError"} <= named


@pytest.mark.parametrize("run_cells", [0, pytest.param(1, marks=pytest.mark.long)])
def test_the_pages_build_without_a_warning(run_cells, tmp_path):
    pytest.importorskip("sphinx")
    pytest.importorskip("furo")
    pytest.importorskip("myst_parser")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-D", f"run_cells={run_cells}", DOCS, tmp_path],
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "index.html").is_file()


def test_a_cell_shows_what_a_notebook_would():
    names = {}
    show = lambda code, tags="": running.run(running.Cell.of(code, tags), names)
    assert show("import fastdiag as fd\nD = fd.Diagram.parse('[a]')\nprint('x')") == [("text/plain", "x\n")]
    assert show("1 + 1") == [("text/plain", "2\n")]
    assert show("1 + 1;") == show("D = D") == []
    assert show("D")[0] == ("image/svg+xml", names["D"]._repr_svg_())
    assert show("fd.expand('test_loss', 1)")[0][0] == "text/latex"
    assert show("fd.diagrams(2)")[0][0] == "text/html"
    assert show("fd.Diagram") == [("text/plain", repr(fd.Diagram) + "\n")]
    kind, picture = show("fd.landscapes.gauss(1).plot()")[0]
    assert (kind, picture[:39]) == ("text/html", '<img alt="&lt;picture of 1 panel: savef')
    ((_, told),) = show("fd.Spacetime(N=3, T=-1)", "[raises-exception]")
    assert told.startswith("fastdiag.errors.InputError: ")
    with pytest.raises(AssertionError, match="nothing is raised"):
        show("1", "[raises-exception]")
    ((_, told),) = show("import warnings; warnings.warn('careful')")
    assert told == "UserWarning: careful\n"


def test_docstrings_on_a_page():
    """What napoleon would take for a list, or for a type, is one text."""
    pytest.importorskip("sphinx")
    docstrings = extension("docstrings")
    lines = ["What *it* is: x_ * y.", "", "Returns", "-------", "float, or", "an array", "", "Raises", "------", "InputError : none"]
    docstrings.process(None, "function", "f", None, None, lines)
    assert lines == [
        "What *it* is: x\\_ \\* y.", "", "", "", ":returns: float, or", "    an array", "", "", "Raises", "------", "InputError", "    none",
    ]
    lines = ["Parameters", "----------", "N : points", "", "All may be symbols.", "", "Returns", "-------", "Table : of all"]
    docstrings.process(None, "function", "f", None, None, lines)
    assert lines == [
        "Parameters", "----------", "N", "    points", "", "", "All may be symbols.", "", "Returns", "-------", "Table", "    of all",
    ]
    lines = ["Axes: 0 for numbers."]
    docstrings.process(None, "attribute", "f", None, None, lines)
    assert ":" not in lines[0]
    docstrings.finish(None, "attribute", "f", None, None, lines)
    assert lines == ["Axes: 0 for numbers."]
