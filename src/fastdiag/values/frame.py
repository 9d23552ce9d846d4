"""An eigenframe of eta times the Hessian, and the cumulants in it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from ..arguments import array, ndim, real
from ..diagram import Diagram
from ..errors import InputError, TooLargeError, UnsupportedError
from ..landscapes.estimated import Estimated
from ..landscapes.landscape import Landscape, Nodes, SampledLandscape, check_symmetric
from ..locks import cached_property
from ..memory import free_bytes
from ..memory import size as _size
from ..typing import FloatArray, IntArray
from .plan import plan
from .root import Roots

COPIES, SLAB_COPIES = 3, 3  # of the largest cumulant while it is formed, and of a product of cumulants
ALWAYS_FITS = 1 << 28  # bytes that are not worth a look
COMFORTABLE = 32  # powers of 2 of the square root of a learning rate
MANY = 512  # weights from which on an eigendecomposition is worth several threads


class Frame:
    """Directions in which resummed edges are diagonal; the cumulants along them, each computed once, none before asked."""

    def __init__(self, landscape: Landscape, metric: FloatArray | None = None) -> None:
        """metric: the matrix eta^{mu nu}, or None where eta is a number that multiplies later."""
        if isinstance(landscape, Estimated):
            raise UnsupportedError(
                "resummed values are not estimated: their edges are powers of the Hessian, up to the (T-1)th, and an "
                "unbiased estimate would need as many different points; use resummed=False, or give the landscape's "
                "`.points` for the (biased) values of the points themselves"
            )
        self.landscape, self.metric = landscape, metric
        self._parts: dict[Nodes, FloatArray] = {}

    @cached_property
    def _eigen(self) -> tuple[FloatArray, FloatArray]:
        hessian, metric = self.landscape.hessian, self.metric
        n = self.landscape.dimension
        # threads of the linear algebra library go on spinning after a product, and take that time from ours
        with _libraries().limit(limits=1 if n < MANY else None, user_api="blas"):
            root = np.eye(n) if metric is None else np.linalg.cholesky(metric)
            symmetric = hessian if metric is None else root.T @ hessian @ root
            rates, vectors = np.linalg.eigh((symmetric + symmetric.T) / 2)
            return rates, np.asarray(vectors if metric is None else root @ vectors)

    @property
    def rates(self) -> FloatArray:
        """Eigenvalues of eta H (of H where eta is a number), ascending, (n,)."""
        return self._eigen[0]

    @property
    def directions(self) -> FloatArray:
        """Columns V with V V^T = eta (= 1 where eta is a number), (n, n)."""
        return self._eigen[1]

    def part(self, nodes: Nodes) -> FloatArray:
        """The landscape's joint cumulant along the directions."""
        if nodes == ((0, 1),):  # H: diagonal without rounding, so that kernels pass over the zeros
            return np.diag(self.rates)
        if nodes not in self._parts:
            self._parts[nodes] = np.ascontiguousarray(self.landscape.part(nodes, self.directions))
        return self._parts[nodes]

    def check_memory(self, planned: Iterable[tuple[Diagram, Roots]], slab: int) -> None:
        """Raise TooLargeError if the cumulants of some diagrams, with these roots, do not fit into free memory.

        Nothing is computed for this. Counted are the cumulants that are not there yet, the copies made on the way to the
        largest one, and products of cumulants of `slab` bytes, or of one value of the first index where that is more.
        """
        n = self.landscape.dimension
        fresh: dict[Nodes, int] = {}
        slabs, largest = 0, None
        for diagram, roots in planned:
            for nodes, edges in (part for root in roots for part in plan(diagram, root).parts):
                if nodes not in self._parts and nodes != ((0, 1),):
                    fresh[nodes] = len(edges)
            within = 8 * n ** max(diagram.order - 1, 0)
            slabs = max(slabs, min(8 * n**diagram.order, max(slab, within)))
            largest = diagram if largest is None or diagram.order > largest.order else largest
        if not fresh:
            return
        asked = sum(8 * n**rank for rank in fresh.values()) + COPIES * 8 * n ** max(fresh.values()) + SLAB_COPIES * slabs
        free = free_bytes() if asked > ALWAYS_FITS else None
        if free is not None and asked > free:
            advice = "ask for a lower order, or use fewer weights"
            if isinstance(self.landscape, SampledLandscape):
                advice = f"use resummed=False (uvalue), which sums over the points and forms no such tensors; or {advice}"
            raise TooLargeError(
                f"the cumulants of {largest} with {n:,} weights have n^{max(fresh.values())} entries; resummed values need "
                f"{_size(asked)} of memory, and {_size(free)} are free; {advice}"
            )


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


@lru_cache(maxsize=8)
def eigenframe(landscape: Landscape) -> Frame:
    """The frame of a landscape for a learning rate that is a number, kept for the next call."""
    return Frame(landscape)


def learning_rates(eta: object, dimension: int) -> tuple[FloatArray, FloatArray | None]:
    """Check eta: a number or a 1-D array (many learning rates), or an (n, n) matrix. Returns (numbers, matrix)."""
    if ndim(eta) == 2:
        metric = array("eta", eta, (dimension, dimension), "a matrix eta^{mu nu} over the weights")
        check_symmetric("eta", metric, [(0, 1)], "as eta^{mu nu} = eta^{nu mu}")
        if np.linalg.eigvalsh(metric)[0] <= 0:
            raise InputError("a matrix eta must be positive definite; its least eigenvalue is not positive")
        return np.ones(()), metric
    return scalar_rates(eta, ", or an (n, n) matrix"), None


def scalar_rates(eta: Any, otherwise: str = "") -> FloatArray:
    """A learning rate, or a 1-D array of them, as float64 of shape () or (rates,); `otherwise`: what it may be too."""
    what = f"eta must be a number or a 1-D array of numbers{otherwise}"
    if ndim(eta) > 1:
        raise InputError(f"{what}, not of shape {np.shape(eta)}")
    try:
        if ndim(eta) == 0:
            numbers = np.array(real("eta", eta))
        else:
            numbers = array("eta", eta, (None,), "learning rates")
    except InputError as error:
        raise InputError(f"{what}, and eta must be finite: {error}") from None
    if numbers.size == 0:
        raise InputError("eta is empty; give at least one learning rate")
    if (numbers < 0).any():
        raise InputError(f"eta must be >= 0, not {numbers.min()}")
    return numbers


def of_one_size(numbers: FloatArray) -> list[IntArray]:
    """The places of the learning rates, taken apart where they are so far from each other that no weights suit all."""
    powers = np.where(numbers > 0, np.frexp(numbers)[1], np.frexp(numbers.max(initial=0.0))[1])
    groups: list[list[int]] = []
    for place in np.argsort(powers, kind="stable").tolist():
        if not groups or powers[place] - powers[groups[-1][0]] > 2 * COMFORTABLE:
            groups.append([])
        groups[-1].append(place)
    return [np.array(sorted(group)) for group in groups]


def at_scale(landscape: Landscape, numbers: FloatArray) -> tuple[Landscape, FloatArray, int]:
    """The landscape and the learning rates in weights in which the rates are of size 1, and the power of 2 between them.

    Where the rates are very large or small, eta^d and products of tensors leave the range of floats though their products
    do not. A power of 2 changes no bit of them.
    """
    powers = np.frexp(numbers[numbers > 0])[1]
    exponent = int(np.rint(powers.mean() / 2)) if len(powers) else 0
    if abs(exponent) <= COMFORTABLE:
        return landscape, numbers, 0
    scaled = _scaled(landscape, exponent)
    return (landscape, numbers, 0) if scaled is landscape else (scaled, np.ldexp(numbers, -2 * exponent), exponent)


@lru_cache(maxsize=8)
def _scaled(landscape: Landscape, exponent: int) -> Landscape:
    return landscape.scaled(exponent)


def growth(frame: Frame, numbers: FloatArray) -> str:
    """The direction along which powers of 1 - eta h grow most, in words, or nothing if they grow along none."""
    factors = np.abs(1 - np.multiply.outer(numbers, frame.rates))
    number, at = np.unravel_index(int(factors.argmax()), factors.shape)
    if factors[number, at] <= 1:
        return ""
    rate, direction = frame.rates[at], frame.directions[:, at]
    entries = np.argsort(-np.abs(direction))[:3].tolist()
    along = ", ".join(f"{direction[i]:.3g} in weight {i}" for i in entries if direction[i])
    kind = "negative curvature" if rate < 0 else "eta h > 2"
    return (
        f"; {kind}: the {'Hessian' if frame.metric is None else 'matrix eta H'} has the eigenvalue {rate:.4g} along the "
        f"direction ({along}{', ...' if len(direction) > 3 else ''}), so that (1 - eta h)^T grows"
    )
