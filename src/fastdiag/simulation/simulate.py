"""Run SGD, or another rule, many times and average the test loss, or another observable."""

from __future__ import annotations

from concurrent.futures import Executor

from numpy.typing import ArrayLike

from ..arguments import flag
from ..door import door
from ..expansion.observables import Observable
from ..landscapes import Landscape
from ..spacetime import Spacetime
from ..typing import PathLike, Rates
from .measure import checked_work, measure
from .packed_rule import RunRule
from .planned_runs import check_cost, plan_runs
from .simulation import Simulation

REFINED = 16  # steps to an update of a process


@door
def simulate(
    landscape: Landscape,
    spacetime: Spacetime,
    eta: Rates,
    runs: int = 10_000,
    seed: int = 0,
    method: str = "sgd",
    observable: str | Observable = "test_loss",
    threads: int | None = None,
    progress: bool | None = None,
    T: ArrayLike | None = None,
    update: RunRule = None,
    refinement: int = REFINED,
    keep_runs: bool = False,
    training_set: str = "drawn",
    test: Landscape | None = None,
    executor: Executor | None = None,
    checkpoint: PathLike | None = None,
) -> Simulation:
    """Measure the expected test loss, or another observable, after SGD or another update rule by running it.

    Each run draws N training points from the landscape's distribution, independently and with replacement, and
    makes T updates theta <- theta - eta * (mean gradient of the batch), starting at theta_0. Its test loss is the
    mean loss over the whole distribution, its train loss that over its N training points. The result does not
    depend on the number of threads, to the last bit.

    Parameters
    ----------
    landscape : `landscapes.logistic`, `softmax`, `least_squares`; `landscapes.symbolic`, with data drawn from its
        distributions; or `landscapes.samples`, which knows derivatives only: its points' losses are the Taylor
        polynomials, of which it warns once and which `repr` names
    spacetime : N, B, T and the sampling; T finite
    eta : learning rate, >= 0: a number, a 1-D array of numbers, or a positive definite (n, n) matrix. All of them see the
        same training points and batches, so that differences between them are sharp
    runs : independent runs, >= 2
    seed : whole number >= 0
    method : 'sgd'; 'gd', all N points at every update; 'gdc', GD on l + l_C, the penalty with which it follows SGD in the
        spacetime's batches to o(eta^2) (papers: Corollary 3; see `updates.corrected`); 'ode' or 'sde', the processes of
        `fastdiag.updates`: Runge's and Kutta's rule of fourth order, and Euler's and Maruyama's with noise of the
        covariance of the gradient at theta. They follow the whole distribution, so they have no train loss
    observable : 'test_loss', 'train_loss', 'generalization_gap', 'displacement' (a vector), 'covariance' of the
        displacement (a matrix), 'test_loss_variance', or a function of `fastdiag.observable`; as for `predict`
    threads : at most this many; as many as there are processors by default
    progress : whether to show a bar; by default on a terminal, after a second
    T : numbers of updates instead of spacetime.T; an int, or a 1-D array of them: a curve, from one set of runs
    update : one of `fastdiag.updates`, as for `predict`; None for SGD. ode() and sde() are the methods of that name
    refinement : steps to an update of a process, >= 1
    keep_runs : whether `.values` holds what every run came to
    training_set : 'drawn'; or 'given', the landscape's own N points, as for `predict`: runs differ in their batches alone,
        under 'cyclic' in one order kept
    test : a landscape of held-out data, with training_set='given': whose loss the test loss is
    executor : any concurrent.futures.Executor, also Dask's `Client.get_executor()`, in place of threads; the same numbers,
        whatever the workers
    checkpoint : a file for what has been run, kept up every few seconds and when runs are interrupted: the same call goes
        on from there. In another call's file the first runs differ, and it is refused

    Returns
    -------
    Simulation, with `mean`, `stderr`, `interval`, `diverged`: numbers if eta and T are, else arrays of shape eta.shape +
    T.shape, with axes (n,) for the displacement and (n, n) for the covariance. Variances and covariances are unbiased
    estimates, their standard errors come from the fourth moments. Runs that end infinite or nan are counted in `diverged`;
    the mean is then inf or nan, with a RuntimeWarning.

    Raises
    ------
    InputError : an argument of the wrong kind or out of range, an unknown method or observable; the train loss of a process
        without a given training set; a checkpoint of another call; with an executor, functions that do not pickle
    DataError : the executor has lost its workers, or finishes nothing for ten minutes; a checkpoint that cannot be written
    TooLargeError : the training set of a run, the batches drawn at a time, or the values of all runs are too large
    UnsupportedError : a landscape without data points, or of gradients alone where a rule takes Hessians; a formula with
        free symbols, or whose mean has no closed form

    Examples
    --------
    >>> import fastdiag as fd
    >>> land = fd.landscapes.logistic([[1.0], [-2.0]], [1, 0], [0.0])
    >>> result = fd.simulate(land, fd.Spacetime(N=4, T=4), eta=0.1, runs=1000)
    >>> bool(result.mean < land.loss), result.diverged
    (True, 0)
    >>> fd.simulate(land, fd.Spacetime(N=4, T=4), [0.1, 0.2], runs=1000, observable="displacement").mean.shape
    (2, 1)
    >>> fast = fd.updates.momentum(0.9)
    >>> curve = fd.simulate(land, fd.Spacetime(N=4, E=5), 0.1, runs=1000, update=fast, T=[4, 12, 20], keep_runs=True)
    >>> curve.mean.shape, curve.values.shape, bool(curve.mean[2] < curve.mean[0])
    ((3,), (3, 1000), True)
    """
    asked = plan_runs(
        landscape, spacetime, eta, runs, seed, method, observable, T, update, refinement, training_set, test,
    )
    work = checked_work(threads, executor, checkpoint, progress)
    keep_runs = flag("keep_runs", keep_runs)
    check_cost(asked.course, work.workers(asked.course), keep_runs)
    asked.tell()
    return asked.simulation(*measure(asked.course, work, keep_runs))
