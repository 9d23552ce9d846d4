"""The command line, as a user types it."""

import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from click.testing import CliRunner

import fastdiag as fd
from fastdiag.cli import main


def run(*arguments):
    return CliRunner().invoke(main, list(arguments), env={"COLUMNS": "200"})


def test_help_teaches():
    done = run("--help")
    assert done.exit_code == 0
    for word in ("predict", "draw", "bench", "completion", "[a b[a]]"):
        assert word in done.output
    for command in ("predict", "draw", "bench", "completion"):
        assert run(command, "--help").exit_code == 0


def test_as_a_module():
    done = subprocess.run([sys.executable, "-m", "fastdiag", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"fastdiag, version {fd.__version__}"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell):
    assert "_FASTDIAG_COMPLETE" in run("completion", shell).output


def test_draw(tmp_path):
    assert run("draw", "[a b[a]]").output.count("a") == 2
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


def test_predict(tmp_path):
    picture = tmp_path / "picture.png"
    done = run("predict", "--eta", "0.001,0.05", "--updates", "10,20", "--runs", "400", "--plot", str(picture))
    assert done.exit_code == 0, done.output
    assert "resummed 3" in " ".join(done.output.split())
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert done.output.count("N = T =") >= 2


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
