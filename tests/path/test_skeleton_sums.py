"""Sums over skeletons about the path, beside brute force in Fractions with noise scaled by eps; and beside the recursions."""

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdiag as fd
from fastdiag.errors import InputError, TooLargeError, UnsupportedError
from fastdiag.expansion.about_path import about_path, skeleton_series
from fastdiag.expansion.diagram_sum import diagram_sum
from fastdiag.expansion.observables import OBSERVABLES, observable_named
from fastdiag.path import predicted_about_path
from fastdiag.path.path_worth import PathWorth
from fastdiag.values.root import Root
from oracles.noise_oracle import Descent, centred, landscape, observables

F = Fraction
LINE = {(1,): F(1), (2,): F(3, 2), (3,): F(-1, 2), (4,): F(1, 4)}
LINE_NOISE = centred([{(1,): F(1), (2,): F(1, 2)}, {(1,): F(-1), (2,): F(1), (3,): F(1, 3)}], [F(1, 3), F(2, 3)])
PLANE = {(1, 0): F(1), (2, 0): F(1), (0, 2): F(2), (1, 1): F(1, 2), (3, 0): F(1, 3), (1, 2): F(-1, 2), (0, 1): F(-1)}
PLANE_NOISE = centred([{(1, 0): F(1), (1, 1): F(1)}, {(0, 1): F(2), (2, 0): F(-1), (0, 3): F(1, 2)}], [F(1, 4), F(3, 4)])
PROBLEMS = {
    "line": (LINE, LINE_NOISE, [F(1, 3), F(2, 3)], [F(1, 2)], F(1, 7)),
    "plane": (PLANE, PLANE_NOISE, [F(1, 4), F(3, 4)], [F(1, 2), F(-1)], F(1, 5)),
}
# N, B, T, sampling: one epoch and several, partial ones, full batches
CASES = [
    (3, 1, 3, "reshuffle"), (4, 2, 2, "reshuffle"), (4, 1, 3, "reshuffle"), (3, 1, 2, "cyclic"),
    (2, 1, 3, "reshuffle"), (2, 1, 4, "reshuffle"), (4, 2, 3, "reshuffle"), (2, 2, 3, "reshuffle"),
    (2, 1, 3, "cyclic"), (2, 1, 4, "cyclic"), (4, 2, 3, "cyclic"), (2, 2, 3, "cyclic"),
    (2, 1, 3, "replacement"), (3, 2, 2, "replacement"),
]


@lru_cache
def of_eps(power, shares):
    """The skeletons whose tied nodes are so many: each has one power of eps."""
    return [
        D for noise in range(max(power, 1)) for D in fd.skeletons(noise, root_shares=shares)
        if sum(len(part) for part in D.parts if len(part) > 1) == power
    ]


def by_eps(land, spacetime, eta, power, name, update=None, metric=None):
    """The powers of eps of an observable, by `diagram_sum` with that list of skeletons."""
    worth = PathWorth(land, [spacetime], [eta], metric, max(power - 1, 0), update)
    fixed = spacetime.sampling == "cyclic" or spacetime.is_one_epoch
    found, _ = diagram_sum(observable_named(name), power, of_eps, worth, fixed)
    if name == "displacement":
        found[0] = worth.displacement()
    return [np.asarray(x[0, 0], dtype=object).tolist() for x in found]


def compare(problem, spacetime, power, names=OBSERVABLES):
    loss, noises, chances, start, eta = problem
    N, B, T, sampling = spacetime
    expected = observables(loss, noises, chances, start, eta, N, B, T, sampling, power)
    land = landscape(loss, noises, chances, start)
    for name in names:
        assert by_eps(land, fd.Spacetime(N, B, T, sampling=sampling), eta, power, name) == expected[name], name
    return expected


IN_THE_PLANE = [CASES[1], CASES[4], CASES[8], CASES[12]]


@pytest.mark.parametrize(
    ("problem", "spacetime"),
    [("line", case) for case in CASES]
    + [pytest.param("plane", case, marks=() if case in IN_THE_PLANE else pytest.mark.long) for case in CASES],
)
def test_the_third_power_of_the_noise(problem, spacetime):
    expected = compare(PROBLEMS[problem], spacetime, 3)
    assert all(np.any(expected[name][3]) for name in ("test_loss", "covariance"))


@pytest.mark.parametrize("spacetime", [(3, 1, 2, "reshuffle")])
def test_the_fourth_power_of_the_noise(spacetime):
    """Two pairs of noise order 2, four nodes together of noise order 3."""
    compare(PROBLEMS["line"], spacetime, 4)


@pytest.mark.long
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("spacetime", CASES)
def test_the_fourth_power_everywhere(problem, spacetime):
    compare(PROBLEMS[problem], spacetime, 4)


RULES = {
    "momentum": (fd.updates.momentum(F(1, 2)), {"mu": F(1, 2)}),
    "nesterov": (fd.updates.nesterov(F(1, 2)), {"mu": F(1, 2), "nesterov": True}),
    "decay": (fd.updates.weight_decay(F(1, 10)), {"decay": F(1, 10)}),
    "schedule": (fd.updates.schedule([F(1, t + 1) for t in range(9)]), {"rates": [F(1, t + 1) for t in range(9)]}),
    "momentum with a schedule": (
        fd.updates.momentum(F(-1, 3)).with_schedule([F(1), F(2), F(1, 2)]), {"mu": F(-1, 3), "rates": [F(1), F(2), F(1, 2)]}
    ),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("problem", ["line", pytest.param("plane", marks=pytest.mark.long)])
@pytest.mark.parametrize(("N", "B", "T", "sampling"), [(3, 1, 3, "reshuffle"), (2, 1, 3, "reshuffle"), (2, 1, 3, "cyclic")])
def test_rules(rule, problem, N, B, T, sampling):
    loss, noises, chances, start, eta = PROBLEMS[problem]
    update, options = RULES[rule]
    expected = observables(loss, noises, chances, start, eta, N, B, T, sampling, 3, lambda x, eta: Descent(x, eta, **options))
    land, power = landscape(loss, noises, chances, start), 3 if problem == "line" else 2
    for name in OBSERVABLES:
        found = by_eps(land, fd.Spacetime(N, B, T, sampling=sampling), eta, power, name, update)
        assert found == expected[name][: power + 1], name


def test_a_matrix_of_learning_rates():
    loss, noises, chances, start, _ = PROBLEMS["plane"]
    matrix = [[F(1, 5), F(1, 20)], [F(1, 20), F(1, 8)]]
    expected = observables(loss, noises, chances, start, matrix, 2, 1, 3, "reshuffle", 3)
    land, metric = landscape(loss, noises, chances, start), np.array(matrix, dtype=object)
    for name in OBSERVABLES:
        assert by_eps(land, fd.Spacetime(2, T=3), F(1), 3, name, metric=metric) == expected[name], name


small = st.fractions(min_value=-1, max_value=1, max_denominator=4)


@st.composite
def problems(draw):
    n = draw(st.integers(1, 2))
    exponents = [(k,) for k in range(1, 5)] if n == 1 else [(1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (2, 1), (0, 3)]
    chance = draw(st.fractions(min_value=F(1, 5), max_value=F(4, 5), max_denominator=5))
    chances = [chance, 1 - chance]
    polynomial = st.fixed_dictionaries(dict.fromkeys(exponents, small))
    noises = centred([draw(polynomial), draw(polynomial)], chances)
    start = [draw(small) for _ in range(n)]
    return draw(polynomial), noises, chances, start, draw(st.fractions(min_value=F(1, 9), max_value=F(1, 2), max_denominator=9))


@settings(max_examples=5, deadline=None)
@given(problems(), st.sampled_from(CASES[:11]), st.sampled_from(OBSERVABLES))
def test_drawn_losses(problem, spacetime, name):
    N, B, T, sampling = spacetime
    compare(problem, (N, B, min(T, 3), sampling), 3, [name])


@pytest.mark.parametrize("problem", ["line", pytest.param("plane", marks=pytest.mark.long)])
@pytest.mark.parametrize("spacetime", [(4, 1, 3, "reshuffle"), (4, 2, 2, "reshuffle"), (math.inf, 1, 3, "reshuffle")])
def test_recursions_of_noise_two(problem, spacetime):
    """As Fractions, every observable by noise order, and by skeleton."""
    loss, noises, chances, start, eta = PROBLEMS[problem]
    land, times = landscape(loss, noises, chances, start), [fd.Spacetime(*spacetime[:3], sampling=spacetime[3])]
    for name in OBSERVABLES:
        found, other = skeleton_series(land, times, [eta], 2, name), predicted_about_path(land, times, [eta], 2, name)
        assert [x.tolist() for x in found.by_order] == [x.tolist() for x in other.by_order], name
        other_by_skeleton = {str(fd.Diagram.parse(text)): value for text, value in other.by_skeleton.items()}
        assert all((value == found.by_skeleton.get(text, 0)).all() for text, value in other_by_skeleton.items()), name
        count = {"test_loss": 34, "train_loss": 34, "displacement": 17, "covariance": 11}.get(name, 0)
        assert len(set(other_by_skeleton) & {str(D) for D in fd.skeletons(2)}) == count, name
        if name == "test_loss":
            assert not any(value.any() for text, value in found.by_skeleton.items() if text not in other_by_skeleton)


def test_noise_two_by_skeleton_on_a_plane():
    """In one dimension skeletons whose legs are exchanged would have the same value."""
    loss, noises, chances, start, eta = PROBLEMS["plane"]
    land, times = landscape(loss, noises, chances, start), [fd.Spacetime(4, T=3)]
    worth, found = PathWorth(land, times, [float(eta)], None, 2, None), predicted_about_path(land, times, [float(eta)], 2)
    of = {fd.Diagram.parse(text): value.item() for text, value in found.by_skeleton.items()}
    for text in ("[a d[a[b] b]]", "[a[b] d[a b]]", "[b d[a a[b]]]", "[c[a b] d[a b]]", "[a d[b c[a b]]]"):
        assert of[D := fd.Diagram.parse(text)] == pytest.approx(worth.value(D, [Root(nodes=((0, 1),))]).item(), rel=1e-10), text


@pytest.mark.parametrize(("N", "B", "T", "sampling"), [(3, 1, 7, "reshuffle"), (4, 2, 5, "cyclic"), (3, 2, 4, "replacement")])
@pytest.mark.parametrize("name", OBSERVABLES)
def test_recursions_of_noise_one(N, B, T, sampling, name):
    """Several epochs, momentum, in floats on logistic losses: several rates and times at once."""
    rng = np.random.default_rng(2)
    land = fd.landscapes.logistic(rng.normal(size=(6, 2)), [0, 1] * 3, [0.3, -0.2], ridge=0.1)
    times = [fd.Spacetime(N, B, t, sampling=sampling) for t in (2, T)]
    for update in (None, fd.updates.momentum(0.5)):
        found = skeleton_series(land, times, [0.1, 0.4], 1, name, update)
        other = predicted_about_path(land, times, [0.1, 0.4], 1, name, update)
        for mine, theirs in zip(found.by_order, other.by_order, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-15)


def test_recursions_on_logistic_losses():
    """Noise order 2 of one epoch, in floats."""
    rng = np.random.default_rng(3)
    land = fd.landscapes.logistic(rng.normal(size=(5, 2)), [0, 1, 0, 1, 1], [0.3, -0.2], ridge=0.1)
    times = [fd.Spacetime(4, 2, 2)]
    for name in OBSERVABLES:
        found, other = (about(land, times, [0.5], 2, name) for about in (skeleton_series, predicted_about_path))
        for mine, theirs in zip(found.by_order, other.by_order, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("name", ["covariance", pytest.param("train_loss", marks=pytest.mark.long)])
@pytest.mark.parametrize("sampling", ["reshuffle", *(pytest.param(name, marks=pytest.mark.long) for name in ("cyclic", "replacement"))])
def test_floats_are_near_fractions(sampling, name):
    """Noise order 2 over two epochs, which has no recursion, by two learning rates and numbers of updates at once."""
    loss, noises, chances, start, _ = PROBLEMS["line"]
    land, times = landscape(loss, noises, chances, start), [fd.Spacetime(2, T=T, sampling=sampling) for T in (1, 3)]
    near = about_path(land, times, [1 / 7, 0.25], 2, name)
    exact = about_path(land, times, [F(1, 7), F(1, 4)], 2, name)
    for close, true in zip(near.by_order, exact.by_order, strict=True):
        np.testing.assert_allclose(close, true.astype(float), rtol=1e-11, atol=1e-15)
    one = about_path(land, times[1:], [F(1, 4)], 2, name)
    assert all(x[0, 0] == many[1, 1] for x, many in zip(one.by_order, exact.by_order, strict=True))
    assert set(exact.by_skeleton) == set(near.by_skeleton) > {"[]", "[a a]"}


def test_a_loss_is_the_sum_of_its_skeletons():
    loss, noises, chances, start, eta = PROBLEMS["line"]
    series = about_path(landscape(loss, noises, chances, start), [fd.Spacetime(2, T=4)], [eta], 2)
    assert len(series.by_skeleton) == 82
    assert sum(series.by_skeleton.values()).item() == sum(series.by_order).item()
    assert series.by_order[2].item() == sum(series.by_skeleton[str(D)].item() for D in fd.skeletons(2))


def test_data_of_a_normal_law():
    """Noise order 3 ties four nodes: the points have the mean of the product of four tensors."""
    w, x = sympy.symbols("w x")
    land = fd.landscapes.symbolic((w - x) ** 2 / 2 + x**2 * w / 2, [w], [x], fd.landscapes.normal(0, 1), [1])
    xi = -x + (x**2 - 1) / 2

    def mean(formula):
        return sum(c * sympy.factorial2(p - 1) for (p,), c in sympy.Poly(formula, x).terms() if p % 2 == 0)

    fourth = mean(xi**4) - 3 * mean(xi**2) ** 2
    for rate in (F(1, 2), 0.5):
        worth = PathWorth(land, [fd.Spacetime(4, T=1)], [rate], None, 3, None)
        found = worth.value(fd.Diagram.parse("[a a a a]"), [Root(nodes=((0, 1), (2, 3)))]).item()
        assert found == pytest.approx(float(fourth) / 2**4 / 24, rel=1e-12)
        assert isinstance(rate, float) or found == F(int(fourth.p), int(fourth.q)) / 2**4 / 24


def test_what_is_refused():
    """Before it is begun, with what to do instead."""
    loss, noises, chances, start, eta = PROBLEMS["line"]
    land, several = landscape(loss, noises, chances, start), [fd.Spacetime(2, T=4)]
    many = fd.landscapes.logistic(np.ones((400, 1)), [0, 1] * 200, [0.0])
    with pytest.raises(TooLargeError, match=r"the skeleton .* takes 10\^\d+ numbers"):
        about_path(many, [fd.Spacetime(1, T=2, sampling="cyclic")], [0.1], 3)
    wide = fd.landscapes.logistic(np.eye(40), [0, 1] * 20, np.zeros(40))
    with pytest.raises(TooLargeError, match=r"5 minutes \(patience=5\); give noise=1"):
        about_path(wide, [fd.Spacetime(4, T=8)], [0.1], 2)
    with pytest.raises(TooLargeError, match=r"5 minutes \(patience=5\); give noise=1"):
        about_path(land, [fd.Spacetime(2, T=10**6)], [eta], 2)
    with pytest.raises(TooLargeError, match=r"5 minutes \(patience=5\); give noise=1"):
        about_path(land, several, [eta], 4)
    with pytest.raises(TooLargeError, match="half a million"):
        about_path(land, several, [eta], 5)
    with pytest.raises(InputError, match="T = inf"):
        about_path(land, [fd.Spacetime(2, T=math.inf)], [eta], 2)
    with pytest.raises(InputError, match="leaves the range of floats at update"):
        about_path(land, several, [1e80], 2)
    with pytest.raises(UnsupportedError, match="no linear rule"):
        about_path(land, several, [0.1], 3, update=fd.updates.ode())
    pairs = fd.landscapes.tensors({(1,): [1.0], (2,): [[1.0]], (1, 1): [[2.0]]})
    with pytest.raises(UnsupportedError, match="no points"):
        about_path(pairs, several, [0.1], 2)
    with pytest.raises(UnsupportedError, match="not estimated"):
        about_path(fd.landscapes.estimated(many), several, [0.1], 2)
