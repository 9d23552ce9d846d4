"""Many predictions at once: those of `predict`, whatever the workers."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from fractions import Fraction
from multiprocessing import get_context

import pytest

import fastdiag as fd
from oracles.executors import Elsewhere

LAND = fd.landscapes.samples([1.0, 1.0, 2.0], [[1.0], [3.0], [0.0]], [[[2.0]], [[2.0]], [[1.0]]], [[[[0.3]]]] * 3)
ASKED = [
    (LAND, fd.Spacetime(4, 2, 4), 0.05), (LAND, fd.Spacetime(4, 2, 4), [0.05, 0.1]),
    (fd.landscapes.gauss(), fd.Spacetime(4, 1, 8), Fraction(1, 10)),
]


def test_the_same_whatever_the_workers():
    expected = [fd.predict(*each, order=2, resummed=False) for each in ASKED]
    assert fd.predict_many(ASKED, order=2, resummed=False) == expected
    with ThreadPoolExecutor(3) as threads:
        for executor in (threads, Elsewhere()):
            found = fd.predict_many(iter(ASKED), executor, order=2, resummed=False)
            assert found == expected
            assert found[0].question.landscape is LAND


@pytest.mark.long
def test_the_same_in_other_processes():
    with ProcessPoolExecutor(1, get_context("spawn")) as processes:
        assert fd.predict_many(ASKED, processes, order=2) == [fd.predict(*each, order=2) for each in ASKED]


def test_what_is_wrong_is_told_before_anything_is_done():
    with pytest.raises(fd.errors.InputError, match=r"unknown observable"):
        fd.predict_many([*ASKED, (LAND, fd.Spacetime(4, 2, 4), 0.05, 2, "gap")])
    with pytest.raises(fd.errors.InputError, match=r"got an unexpected keyword argument 'ordr'"):
        fd.predict_many(ASKED, ordr=2)
    with pytest.raises(fd.errors.InputError, match=r"asked must hold tuples"):
        fd.predict_many([LAND])
    with pytest.raises(fd.errors.InputError, match=r"executor must be"):
        fd.predict_many(ASKED, executor=3)
    with pytest.warns(fd.errors.TrustWarning), ThreadPoolExecutor(1) as threads:
        fd.predict_many([(LAND, fd.Spacetime(4, 1, 400), 1.0)], threads, order=3, resummed=False)
