"""Values of a loss's derivatives at a point, or an error where it has none: kinks, poles, complex numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import product
from typing import Any

from ..arguments import shown
from ..errors import InputError
from .exact import Expression, multiplied_out

MOST_KINKS = 8  # met at one point; each has two sides


def real_symbol(symbol: Any, taken: Collection[Any]) -> Any:
    """The symbol declared real, so that Abs, sqrt and Max are differentiated as functions of real numbers."""
    import sympy

    if symbol.is_real:
        return symbol
    if symbol.is_real is False:
        raise InputError(f"the weights and the data are real, but {symbol} is declared otherwise")
    assumptions = symbol.assumptions0 | {"real": True}
    real = sympy.Symbol(symbol.name, **assumptions)
    return sympy.Dummy(symbol.name, **assumptions) if real in taken else real


def check_derivative(derivative: Expression, of: str = "the loss") -> None:
    """Raise InputError unless SymPy could differentiate."""
    import sympy

    undone = derivative.atoms(sympy.Derivative, sympy.Subs)
    if undone:
        raise InputError(
            f"{of} cannot be differentiated: {min(map(str, undone))} has no formula; it must be smooth in the weights, and "
            "its free symbols must be declared real where they stand under Abs"
        )


def value_at(
    derivative: Expression, point: Mapping[Any, Expression], weights: Sequence[Any], name: str, of: str = "the loss"
) -> Expression:
    """The derivative with the point put in.

    At a kink (an Abs, Max or Piecewise at its boundary) SymPy takes a side, or the mean of both. Here the values from all
    sides must agree; of all lower derivatives too, which is for the caller to ask.

    Parameters
    ----------
    derivative : of a loss, of any degree
    point : values of the weights, and of the data if they are finitely many points
    weights : symbols; what has none of them may jump
    name, of : what this is, and of what, for the message

    Raises
    ------
    InputError : there is no value, or several, or it is infinite or not real

    Examples
    --------
    >>> import sympy
    >>> w = sympy.Symbol("w", real=True)
    >>> value_at(sympy.diff(abs(w) ** 3, w), {w: sympy.Integer(0)}, [w], "the slope")
    0
    """
    import sympy

    told = {*weights, *derivative.free_symbols}
    here = ", ".join(f"{symbol} = {shown(value)}" for symbol, value in point.items() if symbol in told)
    value, *others = (side.xreplace(dict(point)) for side in _sides(derivative, point, weights, of))
    for found in (value, *others):
        if found.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo, sympy.AccumBounds):
            raise InputError(f"{name} is {shown(found)} at {here}: {of} is not smooth there")
    for other in others:
        if multiplied_out(sympy.expand(other - value)) != 0:
            raise InputError(
                f"{name} is {shown(value)} on one side and {shown(other)} on the other at {here}: {of} has a kink "
                f"there and is not differentiable; move theta_0 or the data, or smooth {of}"
            )
    if value.has(sympy.DiracDelta):
        raise InputError(
            f"{name} has the term {min(map(str, value.atoms(sympy.DiracDelta)))} at {here}: {of} has a kink for some "
            "data and is not differentiable there; smooth it, or ask for a lower order"
        )
    check_real(value, name, here, of)
    return value


def check_real(value: Expression, name: str, here: str, of: str = "the loss") -> None:
    """Raise InputError if the value is a number that is not finite and real; formulas pass."""
    if value.is_Rational or value.is_extended_real or value.free_symbols:
        return
    near = complex(value.evalf(20))
    if not abs(near.imag) <= 1e-15 * abs(near):  # nan too
        raise InputError(f"{name} is {shown(value)} at {here}, which is not real; {of} must be real for all data")


def _sides(
    derivative: Expression, point: Mapping[Any, Expression], weights: Sequence[Any], of: str
) -> list[Expression]:
    """The derivative with each switch that is at its boundary thrown to either side, all ways."""
    import sympy
    from sympy.core.relational import Relational

    at_edge: dict[Expression, list[tuple[Expression, int]]] = {}
    for switch in derivative.atoms(sympy.sign, sympy.Heaviside, sympy.DiracDelta, Relational):
        edge = switch.lhs - switch.rhs if isinstance(switch, Relational) else switch.args[0]
        if not edge.has(*weights) or multiplied_out(sympy.expand(edge.xreplace(dict(point)))) != 0:
            continue
        turned = bool(edge.could_extract_minus_sign())
        at_edge.setdefault(-edge if turned else edge, []).append((switch, -1 if turned else 1))
    if len(at_edge) > MOST_KINKS:
        raise InputError(f"{of} has more than {MOST_KINKS} kinks at one point and is not differentiable there")
    return [
        derivative.xreplace({
            switch: _thrown(switch, side * turned)
            for side, switches in zip(signs, at_edge.values(), strict=True) for switch, turned in switches
        })
        for signs in product((1, -1), repeat=len(at_edge))
    ]


def _thrown(switch: Expression, side: int) -> Expression:
    """What a switch is just beside its edge."""
    import sympy

    if isinstance(switch, sympy.sign):
        return sympy.Integer(side)
    if isinstance(switch, sympy.Heaviside):
        return sympy.Integer((side + 1) // 2)
    if isinstance(switch, sympy.DiracDelta):
        return sympy.Integer(0)
    return sympy.sympify(bool(switch.func(side, 0)))  # a relation
