"""What one update does to the vectors that edges carry, and to all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache, reduce
from operator import mul
from typing import TYPE_CHECKING, TypeAlias

from ..spacetime.updates import Vector
from ..typing import Number
from .powers import is_zero

if TYPE_CHECKING:
    from .edge_weights import EdgeWeights

Steps: TypeAlias = tuple[Vector, ...]
"""A matrix, row by row."""
Moves: TypeAlias = list[tuple[int, int, Number]]
"""From, to, coefficient."""
Now: TypeAlias = tuple[Number, ...] | None
"""The relative learning rate in each of the epochs that are swept; None: it is 1 throughout."""
UNIT: Steps = ((1,),)
STILL: Moves = [(0, 0, 1)]
"""Of an edge that is not there, or whose one number stays."""


class Crossing:
    """What one update of each of some epochs does to all edges together, by their fates; each is found once."""

    def __init__(self, edges: EdgeWeights, epochs: int, now: Now = None, other: Crossing | None = None) -> None:
        """other: at another time, when edges that pass over nothing do the same."""
        self.edges, self.epochs, self.now = edges, epochs, now
        self.is_power = now is None and edges.is_power
        self.known: dict[tuple[int, ...], Moves] = {}
        self.idle: list[dict[int, Moves]] = [{} for _ in edges.ends] if other is None else other.idle
        self.passing: list[dict[int, Moves]] = [{} for _ in edges.ends]
        self.apart: dict[tuple[int, ...], tuple[Moves, list[tuple[int, int]]]] = {} if other is None else other.apart
        """What becomes of edges of one number that pass over nothing, and the others with their fates."""

    def __call__(self, fates: tuple[int, ...]) -> Moves:
        """(code, next code, coefficient)."""
        found = self.known.get(fates)
        if found is None:
            if self.is_power:
                found = self._product(fates)
            elif self.now is None or len(self.edges.born) > 1:
                found = self._together(list(enumerate(fates)))
            else:
                if fates not in self.apart:
                    every = list(enumerate(fates))
                    self.apart[fates] = self._together([x for x in every if not x[1] >> 2]), [x for x in every if x[1] >> 2]
                found, passing = self.apart[fates]
                found = self._together(passing, found) if passing else found
            self.known[fates] = found
        return found

    def _together(self, fates: Sequence[tuple[int, int]], found: Moves = STILL) -> Moves:
        """Of some edges, and of others."""
        size = len(self.edges.born)
        for edge, fate in fates:
            alone = self.passing[edge] if fate >> 2 else self.idle[edge]
            moves = alone.get(fate)
            if moves is None:
                moves = alone[fate] = self._moved(edge, fate)
            if moves is STILL or not found:
                continue
            if size > 1 or found is STILL or not moves:
                found = joint_moves(found, moves, size**edge)
            else:
                found = [(0, 0, found[0][2] * moves[0][2])]
        return found

    def _product(self, fates: tuple[int, ...]) -> Moves:
        """Of edges that carry powers of one number."""
        steps, idle = self.edges.steps, self.edges.idle
        factors = [steps[e][0][0] if passed == 1 else matrix_power(steps[e], passed)[0][0] for e, passed in _passing(fates)]
        if idle is not None:
            waits = [self.epochs - (fate >> 2).bit_count() for fate in fates]
            factors += [q if n == 1 else q**n for q, n in zip(idle, waits, strict=True) if n]
        return _of_number(factors[0] if len(factors) == 1 else reduce(mul, factors)) if factors else STILL

    def _moved(self, edge: int, fate: int) -> Moves:
        """(digit, next digit, coefficient) of one edge: see `order_ideals.Move`."""
        edges, passed = self.edges, fate >> 2
        if len(edges.born) == 1:
            return self._moved_number(edge, fate)
        if fate & 3 == 3:
            lines = self._through(edge, passed) if passed else identity(len(edges.born))
        else:
            lines = (edges.reader(edge),) if fate & 1 else tuple([(x,) for x in edges.born]) if fate & 2 else UNIT
        if edges.idle is not None and (waits := edges.idle[edge] ** (self.epochs - passed.bit_count())) != 1:
            lines = tuple([tuple([x * waits for x in line]) for line in lines])
        return entries(lines)

    def _moved_number(self, edge: int, fate: int) -> Moves:
        """The same where edges carry one number."""
        edges, passed = self.edges, fate >> 2
        x: Number = 1
        if fate & 3 == 3:
            x = self._through(edge, passed)[0][0] if passed else 1
        elif fate & 3:
            x = edges.reader(edge)[0] if fate & 1 else edges.born[0]
        if edges.idle is not None and (waits := self.epochs - passed.bit_count()):
            x = x * edges.idle[edge] ** waits
        return _of_number(x)

    def _through(self, edge: int, passed: int) -> Steps:
        """What the updates that pass over an edge do to its vector."""
        if self.now is None:
            return matrix_power(self.edges.steps[edge], passed.bit_count())
        if len(self.now) == 1:
            return self.edges.step(edge, self.now[0])
        total: Steps | None = None
        for i, rate in enumerate(self.now):
            if passed >> i & 1:
                step = self.edges.step(edge, rate)
                total = step if total is None else matrix_product(step, total)
        return total or UNIT


@lru_cache(maxsize=1 << 12)
def _passing(fates: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """The edges that pass over the update, in how many epochs."""
    return tuple((edge, (fate >> 2).bit_count()) for edge, fate in enumerate(fates) if fate >> 2)


def joint_moves(moves: Moves, others: Moves, base: int) -> Moves:
    """Of some edges, and of the next one, whose digits are worth `base`."""
    if others is STILL:
        return moves
    if moves is STILL:
        return others if base == 1 else [(base * j, base * i, x) for j, i, x in others]
    return [(c + base * j, n + base * i, x * y) for c, n, x in moves for j, i, y in others]


@cache
def identity(size: int) -> Steps:
    """The matrix of one update that changes nothing."""
    return tuple(tuple(int(i == j) for j in range(size)) for i in range(size))


def matrix_product(left: Steps, right: Steps) -> Steps:
    """The matrix product."""
    columns = list(zip(*right, strict=True))
    return tuple([tuple([sum([a * b for a, b in zip(line, column, strict=True)]) for column in columns]) for line in left])


def times_vector(matrix: Steps, vector: Vector) -> Vector:
    """matrix @ vector."""
    return tuple(sum((a * x for a, x in zip(line, vector, strict=True)), 0) for line in matrix)


def matrix_power(matrix: Steps, exponent: int) -> Steps:
    """Its power, by repeated squaring."""
    if exponent == 1:
        return matrix
    if len(matrix) == 1 and not hasattr(matrix[0][0], "complement"):
        return ((matrix[0][0] ** exponent,),)
    total: Steps | None = None
    while exponent:
        if exponent & 1:
            total = matrix if total is None else matrix_product(matrix, total)
        exponent >>= 1
        matrix = matrix_product(matrix, matrix) if exponent else matrix
    return identity(len(matrix)) if total is None else total


def entries(matrix: Steps) -> Moves:
    """(column, row, entry) of those that are not zero."""
    if len(matrix) == len(matrix[0]) == 1:
        return _of_number(matrix[0][0])
    return [(j, i, x) for i, line in enumerate(matrix) for j, x in enumerate(line) if not is_zero(x)]


def _of_number(x: Number) -> Moves:
    if type(x) is int:
        return STILL if x == 1 else [(0, 0, x)] if x else []
    return [] if is_zero(x) else [(0, 0, x)]
