"""Predictions: the diagram sum as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import flag, one_or_many, shown
from ..diagram.counting import check_order, count_diagrams
from ..door import door
from ..embedding import Rule, check_rule
from ..errors import InputError, TooLargeError, UnsupportedError
from ..landscapes import Estimated, Landscape, Symbolic
from ..landscapes.landscape import check_landscape
from ..spacetime import Spacetime, check_spacetime
from ..values.device import check_device
from ..values.eigenbasis import growth
from ..values.exact_values import exact_learning_rates
from ..values.learning_rates import learning_rates, of_one_size
from ..values.overflow import told
from ..values.rvalue import SLAB_BYTES
from ..values.worth import ExactPlainWorth, ExactResummedWorth, PlainWorth, ResummedWorth, Worth
from .diagram_sum import diagram_sum, irreducible_diagrams, plain_diagrams, summands
from .observables import observable_named
from .prediction import Prediction, joined

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
    unfit = "these are exact" if exactly else "the result has axes" if watched.axes else None
    device = check_device(device, unfit if resummed else "these are un-resummed")
    listed = irreducible_diagrams if resummed else plain_diagrams
    worth: Worth
    if isinstance(landscape, Symbolic) and exactly is not None:
        expressions, shape = exactly
        if resummed:
            worth = ExactResummedWorth(landscape, times, expressions, order, update)
        else:
            worth = ExactPlainWorth(landscape, times, expressions, update)
    else:
        numbers, metric = learning_rates(eta, landscape.dimension)
        rates, shape = np.atleast_1d(numbers), numbers.shape
        if len(groups := of_one_size(rates)) > 1:
            some = (order, observable, resummed, device, T, continuous, update)
            return joined([predict(given, spacetime, rates[group], *some) for group in groups], groups)
        if resummed:
            worth = ResummedWorth(landscape, times, rates, metric, continuous, device, update)
            planned = ((diagram, roots) for _, diagram, roots in summands(watched, order, listed))
            worth.eigenbasis.check_memory(planned, SLAB_BYTES)
        else:
            worth = PlainWorth(landscape, times, rates, metric, update)
    shape += times_shape + (landscape.dimension,) * watched.axes
    fixed = times[0].sampling == "cyclic" or all(st.is_one_epoch for st in times)  # the order of the rows
    with np.errstate(all="ignore"):  # an overflow is reported once, below
        sums, values = diagram_sum(watched, order, listed, worth, fixed)
        by_order = tuple(_shaped(worth.finished(total, watched.axes), shape) for total in sums)
        by_diagram = {diagram: _shaped(worth.finished(value, watched.axes), shape) for diagram, value in values.items()}
    whole = sum(by_order[1:], by_order[0])
    if exactly is None and not np.isfinite(whole).all():
        told("the prediction", whole, growth(worth.eigenbasis, worth.numbers) if isinstance(worth, ResummedWorth) else "")
    stderr = None
    if isinstance(worth, PlainWorth):
        found = worth.standard_error((diagram, roots) for _, diagram, roots in summands(watched, order, listed))
        stderr = None if found is None else _shaped(found, shape)
    return Prediction(whole, by_order, by_diagram, observable, resummed, stderr)


def _check_work(order: int) -> None:
    """Raise TooLargeError if the diagrams are too many to be evaluated one by one."""
    count = count_diagrams(min(order, MOST_NAMED))
    if count > MOST_DIAGRAMS:
        least = "more than " if order > MOST_NAMED else ""
        raise TooLargeError(
            f"order {shown(order)} has {least}{count:,} diagrams, and a prediction takes them one by one, at most "
            f"{MOST_DIAGRAMS:,} of an order; ask for a lower order"
        )


def _shaped(value: Any, shape: tuple[int, ...]) -> Any:
    return value.item() if shape == () else value.reshape(shape)
