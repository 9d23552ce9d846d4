"""Vector fields: what updates follow in place of a gradient. A node with k children is a field's k-th derivative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..door import door
from ..errors import InputError, MissingTensorError, UnsupportedError
from ..numerals import counted
from ..record import frozen
from ..typing import FloatArray
from .distributions import Distribution
from .exact import Expression, multiplied_out
from .formula_arguments import Indices
from .formulas_given import formula_of
from .given_tensors import check_symmetric, tensor_or_zero
from .landscape import checked, checked_weights
from .samples import Samples
from .symbolic import Symbolic
from .taylor import re_expanded
from .to_eigenbasis import to_eigenbasis


class Field(Samples):
    """A vector field v_x given by each point's derivatives; see `field`. Away from the start it is a Taylor polynomial.

    Its tensors are those of a landscape's nodes: of degree k + 1 is the k-th derivative, (n,) * (k + 1), the axis of the
    field's entries first. A frame for them may be two: of derivatives, and of entries.
    """

    is_gradient = False

    def require_degree(self, degree: int, why: str) -> None:
        if degree >= len(self.derivatives):
            raise MissingTensorError(
                f"{why} needs {'d' * (degree - 1)}v, and derivatives of the field were given up to "
                f"{'d' * (len(self.derivatives) - 2)}v; give more (0 for one that vanishes), or ask for a lower order"
            )

    def turned(self, tensor: FloatArray, frame: FloatArray, leading: int = 0) -> FloatArray:
        if frame.ndim == 2:
            return to_eigenbasis(tensor, frame, leading)
        along, entries = frame
        found = np.moveaxis(np.tensordot(tensor, entries, ((leading,), (0,))), -1, leading)
        return to_eigenbasis(np.ascontiguousarray(found), along, leading + 1)

    def _seen_from(self, theta: FloatArray) -> list[FloatArray]:
        return [self.derivatives[0], *re_expanded(self.derivatives[1:], theta - self.theta)]

    @property
    def loss(self) -> float:
        """There is none."""
        raise no_loss(self)

    def __repr__(self) -> str:
        points, derivatives = counted(len(self.weights), "point"), counted(len(self.derivatives) - 2, "derivative")
        return f"<vector field: {points}, {counted(self.dimension, 'weight')}, {derivatives}>"


class SymbolicField(Symbolic):
    """A vector field that is a formula; see `symbolic_field`. Its derivatives have the field's entry for a first index."""

    is_gradient = False

    called = "the field"

    def named(self, indices: Indices) -> str:
        entry = f"the entry {self.coordinates[indices[0]]} of the field"
        along = ", ".join(str(self.coordinates[i]) for i in indices[1:])
        return f"the derivative of {entry} along {along}" if along else entry

    def ordered(self, indices: Indices) -> Indices:
        return (*indices[:1], *sorted(indices[1:]))

    def turning(self, frame: FloatArray, first: bool) -> FloatArray:
        return frame if frame.ndim == 2 else frame[int(first)]

    @property
    def formulas(self) -> tuple[Expression, ...]:
        return tuple(self.expression)

    def _derivative(self, indices: Indices) -> Expression:
        if len(indices) == 1:
            return self.formulas[indices[0]]
        if not indices:
            raise no_loss(self)
        return super()._derivative(indices)

    @door
    def samples(self, degree: int = 4) -> Field:
        """The same as points with derivatives, as `Symbolic.samples`; degree: of tensors, a derivative's plus 1."""
        chances, arrays = self._told(degree, lowest=1)
        return field(*arrays, weights=chances)

    @property
    def loss(self) -> float:
        """There is none."""
        raise no_loss(self)

    @property
    def mean_loss(self) -> Expression:
        """There is none."""
        raise no_loss(self)

    def scaled(self, exponent: int) -> SymbolicField:
        import sympy

        unit = sympy.Integer(2) ** exponent
        units = {weight: unit * weight for weight in self.coordinates}
        formulas = sympy.Tuple(*(unit * formula.xreplace(units) for formula in self.formulas))
        start = tuple(multiplied_out(value / unit) for value in self.theta)
        return SymbolicField(formulas, self.coordinates, self.data, self.distributions, start)


def no_loss(of: object) -> UnsupportedError:
    """The error that says that a field has none."""
    return UnsupportedError(
        f"{of!r} is no gradient, so there is no loss: ask for the displacement, the covariance, or fastdiag.observable(s), "
        "any function s of the weights"
    )


@door
def field(*derivatives: object, weights: object | None = None) -> Field:
    """Updates theta <- theta - eta * (mean of v_x over the batch): a vector field v_x, by each point's derivatives.

    Nothing in the expansion needs a gradient: a node with k children is the k-th derivative of v_x, counts stay as they
    are. So a learning rate that depends on the weights, natural gradients, clipping that is smooth, sharpness-aware steps
    and games are landscapes too. What is observed is any function of the weights: `fastdiag.observable`, or the
    displacement and its covariance.

    Parameters
    ----------
    derivatives : v, dv, ddv, ... at theta_0 for each of the S points: (S, n), (S, n, n), (S, n, n, n), ..., as many as the
        order needs. After the points' axis comes that of the field's entries, then those along which it is differentiated,
        in which it is symmetric: dv[x, i, j] = d v_i / d theta_j. The number 0 for one that vanishes
    weights : (S,) probabilities of the points, normalised here; uniform by default

    Returns
    -------
    Field, for `predict` and `simulate`. Un-resummed to any order, about the path and, resummed, with K = 1 - eta dv, which
    need not be symmetric. `simulate` runs on the Taylor polynomial

    Raises
    ------
    InputError : wrong shapes, not finite, not symmetric in the axes of derivatives

    Examples
    --------
    >>> import fastdiag as fd
    >>> turn = fd.landscapes.field([[1.0, 0.0]], [[[0.0, -1.0], [1.0, 0.0]]], 0)  # no gradient: it goes round
    >>> st = fd.Spacetime(N=4, T=4)
    >>> fd.predict(turn, st, 0.5, order=3, observable="displacement", resummed=False).by_order[2].tolist()
    [0.0, 1.5]
    """
    if not derivatives:
        raise InputError("give v, (S, n), at least")
    first = checked("v", derivatives[0], (None, None), "points, weights")
    points, n = first.shape
    if points == 0 or n == 0:
        raise InputError(f"v must have a row for each point and a column for each weight, not shape {first.shape}")
    known = [frozen(np.zeros(points)), first]
    for degree, array in enumerate(derivatives[1:], 2):
        name = "d" * (degree - 1) + "v"
        meaning = "points, the field's entries, then weights for each derivative"
        known.append(tensor_or_zero(name, array, (points, *(n,) * degree), meaning))
        check_symmetric(name, known[-1], [range(2, degree + 1)])
    return Field(tuple(known), checked_weights(weights, points))


@door
def symbolic_field(
    v: Sequence[Expression], weights: Any, data: Any, distribution: Distribution | Sequence[Distribution],
    at: Mapping[Any, object] | Sequence[object],
) -> SymbolicField:
    """A vector field v_x(theta) from formulas, one for each weight; else as `symbolic` and `field`.

    Parameters
    ----------
    v : SymPy expressions without floats, an entry for each of the weights
    weights, data, distribution, at : as for `symbolic`

    Returns
    -------
    SymbolicField, with every derivative; exact learning rates give exact numbers and formulas

    Raises
    ------
    InputError : not one expression for each weight; and what `symbolic` raises

    Examples
    --------
    Two players, each going down its own loss, u v and -u v: they circle, and leave the start faster than linearly.

    >>> import fastdiag as fd, sympy
    >>> u, v, x, y = sympy.symbols("u v x y")
    >>> noise = fd.landscapes.normal(0, 1)
    >>> game = fd.landscapes.symbolic_field([v + x, -u + y], (u, v), (x, y), (noise, noise), at=[1, 0])
    >>> away = fd.observable(u**2 + v**2, (u, v))
    >>> fd.predict(game, fd.Spacetime(N=9, T=9), sympy.Symbol("eta"), 2, away, resummed=False).by_order
    (1, 0, 27*eta**2)
    """
    return formula_of(SymbolicField, "v", v, weights, data, distribution, at)
