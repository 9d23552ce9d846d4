"""Real data as landscapes."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..files import find
from ..typing import FloatArray
from .landscape import checked
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
    """Columns shifted and scaled to mean 0 and variance 1."""
    data = checked("X", X, (None, None), "points, measurements")
    spread = data.std(axis=0)
    if (spread == 0).any():
        raise InputError(f"column {int(np.argmin(spread))} of X is constant and cannot be standardised; leave it out")
    return np.asarray((data - data.mean(axis=0)) / spread)


def with_bias(X: FloatArray) -> FloatArray:
    """X with a last column of ones."""
    return np.column_stack([X, np.ones(len(X))])
