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
    words = " ".join(done.output.split())
    assert float(re.search(r"B = 1, grow from eta = ([\d.]+) on;", words)[1]) == pytest.approx(0.1340, abs=5e-5)  # not 1.148
    assert "D_1 0.77" in words
    assert "GD's weights from 3.104" in words
    away = run("--at", "start", "--sharp", "2", "--eta", "0.1", "--batch", "4")
    assert "ask --at minimum" in away.output


def told(words):
    """Of what it says: the linearised excess; the loss itself's, its half interval, and both in % of the linearised."""
    names = r"excess loss ([\d.e-]+) after", r"95 %\): excess ([\d.e-]+) ±", r"excess [\d.e-]+ ± ([\d.e-]+),", r", ([\d.e+]+) ± [\d.e-]+ % of", r"± ([\d.e-]+) % of"
    return [float(re.search(name, words)[1]) for name in names]


@pytest.mark.parametrize(("eta", "batch"), [(0.05, 1), (0.2, 1), (2.0, 150)])
def test_what_it_says_of_the_loss_itself(eta, batch):
    """The linearised excess loss after 40 updates, beside more runs of the plain formula of logistic regression."""
    words = " ".join(run("--directions", "1", "--eta", str(eta), "--batch", str(batch), "--runs", "1000" if batch == 1 else "100").output.split())
    linear, itself, half, share, within = told(words)
    assert share == pytest.approx(100 * itself / linear, rel=6e-3)
    assert within / share == pytest.approx(half / itself, rel=0.4)  # one digit and two
    land, size = fd.landscapes.breast_cancer().at_minimum(), 5000 if batch == 1 else 200
    exact = fd.stationary.minibatch_transient(land, lam=eta, batch=batch, T=40)[-1]
    assert linear == pytest.approx(np.trace(land.hessian @ exact) / 2, rel=1e-3)
    rng, w = np.random.default_rng(1), np.tile(land.theta, (size, 1))
    for _ in range(40):
        rows = rng.integers(len(land.X), size=(size, batch))
        x, y = land.X[rows], land.y[rows]
        w = w - eta * ((1 / (1 + np.exp(-np.einsum("rbj,rj->rb", x, w))) - y)[:, None] @ x / batch)[:, 0] - eta * land.ridge * w
    u = w @ land.X.T
    losses = (np.logaddexp(0, u) - land.y * u).mean(axis=1) + (land.ridge * w**2).sum(axis=1) / 2 - land.loss
    error = losses.std() / size**0.5
    assert abs(losses.mean() - itself) < 3 * (half / 1.96 + error)
    assert abs(losses.mean() - linear * share / 100) < 3 * (linear * within / 196 + error)


def test_batches_of_any_size():
    """Of a hundred million points: the noise is so small that the loss is its quadratic; where floats round it away it is refused."""
    words = " ".join(run("--directions", "1", "--eta", "1", "--batch", str(10**8), "--runs", "50").output.split())
    linear, itself, _, share, within = told(words)
    land = fd.landscapes.breast_cancer().at_minimum()
    frozen = fd.stationary.sigma_T(land.hessian, land.gradient_covariance / 10**8, 1.0, 40)
    assert linear == pytest.approx(np.trace(land.hessian @ frozen) / 2, rel=1e-3)
    assert itself == pytest.approx(linear, rel=0.5)
    assert abs(share - 100) < 2 * within
    refused = run("--batch", str(10**9 + 1))
    assert refused.exit_code == 2
    assert "is not in the range" in refused.output


def test_command_line_with_many_weights_and_errors(tmp_path):
    rng = np.random.default_rng(9)
    file = tmp_path / "wide.npz"
    np.savez(file, X=rng.normal(size=(30, 2000)), y=rng.integers(0, 2, 30))
    done = run("--data", str(file), "--at", "start", "--updates", "3")
    assert done.exit_code == 0, done.output
    assert "with at most 1024 weights" in " ".join(done.output.split())
    for arguments, words in (
        (["--sharp", "31"], "too few for 31 sharp"), (["--eta", "-1"], "eta must be positive"), (["--plot", "no/such.png"], "no such folder"),
        (["--data", str(file), "--ridge", "-1"], "ridge must be >= 0"), (["--ridge", "nan"], "finite"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2
        assert words in " ".join(done.output.split()), done.output
        assert "Traceback" not in done.output
