"""Landscapes by automatic differentiation. JAX is imported here alone, and when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..arguments import shown
from ..door import door
from ..errors import FastdiagError, InputError, UnsupportedError
from ..files import to_install
from ..numerals import counted
from ..record import frozen
from ..typing import FloatArray, IntArray
from .directional import Directional, check_start
from .landscape import checked, checked_weights
from .point_derivatives import Directions, PointDerivatives

POINTS, SETS = 512, 16  # points, and sets of directions that all of them share, taken at a time
LOSSES = 1 << 15  # points of runs taken at a time


class Autodiff(Directional):
    """A loss that JAX differentiates; see `autodiff`."""

    derivatives: JaxDerivatives

    def tree(self, theta: object | None = None) -> Any:
        """Weights (n,) in the form in which the loss takes them; theta_0 by default."""
        flat = self.theta if theta is None else checked("theta", theta, (self.dimension,), "one entry per weight")
        return self.derivatives.tree(flat)

    def __repr__(self) -> str:
        return f"<autodiff landscape: {counted(len(self.weights), 'point')}, {counted(self.dimension, 'weight')}>"


class JaxDerivatives(PointDerivatives):
    """By nested forward derivatives along directions, and one backward; compiled at the first call of a kind.

    Numbers are doubles here, whatever JAX is set to elsewhere.
    """

    def __init__(self, loss: Callable[..., Any], form: Any, X: Any, y: Any) -> None:
        self.loss, self.form, self.X, self.y = loss, form, X, y
        self._compiled: dict[Any, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_compiled": {}}

    def tree(self, flat: Any) -> Any:
        """Weights (n,) in the user's form."""
        leaves, treedef = jax().tree_util.tree_flatten(self.form)
        ends = np.cumsum([0, *map(np.size, leaves)]).tolist()
        parts = [flat[a:b].reshape(np.shape(leaf)) for leaf, a, b in zip(leaves, ends, ends[1:], strict=False)]
        return jax().tree_util.tree_unflatten(treedef, parts)

    def of_one(self, theta: Any, x: Any, y: Any, *directions: Any) -> Any:
        """The loss of one point, differentiated along directions in turn."""

        def along(place: Any, left: Sequence[Any]) -> Any:
            if not left:
                tree = self.tree(place)
                return self.loss(tree, x) if self.y is None else self.loss(tree, x, y)
            return jax().jvp(lambda there: along(there, left[1:]), (place,), (left[0],))[1]

        return along(theta, directions)

    def made(self, kind: str, count: int, *axes: int | None) -> Any:
        """A compiled function; axes of theta and of the directions that go with the points."""
        key = kind, count, axes
        if key not in self._compiled:
            jx = jax()
            one, own, each = self.of_one, axes[0], axes[1:] * count

            def summed(theta: Any, weights: Any, x: Any, y: Any, *vs: Any) -> Any:
                return weights @ jx.vmap(one, (None, 0, 0, *each))(theta, x, y, *vs)

            if kind == "losses":
                found = jx.vmap(one, (own, 0, 0))
            elif kind == "each":
                found = jx.vmap(jx.grad(one), (own, 0, 0, *each))
            elif kind == "mean":
                found = jx.grad(summed)
            elif kind == "means":
                found = jx.vmap(jx.grad(summed), (None, None, None, None, *(0,) * count))
            elif kind == "runs":
                found = jx.vmap(jx.grad(summed))
            else:
                own = None if kind == "losses of shared points" else 0
                found = jx.vmap(summed, (0, None, own, own))
            self._compiled[key] = jx.jit(found)
        return self._compiled[key]

    def _data(self, rows: IntArray) -> tuple[Any, Any]:
        return self.X[rows], rows if self.y is None else self.y[rows]

    def losses(self, theta: FloatArray, points: IntArray) -> FloatArray:
        found, own = np.empty(len(points)), 0 if theta.ndim == 2 else None
        with doubles():
            compiled = self.made("losses", 0, own)
            for rows, padded in filled_runs(len(points), POINTS):
                place = theta[padded] if own == 0 else theta
                found[rows] = compiled(place, *self._data(points[padded]))[: rows.stop - rows.start]
        return found

    def each(self, theta: FloatArray, points: IntArray, directions: Directions = ()) -> FloatArray:
        found, own = np.empty((len(points), theta.shape[-1])), 0 if theta.ndim == 2 else None
        directions, axis = alike(directions, len(points))
        with doubles():
            compiled = self.made("each", len(directions), own, axis)
            for rows, padded in filled_runs(len(points), POINTS):
                place = theta[padded] if own == 0 else theta
                vectors = directions if axis is None else [v[padded] for v in directions]
                found[rows] = compiled(place, *self._data(points[padded]), *vectors)[: rows.stop - rows.start]
        return found

    def mean(
        self, theta: FloatArray, points: IntArray, weights: FloatArray, directions: Directions = ()
    ) -> FloatArray:
        total = np.zeros(theta.shape[-1])
        directions, axis = alike(directions, len(points))
        with doubles():
            compiled = self.made("mean", len(directions), None, axis)
            for rows, padded in filled_runs(len(points), POINTS):
                vectors = directions if axis is None else [v[padded] for v in directions]
                weighted = ended(weights[rows], len(padded)), *self._data(points[padded])
                total += np.asarray(compiled(theta, *weighted, *vectors))  # JAX's own would take the sum's place
        return total

    def means(self, theta: FloatArray, points: IntArray, weights: FloatArray, directions: Directions) -> FloatArray:
        found = np.zeros((len(directions[0]), theta.shape[-1]))
        with doubles():
            compiled = self.made("means", len(directions), None, None)
            for rows, padded in filled_runs(len(points), POINTS):
                data = ended(weights[rows], len(padded)), *self._data(points[padded])
                for sets, chosen in filled_runs(len(found), SETS):
                    made = compiled(theta, *data, *(v[chosen] for v in directions))
                    found[sets] += np.asarray(made)[: sets.stop - sets.start]
        return found

    def batch_slopes(self, theta: FloatArray, rows: IntArray, weights: FloatArray) -> FloatArray:
        found = np.empty(theta.shape)
        with doubles():
            compiled = self.made("runs", 0, None)
            for some, padded in filled_runs(len(theta), max(1, LOSSES // rows.shape[1])):
                made = compiled(theta[padded], weights[padded], *self._data(rows[padded]))
                found[some] = np.asarray(made)[: some.stop - some.start]
        return found

    def batch_losses(self, theta: FloatArray, rows: IntArray, weights: FloatArray) -> FloatArray:
        found, shared = np.empty(len(theta)), rows.ndim == 1
        with doubles():
            compiled = self.made("losses of shared points" if shared else "losses of runs", 0, None)
            for some, padded in filled_runs(len(theta), max(1, LOSSES // len(weights))):
                made = compiled(theta[padded], weights, *self._data(rows if shared else rows[padded]))
                found[some] = np.asarray(made)[: some.stop - some.start]
        return found


def filled_runs(count: int, most: int) -> Iterator[tuple[slice, IntArray]]:
    """Runs of 0 ... count - 1, and the same filled up to a power of 2 or `most`, so that few shapes are compiled."""
    for start in range(0, count, most):
        stop = min(count, start + most)
        size = min(most, 1 << (stop - start - 1).bit_length())
        yield slice(start, stop), np.minimum(np.arange(start, start + size), stop - 1)


def ended(weights: FloatArray, size: int) -> FloatArray:
    """Weights, with zeros for what fills up."""
    return np.concatenate([weights, np.zeros(size - len(weights))])


def alike(directions: Directions, count: int) -> tuple[list[FloatArray], int | None]:
    """Directions all for all points, or all for one each; and the axis of the points."""
    if all(v.ndim == 1 for v in directions):
        return list(directions), None
    return [np.broadcast_to(v, (count, v.shape[-1])) for v in directions], 0


def jax() -> Any:
    """JAX.

    Raises
    ------
    UnsupportedError : it is not there
    """
    try:
        import jax as found
    except ImportError as error:
        raise UnsupportedError(
            f"automatic differentiation needs JAX ({error}): {to_install('jax')}; landscapes.directional takes "
            "derivatives from elsewhere"
        ) from None
    return found


def doubles() -> Any:
    """Where JAX works in doubles; outside it is as it was set."""
    found = jax()
    return found.enable_x64(True) if hasattr(found, "enable_x64") else found.experimental.enable_x64()


@door
def autodiff(
    loss: Callable[..., Any], theta: Any, X: object, y: object | None = None, weights: object | None = None
) -> Autodiff:
    """A landscape from the loss of one point, differentiated by JAX (extra `jax`).

    It is `directional` with derivatives along directions by nested jvp, see there: un-resummed diagrams go from leaf to
    root, points are summed over, and no tensor is formed. `simulate` runs many at a time. Few weights have tensors too, and
    everything that takes tensors.

    Parameters
    ----------
    loss : (theta, x, y) -> the loss of one data point, a number, in operations of jax.numpy; (theta, x) without y
    theta : starting weights theta_0, in any nest of dicts, lists and arrays, as the loss takes them: n numbers in all.
        Elsewhere they stand in one line (n,), in JAX's order of leaves; `.tree()` gives them back in their form
    X : (S, ...) one entry for each data point; the points *are* the distribution
    y : (S, ...) targets or labels, numbers
    weights : (S,) probabilities of the points, normalised here; uniform by default

    Raises
    ------
    UnsupportedError : JAX is not installed
    InputError : a loss that JAX cannot differentiate, that gives no single number, or is not finite at theta; other shapes

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import fastdiag as fd
    >>> def loss(theta, x, y):
    ...     return (jnp.tanh(theta["inner"] @ x) @ theta["outer"] - y) ** 2
    >>> theta = {"inner": [[0.1, 0.2], [0.3, -0.4]], "outer": [1.0, -1.0]}
    >>> land = fd.landscapes.autodiff(loss, theta, X=[[1.0, 2.0], [-1.0, 0.5]], y=[1.0, 0.0])
    >>> land, round(fd.uvalue("[a[b] a]", land), 6)
    (<autodiff landscape: 2 points, 6 weights>, 4.589682)
    """
    if not callable(loss):
        raise InputError(f"loss must be a function, not {shown(loss)}")
    jx = jax()
    x = _data("X", X, None)
    targets = None if y is None else _data("y", y, len(x))
    try:
        form = jx.tree_util.tree_map(np.asarray, theta, is_leaf=_is_numbers)
        leaves = jx.tree_util.tree_leaves(form)
    except Exception as error:  # whatever containers and leaves raise
        raise InputError(f"theta must be a nest of arrays of numbers: {shown(error)}") from None
    parts = [checked("theta", leaf, (None,) * np.ndim(leaf), "weights").reshape(-1) for leaf in leaves]
    start = frozen(np.concatenate(parts) if parts else np.zeros(0))
    if not len(start):
        raise InputError("theta is empty; a landscape needs at least one weight")
    derivatives = JaxDerivatives(loss, form, x, targets)
    found = Autodiff(derivatives, start, checked_weights(weights, len(x)))
    try:
        with doubles():
            shape = jx.eval_shape(derivatives.of_one, start, *(each[0] for each in derivatives._data(np.arange(1)))).shape
        if shape == ():
            check_start(found)
    except FastdiagError:
        raise
    except Exception as error:  # whatever the loss and JAX raise
        raise InputError(f"JAX cannot differentiate the loss: {shown(error)}") from error
    if shape != ():
        raise InputError(f"loss must give one number for a data point, not an array of shape {shape}")
    return found


def _is_numbers(value: object) -> bool:
    """Whether a list holds numbers, or lists of them: it is meant as an array."""
    if not isinstance(value, list | tuple) or not value:
        return False
    return all(_is_numbers(item) or isinstance(item, int | float) for item in value)


def _data(name: str, value: object, points: int | None) -> Any:
    """(S, ...) numbers, whole ones as they are."""
    raw = np.asarray(value)
    if raw.ndim == 0 or (points is None and not len(raw)):
        raise InputError(f"{name} must have one entry for each data point")
    found = checked(name, value, (points, *(None,) * (raw.ndim - 1)), "points first")
    return frozen(np.array(raw, np.int64)) if raw.dtype.kind in "iub" else found
