"""Methods of a formula: what makes no sense is refused, what makes sense is answered."""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import InputError, TooLargeError, UnsupportedError
from oracles.calls import FORMULA

u, x = sympy.symbols("u x")


@pytest.mark.parametrize("loss", [sympy.Abs(u) + u**2, sympy.Abs(u * x) + u**2, u**2 * sympy.Abs(u)])
@pytest.mark.parametrize("options", [{"noise": 1}, {"closure": "gaussian"}])
def test_a_kink_off_the_start(loss, options):
    """About the path it may be met; about the start it is not."""
    land = fd.landscapes.symbolic(loss + u * x, u, x, fd.landscapes.finite({-1: Fraction(1, 2), 1: Fraction(1, 2)}), at=[1])
    with pytest.raises(UnsupportedError, match=r"has a kink.*write a smooth loss.*order="):
        fd.predict(land, fd.Spacetime(N=4, T=4), 0.1, **options)
    assert math.isfinite(fd.predict(land, fd.Spacetime(N=4, T=4), 0.01, order=2).total)


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
