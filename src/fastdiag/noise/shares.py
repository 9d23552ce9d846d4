"""The shares of noise and curvature in the leading directions of large models, from gradients that come in batches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..arguments import array, shown, whole
from ..door import silent_door
from ..errors import InputError
from ..landscapes import Landscape
from ..stationary.units import shifted, within_floats
from ..typing import FloatArray
from .alignment import leading_directions
from .geometry import Geometry, geometry

OVERSAMPLED = 10


@silent_door
def leading_shares(
    batches: Any, k: int, residuals: Any = None, turns: int = 4, seed: int = 0
) -> tuple[FloatArray, FloatArray]:
    """p_i and r_i: the share of the gradients' noise, and of the curvature, along the i-th leading direction of G.

    p_i = u_i^T Sigma_1 u_i / Tr Sigma_1 and r_i = lam_i / Tr G, Sigma_1 = mean of r^2 J J^T; where noise is 2 L G the two
    agree, and p_i / r_i is g(u_i) over the mean alignment Tr Sigma_1 / (2 L Tr G). The eigenvectors are those of a subspace
    iteration: nothing of (weights)^2 entries is formed, and no more rows are held than come at a time.

    Parameters
    ----------
    batches : a function that returns an iterable over the Jacobian's rows in blocks, (rows, weights) each, the same at
        every call; or a list of blocks; or a landscape or a Geometry, whose Hessian stands for G
    k : leading directions
    residuals : the same of residuals, (rows,) each; None if all are equal, where p = r
    turns : passes of the subspace iteration, >= 1
    seed : whole number >= 0

    Returns
    -------
    (k,) p, (k,) r

    Raises
    ------
    InputError : blocks of different widths, of no rows, that do not match the residuals; no curvature

    Examples
    --------
    >>> import fastdiag as fd
    >>> rows, residuals = [[[1.0, 0.0]], [[0.0, 2.0], [1.0, 1.0]]], [[1.0], [-1.0, 2.0]]
    >>> [share.round(4).tolist() for share in fd.noise.leading_shares(rows, 2, residuals)]
    [[0.7667, 0.2333], [0.7575, 0.2425]]
    """
    k, turns, seed = whole("k", k, 1), whole("turns", turns, 1, 1000), whole("seed", seed, 0)
    if isinstance(batches, Landscape | Geometry):
        return _of_geometry(geometry(batches, residuals), k)
    first = next(iter(_blocks("batches", batches)), None)
    if first is None:
        raise InputError("batches are empty; give blocks of rows of the Jacobian")
    n = first.shape[1]
    if k > n:
        raise InputError(f"k must be at most the number of weights, {n}, not {shown(k)}")
    basis = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, min(n, k + OVERSAMPLED))))[0]
    for _ in range(turns):
        total = np.zeros_like(basis)
        for rows in _blocks("batches", batches, n):
            total += rows.T @ (rows @ basis)
        basis = np.linalg.qr(within_floats("a product of gradients", total))[0]
    small, traces, seen = np.zeros((basis.shape[1],) * 2), np.zeros(2), 0
    for rows in _blocks("batches", batches, n):
        part = rows @ basis
        small += part.T @ part
        traces[1] += float((rows**2).sum())
        seen += len(rows)
    if not traces[1] > 0:
        raise InputError("every gradient is zero, so there are no shares")
    values, turn = np.linalg.eigh(small)
    order = np.argsort(values)[::-1][:k]
    directions, noise = basis @ turn[:, order], np.zeros(k)
    others = None if residuals is None else iter(_blocks("residuals", residuals, axes=1))
    for rows in _blocks("batches", batches, n):
        scale = np.ones(len(rows)) if others is None else next(others, np.zeros(0))
        if len(scale) != len(rows):
            raise InputError(f"residuals must come as the rows do: a block of {len(rows)} rows met {len(scale)} residuals")
        noise += scale**2 @ (rows @ directions) ** 2
        traces[0] += float(scale**2 @ (rows**2).sum(axis=1))
    if not traces[0] > 0:
        raise InputError("every residual is zero: there is no noise, and so no share of it")
    return within_floats("a share", noise / traces[0]), within_floats("a share", values[order] / traces[1])


def _of_geometry(around: Geometry, k: int) -> tuple[FloatArray, FloatArray]:
    values, vectors = leading_directions(around, k)
    noise, curvature = around.noise.trace(), around.curvature.trace()
    if not (noise > 0 and curvature > 0):
        raise InputError("there is no noise or no positive curvature in all, and so no share of it")
    shares = around.noise.forms(vectors, False) / noise, shifted(values, -around.curvature.unit) / curvature
    return within_floats("a share", shares[0]), within_floats("a share", shares[1])


def _blocks(name: str, source: Any, width: int | None = None, axes: int = 2) -> Iterable[FloatArray]:
    """The blocks of one pass, checked."""
    try:
        passing = iter(source() if callable(source) else source)
    except Exception as error:
        raise InputError(f"{name} must be a list of blocks, or a function that returns one: {shown(error)}") from None
    if passing is source:
        raise InputError(f"{name} is an iterator, which can be read once only; give a function that makes one, or a list")
    for block in passing:
        shape, meaning = ((None, width), "rows, weights") if axes == 2 else ((None,), "rows")
        yield array(f"a block of {name}", block, shape, meaning)
