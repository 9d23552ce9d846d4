"""`fastdiag noise`, as a user types it."""

import re

import numpy as np
import pytest
from click.testing import CliRunner

import fastdiag as fd
from fastdiag.cli import main


def run(*arguments):
    return CliRunner().invoke(main, ["noise", *arguments], env={"COLUMNS": "200"})


def test_command_line(tmp_path):
    done = run("--directions", "3", "--updates", "5", "--plot", str(tmp_path / "a.png"))
    assert done.exit_code == 0, done.output
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    land = fd.landscapes.breast_cancer().at_minimum()
    lams, vectors = np.linalg.eigh(land.hessian)
    g = [v @ land.gradient_covariance @ v / (2 * land.loss * lam) for lam, v in zip(lams, vectors.T, strict=True)]
    for lam, align in zip(lams[:-4:-1], g[:-4:-1], strict=True):
        assert f"{lam:.4g} │      {align:.4f}" in done.output
    lowest = next(
        eta for eta in np.linspace(0.5, 2, 15001) if sum(eta * a * lam / (2 - eta * lam) for a, lam in zip(g, lams, strict=True)) > 1
    )
    words = " ".join(done.output.split())
    assert float(re.search(r"threshold of SGD, B = 1: eta = ([\d.]+);", words)[1]) == pytest.approx(lowest, abs=6e-4)
    assert "D_1 from" in words
    away = run("--at", "start", "--sharp", "2", "--eta", "0.1", "--batch", "4")
    assert "falls" in away.output
    assert "D_2" in away.output


def test_command_line_with_many_weights_and_errors(tmp_path):
    rng = np.random.default_rng(9)
    file = tmp_path / "wide.npz"
    np.savez(file, X=rng.normal(size=(30, 2000)), y=rng.integers(0, 2, 30))
    done = run("--data", str(file), "--at", "start", "--updates", "3")
    assert done.exit_code == 0, done.output
    assert "at most (from the leading 64 eigenvalues)" in " ".join(done.output.split())
    for arguments, words in (
        (["--sharp", "31"], "too few for 31 sharp"), (["--eta", "-1"], "eta must be positive"), (["--plot", "no/such.png"], "no such folder"),
        (["--data", str(file), "--ridge", "-1"], "ridge must be >= 0"), (["--ridge", "nan"], "finite"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2
        assert words in " ".join(done.output.split()), done.output
        assert "Traceback" not in done.output
