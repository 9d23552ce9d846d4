"""`fastdiag predict`: what its table and its picture show."""

import re

import pytest
from click.testing import CliRunner

import fastdiag as fd
from fastdiag.cli import console, main

QUICK = ("predict", "--eta", "0.001,0.05", "--updates", "5,10", "--runs", "50")


def run(*arguments, width="200"):
    done = CliRunner().invoke(main, list(map(str, arguments)), env={"COLUMNS": width})
    assert done.exit_code == 0, done.output
    return done.output


def cells(line):
    return [cell.strip() for cell in re.split("[│┃]", line)[1:-1]]


def test_about_the_path():
    output = run(*QUICK)
    head, *rows = [cells(line) for line in output.splitlines() if line[:1] in "│┃" and line]
    assert head == ["N = T", "eta", "noise 0", "noise 1", "noise 2", "self-consistent", "resummed 3", "simulated, 95 %", "agree", "trust"]
    assert [row[1] for row in rows] == ["0.001", "0.05"] * 2
    p = fd.predict(fd.landscapes.breast_cancer(), fd.Spacetime(N=10, T=10), 0.05, noise=2)
    assert [float(cell) for cell in rows[3][2:5]] == [float(f"{p.up_to(order):.4g}") for order in range(3)]
    assert "N = T = 10: noise 2 " in output


def test_options(tmp_path):
    assert "noise 2" not in run(*QUICK, "--noise", "1")
    assert "resummed 2" in run(*QUICK, "--order", "2")
    start = run(*QUICK, "--about", "start", "--order", "2")
    assert "noise" not in start
    assert [cell for line in start.splitlines() if line.startswith("┃") for cell in cells(line)] == [
        "N = T", "eta", "order 0", "order 1", "order 2", "resummed 1", "resummed 2", "simulated, 95 %", "agree", "trust"
    ]
    assert "self-consistent" not in run(*QUICK, "--observable", "train_loss", "--noise", "1")
    for about in ("path", "start"):
        picture = tmp_path / f"{about}.png"
        run(*QUICK, "--about", about, "--plot", picture)
        assert picture.read_bytes().startswith(b"\x89PNG")
    done = CliRunner().invoke(main, [*QUICK, "--noise", "3"])
    assert done.exit_code == 2
    assert "0<=x<=2" in done.output


@pytest.mark.parametrize("width", [60, 200])
def test_batches_and_answers_without_bounds(width):
    output = run("predict", "--eta", "0.01,100", "--updates", "10", "--batch", "7", "--runs", "50", width=str(width))
    assert "N = 70, T = 10: noise 2 and the simulation part at eta = 100" in output
    assert "70, 10" in output
    assert "…" not in output
    assert max(map(len, output.splitlines())) <= width


def test_trust_is_a_column_and_no_warning():
    """Warnings would be errors here; at eta = 0.1 order 3 about the start is many times order 2."""
    output = run("predict", "--eta", "0.0005,0.1", "--updates", "10", "--runs", "50", "--about", "start")
    assert [cells(line)[-1] for line in output.splitlines() if line.startswith("│")] == ["yes", "no"]


@pytest.mark.every(4)
@pytest.mark.parametrize("width", [60, 80, 100, 130, 200])
@pytest.mark.parametrize("about", ["path", "start"])
def test_tables_fit_their_terminal(about, width, monkeypatch):
    """Nothing is cut off: where there is no room for all orders, the lowest are left out."""
    monkeypatch.setattr(console, "is_terminal", lambda stream: True)
    output = run(*QUICK, "--about", about, width=str(width))
    assert max(map(len, output.splitlines())) <= width
    assert "…" not in output
    assert ("tru: trust" in output) == (" tru " in output.replace("tru: ", "")), "what is shortened is explained"


DATA = fd.landscapes.breast_cancer()


def row(output):
    return next(cells(line) for line in output.splitlines() if line.startswith("│"))


def test_batches_of_two_sizes_over_several_epochs():
    output = run("predict", "--eta", "0.01", "--updates", "5", "--points", "50", "--batch", "20", "--last", "keep", "--runs", "50")
    spacetime = fd.Spacetime(50, 20, 5, last="keep")
    p, q = fd.predict(DATA, spacetime, 0.01, noise=1), fd.predict(DATA, spacetime, 0.01, 3)
    assert row(output)[:5] == ["50, 5", "0.01", *(f"{x:.4g}" for x in (p.up_to(0), p.total, q.total))]
    assert "B = 20, N = 50, last batches kept, 50 simulated runs" in output


def test_the_data_as_training_set():
    output = run("predict", "--eta", "0.02", "--updates", "4", "--batch", "100", "--given", "--last", "drop", "--about", "start", "--order", "2",
                 "--observable", "train_loss", "--runs", "50", "--sampling", "cyclic")
    spacetime = fd.Spacetime(569, 100, 4, sampling="cyclic", last="drop")
    p = fd.predict(DATA, spacetime, 0.02, 2, "train_loss", training_set="given")
    assert row(output)[:2] == ["569, 4", "0.02"]
    assert row(output)[6] == f"{p.total:.4g}"
    assert "N = 569 given points, cyclic, last batches dropped" in output


@pytest.mark.parametrize(("options", "words"), [
    (("--batch", "100", "--given"), "last='keep' (its last batch is smaller)"), (("--given", "--points", "5"), "leave out --points"),
    (("--points", "9", "--batch", "2", "--sampling", "replacement", "--last", "drop"), "has no meaning"),
    (("--points", "9", "--batch", "10"), "exceeds N = 9"),
])
def test_what_cannot_be(options, words):
    done = CliRunner().invoke(main, ["predict", "--updates", "5", *options])
    assert done.exit_code == 2
    assert words in done.output


def test_one_epoch_with_replacement():
    """Of five points in twos: two batches; in all commands."""
    assert run("draw", "-N", "5", "-B", "2", "--sampling", "replacement").splitlines()[1:3] == ["0  ░ ░", "1  ░ ░"]
    count = fd.coefficient("[a a]", fd.Spacetime(5, 2, 2, sampling="replacement"))
    assert f" {count} " in run("table", "2", "-N", "5", "-B", "2", "--sampling", "replacement")


def test_last_batches_elsewhere():
    assert run("draw", "-N", "5", "-B", "2", "-E", "1", "--last", "keep").splitlines()[-1].split() == ["4", "·", "·", "░"]
    assert "9/5" in run("table", "2", "-N", "5", "-B", "2", "-E", "2", "--last", "drop")
    kept = fd.coefficient("[a a]", fd.Spacetime(5, 2, E=2, last="keep"))
    assert f" {kept} " in run("table", "2", "-N", "5", "-B", "2", "-E", "2", "--last", "keep")
    for command, words in ((("table", "2", "--last", "drop"), "belong to a spacetime"), (("draw", "[a]", "--last", "drop"), "belong to a spacetime")):
        done = CliRunner().invoke(main, list(command))
        assert done.exit_code == 2
        assert words in done.output
