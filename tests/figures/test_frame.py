"""`fastdiag figures`: what is kept, what is made again, what is said."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from fastdiag.cli import main
from fastdiag.cli.figures import collection
from fastdiag.errors import DataError, InputError

SCRIPT = '''"""An experiment."""
from .frame import Row
from .shared import twice
TITLE, SIZE = "a line", (3, 2)
CALLS = {calls!r}
def one(k):
    with open(CALLS, "a") as file:
        file.write(f"{{k}}\\n")
    return {{"x": [k, twice(k)]}}
def pieces(quick):
    return {{f"k{{k}}": lambda k=k: one(k) for k in range(1 if quick else 3)}}
def rows(found):
    return [Row(piece, float(each["x"][1]), 2.0 * k + 0.1, 0.1, k != 2, 0.0) for k, (piece, each) in enumerate(found.items())]
def draw(figure, found):
    figure.subplots().plot(found["k0"]["x"])
'''


@pytest.fixture
def folder(tmp_path):
    """A folder of experiments with one script in it, and the file that it notes its calls in."""
    bench = tmp_path / "bench"
    bench.mkdir()
    original = collection().__file__
    for name in ("frame.py", "style.py"):
        shutil.copy(original.replace("frame.py", name), bench / name)
    (bench / "__init__.py").write_text('NAMES = ("line", "needy")\n')
    (bench / "shared.py").write_text("def twice(k):\n    return 2.0 * k\n")
    (bench / "line.py").write_text(SCRIPT.format(calls=str(tmp_path / "calls")))
    (bench / "needy.py").write_text(SCRIPT.format(calls=str(tmp_path / "calls")) + 'NEEDS = ("no_such_module",)\n')
    yield bench
    collection()  # the repository's own again


def asked(folder, *words, workers="1"):
    where = "--folder", str(folder), "--out", str(folder.parent / "out"), "--workers", workers
    done = CliRunner().invoke(main, ["figures", *words, *where], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return done.output


def calls(folder):
    return (folder.parent / "calls").read_text().split()


def test_what_is_kept_is_not_made_again(folder):
    out = folder.parent / "out"
    told = asked(folder)
    assert calls(folder) == ["0", "1", "2"]
    assert "line: 0.0 s; 3 of 3 predictions inside" in told
    assert "needy: left out, it needs no_such_module" in told
    assert (out / "line.png").stat().st_size > 1000
    assert "kept" in asked(folder, "line")
    assert calls(folder) == ["0", "1", "2"]
    (out / "kept" / "line-k1.npz").unlink()  # as if it had been stopped
    (out / "kept" / "line-k2.npz").write_bytes(b"damaged")
    asked(folder, "line")
    assert calls(folder) == ["0", "1", "2", "1", "2"]
    asked(folder, "line", "--fresh")
    assert len(calls(folder)) == 8


def test_processes_compute_the_pieces_that_are_left(folder):
    one = asked(folder, "line")
    (folder.parent / "out" / "kept" / "line-k1.npz").unlink()
    (folder.parent / "out" / "kept" / "line-k2.npz").unlink()
    assert asked(folder, "line", workers="2").splitlines()[1:] == one.splitlines()[1:]
    assert sorted(calls(folder)) == ["0", "1", "1", "2", "2"]
    script = folder / "line.py"
    script.write_text(script.read_text().replace("def one(k):\n", "def one(k):\n    import os\n    os._exit(1)\n"))
    forget()
    where = "--folder", str(folder), "--out", str(folder.parent / "out"), "--workers", "2"
    lost = CliRunner().invoke(main, ["figures", "line", *where])
    assert lost.exit_code == 2
    assert "what was computed is kept: call again to go on, with --workers 1 if memory ran out" in " ".join(lost.output.split())


def test_a_drawing_may_change_and_numbers_stay(folder):
    script = folder / "line.py"
    asked(folder, "line")
    script.write_text(script.read_text().replace('["x"])\n', '["x"], lw=3)\n'))
    forget()
    asked(folder, "line")
    assert len(calls(folder)) == 3
    script.write_text(script.read_text().replace("[k, twice(k)]", "[1 * k, twice(k)]"))
    forget()
    asked(folder, "line")
    assert len(calls(folder)) == 6
    (folder / "shared.py").write_text("def twice(k):\n    return k + float(k)\n")
    forget()
    asked(folder, "line")
    assert len(calls(folder)) == 9


def forget():
    """Load the scripts anew."""
    import sys

    for name in [name for name in sys.modules if name.startswith("fastdiag_figures")]:
        del sys.modules[name]


def test_quick_pieces_are_kept_apart(folder):
    asked(folder, "line", "--quick")
    asked(folder, "line")
    assert calls(folder) == ["0", "0", "1", "2"]


def test_the_numbers_are_counted_by_trust(folder):
    told = asked(folder, "line")
    record = json.loads((folder.parent / "out" / "line.json").read_text())
    assert [row["inside"] for row in record["rows"]] == [True] * 3
    assert np.allclose([row["z"] for row in record["rows"]], -1)
    for name in ("line", "all"):
        cells = next(line for line in told.splitlines() if f"│ {name} " in line).split("│")[2:-1]
        assert [cell.strip() for cell in cells] == ["3 / 0 / 3", "", "2 / 0 / 2", "1 / 0 / 1", "", "1 of 1", ""]


def test_a_row_is_judged_by_its_interval_and_by_its_own_error(frame):
    row = frame.Row("", 1.0, 1.3, 0.1, True, 0.05, "one")
    assert (row.inside, row.within_error, round(row.z, 12)) == (False, True, -3.0)
    assert not frame.Row("", 1.0, 1.3, 0.1, True, 0.01).within_error
    above = frame.Row("", 1.0, 2.0, 0.1, False, 0.3, "one")
    assert (row.says_inside, above.says_inside) == (True, False)
    assert frame.counted([row, above, frame.Row("", 1.0, 1.0, 0.1)]) == {
        "error below\ninterval": (0, 1, 1), "error\nabove it": (0, 1, 0),
        "trusted": (0, 1, 1), "not\ntrusted": (0, 1, 0), "closed form": (1, 0, 1),
        "curves stay\nbelow it": (0, 1), "curves leave\nabove it": (1, 1),
    }


def test_curves_are_counted_where_they_say_something(frame):
    """One stays where it says so and leaves elsewhere; one never says that it may be outside; one says it and is inside."""
    inside, outside = (1.0, 1.0, 0.1), (1.0, 2.0, 0.1)
    rows = [
        frame.Row("a", *inside, True, 0.01, "a"), frame.Row("a", *outside, False, 3.0, "a"), frame.Row("a", *inside, False, 3.0, "a"),
        frame.Row("b", *inside, True, 0.01, "b"), frame.Row("c", *inside, False, 3.0, "c"), frame.Row("d", *outside),
    ]
    counts = frame.counted(rows)
    assert (counts["curves stay\nbelow it"], counts["curves leave\nabove it"]) == ((2, 2), (1, 2))


def test_numbers_are_written_between_the_pages_marks(frame):
    """Seeds, seconds, every number, and the table of all; what is between other marks, and the text, stay."""
    import importlib

    page = importlib.import_module("fastdiag_figures.page")
    rows = [frame.Row("one | eta = 1", 1.0, 1.3, 0.1, True, 0.05, "one"), frame.Row("a law", 2.0, 2.0, 0.1)]
    text = "Before.\n<!-- numbers: all -->\nold\n<!-- end -->\n<!-- numbers: gdc -->\n<!-- end -->\nAfter.\n"
    new = page.written(text, {"gdc": (rows, 3.4)})
    assert page.written(new, {"gdc": (rows, 3.4)}) == new
    assert new.startswith("Before.\n<!-- numbers: all -->\n|  | error below interval |")
    assert "| `gdc` | 0 / 1 / 1 |" in new
    assert "Numbers (seeds 7; 3 s)" in new
    assert "| 1 | 0.05 | 1.3 ± 0.26 | -3.0 | no |" in new
    assert "| a law | 2 |  | 2 ± 0.26 | 0.0 | yes |" in new
    assert new.endswith("<!-- end -->\nAfter.\n")
    assert "old" not in new


def test_a_page_takes_all_figures(folder):
    page = folder.parent / "page.md"
    page.write_text("<!-- numbers: all -->\n<!-- end -->\n")
    where = "--folder", str(folder), "--out", str(folder.parent / "out"), "--page", str(page)
    for words in (("line",), ("--quick",), ()):
        done = CliRunner().invoke(main, ["figures", *words, *where], env={"COLUMNS": "200"})
        assert done.exit_code == 2, words
        assert "--page takes all figures, without --quick" in " ".join(done.output.split())
    assert "needy needs no_such_module" in " ".join(done.output.split())


def test_a_difference_is_believed_where_its_errors_are_small(frame):
    class Given:
        def __init__(self, total, error, believable=True):
            self.total, self.trust = total, self
            self.error, self.believable = error, believable

    def believed(one, other):
        return bool(frame.difference(one, other, (0.0, 1.0))["believable"])

    assert believed(Given(1.0, 0.004), Given(0.9, 0.005))
    assert not believed(Given(1.0, 0.006), Given(0.9, 0.005))
    assert not believed(Given(1.0, 0.0, False), Given(0.9, 0.0))


def test_what_is_not_there_is_named(frame, tmp_path):
    with pytest.raises(InputError, match=r"no figure nonsense; there are cancer"):
        frame.chosen(["nonsense", "gap"])
    with pytest.raises(DataError, match="has no experiments in it: they come with the source repository; give its bench/figures/"):
        collection(tmp_path)
    with pytest.raises(DataError, match="nowhere is not there: they come with"):
        collection(tmp_path / "nowhere")
    done = CliRunner().invoke(main, ["figures", "nonsense"])
    assert done.exit_code == 2
    assert "no figure nonsense" in done.output


def test_every_script_is_short_and_says_what_it_is(frame):
    listed = CliRunner().invoke(main, ["figures", "--list"]).output.splitlines()
    assert len(listed) == len(frame.NAMES) == len(set(frame.NAMES))
    for name in frame.NAMES:
        with open(frame.__file__.replace("frame.py", f"{name}.py")) as file:
            text = file.read()
        assert text.count("\n") < 120, name
        assert text.startswith('"""'), name
        experiment = frame.script(name)
        assert experiment.TITLE
        assert len(experiment.SIZE) == 2
        assert set(experiment.pieces(True)) <= set(experiment.pieces(False)), name
