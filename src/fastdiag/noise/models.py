"""The models of paper [E], their outputs and their Jacobians in all weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import array, choice, flag, real, shown
from ..door import silent_door
from ..errors import InputError
from ..numerals import counted
from ..record import Record
from ..stationary.units import within_floats
from ..typing import FloatArray
from .geometry import jacobian
from .second_derivatives import DeepLinear, Diagonal, Second, Straight, TwoLayer

Bend: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]
BENDS = ("identity", "leaky_relu", "tanh", "quadratic")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Model(Record):
    """A model at one set of weights: `loss_alignment(model.jacobian, model.outputs - y)`."""

    outputs: FloatArray
    """f(x_i), (points,)."""
    jacobian: FloatArray
    """Rows grad f(x_i), (points, weights); the weights layer by layer, each array's in its own order."""
    second: Second | None = None
    """The outputs' second derivatives, as products; None where they are not known."""

    def __repr__(self) -> str:
        points, weights = self.jacobian.shape
        return f"<model: {counted(points, 'point')}, {counted(weights, 'weight')}>"


@silent_door
def linear_model(X: ArrayLike, w: ArrayLike) -> Model:
    """f(x) = w.x.

    Parameters
    ----------
    X : (points, d) inputs
    w : (d,) weights

    Raises
    ------
    InputError : wrong shapes, numbers that overflow

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.noise.linear_model([[1.0, 2.0]], [3.0, 1.0]).outputs.tolist()
    [5.0]
    """
    inputs = jacobian(X, "X")
    return _model(inputs @ _vector("w", w, inputs.shape[1]), [inputs], Straight())


@silent_door
def diagonal_network(X: ArrayLike, u: ArrayLike, v: ArrayLike) -> Model:
    """f(x) = (u^2 - v^2).x, a diagonal linear network, linear in F(theta) = u^2 - v^2; weights (u, v).

    Parameters
    ----------
    X : (points, d) inputs
    u, v : (d,) weights

    Raises
    ------
    InputError : wrong shapes, numbers that overflow

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.noise.diagonal_network([[1.0]], [3.0], [1.0]).jacobian.tolist()
    [[6.0, -2.0]]
    """
    inputs = jacobian(X, "X")
    d = inputs.shape[1]
    first, second = _vector("u", u, d), _vector("v", v, d)
    return _model(inputs @ (first**2 - second**2), [2 * inputs * first, -2 * inputs * second], Diagonal(inputs))


@silent_door
def two_layer_network(
    X: ArrayLike, W: ArrayLike, a: ArrayLike, activation: str = "leaky_relu", slope: float = 0.5, both: bool = True
) -> Model:
    """f(x) = sum over k of a_k s(W_k.x); weights W, then a.

    Parameters
    ----------
    X : (points, d) inputs
    W : (m, d) first layer
    a : (m,) second layer
    activation : 'identity', 'leaky_relu' (of this slope below 0), 'tanh' or 'quadratic' (s(z) = z^2 / 2)
    slope : of leaky_relu
    both : whether the second layer is trained too; [E] theorem 3.5 trains the first

    Raises
    ------
    InputError : wrong shapes, an unknown activation, numbers that overflow

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.noise.two_layer_network([[1.0]], [[2.0], [-2.0]], [1.0, 1.0]).jacobian.tolist()
    [[1.0, 0.5, 2.0, -1.0]]
    """
    inputs = jacobian(X, "X")
    first = array("W", W, (None, inputs.shape[1]), "hidden units, inputs")
    second = _vector("a", a, len(first))
    values, slopes, bends = _bend(activation, slope, inputs @ first.T)
    parts = [((slopes * second)[:, :, None] * inputs[:, None, :]).reshape(len(inputs), -1)]
    last, kinked = [values] if flag("both", both) else [], activation == "leaky_relu" and slope != 1
    return _model(values @ second, parts + last, TwoLayer(inputs, slopes, bends * second, bool(last), kinked))


@silent_door
def deep_linear_network(X: ArrayLike, layers: Sequence[ArrayLike]) -> Model:
    """f(x) = W_L ... W_1 x with one output; the weights of all layers, the first first.

    Parameters
    ----------
    X : (points, d) inputs
    layers : W_1 (m_1, d), W_2 (m_2, m_1), ..., W_L (1, m_(L-1))

    Raises
    ------
    InputError : shapes that do not follow each other, no layers, numbers that overflow

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.noise.deep_linear_network([[1.0]], [[[2.0]], [[3.0]]]).jacobian.tolist()
    [[3.0, 2.0]]
    """
    inputs = jacobian(X, "X")
    if isinstance(layers, str | bytes) or not isinstance(layers, Sequence) or not len(layers):
        raise InputError(f"layers must be a list of matrices, at least one, not {shown(layers)}")
    width, matrices = inputs.shape[1], []
    for i, layer in enumerate(layers):
        last = i == len(layers) - 1
        matrix = array(f"layers[{i}]", layer, (1 if last else None, width), "outputs, inputs; the last has one output")
        width = len(matrix)
        matrices.append(matrix)
    before = [inputs]  # what reaches each layer
    for matrix in matrices[:-1]:
        before.append(before[-1] @ matrix.T)
    after, parts = np.ones((1, 1)), []  # the product of the layers above, (1, m)
    for matrix, reached in zip(reversed(matrices), reversed(before), strict=True):
        parts.append((after[0][None, :, None] * reached[:, None, :]).reshape(len(inputs), -1))
        after = after @ matrix
    return _model(inputs @ after[0], parts[::-1], DeepLinear(inputs, tuple(matrices)))


@silent_door
def random_features(X: ArrayLike, W: ArrayLike, a: ArrayLike, activation: str = "leaky_relu", slope: float = 0.5) -> Model:
    """f(x) = sum over k of a_k s(W_k.x) with W fixed; weights a.

    Parameters
    ----------
    X, W, a, activation, slope : as for `two_layer_network`

    Raises
    ------
    InputError : wrong shapes, an unknown activation, numbers that overflow

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.noise.random_features([[1.0]], [[2.0], [-2.0]], [1.0, 1.0]).jacobian.tolist()
    [[2.0, -1.0]]
    """
    inputs = jacobian(X, "X")
    first = array("W", W, (None, inputs.shape[1]), "features, inputs")
    values, _, _ = _bend(activation, slope, inputs @ first.T)
    return _model(values @ _vector("a", a, len(first)), [values], Straight())


def _bend(activation: str, slope: float, z: FloatArray) -> Bend:
    """An activation and its two derivatives."""
    name, below = choice("activation", activation, BENDS), real("slope", slope)
    if name == "identity":
        return z, np.ones_like(z), np.zeros_like(z)
    if name == "tanh":
        values = np.tanh(z)
        return values, 1 - values**2, -2 * values * (1 - values**2)
    if name == "quadratic":
        return z**2 / 2, z, np.ones_like(z)
    slopes = np.where(z > 0, 1.0, below)
    return slopes * z, slopes, np.zeros_like(z)


def _vector(name: str, value: ArrayLike, n: int) -> FloatArray:
    return array(name, value, (n,), "one for each")


def _model(outputs: FloatArray, parts: list[FloatArray], second: Second) -> Model:
    return Model(within_floats("an output", outputs), within_floats("the Jacobian", np.hstack(parts)), second)
