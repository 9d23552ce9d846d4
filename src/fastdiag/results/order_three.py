"""Test loss and generalization gap of one epoch (E = B = 1) to order 3, in the moment basis (fuzzy ties).

A value class is written as its least diagram; a value is a product of means of products of derivatives.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ..arguments import shown, whole
from ..coefficients.coefficient import prefactor
from ..diagram import Diagram, diagrams
from ..embedding import maps_formula
from ..errors import InputError
from .result import Result

# {order: {value class: (factor of C(T, 1), of C(T, 2), of C(T, 3))}}, in halves, quarters ... written as text
_TEST_LOSS = {
    1: {"[a]": ("-1",)},
    2: {"[a b]": ("0", "2"), "[a a]": ("1/2",)},
    3: {
        "[a b[c]]": ("0", "0", "-4"), "[a b c]": ("0", "0", "-2"), "[a a b]": ("0", "-3/2"), "[a a[b]]": ("0", "-1"),
        "[a b[a]]": ("0", "-1"), "[a a a]": ("-1/6",),
    },
}
# of N times the gap: a root in its part, less the root alone
_GAP = {
    1: {"a[a]": ("1",), "[a]": ("-1",)},
    2: {"a[a a]": ("-1/2",), "[a a]": ("1/2", "-1"), "[a b]": ("0", "4"), "[a[a]]": ("0", "-3")},
    3: {
        "a[a a a]": ("1/6",), "a[a b b]": ("0", "3/2"), "a[b a[b]]": ("0", "1"), "a[b b[a]]": ("0", "1"),
        "[a a a]": ("-1/6", "1/2"), "[a a b]": ("0", "-3", "2"), "[a b c]": ("0", "0", "-6"), "[a a[a]]": ("0", "1"),
        "[a a[b]]": ("0", "-2", "4"), "[a b[a]]": ("0", "-2", "1"), "[a b[b]]": ("0", "0", "4"),
        "[a b[c]]": ("0", "0", "-12"), "[a[a a]]": ("0", "1"), "[a[a b]]": ("0", "0", "4"), "[a[a[a]]]": ("0", "1"),
        "[a[a[b]]]": ("0", "0", "3"),
    },
}


def _table(order: int, table: dict[int, Any]) -> dict[Diagram, Any]:
    import sympy

    from ..letters import Symbol

    order = _printed(order)
    T = Symbol("T")
    return {
        Diagram.parse(text).value_class: sympy.Add(
            *(sympy.Rational(factor) * sympy.ff(T, k) / sympy.factorial(k) for k, factor in enumerate(factors, 1))
        )
        for text, factors in table[order].items()
    }


def _printed(order: object) -> int:
    try:
        return whole("order", order, 1, 3)
    except InputError:
        raise InputError(
            f"the papers' formulas are of orders 1 to 3, not {shown(order)}; fastdiag.expand has every order"
        ) from None


def _counted(order: int, gap: bool) -> dict[Diagram, Any]:
    import sympy

    order = _printed(order)
    B = sympy.Symbol("B")
    found: defaultdict[Diagram, Any] = defaultdict(lambda: sympy.Integer(0))
    for diagram in diagrams(order):
        count = sympy.expand_func(maps_formula(diagram, "one epoch", "moment").subs(B, 1))
        weight = prefactor(diagram, sympy.Integer(1)) * count
        if not gap:
            found[diagram.value_class] += weight
            continue
        for part in set(diagram.blocks[1:]):  # the root's row is a training point: that of each part in turn
            joined = Diagram(diagram.parents, [part if block == 0 else block for block in diagram.blocks])
            found[joined.value_class] -= weight
            found[diagram.value_class] += weight
    return {diagram: value for diagram, value in found.items() if sympy.expand(value) != 0}


test_loss_order = Result(
    "Test loss to order 3", "[C] section 4.1",
    "with E = B = 1: the coefficient of each value class of order 1, 2 or 3 in E l(theta_T), fuzzy ties",
    lambda order: _table(order, _TEST_LOSS), lambda order: _counted(order, gap=False),
)

gap_order = Result(
    "Generalization gap to order 3", "[C] section 4.1",
    "with E = B = 1: N times the coefficient of each value class of order 1, 2 or 3 in the expected gap, fuzzy ties",
    lambda order: _table(order, _GAP), lambda order: _counted(order, gap=True),
)
