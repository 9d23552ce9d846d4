"""Resummed values of linear models of many weights: no sums over all tuples of indices, and no array of n^3 numbers.

Along an edge, a sum over maps F is a function of one rate, and its values at some dozens of rates p_r determine it:
F[l, j, k] = sum_r a[l, r] F[p_r, j, k]. So F is known by these few, an edge has the matrix a, and what is left is a
contraction of points' tensors, matrices and F, as un-resummed values are: see `factored`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from ..diagram import Diagram
from ..embedding.edge_weights import EdgeWeights
from ..embedding.poset import Poset
from ..embedding.sum_over_maps import epoch_curve, sum_over_maps
from ..landscapes.landscape import Landscape
from ..landscapes.linear_model import LinearModel
from ..landscapes.logistic import Logistic
from ..progress import patiently
from ..spacetime import Spacetime
from ..typing import FloatArray, IntArray
from .device import Run
from .eigenbasis import Eigenbasis
from .factored import Choices, summed_choices
from .near_limit import near_limit
from .plan import Plan, plan
from .quadratic_extension import Element, Extension
from .root import Roots, Terms

MANY, FROM = 96, 3  # weights and edges from which on it is worth it
DENSE = 2  # indices of cumulants that are arrays
LATEST = 4096  # updates, of which each may be a node
NODES = 1  # times n^2 over the points: as many take what other ways do
SAMPLES, CASES = 480, 24  # columns of F that its rows are compared by; learning rates times numbers of updates
PLACES, OUTLYING = 60, 8  # of rates that sums are compared at
KNOWN = np.arange(SAMPLES) % 4 != 3  # the others are for a trial
LEAST, MOST_CASES = 16, 1024  # columns of an edge in any case; learning rates times numbers of updates, at most
MOST_VALUES, TOGETHER = 1 << 21, 1 << 14  # of F, and so many at a time
SAME, TRUE = 1e-14, 1e-12  # of a row of F: a rest that is nothing, and an error that is refused
PER_PAIR, PER_NODE, SEEN = 1e-9, 2e-10, 80  # seconds of n pairs of points, measured; of products at a node; such nodes

HESSIAN, THIRD, SKEW = ((0, 1),), ((0, 1, 2),), ((0,), (1,), (2,))


def is_structured(diagram: Diagram, eigenbasis: Eigenbasis, roots: Roots) -> bool:
    """Whether a diagram's values are had so, with plain updates."""
    if diagram.order < FROM or type(eigenbasis) is not Eigenbasis or eigenbasis.propagator is not None:
        return False
    owned = {(owner, len(node)) for root in roots for owner, node in zip(root.owners, root.nodes, strict=False) if owner}
    if any(degree > DENSE and not _has_factors(eigenbasis.others[owner - 1].landscape) for owner, degree in owned):
        return False
    return eigenbasis.landscape.dimension >= MANY and _has_factors(eigenbasis.landscape)


def _has_factors(landscape: Landscape) -> bool:
    return isinstance(landscape, LinearModel | Logistic) and not landscape.is_far


def foreseen(
    diagram: Diagram, eigenbasis: Eigenbasis, roots: Roots, rates: int, times: Sequence[Spacetime]
) -> tuple[int, float] | None:
    """How many index tuples maps will be summed over for, and the seconds of the rest; None if other ways are gone."""
    cases = rates * len(times)
    if not is_structured(diagram, eigenbasis, roots) or cases > MOST_CASES:
        return None
    landscape = eigenbasis.landscape
    assert isinstance(landscape, LinearModel | Logistic)
    n, points, latest = landscape.dimension, len(landscape.weights), max(st.T for st in times)
    seconds = PER_PAIR * n * points**2 * len(roots)
    if diagram.order == len(diagram.parts[-1]) == len(diagram.children[0]) == 3 and latest <= LATEST:
        seconds += rates * min(latest, SEEN, NODES * n * n / points) * PER_NODE * n * points * (n + points)
    return rates * diagram.order * n * _columns(diagram.order, cases), seconds


def _columns(d: int, cases: int) -> int:
    return max(SAMPLES // (d * min(cases, CASES)), LEAST)


def by_structure(
    diagram: Diagram, ties: Diagram, eigenbasis: Eigenbasis, runs: Sequence[Run], numbers: FloatArray,
    times: Sequence[Spacetime], terms: Terms,
) -> FloatArray | None:
    """The contraction of a diagram's nodes with sums over maps of `ties`, (learning rates, times) + (n,) * open edges.

    None if these are not of low rank, or lose digits near k = -1.
    """
    if near_limit(diagram, eigenbasis.rates, numbers).any():
        return None
    if (found := tied(ties, eigenbasis, runs, numbers, times, terms, diagram)) is not None:
        return found
    if (known := skeleton(ties, runs, numbers, times, eigenbasis.rates)) is None:
        return None
    places, shares = known
    size = (len(places),) * diagram.order
    if np.prod(size, dtype=float) * len(numbers) * len(times) > MOST_VALUES:
        return None
    core = _sums(ties, runs, numbers, times, eigenbasis.rates[places][np.indices(size).reshape(diagram.order, -1)])
    core = core.reshape(-1, *size)
    total = sum(weight * _joined(plan(diagram, root), eigenbasis, shares, core) for root, weight in terms)
    return np.asarray(total).reshape(len(numbers), len(times), *np.shape(total)[1:])


def _joined(chosen: Plan, eigenbasis: Eigenbasis, shares: FloatArray, core: FloatArray) -> FloatArray:
    """Cumulants, an edge's shares (n, r) and F (cases, r, ..., r), summed over all but the cases and open edges.

    Edge e has the label e for its index and d + e for which of the few; the cases have 2 d.
    """
    d, same, choices = chosen.order, dict[int, int](), list[Choices]()
    sources = chosen.sources(eigenbasis, eigenbasis.others)
    parts = list(zip(sources, chosen.parts, strict=True))
    for source, (nodes, edges) in parts:
        if nodes == HESSIAN and source is eigenbasis:  # it is diagonal: both edges have one index
            same[edges[1]] = edges[0]
    for source, (nodes, edges) in parts:
        named = tuple(same.get(edge, edge) for edge in edges)
        landscape = source.landscape
        if nodes == HESSIAN and source is eigenbasis:
            choices.append([(1, [(eigenbasis.rates, (0,))], named)])
        elif len(edges) <= DENSE or not isinstance(landscape, LinearModel | Logistic):
            choices.append([(1, [(source.part(nodes), tuple(range(len(edges))))], named)])
        else:
            terms = landscape.factored(nodes, source.directions)
            choices.append([(weight, factors, named) for weight, factors in terms])
    more = [(shares, (same.get(edge, edge), d + edge)) for edge in range(d)]
    more.append((core, (2 * d, *range(d, 2 * d))))
    return summed_choices(choices, more, 2 * d + 1, (2 * d, *chosen.open), range(d, 2 * d + 1))


def skeleton(
    ties: Diagram, runs: Sequence[Run], numbers: FloatArray, times: Sequence[Spacetime], rates: FloatArray
) -> tuple[IntArray, FloatArray] | None:
    """Indices p (r,) and shares a (n, r): on any edge, sums over maps are F[.., l, ..] = sum_r a[l, r] F[.., p_r, ..].

    For all learning rates and times. It is an interpolative decomposition: rows are chosen by what is left of them after
    those before, from some columns, and tried on others. None if that fails, or if too many are needed.
    """
    cases, n, d = len(numbers) * len(times), len(rates), ties.order
    if cases > MOST_CASES:
        return None
    count = _columns(d, cases)
    others = spread_rates(rates, d, count)
    tuples = np.empty((d, d, n, count))
    for edge in range(d):
        tuples[:, edge] = others[:, None, :]
        tuples[edge, edge] = rates[:, None]
    sums = _sums(ties, runs, numbers, times, tuples.reshape(d, -1)).reshape(cases, d, n, count)
    table = np.ascontiguousarray(sums.transpose(2, 1, 3, 0)).reshape(n, -1)
    tried = np.arange(table.shape[1]) // cases % 4 == 3  # of all edges, learning rates and times
    largest = np.abs(table).max(axis=0)
    table, tried = table[:, largest > 0], tried[largest > 0]
    if not table.size:  # there are no maps
        return np.zeros(1, np.int64), np.zeros((n, 1))
    with np.errstate(all="ignore"):
        table /= largest[largest > 0]
        lengths = np.linalg.norm(table, axis=1)
        table /= lengths[:, None]
    if not np.isfinite(table).all():
        return None
    known, rest = table[:, ~tried], table[:, ~tried].copy()
    places: list[int] = []
    while True:
        sizes = np.linalg.norm(rest, axis=1)
        sizes[places] = 0.0
        place = int(sizes.argmax())
        if sizes[place] <= SAME:
            break
        places.append(place)
        if 2 * len(places) > n:
            return None
        unit = rest[place] / sizes[place]
        for _ in range(2):
            rest -= np.outer(rest @ unit, unit)
    shares = np.linalg.lstsq(known[places].T, known.T, rcond=None)[0].T
    if np.abs(shares @ table[places] - table).max() > TRUE:
        return None
    return np.array(places), np.asarray(shares * lengths[:, None] / lengths[places])


def spread_rates(rates: FloatArray, d: int, count: int) -> FloatArray:
    """Tuples of d rates (d, count) that F is known by: F is a polynomial in each rate, so they need not be of the spectrum.

    What few directions have must not be left to chance: rates lie between the ends of the spectrum, on it, and where it has
    what lies farthest from all others; of the first of these there are all tuples.
    """
    far = [float(rates[np.abs(rates).argmax()])]
    distance = np.abs(rates - far[0])
    while len(far) < OUTLYING and distance.max() > 0:
        far.append(float(rates[distance.argmax()]))
        distance = np.minimum(distance, np.abs(rates - far[-1]))
    random = np.random.default_rng(0)
    pools = [dense_places(rates.min(), rates.max(), PLACES), rates, np.array(far)]
    chosen = random.integers(len(pools), size=(d, count))
    found = np.choose(chosen, [random.choice(pool, (d, count)) for pool in pools])
    corners = np.array(list(product(far[: int((count // 2) ** (1 / d) + TRUE)], repeat=d)))
    found[:, : len(corners)] = corners.T
    return found[:, random.permutation(count)]


def dense_places(low: float, high: float, count: int) -> FloatArray:
    """Places from low to high, Chebyshev's and ever closer to both ends."""
    ends = 0.5 ** np.arange(count // 6)
    inner = (1 - np.cos(np.pi * np.linspace(0, 1, count - 2 * len(ends)))) / 2
    return low + (high - low) * np.concatenate([inner, ends, 1 - ends])


def tied(
    ties: Diagram, eigenbasis: Eigenbasis, runs: Sequence[Run], numbers: FloatArray, times: Sequence[Spacetime],
    terms: Terms, diagram: Diagram,
) -> FloatArray | None:
    """What J E[xi xi xi] is contracted to with sums over maps of three edges from one time, (learning rates, times).

    These are functions of the product q of the edges' factors: sums of few q^t, found at places that cover all q and tried
    on tuples, and J is taken along each point's own xi k^t, three times. None if they are not, or other ways take less.
    """
    landscape, n = eigenbasis.landscape, len(eigenbasis.rates)
    parts = [sorted(nodes for nodes, _ in plan(diagram, root).parts) for root, _ in terms]
    if parts != [sorted([THIRD, SKEW])] or diagram.order != 3 or terms[0][0].owners or max(st.T for st in times) > LATEST:
        return None
    assert isinstance(landscape, LinearModel | Logistic)
    points = np.count_nonzero(landscape.weights)
    drawn = spread_rates(eigenbasis.rates, 3, SAMPLES)
    chosen: list[tuple[int, IntArray, FloatArray]] = []
    for i, eta in enumerate(numbers.tolist()):
        k = 1 - eta * eigenbasis.rates
        products = np.prod(np.meshgrid(*[[k.min(), k.max()]] * 3), axis=0)
        tuples = drawn.copy()
        tuples[:, KNOWN] = (1 - np.cbrt(dense_places(products.min(), products.max(), int(KNOWN.sum())))) / eta
        powers = (1 - eta * tuples).prod(axis=0)[:, None] ** np.arange(max(int(st.T) for st in times))
        found = _nodes(powers, _sums(ties, runs, numbers[i : i + 1], times, tuples)[0].T)
        if found is None:
            return None
        chosen.append((i, *found))
    if sum(len(nodes) for _, nodes, _ in chosen) * points > NODES * n * n:
        return None
    xi, totals = landscape.deviations(1, slice(None), eigenbasis.directions), np.zeros((len(numbers), len(times)))
    for i, nodes, shares in chosen:
        k = 1 - numbers[i] * eigenbasis.rates
        for t, share in patiently(zip(nodes.tolist(), shares, strict=True), len(nodes), f"updates of {diagram}"):
            totals[i] += share * (landscape.weights @ landscape.third_cubed((xi * k**t) @ eigenbasis.directions.T))
    return totals * terms[0][1]


def _nodes(powers: FloatArray, sums: FloatArray) -> tuple[IntArray, FloatArray] | None:
    """Some of the columns of powers (samples, T) whose combinations, by shares (some, cases), sums (samples, cases) are."""
    largest = np.abs(sums).max(axis=0, initial=0.0)
    if not np.isfinite(powers).all() or not largest.all() or not np.isfinite(largest).all():
        return None
    rest, places = powers.copy(), list[int]()
    while len(places) < powers.shape[1]:
        sizes = np.linalg.norm(rest, axis=0)
        sizes[places] = 0.0
        place = int(sizes.argmax())
        if sizes[place] <= SAME * np.linalg.norm(powers[:, place]):
            break
        places.append(place)
        unit = rest[:, place] / sizes[place]
        for _ in range(2):
            rest -= np.outer(unit, unit @ rest)
    shares = np.linalg.lstsq(powers[KNOWN][:, places], sums[KNOWN] / largest, rcond=None)[0]
    if np.abs(powers[:, places] @ shares - sums / largest).max() > TRUE:
        return None
    return np.array(places), np.asarray(shares * largest)


def _sums(
    ties: Diagram, runs: Sequence[Run], numbers: FloatArray, times: Sequence[Spacetime], tuples: FloatArray
) -> FloatArray:
    """Sums over maps for tuples of rates (edges, some): (learning rates, times, some)."""
    poset, ring = Poset.of(ties), Extension(0, [])
    found = np.zeros((len(numbers), len(times), tuples.shape[1]))
    shards = list(product(enumerate(numbers.tolist()), range(0, tuples.shape[1], TOGETHER)))
    for (i, eta), start in patiently(shards, len(shards), f"sums over maps of {ties}"):
        some = slice(start, start + TOGETHER)
        factors = [ring.factor({0: 1 - eta * axis}, {0: eta * axis}) for axis in tuples[:, some]]
        edges = EdgeWeights.powers(poset, factors)
        for places, _, updates in runs:
            spacetime = times[places[-1]]
            if len(updates):
                sums = epoch_curve(poset, edges, spacetime, "cumulant", updates.tolist())
            else:
                sums = iter([sum_over_maps(poset, edges, spacetime, "cumulant")])
            for place, maps in zip(places, sums, strict=True):
                found[i, place, some] = maps.parts[0] if isinstance(maps, Element) else float(maps)
    return found
