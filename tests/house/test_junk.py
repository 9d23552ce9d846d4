"""Junk of any kind, everywhere: an error of fastdiag's own or a right answer, in seconds and little memory."""

import datetime
import decimal
import enum
import resource
import signal
import time
import types
import warnings
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdiag as fd
from oracles.calls import CALLS, FORMULA, LAND, RULE, ST, TABLE, public_names

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of np.matrix
SECONDS, MEGABYTES = 5.0, 1000


class Whole(enum.IntEnum):
    ONE = 1


class Hostile:
    """Says no to everything."""

    def _no(self, *_):
        raise RuntimeError("no")

    __repr__ = __str__ = __array__ = __float__ = __index__ = __len__ = __eq__ = __fspath__ = _no
    __hash__ = object.__hash__


class Broken:
    """Has no attribute, and says so in its own way."""

    def __getattr__(self, name):
        raise RuntimeError(name)


JUNK = {
    "None": lambda: None, "True": lambda: True, "np.False_": lambda: np.False_, "-1": lambda: -1, "0": lambda: 0, "1": lambda: 1,
    "2": lambda: 2, "3": lambda: 3, "41": lambda: 41, "2^63": lambda: 2**63, "-2^64": lambda: -(2**64), "10^30": lambda: 10**30,
    "10^5000": lambda: 10**5000, "nan": lambda: float("nan"), "inf": lambda: float("inf"), "-inf": lambda: float("-inf"),
    "0.5": lambda: 0.5, "2.0": lambda: 2.0, "-0.0": lambda: -0.0, "1e-320": lambda: 1e-320, "1e308": lambda: 1e308,
    "complex": lambda: 1 + 2j, "np complex": lambda: np.complex64(2), "Fraction": lambda: Fraction(1, 3),
    "np Fraction": lambda: Fraction(np.int8(1), np.int8(3)), "large Fraction": lambda: Fraction(10**400 + 1, 10**399),
    "Decimal": lambda: decimal.Decimal("0.1"), "Decimal nan": lambda: decimal.Decimal("nan"), "IntEnum": lambda: Whole.ONE,
    "empty text": lambda: "", "text": lambda: "x", "number text": lambda: "0.1", "nan text": lambda: "nan", "diagram": lambda: "[a]",
    "shared root": lambda: "a[a]", "wrong diagram": lambda: "[a", "long text": lambda: "a" * 5000, "null": lambda: "a\0b",
    "surrogate": lambda: "\ud800", "np text": lambda: np.str_("cumulant"), "bytes": lambda: b"[a]", "bytearray": lambda: bytearray(b"1"),
    "memoryview": lambda: memoryview(b"12"), "[]": list, "()": lambda: (), "[1]": lambda: [1], "[0.1]": lambda: [0.1],
    "[True, 2]": lambda: [True, 2], "[nan]": lambda: [float("nan")], "[None]": lambda: [None], "texts": lambda: ["1", "2"],
    "['a', 1]": lambda: ["a", 1], "ragged": lambda: [[1], [2, 3]], "nested": lambda: [[[[1]]]], "square": lambda: [[1.0, 0.0], [0.0, 1.0]],
    "large ints": lambda: [10**400, 1], "fractions": lambda: [Fraction(1, 3), Fraction(1, 4)], "long list": lambda: list(range(100)),
    "dict": dict, "dict of junk": lambda: {"a": 1, 2: None}, "keys of tuples": lambda: {(1,): [1.0], (1, 1): "x"},
    "set": lambda: {1, 2}, "frozenset": lambda: frozenset(), "object": object, "hostile": Hostile, "broken": Broken, "lambda": lambda: lambda *_: None,
    "lambda of one": lambda: lambda value: value, "int": lambda: int, "dict class": lambda: dict, "class": lambda: fd.Spacetime,
    "generator": lambda: (i for i in [1, 2]), "iterator": lambda: iter([1]), "range": lambda: range(1, 4), "map": lambda: map(int, "12"),
    "slice": lambda: slice(0, 2), "slice of text": lambda: slice("a", None), "slice, no step": lambda: slice(0, 2, 0), "...": lambda: ...,
    "NotImplemented": lambda: NotImplemented, "module": lambda: np, "exception": lambda: ValueError("x"),
    "date": lambda: datetime.date(2020, 1, 1), "duration": lambda: datetime.timedelta(1), "np date": lambda: np.datetime64("2020-01-01"),
    "np duration": lambda: np.timedelta64(3, "D"), "np NaT": lambda: np.timedelta64("NaT"), "np void": lambda: np.void(b"abc"),
    "dates": lambda: np.array(["2020-01-01"], "datetime64[ns]"), "durations": lambda: np.array([1, 2], "timedelta64[ns]"),
    "Path": lambda: Path("nothing/here"), "0-d": lambda: np.array(3), "0-d float": lambda: np.array(0.5),
    "0-d object": lambda: np.array(None), "empty array": lambda: np.zeros(0), "empty matrix": lambda: np.zeros((0, 3)),
    "bools": lambda: np.array([True, False]), "objects": lambda: np.array([1, "a", None], object), "array of texts": lambda: np.array(["1"]),
    "complex array": lambda: np.array([1j]), "nans": lambda: np.full(2, np.nan), "4 axes": lambda: np.ones((1, 1, 1, 1)),
    "structured": lambda: np.zeros(2, "i4,f8"), "np.matrix": lambda: np.asmatrix(np.eye(2)), "recarray": lambda: np.rec.array([(1, 2.0)]),
    "masked": lambda: np.ma.array([1, 2], mask=[0, 1]), "all masked": lambda: np.ma.masked, "not masked": lambda: np.ma.array([1.0, 2.0]),
    "list of masked": lambda: [np.ma.masked, 1], "namespace": types.SimpleNamespace, "symbol": lambda: sympy.Symbol("q"),
    "real symbol": lambda: sympy.Symbol("q", real=True), "imaginary": lambda: sympy.I, "pi": lambda: sympy.pi, "zoo": lambda: sympy.zoo,
    "sympy nan": lambda: sympy.nan, "oo": lambda: sympy.oo, "sympy int": lambda: sympy.Integer(2), "rational": lambda: sympy.Rational(1, 3),
    "sympy float": lambda: sympy.Float("0.1"), "sqrt": lambda: sympy.sqrt(2) / 2, "expression": lambda: sympy.Symbol("q") + 1,
    "function": lambda: sympy.Function("f")(sympy.Symbol("q")), "sympy true": lambda: sympy.true, "relation": lambda: sympy.Symbol("q") > 1,
    "Matrix": lambda: sympy.Matrix([[1, 2]]), "MatrixSymbol": lambda: sympy.MatrixSymbol("A", 2, 2), "sympy set": lambda: sympy.Interval(0, 1),
    "noncommutative": lambda: sympy.Symbol("q", commutative=False), "Poly": lambda: sympy.Poly(sympy.Symbol("q")), "Tuple": lambda: sympy.Tuple(1, 2),
    "integral": lambda: sympy.Integral(sympy.Symbol("q"), (sympy.Symbol("q"), 0, 1)), "Piecewise": lambda: sympy.Piecewise((1, sympy.Symbol("q") > 0), (2, True)),
    "landscape": lambda: LAND, "formula": lambda: FORMULA, "sample": lambda: fd.landscapes.estimated(LAND),
    "tensors": lambda: fd.landscapes.tensors({(1,): [1.0]}), "free formula": lambda: fd.landscapes.mean_estimation(sympy.Symbol("H"), 1),
    "Spacetime": lambda: ST, "infinite": lambda: fd.Spacetime(float("inf"), T=float("inf")), "huge": lambda: fd.Spacetime(10**30, T=10**30),
    "Diagram": lambda: fd.Diagram.parse("[a b[a]]"), "Diagrams": lambda: fd.diagrams(2), "table": lambda: TABLE, "entry": lambda: TABLE[0],
    "rule": lambda: RULE, "ode": fd.updates.ode, "newton": lambda: fd.updates.regularized_newton(1), "symbolic rule": lambda: fd.updates.nesterov(sympy.Symbol("m")),
    "short schedule": lambda: fd.updates.schedule([1]), "distribution": fd.landscapes.normal,
    **{f"np.{kind}": lambda kind=kind: np.dtype(kind).type(3) for kind in "bhilqBHILQefdg"},
    **{f"array of {kind}": lambda kind=kind: np.array([1, 2], kind) for kind in "bhilqBHILQefdgO"},
}  # fmt: skip


class TooSlow(BaseException):
    """No function catches this."""


@contextmanager
def limits():
    """An error after `SECONDS`, and memory that cannot grow by much more than `MEGABYTES`."""

    def late(*_):
        raise TooSlow

    old = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def answer(name, spoiled):
    """The answer, or None where fastdiag refuses; AssertionError for anything else. `spoiled`: argument -> kind of junk."""
    try:
        return asked(name, spoiled)
    except TooSlow:  # or the first to need some kernel, which is compiled now
        pass
    try:
        return asked(name, spoiled)
    except TooSlow:
        raise AssertionError(f"{name}({spoiled}) takes more than {SECONDS:.0f} s") from None


def asked(name, spoiled):
    """`answer`; TooSlow if it takes too long."""
    function, arguments = CALLS[name]
    arguments = arguments | {key: JUNK[kind]() for key, kind in spoiled.items()}
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    found = refusal = None
    try:
        with limits(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = function(**arguments)
            if isinstance(found, types.GeneratorType):
                found = tuple(islice(found, 3))
            if type(found).__module__.startswith("fastdiag"):
                repr(found)
    except fd.FastdiagError as error:
        refusal = str(error)
    except Exception as error:
        raise AssertionError(f"{name}({spoiled}) lets {type(error).__name__} out: {error}") from error
    took, grown = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert took < 2 * SECONDS, f"{name}({spoiled}) took {took:.1f} s"
    assert grown < MEGABYTES << 10, f"{name}({spoiled}) took {grown >> 10} MB"
    assert refusal is None or 10 < len(refusal) < 20_000, f"{name}({spoiled}) says {refusal}"
    return found


NUMBERS = int | Fraction | float | sympy.Basic | np.ndarray | np.number


def right_kind(found, valid):
    """Whether an answer is of the kind that the valid call's is; numbers may be exact or not, one or many."""
    return type(found) is type(valid) or (isinstance(found, NUMBERS) and isinstance(valid, NUMBERS)) or (
        isinstance(found, fd.landscapes.Landscape) and isinstance(valid, fd.landscapes.Landscape))


@pytest.fixture
def elsewhere(tmp_path, monkeypatch, cache):
    """Files that junk makes are made in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))


@st.composite
def spoiled_calls(draw):
    name = draw(st.sampled_from(sorted(name for name in CALLS if CALLS[name][1])))
    keys = draw(st.lists(st.sampled_from(sorted(CALLS[name][1])), min_size=1, max_size=3, unique=True))
    return name, {key: draw(st.sampled_from(sorted(JUNK))) for key in keys}


INDEXED = {"Diagrams[]", "CoefficientTable[]"}  # by a slice or a list they give lists


def check(case):
    name, spoiled = case
    found = answer(name, spoiled)
    if found is not None and name not in INDEXED:
        assert right_kind(found, answer(name, {})), f"{name}({spoiled}) is a {type(found).__name__}: {found!r}"


def test_every_public_function_is_called():
    assert set(public_names()) <= set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_the_calls_are_right(name, elsewhere):
    """Each call has an answer before it is spoiled."""
    CALLS[name][0](**CALLS[name][1])


@pytest.fixture
def once(elsewhere):
    """Everything that is compiled or loaded at the first call is there."""
    for name in CALLS:
        CALLS[name][0](**CALLS[name][1])


def test_one_huge_number(once):
    """In place of every argument of every call: no message prints it in full, no float is made of it unseen."""
    for name, (_, arguments) in CALLS.items():
        for key in arguments:
            answer(name, {key: "10^5000"})


def test_junk(once):
    @settings(max_examples=1000)
    @given(spoiled_calls())
    def run(case):
        check(case)

    run()


@pytest.mark.long
def test_much_junk(once):
    @settings(max_examples=20_000)
    @given(spoiled_calls())
    def run(case):
        check(case)

    run()
