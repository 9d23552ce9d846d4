"""Resummed values: every edge eta replaced by (1 - eta H)^(dt - 1) eta, summed over all maps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf, isinf
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..diagram import Diagram
from ..errors import InputError, TooLargeError, UnsupportedError
from ..kernels.nested_sums import nested_sums
from ..landscapes.landscape import Landscape, check_landscape
from ..landscapes.symbolic import Symbolic
from ..spacetime import Spacetime, check_spacetime
from ..typing import FloatArray, IntArray
from .device import Run, check_device, gpu_totals
from .exact import exact_learning_rates, exact_rvalue, shaped
from .frame import Frame, eigenframe, learning_rates
from .plan import plan, twins
from .programme import Programme, programme

SLAB_BYTES = 1 << 28  # products of tensors are formed this much at a time
SHARD_TUPLES = 1 << 14  # index tuples that a thread sums over at a time


def rvalue(
    diagram: Diagram | str, landscape: Landscape, spacetime: Spacetime, eta: ArrayLike, *, continuous: bool = False,
    device: str = "auto",
) -> Any:
    """A diagram's whole resummed contribution: the sum over embeddings f of (-1/B)^d / |Aut_f| times its value at f.

    An edge of duration dt carries K^(dt-1) eta, K = 1 - eta H (papers: Theorem 1). In an eigenbasis of eta H the sum
    over maps is, for each tuple of edge indices, a nested geometric sum; it is stable for flat directions (k = 1),
    equal k, k <= 0 and any number of updates.

    Parameters
    ----------
    diagram : an irreducible Diagram or its text
    landscape : supplies the cumulants, and H
    spacetime : any; several epochs, every sampling, partial epochs. N = inf stands for fresh data at every update; then T
        may be inf, for the limit
    eta : learning rate; a number, a 1-D array of numbers (one result each), or a positive definite (n, n) matrix
    continuous : the papers' Remark 1: integrals over times instead of sums, exp(-eta H dt) instead of K^(dt-1); one epoch
    device : 'cpu', 'cuda' for a CUDA GPU (order 4 at most), or 'auto': the GPU if there is one and the work is worth it

    Returns
    -------
    float, or an array of eta's shape; on a symbolic landscape with an exact eta (int, Fraction, SymPy expression, or a
    sequence of them) a SymPy number or formula, or an object array of them, over several epochs too

    Raises
    ------
    InputError : the diagram is reducible (its maps are part of others' already); T = inf without 0 < eta h < 2 (continuous:
        without 0 < eta h)
    UnsupportedError : infinitely many epochs; exact where the Hessian is not diagonal, or with a matrix eta; device='cuda'
        without a GPU or numba-cuda, or beyond order 4
    TooLargeError : the cumulants do not fit into free memory (of order d, n^d numbers); exact powers of too many digits;
        device='cuda', and not even a slab of the tensors fits into the GPU's free memory
    MissingTensorError : a cumulant or a derivative that the landscape does not have

    Examples
    --------
    >>> import fastdiag as fd
    >>> land = fd.landscapes.samples([0.0, 0.0], [[1.0], [-1.0]], [[[2.0]], [[2.0]]])
    >>> round(fd.rvalue("[a a]", land, fd.Spacetime(N=10, T=10), eta=0.1), 10)  # (eta^2/2) C H (1-k^2T)/(1-k^2)
    0.0274575218
    """
    diagram = Diagram.of(diagram)
    check_landscape(landscape)
    check_spacetime(spacetime)
    exactly = exact_learning_rates(eta) if isinstance(landscape, Symbolic) and not continuous else None
    if isinstance(landscape, Symbolic) and exactly is not None:
        check_irreducible(diagram)
        check_device(device, "this one is exact")
        return shaped([exact_rvalue(diagram, landscape, spacetime, rate) for rate in exactly[0]], exactly[1])
    check_device(device)
    numbers, metric = learning_rates(eta, landscape.dimension)
    frame = eigenframe(landscape) if metric is None else Frame(landscape, metric)
    result = resummed(diagram, frame, [spacetime], np.atleast_1d(numbers), continuous, device).reshape(numbers.shape)
    return float(result) if result.ndim == 0 else result


def check_irreducible(diagram: Diagram) -> None:
    """Raise InputError if the diagram's maps are part of others'."""
    if not diagram.is_irreducible:
        raise InputError(
            f"{diagram} is reducible (a node of degree 2 is alone in its part): resummation absorbs it into the "
            "diagram without that node, so it has no resummed value of its own; coefficient and uvalue give its plain one"
        )


def check_resummable(
    diagram: Diagram, landscape: Landscape, times: Sequence[Spacetime], continuous: bool = False
) -> None:
    """Raise an error that says why, if a resummed value cannot be had."""
    check_irreducible(diagram)
    landscape.require_degree(max(diagram.degrees), f"diagram {diagram}")
    for spacetime in times:
        if continuous and not spacetime.is_one_epoch:
            raise UnsupportedError(
                f"continuous=True is for one epoch, T <= N/B = {spacetime.updates_per_epoch}, and here T = {spacetime.T}; "
                "leave it out for the exact sums over several epochs"
            )
        if not spacetime.is_one_epoch and isinf(spacetime.T):
            raise UnsupportedError(
                f"T = inf with N = {spacetime.N} means infinitely many epochs; "
                "N = inf stands for fresh data at every update"
            )
        if (not isinf(spacetime.T) and spacetime.T >= 2**62) or spacetime.B >= 2**62:
            raise TooLargeError(f"T and B must be below 2^62 here, not {spacetime.T} and {spacetime.B}; use T = math.inf")


def resummed(
    diagram: Diagram, frame: Frame, times: Sequence[Spacetime], numbers: FloatArray, continuous: bool = False,
    device: str = "cpu",
) -> FloatArray:
    """Resummed contribution for each learning rate in `numbers` after each of `times`, (len(numbers), len(times))."""
    check_resummable(diagram, frame.landscape, times, continuous)
    if diagram.order and any(isinf(spacetime.T) for spacetime in times):
        check_contracts(frame, numbers, continuous)
    runs = _runs(diagram, times, continuous)
    if not runs:  # no tensor is asked for
        return np.zeros((len(numbers), len(times)))
    frame.check_memory([diagram], SLAB_BYTES)
    totals = gpu_totals(device, diagram, frame, runs, numbers, len(times))
    if totals is None:
        totals = _cpu_totals(diagram, frame, runs, numbers, len(times))
    signs = (-numbers / times[0].B) ** diagram.order / diagram.automorphisms
    return np.asarray(totals * signs[:, None])


def _cpu_totals(
    diagram: Diagram, frame: Frame, runs: Sequence[Run], numbers: FloatArray, times: int
) -> FloatArray:
    totals = np.zeros((len(numbers), times))
    n, d = len(frame.rates), diagram.order
    step = max(1, SLAB_BYTES // (8 * n ** max(d - 1, 0)))
    for start in range(0, n if d else 1, step):
        values = contracted(diagram, frame, slice(start, start + step))
        for places, moves, updates in runs if values.any() else ():
            totals[:, places] += _summed(values, start, frame.rates, numbers, twins(diagram), moves, updates)
    return totals


def _runs(diagram: Diagram, times: Sequence[Spacetime], continuous: bool) -> list[Run]:
    """What the kernel is run for: all times within one epoch together, the others one by one, none without maps."""
    together = [i for i, st in enumerate(times) if st.is_one_epoch and not isinf(st.T) and not continuous]
    together.sort(key=lambda i: times[i].T)
    found: list[Run] = []
    if len(together) > 1:
        updates = np.array([times[i].finite("T") for i in together])
        found.append((np.array(together), programme(diagram, times[together[0]]), updates))
    for i in sorted(set(range(len(times))).difference(together if len(together) > 1 else ())):
        found.append((np.array([i]), programme(diagram, times[i], continuous), np.zeros(0, np.int64)))
    return [run for run in found if len(run[1].sizes)]


def _summed(
    values: FloatArray, start: int, rates: FloatArray, numbers: FloatArray, alike: IntArray, moves: Programme,
    updates: IntArray,
) -> FloatArray:
    """The contraction with the sums over maps, for each learning rate and time.

    The same bits whatever the number of threads.
    """
    d = len(alike)
    slabs = np.zeros((len(numbers), len(values), max(1, len(updates))))
    rows = max(1, min(len(values), SHARD_TUPLES // values.shape[1]))
    pieces = [(i, low) for i in range(len(numbers)) for low in range(0, len(values), rows)]
    together = max(1, SHARD_TUPLES // (rows * values.shape[1]))  # small pieces, in one shard
    shards = [pieces[first : first + together] for first in range(0, len(pieces), together)]
    arguments = moves.arguments()

    def work(shard: Sequence[tuple[int, int]]) -> None:
        scratch = moves.scratch(d)
        for i, low in shard:
            here = slice(low, low + rows)
            nested_sums(
                values[here], start + low, numbers[i] * rates, d, alike, updates, *arguments, *scratch, slabs[i, here]
            )

    if len(shards) == 1:
        work(shards[0])
    else:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(work, shards))
    return np.asarray(slabs.sum(axis=1))


def contracted(diagram: Diagram, frame: Frame, rows: slice) -> FloatArray:
    """The product of the parts' cumulants over all edge indices, (rows of the first edge, n^(d-1))."""
    d, n = diagram.order, len(frame.rates)
    product = np.ones((1,) * d)
    for nodes, edges in plan(diagram).parts:
        part = frame.part(nodes)
        if 0 in edges:
            part = part[rows]  # edges ascend, so the first edge is the first axis
        shape = [1] * d
        for axis, edge in enumerate(edges):
            shape[edge] = part.shape[axis]
        product = product * part.reshape(shape)
    return np.ascontiguousarray(product).reshape(-1, n ** max(d - 1, 0))


def check_contracts(frame: Frame, numbers: FloatArray, continuous: bool) -> None:
    """Raise InputError unless every direction forgets its past: 0 < eta h, and eta h < 2 where time is discrete."""
    lowest, highest = float(frame.rates[0]), float(frame.rates[-1])
    if numbers.min(initial=inf) * lowest <= 0:
        raise InputError(
            f"T = inf needs a strict minimum, but the least eigenvalue of the Hessian is {lowest:.4g} (or eta is 0); "
            "give a finite T"
        )
    if not continuous and numbers.max(initial=0.0) * highest >= 2:
        raise InputError(
            f"T = inf needs eta h < 2 in every direction, but the largest eta h is {numbers.max() * highest:.4g}; "
            f"use eta < {2 / highest:.4g}, or a finite T"
        )
