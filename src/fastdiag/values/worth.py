"""What diagrams are worth, as arrays over learning rates and times: how edges and nodes are put together.

Un-resummed, edges give a coefficient for each time and nodes a contraction. Resummed, edges know the curvature, and both
are summed over together. An expansion about something else is another class with these methods.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import product
from math import inf
from typing import Any

import numpy as np

from ..coefficients.coefficient import coefficient, coefficients_near
from ..diagram import Diagram
from ..embedding import Rule
from ..embedding.retied import retied_shares
from ..errors import InputError, TooLargeError, UnsupportedError
from ..landscapes.directional import Directional
from ..landscapes.estimated import Estimated
from ..landscapes.exact import Expression, exact, multiplied_out
from ..landscapes.landscape import Landscape
from ..landscapes.symbolic import Symbolic
from ..spacetime import Spacetime
from ..spacetime.processes import Process
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Update
from ..typing import FloatArray
from .device import check_device
from .eigenbasis import Eigenbasis, Unturned, directions_of, eigenbasis_of, is_symmetric
from .estimate import standard_error
from .exact_rvalue import check_powers, exact_rvalue
from .exact_values import exact_uvalue
from .given import given_formulas
from .leaf_to_root import leaf_to_root
from .learning_rates import at_scale, in_units
from .resummable import linear_rule
from .root import Root, Roots, axes_of, from_eigenbasis
from .rvalue import resummed
from .uvalue import contraction

Times = Sequence[Spacetime]


class Worth(ABC):
    """What diagrams contribute: arrays (learning rates, times) + (n,) * axes, of floats, or of SymPy's as objects."""

    has_powers = False
    """Whether values hold powers to the number of updates, a formula: sums of them would be multiplied out without end."""

    def __init__(self, landscape: Landscape, times: Times, numbers: FloatArray, exponent: int = 0) -> None:
        """exponent: the power of 2 by which the result's axes are too small."""
        self.landscape, self.times, self.numbers, self.exponent = landscape, times, numbers, exponent
        self.exactly = numbers.dtype == object

    def zero(self, axes: int) -> Any:
        """The value of no diagrams, with so many axes of an observable."""
        shape = (len(self.numbers), len(self.times)) + (self.landscape.dimension,) * axes
        return np.full(shape, exact("no diagrams", 0) if self.exactly else 0.0)

    @abstractmethod
    def value(self, diagram: Diagram, roots: Roots) -> Any:
        """What a diagram contributes with some terms, one at least, of its root's tensor."""

    def outer(self, first: Any, second: Any, axes: int) -> Any:
        """The product of two values of `axes` axes each; the second's axes come after the first's."""
        return first[..., :, None] * second[..., None, :] if axes else first * second

    def finished(self, total: Any, axes: int) -> Any:
        """A sum of values in the units that were asked for, or canonical, unless it has powers."""
        if self.has_powers:
            return total
        return np.frompyfunc(multiplied_out, 1, 1)(total) if self.exactly else np.ldexp(total, self.exponent * axes)

    def weighted(self, roots: Roots) -> list[tuple[Root, Any]]:
        """The terms that have a weight, and their weights."""
        weights = [(root, root.weight(self.times[0])) for root in roots]
        return [(root, exact("a weight", weight) if self.exactly else float(weight)) for root, weight in weights if weight]


class PlainWorth(Worth):
    """Un-resummed, in floats: eta^d times what the edges give, times what the nodes give."""

    def __init__(
        self, landscape: Landscape, times: Times, numbers: FloatArray, metric: FloatArray | None, update: Rule,
        points: int | None = None, others: Sequence[Landscape] = (),
    ) -> None:
        """points: of a given training set that the updates meet; others: of roots that are not the landscape's own."""
        exponent, self.eigenbasis, self.points, self.metric = 0, None, points, metric
        self.update = update.exactly() if isinstance(update, RegularizedNewton) else update
        if metric is None:
            landscape, numbers, exponent = at_scale(landscape, numbers)
        elif isinstance(landscape, Estimated):
            landscape = landscape.along(np.asarray(np.linalg.cholesky(metric)))
        elif not isinstance(landscape, Directional):  # tensors along directions in which eta is the identity
            self.eigenbasis = (Eigenbasis if is_symmetric(landscape) else Unturned)(landscape, metric, others)
        super().__init__(landscape, times, numbers, exponent)
        self.others = _in_units(others, exponent)

    def edges(self, diagram: Diagram) -> Any:
        """The coefficient at each time, (times,)."""
        try:
            if isinstance(self.update, Update):
                shares = retied_shares(diagram, self.points)
                found = [float(share) * coefficients_near(each, self.times, self.update) for each, share in shares]
                return sum(found, start=np.zeros(len(self.times)))
            return np.array([float(self._coefficient(diagram, spacetime)) for spacetime in self.times])
        except TypeError:
            raise InputError(f"{self.update} has symbols; give numbers, or an exact eta on a symbolic landscape") from None
        except OverflowError:
            raise TooLargeError(f"the coefficient of {diagram} exceeds float64; fastdiag.coefficient has it") from None

    def _coefficient(self, diagram: Diagram, spacetime: Spacetime) -> Any:
        shares = retied_shares(diagram, self.points)
        return sum(share * coefficient(each, spacetime, update=self.update) for each, share in shares)

    def nodes(self, diagram: Diagram, root: Root) -> Any:
        """The contraction with a term at the root, (n,) * axes."""
        if isinstance(self.landscape, Directional):
            return leaf_to_root(diagram, self.landscape, root, self.others, self.metric)
        if self.eigenbasis is None:
            return contraction(diagram, self.landscape, root, self.others)
        value = contraction(diagram, self.eigenbasis, root, self.eigenbasis.others)
        return from_eigenbasis(value, self.eigenbasis.directions, value.ndim)

    def value(self, diagram: Diagram, roots: Roots) -> Any:
        scales = self._scales(diagram)
        total: Any = np.zeros((self.landscape.dimension,) * axes_of(roots), self.numbers.dtype)
        if scales.any():
            total = sum((weight * self.nodes(diagram, root) for root, weight in self.weighted(roots)), start=total)
        return np.asarray(np.multiply.outer(scales, total))

    def standard_error(self, terms: Iterable[tuple[Diagram, Roots]]) -> FloatArray | None:
        """Standard error of the sum of some values, (learning rates, times), where nodes are estimates."""
        if not isinstance(self.landscape, Estimated):
            return None
        weights = {D: self._scales(D) * sum(weight for _, weight in self.weighted(roots)) for D, roots in terms}
        return standard_error(self.landscape, weights) if weights else self.zero(0)

    def _scales(self, diagram: Diagram) -> Any:
        return np.multiply.outer(self.numbers**diagram.order, self.edges(diagram))


class ExactPlainWorth(PlainWorth):
    """Un-resummed, in SymPy's numbers and formulas."""

    def __init__(
        self, landscape: Symbolic, times: Times, rates: Sequence[Expression], update: Rule, points: int | None = None,
        others: Sequence[Landscape] = (),
    ) -> None:
        Worth.__init__(self, landscape, times, np.array(rates, object))
        self.symbolic, self.update, self.points = landscape, update, points
        self.formulas = given_formulas(others)
        self.has_powers = isinstance(update, Update) and times[0].is_symbolic

    def edges(self, diagram: Diagram) -> Any:
        found = [self._coefficient(diagram, spacetime) for spacetime in self.times]
        return np.array([exact("a coefficient", number) for number in found], object)

    def nodes(self, diagram: Diagram, root: Root) -> Any:
        return exact_uvalue(diagram, self.symbolic, root, self.formulas)


class ResummedWorth(Worth):
    """Resummed, in floats. A process meets no point twice, and its time is continuous."""

    def __init__(
        self, landscape: Landscape, times: Times, numbers: FloatArray, metric: FloatArray | None, continuous: bool,
        device: str, update: Rule, points: int | None = None, others: Sequence[Landscape] = (),
        propagator: FloatArray | None = None,
    ) -> None:
        self.points = points
        exponent, rule, self.process = 0, None, update if isinstance(update, Process) else None
        if self.process is not None:
            times, continuous = [Spacetime(inf, spacetime.B, spacetime.T) for spacetime in times], True
        elif (rule := linear_rule(update, continuous)) is not None:
            check_device(device, f"these are of {rule!r}")
        if metric is None:
            landscape, numbers, exponent = at_scale(landscape, numbers)
        super().__init__(landscape, times, numbers, exponent)
        if propagator is not None:
            units = np.ldexp(propagator, 2 * exponent)
            self.eigenbasis = Eigenbasis(landscape, metric, _in_units(others, exponent), units)
        elif metric is None:
            self.eigenbasis = eigenbasis_of(landscape, _in_units(others, exponent))
        else:
            self.eigenbasis = directions_of(landscape, metric, others)
        self.continuous, self.device, self.update = continuous, device, rule

    def value(self, diagram: Diagram, roots: Roots) -> Any:
        if self.process is not None and not self.process.keeps(diagram):
            return self.zero(axes_of(roots))
        how = self.continuous, self.device, roots, self.update, self.points
        return resummed(diagram, self.eigenbasis, self.times, self.numbers, *how)


class ExactResummedWorth(Worth):
    """Resummed, in SymPy's numbers and formulas; to an order whose powers are not too long."""

    def __init__(
        self, landscape: Symbolic, times: Times, rates: Sequence[Expression], order: int, update: Rule,
        points: int | None = None, others: Sequence[Landscape] = (), propagator: Any = None,
    ) -> None:
        if isinstance(update, Process):
            raise UnsupportedError(
                f"resummed, {update} has exponentials, which are not exact here; give a float eta, or resummed=False"
            )
        super().__init__(landscape, times, np.array(rates, object))
        self.symbolic, self.update = landscape, linear_rule(update, False)
        self.given, self.propagator, self.has_powers = (points, given_formulas(others)), propagator, times[0].is_symbolic
        check_powers(landscape, times, rates, order, self.update, propagator)

    def value(self, diagram: Diagram, roots: Roots) -> Any:
        total, terms = self.zero(axes_of(roots)), self.weighted(roots)
        for (i, eta), (j, spacetime), (root, weight) in product(enumerate(self.numbers), enumerate(self.times), terms):
            total[i, j] += weight * exact_rvalue(
                diagram, self.symbolic, spacetime, eta, root, self.update, *self.given, hessian=self.propagator
            )
        return total


def _in_units(others: Sequence[Landscape], exponent: int) -> tuple[Landscape, ...]:
    return tuple(in_units(other, exponent) if exponent else other for other in others)
