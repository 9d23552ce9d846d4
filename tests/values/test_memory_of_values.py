"""Values that would not fit are refused before they are begun; what is said of memory is what is used."""

import math
import time
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.values import eigenbasis

F, L, ST, TOO_LARGE = Fraction, fd.landscapes, fd.Spacetime(N=10, T=10), fd.errors.TooLargeError
HEAVY = fd.updates.momentum(0.5)  # for which no structure is used


def points(n, rows=20):
    return L.logistic(np.random.default_rng(0).normal(size=(rows, n)), np.arange(rows) % 2, np.zeros(n))


def samples(n):
    rng = np.random.default_rng(1)
    a = rng.normal(size=(4, n))
    return L.samples(rng.normal(size=4), a, *(np.einsum(",".join("s" + "ijkl"[i] for i in range(d)) + "->s" + "ijkl"[:d], *[a] * d) for d in (2, 3)))


CASES = {
    "one diagram": (lambda: fd.rvalue("[a b c d]", points(600, 600), ST, 0.01, update=HEAVY), r"\[a b c d\] with 600 weights.*GiB of memory.*are free.*resummed=False"),
    "a matrix eta": (lambda: fd.rvalue("[a b c d]", points(600, 600), ST, 0.01 * np.eye(600), update=HEAVY), "GiB of memory"),
    "a prediction": (lambda: fd.predict(points(3000, 1600), ST, 0.1, order=3, update=HEAVY, patience=math.inf), "n\\^3 entries.*fewer weights"),
    "an order": (lambda: fd.predict(L.gauss(), ST, 0.1, order=9), "order 9 has 7,075,470 diagrams.*lower order"),
    "a very high order": (lambda: fd.predict(L.gauss(), ST, 0.1, order=10**6), "more than"),
    "many updates": (lambda: fd.predict(L.gauss(), fd.Spacetime(10**6, T=10**6), F(1, 10), 2), r"\(19/20\)\^1000000.*2,602,059 digits.*float eta"),
    "many updates of one diagram": (lambda: fd.rvalue("[a a]", L.gauss(), fd.Spacetime(10**6, T=10**6), F(1, 10)), "digits"),
    "a formula of many terms": (
        lambda: fd.predict(L.gauss(), fd.Spacetime(2000, T=2000), sympy.Symbol("e"), 2), "too many terms.*resummed=False"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_is_refused(case):
    call, words = case
    start = time.monotonic()
    with pytest.raises(TOO_LARGE, match=words):
        call()
    assert time.monotonic() - start < 20  # nothing has been computed; the eigenvectors of 3000 weights alone take longer


class Overlooked(int):
    """No free memory at all, and a list of what it was compared with."""

    def __new__(cls, asked):
        self = super().__new__(cls)
        self.asked = asked
        return self

    def __lt__(self, other):
        self.asked.append(other)
        return int(self) < other


@pytest.mark.parametrize("make", [points, samples], ids=["logistic", "samples"])
@pytest.mark.parametrize(("text", "n"), [("[a b c]", 90), ("[a a a]", 90), ("[a[b b]]", 90), ("[a a b]", 90)])
def test_memory_is_foreseen(make, text, n, monkeypatch):
    """Measured by tracemalloc: the peak is below what was asked, and not by much; a byte less is refused."""
    land, D = make(n), fd.Diagram.parse(text)
    monkeypatch.setattr(eigenbasis, "ALWAYS_FITS", 0)
    asked = []
    monkeypatch.setattr(eigenbasis, "free_bytes", lambda: Overlooked(asked))
    with pytest.raises(TOO_LARGE):
        fd.rvalue(D, land, ST, 0.01)
    monkeypatch.setattr(eigenbasis, "free_bytes", lambda: asked[0] - 1)
    with pytest.raises(TOO_LARGE):
        fd.rvalue(D, land, ST, 0.01)
    monkeypatch.setattr(eigenbasis, "free_bytes", lambda: asked[0])
    fd.rvalue("[a]", land, ST, 0.01)  # compiles, and finds the eigenvectors
    assert land.gradient_covariance.shape == (land.dimension,) * 2  # kept from here on
    tracemalloc.start()
    fd.rvalue(D, land, ST, 0.01)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert asked[0] / 12 < peak < asked[0] + (1 << 20)


def test_cumulants_that_are_there_are_not_counted_again(monkeypatch):
    land = points(90)
    fd.rvalue("[a b c]", land, ST, 0.01)
    monkeypatch.setattr(eigenbasis, "ALWAYS_FITS", 0)
    monkeypatch.setattr(eigenbasis, "free_bytes", lambda: 1 << 20)
    fd.rvalue("[a b c]", land, ST, 0.02)
    with pytest.raises(TOO_LARGE):
        fd.rvalue("[a a a]", land, ST, 0.02)
    assert math.isfinite(fd.predict(land, ST, 0.02, order=3, resummed=False).total)
