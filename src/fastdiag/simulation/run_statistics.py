"""Statistics of runs, gathered in parts that are merged in any number: means, and variances with their own errors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..typing import FloatArray, IntArray

NOTHING = -10_000  # no float is so small


def diverged_runs(values: FloatArray) -> IntArray:
    """How many runs of values (rates, runs, ...) are not finite, (rates,)."""
    finite = np.isfinite(values).reshape(*values.shape[:2], -1).all(axis=2)
    return np.asarray(np.count_nonzero(~finite, axis=1))


def _mean(values: FloatArray) -> FloatArray:
    """Over the runs (axis 1); their sum may be beyond the range of floats."""
    size = _size(values)
    return np.asarray(np.ldexp(np.ldexp(values, -size[:, None]).mean(axis=1), size))


def _size(values: FloatArray) -> IntArray:
    """The power of 2 above the largest finite value of the runs (axis 1); where there is none but 0, a very low one."""
    largest = np.abs(np.where(np.isfinite(values), values, 0.0)).max(axis=1, initial=0.0)
    return np.where(largest > 0, np.frexp(largest)[1], NOTHING)


def _deviations(values: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
    """The mean over the runs (axis 1), the deviations from it over 2^size, and size."""
    mean = _mean(values)
    x = values - mean[:, None]
    size = _size(x)
    return mean, np.ldexp(x, -size[:, None]), size


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and sum of squared deviations of some runs, for each learning rate; (rates, ...)."""

    runs: int
    mean: FloatArray
    squares: FloatArray
    """Of the deviations / 2^size: powers of what is small or large would leave the range of floats."""
    diverged: IntArray
    size: IntArray

    @classmethod
    def of(cls, values: FloatArray) -> Moments:
        """Of values (rates, runs, ...)."""
        with np.errstate(all="ignore"):
            mean, x, size = _deviations(values)
            squares = (x**2).sum(axis=1)
        return cls(values.shape[1], mean, squares, diverged_runs(values), size)

    def merged(self, other: Moments) -> Moments:
        """Chan, Golub and LeVeque (1979); the mean is a weighted one, so that inf stays inf."""
        runs, diverged = self.runs + other.runs, self.diverged + other.diverged
        with np.errstate(all="ignore"):
            mean = self.mean * (self.runs / runs) + other.mean * (other.runs / runs)
            away = self.mean - other.mean
            size = np.maximum(np.maximum(self.size, other.size), _size(away[:, None]))
            between = np.ldexp(away, -size) ** 2 * (self.runs * other.runs / runs)
            ours, theirs = (np.ldexp(part.squares, 2 * (part.size - size)) for part in (self, other))
            return Moments(runs, mean, ours + theirs + between, diverged, size)

    def part(self, rates: slice) -> Moments:
        """Of some learning rates."""
        return Moments(self.runs, *(each[rates] for each in (self.mean, self.squares, self.diverged, self.size)))

    def result(self) -> tuple[FloatArray, FloatArray]:
        """The mean and its standard error."""
        with np.errstate(all="ignore"):
            return self.mean, np.ldexp(np.sqrt(self.squares / (self.runs - 1) / self.runs), self.size)


@dataclass(frozen=True, slots=True)
class Spread:
    """Sums of products of deviations x of the components i and j over some runs, for each learning rate.

    Each x_i is divided by 2^size_i: powers of what is small or large would leave the range of floats.
    """

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
    size: IntArray
    """(rates, n)"""

    @classmethod
    def of(cls, values: FloatArray) -> Spread:
        """Of values (rates, runs, n)."""
        with np.errstate(all="ignore"):
            mean, x, size = _deviations(values)
            squares = x**2
            sums = _products(x, x), _products(squares, x), _products(squares, squares)
        return cls(values.shape[1], mean, *sums, diverged_runs(values), size)

    def merged(self, other: Spread) -> Spread:
        """Each part's deviations are shifted to the common mean."""
        runs = self.runs + other.runs
        with np.errstate(all="ignore"):
            mean = self.mean * (self.runs / runs) + other.mean * (other.runs / runs)
            away = other.mean - self.mean  # not from the mean of both: what is inf would be nan
            size = np.maximum(np.maximum(self.size, other.size), _size(away[:, None]))
            away = np.ldexp(away, -size)
            ours = self.of_size(size)._about(-away * (other.runs / runs))
            theirs = other.of_size(size)._about(away * (self.runs / runs))
            second, third, fourth = (x + y for x, y in zip(ours, theirs, strict=True))
        return Spread(runs, mean, second, third, fourth, self.diverged + other.diverged, size)

    def part(self, rates: slice) -> Spread:
        """Of some learning rates."""
        each = self.mean, self.second, self.third, self.fourth, self.diverged, self.size
        return Spread(self.runs, *(array[rates] for array in each))

    def of_size(self, size: IntArray) -> Spread:
        """The same, its deviations divided by other powers of 2."""
        i = (self.size - size)[:, :, None]
        j = i.swapaxes(1, 2)
        second, third = np.ldexp(self.second, i + j), np.ldexp(self.third, 2 * i + j)
        return replace(self, second=second, third=third, fourth=np.ldexp(self.fourth, 2 * (i + j)), size=size)

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
            by = self.size[:, :, None] + self.size[:, None, :]
            return np.ldexp(covariance, by), np.ldexp(np.sqrt(leading + 4 * following), by)


def covariance_differences(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The covariance of values x (rates, runs, n) less that of y, run by run, and its standard error: (rates, n, n).

    As in `Spread.result`, with products x_i x_j - y_i y_j in place of x_i x_j.
    """
    runs = x.shape[1]
    x, y = x - _mean(x)[:, None], y - _mean(y)[:, None]
    size = np.maximum(_size(x), _size(y))
    x, y = (np.ldexp(each, -size[:, None]) for each in (x, y))
    ours, theirs, both = (_products(a, b) / runs for a, b in ((x, x), (y, y), (x, y)))
    square = (_products(x**2, x**2) - 2 * _products(x * y, x * y) + _products(y**2, y**2)) / runs
    leading = np.maximum(square - (ours - theirs) ** 2, 0.0) / runs
    following: Any = 0.0
    for sign, C in ((1, ours), (1, theirs), (-2, both)):
        own = np.einsum("eii->ei", C)
        following = following + sign * (own[:, :, None] * own[:, None, :] + C * C.swapaxes(1, 2))
    following = np.maximum(following, 0.0) / runs**2
    by = size[:, :, None] + size[:, None, :]
    difference = (ours - theirs) * (runs / (runs - 1))
    return np.ldexp(difference, by), np.ldexp(np.sqrt(leading + 4 * following), by)


def _products(first: Any, second: Any) -> FloatArray:
    return np.asarray(first.swapaxes(1, 2) @ second)
