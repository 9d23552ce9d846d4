"""The tensors of nodes, and the matrices of edges, along the noiseless path: what a sum over maps takes at each update."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import lcm, prod
from typing import Any, TypeAlias

import numpy as np

from ..landscapes.landscape import Landscape
from ..landscapes.local import Local, Numbers
from .motion import Motion

Entries: TypeAlias = list[tuple[tuple[int, ...], int, Any]]
"""Components of a node's children, its own, and the coefficient."""


class NodeTensors:
    """The path at one learning rate, and all tensors along it.

    Edges carry deviations of the state. Exact ones before update t are ints over `units[t]`, the path's own denominator
    there, in which all that acts on them is whole.
    """

    def __init__(
        self, landscape: Landscape, motion: Motion, updates: int, noise: int, others: Sequence[Landscape] = ()
    ) -> None:
        """noise: the highest noise order of skeletons; others: what roots may be of besides, see `Root`."""
        self.landscape, self.motion, self.noise, self.units = landscape, motion, noise, [1]
        self.others = others
        self.states, self.locals = [motion.zeros(prod(motion.shape))], list[Local]()
        self._nodes: dict[tuple[int, int], tuple[Numbers, Numbers]] = {}
        self._matrices: dict[int, Entries] = {}
        self._seen, self._others = dict[int, Local](), dict[tuple[int, int], Local]()
        self._walk(updates)

    def _walk(self, updates: int) -> None:
        motion = self.motion
        for t in range(updates):
            self.locals.append(self._local(motion.at_point(self.states[-1])))
            self.states.append(motion.moved(t, self.states[-1], self.locals[-1].gradient))
            if motion.is_exact:
                self._clear(t)

    @cached_property
    def components(self) -> int:
        """Of the state that an edge carries."""
        return prod(self.motion.shape)

    def seen(self, T: int) -> Local:
        """The landscape where it is observed after T updates."""
        if T not in self._seen:
            self._seen[T] = self._local(self.motion.observed(self.states[T]))
        return self._seen[T]

    def other(self, owner: int, T: int) -> Local:
        """What roots are of there: 0, the landscape; i, the i-th of the others."""
        if owner == 0 or self.others[owner - 1] is self.landscape:
            return self.seen(T)
        if (owner, T) not in self._others:
            here = self.motion.start + self.motion.observed(self.states[T])
            self._others[owner, T] = self.others[owner - 1].local(here)
        return self._others[owner, T]

    def _local(self, displacement: Numbers) -> Local:
        """A part of noise order p has p + 1 nodes."""
        return self.landscape.local(self.motion.start + displacement).averaging(self.noise + 1)

    def node(self, t: int, children: int) -> tuple[Numbers, Numbers]:
        """Means (own component, components of the children ...), and deviations of every point (S, ...)."""
        if (t, children) not in self._nodes:
            mean = self.locals[t].mean(children + 1)
            deviations = self.locals[t].tensor(children + 1) - mean
            self._nodes[t, children] = self._kicked(t, mean, children), self._kicked(t, deviations, children)
        return self._nodes[t, children]

    def passing(self, t: int) -> Entries:
        """What an update does to an edge that passes over it."""
        if t not in self._matrices:
            matrix = self._matrix(t)
            if self.motion.is_exact:
                matrix = _whole(matrix, self.units[t + 1] // self.units[t])
            self._matrices[t] = [((j,), i, x) for (i, j), x in np.ndenumerate(matrix) if x]
        return self._matrices[t]

    def _matrix(self, t: int) -> Numbers:
        return self.motion.matrix(self.motion.rate(t), self.locals[t].hessian)

    def _kicked(self, t: int, tensor: Numbers, children: int) -> Numbers:
        motion = self.motion
        for axis in range(-children, 0):
            tensor = np.moveaxis(spread(motion.point, tensor, axis), -1, axis)
        return np.moveaxis(motion.kicked(motion.rate(t), np.moveaxis(tensor, -1 - children, -1)), -1, -1 - children)

    def _clear(self, t: int) -> None:
        """Choose the next unit, and make what acts at an update whole."""
        nodes = {children: self.node(t, children) for children in range(2 * self.noise + 1)}
        below = [self.units[t] ** k * _below(tensor) for k, both in nodes.items() for tensor in both if tensor.any()]
        self.units.append(lcm(self.units[t] * _below(self._matrix(t)), *below))
        for k, both in nodes.items():
            mean, deviations = (_whole(tensor, self.units[-1] // self.units[t] ** k) for tensor in both)
            self._nodes[t, k] = mean, deviations


class FrozenTensors(NodeTensors):
    """The same where the path is held at the start, for resummation about it."""

    def _walk(self, updates: int) -> None:
        self.locals = [self._local(self.motion.zeros(self.motion.shape[1]))] * updates
        self.states *= updates + 1

    def node(self, t: int, children: int) -> tuple[Numbers, Numbers]:
        return super().node(0 if self.motion.rates is None else t, children)


def spread(reading: Numbers, tensor: Numbers, axis: int) -> Numbers:
    """An axis of weights as one of the state's components that are read, moved to the end."""
    moved = np.moveaxis(tensor, axis, -1)
    return np.asarray((reading[:, None] * moved[..., None, :]).reshape(*moved.shape[:-1], -1))


def _below(numbers: Numbers) -> int:
    return lcm(*(x.denominator for x in numbers.flat))


def _whole(numbers: Numbers, below: int) -> Numbers:
    """As ints over a common denominator; what is 0 throughout needs none."""
    return np.array([x.numerator * (below // x.denominator) for x in numbers.flat], dtype=object).reshape(numbers.shape)
