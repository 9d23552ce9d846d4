"""One spacetime made to follow another: the closed form, the engine's, and both runs listed in Fractions."""

from fractions import Fraction

import pytest

import fastdiag as fd
from oracles.corrected_descent import corrected_test_loss, estimated_noise, noise_of, plus, square
from oracles.oracle import mean_loss, sgd_test_loss

F, emulation = Fraction, fd.results.emulation

LOSSES = [
    {(1, 0): F(2), (0, 1): F(-1), (2, 0): F(1), (1, 1): F(1, 2), (0, 2): F(1), (2, 1): F(1, 3)},
    {(1, 0): F(-1), (0, 1): F(3), (2, 0): F(3), (1, 1): F(-1), (0, 2): F(2), (0, 3): F(1, 2)},
]
WEIGHTS = [F(1, 3), F(2, 3)]
GD, TWICE, ONCE = fd.Spacetime(2, 2, E=2), fd.Spacetime(2, 1, E=2), fd.Spacetime(2, 1, E=1)


@pytest.mark.parametrize(("st", "rate", "like"), [(GD, F(2), TWICE), (GD, F(1), ONCE), (TWICE, F(1, 2), ONCE)])
def test_the_test_loss_is_followed_to_order_2(st, rate, like):
    c, b = emulation(st, rate, like, 1)
    assert (c, b) == emulation.derived(st, rate, like, 1)
    penalty = plus((c, noise_of(LOSSES, WEIGHTS)), (b / 2, square(mean_loss(LOSSES, WEIGHTS))))
    sgd = sgd_test_loss(LOSSES, WEIGHTS, 2, 1, like.T, "reshuffle", 3)
    plain, led = (
        corrected_test_loss(LOSSES, WEIGHTS, 2, st.B, st.T, lambda rows, p=p: p, 3, rate) for p in (plus(), penalty)
    )
    assert led[:3] == sgd[:3]
    assert led[3] != sgd[3]
    assert plain[2] != sgd[2]


def test_gdc_is_one_of_them():
    """Corollary 3's regularizer; the estimate of the noise from the training points does as well."""
    land = fd.landscapes.samples([0, 0], [[2.0, -1.0], [-1.0, 3.0]], [[[2, 1], [1, 2]], [[6, -1], [-1, 4]]])
    c, b = emulation(fd.Spacetime(5, 5, E=5), 0.1, fd.Spacetime(5, 1, E=1))
    slope = 2 * land.part(((0, 1), (1,))).sum(axis=1)
    assert b == 0
    assert fd.results.gdc(land, 0.1, 5) == pytest.approx(c * slope, rel=1e-14)
    c, _ = emulation(GD, 1, ONCE)
    led = corrected_test_loss(
        LOSSES, WEIGHTS, 2, 2, 2, lambda rows: plus((c, estimated_noise(LOSSES, rows))), 2,
    )
    assert led == sgd_test_loss(LOSSES, WEIGHTS, 2, 1, 2, "reshuffle", 2)


def test_what_no_drift_makes_up_for_is_refused():
    with pytest.raises(fd.errors.InputError, match=r"^N is 2 here and 4 there: a drift makes up for"):
        emulation(ONCE, 1, fd.Spacetime(4, 2, E=1))
    with pytest.raises(fd.errors.InputError, match=r"^eta T is 2 here and 4 there"):
        emulation(ONCE, 1, TWICE)
    with pytest.raises(fd.errors.InputError, match=r"whole epochs of shuffled points"):
        emulation(ONCE, 1, fd.Spacetime(2, 1, 1))
    with pytest.raises(fd.errors.InputError, match=r"coefficient of C\.H"):
        emulation.derived(fd.Spacetime(2, 1, 2, sampling="replacement"), 1, ONCE)
