"""Exact values on symbolic landscapes: numbers and formulas instead of floats.

They are asked for by an exact eta: an int, a Fraction or a SymPy expression without floats, or a sequence of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import product
from math import inf, log10
from typing import Any

import numpy as np

from ..arguments import ndim, one_or_many, shown
from ..diagram import Diagram
from ..embedding.weighted import resummed_maps
from ..errors import InputError, TooLargeError, UnsupportedError
from ..landscapes.exact import Expression, arithmetic, canonical, exact, is_exact
from ..landscapes.symbolic import Symbolic
from ..spacetime import Spacetime
from ..spacetime.updates import Update, sgd
from .modes import check_forgets
from .plan import plan
from .root import Root

Index = tuple[int, ...]

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
    return ([exact_learning_rate(rate) for rate in rates], shape) if all(map(is_exact, rates)) else None


def exact_learning_rate(eta: object) -> Expression:
    """eta as a SymPy expression, or InputError if it is negative."""
    rate = exact("eta", eta)
    if rate.is_negative:
        raise InputError(f"eta must be >= 0, not {shown(rate)}")
    return rate


def exact_uvalue(diagram: Diagram, landscape: Symbolic, root: Root | None = None) -> Expression:
    """`uvalue` as a SymPy number or formula; with a term of an observable at the root, an object array over open edges."""
    entries, back = _entries(diagram, landscape, root)
    parts, opened = plan(diagram, root).parts, plan(diagram, root).open
    uses = Counter([*opened, *(edge for _, edges in parts for edge in edges)])
    total: dict[Index, Any] = {(): 1}
    edges_open: Index = ()
    for (_, edges), tensor in zip(parts, entries, strict=True):
        uses.subtract(edges)
        total, edges_open = _joined(total, edges_open, tensor, edges)
        kept = [place for place, edge in enumerate(edges_open) if uses[edge]]
        summed: dict[Index, Any] = {}
        for index, value in total.items():  # the edges that meet no later part are summed over
            short = tuple(index[place] for place in kept)
            summed[short] = summed[short] + value if short in summed else value
        total, edges_open = summed, tuple(edges_open[place] for place in kept)
    return _array({_picked(index, edges_open, opened): back(value) for index, value in total.items()}, landscape, opened)


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
    entries, back = _entries(diagram, landscape, root)
    opened = plan(diagram, root).open
    total: dict[Index, Any] = {(): 1}
    edges: Index = ()
    for (_, more), tensor in zip(plan(diagram, root).parts, entries, strict=True):
        total, edges = _joined(total, edges, tensor, more)
    rates = exact_rates(landscape)
    alike: defaultdict[Index, Any] = defaultdict(lambda: defaultdict(int))  # equal k share one sum over maps
    for index, value in total.items():
        indices = _picked(index, edges, tuple(range(diagram.order)))
        alike[tuple(rates[i] for i in indices)][_picked(index, edges, opened)] += value
    forces = {rate: _plain(canonical(eta * rate)) for rate in set().union(*alike)}
    rule = sgd() if update is None else update
    sums = [exact("maps", resummed_maps(diagram, spacetime, rule, [forces[rate] for rate in chosen])) for chosen in alike]
    terms: defaultdict[Index, Expression] = defaultdict(lambda: exact("no maps", 0))
    for maps, values in zip(sums, alike.values(), strict=True):
        for index, value in values.items():
            terms[index] += back(value) * maps
    scale = _prefactor(diagram, spacetime) * eta**diagram.order
    return _array({index: canonical(term * scale) for index, term in terms.items()}, landscape, opened)


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


def _prefactor(diagram: Diagram, spacetime: Spacetime) -> Expression:
    return exact("B", Fraction((-1) ** diagram.order, spacetime.B**diagram.order * diagram.automorphisms))


def _picked(index: Index, edges: Index, wanted: Index) -> Index:
    """Of the indices of some edges those of the wanted ones."""
    return tuple(index[edges.index(edge)] for edge in wanted)


def _array(values: dict[Index, Expression], landscape: Symbolic, opened: Index) -> Expression:
    """The values as an object array with an axis for each open edge, a missing one 0; a lone number as itself."""
    result = np.full((landscape.dimension,) * len(opened), exact("a value", 0), dtype=object)
    for index, value in values.items():
        result[index] = value
    return result if opened else result[()]


def _entries(diagram: Diagram, landscape: Symbolic, root: Root | None) -> tuple[list[dict[Index, Any]], Any]:
    """The entries of each part's cumulant that are not zero, in fast arithmetic, and the way back."""
    tensors = [landscape.exact_part(nodes) for nodes, _ in plan(diagram, root).parts]
    elements, back = arithmetic(value for tensor in tensors for value in tensor.flat)
    flat = iter(elements)
    entries = []
    for tensor in tensors:
        indices = product(range(landscape.dimension), repeat=tensor.ndim)
        entries.append({index: value for index, value in zip(indices, flat, strict=False) if value})
    return entries, back


def _joined(
    first: dict[Index, Any], edges: Index, second: dict[Index, Any], more: Index
) -> tuple[dict[Index, Any], Index]:
    """The product of two tensors, indices of equal edges set equal; nothing is summed."""
    shared = [edge for edge in more if edge in edges]
    fresh = [place for place, edge in enumerate(more) if edge not in edges]
    alike: defaultdict[Index, list[tuple[Index, Any]]] = defaultdict(list)
    for index, value in second.items():
        alike[tuple(index[more.index(edge)] for edge in shared)].append((tuple(index[place] for place in fresh), value))
    result = {
        index + rest: value * other
        for index, value in first.items()
        for rest, other in alike.get(tuple(index[edges.index(edge)] for edge in shared), ())
    }
    return result, edges + tuple(more[place] for place in fresh)


def _plain(value: Expression) -> Any:
    """Rationals as Fractions, which are the fastest to count with."""
    return Fraction(int(value.p), int(value.q)) if value.is_Rational else value


def shaped(values: list[Expression], shape: tuple[int, ...]) -> Any:
    """The one value, or an object array of them."""
    if shape == ():
        return values[0]
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result.reshape(shape)
