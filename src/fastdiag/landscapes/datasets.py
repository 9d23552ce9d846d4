"""Real data as landscapes."""

from __future__ import annotations

import numpy as np

from ..arguments import array
from ..errors import InputError
from ..files import find
from ..typing import FloatArray
from .logistic import Logistic, logistic


def breast_cancer(ridge: float = 0.1, theta: object | None = None) -> Logistic:
    """Logistic regression on the Breast Cancer Wisconsin (Diagnostic) measurements, 569 points, 31 weights.

    Parameters
    ----------
    ridge : coefficient of |theta|^2 / 2
    theta : (31,) starting weights, zeros by default; the last is the bias

    Returns
    -------
    Logistic; the 30 measurements are standardised, label 1 is benign. The 569 points are the distribution: training
    sets are drawn from them with replacement.

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.landscapes.breast_cancer()
    <logistic landscape: 569 points, 31 weights>
    """
    with np.load(find("breast_cancer.npz"), allow_pickle=False) as data:
        X, y = with_bias(standardised(data["X"])), data["y"]
    return logistic(X, y, np.zeros(X.shape[1]) if theta is None else theta, ridge)


def standardised(X: object) -> FloatArray:
    """Columns shifted and scaled to mean 0 and variance 1.

    Parameters
    ----------
    X : (S, n) one row per data point

    Raises
    ------
    InputError : no row; a column whose entries are all the same; not finite

    Examples
    --------
    >>> standardised([[1.0, 1e200], [3.0, 2e200]]).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    """
    data = array("X", X, (None, None), "points, measurements")
    if len(data) == 0:
        raise InputError("X has no row; give at least two points")
    constant = (data == data[0]).all(axis=0)
    if constant.any():
        raise InputError(f"column {int(np.argmax(constant))} of X is constant and cannot be standardised; leave it out")
    with np.errstate(under="ignore"):
        data = _to_size_one(data)
        data = _to_size_one(data - data.mean(axis=0))  # the spread may be as small as the last digit
        data -= data.mean(axis=0)
        return np.asarray(data / np.sqrt((data**2).mean(axis=0)))


def _to_size_one(data: FloatArray) -> FloatArray:
    """Columns times powers of 2, so that squares and sums stay within the range of floats."""
    return np.asarray(np.ldexp(data, -np.frexp(np.abs(data).max(axis=0))[1]))


def with_bias(X: object) -> FloatArray:
    """X with a last column of ones.

    Parameters
    ----------
    X : (S, n) one row per data point

    Examples
    --------
    >>> with_bias([[2.0], [3.0]]).tolist()
    [[2.0, 1.0], [3.0, 1.0]]
    """
    data = array("X", X, (None, None), "points, measurements")
    return np.column_stack([data, np.ones(len(data))])
