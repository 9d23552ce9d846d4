"""The command line, as a user types it."""

import csv
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy
from click.testing import CliRunner

import fastdiag as fd
from fastdiag import files
from fastdiag.cli import main

DATA = Path(__file__).parents[2] / "data"


def run(*arguments):
    return CliRunner().invoke(main, list(arguments), env={"COLUMNS": "200"})


def test_help_teaches():
    done = run("--help")
    assert done.exit_code == 0
    commands = (
        "predict", "expand", "stationary", "noise", "table", "formula", "draw", "errata", "build", "bench", "cache",
        "completion",
    )
    for word in (*commands, "[a b[a]]"):
        assert word in done.output
    for command in commands:
        assert run(command, "--help").exit_code == 0


def test_as_a_module():
    done = subprocess.run([sys.executable, "-m", "fastdiag", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"fastdiag, version {fd.__version__}"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell):
    assert "_FASTDIAG_COMPLETE" in run("completion", shell).output


def test_draw(tmp_path):
    assert run("draw", "[a b[a]]").output.count("a") == 2
    assert run("draw", "-N", "4", "-E", "2").output == run("draw", "-N", "4", "-T", "8").output
    for arguments in (["[a b[a]]"], ["-N", "4", "-B", "2", "-T", "3"], ["[a b]", "-N", "3", "--embedding", "2"]):
        file = tmp_path / "picture.svg"
        assert run("draw", *arguments, "-o", str(file)).exit_code == 0
        assert ET.parse(file).getroot().tag.endswith("svg")
        assert run("draw", *arguments).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["draw", "[a"], "never closed"), (["draw"], "nothing to draw"), (["draw", "-N", "4", "-B", "0"], "B must be at least 1"),
     (["draw", "[a]", "-o", "no/such/folder.svg"], "No such file"), (["draw", "[a a[a]]", "-N", "3"], "fewer than 1 embeddings"),
     (["draw", "[a]", "-N", "10", "-B", "3"], "B = 3 does not divide N = 10"), (["predict", "--eta", "x"], "comma-separated"),
     (["predict", "--updates", "2.5"], "whole numbers"), (["predict", "--updates", "inf"], "whole numbers"),
     (["draw", "-N", "4", "-T", "0"], "T must be at least 1"), (["draw", "[a]", "-T", "4"], "with -N"),
     (["draw", "[a]", "-o", "x.png"], "ends in .svg"), (["predict", "--plot", "no/such.png"], "no such folder"),
     (["predict", "--data", "README.md"], "no NPZ file"), (["predict", "--data", "nothing.npz"], "does not exist"),
     (["bench", "--folder", "nowhere"], "benchmarks come with the source")],
)
def test_errors_are_one_message(arguments, words, tmp_path):
    done = run(*arguments)
    assert done.exit_code == 2
    assert words in " ".join(done.output.split())
    assert "Traceback" not in done.output


def test_predict_another_observable(tmp_path):
    picture = tmp_path / "gap.svg"
    options = ("--eta", "0.001,0.01", "--updates", "2", "--runs", "50", "--order", "2", "--plot", str(picture))
    done = run("predict", "--observable", "generalization_gap", *options)
    assert done.exit_code == 0, done.output
    assert "expected generalization gap" in done.output
    assert picture.stat().st_size > 10_000
    assert "'covariance' is not one of" in run("predict", "--observable", "covariance").output


def test_predict_on_other_data(tmp_path):
    rng = np.random.default_rng(0)
    file = tmp_path / "mine.npz"
    np.savez(file, X=rng.normal(size=(50, 3)), y=rng.integers(0, 2, 50))
    done = run("predict", "--data", str(file), "--eta", "0.01", "--updates", "5", "--runs", "200", "--order", "2")
    assert done.exit_code == 0, done.output
    assert "50 points, 4 weights" in done.output
    np.savez(file, X=np.ones((5, 2)))
    assert "arrays X and y" in run("predict", "--data", str(file)).output
    assert run("predict", "--eta", "0.01", "--updates", "5", "--runs", "50", "--plot", str(tmp_path / "a.xyz")).exit_code == 2


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A home of one's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FASTDIAG_DATA_DIR", raising=False)
    return files.cache_folder()


def cells(line):
    return [cell.strip() for cell in re.split(r" {2,}", line.strip())]


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
@pytest.mark.parametrize("basis", ["cumulant", "moment"])
def test_table(sampling, basis):
    done = run("table", "3", "-N", "6", "-B", "2", "-T", "7", "--sampling", sampling, "--basis", basis)
    assert done.exit_code == 0, done.output
    lines = [cells(line) for line in done.output.splitlines() if line.strip() and "─" not in line]
    assert lines[0] == ["diagram", "order", "parts", "|Aut|", "coefficient"]
    spacetime = fd.Spacetime(6, 2, 7, sampling=sampling)
    right = [D for d in range(4) for D in fd.diagrams(d)]
    assert lines[1:] == [
        [str(D), str(D.order), str(len(D.parts) - 1), str(D.automorphisms), str(fd.coefficient(D, spacetime, basis))] for D in right
    ]


def test_a_narrow_table_keeps_every_letter_and_digit():
    words = ("table", "2", "-N", "1000", "-B", "10", "-T", str(5 * 10**22))
    done = CliRunner().invoke(main, words, env={"COLUMNS": "60"})
    lines = done.output.splitlines()[3:]
    assert "…" not in done.output
    assert max(map(len, lines)) <= 60
    firsts = [line.split(" " * 5)[0].strip() for line in lines]
    assert [text for text in firsts if text[:1] == "["] == [str(D) for order in range(3) for D in fd.diagrams(order)]
    written = "".join(line.split()[-1] for line in lines if line.strip())
    assert str(fd.coefficient("[a b]", fd.Spacetime(1000, 10, 5 * 10**22))) in written


def test_table_of_some_rows(tmp_path):
    everything = run("table", "4").output
    assert "and 84 more; --all shows them, -o file.csv writes them" in everything
    assert len(run("table", "4", "--all").output.splitlines()) == len(everything.splitlines()) + 84 - 1
    assert "[a[b]]" not in run("table", "2", "--irreducible").output
    at_minimum = [cells(line)[0] for line in run("table", "2", "--at-minimum").output.splitlines() if "[" in line]
    assert at_minimum == ["[]", "[a a]"]
    file = tmp_path / "rows.csv"
    done = run("table", "4", "-N", "12", "-B", "2", "--by-value-class", "-o", str(file))
    assert done.output == f"wrote 79 rows to {file}\n"
    with file.open(newline="") as opened:
        head, *rows = csv.reader(opened)
    assert head == ["diagram", "order", "parts", "|Aut|", "coefficient"]
    assert [Fraction(row[-1]) for row in rows] == [
        sum(fd.coefficient(D, fd.Spacetime(12, 2, E=1)) for D in row[0].split(" + ")) for row in rows
    ]
    assert sorted(D for row in rows for D in row[0].split(" + ")) == sorted(str(D) for d in range(5) for D in fd.diagrams(d))
    last = [line for line in run("table", "1", "-N", "12", "-E", "3").output.splitlines() if line.strip()][-1]
    assert cells(last) == ["[a]", "1", "1", "1", "-36"]


def test_formula():
    N, B, E, T = sympy.symbols("N B E T")
    read = lambda text: sympy.sympify(text.strip(), {"N": N, "B": B, "E": E, "T": T, "binomial": sympy.binomial})
    assert read(run("formula", "[a b]").output) == E**2 * N**2
    assert read(run("formula", "[a[b]]", "--sampling", "one epoch", "--basis", "moment").output) - B**2 * T * (T - 1) / 2 == 0
    for sampling in ("cyclic", "reshuffle"):
        found = read(run("formula", "[a b[a]]", "--sampling", sampling, "--coefficient").output)
        for n, b, e in ((6, 2, 3), (4, 1, 5)):
            right = fd.coefficient("[a b[a]]", fd.Spacetime(n, b, E=e, sampling=sampling))
            assert found.subs({N: n, B: b, E: e}) == sympy.Rational(right.numerator, right.denominator)
    latex = run("formula", "[a b]", "--latex").output
    assert latex.strip() == "E^{2} N^{2}"


def test_build(tmp_path, cache):
    done = run("build", "--order", "2", "--sampling", "cyclic", "--directory", str(tmp_path / "here"))
    assert done.exit_code == 0, done.output
    assert done.output == f"ready: {tmp_path / 'here' / 'cyclic-02.npz'}\n"
    assert (tmp_path / "here" / "cyclic-02.npz").read_bytes() == (DATA / "cyclic-02.npz").read_bytes()
    assert run("build", "--order", "2").output == f"ready: {cache / 'reshuffle-02.npz'}\n"
    assert (cache / "reshuffle-02.npz").read_bytes() == (DATA / "reshuffle-02.npz").read_bytes()


def test_cache(cache):
    assert run("cache", "list").output == f"{cache} is empty\n"
    assert run("cache", "verify").output == "0 of 0 are right\n"
    for order in ("2", "3"):
        run("build", "--order", order)
    (cache / ".reshuffle-09.npz.1-4096.shards").mkdir()
    (cache / ".reshuffle-09.npz.1-4096.shards" / "000000000.npz").write_bytes(bytes(2_000_000))
    (cache / ".reshuffle-03.npz.abcd.part").write_bytes(b"half")
    (cache / "mine.txt").touch()
    lines = run("cache", "list").output.splitlines()
    assert lines[0] == str(cache)
    assert [cells(line)[-1].split()[-1] for line in lines[1:]] == [
        ".reshuffle-03.npz.abcd.part", ".reshuffle-09.npz.1-4096.shards", "reshuffle-02.npz", "reshuffle-03.npz"
    ]
    assert "2.00 MB" in lines[2]
    assert run("cache", "verify").output.splitlines() == ["ok       reshuffle-02.npz", "ok       reshuffle-03.npz", "2 of 2 are right"]
    (cache / "reshuffle-03.npz").write_bytes(b"wrong")
    done = run("cache", "verify")
    assert done.exit_code == 2
    assert "CORRUPT" in done.output
    assert "1 of 2 are right" in done.output
    assert "`fastdiag build` replaces them" in " ".join(done.output.split())
    assert run("build", "--order", "3").exit_code == 0
    assert run("cache", "verify").exit_code == 0
    kept = sorted(cache.iterdir())
    assert CliRunner().invoke(main, ["cache", "clear"], input="n\n").exit_code == 1
    assert sorted(cache.iterdir()) == kept
    assert run("cache", "clear", "--yes").output == f"deleted 4 from {cache}\n"
    assert [file.name for file in cache.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["table", "2", "-T", "5"], "belong to a spacetime"), (["table", "2", "-B", "2"], "with -N"), (["table", "11"], "tables go to order 10"),
     (["table", "2", "-N", "5", "-T", "5", "-E", "1"], "not both"), (["table", "2", "-N", "10", "-B", "3"], "does not divide"),
     (["table", "x"], "not a valid integer"), (["table", "1", "-o", "no/such/file.csv"], "No such file"), (["table", "--", "-1"], "order must be"),
     (["formula", "[a"], "never closed"), (["formula", "[a]", "--sampling", "x"], "is not one of"), (["build"], "Missing option"),
     (["build", "--order", "12"], "tables go to order 10"), (["build", "--order", "1", "--directory", "/dev/null/x"], "cannot be made"),
     (["build", "--order", "1", "--scheduler", "nonsense://x"], "nonsense"), (["cache"], "verify")],
)
def test_errors_of_tables_are_one_message(arguments, words, cache):
    done = run(*arguments)
    assert done.exit_code == 2
    assert words in " ".join(done.output.split())
    assert "Traceback" not in done.output
