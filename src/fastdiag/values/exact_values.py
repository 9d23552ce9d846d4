"""Exact values on symbolic landscapes: numbers and formulas instead of floats.

They are asked for by an exact eta: an int, a Fraction or a SymPy expression without floats, or a sequence of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import product
from math import inf, log10
from typing import Any

import numpy as np

from ..arguments import ndim, one_or_many, shown
from ..coefficients.coefficient import prefactor
from ..diagram import Diagram
from ..embedding.weighted import resummed_maps
from ..errors import InputError, TooLargeError, UnsupportedError
from ..landscapes.contraction import contract
from ..landscapes.exact import Expression, arithmetic, canonical, exact, is_exact
from ..landscapes.symbolic import Symbolic
from ..spacetime import Spacetime
from ..spacetime.updates import Update, sgd
from .modes import check_forgets
from .plan import Plan, plan
from .root import Root

MOST_DIGITS = 300_000  # of a power of k; then a prediction takes some ten seconds
MOST_DEGREE = 2000  # of a power of a formula; then it takes minutes


def exact_learning_rates(eta: object) -> tuple[list[Expression], tuple[int, ...]] | None:
    """The learning rates and their shape if all of them are exact, None if they are floats.

    Raises
    ------
    InputError : a negative one
    UnsupportedError : a matrix of exact entries
    """
    if ndim(eta) > 1:
        entries = np.asarray(eta, object).flat
        if any(isinstance(x, Fraction) or hasattr(x, "free_symbols") for x in entries):
            raise UnsupportedError(
                "exact values are for learning rates that are numbers, not for a matrix eta; give numpy.array(eta, float), "
                "for values in floats"
            )
        return None
    rates, shape = one_or_many("eta", eta, "learning rates")
    if not all(map(is_exact, rates)):
        return None
    found = [exact("eta", rate) for rate in rates]
    for rate in found:
        if rate.is_negative:
            raise InputError(f"eta must be >= 0, not {shown(rate)}")
    return found, shape


def exact_uvalue(diagram: Diagram, landscape: Symbolic, root: Root | None = None) -> Expression:
    """`uvalue` as a SymPy number or formula; with a term of an observable at the root, an object array over open edges."""
    chosen = plan(diagram, root)
    tensors, back = _tensors(chosen, landscape)
    return back(contract(zip(tensors, (edges for _, edges in chosen.parts), strict=True), chosen.open))


def exact_rvalue(
    diagram: Diagram, landscape: Symbolic, spacetime: Spacetime, eta: Expression, root: Root | None = None,
    update: Update | None = None,
) -> Expression:
    """`rvalue` as a SymPy number or formula; any sampling, several epochs too. With a root as `exact_uvalue`.

    Raises
    ------
    InputError : T = inf without 0 < eta h < 2
    UnsupportedError : the Hessian at theta_0 is not diagonal
    TooLargeError : powers with too many digits
    """
    if update is None:
        check_powers(landscape, [spacetime], [eta], diagram.order)
    elif spacetime.T == inf and diagram.order:
        for rate in map(canonical, (eta * rate for rate in exact_rates(landscape))):
            if rate.is_number:
                check_forgets(update, rate, rate)
    chosen, n, rates = plan(diagram, root), landscape.dimension, exact_rates(landscape)
    tensors, back = _tensors(chosen, landscape)
    values: Any = np.ones((1,) * diagram.order, object)
    for tensor, (_, edges) in zip(tensors, chosen.parts, strict=True):
        values = values * tensor.reshape([n if edge in edges else 1 for edge in range(diagram.order)])  # edges ascend
    alike: defaultdict[tuple[Any, ...], Any] = defaultdict(lambda: np.zeros((n,) * len(chosen.open), object))
    for index, value in np.ndenumerate(values):
        if value:  # equal k share one sum over maps
            alike[tuple(rates[i] for i in index)][tuple(index[edge] for edge in chosen.open)] += value
    forces = {rate: _plain(canonical(eta * rate)) for rate in set().union(*alike)}
    rule = sgd() if update is None else update
    total: Any = np.zeros((n,) * len(chosen.open), object)
    for along, value in alike.items():
        maps = resummed_maps(diagram, spacetime, rule, [forces[rate] for rate in along])
        total = total + back(value) * exact("maps", maps)
    scale = exact("a prefactor", prefactor(diagram, spacetime.B)) * eta**diagram.order
    return np.frompyfunc(lambda term: canonical(exact("a value", term) * scale), 1, 1)(total)


def check_powers(landscape: Symbolic, times: Iterable[Spacetime], etas: Sequence[Expression], order: int) -> None:
    """Raise an error if the powers of 1 - eta h to a time have too many digits or terms, or no limit."""
    times = list(times)
    longest = max((spacetime.T for spacetime in times), default=0)
    finite = max((spacetime.T for spacetime in times if spacetime.T != inf), default=0)
    if order == 0 or not etas:
        return
    for eta, rate in product(etas, exact_rates(landscape)):
        step = canonical(eta * rate)
        if longest == inf and not step.free_symbols and not (step > 0 and step < 2):
            raise InputError(
                f"T = inf needs 0 < eta h < 2 in every direction, and eta h is {step} where the Hessian is {rate}; "
                "give a finite T, or another eta"
            )
        k = canonical(1 - step)
        if k.free_symbols and order * finite > MOST_DEGREE:
            raise TooLargeError(
                f"the formula ({k})^{finite}, for each of {order} edges, has too many terms: T times the order may be "
                f"{MOST_DEGREE} at most; give numbers, or resummed=False, whose formula does not grow with T"
            )
        digits = order * finite * log10(max(abs(k.p), k.q)) if k.is_Rational else 0
        if digits > MOST_DIGITS:
            raise TooLargeError(
                f"the exact power ({k})^{finite}, for each of {order} edges, has {int(digits):,} digits, and the limit is "
                f"{MOST_DIGITS:,}; use a float eta, resummed=False, or T = math.inf"
            )


def exact_rates(landscape: Symbolic) -> list[Expression]:
    """The eigenvalues of the Hessian along the coordinates, or UnsupportedError if it is not diagonal."""
    hessian = landscape.exact_part(((0, 1),))
    if any(hessian[i, j] != 0 for i, j in np.ndindex(*hessian.shape) if i != j):
        raise UnsupportedError(
            f"exact resummed values need a Hessian that is diagonal in the given weights, and it is {hessian.tolist()}; "
            "use a float eta, resummed=False, or weights along its eigenvectors"
        )
    return list(hessian.diagonal())


def _tensors(chosen: Plan, landscape: Symbolic) -> tuple[list[Any], Callable[[Any], Any]]:
    """Each part's cumulant, in fast arithmetic, and the way back: for a lone number as itself."""
    tensors = [landscape.exact_part(nodes) for nodes, _ in chosen.parts]
    elements, back = arithmetic(value for tensor in tensors for value in tensor.flat)
    pieces = np.split(np.fromiter(elements, object), np.cumsum([tensor.size for tensor in tensors])[:-1])
    shaped = [piece.reshape(tensor.shape) for piece, tensor in zip(pieces, tensors, strict=True)]
    return shaped, np.frompyfunc(back, 1, 1)


def _plain(value: Expression) -> Any:
    """Rationals as Fractions, which are the fastest to count with."""
    return Fraction(int(value.p), int(value.q)) if value.is_Rational else value
