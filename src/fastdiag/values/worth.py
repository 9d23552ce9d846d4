"""What diagrams are worth, as arrays over learning rates and times: how edges and nodes are put together.

Un-resummed, edges give a coefficient for each time and nodes a contraction. Resummed, edges know the curvature, and both
are summed over together. An expansion about something else is another class with these methods.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from math import inf
from typing import Any

import numpy as np

from ..coefficients import coefficient
from ..coefficients.coefficient import coefficients_near
from ..diagram import Diagram
from ..embedding import Rule
from ..errors import InputError, TooLargeError, UnsupportedError
from ..landscapes.estimated import Estimated
from ..landscapes.exact import Expression, canonical, exact
from ..landscapes.landscape import Landscape
from ..landscapes.symbolic import Symbolic
from ..spacetime import Spacetime
from ..spacetime.processes import Process
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Update
from ..typing import FloatArray
from .device import check_device
from .eigenbasis import Eigenbasis, eigenbasis_of
from .estimate import standard_error
from .exact_values import check_powers, exact_rvalue, exact_uvalue
from .learning_rates import at_scale
from .resummable import linear_rule
from .root import Root, Roots, axes_of, from_eigenbasis
from .rvalue import resummed
from .uvalue import contraction


@dataclass(frozen=True, kw_only=True)
class Worth(ABC):
    """What diagrams contribute: arrays (learning rates, times) + (n,) * axes, of floats, or of SymPy's as objects."""

    numbers: FloatArray
    """The learning rates, (rates,)."""
    times: Sequence[Spacetime]
    dimension: int
    exponent: int = 0
    """The power of 2 by which the result's axes are too small."""

    @property
    def exactly(self) -> bool:
        """Whether values are SymPy's."""
        return self.numbers.dtype == object

    def zero(self, axes: int) -> Any:
        """The value of no diagrams, with so many axes of an observable."""
        nothing = exact("no diagrams", 0) if self.exactly else 0.0
        return np.full((len(self.numbers), len(self.times)) + (self.dimension,) * axes, nothing)

    @abstractmethod
    def value(self, diagram: Diagram, roots: Roots) -> Any:
        """What a diagram contributes with some terms, one at least, of its root's tensor."""

    def outer(self, first: Any, second: Any, axes: int) -> Any:
        """The product of two values of `axes` axes each; the second's axes come after the first's."""
        return first[..., :, None] * second[..., None, :] if axes else first * second

    def finished(self, total: Any, axes: int) -> Any:
        """A sum of values in the units that were asked for, or canonical."""
        return np.frompyfunc(canonical, 1, 1)(total) if self.exactly else np.ldexp(total, self.exponent * axes)

    def weighted(self, roots: Roots) -> list[tuple[Root, Any]]:
        """The terms that have a weight, and their weights."""
        weights = [(root, root.weight(self.times[0])) for root in roots]
        return [(root, exact("a weight", weight) if self.exactly else float(weight)) for root, weight in weights if weight]


@dataclass(frozen=True, kw_only=True)
class PlainWorth(Worth):
    """Un-resummed: eta^d times what the edges give, times what the nodes give."""

    edges: Callable[[Diagram], Any]
    """The coefficient at each time, (times,)."""
    nodes: Callable[[Diagram, Root], Any]
    """The contraction with a term at the root, (n,) * axes."""
    sample: Estimated | None = None
    """Where nodes are estimates, what they are from."""

    def value(self, diagram: Diagram, roots: Roots) -> Any:
        scales = self._scales(diagram)
        total: Any = np.zeros((self.dimension,) * axes_of(roots), self.numbers.dtype)
        if scales.any():
            total = sum((weight * self.nodes(diagram, root) for root, weight in self.weighted(roots)), start=total)
        return np.asarray(np.multiply.outer(scales, total))

    def standard_error(self, terms: Iterable[tuple[Diagram, Roots]]) -> FloatArray | None:
        """Standard error of the sum of some values, (learning rates, times), where nodes are estimates."""
        if self.sample is None:
            return None
        weights = {D: self._scales(D) * sum(weight for _, weight in self.weighted(roots)) for D, roots in terms}
        return standard_error(self.sample, weights) if weights else self.zero(0)

    def _scales(self, diagram: Diagram) -> Any:
        return np.multiply.outer(self.numbers**diagram.order, self.edges(diagram))


@dataclass(frozen=True, kw_only=True)
class ResummedWorth(Worth):
    """Resummed, in floats."""

    eigenbasis: Eigenbasis
    device: str
    continuous: bool
    update: Update | None
    process: Process | None

    def value(self, diagram: Diagram, roots: Roots) -> Any:
        if self.process is not None and not self.process.keeps(diagram):
            return self.zero(axes_of(roots))
        how = self.continuous, self.device, roots, self.update
        return resummed(diagram, self.eigenbasis, self.times, self.numbers, *how)


@dataclass(frozen=True, kw_only=True)
class ExactResummedWorth(Worth):
    """Resummed, in SymPy's numbers and formulas."""

    landscape: Symbolic
    update: Update | None

    def value(self, diagram: Diagram, roots: Roots) -> Any:
        total, terms = self.zero(axes_of(roots)), self.weighted(roots)
        for (i, eta), (j, spacetime), (root, weight) in product(enumerate(self.numbers), enumerate(self.times), terms):
            total[i, j] += weight * exact_rvalue(diagram, self.landscape, spacetime, eta, root, self.update)
        return total


def plain_worth(
    landscape: Landscape, times: Sequence[Spacetime], numbers: FloatArray, metric: FloatArray | None, update: Rule
) -> PlainWorth:
    """Un-resummed, in floats; under a matrix eta tensors are taken along directions in which it is the identity."""
    rule = update.exactly() if isinstance(update, RegularizedNewton) else update
    exponent, directions = 0, None
    tensors: Landscape | Eigenbasis
    if metric is None:
        landscape, numbers, exponent = at_scale(landscape, numbers)
        tensors = landscape
    elif isinstance(landscape, Estimated):
        tensors = landscape.along(np.asarray(np.linalg.cholesky(metric)))
    else:
        tensors = Eigenbasis(landscape, metric)
        directions = tensors.directions

    def nodes(diagram: Diagram, root: Root) -> FloatArray:
        value = contraction(diagram, tensors, root)
        return value if directions is None else from_eigenbasis(value, directions, value.ndim)

    return PlainWorth(
        numbers=numbers, times=times, dimension=landscape.dimension, exponent=exponent, nodes=nodes,
        edges=lambda diagram: _coefficients(diagram, times, rule),
        sample=tensors if isinstance(tensors, Estimated) else None,
    )


def resummed_worth(
    landscape: Landscape, times: Sequence[Spacetime], numbers: FloatArray, metric: FloatArray | None, continuous: bool,
    device: str, update: Rule,
) -> ResummedWorth:
    """Resummed, in floats. A process meets no point twice, and its time is continuous."""
    exponent, rule, process = 0, None, update if isinstance(update, Process) else None
    if process is not None:
        times, continuous = [Spacetime(inf, spacetime.B, spacetime.T) for spacetime in times], True
    elif (rule := linear_rule(update, continuous)) is not None:
        check_device(device, f"these are of {rule.name}")
    if metric is None:
        landscape, numbers, exponent = at_scale(landscape, numbers)
    return ResummedWorth(
        numbers=numbers, times=times, dimension=landscape.dimension, exponent=exponent,
        eigenbasis=eigenbasis_of(landscape) if metric is None else Eigenbasis(landscape, metric),
        device=device, continuous=continuous, update=rule, process=process,
    )


def exact_plain_worth(
    landscape: Symbolic, times: Sequence[Spacetime], rates: Sequence[Expression], update: Rule
) -> PlainWorth:
    """Un-resummed, in SymPy's numbers and formulas."""

    def edges(diagram: Diagram) -> Any:
        return np.array([exact("a coefficient", coefficient(diagram, st, update=update)) for st in times], object)

    return PlainWorth(
        numbers=np.array(rates, object), times=times, dimension=landscape.dimension, edges=edges,
        nodes=lambda diagram, root: exact_uvalue(diagram, landscape, root),
    )


def exact_resummed_worth(
    landscape: Symbolic, times: Sequence[Spacetime], rates: Sequence[Expression], order: int, update: Rule
) -> ExactResummedWorth:
    """Resummed, in SymPy's numbers and formulas; to an order whose powers are not too long."""
    if isinstance(update, Process):
        raise UnsupportedError(
            f"resummed, {update} has exponentials, which are not exact here; give a float eta, or resummed=False"
        )
    rule = linear_rule(update, False)
    if rule is None:
        check_powers(landscape, times, rates, order)
    return ExactResummedWorth(
        numbers=np.array(rates, object), times=times, dimension=landscape.dimension, landscape=landscape, update=rule
    )


def _coefficients(diagram: Diagram, times: Sequence[Spacetime], update: Rule) -> FloatArray:
    try:
        if isinstance(update, Update):
            return coefficients_near(diagram, times, update)
        return np.array([float(coefficient(diagram, spacetime, update=update)) for spacetime in times])
    except TypeError:
        raise InputError(f"{update} has symbols; give numbers, or an exact eta on a symbolic landscape") from None
    except OverflowError:
        raise TooLargeError(f"the coefficient of {diagram} exceeds float64; fastdiag.coefficient has it") from None
