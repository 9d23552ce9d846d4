"""What a pattern is worth: a product of binomials and falling factorials of N, B and the lengths of epochs.

Written once, for every arithmetic: a library has `choose`, `falling`, and `over`, one over a falling factorial of N, which
integers have times a common denominator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import comb, perm, prod
from typing import Any

from .patterns import Patterns, Shape, catalog


class Integers:
    """Python's ints; `over` is times shared = N (N-1) ... (N-k+1) for k nodes, which every `falling` divides."""

    choose, falling = staticmethod(comb), staticmethod(perm)

    @staticmethod
    def over(N: int, nodes: int) -> Callable[[int], int]:
        """k -> shared / falling(N, k), or 0 where there are not so many rows."""
        shared = perm(N, min(nodes, N))
        return lambda k: shared // perm(N, k) if k <= N else 0


class Formulas:
    """SymPy's expressions."""

    @staticmethod
    def choose(n: Any, k: int) -> Any:
        """The binomial, written out where it is short."""
        import sympy

        n = sympy.sympify(n)
        return sympy.expand_func(sympy.binomial(n, k)) if k < 2 or n.is_number else sympy.binomial(n, k)

    @staticmethod
    def falling(n: Any, k: int) -> Any:
        """n (n-1) ... (n-k+1)."""
        import sympy

        return sympy.ff(n, k)

    @staticmethod
    def over(N: Any, nodes: int) -> Callable[[int], Any]:
        """k -> 1 / falling(N, k), or 0 where there are not so many rows."""
        import sympy

        return lambda k: 1 / sympy.ff(N, k) if not sympy.sympify(N).is_number or k <= N else sympy.Integer(0)


@dataclass(frozen=True, slots=True)
class Grid:
    """N, B, whole epochs, updates to an epoch, updates in the last one: numbers of one library."""

    N: Any
    B: Any
    whole: Any
    epoch: Any
    rest: Any = 0


def slots(shape: Shape, B: Any, basis: str, lib: Any = Integers) -> Any:
    """Ways to place levels of parts at given updates, a level in one batch.

    The parts of a level lie in different slots of the batch in the moment basis, in any slots in the cumulant basis.
    """
    return B ** sum(shape) if basis == "cumulant" else prod(lib.falling(B, size) for size in shape)


def pattern_weights(table: Patterns, basis: str, grid: Grid, lib: Any = Integers) -> Iterator[tuple[Any, int]]:
    """For each pattern what it is worth, and how many there are; with fresh orders ints are times shared^(nodes + 1)."""
    known, n = catalog(table.nodes, table.family == "fresh orders"), table.nodes
    choose, rows = lib.choose, zip(table.index.tolist(), table.counts, strict=True)
    if table.family == "one order":
        ways = [slots(shape, grid.B, basis, lib) for shape in known.shapes]
        for (m, shape, j), number in rows:
            levels = choose(grid.rest, j) * choose(grid.epoch - grid.rest, int(known.levels[shape]) - j)
            yield ways[shape] * choose(grid.whole, m) * levels, number
        return

    over = lib.over(grid.N, n)
    placed = {shape: slots(shape, grid.B, "moment", lib) * over(sum(shape)) for shape in known.shapes}  # for given rows
    whole, last = (
        {shape: x * choose(updates, len(shape)) for shape, x in placed.items()} for updates in (grid.epoch, grid.rest)
    )
    epochs: dict[int, Any] = {}
    for (P, key, shape), number in rows:
        if key not in epochs:
            shapes = known.keys[key]
            empty = over(0) ** (n - len(shapes))
            epochs[key] = choose(grid.whole, len(shapes)) * empty * prod(whole[inside] for inside in shapes)
        yield lib.falling(grid.N, P) * epochs[key] * last[known.shapes[shape]], number
