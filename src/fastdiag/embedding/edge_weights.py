"""What the edges of a diagram carry: each a vector that a linear recursion moves on, update by update.

It is born with the child, steps at every update that the edge passes over, and is read by the parent. That is any update
rule, un-resummed and resummed; k^(dt-1) is the recursion of one number. No eigenvalue is computed, so equal ones are no
exception and nothing cancels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from itertools import chain
from math import inf, lcm, prod
from typing import Any

from ..spacetime.updates import Update, Vector
from ..typing import Number
from .crossing import STILL, Crossing, Now, Steps, entries, identity, joint_moves, matrix_power, matrix_product
from .poset import Poset, bits
from .powers import denominator, is_approximate, is_zero


@dataclass(frozen=True, slots=True)
class EdgeWeights:
    """The weights of all edges; the state of all vectors is a code, a digit for each live edge.

    All numbers are of one ring; for many choices of them at a time they are arrays.
    """

    steps: tuple[Steps, ...]
    """For each edge, what an update does to its vector; with kicks, at the learning rate 0."""
    ends: tuple[tuple[int, int], ...]
    """Of `Poset`."""
    born: Vector = (1,)
    point: Vector = (1,)
    """What reads a vector at its parent."""
    seen: Vector = (1,)
    """What reads it at the root."""
    kicks: tuple[Steps, ...] | None = None
    """What the learning rate times that adds to each step, where weights change with time; else None."""
    rates: Vector | None = None
    """c_0, c_1, ...: relative learning rates, which multiply what is born; None: all are 1."""
    readers: tuple[Vector, ...] | None = None
    """What reads each edge's vector at its end, where edges differ in that; None: `point` and `seen` do."""
    idle: tuple[Any, ...] | None = None
    """For each edge, what an update multiplies that does not pass over it; None: 1. Of `cleared`."""
    averages: bool = True
    """Whether each node carries B over the size of its batch, as where an update takes the mean over it."""

    @classmethod
    def powers(cls, poset: Poset, k: Sequence[Number], averages: bool = True) -> EdgeWeights:
        """k_e^(dt - 1)."""
        return cls(tuple([((x,),) for x in k]), poset.ends, averages=averages)

    @classmethod
    def of(
        cls, poset: Poset, update: Update, rates: Vector | None = None, forces: Sequence[Number | Steps] | None = None,
        powers: Sequence[int] | None = None,
    ) -> EdgeWeights:
        """An update rule's weights w(time of the child, time of the parent); `rates`: those of its schedule.

        forces: resummed, eta times the curvature along each edge. An update then takes a state z to
        step z - c_t force push (point . z). Or matrices of one size in place of the numbers: then an edge's weight is one
        too, of which the entry (power, 0) is read.
        """
        rule, edges = update, poset.ends
        if forces is None:
            return cls((rule.step,) * len(edges), edges, rule.push, rule.point, rule.seen, rates=rates)
        matrices = [x if isinstance(x, tuple) else ((x,),) for x in forces]
        one = identity(max(map(len, matrices), default=1))
        pulled = tuple(tuple(-b * a for a in rule.point) for b in rule.push)
        step, kicks = _kronecker(rule.step, one), tuple(_kronecker(pulled, matrix) for matrix in matrices)
        born, point, seen = (_kronecker((v,), one[:1])[0] for v in (rule.push, rule.point, rule.seen))
        found = cls(tuple(_sum(step, kick) for kick in kicks), edges, born, point, seen)
        if rates is not None:
            found = cls((step,) * len(edges), edges, born, point, seen, kicks, rates)
        if powers is None:
            return found
        ends = [rule.seen if high < 0 else rule.point for _, high in edges]
        readers = [_kronecker((end,), one[power : power + 1])[0] for end, power in zip(ends, powers, strict=True)]
        return replace(found, readers=tuple(readers))

    def on(self, poset: Poset) -> EdgeWeights:
        """The same weights on other edges, of which all carry the same."""
        return replace(self, steps=self.steps[:1] * len(poset.ends), ends=poset.ends)

    def cleared(self, T: int | float) -> tuple[EdgeWeights, Any]:
        """The same in ints or polynomials, and what sums over maps into T updates are to be divided by.

        T = inf, or other numbers: as they are.

        A step is multiplied by its denominator at every update, whether or not it passes over the edge.
        """
        if T == inf or (kinds := set(map(type, self._numbers()))) == {int}:
            return self, 1
        if self.rates is None and any(hasattr(kind, "field") for kind in kinds):
            return self._polynomials(int(T))
        if Fraction not in kinds or not kinds <= {int, Fraction}:
            return self, 1
        if self.is_power:
            below = [step[0][0].denominator for step in self.steps]
            steps = tuple([((step[0][0].numerator,),) for step in self.steps])
            return EdgeWeights(steps, self.ends, idle=tuple(below), averages=self.averages), prod(below) ** int(T)
        rates = denominator(self.rates or ())
        kicks = self.kicks or ((),) * len(self.steps)
        idle = tuple(lcm(_below(step), _below(kick) * rates) for step, kick in zip(self.steps, kicks, strict=True))
        born = denominator(self.born)
        live = [denominator(self.reader(edge)) for edge, (low, high) in enumerate(self.ends) if low != high]
        below = prod(idle) ** int(T) * prod(live) * (born * rates) ** len(live)
        return replace(
            self, steps=tuple(map(_cleared, self.steps, idle)), born=_cleared_vector(self.born), idle=idle,
            point=_cleared_vector(self.point), seen=_cleared_vector(self.seen),
            readers=None if self.readers is None else tuple(map(_cleared_vector, self.readers)),
            rates=None if self.rates is None else _cleared_vector(self.rates),
            kicks=None if self.kicks is None else tuple(
                _cleared(kick, q // rates) for kick, q in zip(kicks, idle, strict=True)
            ),
        ), below

    def _polynomials(self, T: int) -> tuple[EdgeWeights, Any]:
        """`cleared` where numbers are quotients of polynomials, of steps that stay the same."""
        field: Any = next(x.field for x in self._numbers() if hasattr(x, "field"))
        one = field.ring(1)
        idle = tuple([reduce(lambda q, x: q.lcm(field(x).denom), sum(step, ()), one) for step in self.steps])
        if any(field(x).denom != 1 for x in (*self.born, *self.point, *self.seen, *sum(self.readers or (), ()))):
            return self, 1

        def whole(vector: Vector, below: Any) -> Vector:
            products = [field(x) * below for x in vector]
            return tuple([x.numer.quo_ground(x.denom.LC) for x in products])

        steps = tuple([tuple([whole(line, q) for line in step]) for step, q in zip(self.steps, idle, strict=True)])
        born, point, seen = (whole(vector, 1) for vector in (self.born, self.point, self.seen))
        readers = None if self.readers is None else tuple([whole(line, 1) for line in self.readers])
        below = field(prod(idle, start=one) ** T)
        return replace(self, steps=steps, born=born, point=point, seen=seen, readers=readers, idle=idle), below

    @property
    def is_power(self) -> bool:
        """Whether edges carry k_e^(dt - 1)."""
        return self.born == self.point == self.seen == (1,) and self.kicks is self.rates is self.readers is None

    @property
    def is_exact(self) -> bool:
        """Whether all numbers are ints and Fractions, whose digits may be many."""
        return all(isinstance(x, int | Fraction) for x in self._numbers())

    @property
    def is_approximate(self) -> bool:
        """Whether there are floats among them."""
        return any(map(is_approximate, self._numbers()))

    def _numbers(self) -> Iterator[Number]:
        vectors = (self.born, self.point, self.seen, self.rates or (), *(self.readers or ()))
        return chain.from_iterable(chain.from_iterable((vectors, *self.steps, *(self.kicks or ()))))

    @property
    def codes(self) -> int:
        """Number of codes."""
        return int(len(self.born) ** len(self.ends))

    def born_at(self, now: Vector, placed: Sequence[int]) -> Number:
        """What multiplies all that is born together, so many groups in each of the swept epochs."""
        return prod(c**n for c, n in zip(now, placed, strict=True) if n)

    @property
    def commute(self) -> bool:
        """Whether steps at different learning rates do, of weights that change with time."""
        if self.kicks is None or len(self.born) == 1:
            return True
        pairs = zip(self.steps, self.kicks, strict=True)
        same = (matrix_product(step, kick) == matrix_product(kick, step) for step, kick in pairs)
        return not self.is_approximate and all(same)

    def reader(self, edge: int) -> Vector:
        """What reads an edge's vector at its end."""
        if self.readers is not None:
            return self.readers[edge]
        return self.seen if self.ends[edge][1] < 0 else self.point

    def step(self, edge: int, rate: Number) -> Steps:
        """What an update at a relative learning rate does to an edge's vector."""
        if self.kicks is None:
            return self.steps[edge]
        if len(self.born) == 1:
            return ((self.steps[edge][0][0] + rate * self.kicks[edge][0][0],),)
        return _sum(self.steps[edge], self.kicks[edge], rate)

    def waits(self, edge: int, updates: int) -> Any:
        """What so many updates multiply that do not pass over an edge."""
        return self.idle[edge] ** updates if self.idle is not None else 1

    def over(self, updates: int) -> EdgeWeights:
        """The weights of so many updates as of one."""
        return replace(
            self, steps=tuple(matrix_power(step, updates) for step in self.steps),
            idle=None if self.idle is None else tuple(q**updates for q in self.idle),
        )

    def crossing(self, epochs: int, known: dict[int, Crossing], now: Now = None) -> Crossing:
        """One update of each of some epochs; known: those of other matrices, many of which have the same."""
        found = known.get(epochs)
        if found is None:
            found = known[epochs] = Crossing(self, epochs)
        return found if self.kicks is None else Crossing(self, epochs, now, found)

    def codes_of(self, live: int) -> list[int]:
        """The codes of some live edges."""
        size, found = len(self.born), [0]
        for e in bits(live) if size > 1 else ():
            found = [code + size**e * j for j in range(size) for code in found]
        return found

    def read(self, row: dict[int, Number], state: int, live: int) -> Number:
        """What the root sees of a row's last state."""
        readings = STILL
        if len(self.born) == 1:
            return prod([self.reader(e)[0] for e in bits(live)], start=row.get(state, 0))
        for e in bits(live):
            readings = joint_moves(readings, entries((self.reader(e),)), len(self.born) ** e)
        base = state * self.codes
        return sum((row[base + c] * x for c, _, x in readings if base + c in row), 0)


def _below(matrix: Steps) -> int:
    return denominator([x for line in matrix for x in line])


def _cleared(matrix: Steps, below: int) -> Steps:
    return tuple([tuple([x.numerator * (below // x.denominator) for x in line]) for line in matrix])


def _cleared_vector(vector: Vector) -> Vector:
    return _cleared((vector,), denominator(vector))[0]


def _kronecker(left: Steps, right: Steps) -> Steps:
    return tuple([
        tuple([0 if is_zero(a) or is_zero(b) else a * b for a in line for b in other]) for line in left for other in right
    ])


def _sum(matrix: Steps, other: Steps, scale: Number = 1) -> Steps:
    lines = zip(matrix, other, strict=True)
    return tuple([tuple([a + scale * b for a, b in zip(line, more, strict=True)]) for line, more in lines])
