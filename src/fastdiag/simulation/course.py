"""A course of training: what is run how often, and what is seen of it when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from ..expansion.observables import Observable
from ..kernels.logistic_points import LANES
from ..landscapes import Landscape
from ..locks import cached_property
from ..spacetime import Spacetime
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Corrected
from ..typing import FloatArray, IntArray
from .model import PointModel, model_of
from .packed_rule import PackedRule, RunRule, correction, observed, packed_rule, rule_scratch
from .training_points import batches, training_points

SHARD = 256  # runs with one random generator of their own, whatever the number of threads
KICKS = 1 << 20  # normal variates drawn at a time

PROCESSES = ("ode", "sde")


@dataclass(frozen=True, eq=False)
class Course:
    """All that decides a run but its number. It pickles, so that shards of runs can be made anywhere."""

    landscape: Landscape
    spacetime: Spacetime
    """With the last of the times as its T."""
    times: tuple[int, ...]
    """Numbers of updates after which runs are looked at, ascending."""
    rates: FloatArray
    """(rates,); all see the same training points, batches and noise."""
    metric: FloatArray | None
    """A matrix eta, or None where it is a number."""
    observable: Observable
    update: RunRule
    method: str
    owns: bool
    """Whether the landscape's points are the training set; else it is drawn."""
    test: Landscape | None
    """Whose loss is the test loss; None for that of the landscape itself."""
    refinement: int
    """Steps to an update of a process."""
    runs: int
    seed: int
    at_once: bool = False
    """Whether all points of a run are drawn before its first update, in any spacetime the same."""
    functions: tuple[Landscape, ...] = ()
    """What is observed in place of the loss: one function of the weights, or the two of a covariance."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: vars(self)[name] for name in self.__dataclass_fields__}

    @cached_property
    def model(self) -> PointModel:
        """Where the runs are."""
        model = model_of(self.landscape)
        if isinstance(self.update, RegularizedNewton):
            model.with_curves()
        if isinstance(self.update, Corrected):
            model.with_products()
        return model

    @cached_property
    def tested(self) -> PointModel:
        """Where the test loss is."""
        return self.model if self.test is None or self.test is self.landscape else model_of(self.test)

    @cached_property
    def watched(self) -> tuple[PointModel, ...]:
        """Where the functions are."""
        return tuple(map(model_of, self.functions))

    @cached_property
    def rule(self) -> PackedRule:
        """The update rule of all T updates."""
        return packed_rule(self.update, self.spacetime.finite("T"), self.metric)

    @cached_property
    def given(self) -> IntArray | None:
        """Rows of the points that are the training set; None where it is drawn, or where none is met."""
        if not self.owns or self.method in PROCESSES:
            return None
        weights = self.model.weights
        return np.repeat(np.arange(len(weights)), np.rint(self.spacetime.finite("N") * weights).astype(np.int64))

    @property
    def trains(self) -> bool:
        """Whether losses of drawn training sets are asked for; of a given one they are the landscape's own."""
        return self.observable.shares and self.spacetime.N != inf and not self.owns

    @property
    def shards(self) -> int:
        """How many there are."""
        return -(-self.runs // SHARD)

    def prepare(self) -> None:
        """Make all formulas, here and not in racing threads, and raise what is wrong with them."""
        processes, losses = self.method in PROCESSES, self.observable.axes == 0 and not self.functions
        asked: list[tuple[Any, str, bool]] = [(self, "rule", True), (self.model, "loss", self.trains)]
        asked += [(self.model, "points", self.owns or processes)]
        asked += [(self.tested, "mean_loss", losses and not (self.trains and self.observable.name == "train_loss"))]
        asked += [(self.model, "mean_loss", losses and self.observable.shares and not self.trains)]
        asked += [(model, "mean_loss", True) for model in self.watched]
        for owner, name, needed in asked:
            if needed and hasattr(type(owner), name):
                getattr(owner, name)

    def shard(self, number: int, stop: IntArray) -> FloatArray:
        """What is observed of one shard's runs, (rates, times, runs), or with (n,) of displacements.

        stop: an array that ends the work once it holds something other than 0.
        """
        size = min(SHARD, self.runs - number * SHARD)
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(number,)))
        if self.method == "ode":
            ends = [self._seen(theta[:, None], None) for theta in self._flow(stop)]
            return np.repeat(np.stack(ends, axis=1), size, axis=2)
        if self.method == "sde":
            return np.stack([self._seen(theta, None) for theta in self._diffusion(rng, size, stop)], axis=1)
        return np.stack([self._seen(theta, sets) for theta, sets in self._training(rng, size, stop)], axis=1)

    def _training(
        self, rng: np.random.Generator, runs: int, stop: IntArray
    ) -> Iterator[tuple[FloatArray, tuple[FloatArray, IntArray] | None]]:
        """At each time theta (rates, runs, n), and the training sets if they are asked for."""
        model, rule, N = self.model, self.rule, self.spacetime.N
        n, newton = len(model.start), isinstance(self.update, RegularizedNewton)
        keeps = self.trains or isinstance(self.update, Corrected)
        source = training_points(self.landscape, model, rng, runs, self.given, keeps)
        whole = self.at_once or self.given is not None
        kept: list[IntArray] = []

        def points(count: int) -> IntArray:
            kept.append(source.points(count))
            return kept[-1] if keeps else kept.pop()

        chunks: Any = batches(points, self.spacetime, rng, whole)
        sets: IntArray | None = None
        if keeps:  # rows that no update visits are drawn now
            first = list(chunks) if self.spacetime.is_one_epoch else [next(chunks)]
            chunks = _chained(first, chunks)
            if missing := int(N) - sum(rows.shape[1] for rows in kept):
                points(missing)
            sets = np.ascontiguousarray(np.concatenate(kept, axis=1))
        state = self._states(len(rule[2]), runs)
        curve, more = np.empty((n, n, LANES)) if newton else None, correction(self.update, sets, n)
        room = np.empty(LANES, np.int64), np.empty((n, LANES)), np.empty((n, LANES))
        scratch = (*room, model.scratch(), rule_scratch(n, newton))
        seen, times, done = observed(self.update), iter(self.times), 0
        until = next(times)
        for rows, begins in chunks:
            at = 0
            while at < len(begins) - 1:
                some = begins[at : at + until - done + 1]
                model.train(source.table, rule, self.rates, rows, some, done, state, stop, curve, more, scratch)
                at, done = at + len(some) - 1, done + len(some) - 1
                if done == until:
                    training = (source.table, sets) if self.trains and sets is not None else None
                    yield self._places(state, seen, runs), training
                    until = next(times, 0)

    def _places(self, state: FloatArray, seen: FloatArray, runs: int) -> FloatArray:
        """theta (rates, runs, n) of states (rates, blocks, p, n, LANES)."""
        origin = self.model.origin[:, None]
        place = state[:, :, 0] if seen[0] == 1 else origin + seen[0] * (state[:, :, 0] - origin)
        for weight, part in zip(seen[1:], np.moveaxis(state, 2, 0)[1:], strict=True):
            place = place + weight * part if weight else place
        lanes = np.moveaxis(place, 3, 2).reshape(len(state), -1, state.shape[3])[:, :runs]
        return np.ascontiguousarray(lanes) + (self.model.start - self.model.origin)

    def _states(self, parts: int, runs: int) -> FloatArray:
        """As all runs begin, (rates, blocks, parts, n, LANES)."""
        n = len(self.model.origin)
        state = np.zeros((len(self.rates), -(-runs // LANES), parts, n, LANES))
        state[:, :, 0] = self.model.origin[:, None]
        return state

    def _diffusion(self, rng: np.random.Generator, runs: int, stop: IntArray) -> Iterator[FloatArray]:
        """theta (rates, runs, n) of the SDE at each time."""
        model, n = self.model, len(self.model.start)
        weights, dt = model.weights, 1 / self.refinement
        state = self._states(1, runs)
        room = tuple(np.empty((n, LANES)) for _ in range(3))
        scratch = (np.empty(LANES, np.int64), *room, np.empty(LANES), model.scratch(), np.empty((n, LANES)))
        fixed = np.sqrt(weights), self.rule[5], self.rates
        step, done = max(1, KICKS // (runs * len(weights))), 0
        for until in self.times:
            while done < until * self.refinement and not stop[0]:
                some = min(step, until * self.refinement - done)
                kicks = rng.standard_normal((some, runs, len(weights)))
                model.diffuse(*fixed, kicks, dt, (dt / self.spacetime.B) ** 0.5, state, stop, scratch)
                done += some
            yield self._places(state, np.ones(1), runs)

    def _flow(self, stop: IntArray) -> Iterator[FloatArray]:
        """theta (rates, n) of the ODE at each time."""
        model, n, done = self.model, len(self.model.start), 0
        scratch = (np.empty(LANES, np.int64), np.empty((n, LANES)), np.empty((n, LANES)), model.scratch())
        fixed = self.rule[5], self.rates, 1 / self.refinement
        theta = np.tile(model.origin, (len(self.rates), 1))
        for until in self.times:
            model.flow(*fixed, (until - done) * self.refinement, theta, stop, scratch, np.empty((4, n)))
            done = until
            yield theta + (model.start - model.origin)

    def _seen(self, theta: FloatArray, training: tuple[FloatArray, IntArray] | None) -> FloatArray:
        """What is averaged, or what a variance is of: (rates, runs), or (rates, runs, n), of a covariance n = 2."""
        name = self.observable.name
        if self.functions:
            several = [model.test_loss(theta) for model in self.watched]
            return several[0] if len(several) == 1 else np.stack(several, axis=-1)
        if self.observable.axes:
            return theta - self.model.start
        if name == "train_loss":
            return self._train_loss(theta, training)
        found = self.tested.test_loss(theta)
        if name == "generalization_gap":
            with np.errstate(all="ignore"):
                return found - (found if self.spacetime.N == inf else self._train_loss(theta, training))
        return found

    def _train_loss(self, theta: FloatArray, training: tuple[FloatArray, IntArray] | None) -> FloatArray:
        """Of the training points of each run; of a given set, and where data never end, the landscape's loss."""
        return self.model.test_loss(theta) if training is None else self.model.train_loss(theta, *training)


def _chained(first: list[Any], rest: Iterator[Any]) -> Iterator[Any]:
    yield from first
    yield from rest
