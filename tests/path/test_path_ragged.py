"""About the path where B does not divide N, beside brute force in Fractions at a finite learning rate."""

from fractions import Fraction

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.expansion.about_path import skeleton_series
from fastdiag.path import predicted_about_path
from oracles.noise_oracle import Descent, centred, landscape, observables

F = Fraction
NAMES = ("test_loss", "train_loss", "generalization_gap", "displacement", "covariance", "test_loss_variance")
LOSS = {(1, 0): F(1), (2, 0): F(1), (0, 2): F(2), (1, 1): F(1, 2), (3, 0): F(1, 3), (1, 2): F(-1, 2), (0, 1): F(-1)}
CHANCES, START, ETA = [F(1, 2), F(1, 2)], [F(1, 2), F(-1)], F(1, 5)
NOISES = centred([{(1, 0): F(1), (1, 1): F(1)}, {(0, 1): F(2), (2, 0): F(-1), (0, 3): F(1, 2)}], CHANCES)
LAND = landscape(LOSS, NOISES, CHANCES, START)
CASES = [(3, 2, 2, "reshuffle", "keep"), (3, 2, 4, "reshuffle", "keep"), (3, 2, 5, "cyclic", "keep"), (3, 2, 3, "reshuffle", "drop"),
         (3, 2, 2, "cyclic", "drop")]


def grid(N, B, T, sampling, last):
    return fd.Spacetime(N, B, T, sampling=sampling, last=last)


def brute(case, order, rule=Descent, problem=(LOSS, NOISES, CHANCES, START, ETA)):
    *numbers, last = case
    return observables(*problem, *numbers, order, rule, last=last)


def told(series):
    return [np.asarray(order[0, 0], dtype=object).tolist() for order in series.by_order]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_noise_of_first_order(case):
    expected = brute(case, 2)
    for name in NAMES:
        wanted = [expected[name][0], expected[name][2]]
        assert told(predicted_about_path(LAND, [grid(*case)], [ETA], 1, name)) == wanted, name
        near = told(predicted_about_path(LAND, [grid(*case)], [float(ETA)], 1, name))
        for found, exact in zip(near, wanted, strict=True):
            assert np.array(found) == pytest.approx(np.array(exact, float), rel=1e-12, abs=1e-15), name


@pytest.mark.parametrize("case", CASES[:1] + CASES[2:3], ids=str)
def test_skeletons_and_momentum(case):
    expected = brute(case, 2, lambda theta, eta: Descent(theta, eta, mu=F(1, 2)))
    fast = fd.updates.momentum(F(1, 2))
    for name in NAMES[:2]:
        wanted = [expected[name][0], expected[name][2]]
        assert told(predicted_about_path(LAND, [grid(*case)], [ETA], 1, name, fast)) == wanted, name
        assert told(skeleton_series(LAND, [grid(*case)], [ETA], 1, name, fast)) == wanted, name
        near = told(skeleton_series(LAND, [grid(*case)], [float(ETA)], 1, name, fast))
        assert near == pytest.approx([float(x) for x in wanted], rel=1e-12), name


LINE = {(1,): F(1), (2,): F(3, 2), (3,): F(-1, 2)}
QUIET = [{(1,): F(1)}, {(1,): F(-1)}, {}]  # the fourth cumulant is 0, so that eps^4 is noise order 2


@pytest.mark.parametrize("case", [(3, 2, 2, "reshuffle", "keep"), pytest.param((5, 3, 2, "reshuffle", "keep"), marks=pytest.mark.long)], ids=str)
def test_noise_of_second_order_in_one_epoch(case):
    chances = [F(1, 6), F(1, 6), F(2, 3)]
    expected = brute(case, 4, problem=(LINE, QUIET, chances, [F(1, 2)], F(1, 7)))
    land = landscape(LINE, QUIET, chances, [F(1, 2)])
    for name in NAMES:
        assert told(predicted_about_path(land, [grid(*case)], [F(1, 7)], 2, name))[2] == expected[name][4], name


@pytest.mark.long
@pytest.mark.parametrize("case", [(3, 2, 4, "reshuffle", "keep"), (3, 2, 4, "cyclic", "keep"), (3, 2, 2, "reshuffle", "drop")], ids=str)
def test_skeletons_of_third_order_in_eps(case):
    """eps^3: parts of three nodes, which are of noise order 2; the parts of two and two are eps^4."""
    noises, chances = centred([{(1,): F(1), (2,): F(1, 2)}, {(1,): F(-1), (2,): F(1)}], [F(1, 3), F(2, 3)]), [F(1, 3), F(2, 3)]
    expected = brute(case, 3, problem=(LINE, noises, chances, [F(1, 2)], F(1, 7)))["test_loss"]
    land = landscape(LINE, noises, chances, [F(1, 2)])
    series = skeleton_series(land, [grid(*case)], [F(1, 7)], 2)
    cubes = [x[0, 0] for text, x in series.by_skeleton.items() if sum(len(p) for p in fd.Diagram.parse(text).parts if len(p) > 1) == 3]
    assert sum(cubes) == expected[3]
