"""Numbers of a modified equation on a landscape: coefficients at numbers for their letters, and the sum over diagrams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import shown, whole
from ..diagram import Diagram
from ..errors import InputError, UnsupportedError
from ..landscapes import Estimated, Landscape, SampledLandscape, Symbolic
from ..landscapes.exact import exact
from ..spacetime import Spacetime
from ..values.exact_values import exact_learning_rates
from ..values.given import given_points
from ..values.learning_rates import learning_rates
from .diagram_sum import diagram_sum, plain_diagrams
from .functions import seen_from
from .generator import generator_of_few
from .gradient_part import gradient_part
from .grafting import Operator, absorbed, at_start
from .modified_letters import OWN, check_numbers
from .modified_rules import decay_of, without_decay
from .observables import Observable, check_has
from .question import shaped
from .rate import ExactRates, Rates

if TYPE_CHECKING:
    from .modified_equation import ModifiedEquation


def rates_at(
    equation: ModifiedEquation, landscape: Landscape, eta: Any, observable: Observable, given: Mapping[str, Any],
    only_rest: bool = False,
) -> tuple[Any, ...]:
    """The rate at which an observable changes at the landscape's start, by powers of eta; see `ModifiedEquation.at`.

    only_rest: of the drift, only what is no gradient.
    """
    check_has(landscape, observable, equation.update)
    if observable.mean is not None:
        raise InputError("a variance has no rate of its own: take the function's square, or 'diffusion'")
    if isinstance(landscape, Estimated):
        raise UnsupportedError("rates of change are not estimated from a sample: give the landscape's `.points`")
    numbers = dict(given) | {name: whole(name, given[name], 1) for name in ("N", "B") if name in given}
    if equation.training_set == "given" and isinstance(landscape, SampledLandscape):
        numbers.setdefault("N", len(landscape.weights))
    N, B = numbers.get("N"), numbers.get("B", 1)
    if equation.sampling == "reshuffle" and equation.period and N != equation.period * B:
        raise InputError(
            f"an epoch of {equation.period} batches of {shown(B)} has N = {shown(equation.period * B)} points, not "
            f"{shown(N)}; give another B, or as many learning rates as there are batches"
        )
    if equation.training_set == "given" and "N" in numbers:
        how: Any = equation.sampling
        given_points(landscape, Spacetime(numbers["N"], numbers.get("B", 1), 1, sampling=how), None)
    exactly = exact_learning_rates(eta) if isinstance(landscape, Symbolic) else None
    found, decay = _coefficients(equation, numbers, exactly is not None)
    if only_rest:
        found = gradient_part(found, equation.order)[2]
    powers = [found]
    if decay:
        powers = (at_start if equation.period else absorbed)(found, equation.order)
    others = tuple(seen_from(function, landscape) for function in observable.functions)
    times = [Spacetime(N=1, T=1)]
    worth: Any
    if exactly is not None:
        assert isinstance(landscape, Symbolic)
        worth, shape = ExactRates(landscape, times, exactly[0], None, None, others), exactly[1]
    else:
        rates, metric = learning_rates(eta, landscape.dimension)
        worth, shape = Rates(landscape, times, np.atleast_1d(rates), metric, None, None, others), rates.shape
    total = [worth.zero(observable.axes) for _ in range(equation.order + 1)]
    for power, known in enumerate(powers):
        worth.known = known
        sums, _ = diagram_sum(observable, equation.order - power, plain_diagrams, worth, True)
        weight = decay**power if worth.exactly else float(decay**power)
        for order, found in enumerate(sums):
            total[power + order] = total[power + order] + weight * found
    shape += (landscape.dimension,) * observable.axes
    return tuple(shaped(worth.finished(each, observable.axes), shape) for each in total)


def _coefficients(equation: ModifiedEquation, given: Mapping[str, Any], formulas: bool) -> tuple[Operator, Any]:
    """The coefficients and the decay, at numbers for their letters; formulas: or at formulas."""
    import sympy

    decay = sympy.sympify(decay_of(equation.update) or 0)
    letters = {s.name: s for x in (decay, *equation.coefficients.values()) for s in sympy.sympify(x).free_symbols}
    if unknown := [name for name in given if name not in {*letters, "B", "N"}]:
        known = ", ".join(sorted(letters))
        raise InputError(f"the equation has no symbol called {', '.join(unknown)}; it knows {known}")
    named = {"B": 1} | dict(given)
    if missing := sorted(set(letters) - set(named)):
        raise InputError(f"give numbers for the letters {', '.join(missing)} too")
    told: dict[str, Any] = {}
    for name, x in named.items():
        if name in letters:
            told[name] = exact(name, x if isinstance(x, str) else sympy.sympify(x))
    if not formulas and (open_ones := [name for name, x in told.items() if x.free_symbols]):
        name = open_ones[0]
        raise InputError(
            f"{name} = {shown(told[name])} is a formula, and these are floats: give a number for {name}, or take a "
            "symbolic landscape with an exact eta"
        )
    check_numbers(equation.update, {name: x for name, x in told.items() if name not in OWN})
    numbers = {letters[name]: x for name, x in told.items()}
    found = {D: sympy.sympify(x).subs(numbers, simultaneous=True) for D, x in equation.coefficients.items()}
    if any(x.has(sympy.nan, sympy.zoo) for x in found.values()):
        if "N" not in named:
            raise InputError(f"a coefficient has a pole at {', '.join(f'{name} = {x}' for name, x in told.items())}")
        found = _of_few(equation, found, named["N"], named["B"])
    return found, decay.subs(numbers, simultaneous=True)


def _of_few(equation: ModifiedEquation, found: Operator, N: int, B: int) -> Operator:
    """Where a formula has a pole: of so few points that some of their cumulants hang on others, or vanish.

    Without memory an epoch is one operator, which has a logarithm. A rule's formulas go to order 3, where poles are those
    of what vanishes: third cumulants of two points, all of one.
    """
    if without_decay(equation.update) is None:
        exactly = generator_of_few(equation.order, equation.sampling, N, B)
        return {D: exact("a coefficient", x) for D, x in exactly.items()}
    return {D: x for D, x in found.items() if not _vanishes(D, N)}


def _vanishes(diagram: Diagram, N: int) -> bool:
    """Whether a joint cumulant of a diagram is 0 for N equally likely points."""
    largest = max(map(len, diagram.parts))
    return largest > 1 if N == 1 else N == 2 and largest == 3
