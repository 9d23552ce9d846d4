"""Resummed sums whose work is foreseen: refused before they are begun, or done."""

import time
from fractions import Fraction

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag import progress
from fastdiag.errors import TooLargeError
from fastdiag.expansion.diagram_sum import irreducible_diagrams, summands
from fastdiag.expansion.observables import observable_named
from fastdiag.values.by_structure import foreseen
from fastdiag.values.eigenbasis import eigenbasis_of
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


RNG = np.random.default_rng(0)
MANY = fd.landscapes.logistic(RNG.normal(size=(150, 100)) / 10, RNG.integers(0, 2, 150), np.zeros(100))


def by_structure(order, spacetime, rates=1, land=MANY):
    basis, roots = eigenbasis_of(land), {}
    for _, diagram, some in summands(observable_named("test_loss"), order, irreducible_diagrams):
        roots[diagram] = some
    few = {diagram: foreseen(diagram, basis, some, rates, [spacetime]) for diagram, some in roots.items()}
    return check_sums(roots, order, land.dimension, [spacetime], rates, None, None, float("inf"), few.get)


def test_sums_by_structure_are_foreseen():
    """They take less than sums over all indices, and more for more of anything."""
    one, dense = by_structure(4, fresh(N=30, E=1)), seconds(4, fresh(N=30, E=1), weights=100)
    assert 0 < one < dense / 20
    larger = fd.landscapes.softmax(MANY.X, np.arange(150) % 3)
    more = {"order": by_structure(5, fresh(N=30, E=1)), "weights": by_structure(4, fresh(N=30, E=1), land=larger),
            "epochs": by_structure(4, fresh(N=30, E=2, sampling="cyclic")), "rates": by_structure(4, fresh(N=30, E=1), 50)}
    assert all(there > 1.3 * one for there in more.values()), more
    assert by_structure(3, fresh(N=30, E=1), 2000) > 4 * by_structure(3, fresh(N=30, E=1), 1000)  # too many for structure
    apart = [check_sums([fd.Diagram.parse("[a[b c]]")], 3, 100, [fresh()], 1, None, None, float("inf"), lambda _, some=some: some)
             for some in [(10**6, 0.0), (10**7, 0.0), (10**6, 3.0)]]
    assert apart[1] > 5 * apart[0] > 0
    assert apart[2] == pytest.approx(apart[0] + 3)


def test_patience_with_sums_by_structure():
    with pytest.raises(TooLargeError, match=r"more than 0.001 minutes"):
        fd.predict(MANY, fresh(N=30, E=1), 0.1, 3, patience=0.001)
    assert fd.predict(MANY, fresh(N=30, E=1), 0.1, 3).order == 3


@pytest.mark.parametrize(("text", "what"), [("[a a a]", "updates of [a a a]"), ("[a[b c]]", "sums over maps of [a[b c]]")])
def test_one_long_sum_shows_a_bar(text, what, monkeypatch, capsys):
    monkeypatch.setattr(progress, "is_terminal", lambda stream: True)
    monkeypatch.setattr(progress, "PATIENCE", 600.0)
    fd.rvalue(text, MANY, fresh(N=30, E=1), 0.1)
    assert "of [" not in capsys.readouterr().err
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    fd.rvalue(text, MANY, fresh(N=30, E=1), 0.1)
    assert what in capsys.readouterr().err
