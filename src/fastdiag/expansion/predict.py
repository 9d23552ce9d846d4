"""Predictions: the diagram sum as numbers."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import flag, one_or_many, shown
from ..coefficients import coefficient
from ..coefficients.coefficient import coefficients_near
from ..diagram import Diagram, diagrams
from ..diagram.counting import check_order, count_diagrams
from ..door import door
from ..embedding import Rule, check_rule
from ..errors import InputError, TooLargeError, UnsupportedError
from ..landscapes import Estimated, Landscape, Symbolic
from ..landscapes.exact import Expression
from ..landscapes.landscape import check_landscape
from ..spacetime import Spacetime, check_spacetime
from ..spacetime.processes import Process
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Update
from ..typing import FloatArray
from ..values.device import check_device
from ..values.estimate import standard_error
from ..values.exact import exact_learning_rates
from ..values.frame import Frame, at_scale, eigenframe, growth, learning_rates, of_one_size
from ..values.overflow import told
from ..values.resummable import linear_rule
from ..values.root import Roots, axes_of, turned
from ..values.rvalue import SLAB_BYTES
from ..values.rvalue import resummed as resummed_value
from ..values.uvalue import contraction
from .centred import is_random, is_tied, take_off_squares
from .exact import exact_series
from .observables import Observable, observable_named
from .prediction import Curve, Prediction, joined

MOST_DIAGRAMS = 1_000_000  # to order 8; that many take an hour
MOST_NAMED = 15  # the highest order whose number of diagrams is told


@door
def predict(
    landscape: Landscape,
    spacetime: Spacetime,
    eta: ArrayLike,
    order: int = 3,
    observable: str = "test_loss",
    resummed: bool = True,
    device: str = "auto",
    T: ArrayLike | None = None,
    continuous: bool = False,
    update: Rule = None,
) -> Prediction:
    """The expected observable after T updates of SGD, or of another update rule, by diagrams with at most `order` edges.

    Parameters
    ----------
    landscape : the loss and its data, seen from the starting weights; `landscapes.estimated` if the data are a sample
    spacetime : N, B, T and the sampling
    eta : learning rate; a number, a 1-D array of numbers (a curve), or a positive definite (n, n) matrix. On a symbolic
        landscape an int, a Fraction or a SymPy expression, or a sequence of them, asks for exact results; resummed ones
        hold powers (1 - eta H)^T with T times the digits. A float, or a matrix, gives floats
    order : most edges to a diagram, >= 0
    observable : what is expected (papers: only the root of a diagram changes)
        'test_loss': E l(theta_T)
        'train_loss': the same of the mean loss over the N training points
        'generalization_gap': test loss less train loss
        'displacement': E[theta_T - theta_0], (n,)
        'covariance': of theta_T over training sets and batches, (n, n)
        'test_loss_variance': the variance of l(theta_T)
    resummed : True: irreducible diagrams with edges (1 - eta H)^(dt-1) eta, exact in T for all that is kept (papers:
        Theorem 1). False: all diagrams, the exact Taylor series in eta (papers: Theorem 3). Both: any epochs and sampling.
        Resummed, a share of up to 1e-16 / |2 - eta h|^order may be lost beside eta h = 2, or a rule's own limit; plain
        SGD mends that to order 4, see `rvalue`
    device : 'cpu', 'cuda' for a CUDA GPU (resummed, order 4 at most, no vectors and matrices), or 'auto': for each diagram
        the GPU if there is one and the work is worth it
    T : numbers of updates instead of spacetime.T; an int or a 1-D array of them (a learning curve)
    continuous : resummed by integrals over times and exponentials instead of sums (papers: Remark 1), one epoch
    update : one of `fastdiag.updates`, such as momentum(0.9); None for SGD. Resummed processes (ode(), sde()) are exact
        in T with exponentials; regularized_newton(lam) has the mean Hessian in its steps, (1/eta + lam H)^-1

    Returns
    -------
    Prediction : total, by_order, by_diagram; floats, or arrays of shape eta.shape + T.shape + the observable's. Of a
        sample, un-resummed, the unbiased estimate of test loss, train loss or gap, and its stderr

    Raises
    ------
    InputError : unknown observable or device, bad eta, order or T; resummed at T = inf without 0 < eta h < 2
    UnsupportedError : continuous over several epochs; resummed of a sample; displacement and variances of a sample;
        device='cuda' without a GPU or numba-cuda
    MissingTensorError : the landscape lacks a derivative or a cumulant that some diagram needs
    TooLargeError : an order above 8; resummed, cumulants that do not fit into free memory (order d: n^d numbers); exact and
        resummed, powers (1 - eta h)^T of too many digits, or terms: give a float eta

    Examples
    --------
    >>> import fastdiag as fd
    >>> land = fd.landscapes.samples([1.0, 1.0], [[1.0], [3.0]], [[[2.0]], [[2.0]]])
    >>> p = fd.predict(land, fd.Spacetime(N=10, T=10), eta=0.05, order=2)
    >>> round(p.total, 10), [round(x, 10) for x in p.by_order]
    (0.1331348565, [1.0, -1.3026431198, 0.4357779763])
    >>> from fractions import Fraction
    >>> fd.predict(fd.landscapes.gauss(), fd.Spacetime(N=10, T=10), Fraction(1, 10), order=2, resummed=False).by_order
    (1/2, 0, 1/80)

    The generalization gap, to first order eta T tr(C) / N; and a matrix for each number of updates:

    >>> gauss, st = fd.landscapes.gauss(), fd.Spacetime(N=10, T=10)
    >>> fd.predict(gauss, st, Fraction(1, 10), 2, "generalization_gap", resummed=False).by_order
    (0, 1/20, -13/800)
    >>> fd.predict(land, st, 0.05, 2, "covariance", T=[1, 10]).total.shape
    (2, 1, 1)
    >>> fast = fd.updates.momentum(0.5)
    >>> round(fd.predict(land, fd.Spacetime(N=10, T=10), 0.01, order=2, resummed=False, update=fast).total, 10)
    0.508837241
    """
    order = check_order(order)
    _check_work(order)
    watched = observable_named(observable)
    observable = watched.name
    check_landscape(landscape)
    check_spacetime(spacetime)
    resummed, continuous = flag("resummed", resummed), flag("continuous", continuous)
    landscape.require_degree(watched.highest_degree(order), f"a prediction of the {observable} to order {order}")
    if continuous and not resummed:
        raise InputError("continuous=True replaces resummed sums by integrals; it needs resummed=True")
    check_rule(update)
    given = landscape
    if isinstance(landscape, Estimated):
        if watched.axes or watched.mean:
            raise UnsupportedError(
                f"the {observable} is not estimated from a sample: estimates are of test_loss, train_loss and "
                "generalization_gap; give the landscape's `.points` for the (biased) value of the points themselves"
            )
        landscape = landscape.up_to(order)
    moments, times_shape = ([spacetime.T], ()) if T is None else one_or_many("T", T, "numbers of updates")
    times = [spacetime.with_updates(t) for t in moments]
    exactly = exact_learning_rates(eta) if isinstance(landscape, Symbolic) and not continuous else None
    rule: Update | RegularizedNewton | None = None
    unfit = "these are exact" if exactly else "the result has axes" if watched.axes else None
    device = check_device(device, unfit if resummed else "these are un-resummed")
    if resummed:
        times, continuous, rule = _resummable(update, times, continuous, exactly is not None)
        if rule is not None:
            check_device(device, f"these are of {rule!r}")
    if isinstance(landscape, Symbolic) and exactly is not None:
        shape = exactly[1] + times_shape
        return _exact(landscape, times, exactly[0], shape, order, watched, resummed, rule if resummed else update)
    if isinstance(update, RegularizedNewton):
        update = update.exactly()
    numbers, metric = learning_rates(eta, landscape.dimension)
    shape = numbers.shape + times_shape + (landscape.dimension,) * watched.axes
    flat, exponent = np.atleast_1d(numbers), 0
    if metric is None:
        if len(groups := of_one_size(flat)) > 1:
            some = (order, observable, resummed, device, T, continuous, update)
            return joined([predict(given, spacetime, flat[group], *some) for group in groups], groups)
        landscape, flat, exponent = at_scale(landscape, flat)
    frame = None
    if resummed:
        frame = eigenframe(landscape) if metric is None else Frame(landscape, metric)
        planned = (D for d in range(order + 1) for D in diagrams(d, irreducible=True, root_shares=watched.shares))
        frame.check_memory(((D, watched.of(D)) for D in planned), SLAB_BYTES)
    elif metric is not None:
        landscape = _in_metric(landscape, metric)

    def value(diagram: Diagram, roots: Roots, axes: int) -> FloatArray:
        if not roots or (isinstance(update, Process) and not update.keeps(diagram)):
            return np.zeros((len(flat), len(times)) + (landscape.dimension,) * axes)
        if frame is not None:
            return resummed_value(diagram, frame, times, flat, continuous, device, roots, rule)
        return _plain(diagram, landscape, times, flat, roots, update)

    def found(observable: Observable, order: int) -> Iterator[tuple[Diagram, Roots]]:
        for d in range(order + 1):
            for diagram in diagrams(d, irreducible=resummed, root_shares=observable.shares):
                if roots := observable.of(diagram):
                    yield diagram, roots

    values: dict[Diagram, FloatArray] = {}
    sums = [value(Diagram.parse("[]"), (), watched.axes) for _ in range(order + 1)]
    fixed = times[0].sampling == "cyclic" or all(st.is_one_epoch for st in times)  # the order of the rows
    with np.errstate(all="ignore"):  # an overflow is reported once, below
        for diagram, roots in found(watched, order):
            tied = [root for root in roots if watched.mean is None or is_tied(diagram, root, fixed)]
            loose = [root for root in roots if root not in tied]
            kept = value(diagram, tied, watched.axes)
            sums[diagram.order] += kept
            values[diagram] = kept + value(diagram, loose, watched.axes) if loose else kept
        if watched.mean is not None and not fixed:
            axes = watched.mean.axes
            means = [value(Diagram.parse("[]"), (), axes) for _ in range(order)]
            for diagram, roots in found(watched.mean, order - 1):
                if is_random(diagram):
                    means[diagram.order] += value(diagram, roots, axes)
            take_off_squares(sums, means, axes)
        by_order = [_shaped(np.ldexp(total, exponent * watched.axes), shape) for total in sums]
        by_diagram = {diagram: _shaped(np.ldexp(one, exponent * watched.axes), shape) for diagram, one in values.items()}
    whole = sum(by_order[1:], by_order[0])
    if not np.isfinite(whole).all():
        told("the prediction", whole, growth(frame, flat) if frame is not None else "")
    stderr = None
    if isinstance(landscape, Estimated):
        weights = {
            D: np.outer(flat**D.order, _weights(D, times, update)) * float(root.weight(spacetime))
            for D in by_diagram for root in watched.of(D)
        }
        stderr = _shaped(standard_error(landscape, weights), shape) if weights else np.zeros(shape)[()]
    return Prediction(whole, tuple(by_order), by_diagram, observable, resummed, stderr)


def _check_work(order: int) -> None:
    """Raise TooLargeError if the diagrams are too many to be evaluated one by one."""
    count = count_diagrams(min(order, MOST_NAMED))
    if count > MOST_DIAGRAMS:
        least = "more than " if order > MOST_NAMED else ""
        raise TooLargeError(
            f"order {shown(order)} has {least}{count:,} diagrams, and a prediction takes them one by one, at most "
            f"{MOST_DIAGRAMS:,} of an order; ask for a lower order"
        )


def _exact(
    landscape: Symbolic, times: list[Spacetime], etas: list[Expression], shape: tuple[int, ...], order: int,
    observable: Observable, resummed: bool, update: Rule,
) -> Prediction:
    by_order, by_diagram = exact_series(landscape, times, shape, etas, order, observable, resummed, update)
    whole = sum(by_order[1:], by_order[0])
    return Prediction(whole, tuple(by_order), by_diagram, observable.name, resummed)


def _resummable(
    update: Rule, times: list[Spacetime], continuous: bool, exact: bool
) -> tuple[list[Spacetime], bool, Update | RegularizedNewton | None]:
    """The spacetimes to be resummed over, whether by integrals, and the rule; a process meets no point twice."""
    if not isinstance(update, Process):
        return times, continuous, linear_rule(update, continuous)
    if exact:
        raise UnsupportedError(
            f"resummed, {update} has exponentials, which are not exact here; give a float eta, or resummed=False"
        )
    return [Spacetime(inf, spacetime.B, spacetime.T) for spacetime in times], True, None


def _plain(
    diagram: Diagram, landscape: Landscape, times: list[Spacetime], numbers: FloatArray, roots: Roots, update: Rule
) -> FloatArray:
    axes = axes_of(roots)
    scales = np.outer(numbers**diagram.order, _weights(diagram, times, update))
    terms = [(root, weight) for root in roots if (weight := float(root.weight(times[0])))]
    value = np.zeros((landscape.dimension,) * axes)
    if scales.any():
        value = sum((weight * contraction(diagram, landscape, root) for root, weight in terms), start=value)
    if axes and isinstance(landscape, _InMetric):
        value = turned(value, landscape.directions, axes)
    return np.asarray(np.multiply.outer(scales, value))


def _weights(diagram: Diagram, times: list[Spacetime], update: Rule) -> FloatArray:
    try:
        if isinstance(update, Update):
            return coefficients_near(diagram, times, update)
        weights = [coefficient(diagram, spacetime, update=update) for spacetime in times]
        return np.array([float(weight) for weight in weights])
    except TypeError:
        raise InputError(f"{update} has symbols; give numbers, or an exact eta on a symbolic landscape") from None
    except OverflowError:
        raise TooLargeError(f"the coefficient of {diagram} exceeds float64; fastdiag.coefficient has it") from None


class _InMetric(Landscape):
    """A landscape in coordinates in which a matrix eta is the identity."""

    def __init__(self, landscape: Landscape, directions: FloatArray) -> None:
        self.landscape, self.directions = landscape, directions
        self.dimension, self.highest_degree = landscape.dimension, landscape.highest_degree

    def part(self, nodes: tuple[tuple[int, ...], ...], frame: FloatArray | None = None) -> FloatArray:
        return self.landscape.part(nodes, self.directions if frame is None else self.directions @ frame)


def _in_metric(landscape: Landscape, metric: FloatArray) -> Landscape:
    directions = np.asarray(np.linalg.cholesky(metric), np.float64)
    return landscape.along(directions) if isinstance(landscape, Estimated) else _InMetric(landscape, directions)


def _shaped(value: FloatArray, shape: tuple[int, ...]) -> Curve:
    return float(value.reshape(())) if shape == () else value.reshape(shape)
