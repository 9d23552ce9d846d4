"""Sums over maps under a learning-rate schedule: k changes from update to update, so every update is walked.

An edge from update s to update t carries c_s times the product of 1 - eta c_u h over the updates u strictly between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from math import inf, perm, prod
from typing import TypeAlias

import numpy as np

from ..diagram import Diagram
from ..diagram.partition import set_partitions
from ..embedding.counting import family_of, grid, placements
from ..embedding.relations import Relations
from ..embedding.transfer import Masks, Transfer, Visit, epoch, visits
from ..errors import InputError, UnsupportedError
from ..spacetime import Spacetime
from ..spacetime.updates import Update
from ..typing import FloatArray, IntArray
from .mode_sums import TOGETHER, index_tuples
from .modes import recursion

Row: TypeAlias = dict[int, FloatArray]


def scheduled(update: Update, T: float) -> Update:
    """The rule with its schedule as T numbers, if it has one, or an error if it cannot be walked."""
    if update.schedule is None:
        return update
    if len(update.step) > 1:
        raise UnsupportedError(
            f"resummed values of {update.name} with a schedule are not computed, for its steps do not commute; "
            "use resummed=False"
        )
    if T == inf:
        raise InputError("T = inf has no limit with a schedule; give a finite T")
    return replace(update, schedule=update.factors(int(T)))


def scheduled_sums(
    diagram: Diagram, update: Update, spacetime: Spacetime, values: FloatArray, start: int, rates: FloatArray,
    numbers: FloatArray, alike: IntArray, updates: IntArray,
) -> FloatArray:
    """As `mode_sums`: the contraction with the sums over maps, for each learning rate and time."""
    totals = np.zeros((len(numbers), max(1, len(updates))))
    rule = recursion(update)
    at_root = sum(parent == 0 for parent in diagram.parents[1:])
    scale = float(rule.inner[0] ** (diagram.order - at_root) * rule.outer[0] ** at_root)
    factors = np.array([float(c) for c in update.factors(int(spacetime.T)) or ()])
    persisting, force = float(update.step[0][0]), float(-rule.trace[1])
    with np.errstate(all="ignore"):
        for index, weights in index_tuples(values, start, len(rates), alike):
            for i, eta in enumerate(numbers):
                for low in range(0, len(weights), TOGETHER):
                    some = slice(low, low + TOGETHER)
                    walk = _Walk(diagram, spacetime, persisting, force * eta * rates[index[:, some]], factors)
                    for place, maps in enumerate(walk.sums(updates.tolist())):
                        totals[i, place] += scale * float(np.sum(weights[some] * maps))
    return totals


class _Walk:
    """The sums over maps for some tuples of eta h, (edges, some)."""

    def __init__(
        self, diagram: Diagram, spacetime: Spacetime, persisting: float, forces: FloatArray, factors: FloatArray
    ) -> None:
        self.relations = Relations.of(diagram)
        self.above = tuple(p - 1 for p in diagram.parents[1:])
        self.spacetime, self.persisting, self.forces, self.factors = spacetime, persisting, forces, factors
        self.one = np.ones(forces.shape[1])

    def sums(self, times: Sequence[int]) -> Iterator[FloatArray]:
        """The sum over maps; with times, ascending, for each of them, of one epoch."""
        spacetime = self.spacetime
        if times:
            last = 0
            row: Row = {0: self.one}
            (visit,) = visits(self.relations, self.above, 0, True) or (None,)
            for t in times:
                if visit is not None:
                    row = self._swept(visit.early, row, range(last, t), self._nodes(visit), [0])
                    yield row.get(visit.early.states[-1], 0 * self.one)
                last = t
        elif spacetime.is_one_epoch or family_of(spacetime) == "one order":
            yield self._one_order()
        else:
            merged = (self.relations.coarsened(string) for string in set_partitions(self.relations.parts))
            yield sum(map(self._fresh_orders, merged), start=0 * self.one)

    def _product(self, masks: Masks, updates: Sequence[int]) -> FloatArray:
        """The product of the k of the edges of each mask, at the update that belongs to it."""
        total = self.one
        for mask, u in zip(masks, updates, strict=True):
            for e in range(mask.bit_length()):
                if mask >> e & 1:
                    total = total * (self.persisting - self.factors[u] * self.forces[e])
        return total

    def _swept(
        self, moves: Transfer, row: Row, positions: Sequence[int], nodes: Sequence[Sequence[int]], begins: Sequence[int],
        gains: Sequence[float] | None = None,
    ) -> Row:
        """The row after some positions; nodes[j]: for each bit of a state, how many nodes it places in the j-th epoch."""
        B = self.spacetime.B
        for position in positions:
            at = [begin + position for begin in begins]
            after: Row = {}
            known: dict[Masks, FloatArray] = {}

            def product(masks: Masks, at: list[int] = at, known: dict[Masks, FloatArray] = known) -> FloatArray:
                if masks not in known:
                    known[masks] = self._product(masks, at)
                return known[masks]

            for i, masks in enumerate(moves.crossing):
                if moves.states[i] in row:
                    after[moves.states[i]] = row[moves.states[i]] * product(masks)
            for source, target, parts, passing in moves.steps:
                before, now = moves.states[source], moves.states[target]
                if before not in row:
                    continue
                gain = placements((parts,), B, None, "cumulant") if gains is None else gains[parts]
                placed = now & ~before
                weight = gain * prod(
                    self.factors[u] ** sum(count for bit, count in enumerate(counts) if placed >> bit & 1)
                    for counts, u in zip(nodes, at, strict=True)
                )
                term = row[before] * product(passing) * weight
                after[now] = after[now] + term if now in after else term
            row = after
        return row

    def _nodes(self, visit: Visit) -> list[list[int]]:
        """For each epoch that a visit sweeps, how many nodes of each part it holds; last, the partial epoch."""
        ideals = [self._ideal(mask) for mask in visit.skipped]
        full = (1 << len(self.above)) - 1
        sets = [after & ~before for before, after in zip(ideals, [*ideals[1:], full], strict=True)]
        part, parts = self.relations.part, range(self.relations.parts)
        return [[sum(nodes >> v & 1 for v, p in enumerate(part) if p == q) for q in parts] for nodes in sets]

    def _ideal(self, boundary: int) -> int:
        """All nodes at or below the lower ends of some edges."""
        found = boundary
        for v in range(len(self.above)):  # parents come first
            if self.above[v] >= 0 and found >> self.above[v] & 1:
                found |= 1 << v
        return found

    def _one_order(self) -> FloatArray:
        _, _, whole, L, rest = grid(self.spacetime)
        total = 0 * self.one
        for visit in visits(self.relations, self.above, min(whole, len(self.above)), rest > 0):
            m, nodes = len(visit.skipped) - 1, self._nodes(visit)
            for chosen in combinations(range(whole), m):
                value = self.one
                for mask, low, high in zip(visit.skipped, (-1, *chosen), (*chosen, whole), strict=True):
                    for u in range((low + 1) * L, high * L) if mask else ():
                        value = value * self._product((mask,), (u,))
                begins = [e * L for e in chosen]
                row: Row = {0: value}
                if rest:
                    row = self._swept(visit.early, row, range(rest), nodes, [*begins, whole * L])
                    row = {state: x for state, x in row.items() if visit.required & ~state == 0}
                row = self._swept(visit.late, row, range(rest, L), nodes[:m], begins)
                total = total + row.get(visit.late.states[-1], 0.0)
        return total

    def _fresh_orders(self, relations: Relations) -> FloatArray:
        N, B, whole, L, rest = grid(self.spacetime)
        if relations.parts > N:
            return 0 * self.one
        moves = epoch(relations, self.above)
        gains = [float(perm(B, size)) for size in range(relations.parts + 1)]
        alone = [[1] * len(self.above)]
        row: Row = {0: self.one}
        for number in range(whole + (rest > 0)):
            after: Row = {}
            for ideal, steps, used in zip(moves.ideals, moves.transfers, moves.used, strict=True):
                if ideal not in row:
                    continue
                length = L if number < whole else rest
                inside = self._swept(steps, {ideal: row[ideal]}, range(length), alone, [number * L], gains)
                for state, rows in zip(steps.states, used, strict=True):
                    if state in inside:
                        term = inside[state] / perm(N, rows)
                        after[state] = after[state] + term if state in after else term
            row = after
        return row.get(moves.ideals[-1], 0 * self.one) * perm(N, relations.parts)
