"""The shares of noise and curvature in the leading directions of large models, from gradients that come in batches."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import array, real, shown, whole
from ..door import outside, silent_door
from ..errors import InputError, TrustWarning
from ..landscapes import Landscape
from ..record import Record
from ..stationary.units import shifted, within_floats
from ..typing import FloatArray
from .alignment import leading_directions
from .geometry import Geometry, geometry

MORE = 4  # directions beyond those asked for, whose eigenvalues are the nearest that a leading one can mix with
HELD = 4  # blocks of directions that are kept
GONE = 1e-12  # of the largest eigenvalue
ROUNDING = 1e-13  # of all


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Shares(Record):
    """The leading directions' shares of noise and of curvature; unpacks into these two, see `leading_shares`."""

    p: FloatArray
    """Of the gradients' noise, (k,)."""
    r: FloatArray
    """Of the curvature, (k,)."""
    p_error: FloatArray
    """About how far p can be from that of the eigenvector, (k,)."""
    r_error: FloatArray
    """How far r can be from that of an eigenvalue, (k,)."""
    passes: int
    """Over the gradients; 0 for a landscape."""
    converged: bool
    """Whether every eigenvalue is as near as was asked for."""

    def __iter__(self) -> Iterator[FloatArray]:
        return iter((self.p, self.r))

    def __repr__(self) -> str:
        told = "" if self.converged else ", not converged"
        shares = f"{self.r.sum():.4g} of the curvature, {self.p.sum():.4g} of the noise"
        return f"<shares of {len(self.p)} directions: {shares}{told}>"


@silent_door
def leading_shares(
    batches: Any, k: int, residuals: Any = None, turns: int = 50, seed: int = 0, tol: float = 1e-3
) -> Shares:
    """p_i and r_i: the share of the gradients' noise, and of the curvature, along the i-th leading direction of G.

    p_i = u_i^T Sigma_1 u_i / Tr Sigma_1 and r_i = lam_i / Tr G, Sigma_1 = mean of r^2 J J^T; where noise is 2 L G the two
    agree, and p_i / r_i is g(u_i) over the mean alignment Tr Sigma_1 / (2 L Tr G). The eigenvectors are a block Lanczos
    iteration's, from random directions: nothing of (weights)^2 entries is formed, no more rows are held than come at a
    time, and 8 (k + 4) numbers for each weight. It passes over the gradients until the residuals |G u - lam u| are below
    tol times the eigenvalues; flat spectra take tens of passes.

    Errors are from the residuals: an eigenvalue lies within |G u - lam u| of lam, and, where that is small, about within
    its square over the gap to the directions beyond the leading ones; twice that is taken, since before convergence it need
    not be the i-th. u is turned by about the residual over that gap, and p with it by what Sigma_1 has between u and the
    rest. Directions whose eigenvalues are alike have their shares together.

    Parameters
    ----------
    batches : a function that returns an iterable over the Jacobian's rows in blocks, (rows, weights) each, the same at
        every call; or a list of blocks; or a landscape or a Geometry, whose Hessian stands for G
    k : leading directions
    residuals : the same of residuals, (rows,) each; None if all are equal, where p = r
    turns : most passes over the gradients before the last, >= 1
    seed : whole number >= 0
    tol : of the eigenvalues' residuals, relative, > 0

    Returns
    -------
    Shares: p, r, (k,) each, their errors, and whether they have converged; a TrustWarning says if not

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
    tol = real("tol", tol, above=0)
    if isinstance(batches, Landscape | Geometry):
        return _of_geometry(geometry(batches, residuals), k, tol)
    first = next(iter(_blocks("batches", batches)), None)
    if first is None:
        raise InputError("batches are empty; give blocks of rows of the Jacobian")
    n = first.shape[1]
    if k > n:
        raise InputError(f"k must be at most the number of weights, {n}, not {shown(k)}")

    def times(directions: FloatArray) -> FloatArray:
        total = np.zeros_like(directions)
        for rows in _blocks("batches", batches, n):
            total += rows.T @ (rows @ directions)
        return within_floats("a product of gradients", total)

    start = np.random.default_rng(seed).standard_normal((n, min(n, k + MORE)))
    values, directions, off, gaps, passes = _leading(times, start, k, turns, tol)
    noise, traces = np.zeros_like(directions), np.zeros(2)
    others = None if residuals is None else iter(_blocks("residuals", residuals, axes=1))
    for rows in _blocks("batches", batches, n):
        scale = np.ones(len(rows)) if others is None else next(others, np.zeros(0))
        if len(scale) != len(rows):
            raise InputError(f"residuals must come as the rows do: a block of {len(rows)} rows met {len(scale)} residuals")
        noise += rows.T @ (scale[:, None] ** 2 * (rows @ directions))
        traces += float(scale**2 @ (rows**2).sum(axis=1)), float((rows**2).sum())
    if others is not None and next(others, None) is not None:
        raise InputError("residuals must come as the rows do: there are more blocks of residuals than of rows")
    if not traces[1] > 0:
        raise InputError("every gradient is zero, so there are no shares")
    if not traces[0] > 0:
        raise InputError("every residual is zero: there is no noise, and so no share of it")
    return _told(noise / traces[0], directions, values, off, gaps, float(traces[1]), passes + 1, tol)


def _leading(
    times: Callable[[FloatArray], FloatArray], start: FloatArray, k: int, turns: int, tol: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, int]:
    """The k leading eigenvalues of G, their directions, residuals, gaps to what is beyond, and the passes they took."""
    width, block = start.shape[1], np.linalg.qr(start)[0]
    basis = images = np.zeros((len(start), 0))
    for passes in range(1, turns + 1):
        image = times(block)
        basis, images = np.hstack([basis, block]), np.hstack([images, image])
        small = basis.T @ images
        values, turned = np.linalg.eigh((small + small.T) / 2)
        values, turned = values[::-1], turned[:, ::-1]
        directions = basis @ turned[:, :k]
        off = np.linalg.norm(images @ turned[:, :k] - values[:k] * directions, axis=0)
        if (off <= tol * values[:k]).all() or passes == turns:
            break
        rest = image - basis @ (basis.T @ image)
        left, sizes, _ = np.linalg.svd(rest - basis @ (basis.T @ rest), full_matrices=False)
        block = left[:, sizes > GONE * max(values[0], 0)]
        if not block.shape[1]:
            break  # G keeps to these directions
        if basis.shape[1] + width > HELD * width:
            basis, images = basis @ turned[:, : 2 * width], images @ turned[:, : 2 * width]
        block = np.linalg.qr(block - basis @ (basis.T @ block))[0]
    gaps = values[:k] - (values[width - 1] if width < len(start) else -np.inf)
    return values[:k], directions, off, gaps, passes


def _told(
    noise: FloatArray, directions: FloatArray, values: FloatArray, off: FloatArray, gaps: FloatArray, trace: float,
    passes: int, tol: float,
) -> Shares:
    """Shares and their errors; noise: Sigma_1 times the directions, as a share of its trace."""
    p = np.einsum("ik,ik->k", directions, noise)
    turned = off / np.maximum(np.maximum(gaps, off), np.finfo(float).tiny)  # sine of the angle to the eigenvector, about
    between = np.linalg.norm(noise - directions * p, axis=0)
    converged = bool((off <= tol * np.abs(values)).all())
    if not converged:
        worst = float((off / np.maximum(np.abs(values), np.finfo(float).tiny)).max())
        warnings.warn(
            f"the leading directions have not converged in {passes} passes: residuals are up to {worst:.2g} of their "
            "eigenvalues; the shares' errors say how far they may be off, and more turns bring them nearer",
            TrustWarning, stacklevel=outside(),
        )
    p_error, r_error = 2 * turned * between + turned**2 * p, 2 * turned * off / trace
    return Shares(
        within_floats("a share", p), within_floats("a share", values / trace), p_error + ROUNDING, r_error + ROUNDING,
        passes, converged,
    )


def _of_geometry(around: Geometry, k: int, tol: float) -> Shares:
    n = around.curvature.dimension
    width = min(n, whole("k", k, 1, n, f"directions, 1 to {n}") + MORE)
    values, vectors = leading_directions(around, width)
    values = shifted(values, -around.curvature.unit)
    noise, curvature = around.noise.trace(), around.curvature.trace()
    if not (noise > 0 and curvature > 0):
        raise InputError("there is no noise or no positive curvature in all, and so no share of it")
    gaps, values, vectors = values[:k] - (values[-1] if width < n else -np.inf), values[:k], vectors[:, :k]
    off = np.linalg.norm(around.curvature.times(vectors) - values * vectors, axis=0)
    return _told(around.noise.times(vectors, False) / noise, vectors, values, off, gaps, curvature, 0, tol)


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
