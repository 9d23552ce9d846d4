"""Statistics of runs, gathered in parts that are merged in any number: means, and variances with their own errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..typing import FloatArray, IntArray


def diverged_runs(values: FloatArray) -> IntArray:
    """How many runs of values (rates, runs, ...) are not finite, (rates,)."""
    finite = np.isfinite(values).reshape(*values.shape[:2], -1).all(axis=2)
    return np.asarray(np.count_nonzero(~finite, axis=1))


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and sum of squared deviations of some runs, for each learning rate; (rates, ...)."""

    runs: int
    mean: FloatArray
    squares: FloatArray
    diverged: IntArray

    @classmethod
    def of(cls, values: FloatArray) -> Moments:
        """Of values (rates, runs, ...)."""
        with np.errstate(all="ignore"):
            mean = values.mean(axis=1)
            squares = ((values - mean[:, None]) ** 2).sum(axis=1)
        return cls(values.shape[1], mean, squares, diverged_runs(values))

    def merged(self, other: Moments) -> Moments:
        """Chan, Golub and LeVeque (1979); the mean is a weighted one, so that inf stays inf."""
        runs, diverged = self.runs + other.runs, self.diverged + other.diverged
        with np.errstate(all="ignore"):
            mean = self.mean * (self.runs / runs) + other.mean * (other.runs / runs)
            between = (self.mean - other.mean) ** 2 * (self.runs * other.runs / runs)
            return Moments(runs, mean, self.squares + other.squares + between, diverged)

    def result(self) -> tuple[FloatArray, FloatArray]:
        """The mean and its standard error."""
        with np.errstate(all="ignore"):
            return self.mean, np.sqrt(self.squares / (self.runs - 1) / self.runs)


@dataclass(frozen=True, slots=True)
class Spread:
    """Sums of products of deviations x of the components i and j over some runs, for each learning rate."""

    runs: int
    mean: FloatArray
    """(rates, n)"""
    second: FloatArray
    """Of x_i x_j, (rates, n, n)."""
    third: FloatArray
    """Of x_i^2 x_j."""
    fourth: FloatArray
    """Of x_i^2 x_j^2."""
    diverged: IntArray

    @classmethod
    def of(cls, values: FloatArray) -> Spread:
        """Of values (rates, runs, n)."""
        with np.errstate(all="ignore"):
            mean = values.mean(axis=1)
            x = values - mean[:, None]
            squares = x**2
            sums = _products(x, x), _products(squares, x), _products(squares, squares)
        return cls(values.shape[1], mean, *sums, diverged_runs(values))

    def merged(self, other: Spread) -> Spread:
        """Each part's deviations are shifted to the common mean."""
        runs = self.runs + other.runs
        with np.errstate(all="ignore"):
            mean = self.mean * (self.runs / runs) + other.mean * (other.runs / runs)
            away = other.mean - self.mean  # not from the mean of both: what is inf would be nan
            ours, theirs = self._about(-away * (other.runs / runs)), other._about(away * (self.runs / runs))
            second, third, fourth = (x + y for x, y in zip(ours, theirs, strict=True))
        return Spread(runs, mean, second, third, fourth, self.diverged + other.diverged)

    def _about(self, shift: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The sums for the deviations x + shift."""
        i, j = shift[:, :, None], shift[:, None, :]
        own = np.einsum("eii->ei", self.second)
        first, second = own[:, :, None], own[:, None, :]  # of x_i^2, and of x_j^2
        crossed = self.third.swapaxes(1, 2)  # of x_j^2 x_i
        return (
            self.second + self.runs * i * j,
            self.third + 2 * i * self.second + j * first + self.runs * i**2 * j,
            self.fourth + 2 * j * self.third + 2 * i * crossed + i**2 * second + j**2 * first
            + 4 * i * j * self.second + self.runs * i**2 * j**2,
        )

    def result(self) -> tuple[FloatArray, FloatArray]:
        """The unbiased covariance (rates, n, n) and its standard error, from the fourth moments.

        The error's square is (mu_22 - mu_11^2) / n + (mu_20 mu_02 + mu_11^2) / (n (n - 1)), n the runs. The first term
        vanishes where x_i x_j takes one value (+-1, equally likely), and its estimate is too small by about three of the
        second: so the second is taken four times, which is right for normal values to order 1/n^2.
        """
        runs = self.runs
        with np.errstate(all="ignore"):
            covariance = self.second / (runs - 1)
            own = np.einsum("eii->ei", covariance)
            leading = np.maximum(self.fourth / runs - (self.second / runs) ** 2, 0.0) / runs
            following = (own[:, :, None] * own[:, None, :] + covariance**2) / (runs * (runs - 1))
            return covariance, np.sqrt(leading + 4 * following)


def _products(first: Any, second: Any) -> FloatArray:
    return np.asarray(first.swapaxes(1, 2) @ second)
