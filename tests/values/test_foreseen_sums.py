"""Resummed sums whose work is foreseen: refused before they are begun, or done."""

import time
from fractions import Fraction

import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import TooLargeError
from fastdiag.expansion.diagram_sum import irreducible_diagrams, summands
from fastdiag.expansion.observables import observable_named
from fastdiag.values.foreseen_sums import check_sums

w, x = sympy.symbols("w x")
FOUR = fd.landscapes.finite(dict.fromkeys(range(4), Fraction(1, 4)))
LAND = fd.landscapes.symbolic(w**2 + w**4 * x / 10 + x * w, w, x, FOUR, at=[1])


def fresh(N=4, E=3, sampling="reshuffle"):
    return fd.Spacetime(N, 1, E=E, sampling=sampling)


LONG = pytest.mark.long  # to list the diagrams, or their ties, takes seconds


@pytest.mark.parametrize(("order", "spacetime", "options"), [
    (6, fresh(sampling="cyclic"), {}), (7, fresh(), {}), (5, fresh(E=1), {"training_set": "given", "T": [1, 2, 3], "patience": 1e-3}),
    pytest.param(6, fresh(), {"training_set": "given"}, marks=LONG), pytest.param(8, fresh(E=1), {}, marks=LONG),
    pytest.param(6, fresh(sampling="replacement"), {"training_set": "given"}, marks=LONG),
])
def test_what_takes_long_is_refused_at_once(order, spacetime, options):
    begun = time.monotonic()
    with pytest.raises(TooLargeError, match=r"more than .* minutes \(patience=.*\); ask for a lower order"):
        fd.predict(LAND, spacetime, 0.01, order, **options)
    assert time.monotonic() - begun < 30


@pytest.mark.long
def test_exact_sums_too():
    with pytest.raises(TooLargeError, match=r"minutes \(patience="):
        fd.predict(LAND, fresh(), Fraction(1, 100), 6, training_set="given")


def test_patience_is_what_may_be_waited_for():
    ask = {"landscape": LAND, "spacetime": fresh(), "eta": 0.01, "order": 4, "training_set": "given"}
    with pytest.raises(TooLargeError, match=r"more than 1e-05 minutes"):
        fd.predict(**ask, patience=1e-5)
    assert fd.predict(**ask).total == fd.predict(**ask, patience=float("inf")).total


def test_trust_does_not_wait_for_the_next_order():
    """It may take six seconds; what took longer is not asked."""
    p = fd.predict(LAND, fresh(N=4, E=3, sampling="cyclic"), 0.001, 4)
    assert p.trust.next_order is None
    assert p.trust.error == p.trust.sizes[-1]
    assert fd.predict(LAND, fresh(E=1), 0.001, 3).trust.next_order > 0


def seconds(order, spacetime, rates=1, update=None, points=None, weights=2):
    listed = (diagram for _, diagram, _ in summands(observable_named("test_loss"), order, irreducible_diagrams))
    return check_sums(listed, order, weights, [spacetime], rates, update, points, float("inf"))


def test_more_is_foreseen_to_take_longer():
    here = seconds(4, fresh())
    assert here > 0
    more = {"order": seconds(5, fresh()), "one order of the rows": seconds(4, fresh(sampling="cyclic")),
            "points": seconds(4, fresh(), points=4), "rates": seconds(4, fresh(), 10**5), "weights": seconds(4, fresh(), weights=40)}
    assert all(there > 1.5 * here for there in more.values()), more
    assert seconds(4, fresh(E=1)) < here / 2
    assert seconds(2, fresh()) == 0
