"""Products of tensors over three edges, of linear models: slab by slab, and no array of n^3 numbers.

Of the mean third derivative J = E[s x x x] a matrix along one vector costs as much as a Hessian. Three ways lead there:
the Hessian at the root is diagonal, so its two edges have one index; where an edge ends in a vector g, the sum over maps F
is one of few rows, F[l, j, k] = sum_r a[l, r] F[p_r, j, k], and J is wanted along g a_r alone; and a product of two tensors
that are symmetric takes a sixth of all indices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..diagram import Diagram
from ..embedding.edge_weights import EdgeWeights
from ..embedding.poset import Poset
from ..embedding.sum_over_maps import epoch_curve, sum_over_maps
from ..landscapes.landscape import Nodes
from ..landscapes.linear_model import LinearModel
from ..landscapes.logistic import Logistic
from ..spacetime import Spacetime
from ..typing import FloatArray, IntArray
from .device import Run
from .eigenbasis import Eigenbasis
from .plan import Plan, plan
from .products import Slab
from .quadratic_extension import Element, Extension
from .root import Roots, Terms

MANY = 96  # weights from which on it is worth it
SLAB_BYTES = 1 << 26
LATEST = 4096  # updates, of which each may be a node
NODES = 1  # times n^2 over the points: as many take what slabs do
SAMPLES, CASES = 480, 24  # columns of F that its rows are compared by; learning rates times numbers of updates, at most
SAME, TRUE = 1e-14, 1e-12  # of a row of F: a rest that is nothing, and an error that is refused

HESSIAN, THIRD, SKEW, MET = ((0, 1),), ((0, 1, 2),), ((0,), (1,), (2,)), ((0,), (0, 1))


def is_structured(diagram: Diagram, eigenbasis: Eigenbasis, roots: Roots) -> bool:
    """Whether a diagram's products are had without arrays of n^3 numbers."""
    landscape = eigenbasis.landscape
    if diagram.order != 3 or type(eigenbasis) is not Eigenbasis or eigenbasis.propagator is not None:
        return False
    if not isinstance(landscape, LinearModel | Logistic) or landscape.dimension < MANY or landscape.is_far:
        return False
    return all(not root.open and not any(root.owners) and _way(plan(diagram, root)) for root in roots)


def _way(chosen: Plan) -> str:
    """How the products of a plan are had, '' for not."""
    nodes = [some for some, _ in chosen.parts]
    large = [some for some, edges in chosen.parts if len(edges) == 3]
    if sorted(large) == sorted([THIRD, SKEW]) and len(nodes) == 2:
        return "symmetric"
    if not large:
        return ""
    if len(large) == 1 and HESSIAN in nodes and chosen.parts[nodes.index(HESSIAN)][1][0] == 0:
        return "diagonal"
    return "along" if large == [THIRD] and _ending(chosen) is not None else ""


def _ending(chosen: Plan) -> int | None:
    """The first edge that ends in a vector."""
    found = [edges[0] for nodes, edges in chosen.parts if len(edges) == 1]
    return min(found, default=None)


def slabs(
    diagram: Diagram, ties: Diagram, eigenbasis: Eigenbasis, runs: Sequence[Run], numbers: FloatArray,
    times: Sequence[Spacetime], terms: Terms, alike: IntArray, plain: bool,
) -> list[Iterator[Slab]] | None:
    """The products of a diagram that `is_structured`, or None if its sums over maps are not of low rank.

    plain : whether updates are SGD's, in batches of one size
    """
    found: list[Iterator[Slab]] = []
    apart = np.zeros_like(alike)
    several = apart if len(terms) > 1 else alike  # terms alone need not be symmetric under exchange of twins
    for root, weight in terms:
        chosen = plan(diagram, root)
        way = _way(chosen)
        if way == "along":
            edge = _ending(chosen)
            assert edge is not None
            rank = skeleton(ties, edge, runs, numbers, times, eigenbasis.rates) if plain else None
            if rank is None:
                return None
            found.append(_along(chosen, eigenbasis, edge, *rank, weight, several))
        elif way == "diagonal":
            found.append(_diagonal(chosen, eigenbasis, weight, apart))
        else:
            found.append(_symmetric(eigenbasis, weight, alike))
    return found


def tied(
    ties: Diagram, eigenbasis: Eigenbasis, runs: Sequence[Run], numbers: FloatArray, times: Sequence[Spacetime],
    terms: Terms, diagram: Diagram,
) -> FloatArray | None:
    """What J E[xi xi xi] is contracted to with sums over maps of three edges from one time, (learning rates, times).

    These are functions of the product q of the edges' factors: sums of few q^t, and J is taken along each point's own
    xi k^t, three times. None if they are not, or where slabs take less.
    """
    landscape, n = eigenbasis.landscape, len(eigenbasis.rates)
    assert isinstance(landscape, LinearModel | Logistic)
    if [_way(plan(diagram, root)) for root, _ in terms] != ["symmetric"] or max(st.T for st in times) > LATEST:
        return None
    points = np.count_nonzero(landscape.weights)
    index = np.random.default_rng(0).integers(0, n, (3, SAMPLES))
    index[:, : n.bit_length()] = np.linspace(0, n - 1, n.bit_length()).astype(np.int64)
    sums = _sums(ties, runs, numbers, times, eigenbasis.rates, index)
    chosen: list[tuple[int, IntArray, FloatArray]] = []
    for i, eta in enumerate(numbers.tolist()):
        products = (1 - eta * eigenbasis.rates)[index].prod(axis=0)
        powers = products[:, None] ** np.arange(max(int(st.T) for st in times))
        found = _nodes(powers, sums[i].T)
        if found is None:
            return None
        chosen.append((i, *found))
    if sum(len(nodes) for _, nodes, _ in chosen) * points > NODES * n * n:
        return None
    xi, totals = landscape.deviations(1, slice(None), eigenbasis.directions), np.zeros((len(numbers), len(times)))
    for i, nodes, shares in chosen:
        k = 1 - numbers[i] * eigenbasis.rates
        for t, share in zip(nodes.tolist(), shares, strict=True):
            totals[i] += share * (landscape.weights @ landscape.third_cubed((xi * k**t) @ eigenbasis.directions.T))
    return totals * terms[0][1]


def _nodes(powers: FloatArray, sums: FloatArray) -> tuple[IntArray, FloatArray] | None:
    """Some of the columns of powers (samples, T) whose combinations, by shares (some, cases), sums (samples, cases) are."""
    largest = np.abs(sums).max(axis=0, initial=0.0)
    if not np.isfinite(powers).all() or not largest.all() or not np.isfinite(largest).all():
        return None
    known, rest, places = np.arange(len(powers)) % 4 != 3, powers.copy(), list[int]()
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
    shares = np.linalg.lstsq(powers[known][:, places], sums[known] / largest, rcond=None)[0]
    if np.abs(powers[:, places] @ shares - sums / largest).max() > TRUE:
        return None
    return np.array(places), np.asarray(shares * largest)


def _symmetric(eigenbasis: Eigenbasis, weight: float, alike: IntArray) -> Iterator[Slab]:
    """J times E[xi xi xi]: from each index on those that are no less."""
    n, landscape, frame = len(eigenbasis.rates), eigenbasis.landscape, eigenbasis.directions
    assert isinstance(landscape, LinearModel | Logistic)
    xi = landscape.deviations(1, slice(None), frame)
    start = 0
    while start < n:
        left = n - start
        rows = slice(start, start + max(1, SLAB_BYTES // (8 * left * max(left, len(xi)))))
        kept = xi[:, start:]
        skew = _cubes(landscape.weights, xi[:, rows], kept)
        skew *= landscape.third_along(np.eye(n)[rows], frame, start)
        yield Slab(weight * skew.reshape(len(skew), -1), 0, eigenbasis.rates[start:], alike)
        start = rows.stop


def _cubes(weights: FloatArray, few: FloatArray, many: FloatArray) -> FloatArray:
    """E[a_i b_j b_k] of a (S, r) and b (S, m), (r, m, m)."""
    wide = (weights[:, None] * few)[:, :, None] * many[:, None, :]
    return np.asarray((wide.reshape(len(many), -1).T @ many).reshape(few.shape[1], -1, many.shape[1]))


def _diagonal(chosen: Plan, eigenbasis: Eigenbasis, weight: float, alike: IntArray) -> Iterator[Slab]:
    """With the Hessian at the root, edge 0 and another one have the same index."""
    n, landscape = len(eigenbasis.rates), eigenbasis.landscape
    assert isinstance(landscape, LinearModel | Logistic)
    _, (first, other) = next(part for part in chosen.parts if part[0] == HESSIAN)
    matrix = weight * eigenbasis.rates[:, None] * np.ones((n, n))
    for nodes, edges in chosen.parts:
        if nodes == HESSIAN and edges == (first, other):
            continue
        merged = [first if edge == other else edge for edge in edges]
        axes = sorted(set(merged))
        some: Nodes = tuple(tuple(axes.index(merged[a]) for a in node) for node in nodes)
        part = landscape.met_curvature(eigenbasis.directions) if some == MET else eigenbasis.part(some)
        matrix = matrix * (part if len(axes) == 2 else part[:, None] if axes == [first] else part)
    for rows in _rows(n):
        values = np.zeros((rows.stop - rows.start, n, n))
        here = np.arange(rows.start, rows.stop)
        if other == 1:
            values[here - rows.start, here] = matrix[rows]
        else:
            values[here - rows.start, :, here] = matrix[rows]
        yield Slab(values.reshape(len(values), -1), rows.start, eigenbasis.rates, alike)


def _along(
    chosen: Plan, eigenbasis: Eigenbasis, edge: int, places: IntArray, shares: FloatArray, weight: float, alike: IntArray
) -> Iterator[Slab]:
    """J along g a_r, g the vector that an edge ends in."""
    rates, landscape = eigenbasis.rates, eigenbasis.landscape
    assert isinstance(landscape, LinearModel | Logistic)
    n, others = len(rates), [e for e in range(3) if e != edge]
    ends = next(nodes for nodes, edges in chosen.parts if edges == (edge,))
    along = landscape.third_along(weight * (shares * eigenbasis.part(ends)[:, None]).T, eigenbasis.directions)
    for nodes, edges in chosen.parts:
        if nodes != THIRD and edges != (edge,):
            shape = [n if e in edges else 1 for e in others]
            along *= eigenbasis.part(nodes).reshape(shape)
    free = alike.copy()
    free[edge : edge + 2] = 0
    if edge == 0:
        rest = np.setdiff1d(np.arange(n), places)
        order = np.concatenate([places, rest])  # the kernel's rows are the first indices
        turned = along[:, order][:, :, order]
        yield Slab(turned.reshape(len(places), -1), 0, rates[order], free)
        return
    for rows in _rows(n):
        values = np.zeros((rows.stop - rows.start, n, n))
        if edge == 1:
            values[:, places] = along[:, rows].transpose(1, 0, 2)
        else:
            values[:, :, places] = along[:, rows].transpose(1, 2, 0)
        yield Slab(values.reshape(len(values), -1), rows.start, rates, free)


def _rows(n: int) -> Iterator[slice]:
    step = max(1, SLAB_BYTES // (8 * n * n))
    return (slice(start, min(n, start + step)) for start in range(0, n, step))


def skeleton(
    ties: Diagram, edge: int, runs: Sequence[Run], numbers: FloatArray, times: Sequence[Spacetime], rates: FloatArray
) -> tuple[IntArray, FloatArray] | None:
    """Indices p (r,) of an edge and shares a (n, r), so that sums over maps are F[l, ...] = sum_r a[l, r] F[p_r, ...].

    For all learning rates and times. It is an interpolative decomposition: rows are chosen by what is left of them after
    those before, from some columns, and tried on others. None if that fails, or if too many are needed.
    """
    cases = len(numbers) * len(times)
    if cases > CASES:
        return None
    n, count = len(rates), max(SAMPLES // cases, 40)
    pairs = np.random.default_rng(0).integers(0, n, (2, count))
    pairs[:, : n.bit_length()] = np.linspace(0, n - 1, n.bit_length()).astype(np.int64)  # the ends of the spectrum too
    index = np.empty((3, n, count), np.int64)
    index[edge] = np.arange(n)[:, None]
    index[[e for e in range(3) if e != edge]] = pairs[:, None, :]
    sums = _sums(ties, runs, numbers, times, rates, index.reshape(3, -1)).reshape(cases, n, count)
    table = sums.transpose(1, 2, 0).reshape(n, -1)
    with np.errstate(all="ignore"):
        table = table / np.abs(table).max(axis=0)
        lengths = np.linalg.norm(table, axis=1)
        table = table / lengths[:, None]
    if not np.isfinite(table).all():
        return None
    tried = np.arange(table.shape[1]) // cases % 4 == 3  # of all learning rates and times
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


def _sums(
    ties: Diagram, runs: Sequence[Run], numbers: FloatArray, times: Sequence[Spacetime], rates: FloatArray, index: IntArray
) -> FloatArray:
    """Sums over maps for tuples of indices (edges, some): (learning rates, times, some)."""
    poset, ring = Poset.of(ties), Extension(0, [])
    found = np.zeros((len(numbers), len(times), index.shape[1]))
    for i, eta in enumerate(numbers.tolist()):
        factors = [ring.factor({0: 1 - eta * rates[axis]}, {0: eta * rates[axis]}) for axis in index]
        edges = EdgeWeights.powers(poset, factors)
        for places, _, updates in runs:
            spacetime = times[places[-1]]
            if len(updates):
                some = epoch_curve(poset, edges, spacetime, "cumulant", updates.tolist())
            else:
                some = iter([sum_over_maps(poset, edges, spacetime, "cumulant")])
            for place, maps in zip(places, some, strict=True):
                found[i, place] = maps.parts[0] if isinstance(maps, Element) else float(maps)
    return found
