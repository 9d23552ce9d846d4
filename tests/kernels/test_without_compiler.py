"""Kernels as plain Python, in a process that never compiles, beside the compiled ones: one source, one answer."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sympy

import fastdiag as fd
from oracles.enumerated_runs import EVERY_KIND, landscape
from oracles.plain_sgd import logistic
from oracles.random_points import landscape as random_points
from oracles.ruled_runs import ETAS, GRIDS, RULES

METRIC = np.array([[0.15, 0.05], [0.05, 0.08]])
FUNCTIONS = [
    "exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
    "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "Abs", "sign",
]
SUMS = {
    "one epoch": fd.Spacetime(9, T=9),
    "part of an epoch": fd.Spacetime(12, 2, 4),
    "cyclic": fd.Spacetime(4, 2, 5, sampling="cyclic"),
    "reshuffle": fd.Spacetime(4, 1, 10),
    "replacement": fd.Spacetime(5, 2, 4, sampling="replacement"),
    "for ever": fd.Spacetime(math.inf, 1, math.inf),
}


def runs(land, grid, eta, *names, **options):
    return [
        np.ravel(fd.simulate(land, grid, eta, 3, observable=name, threads=1, **options).mean).tolist() for name in names
    ]


def ruled(kind, rule):
    update, place = RULES[rule][0], list(RULES).index(rule)
    eta = METRIC if place % 2 and kind not in ("softmax", "squares") else ETAS[kind]
    names = ("displacement",) if kind == "field" else ("train_loss", "test_loss")
    return runs(landscape(kind), list(GRIDS.values())[place % len(GRIDS)], eta, *names, update=update)


def process(kind, method):
    eta = METRIC if landscape(kind).dimension == 2 else 0.1
    return runs(landscape(kind), GRIDS["batches"], eta, "displacement", method=method, refinement=2)


def corrected(kind, batch):
    return runs(
        landscape(kind), fd.Spacetime(3, batch, 3, last="keep"), 0.1, "train_loss", update=fd.updates.corrected(0.5, 0.25)
    )


def points_of_one_weight():
    return runs(logistic(), GRIDS["cyclic"], [0.1, 0.5], "test_loss", "train_loss")


def formula(name):
    """A loss with a function in it, whose slopes hold others; x is where all but acosh are real."""
    w, x = sympy.symbols("w x")
    inside = sympy.Rational(3, 2) + x / 4 if name == "acosh" else sympy.Rational(1, 2) + x / 4
    loss = (
        (w - getattr(sympy, name)(inside)) ** 2 / 2
        + sympy.Max(x, 0) * w
        + sympy.Piecewise((w, x < 0), ((1 + w**2) ** sympy.Rational(4, 3), True))
        - sympy.Min(w, x)
    )
    land = fd.landscapes.symbolic(
        loss, w, x, fd.landscapes.finite({-1: sympy.Rational(1, 2), 1: sympy.Rational(1, 2)}), at=[1]
    )
    return runs(land, GRIDS["two epochs"], 0.1, "test_loss", "train_loss")


def resummed(grid, continuous):
    land = random_points(1, 2)
    if grid == "for ever" or continuous:  # only a curvature above 0 has a limit
        x = np.array([[1.0, 0.5], [-0.5, 1.0], [0.3, -0.2]])
        land = fd.landscapes.samples(np.zeros(3), x, np.einsum("si,sj->sij", x, x) + np.eye(2), 0)
    return [
        fd.rvalue(D, land, SUMS[grid], 0.1, continuous=continuous)
        for order in (1, 2, 3)
        for D in fd.diagrams(order, irreducible=True)
    ]


def curve():
    return fd.predict(random_points(1, 2), fd.Spacetime(9, T=9), [0.1, 0.2], 3, T=[2, 9, 5]).total.tolist()


def counted(order, sampling, B, T, basis):
    found = fd.count_maps(fd.diagrams(order), fd.Spacetime(4, B, max(T), sampling=sampling), basis, T=T)
    return [found.numerators.ravel().tolist(), found.denominator]


def listed(text, basis, sampling):
    st = fd.Spacetime(4, 2, 4, sampling=sampling)
    found = sorted(str((e.cells, e.stabilizer)) for e in fd.embeddings(text, st, basis)) if sampling == "cyclic" else []
    return [*found, {str(key): str(n) for key, n in fd.embedding_counts(text, st, basis).items()}]


def diagrams(order, root_shares):
    ds = fd.diagrams(order, root_shares=root_shares)
    return [[str(D), D.automorphisms] for D in ds] + [ds.irreducible.tolist(), ds.satisfies_path_condition.tolist()]


CASES = (
    [(ruled, kind, rule) for kind in EVERY_KIND for rule in RULES if (kind, rule) != ("field", "newton")]
    + [(process, kind, method) for kind in EVERY_KIND for method in ("ode", "sde")]
    + [(corrected, kind, batch) for kind in EVERY_KIND if kind != "field" for batch in (2, 3)]
    + [(points_of_one_weight,), (curve,)]
    + [(formula, name) for name in FUNCTIONS]
    + [(resummed, grid, False) for grid in SUMS]
    + [(resummed, grid, True) for grid in ("one epoch", "for ever")]
    + [
        (counted, order, sampling, 2, (3, 4), basis)
        for order in (2, 4)
        for sampling in ("reshuffle", "cyclic", "replacement")
        for basis in ("cumulant", "moment")
    ]
    + [
        (listed, text, basis, sampling)
        for text in ("[a b]", "[a a[b]]")
        for basis in ("cumulant", "moment")
        for sampling in ("cyclic", "reshuffle")
    ]
    + [(diagrams, order, shares) for order in (2, 3, 4) for shares in (False, True)]
)


def answers():
    return [function(*arguments) for function, *arguments in CASES]


@pytest.fixture(scope="module")
def plain():
    code = f"import sys; sys.path[:0] = {sys.path!r}; import json, runpy; print(json.dumps(runpy.run_path({__file__!r})['answers']()))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def close(ours, theirs):
    if isinstance(ours, list):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            close(one, other)
    else:
        assert ours == (pytest.approx(theirs, rel=1e-12, abs=1e-15) if isinstance(ours, float) else theirs)


@pytest.mark.parametrize(
    "case", range(len(CASES)), ids=lambda case: " ".join(map(str, (CASES[case][0].__name__, *CASES[case][1:])))
)
def test_one_source_one_answer(case, plain):
    function, *arguments = CASES[case]
    close(function(*arguments), plain[case])
