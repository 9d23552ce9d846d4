"""Values that are too much work, beside the limit of stability, and overflow that is told."""

import math
import time
import warnings
from fractions import Fraction

import numpy as np
import pytest
from mpmath import mp, mpf

import fastdiag as fd
from fastdiag import updates
from fastdiag.errors import InputError, TooLargeError

FOREVER = fd.Spacetime(math.inf, 1, math.inf)


def chain(nodes, together=False):
    return fd.Diagram([-1, *range(nodes - 1)], [0] * nodes if together else range(nodes))


def points(*hessians, scale=1.0):
    gradients = [[scale], [-scale / 2]]
    return fd.landscapes.samples([0.0, 0.0], gradients, [[[h]] for h in hessians], np.zeros((2, 1, 1, 1)))


REFUSED = [
    lambda: fd.uvalue(chain(13, together=True), points(1.0, 2.0)),
    lambda: fd.uvalue(chain(61, together=True), points(1.0, 2.0)),
    lambda: fd.uvalue(chain(13, together=True), fd.landscapes.gauss()),
]


@pytest.mark.parametrize("call", REFUSED)
def test_too_much_work_is_refused_before_it_is_begun(call):
    begun = time.process_time()
    with pytest.raises(TooLargeError):
        call()
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("nodes", [53, 54, 60, 200])
def test_more_labels_than_einsum_has(nodes):
    """A chain of lone nodes is G H H ... H G."""
    H, G = np.array([[1.0, 0.5], [0.5, -0.25]]), np.array([1.0, 2.0])
    land = fd.landscapes.samples([0.0], [G], [H])
    assert fd.uvalue(chain(nodes), land) == pytest.approx(float(G @ np.linalg.matrix_power(H, nodes - 2) @ G), rel=1e-11)


@pytest.mark.parametrize(
    ("rule", "limit"),
    [(None, 2.0), (updates.momentum(0.5), 3.0), (updates.momentum(0.9), 3.8), (updates.nesterov(0.5), 1.5), (updates.weight_decay(0.5), 1.5),
     (updates.weight_decay(0.1), 1.9), (updates.weight_decay(1.0), 1.0), (updates.weight_decay(Fraction(1, 2)), 1.5)],
    ids=repr,
)
def test_no_limit_on_the_limit_of_stability(rule, limit):
    turn = np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]])
    for h, eta in ((limit, 1.0), (1.0, limit), (limit / 3, 3.0), (np.nextafter(limit, 0), 1.0), (1.0, np.nextafter(limit, 0))):
        plane = fd.landscapes.samples([0.0, 0.0], [[1.0, 2.0], [-1.0, 0.5]], [turn @ np.diag([h, h / 3]) @ turn.T] * 2)
        for land in (points(h, h), plane):
            with pytest.raises(InputError, match="eta h"):
                fd.rvalue("[a a]", land, FOREVER, eta, update=rule)
    assert np.isfinite(fd.rvalue("[a a]", points(1.0, 1.0), FOREVER, limit * (1 - 1e-9), update=rule))


def scaled_moment(eta, h, T):
    """E[(theta_T)^2] of mean gradient 1/4: (eta G (1 - k^T) / (1 - k))^2."""
    with mp.workdps(60):
        k = 1 - mpf(eta) * mpf(h)
        return float((mpf(eta) * mpf("0.25") * (1 - k**T) / (1 - k)) ** 2)


def test_digits_beside_two():
    p = fd.predict(points(0.5, 1.5), fd.Spacetime(1, 1, 10**9), 2 - 2.0**-20, 3)
    assert p.total == pytest.approx(0.328125, rel=1e-12)  # 21 / 64, as T goes on, to 2^-20 of the third order
    for eta, T in ((2 - 1e-12, 10**6), (2 - 1e-6, 10**6 + 1), (2 - 2.0**-8, 1000), (2 + 1e-7, 10**5)):
        p = fd.predict(points(1.0, 1.0), fd.Spacetime(10**9, 1, T), eta, 2, "covariance")
        assert p.by_diagram[fd.Diagram.parse("[a b]")].item() == pytest.approx(scaled_moment(eta, 1.0, T), rel=1e-12)
    limit = fd.rvalue("[a b]", points(1.0, 1.0), FOREVER, 2 - 1e-9)
    assert limit == pytest.approx(0.5 / 16, rel=1e-14)


def test_overflow_is_told_by_all():
    huge, falling, rising = points(1e200, 1e200, scale=1e200), points(-1.0, -1.0), points(1.0, 1.0)
    calls = [
        lambda: fd.uvalue("[a]", huge), lambda: fd.uvalue("[a a]", huge), lambda: fd.estimate("[a]", huge).value,
        lambda: fd.rvalue("[a a]", falling, fd.Spacetime(5000, 1, 5000), 1e18),
        lambda: fd.rvalue("[a a]", falling, fd.Spacetime(5, 1, 2), 1e18, continuous=True),
        lambda: fd.rvalue("[a a]", falling, fd.Spacetime(5, 1, 2), 1e308, continuous=True),
        lambda: fd.predict(huge, fd.Spacetime(2, 1, 2), 1.0, 2).total,
    ]
    for call in calls:
        with pytest.warns(RuntimeWarning, match="overflows") as seen:
            assert not np.isfinite(call())
        assert [w.filename for w in seen] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for eta in (1e17, 1e18, 1e100):  # C H eta^2 / 2 times the integral of exp(-2 eta h t)
            found = fd.rvalue("[a a]", rising, fd.Spacetime(5, 1, 2), eta, continuous=True)
            assert found == pytest.approx(eta / 4 * 9 / 16, rel=1e-12)
