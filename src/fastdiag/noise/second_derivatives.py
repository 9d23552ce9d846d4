"""Second derivatives of models' outputs, one direction for each point: what gradients of alignments need of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from ..record import Record
from ..typing import FloatArray


class Second(Record, ABC):
    """The second derivatives of f(x_i) in all weights."""

    __slots__ = ()
    kinked = False
    """Whether the first derivatives jump, which no second derivative tells."""

    @abstractmethod
    def along(self, Q: FloatArray) -> FloatArray:
        """Sum over points of grad^2 f(x_i) q_i: (points, weights) -> (weights,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Straight(Second):
    """Of a model that is linear in its weights."""

    def along(self, Q: FloatArray) -> FloatArray:
        return np.zeros(Q.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Diagonal(Second):
    """Of (u^2 - v^2).x."""

    inputs: FloatArray

    def along(self, Q: FloatArray) -> FloatArray:
        d = self.inputs.shape[1]
        return np.concatenate([2 * (self.inputs * Q[:, :d]).sum(axis=0), -2 * (self.inputs * Q[:, d:]).sum(axis=0)])


@dataclass(frozen=True, slots=True, eq=False)
class TwoLayer(Second):
    """Of the sum over k of a_k s(W_k.x), in W or in both."""

    inputs: FloatArray
    slopes: FloatArray
    """s'(W_k.x_i), (points, m)."""
    bends: FloatArray
    """a_k s''(W_k.x_i), (points, m)."""
    both: bool
    kinked: bool

    def along(self, Q: FloatArray) -> FloatArray:
        points, m = self.slopes.shape
        first = m * self.inputs.shape[1]
        moved = np.einsum("xkd,xd->xk", Q[:, :first].reshape(points, m, -1), self.inputs)  # of W_k.x
        pulls = self.bends * moved + (self.slopes * Q[:, first:] if self.both else 0)
        parts = [(pulls.T @ self.inputs).ravel()] + ([(self.slopes * moved).sum(axis=0)] if self.both else [])
        return np.concatenate(parts)


@dataclass(frozen=True, slots=True, eq=False)
class DeepLinear(Second):
    """Of W_L ... W_1 x: the derivative of a gradient, forwards and backwards through the layers."""

    inputs: FloatArray
    layers: tuple[FloatArray, ...]

    def along(self, Q: FloatArray) -> FloatArray:
        points, at, turns = len(self.inputs), 0, []
        for matrix in self.layers:
            turns.append(Q[:, at : at + matrix.size].reshape(points, *matrix.shape))
            at += matrix.size
        before, moved = [self.inputs], [np.zeros_like(self.inputs)]  # what reaches each layer, and its derivative
        for matrix, turn in zip(self.layers[:-1], turns[:-1], strict=True):
            moved.append(moved[-1] @ matrix.T + np.einsum("xij,xj->xi", turn, before[-1]))
            before.append(before[-1] @ matrix.T)
        after, pulled, parts = np.ones(1), np.zeros((points, 1)), []
        for matrix, turn, reached, shift in zip(*(each[::-1] for each in (self.layers, turns, before, moved)), strict=True):
            parts.append((pulled.T @ reached + np.outer(after, shift.sum(axis=0))).ravel())
            pulled = pulled @ matrix + np.einsum("xij,i->xj", turn, after)
            after = after @ matrix
        return np.concatenate(parts[::-1])
