"""Methods of a formula: what makes no sense is refused, what makes sense is answered."""

import math
from fractions import Fraction

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import InputError, TooLargeError
from oracles.calls import FORMULA


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
