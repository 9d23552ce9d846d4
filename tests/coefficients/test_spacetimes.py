"""Integers and floats mixed in one array of N, B, T or E stay what they are."""

from fractions import Fraction
from math import inf

import numpy as np
import pytest

import fastdiag as fd

BIG = 2**53 + 1


def exact(N, B, T=None, E=None, sampling="reshuffle"):
    st = fd.Spacetime(N, B, T, E, sampling=sampling)
    return [fd.coefficient(D, st) for d in range(3) for D in fd.diagrams(d)]


@pytest.mark.parametrize("make", [list, tuple, lambda x: np.array(x, object), lambda x: [np.int64(y) if y != inf else y for y in x]])
def test_points_beside_infinity(make):
    """2^53 + 1 beside an infinity is no float."""
    T = 2**54 + 2
    found = fd.table(2).coefficients(N=make([BIG, inf]), T=T, exact=True)
    assert found[:, 0].tolist() == exact(BIG, 1, T)
    assert str(found[2, 0]).endswith("986")
    assert found[2, 1] == Fraction(T, 2)  # fresh data: only the two draws of one point in one update share it
    table = fd.table(2)
    for i in range(len(table)):
        assert table[i].coefficient(N=BIG, T=T) == found[i, 0]


@pytest.mark.parametrize("sampling", ["cyclic", "reshuffle", "replacement"])
def test_updates_and_epochs_beside_floats(sampling):
    table = fd.table(2, sampling)
    found = table.coefficients(N=BIG, T=[BIG, 1.0, 7], exact=True)
    for place, T in enumerate((BIG, 1, 7)):
        assert found[:, place].tolist() == exact(BIG, 1, T, sampling=sampling)
    found = table.coefficients(N=[[4.0], [BIG + 3]], B=[2, 2.0], E=[BIG, Fraction(3, 2)], exact=True)
    for row, N in enumerate((4, BIG + 3)):
        for column, E in enumerate((BIG, Fraction(3, 2))):
            assert found[:, row, column].tolist() == exact(N, 2, E=E, sampling=sampling)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"N": [True, 2]}, "array of numbers"), ({"N": ["4", 2]}, "array of numbers"), ({"T": [1, None]}, "array of numbers"),
     ({"T": [1j, 2]}, "array of numbers"), ({"N": [4, [2, 3]]}, "array of numbers"), ({"T": [2, float("nan")]}, "T"),
     ({"N": np.ma.array([4, 6], mask=[0, 1])}, "masked"), ({"T": [4, 2.5]}, "whole")],
)
def test_what_is_no_number(wrong, words):
    with pytest.raises(fd.errors.InputError, match=words):
        fd.table(2).coefficients(**({"N": 4, "T": 4} | wrong))


def test_typed_arrays_as_before():
    table = fd.table(3, "cyclic")
    right = table.coefficients(N=12, B=2, T=range(1, 20), exact=True)
    for kind in (np.int8, np.uint16, np.float32, np.float64, object):
        assert (table.coefficients(N=12, B=2, T=np.arange(1, 20).astype(kind), exact=True) == right).all()
    assert table.coefficients(N=12, B=2, T=[], exact=True).shape == (len(table), 0)
