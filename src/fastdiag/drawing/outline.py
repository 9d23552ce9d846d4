"""Bands around the parts: which way they run, so that no band covers a node outside its part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from ..typing import FloatArray, IntArray

RING = 16  # waypoints around an obstacle
CROWDING = 1.5  # how much longer a way looks where a band already runs
LONGER = 1.2  # how much longer than the shortest way a smooth arc may be
CELL = 3.0  # resolution at which bands notice each other
MOST_BENT = 30  # nodes; among more, bands and ways go straight: to go around takes the fourth power of their number


@dataclass(frozen=True)
class Band:
    """A band along curves that join the nodes of one part."""

    part: tuple[int, ...]
    curves: tuple[FloatArray, ...]
    """Each curve as the corners of a polyline, (corners, 2), to be rounded when drawn."""


def bands(
    points: FloatArray, parts: Sequence[tuple[int, ...]], clearance: float, width: float
) -> list[Band]:
    """Bands along a shortest tree within each part, bent around the nodes outside it.

    Parameters
    ----------
    points : the nodes, (nodes, 2)
    parts : the parts to wrap, each of two nodes or more
    clearance : how far a band's middle line stays from nodes outside its part; less where nodes lie closer
    width : of the bands, so that they can avoid running over each other

    Returns
    -------
    One Band for each part, with len(part) - 1 curves. Short parts are laid first, longer ones go around them. Among more
    than 30 nodes all go straight.

    Examples
    --------
    >>> import numpy as np
    >>> chain = np.array([[0.0, 0.0], [-30.0, 0.0], [-60.0, 0.0]])
    >>> straight, = bands(chain, [(0, 1)], 10.0, 12.0)
    >>> straight.curves[0].tolist()
    [[0.0, 0.0], [-30.0, 0.0]]
    >>> bent, = bands(chain, [(0, 2)], 10.0, 12.0)
    >>> len(bent.curves[0]) > 2
    True
    """
    if len(points) > MOST_BENT:
        return [Band(part, tuple(_straight(points[list(part)]))) for part in parts]
    crowd = _Crowd(points, clearance + width)
    found: dict[tuple[int, ...], Band] = {}
    for part in sorted(parts, key=lambda part: (_length(points[list(part)]), part)):
        curves = _tree(points, part, clearance, width, crowd)
        found[part] = Band(part, tuple(curves))
        for curve in curves:
            crowd.add(curve, width)
    return [found[part] for part in parts]


def way(points: FloatArray, start: int, end: int, clearance: float) -> FloatArray:
    """A way from one node to another, (corners, 2), that keeps clear of all other nodes.

    Examples
    --------
    >>> import numpy as np
    >>> row = np.array([[0.0, 0.0], [20.0, 0.0], [40.0, 0.0]])
    >>> bool(abs(way(row, 0, 2, 5.0)[:, 1]).max() >= 5.0)
    True
    """
    if len(points) > MOST_BENT:
        return points[[start, end]]
    return _tree(points, (start, end), clearance, 0.0, _Crowd(points, clearance))[0]


class _Crowd:
    """A coarse bitmap of the places where bands already run."""

    def __init__(self, points: FloatArray, margin: float) -> None:
        self.corner = points.min(axis=0) - 3 * margin
        shape = np.ceil((points.max(axis=0) + 3 * margin - self.corner) / CELL).astype(int) + 1
        self.taken = np.zeros(shape, np.bool_)

    def cost(self, start: FloatArray, end: FloatArray) -> FloatArray:
        """The lengths of straight lines, and more for the share of them that runs where a band does."""
        lengths: FloatArray = np.linalg.norm(end - start, axis=-1)
        if self.taken.any():
            samples = [self._at(start + (end - start) * t) for t in (0.1, 0.3, 0.5, 0.7, 0.9)]
            lengths *= 1 + CROWDING * np.mean(samples, axis=0)
        return lengths

    def _at(self, points: FloatArray) -> IntArray:
        index = ((points - self.corner) / CELL).astype(int)
        index = np.clip(index, 0, np.array(self.taken.shape) - 1)
        taken: IntArray = self.taken[index[..., 0], index[..., 1]]
        return taken

    def add(self, curve: FloatArray, width: float) -> None:
        centres = self.corner + CELL * (np.indices(self.taken.shape).transpose(1, 2, 0) + 0.5)
        for start, end in pairwise(curve):
            self.taken |= _distance(start, end, centres) < 0.9 * width


def _straight(points: FloatArray) -> list[FloatArray]:
    """Straight lines that join the points: Prim's algorithm over distances."""
    left = np.arange(1, len(points))  # not joined yet; the nearest of the joined to each, and how far
    nearest, gaps = np.zeros(len(points), np.int64), np.linalg.norm(points - points[0], axis=1)
    lines = []
    while len(left):
        new = int(left[gaps[left].argmin()])
        lines.append(points[[nearest[new], new]])
        left = left[left != new]
        away = np.linalg.norm(points - points[new], axis=1)
        nearest[away < gaps] = new
        gaps = np.minimum(gaps, away)
    return lines


def _tree(
    points: FloatArray, part: tuple[int, ...], clearance: float, width: float, crowd: _Crowd
) -> list[FloatArray]:
    """Ways that join the nodes of the part: Prim's algorithm over shortest ways."""
    inside = points[list(part)]
    outside = np.delete(points, list(part), axis=0)
    gaps = np.linalg.norm(outside[:, None] - inside[None], axis=2).min(axis=1)
    radii = np.minimum(clearance, 0.95 * gaps)  # a node closer than that is approached, not covered
    lanes = 3 if crowd.taken.any() else 1
    stops = np.concatenate([inside, _waypoints(outside, radii, [width * k for k in range(lanes)])])

    @cache  # the search asks for few rows of the table of costs
    def costs(stop: int) -> FloatArray:
        return _costs(stops[stop], stops, outside, radii, crowd)

    curves, joined = [], [0]
    while len(joined) < len(part):
        corners = _nearest(costs, stops, joined, [k for k in range(len(part)) if k not in joined])
        curves.append(_arc(stops[corners], outside, radii, crowd))
        joined.append(corners[-1])
    return curves


def _arc(corners: FloatArray, outside: FloatArray, radii: FloatArray, crowd: _Crowd) -> FloatArray:
    """In place of a bent way the flattest parabola that keeps clear too, unless that is much longer."""
    start, end = corners[0], corners[-1]
    across = np.array([start[1] - end[1], end[0] - start[0]])
    up = 1 if (across @ (corners.mean(axis=0) - (start + end) / 2)) >= 0 else -1
    if len(corners) == 2 or not across.any():
        return corners
    t = np.linspace(0, 1, 13)[:, None]
    for bulge in np.arange(0.1, 1.01, 0.05):
        arc: FloatArray = start + (end - start) * t + up * bulge * 2 * t * (1 - t) * across
        if crowd.cost(arc[:-1], arc[1:]).sum() > LONGER * crowd.cost(corners[:-1], corners[1:]).sum():
            continue
        if (_distance(arc[:-1, None], arc[1:, None], outside) >= radii).all():
            return arc
    return corners


def _waypoints(outside: FloatArray, radii: FloatArray, lanes: Sequence[float]) -> FloatArray:
    """Corners of polygons around the obstacles, close ones and ones that leave room for bands in between."""
    angles = np.linspace(0, 2 * np.pi, RING, endpoint=False) + np.pi / RING
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1) / np.cos(np.pi / RING) * 1.01
    rings = [outside[:, None] + (radii[:, None, None] + lane) * circle for lane in lanes]
    stops = np.concatenate(rings).reshape(-1, 2)
    gaps = np.linalg.norm(stops[:, None] - outside[None], axis=2)
    kept: FloatArray = stops[(gaps >= radii).all(axis=1)]
    return kept


def _costs(
    start: FloatArray, stops: FloatArray, outside: FloatArray, radii: FloatArray, crowd: _Crowd
) -> FloatArray:
    """Cost of the straight line from a point to each stop, (stops,); infinite through an obstacle."""
    middle = (start + stops) / 2
    costs = crowd.cost(start, stops)
    costs *= 1 + 1e-4 * middle[:, 1] + 1e-5 * middle[:, 0]  # of equal ways, the upper one
    costs[(_distance(start, stops[:, None], outside) < radii).any(axis=1)] = np.inf
    return costs


def _distance(start: FloatArray, end: FloatArray, point: FloatArray) -> FloatArray:
    """Distance from points to straight lines between two points; all shapes broadcast."""
    along, to = end - start, point - start
    ax, ay, x, y = along[..., 0], along[..., 1], to[..., 0], to[..., 1]  # twice as fast as sums over the axis
    t = np.clip((ax * x + ay * y) / np.maximum(ax * ax + ay * ay, 1e-12), 0, 1)
    distance: FloatArray = np.hypot(x - t * ax, y - t * ay)
    return distance


def _nearest(
    costs: Callable[[int], FloatArray], stops: FloatArray, sources: list[int], targets: list[int]
) -> list[int]:
    """The cheapest way from any source to any target (A*), as the stops it passes."""
    best = np.full(len(stops), np.inf)
    before = np.full(len(stops), -1)
    ahead = 0.98 * np.linalg.norm(stops[:, None] - stops[targets], axis=2).min(axis=1)  # no cost is less
    best[sources] = 0
    left = best + ahead
    while True:
        here = int(left.argmin())
        if not np.isfinite(left[here]):
            return [sources[0], targets[0]]  # walled in: a straight line
        if here in targets:
            break
        left[here] = np.inf
        through = best[here] + costs(here)
        better = through < best - 1e-9
        best[better], before[better] = through[better], here
        left[better] = best[better] + ahead[better]
    corners = [here]
    while before[corners[-1]] >= 0:
        corners.append(int(before[corners[-1]]))
    return corners[::-1]


def _length(points: FloatArray) -> float:
    return float(np.linalg.norm(np.ptp(points, axis=0)))
