"""Arguments become Python's own at the door: no spelling of a number changes an answer, and nothing unfit is let in."""

import decimal
import enum
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag import arguments, results
from fastdiag.errors import DiagramIndexError, InputError, TooLargeError

w, x = sympy.symbols("w x")


def formula(at=3):
    return fd.landscapes.symbolic((w - x) ** 2 / 2, w, x, fd.landscapes.normal(), at=[at])


LAND = fd.landscapes.samples([0.0, 0.0], [[1.0], [-1.0]], [[[1.0]]] * 2, [[[[1.0]]]] * 2)
WHOLE = [np.dtype(kind).type for kind in "bhilqBHILQ"]
TENTH = [Fraction(np.int64(1), np.int64(10)), Fraction(np.int8(1), np.int8(10)), sympy.Rational(1, 10), np.array(Fraction(1, 10), object)]


class Three(enum.IntEnum):
    THREE = 3


def spelled(number):
    """The same whole number in every spelling that counts as one."""
    found = [kind(number) for kind in WHOLE] + [float(number), np.float16(number), np.float32(number), np.longdouble(number)]
    return [*found, Fraction(number), Fraction(np.int8(number), np.int8(1)), sympy.Integer(number), np.array(number), np.array(number, object)]


def centred_sgd(eta, T):
    """E (theta_T - x)^2 / 2 for theta <- theta - eta (theta - x_t) from 3, x normal, in Fractions."""
    eta = Fraction(eta)
    mean, variance = 3 * (1 - eta) ** T, sum(eta**2 * (1 - eta) ** (2 * t) for t in range(T))
    return (mean**2 + variance + 1) / 2


# --- numbers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("eta", TENTH, ids=repr)
def test_numpy_inside_an_exact_learning_rate(eta):
    """The kept ones, too, are right: equal keys meet in caches."""
    for T in (5, 12):
        right = centred_sgd(Fraction(1, 10), T)
        for rate in (eta, Fraction(1, 10), eta):
            assert fd.predict(formula(), fd.Spacetime(T, T=T), rate, order=2).total == right
    curve = fd.predict(formula(), fd.Spacetime(12, T=12), [Fraction(k, 10) for k in np.arange(3)], order=2).total
    assert curve.tolist() == [centred_sgd(Fraction(k, 10), 12) for k in range(3)]


def test_numpy_inside_the_starting_weights():
    for at in (Fraction(np.int64(7), np.int64(10)), Fraction(7, 10)):
        assert fd.predict(formula(at), fd.Spacetime(4, T=4), Fraction(1, 10), order=0).total == (Fraction(49, 100) + 1) / 2


@pytest.mark.parametrize("half", [Fraction(np.int64(1), np.int64(2)), Fraction(np.int8(1), np.int8(2)), sympy.Rational(1, 2)], ids=repr)
def test_numpy_inside_rules_and_powers(half):
    """Sixty updates: denominators 2^60 and more."""
    st, half_ = fd.Spacetime(60, T=60), Fraction(1, 2)
    powers = sum(half_**t for t in range(60))
    assert fd.weighted_maps("[a]", st, half) == fd.weighted_maps("[a]", st, [half]) == powers
    assert fd.weighted_maps("[a]", st, np.array([half], object)) == powers
    momenta = -sum(sum(half_**s for s in range(t)) for t in range(1, 61))
    for number in (half, half_):
        assert fd.coefficient("[a]", st, update=fd.updates.momentum(number)) == momenta
        assert fd.coefficient("[a]", st, update=fd.updates.schedule([number] * 60)) == -30
        assert fd.coefficient("[a]", st, update=fd.updates.schedule(np.array([number] * 60, object))) == -30
        assert fd.coefficient("[a]", st, update=fd.updates.schedule(lambda t, c=number: c)) == -30
        newton = fd.updates.regularized_newton(number)
        assert fd.coefficient("[a[b]]", st, update=newton) == Fraction(60 * 59, 2) + 60 * half_


def test_numpy_schedules_do_not_wrap():
    """Of int8: 100 + 100 is no -56."""
    factors = np.full(4, 100, np.int8)
    for given in (factors, list(factors), tuple(factors), lambda t: factors[t]):
        assert fd.coefficient("[a b]", fd.Spacetime(4, T=4), update=fd.updates.schedule(given)) == Fraction(400**2, 2)


def test_spacetimes_do_not_wrap():
    assert fd.Spacetime(N=1000, B=10, E=np.uint8(3)).T == 300
    assert fd.Spacetime(N=10**9, E=np.int32(5)).T == 5 * 10**9
    assert fd.Spacetime(N=np.uint8(200), B=np.uint8(2), E=Fraction(np.int8(3), np.int8(2))).T == 150


@pytest.mark.every(3)
@pytest.mark.parametrize("three", spelled(3), ids=lambda value: f"{type(value).__name__}-{value!r}")
def test_spellings_of_three(three):
    """Equal, and of one type."""
    for six in (fd.Spacetime(three, T=three), fd.Spacetime(3, three, three), fd.Spacetime(N=3, E=three)):
        assert all(type(number) is int for number in (six.N, six.B, six.T))
    assert fd.Spacetime(3, T=three) == fd.Spacetime(3, T=3)
    assert len(fd.diagrams(three)) == fd.count_diagrams(three) == 17
    table, st = fd.table(three), fd.Spacetime(4, T=4)
    assert table["[a a]"].coefficient(N=three, T=three) == Fraction(3, 2)
    assert len(table.where(order=three)) == 17
    assert table.coefficients(three, T=three, exact=True).tolist() == table.coefficients(3, T=3, exact=True).tolist()
    if not isinstance(three, float | np.floating):  # as floats they ask for floats
        assert fd.weighted_maps("[a]", st, three) == 40
        exact = fd.predict(formula(), st, three, order=2).total
        assert exact == centred_sgd(3, 4)
        assert isinstance(exact, sympy.Rational)
    assert fd.updates.sgd().weight(three) == 1
    prediction = fd.predict(LAND, st, 0.1, three, T=three)
    assert prediction == fd.predict(LAND, st, 0.1, 3, T=3)
    assert prediction.up_to(three) == prediction.total
    assert str(fd.expand("test_loss", three)) == str(fd.expand("test_loss", 3))
    simulated = fd.simulate(LAND, st, 0.1, runs=three, seed=three, threads=three)
    assert repr(simulated) == repr(fd.simulate(LAND, st, 0.1, runs=3, seed=3))
    assert results.example_1(LAND, 0.1, three) == results.example_1(LAND, 0.1, 3)


def test_an_enum_is_its_number():
    assert fd.Spacetime(Three.THREE, T=Three.THREE) == fd.Spacetime(3, T=3)
    assert fd.diagrams(Three.THREE)[Three.THREE] == fd.diagrams(3)[3]


LARGE = 2**53 + 1


@pytest.mark.parametrize("T", [np.array([LARGE], np.uint64), [np.uint64(LARGE)], [LARGE], (LARGE,), np.array([LARGE], object)], ids=repr)
def test_large_times_are_not_rounded(T):
    assert fd.count_maps(fd.diagrams(1), fd.Spacetime(2**60, T=1), T=T).numerators.tolist() == [[LARGE]]
    assert fd.table(1).coefficients(2**60, T=T, exact=True).tolist()[1] == [-LARGE]
    assert fd.predict(formula(), fd.Spacetime(math.inf, T=1), 1, order=1, resummed=False, T=T).by_order[1].tolist() == [-9 * LARGE]


def test_large_times_beside_floats():
    """NumPy makes floats of a list of both."""
    table = fd.table(1)
    assert table.coefficients(2**60, T=[LARGE, 4.0], exact=True).tolist()[1] == [-LARGE, -4]
    assert table.coefficients([2**60, math.inf], T=[LARGE, LARGE], exact=True).tolist()[1] == [-LARGE, -LARGE]
    assert table.coefficients([2**63, 2**64], T=[np.uint64(LARGE), -1 + 2], exact=True).tolist()[1] == [-LARGE, -1]


@pytest.mark.parametrize("kind", [*"bhilqBHILQefdgO"])
def test_tables_of_any_type(kind):
    """np.uint8: 200 points and 3 epochs make 600 updates."""
    N, E = np.array([100, 120], kind), np.array([3, 2], kind)
    entry, rows = fd.table(2)["[a b]"], fd.table(2)
    right = [Fraction((n * e) ** 2, 2) for n, e in ((100, 3), (120, 2))]
    assert [entry.coefficient(N=n, E=e) for n, e in zip(N, E, strict=True)] == right
    found = rows.coefficients(N=N, E=E, exact=True)[[str(row.diagram) for row in rows].index("[a b]")]
    assert found.tolist() == right
    assert rows.coefficients(N=np.asfortranarray(N[::-1]), T=E[::-1]).tolist() == rows.coefficients(N=[120, 100], T=[2, 3]).tolist()


def test_numpy_integers_in_results():
    for name, given in (
        ("gdc", {"N": 100}), ("corollary_2", {"N": 100}), ("corollary_3", {"N": 100}), ("corollary_4", {"N": 100, "M": 100}),
        ("corollary_5", {"T": 100}), ("stic", {"N": 100, "T": 100}), ("corollary_1", {"T": 100}), ("example_1", {"T": 100}),
    ):
        result = getattr(results, name)
        for form in (result, result.derived):
            plain = form(LAND, 0.1, **given)
            for kind in (np.int8, np.uint8, float, np.float32):
                np.testing.assert_array_equal(form(LAND, 0.1, **{key: kind(value) for key, value in given.items()}), plain)
            np.testing.assert_array_equal(form(LAND, np.float64(0.1), **given), plain)
    assert results.test_loss_order(np.int8(3)) == results.test_loss_order(3)
    land = fd.landscapes.samples([0.0, 0.0], [[3.0], [1.0]], [[[2.0]], [[1.0]]])  # the gradient of C is 2 cov(h, g) = 1
    assert results.gdc(land, 0.5, np.int8(100)) == pytest.approx([0.5 * 99 / 400])


def test_uint8_entries_as_in_the_tables():
    assert fd.table(2)["[a b]"].coefficient(N=np.uint8(200), E=np.uint8(3)) == 180000


# --- what is no number ---------------------------------------------------------------------------------------------

NO_NUMBERS = {
    "True": True, "np.True_": np.True_, "0-d bool": np.array(True), "text": "3", "Decimal": decimal.Decimal(3), "nan": math.nan,
    "complex": 3 + 0j, "masked": np.ma.masked, "masked array": np.ma.array(3, mask=True), "duration": np.timedelta64(3, "D"),
    "durations": np.array(3, "timedelta64[ns]"), "zoo": sympy.zoo, "bytes": b"3", "list of a bool": [True],
    "list with a bool": [3, True], "texts": np.array(["3"], object), "masked entries": np.ma.array([3, 4], mask=[0, 1]),
    "entry masked": [3, np.ma.masked], "dates": np.array([3], "datetime64[ns]"),
}
DOORS = {
    "Spacetime N": lambda y: fd.Spacetime(y, T=3), "Spacetime T": lambda y: fd.Spacetime(3, T=y), "Spacetime E": lambda y: fd.Spacetime(3, E=y),
    "diagrams": lambda y: fd.diagrams(y), "table": lambda y: fd.table(y), "momentum": lambda y: fd.updates.momentum(y),
    "coefficients N": lambda y: fd.table(1).coefficients(y, T=3), "coefficients T": lambda y: fd.table(1).coefficients(3, T=y),
    "count_maps": lambda y: fd.count_maps(fd.diagrams(1), fd.Spacetime(3, T=3), T=y), "weighted_maps": lambda y: fd.weighted_maps("[a]", fd.Spacetime(3, T=3), y),
    "predict eta": lambda y: fd.predict(LAND, fd.Spacetime(3, T=3), y), "predict T": lambda y: fd.predict(LAND, fd.Spacetime(3, T=3), 0.1, T=y),
    "predict eta, a formula": lambda y: fd.predict(formula(), fd.Spacetime(3, T=3), y), "rvalue": lambda y: fd.rvalue("[a]", LAND, fd.Spacetime(3, T=3), y),
    "simulate eta": lambda y: fd.simulate(LAND, fd.Spacetime(3, T=3), y, runs=2), "simulate runs": lambda y: fd.simulate(LAND, fd.Spacetime(3, T=3), 0.1, runs=y),
    "schedule": lambda y: fd.updates.schedule(y if isinstance(y, list) or getattr(y, "ndim", 0) else [y]),
    "results": lambda y: results.gdc(LAND, y, 4), "results N": lambda y: results.gdc(LAND, 0.1, y), "newton": lambda y: fd.updates.regularized_newton(y),
}


@pytest.mark.parametrize("value", NO_NUMBERS.values(), ids=NO_NUMBERS)
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_what_is_no_number(door, value):
    with pytest.raises(InputError):
        door(value)


# --- flags, indexes, learning rates of zero -------------------------------------------------------------------------

ST = fd.Spacetime(4, T=4)
FLAGS = {
    "resummed": lambda y: fd.predict(LAND, ST, 0.1, 1, resummed=y), "continuous": lambda y: fd.predict(LAND, ST, 0.1, 1, continuous=y),
    "rvalue": lambda y: fd.rvalue("[a]", LAND, ST, 0.1, continuous=y), "irreducible": lambda y: fd.diagrams(2, irreducible=y),
    "root_shares": lambda y: fd.diagrams(2, root_shares=y), "counted": lambda y: fd.count_diagrams(2, y),
    "streamed": lambda y: fd.stream_diagrams(2, irreducible=y), "exact": lambda y: fd.table(1).coefficients(4, T=4, exact=y),
    "at_minimum": lambda y: fd.expand("test_loss", 1, at_minimum=y), "expanded": lambda y: fd.expand("test_loss", 1, sampling="one epoch", resummed=y),
    "to_root": lambda y: fd.updates.nesterov(0.5).weight(2, y), "where": lambda y: fd.table(1).where(irreducible=y),
    "progress": lambda y: fd.simulate(LAND, ST, 0.1, runs=2, progress=y), "a table's": lambda y: fd.table(1, progress=y),
    "LaTeX": lambda y: fd.expand("test_loss", 1).latex(aligned=y),
}


@pytest.mark.parametrize("call", FLAGS.values(), ids=FLAGS)
def test_flags(call):
    for value in ("no", "", 0, 1, 2.0, [], [True], np.array([True, False]), object()):
        with pytest.raises(InputError, match="must be True or False"):
            call(value)
    for value in (np.False_, np.True_):
        call(value)


def test_a_learning_rate_of_zero_goes_nowhere():
    """As in predict; the simulation's runs all end where they begin."""
    for method in ("sgd", "gd", "ode", "sde"):
        still = fd.simulate(LAND, ST, 0, runs=4, method=method)
        assert (still.mean, still.stderr, still.eta) == (fd.predict(LAND, ST, 0).total, 0.0, 0.0)
    moved = fd.simulate(LAND, ST, [0.0, 0.1], runs=4)
    assert moved.mean[0] == 0.0
    assert fd.simulate(LAND, ST, np.array([0, 1]), runs=4).eta.tolist() == [0.0, 1.0]


def test_indexes():
    ds, table = fd.diagrams(3), fd.table(3)
    for one in (np.int64(3), np.uint8(3), Three.THREE):
        assert ds[one] == ds[3]
        assert table[one] == table[3]
    for junk in (True, np.True_, 3.0, "3", None, slice("a", None), slice(0, 9, 0), [True, 1], [1.5], np.ma.array([1, 2], mask=[1, 0]), object()):
        with pytest.raises(DiagramIndexError):
            ds[junk]
        with pytest.raises((DiagramIndexError, InputError)):
            table[junk]
    assert np.zeros(2) not in table


def test_diagrams_from_arrays():
    right = fd.Diagram([-1, 0, 0], [0, 1, 1])
    for kind in "bhilqfdO":
        assert fd.Diagram(np.array([-1, 0, 0], kind), np.array([0, 1, 1], kind)) == right
        assert fd.Diagram(list(np.array([-1, 0, 0], kind)), "abb") == right
    for parents in ([True, 0, 0], [-1, False, 0], [-1, 0.5, 0], np.ma.array([-1, 0, 0], mask=[0, 0, 1])):
        with pytest.raises(InputError):
            fd.Diagram(parents, [0, 1, 1])
    with pytest.raises(InputError, match="compared"):
        fd.Diagram([-1, 0, 0], [0, math.nan, math.nan])


def test_symbols_out_of_range():
    for number in (sympy.sqrt(2), -sympy.pi, sympy.Rational(3, 2), sympy.Float(1.5)):
        for rule in (fd.updates.momentum, fd.updates.nesterov, fd.updates.weight_decay, lambda y: fd.updates.quasi_hyperbolic(0.5, y)):
            with pytest.raises(InputError, match="must lie"):
                rule(number)
    assert fd.updates.momentum(sympy.sqrt(2) / 2).step[0][1] == sympy.sqrt(2) / 2


def test_work_without_end_is_refused():
    for call in (
        lambda: fd.simulate(LAND, ST, 0.1, runs=10**30), lambda: fd.updates.schedule(lambda t: 1).factors(10**30),
        lambda: results.corollary_1(LAND, 0.1, 10**30), lambda: results.proposition_1("[" + " ".join("abcdefghijkl") + "]"),
        lambda: fd.table(1).coefficients(np.ones((10**5, 1), int), T=np.ones(10**5, int)),
    ):
        with pytest.raises(TooLargeError):
            call()
    assert fd.updates.sgd().weight(10**30) == 1  # by squaring


def test_a_schedule_that_fails_is_told():
    with pytest.raises(InputError, match="fails at t = 1: IndexError") as caught:
        fd.coefficient("[a]", ST, update=fd.updates.schedule(lambda t: [1][t]))
    assert isinstance(caught.value.__cause__, IndexError)


def test_one_or_many():
    assert arguments.one_or_many("T", np.array([1, 2], np.uint8), "times") == ([1, 2], (2,))
    with pytest.raises(InputError, match="1-D"):
        arguments.one_or_many("T", [[1]], "times")
