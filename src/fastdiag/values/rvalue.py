"""Resummed values: every edge eta replaced by (1 - eta H)^(dt - 1) eta, summed over all maps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np

from ..arguments import flag
from ..coefficients.coefficient import prefactor
from ..diagram import Diagram
from ..door import door
from ..embedding import check_rule
from ..embedding.poset import Links
from ..embedding.retied import retied
from ..errors import TooLargeError
from ..kernels.lanes import LANES
from ..kernels.nested_sums import nested_sums
from ..kernels.packed_sum import PackedSum, as_tuples
from ..landscapes.landscape import Landscape, check_landscape
from ..landscapes.span import span_of
from ..landscapes.symbolic import Symbolic
from ..spacetime import Spacetime, check_spacetime
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Update, sgd
from ..typing import FloatArray, IntArray, Rates
from .by_structure import by_structure, is_structured
from .device import Run, check_device, gpu_totals
from .eigenbasis import Eigenbasis, eigenbasis_of, growth
from .exact_rvalue import exact_rvalue
from .exact_values import check_letters, exact_learning_rates
from .hessian_steps import LinearRule, links_under, newton_rates, weighed
from .learning_rates import at_scale, learning_rates, of_one_size
from .mode_sums import index_tuples, mode_sums
from .near_limit import near_limit, near_sums
from .open_axes import pieces
from .overflow import told
from .packed_transfer_matrices import packed_sum, scratch
from .plan import plan, twins
from .products import SLAB_BYTES, dense_slabs
from .resummable import check_contracts, check_irreducible, check_resummable, last_of, linear_rule
from .root import Roots, Terms, axes_of, from_eigenbasis, loss_root
from .scheduled_sums import scheduled, scheduled_sums

LARGEST_EXPONENT = 2.0**56  # |eta h T| of integrals; the kernel halves it, some 2^60 times at most
GONE = 1000.0  # exp(-1000) is 0
SHARD_TUPLES = 1 << 15  # index tuples x learning rates x times that a thread sums over at a time


@door
def rvalue(
    diagram: Diagram | str, landscape: Landscape, spacetime: Spacetime, eta: Rates, *, continuous: bool = False,
    device: str = "auto", update: LinearRule = None,
) -> Any:
    """A diagram's whole resummed contribution: the sum over embeddings f of (-1/B)^d / |Aut_f| times its value at f.

    An edge of duration dt carries K^(dt-1) eta, K = 1 - eta H (papers: Theorem 1). In an eigenbasis of eta H the sum
    over maps is, for each tuple of edge indices, a nested geometric sum; it is stable for flat directions (k = 1),
    equal k, k <= 0 and any number of updates.

    Only close to k = -1 do terms of both signs cancel. From |1 + k| < 1/128 on, up to 4 edges and 2,000 index tuples, the
    sums are done in as many digits as they take. Beyond that, and with an update rule whose propagator has a factor r close
    to -1, a share of 1e-16 / |1 + r|^d of a sum may be lost, d the edges. A Hessian that is not diagonal in the given
    weights has eigenvalues to 1e-16 of the largest, so that 1 + k itself is known to that.

    Parameters
    ----------
    diagram : an irreducible Diagram or its text
    landscape : supplies the cumulants, and H
    spacetime : any; several epochs, every sampling, partial epochs. N = inf stands for fresh data at every update. T = inf
        is the limit, for finite N that of ever more whole epochs. Of symbols where the value is exact
    eta : learning rate; a number, a 1-D array of numbers (one result each), or a positive definite (n, n) matrix
    continuous : the papers' Remark 1: integrals over times instead of sums, exp(-eta H dt) instead of K^(dt-1); one epoch
    device : 'cpu', 'cuda' for a CUDA GPU (order 4 at most), or 'auto': the GPU if there is one and the work is worth it
    update : the update rule, of `fastdiag.updates`; None for SGD. Edges carry the propagator of the rule with the linear
        force put in (momentum, in an eigen-direction: two exponentials, which may be complex or meet). Of
        regularized_newton the steps have the mean Hessian in them, and lambda-edges carry what differs from it

    Returns
    -------
    float, or an array of eta's shape; on a symbolic landscape with an exact eta (int, Fraction, SymPy expression, or a
    sequence of them) a SymPy number or formula, or an object array of them, over several epochs too

    Raises
    ------
    InputError : the diagram is reducible (its maps are part of others' already); T = inf without 0 < eta h < 2 (continuous:
        without 0 < eta h)
    UnsupportedError : continuous over several epochs; exact with a matrix eta; device='cuda' without a GPU or numba-cuda,
        or beyond order 4
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
    check_rule(update)
    continuous = flag("continuous", continuous)
    update = linear_rule(update, continuous)
    exactly = exact_learning_rates(eta) if isinstance(landscape, Symbolic) and not continuous else None
    check_spacetime(spacetime, symbols=exactly is not None)
    if isinstance(landscape, Symbolic) and exactly is not None:
        check_irreducible(diagram)
        check_device(device, "this one is exact")
        check_letters(landscape, update, spacetime.N, spacetime.B, spacetime.T, *exactly[0])
        values = (exact_rvalue(diagram, landscape, spacetime, rate, update=update) for rate in exactly[0])
        return np.fromiter(values, object).reshape(exactly[1])[()]
    why = None if update is None else f"this is of {update!r}"
    device = check_device(device, "this is of batches of two sizes" if spacetime.is_ragged else why)
    numbers, metric = learning_rates(eta, landscape.dimension)
    flat = np.atleast_1d(numbers)
    if span := span_of(landscape) if metric is None else None:
        landscape = span.landscape
    if metric is None:
        if len(groups := of_one_size(flat)) > 1:
            options: Any = {"continuous": continuous, "device": device, "update": update}
            found = [rvalue(diagram, landscape, spacetime, flat[group], **options) for group in groups]
            return np.concatenate(found)[np.argsort(np.concatenate(groups))]
        landscape, flat, _ = at_scale(landscape, flat)
    eigenbasis = eigenbasis_of(landscape) if metric is None else Eigenbasis(landscape, metric)
    with np.errstate(all="ignore"):  # an overflow is told once, below
        result = resummed(diagram, eigenbasis, [spacetime], flat, continuous, device, update=update).reshape(numbers.shape)
    if not np.isfinite(result).all():
        told(f"the value of {diagram}", result, growth(eigenbasis, flat, span))
    return float(result) if result.ndim == 0 else result


def resummed(
    diagram: Diagram, eigenbasis: Eigenbasis, times: Sequence[Spacetime], numbers: FloatArray, continuous: bool = False,
    device: str = "cpu", roots: Roots | None = None, update: LinearRule = None, points: int | None = None,
) -> FloatArray:
    """Resummed contribution for each learning rate in `numbers` after each of `times`, (len(numbers), len(times)).

    roots: the terms of an observable at the root, by default the loss's; (n,) * its open edges follow the other axes.
    points: of a training set that is given; None: rows are drawn.
    """
    roots = (loss_root(len(diagram.children[0])),) if roots is None else roots
    check_resummable(diagram, eigenbasis.landscape, times, continuous, roots, eigenbasis.propagator is not None)
    last, longest = last_of(times)
    if isinstance(update, Update):
        update = scheduled(update, last.T)
    if diagram.order and last.T == inf:
        check_contracts(eigenbasis, numbers, continuous, update)
    planned = [
        (ties, share, links, runs) for ties, weight in retied(diagram, points) for links in links_under(diagram, update)
        if (runs := _runs(ties, times, continuous, links)) and (share := float(weight))
    ]
    terms = tuple((root, float(root.weight(times[0]))) for root in roots)
    axes = axes_of(roots)
    if not planned:  # no tensor is asked for
        return np.zeros((len(numbers), len(times)) + (len(eigenbasis.rates),) * axes)
    if not continuous and last.is_ragged:
        update = sgd() if update is None else update
    structured = device != "cuda" and not continuous and update is None and is_structured(diagram, eigenbasis, roots)
    if not structured:
        eigenbasis.check_memory([(diagram, roots)], SLAB_BYTES)
    far = continuous and np.abs(np.multiply.outer(numbers, eigenbasis.rates)).max(initial=0.0) * longest >= LARGEST_EXPONENT
    far = far or structured or eigenbasis.propagator is not None
    cpu = update is not None or far or (device == "auto" and near_limit(diagram, eigenbasis.rates, numbers).any())
    totals: FloatArray | None = None if cpu else np.zeros(())
    for _, share, _, runs in planned:
        if totals is not None:
            there = gpu_totals(device, diagram, eigenbasis, runs, numbers, len(times), terms)
            totals = None if there is None else totals + share * there
    if totals is None:
        totals, found = np.zeros(()), dict[Terms, FloatArray]()
        for kept in sorted({root.open for root in roots}):  # terms that differ by the order of the axes only are alike
            ascending = tuple(sorted(kept))
            some = tuple((replace(root, open=ascending), weight) for root, weight in terms if root.open == kept)
            if some not in found:
                found[some] = np.zeros(())
                for ties, share, links, runs in planned:
                    one = _cpu_totals(diagram, ties, eigenbasis, runs, numbers, times, some, update, links, structured)
                    found[some] = found[some] + share * one
            totals = totals + found[some].transpose(0, 1, *(2 + ascending.index(edge) for edge in kept))
    scales = numbers**diagram.order * float(prefactor(diagram, times[0].B))
    return np.asarray(from_eigenbasis(totals, eigenbasis.directions, axes) * scales.reshape(-1, *(1,) * (totals.ndim - 1)))


def _cpu_totals(
    diagram: Diagram, ties: Diagram, eigenbasis: Eigenbasis, runs: Sequence[Run], numbers: FloatArray,
    times: Sequence[Spacetime], terms: Terms, update: LinearRule, links: Links, structured: bool,
) -> FloatArray:
    """The nodes are the diagram's; `ties` has their rows, which maps are of."""
    n, d = len(eigenbasis.rates), diagram.order
    kept = plan(diagram, terms[0][0]).open
    exchanged = twins(diagram, (*kept, *(node - 1 for node in links)))
    totals = np.zeros((len(numbers), len(times)) + (n,) * len(kept))
    if structured:
        if (whole := by_structure(diagram, ties, eigenbasis, runs, numbers, times, terms)) is not None:
            return whole
        eigenbasis.check_memory([(diagram, [root for root, _ in terms])], SLAB_BYTES)
    rates = eigenbasis.rates
    for values, start in dense_slabs(diagram, eigenbasis, terms):
        for index, some, first in pieces(values, start, kept, len(rates), d):
            for places, packed, updates in runs if some.any() else ():
                latest = times[places[-1]]
                if d == 0:
                    found = some
                elif update is None:
                    here = [times[i] for i in places]
                    found = _plain(ties, here, some, first, rates, numbers, exchanged, packed, updates)
                elif isinstance(update, RegularizedNewton):
                    found = np.zeros((len(numbers), len(places)))
                    for i, eta in enumerate(numbers):
                        small = newton_rates(update, eta * rates)
                        carried = weighed(some, first, diagram, links, float(update.lam), small)
                        if latest.is_ragged:
                            of_rule = ties, sgd(), latest, carried, first, small, np.ones(1), exchanged, updates
                            found[i] = mode_sums(*of_rule, links)[0]
                        else:
                            found[i] = summed_over_maps(carried, first, small, np.ones(1), exchanged, packed, updates)[0]
                else:
                    read = mode_sums if update.schedule is None else scheduled_sums
                    found = read(ties, update, latest, some, first, rates, numbers, exchanged, updates)
                where: Any = (slice(None), places, *index)
                totals[where] += found
    return totals


def _plain(
    diagram: Diagram, times: Sequence[Spacetime], values: FloatArray, start: int, rates: FloatArray, numbers: FloatArray,
    alike: IntArray, packed: PackedSum, updates: IntArray,
) -> FloatArray:
    """`summed_over_maps`, with more digits where some k is near -1; under rules 1e-16 / |1 + k|^edges of it is lost."""
    if packed.parts >= 0:
        return _integrals(values, start, rates, numbers, alike, packed)
    close = near_limit(diagram, rates, numbers)
    if not close.any():
        return summed_over_maps(values, start, rates, numbers, alike, packed, updates)
    found = np.zeros((len(numbers), len(times)))
    for i, eta in enumerate(numbers.tolist()):
        added, rest = near_sums(diagram, times, values, start, rates, eta, alike, close[i])
        found[i] = added
        if rest.any():
            found[i] += summed_over_maps(rest, start, rates, numbers[i : i + 1], alike, packed, updates)[0]
    return found


def _integrals(
    values: FloatArray, start: int, rates: FloatArray, numbers: FloatArray, alike: IntArray, packed: PackedSum
) -> FloatArray:
    """`summed_over_maps` of integrals over one epoch; eta h T beyond the kernel's range is taken apart, rate by rate."""
    found, none = [], np.zeros(0, np.int64)
    exponents = np.multiply.outer(numbers, rates) * packed.duration.epoch
    if packed.duration.forever or (np.abs(exponents) < LARGEST_EXPONENT).all():
        return summed_over_maps(values, start, rates, numbers, alike, packed, none)
    for eta, line in zip(numbers.tolist(), exponents, strict=True):
        if line.max() >= LARGEST_EXPONENT and line.min() <= GONE:
            raise TooLargeError(
                f"eta h T is from {line.min():.3g} to {line.max():.3g} in different directions, too far apart for "
                "integrals in floats; use a smaller eta, or leave out continuous=True"
            )
        if line.min() <= -LARGEST_EXPONENT:  # what grows so far is infinite
            tuples = index_tuples(values, start, len(rates), alike)
            weights = [weight[(line[index] < 0).any(axis=0)] for index, weight in tuples]
            signs = np.unique(np.sign(np.concatenate(weights)))
            found.append(np.array([[(inf * signs).sum()]]))
        else:  # all that a gradient did may be forgotten
            forever = np.abs(line).max() >= LARGEST_EXPONENT
            at = packed._replace(duration=packed.duration._replace(forever=True)) if forever else packed
            found.append(summed_over_maps(values, start, rates, np.array([eta]), alike, at, none))
    return np.concatenate(found)


def _runs(diagram: Diagram, times: Sequence[Spacetime], continuous: bool, links: Links) -> list[Run]:
    """What the kernel is run for: all times within one epoch together, the others one by one, none without maps."""
    epoch = inf if times[0].N == inf else times[0].updates_per_epoch  # as of all of them
    together = [] if continuous else [(st.T, i) for i, st in enumerate(times) if st.T <= epoch and st.T < inf]
    if len(together) == 1:
        together = []
    found: list[Run] = []
    if together:
        updates, places = np.array(sorted(together), np.int64).T.copy()
        found.append((places, packed_sum(diagram, times[places[0]], links=links), updates))
    apart = set(range(len(times))).difference(i for _, i in together) if len(together) < len(times) else ()
    for i in sorted(apart):
        found.append((np.array([i]), packed_sum(diagram, times[i], continuous, links), np.zeros(0, np.int64)))
    return [run for run in found if len(run[1].transfers.sizes)]


def summed_over_maps(
    values: FloatArray, start: int, rates: FloatArray, numbers: FloatArray, alike: IntArray, packed: PackedSum,
    updates: IntArray,
) -> FloatArray:
    """The contraction with the sums over maps, for each learning rate and time.

    The same bits whatever the number of threads, and for a learning rate alone or among others.
    """
    if len(alike) == 1:  # one row
        values, rates, start = values.T, rates[start : start + len(values)], 0
    sums = max(1, len(updates))
    each = 1 + int(np.count_nonzero(values)) * sums // len(values)
    rows = max(1, min(len(values), SHARD_TUPLES // each))
    some = max(1, SHARD_TUPLES // (rows * each))
    shards = [(i, low) for i in range(0, len(numbers), some) for low in range(0, len(values), rows)]

    def work(shard: tuple[int, int]) -> FloatArray:
        i, low = shard
        here, out = numbers[i : i + some], np.zeros((len(numbers[i : i + some]), sums, LANES))
        nested_sums(
            values[low : low + rows].reshape(-1, len(rates)), start + low, rates, here, alike, updates,
            as_tuples(packed), as_tuples(scratch(packed, len(alike))), out,
        )
        return np.asarray(out.sum(axis=2))

    if len(shards) == 1:
        return work(shards[0])
    totals = np.zeros((len(numbers), sums))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for (i, _), found in zip(shards, threads.map(work, shards), strict=True):
            totals[i : i + some] += found
    return totals
