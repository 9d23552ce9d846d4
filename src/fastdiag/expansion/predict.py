"""Predictions: what is asked is checked here, and answered about the start or about the path."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import choice, flag, one_or_many, real, shown, whole
from ..diagram.number_of_diagrams import check_order
from ..door import door
from ..embedding import PathRule, check_rule
from ..errors import InputError
from ..landscapes import Landscape, Symbolic
from ..landscapes.formula_arguments import parameters_of
from ..landscapes.landscape import check_landscape
from ..record import frozen
from ..spacetime import Spacetime, check_spacetime
from ..spacetime.schedules import Scheduled
from ..spacetime.updates import Clipped
from ..typing import Rates
from ..values.exact_values import check_letters, exact_learning_rates
from ..values.given import given_points
from ..values.learning_rates import learning_rates
from .answer_about_path import answer_about_path
from .answer_about_start import answer_about_start, check_listable
from .functions import seen_from
from .observables import Observable, check_has, observable_named
from .prediction import Prediction
from .propagator import checked_propagator
from .question import Question

CLOSURES = ("gaussian",)
TRAINING_SETS = ("drawn", "given")


@door
def predict(
    landscape: Landscape,
    spacetime: Spacetime,
    eta: Rates,
    order: int | None = None,
    observable: str | Observable = "test_loss",
    resummed: bool = True,
    device: str = "auto",
    T: ArrayLike | None = None,
    continuous: bool = False,
    update: PathRule = None,
    noise: int | None = None,
    closure: str | None = None,
    training_set: str = "drawn",
    test: Landscape | None = None,
    patience: float = 5.0,
    propagator: Any = None,
    tolerance: float | None = None,
) -> Prediction:
    """The expected observable after T updates of SGD, or of another update rule.

    About the start: by diagrams with at most `order` edges, their tensors taken at theta_0; good while eta T lambda_max is
    below about 1. About the noiseless path, theta_{t+1} = theta_t - eta grad l(theta_t): by `noise` order, tensors taken
    along it, which holds for a whole training run. `p.trust` says whether to believe it; where the last orders do not
    shrink, or a loss comes out as it cannot be, a TrustWarning says so at once.

    Parameters
    ----------
    landscape : the loss and its data, seen from the starting weights; `landscapes.estimated` if the data are a sample; or
        a vector field in place of a gradient, `landscapes.field`
    spacetime : N, B, T and the sampling; about the start and exact, of symbols too
    eta : learning rate; a number, a 1-D array of numbers (a curve), or a positive definite (n, n) matrix. On a symbolic
        landscape an int, a Fraction or a SymPy expression, or a sequence of them, asks for exact results; resummed ones
        hold powers (1 - eta H)^T with T times the digits. A float, or a matrix, gives floats
    order : most edges to a diagram, >= 0; 3 if neither it nor noise is given
    observable : what is expected (papers: only the root of a diagram changes)
        'test_loss', E l(theta_T);
        'train_loss', the same of the mean loss over the N training points;
        'generalization_gap', test loss less train loss;
        'displacement', E[theta_T - theta_0], (n,);
        'covariance', of theta_T over training sets and batches, (n, n);
        'test_loss_variance', the variance of l(theta_T);
        or any function of the weights, of `fastdiag.observable`, its variance, or the covariance of two
    resummed : True: irreducible diagrams with edges (1 - eta H)^(dt-1) eta, exact in T for all that is kept (papers:
        Theorem 1). False: all diagrams, the exact Taylor series in eta (papers: Theorem 3). Both: any epochs and sampling.
        Resummed, a share of up to 1e-16 / |2 - eta h|^order may be lost beside eta h = 2, or a rule's own limit; plain
        SGD mends that to order 4, see `rvalue`. Of a vector field whose eigenvectors lose digits, sums go update by update;
        where that takes long a share of up to 1e-6 may be lost, and what would lose more is refused
    device : 'cpu', 'cuda' for a CUDA GPU (resummed, order 4 at most, no vectors and matrices), or 'auto': for each diagram
        the GPU if there is one and the work is worth it. Batches of two sizes (last='keep') are summed over with NumPy,
        on the CPU
    T : numbers of updates instead of spacetime.T; an int or a 1-D array of them (a learning curve)
    continuous : resummed by integrals over times and exponentials instead of sums (papers: Remark 1), one epoch
    update : one of `fastdiag.updates`, such as momentum(0.9); None for SGD. Resummed processes (ode(), sde()) are exact
        in T with exponentials; regularized_newton(lam) has the mean Hessian in its steps, (1/eta + lam H)^-1.
        With noise=1 also adam(), rmsprop(), clipped()
    noise : the highest noise order about the path, in place of order: 0, 1, 2 of runs that meet no point twice; small
        problems go further, by sums over skeletons that are refused where they would take long. All skeletons of these
        orders are kept, at any eta and T; see `skeletons`. All T take one pass. T = inf is the law that an epoch leaves as
        it is, at the path's end. Exact for rational starts and eta on symbolic landscapes whose losses are polynomials.
        resummed=False, continuous=True and device='cuda' belong to order
    closure : 'gaussian', the self-consistent path: mean and covariance are carried together and all tensors averaged over
        Gaussian weights. One epoch or fresh data; test_loss, displacement, covariance
    training_set : 'drawn', N independent draws from the landscape's distribution; or 'given', the landscape's own N points:
        they *are* the training set, and expectations are over shuffles and batches alone, under 'cyclic' over the one
        order. The train loss is then theirs, the path GD on it, and noise is shuffling. Processes meet no points, they
        diffuse by the points' covariance
    test : a landscape of held-out data, seen from the same weights, with training_set='given': whose loss the test loss is;
        None for the given points themselves
    propagator : resummed, a symmetric matrix H0 (n, n), or (V, h) for V diag(h) V^T, V (n, r), in place of the Hessian in
        edges (1 - eta H0)^(dt-1) eta, or an int k for the Hessian on its k largest eigenvalues, by size, and 0 elsewhere;
        nodes of degree 2 that are alone then have H - H0 (papers: [C] 3.3; Dyson's series). 0 is the plain series in eta,
        the Hessian is None's; all agree to the order kept
    tolerance : with noise=1, carry the weights' covariance as a matrix of low rank, which every update may leave such a
        share of its noise out of: r products with the Hessian an update in place of n. `p.trust` says at most what share of
        the covariance's trace that was. 0 for all of it; None is 0, but 1e-3 for landscapes of directional derivatives with
        more than 3,000 weights. SGD, weight decay and schedules, to a finite T
    patience : minutes that sums over skeletons (a bar shows their progress), or resummed sums, may take; what is foreseen
        to take longer is refused before it is begun

    Returns
    -------
    Prediction : total, by_order, by_diagram; floats, or arrays of shape eta.shape + T.shape + the observable's. Of a
        sample, un-resummed, the unbiased estimate of test loss, train loss or gap, and its stderr.
        On spacetimes of symbols formulas hold GeometricSum(n, q, ...), the sum of all products of n of the q: numbers may
        be put in for letters in any order, also where a fraction would be 0/0, as eta h, mu or a decay at 0; `.doit()`
        writes fractions. Eigenvalue(i, c, ...) is a root of the polynomial with these coefficients. What has no value yet:
        two eigenvalues of weights that are coupled, or of a rule with memory, where they meet; ask with these numbers

    Raises
    ------
    InputError : unknown observable or device, bad eta, order or T; resummed at T = inf without 0 < eta h < 2; both order
        and noise; a path that leaves the range of floats, with the update at which it does
    UnsupportedError : continuous over several epochs; resummed of a sample; displacement and variances of a sample;
        device='cuda' without a GPU or numba-cuda; a noise order that is not had; about the path of a landscape that cannot
        move
    MissingTensorError : the landscape lacks a derivative or a cumulant that some diagram needs
    TooLargeError : an order above 8; resummed, cumulants that do not fit into free memory (order d: n^d numbers); exact and
        resummed, powers (1 - eta h)^T of too many digits, or terms: give a float eta; sums that take longer than patience

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

    About the path, by noise order, to any number of updates:

    >>> away = fd.landscapes.gauss(1)
    >>> p = fd.predict(away, fd.Spacetime(N=100, T=100), 0.1, noise=2)
    >>> p, [round(x, 6) for x in p.by_order]
    (<test_loss about the path, noise order 2: 0.513212>, [0.500027, 0.012532, 0.000652])
    """
    if order is not None and noise is not None:
        raise InputError(
            f"order={shown(order)} counts edges, about the start; noise={shown(noise)} is about the path: give one of them"
        )
    found = answered(
        _question(
            landscape, spacetime, eta, order, noise, observable, resummed, device, T, continuous, update, closure,
            training_set, test, patience, propagator, tolerance,
        )
    )
    found.trust.tell()
    return found


def answered(question: Question) -> Prediction:
    """The prediction that was asked for, without a word about its trust."""
    asked = question.within_span()
    found = answer_about_path(asked) if asked.about_path else answer_about_start(asked)
    return found if asked is question else found.lifted(question)


def _question(
    landscape: Landscape, spacetime: Spacetime, eta: Any, order: int | None, noise: int | None,
    observable: str | Observable, resummed: bool, device: str, T: Any, continuous: bool, update: PathRule,
    closure: str | None, training_set: str, test: Landscape | None, patience: float, propagator: Any = None,
    tolerance: float | None = None,
) -> Question:
    """All arguments, checked."""
    about_path = noise is not None or closure is not None
    if closure is not None:
        choice("closure", closure, CLOSURES)
        if order is not None:
            raise InputError(f"closure={closure!r} is about the path; leave order out")
        if (noise := whole("noise", 1 if noise is None else noise)) != 1:
            raise InputError(f"closure={closure!r} sums noise to every order by averages; give noise=1, not {shown(noise)}")
    if about_path:
        kept = whole("noise", noise, 0)
    else:
        kept = check_order(3 if order is None else order)
        check_listable(kept)
    watched = observable_named(observable, functions=True)
    check_landscape(landscape, fields=True)
    check_has(landscape, watched, update)
    functions = tuple(seen_from(function, landscape) for function in watched.functions)
    resummed, continuous = flag("resummed", resummed), flag("continuous", continuous)
    check_spacetime(spacetime, symbols=not about_path and not continuous)
    if about_path and not resummed:
        raise InputError("about the path all updates are summed up; resummed=False goes with order, not with noise")
    if about_path and continuous:
        raise InputError("continuous=True goes with order; about the path give update=fastdiag.updates.ode() or sde()")
    if continuous and not resummed:
        raise InputError("continuous=True replaces resummed sums by integrals; it needs resummed=True")
    check_rule(update, about_path)
    several: tuple[int | float, ...] | None = None
    if T is not None:
        moments, shape = one_or_many("T", T, "numbers of updates")
        several = tuple(t if type(t) is int and t > 0 else spacetime.with_updates(t).T for t in moments)
        spacetime, several = (spacetime, several) if shape else (spacetime.with_updates(moments[0]), None)
    latest = max(several or (spacetime.T,))
    if isinstance(update, Scheduled | Clipped) and isinstance(latest, int):
        update = update.listed(latest)
    given = None
    if choice("training_set", training_set, TRAINING_SETS) == "given":
        given = given_points(landscape, spacetime, test)
    elif test is not None:
        raise InputError("test goes with training_set='given'; what is drawn from a landscape is tested on it too")
    rates = _own_rates(landscape, eta, continuous)
    if spacetime.is_symbolic and not (isinstance(landscape, Symbolic) and exact_learning_rates(eta) is not None):
        raise InputError(
            f"{spacetime!r} has symbols, so the answer is a formula: it takes a symbolic landscape and an exact eta, an "
            "int, a Fraction or a SymPy expression"
        )
    if isinstance(landscape, Symbolic) and exact_learning_rates(eta) is not None:
        seen = set().union(*(parameters_of(other) for other in (*functions, test) if isinstance(other, Symbolic)))
        check_letters(landscape, update, spacetime.N, spacetime.B, spacetime.T, *np.ravel(np.asarray(rates, object)), *seen)
    return Question(
        landscape, spacetime, rates, several, kept, watched if functions else watched.name, update, about_path, closure,
        resummed, continuous, device, given, real("patience", patience, above=0, infinite=True), functions,
        checked_propagator(propagator, landscape, rates, about_path or not resummed, update),
        _checked_tolerance(tolerance, about_path),
    )


def _checked_tolerance(tolerance: Any, about_path: bool) -> float | None:
    if tolerance is None:
        return None
    if not about_path:
        raise InputError("tolerance is of the covariance that is carried along the path; it goes with noise=1")
    return real("tolerance", tolerance, least=0, below=1)


def _own_rates(landscape: Landscape, eta: Any, continuous: bool) -> Any:
    """The learning rates as numbers, arrays or a matrix of our own."""
    exactly = exact_learning_rates(eta) if isinstance(landscape, Symbolic) and not continuous else None
    if exactly is not None:
        expressions, shape = exactly
        return frozen(np.array(expressions, object)) if shape else expressions[0]
    numbers, metric = learning_rates(eta, landscape.dimension)
    if metric is not None:
        return frozen(metric)
    return frozen(numbers) if numbers.ndim else float(numbers)
