"""An eigenbasis of eta times the Hessian, and the cumulants in it."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from functools import cache, lru_cache
from math import inf

import numpy as np
from threadpoolctl import ThreadpoolController

from ..diagram import Diagram
from ..errors import TooLargeError, UnsupportedError
from ..landscapes.estimated import Estimated
from ..landscapes.landscape import Landscape, Nodes
from ..landscapes.sampled import SampledLandscape
from ..landscapes.span import Span
from ..locks import cached_property
from ..memory import free_bytes
from ..memory import size as _size
from ..typing import FloatArray
from .plan import plan
from .root import Roots

COPIES, SLAB_COPIES = 3, 3  # of the largest cumulant while it is formed, and of a product of cumulants
ALWAYS_FITS = 1 << 28  # bytes that are not worth a look
SWEEPS = 20  # until units of weights are found, at most
MANY = 512  # weights from which on an eigendecomposition is worth several threads


class Eigenbasis:
    """Directions in which resummed edges are diagonal; the cumulants along them, each computed once, none before asked."""

    def __init__(
        self, landscape: Landscape, metric: FloatArray | None = None, others: Iterable[Landscape] = (),
        propagator: FloatArray | None = None,
    ) -> None:
        """metric: the matrix eta^{mu nu}, or None where eta is a number that multiplies later; others: of roots that are
        not the landscape's, see `Root`.

        propagator: the matrix H0 (n, n) in edges 1 - eta H0; None for the Hessian

        Raises
        ------
        UnsupportedError : the points are a sample. (1 - eta H)^(T-1) has powers of H, and no function of fewer points than
            its degree has the expectation of a product of means
        """
        if isinstance(landscape, Estimated):
            raise UnsupportedError(
                "resummed values are not estimated: their edges are powers of the Hessian, up to the (T-1)th, and an "
                "unbiased estimate would need as many different points; use resummed=False, or give the landscape's "
                "`.points` for the (biased) values of the points themselves"
            )
        self.landscape, self.metric, self.propagator = landscape, metric, propagator
        self._parts: dict[Nodes, FloatArray] = {}
        self.others = self.along(others)

    def along(self, others: Iterable[Landscape]) -> tuple[Eigenbasis, ...]:
        """The cumulants of other landscapes along the directions of this one."""
        return tuple(self if other is self.landscape else _AlongOthers(other, self) for other in others)

    @cached_property
    def _eigen(self) -> tuple[FloatArray, FloatArray]:
        metric = self.metric
        hessian = self.landscape.hessian if self.propagator is None else self.propagator
        n = self.landscape.dimension
        # threads of the linear algebra library go on spinning after a product, and take that time from ours
        with libraries().limit(limits=1 if n < MANY else None, user_api="blas"):
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
        if nodes == ((0, 1),) and self.propagator is None:  # diagonal without rounding, so that kernels pass over the zeros
            return np.diag(self.rates)
        if nodes not in self._parts:
            self._parts[nodes] = np.asarray(self.landscape.part(nodes, self.directions), order="C")
        return self._parts[nodes]

    @cached_property
    def left_over(self) -> FloatArray:
        """What edges do not have of the Hessian, along the directions: for nodes of degree 2 that are alone."""
        return np.asarray(self.part(((0, 1),)) - np.diag(self.rates))

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


class FieldEigenbasis(Eigenbasis):
    """Directions of eta dv of a vector field, where it is diagonalisable in real numbers: it need not be symmetric.

    With eta dv = V diag(rates) V^-1, derivatives are taken along the columns of V, and the field's entries along the rows
    of V^-1 eta. So an edge is diagonal between them.
    """

    @cached_property
    def _eigen(self) -> tuple[FloatArray, FloatArray]:
        found = real_directions(self.landscape, self.metric)
        assert found is not None
        return found

    @cached_property
    def _frames(self) -> FloatArray:
        """For derivatives, and for entries."""
        entries = np.linalg.inv(self.directions)
        return np.stack([self.directions, (entries if self.metric is None else entries @ self.metric).T])

    def part(self, nodes: Nodes) -> FloatArray:
        if nodes == ((0, 1),):
            return np.diag(self.rates)
        if nodes not in self._parts:
            self._parts[nodes] = np.asarray(self.landscape.part(nodes, self._frames), order="C")
        return self._parts[nodes]


class Unturned(Eigenbasis):
    """Any directions in which eta is the identity, for what needs no others."""

    @cached_property
    def _eigen(self) -> tuple[FloatArray, FloatArray]:
        metric = np.eye(self.landscape.dimension) if self.metric is None else self.metric
        return np.full(len(metric), np.nan), np.asarray(np.linalg.cholesky(metric))

    def part(self, nodes: Nodes) -> FloatArray:
        if nodes not in self._parts:
            self._parts[nodes] = np.asarray(self.landscape.part(nodes, self.directions), order="C")
        return self._parts[nodes]


class _AlongOthers(Unturned):
    """The cumulants of one landscape along the directions of another one."""

    def __init__(self, landscape: Landscape, basis: Eigenbasis) -> None:
        self.landscape, self.basis, self.metric, self.others = landscape, basis, basis.metric, ()
        self._parts: dict[Nodes, FloatArray] = {}

    @property
    def directions(self) -> FloatArray:
        return self.basis.directions

    def part(self, nodes: Nodes) -> FloatArray:
        if nodes == ((0, 1),) and np.array_equal(self.landscape.hessian, self.basis.landscape.hessian):
            return self.basis.part(nodes)  # as of the loss itself: a field that is its gradient has its values, to the bit
        return super().part(nodes)


@cache
def libraries() -> ThreadpoolController:
    """The BLAS libraries, whose threads can be limited."""
    return ThreadpoolController()


def real_directions(landscape: Landscape, metric: FloatArray | None = None) -> tuple[FloatArray, FloatArray] | None:
    """Eigenvalues of eta dv, ascending, and its directions as columns; None unless they are real."""
    slopes = landscape.hessian if metric is None else metric @ landscape.hessian
    rates, directions = np.linalg.eig(slopes)
    if np.abs(rates.imag).max(initial=0.0) > 0:
        return None
    ascending = np.argsort(rates.real)
    return rates.real[ascending], np.ascontiguousarray(directions.real[:, ascending])


def lost(landscape: Landscape, metric: FloatArray | None, edges: int, rate: float = inf) -> float:
    """The share of a sum over maps with so many edges that rounding may take in directions; inf where there are none.

    An edge is V k^(dt-1) V^-1: its terms exceed their sum by the condition of V, and every edge multiplies that. That is
    the condition in units that balance the matrix, if in them no entry of an edge is small beside its terms: else in the
    weights' own, in which the other tensors are of a size. rate: the largest eta, where it is not in the metric.
    """
    if is_symmetric(landscape):
        return 0.0
    if (found := real_directions(landscape, metric)) is None:
        return inf
    slopes, directions = landscape.hessian if metric is None else metric @ landscape.hessian, found[1]
    units = _units(slopes)
    inner = directions / units[:, None]
    with np.errstate(over="ignore"):
        size = max(float(np.abs(found[0]).mean()), 1 / rate if rate else inf)  # of rates, or of the 1 in 1 - eta k
        apart = _terms_beside_sums(slopes / units[:, None] * units, inner, size)
        condition = max(_condition(inner), min(_condition(directions), apart))
        return float(np.finfo(float).eps * condition**edges)


def _condition(directions: FloatArray) -> float:
    return float(np.linalg.cond(directions / np.linalg.norm(directions, axis=0)))


def _terms_beside_sums(slopes: FloatArray, directions: FloatArray, size: float) -> float:
    """How far the terms of some entry of V f(k) V^-1 exceed what two steps of dv / size make there, in any units."""
    steps = np.abs(slopes) / (size or inf)
    np.fill_diagonal(steps, 0.0)
    try:
        terms = np.abs(directions) @ np.abs(np.linalg.inv(directions))
    except np.linalg.LinAlgError:
        return inf
    with np.errstate(divide="ignore"):
        sums = np.eye(len(steps)) + steps + steps @ steps
        return float(np.divide(terms, sums, out=np.zeros_like(terms), where=terms > 0).max())


def _units(slopes: FloatArray) -> FloatArray:
    """Powers of 2, units of the weights in which rows and columns of a matrix are of about one size (Parlett, Reinsch)."""
    units, sizes = np.ones(len(slopes)), np.abs(slopes)
    np.fill_diagonal(sizes, 0.0)
    for _ in range(SWEEPS):
        before = units.copy()
        for i in range(len(units)):
            column, row = sizes[:, i].sum(), sizes[i].sum()
            if column and row:
                factor = 2.0 ** np.round(np.log2(row / column) / 2)
                units[i] *= factor
                sizes[:, i] *= factor
                sizes[i] /= factor
        if (units == before).all():
            break
    return units


def is_symmetric(landscape: Landscape) -> bool:
    """Whether the mean of dv is symmetric, as that of every loss is."""
    return landscape.is_gradient or np.array_equal(slopes := landscape.hessian, slopes.T)


def directions_of(
    landscape: Landscape, metric: FloatArray | None = None, others: Iterable[Landscape] = ()
) -> Eigenbasis:
    """The eigenbasis of a loss, or of a vector field."""
    return (Eigenbasis if is_symmetric(landscape) else FieldEigenbasis)(landscape, metric, others)


@lru_cache(maxsize=8)
def eigenbasis_of(landscape: Landscape, others: tuple[Landscape, ...] = ()) -> Eigenbasis:
    """The eigenbasis of a landscape for a learning rate that is a number, kept for the next call."""
    if not others:
        return directions_of(landscape)
    found = copy(eigenbasis_of(landscape))  # shares what is computed
    found.others = found.along(others)
    return found


def growth(eigenbasis: Eigenbasis, numbers: FloatArray, span: Span | None = None) -> str:
    """The direction along which powers of 1 - eta h grow most, in words, or nothing if they grow along none."""
    factors = np.abs(1 - np.multiply.outer(numbers, eigenbasis.rates))
    number, at = np.unravel_index(int(factors.argmax()), factors.shape)
    if factors[number, at] <= 1:
        return ""
    rate, direction = eigenbasis.rates[at], eigenbasis.directions[:, at]
    direction = direction if span is None else span.lifted(direction, 1)
    entries = np.argsort(-np.abs(direction))[:3].tolist()
    along = ", ".join(f"{direction[i]:.3g} in weight {i}" for i in entries if direction[i])
    kind = "negative curvature" if rate < 0 else "eta h > 2"
    what = "Hessian" if eigenbasis.metric is None else "matrix eta H"
    return (
        f"; {kind}: the {what} has the eigenvalue {rate:.4g} along the direction ("
        f"{along}{', ...' if len(direction) > 3 else ''}), so that (1 - eta h)^T grows"
    )
