"""Every public function stands behind one door; what the fuzz of all of them found, with the right answers."""

import inspect
import math
import shutil
import warnings
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import sympy

import fastdiag as fd
from calls import CALLS, FORMULA, LAND, ROOMS, public_names
from fastdiag import updates
from fastdiag.coefficients import build, store
from fastdiag.door import door, silent_door
from fastdiag.errors import InputError, TooLargeError

HUGE = 10**5000
RULES = [updates.momentum(Fraction(1, 2)), updates.nesterov(Fraction(1, 2)), updates.weight_decay(Fraction(1, 2))]


def functions():
    for name in public_names():
        room, _, short = name.rpartition(".")
        found = getattr(ROOMS[room], short)
        if inspect.isfunction(found):
            yield name, found


def test_every_public_function_stands_behind_the_door():
    guards = {inspect.getfile(f) for f in (door, silent_door)}
    bare = [name for name, found in functions() if found.__code__.co_filename not in guards]
    assert bare == []


@pytest.mark.parametrize("name", CALLS)
def test_the_callers_errors_of_numpy_are_the_callers(name, tmp_path, monkeypatch, cache):
    monkeypatch.chdir(tmp_path)
    function, arguments = CALLS[name]
    with np.errstate(all="raise"):
        function(**arguments)


@pytest.mark.parametrize("guard", [door, silent_door])
def test_memory_that_runs_out_is_told(guard):
    def hungry():
        raise MemoryError("1 EiB")

    with pytest.raises(TooLargeError, match=r"hungry ran out of memory \(1 EiB\); ask for less"):
        guard(hungry)()


@pytest.mark.parametrize("nodes", [3, "[a]", [], [1], [[None]], [["a"]], ((0,), (2,)), ((-1,),), ((Fraction(1, 2),),), {}])
def test_nodes_of_a_formula(nodes):
    for method in (FORMULA.cumulant, FORMULA.exact_part):
        with pytest.raises(InputError, match="node"):
            method(nodes)


def test_methods_of_a_formula_refuse_what_makes_no_sense():
    for indices in ("a", 3, (1,), (-1,), (0.5,), [[0]]):
        with pytest.raises(InputError, match="indices"):
            FORMULA.derivative(indices)
    with pytest.raises(TooLargeError, match="degree 5,000"):
        FORMULA.derivative((0,) * 5000)
    wide = fd.landscapes.archimedes()
    with pytest.raises(TooLargeError, match=r"3\^20"):
        wide.exact_part((tuple(range(20)),))
    rng = np.random.default_rng(0)
    for change in ({"rng": 3}, {"count": -1}, {"count": math.nan}, {"count": "x"}):
        with pytest.raises(InputError, match=next(iter(change))):
            FORMULA.draw(**({"rng": rng, "count": 2} | change))
    with pytest.raises(TooLargeError, match="draw fewer"):
        FORMULA.draw(rng, 10**15)
    assert FORMULA.derivative([np.int64(0)]) == FORMULA.coordinates[0] - FORMULA.data[0]
    assert FORMULA.cumulant([np.array([0]), [0]]) == 1  # the variance of w - x, x = +-1


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_times_beyond_2_to_the_63(rule):
    """Nothing is done for the empty diagram: its one map has no edge, whatever the rule."""
    assert fd.weighted_maps("[]", fd.Spacetime(math.inf, T=2**63 - 1), update=rule) == 1
    for T in (2**63 - 1, HUGE):
        with pytest.raises(TooLargeError, match="the exact number has about"):
            fd.predict(FORMULA, fd.Spacetime(4, 1, T), Fraction(1, 10), 2, resummed=False, update=rule)
        with pytest.raises(TooLargeError, match=r"terms|digits"):
            fd.rvalue("[a a]", FORMULA, fd.Spacetime(4, 1, T), Fraction(1, 10), update=rule)


def test_weights_after_any_time():
    with pytest.raises(TooLargeError, match="digits"):
        RULES[0].weight(HUGE)
    assert updates.momentum(Fraction(1, 10**400)).weight(2) == 1 + Fraction(1, 10**400)
    assert updates.momentum(0.5).weight(HUGE) == 2.0  # (1 - mu^t) / (1 - mu)
    with pytest.raises(InputError, match="update must be"):
        fd.weighted_maps("[a]", fd.Spacetime(2, T=2), update="momentum")


@pytest.mark.parametrize("eta", [1e160, 1e200, 1e308])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_modes_beyond_floats_are_told(rule, eta):
    with pytest.warns(RuntimeWarning, match="overflows"):
        assert not math.isfinite(fd.rvalue("[a a]", LAND, fd.Spacetime(4, 2, 4), eta, update=rule))


def test_a_build_asks_for_its_disk_first(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    monkeypatch.setattr(build, "_is_table", lambda kind, order, file: order < 8)
    with pytest.raises(TooLargeError, match=r"table of order 8 needs .* of disk"):
        fd.build(8, directory=tmp_path / "made" / "here")
    assert not (tmp_path / "made").exists()


def test_a_refusal_is_not_told_as_a_success(tmp_path, monkeypatch):
    """A table that neither fits into a folder nor into memory."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(store, "cache_folder", lambda: tmp_path / "file" / "in it")

    def refused():
        raise TooLargeError("no room")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TooLargeError, match="no room"):
            store.load("squares.npz", check=lambda arrays: None, build=refused, make=lambda folder: None)


def test_formulas_of_many_terms_are_counted_in_words():
    q = sympy.Symbol("q")
    with pytest.raises(TooLargeError, match=r"terms in q"):
        fd.weighted_maps("[a b]", fd.Spacetime(4, 1, HUGE), update=updates.momentum(q))
