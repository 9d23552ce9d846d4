"""The generator of SGD: the operator A with E s(theta_T) = M_0 exp(T A) s, read off the counts.

With fresh data at every update, or epochs of a given training set that are shuffled anew, expectations at time T are a
power of one operator; so are a rule's with memory, once what it began with is forgotten. Without memory M_0 = 1.
Coefficients are polynomials in T, but for powers of what is forgotten: A = M_0^-1 M_1 of their constant and linear parts.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

from ..coefficients.coefficient import coefficient
from ..diagram import Diagram, diagrams
from ..embedding import Rule
from ..embedding.retied import retied_shares
from ..spacetime import Spacetime
from ..spacetime.processes import Process
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import sgd
from ..typing import Sampling
from .grafting import ALONE, Operator, composed, inverse, logarithm, marked_diagrams
from .long_run import LongRun
from .symbols import Sampled, Symbols


@lru_cache(maxsize=32)
def generator(order: int, sampling: Sampled, given: bool, update: Rule, marked: bool = False) -> tuple[Operator, Operator]:
    """A and M_0 to an order: coefficients in B, of a given training set in N too, and in a rule's letters.

    A linear rule with a schedule has rates per period of it. marked: diagrams with a decay's nodes besides, which are those
    in the root's part, and which no schedule scales.

    Raises
    ------
    UnsupportedError : a rule that forgets where it is, so that nothing grows with time
    """
    if isinstance(update, Process | RegularizedNewton):
        found = {D: _slope(D, sampling, given, update) for d in range(1, order + 1) for D in diagrams(d)}
        return {D: x for D, x in found.items() if x}, {ALONE: 1}
    rule = sgd() if update is None else update
    run = LongRun(sampling, given, rule)
    constant, linear = {ALONE: run.field.one}, Operator()
    for diagram in (D for d in range(1, order + 1) for D in (marked_diagrams(d) if marked else diagrams(d))):
        constant[diagram], linear[diagram] = run.of(diagram)
    constant, linear = ({D: x for D, x in each.items() if x} for each in (constant, linear))
    if len(constant) > 1:
        linear = composed(inverse(constant, order), linear, order)
    linear, constant = ({D: run.written(x) for D, x in each.items() if x} for each in (linear, constant))
    return linear, constant


def _slope(diagram: Diagram, sampling: Sampled, given: bool, update: Rule) -> Any:
    """The linear part of a polynomial in time: of a rule without memory, whose M_0 is 1."""
    import sympy

    from ..letters import in_letters

    symbols = Symbols(sampling, "cumulant", "E" if sampling == "reshuffle" else "T", update)
    points = symbols.N if given and not isinstance(update, Process) else None  # a process meets none
    found = sum((share * symbols.coefficient(each) for each, share in retied_shares(diagram, points)), sympy.S.Zero)
    top, bottom = sympy.fraction(sympy.together(sympy.expand(found)))
    return in_letters(sympy.factor(sympy.Poly(top, symbols.time).coeff_monomial(symbols.time) / bottom))


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
