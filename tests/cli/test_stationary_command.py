"""`fastdiag stationary`, as a user types it."""

import re

import numpy as np
import pytest
from click.testing import CliRunner

import fastdiag as fd
from fastdiag.cli import main

S = fd.stationary


def run(*arguments):
    return CliRunner().invoke(main, ["stationary", *arguments], env={"COLUMNS": "200"})


def rows_of(output):
    """The table's cells, line by line."""
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines() if "│" in line]


def test_the_table_and_both_limits(tmp_path):
    picture = tmp_path / "picture.png"
    done = run("--eta", "0.3,1.2", "--runs", "200", "--updates", "50", "--plot", str(picture))
    assert done.exit_code == 0, done.output
    land = fd.landscapes.breast_cancer().at_minimum()
    K, C = land.hessian, land.gradient_covariance / 16
    rates = np.linalg.eigvalsh(K)
    rows = rows_of(done.output)
    assert [row[0] for row in rows] == ["0.3", "1.2"]
    limit = S.minibatch_stability_limit(land, batch=16)
    for row in rows:
        eta = float(row[0])
        law, late = S.minibatch_stationary(land, lam=eta, batch=16), S.minibatch_transient(land, lam=eta, batch=16, T=50)[-1]
        expected = [eta / limit, np.trace(law.covariance), law.excess_loss, S.approximation_error(K, C, eta), eta * np.trace(C) / 4, np.trace(K @ late) / 2]
        assert [float(cell) for cell in row[1:7]] == pytest.approx(expected, rel=1e-2)
        assert re.fullmatch(r"[+-][\d.]+ ± [\d.]+", row[-1])
    words = " ".join(done.output.split())
    assert f"eta = {limit:.5g} on batches of these points' quadratics, {S.stability_limit(rates[-1]):.5g} with the minimum's noise everywhere" in words
    assert "eta = 1.4621 on batches" in words
    assert f"eta = {S.minibatch_bayes_rate(land, batch=16)[0]:.5g}, divergence" in words
    assert f"the Hessian: eta = {S.bayes_learning_rate(rates, 569, 16):.5g}" in words
    assert "simulated means and intervals say little there" in words
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_what_it_says_of_the_loss_itself():
    """Beside more runs of the plain formula of logistic regression: its excess, and how far it is from its quadratics."""
    updates, batch, runs = 80, 16, 3000
    done = run("--eta", "0.2,0.7", "--runs", "500", "--updates", str(updates))
    words = " ".join(done.output.split())
    land = fd.landscapes.breast_cancer().at_minimum()
    rng = np.random.default_rng(2)
    told = re.search(r"quadratics lie (.*) standard errors", words)[1]
    for row, z in zip(rows_of(done.output), told.split(", "), strict=True):
        share, within = (float(number) for number in row[9].split(" ± "))
        on_quadratics, interval = (float(number) for number in row[7].split(" ± "))
        assert float(z) == pytest.approx(1.96 * (on_quadratics - float(row[6])) / interval, abs=0.3)
        eta, w = float(row[0]), np.tile(land.theta, (runs, 1))
        for _ in range(updates):
            rows = rng.integers(len(land.X), size=(runs, batch))
            x = land.X[rows]
            pulls = 1 / (1 + np.exp(-np.matmul(x, w[:, :, None])[:, :, 0])) - land.y[rows]
            w = w - eta * (np.matmul(pulls[:, None], x)[:, 0] / batch + land.ridge * w)
        u = w @ land.X.T
        losses = (np.logaddexp(0, u) - land.y * u).mean(axis=1) + (land.ridge * w**2).sum(axis=1) / 2 - land.loss
        error = losses.std() / runs**0.5
        mean, half = (float(number) for number in row[8].split(" ± "))
        assert abs(losses.mean() - mean) < 3 * (half / 1.96 + error)
        exact = float(row[6])  # on the quadratics
        assert abs(losses.mean() - exact * (1 + share / 100)) < 3 * (error + exact * within / 196)
    assert "quadratics' law to the posterior" in words


def test_batches_without_end_have_no_tails():
    """The noise is the minimum's everywhere: runs at 0.7 of the limit are Gaussian, and the loss is its quadratics."""
    done = run("--batch", str(10**8), "--eta", "2.17", "--runs", "60", "--updates", "40")
    words, (row,) = " ".join(done.output.split()), rows_of(done.output)
    assert "say little there" not in words
    assert abs(float(re.search(r"quadratics lie (.*) standard errors", words)[1])) < 4
    land = fd.landscapes.breast_cancer().at_minimum()
    frozen = S.sigma_T(land.hessian, land.gradient_covariance / 10**8, 2.17, 40)
    assert float(row[6]) == pytest.approx(np.trace(land.hessian @ frozen) / 2, rel=5e-3)
    assert abs(float(row[9].split(" ± ")[0])) < 0.1


def test_momentum_and_refusals(tmp_path):
    rng = np.random.default_rng(0)
    file = tmp_path / "mine.npz"
    np.savez(file, X=rng.normal(size=(50, 3)), y=rng.integers(0, 2, 50))
    options = ("--data", str(file), "--mu", "0.5", "--batch", "4", "--updates", "60")
    for more in ((), ("--nu", "0.7")):
        done = run(*options, *more)
        assert done.exit_code == 0, done.output
        told = re.search(r"quadratics lie (.*) standard errors", " ".join(done.output.split()))[1]
        assert max(abs(float(z)) for z in told.split(", ")[:5]) < 4
    for arguments, words in (
        (("--eta", "0.1,9"), "--eta must be positive and below the stability limit"),
        (("--eta", "-1"), "must be positive"), (("--mu", "1"), "strictly between -1 and 1"), (("--nu", "2"), "nu must lie in [0, 1]"),
        (("--mu", "0", "--nu", "0.5"), "give --mu too"), (("--plot", "no/such.png"), "no such folder"),
    ):
        done = run(*options, *arguments)
        assert done.exit_code == 2
        assert words in " ".join(done.output.split())


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_number_is_cut_at_any_width(width):
    arguments = ["stationary", "--runs", "5", "--updates", "3", "--eta", "0.1,1.2"]
    done = CliRunner().invoke(main, arguments, env={"COLUMNS": str(width)})
    assert done.exit_code == 0
    assert "…" not in done.output
    assert max(map(len, done.output.splitlines())) <= width
    land = fd.landscapes.breast_cancer().at_minimum()
    for eta in (0.1, 1.2):
        late = S.minibatch_transient(land, lam=eta, batch=16, T=3)[-1]
        assert f"{(land.hessian * late).sum() / 2:.3g}" in done.output
