"""The generator of SGD: the operator A with E s(theta_T) = M_0 exp(T A) s, read off the counts.

With fresh data at every update, or epochs of a given training set that are shuffled anew, expectations at time T are a
power of one operator; so are a rule's with memory, once what it began with is forgotten. Without memory M_0 = 1.
Coefficients are polynomials in T, but for powers of what is forgotten: A = M_0^-1 M_1 of their constant and linear parts.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import inf
from typing import Any

from ..coefficients.coefficient import coefficient
from ..diagram import Diagram, diagrams
from ..embedding import Rule
from ..embedding.retied import retied_shares
from ..errors import UnsupportedError
from ..spacetime import Spacetime
from ..spacetime.processes import Process
from ..spacetime.updates import schedule
from ..typing import Number, Sampling
from .grafting import ALONE, Operator, composed, exponential, inverse, logarithm
from .symbols import Sampled, Symbols


@lru_cache(maxsize=32)
def generator(order: int, sampling: Sampled, given: bool, update: Rule) -> tuple[Operator, Operator]:
    """A and M_0 to an order: coefficients in B, of a given training set in N too, and in a rule's letters.

    Raises
    ------
    UnsupportedError : a rule that forgets where it is, so that nothing grows with time
    """
    import sympy

    from ..letters import in_letters

    time: Any = "E" if sampling == "reshuffle" else "T"
    symbols = Symbols(sampling, "cumulant", time, update)
    constant: Operator = {ALONE: sympy.S.One}
    linear: Operator = {}
    points = symbols.N if given and not isinstance(update, Process) else None  # a process meets none
    for d in range(1, order + 1):
        for diagram in diagrams(d):
            found = sympy.S.Zero
            for each, share in retied_shares(diagram, points):
                found += share * _expression(symbols, each)
            parts = _polynomial(found, symbols.time)
            constant[diagram], linear[diagram] = (sympy.factor(parts.get(power, 0)) for power in (0, 1))
    if all(x == 0 for x in linear.values()) and order:
        raise UnsupportedError(
            f"under {update!r} weights forget where they are, so nothing goes on at a rate; decay without momentum has "
            "rates, and so has decay as a term of the loss"
        )
    constant, linear = ({D: x for D, x in each.items() if x != 0} for each in (constant, linear))
    if len(constant) > 1:
        linear = composed(inverse(constant, order), linear, order)
    linear = {D: y for D, x in linear.items() if (y := sympy.factor(sympy.together(x))) != 0}
    linear, constant = ({D: in_letters(x) for D, x in each.items()} for each in (linear, constant))
    return linear, constant


@lru_cache(maxsize=32)
def generator_of_few(order: int, sampling: Sampling, N: int, B: int) -> Operator:
    """A of N given points, exact numbers: the logarithm of one unit of time, which has no poles at any N."""
    once = Spacetime(N, B, N // B if sampling == "reshuffle" else 1, sampling=sampling)
    found: Operator = {ALONE: Fraction(1)}
    for d in range(1, order + 1):
        for diagram in diagrams(d):
            shares = retied_shares(diagram, N)
            found[diagram] = sum((share * coefficient(each, once) for each, share in shares), Fraction(0))
    return logarithm(found, order)


@lru_cache(maxsize=32)
def generator_of_period(order: int, sampling: Sampled, given: bool, factors: tuple[Number, ...]) -> Operator:
    """A of a period of updates with learning rates eta c_0, eta c_1, ...: the logarithm of one period.

    Batches with replacement are independent, and a period is a product. Else it is one epoch, where a part of a diagram is
    at one time and may take any of its batch's B rows: coefficients are those of B = 1, times B^(parts - edges).
    """
    import sympy

    from ..letters import in_letters

    whole: Operator = {ALONE: sympy.S.One}
    if sampling == "replacement":
        once, _ = generator(order, sampling, given, None)
        for factor in map(sympy.sympify, factors):
            update = exponential({D: x * factor**D.order for D, x in once.items()}, order)
            whole = {D: sympy.factor(x) for D, x in composed(whole, update, order).items()}
    else:
        symbols = Symbols("one epoch", "cumulant", "T")
        updates, rates = Spacetime(inf, 1, len(factors)), schedule(factors)
        for D in (D for d in range(1, order + 1) for D in diagrams(d)):
            whole[D] = sum((
                share * coefficient(each, updates, update=rates) * symbols.B ** (len(each.parts) - 1 - D.order)
                for each, share in retied_shares(D, symbols.N if given else None)
            ), sympy.S.Zero)
    found = {D: sympy.factor(sympy.together(x)) for D, x in logarithm(whole, order).items()}
    return {D: in_letters(x) for D, x in found.items() if x != 0}


def _expression(symbols: Symbols, diagram: Diagram) -> Any:
    element = symbols.coefficient(diagram)
    return element if symbols.update is not None else element.as_expr()


def _polynomial(found: Any, time: Any) -> dict[int, Any]:
    """Coefficients of the powers of a time, once what is forgotten with it is gone."""
    import sympy

    forgotten: dict[Any, Any] = {}

    def told(power: Any) -> Any:
        """x^(a T + c) by letters for the prime factors of x to the power of T."""
        slope = power.exp.coeff(time) if power.exp.is_Add else power.exp / time
        rest, base = sympy.expand(power.exp - slope * time), power.base
        factors = [(base, 1)]
        if base.is_Rational:
            factors = [(-1, 1)] * bool(base < 0) + [*sympy.factorint(abs(base.p)).items()]
            factors += [(prime, -often) for prime, often in sympy.factorint(base.q).items()]
        result = base**rest
        for factor, often in factors:
            if factor != 1 and not (factor == -1 and slope.is_even):
                result *= forgotten.setdefault(factor, sympy.Dummy(positive=True)) ** (often * slope)
        return result

    def is_power(x: Any) -> bool:
        return bool(x.is_Pow and x.exp.has(time))

    written = sympy.expand(sympy.expand(found).replace(is_power, told))
    late = sympy.Add(*(x for x in sympy.Add.make_args(written) if not x.has(*forgotten.values())))
    top, bottom = sympy.fraction(sympy.together(late))
    return {power: x / bottom for (power,), x in sympy.Poly(top, time).terms()}
