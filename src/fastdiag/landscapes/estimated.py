"""Landscapes whose points are a sample of an unknown distribution: unbiased estimates, not the points' own values."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from ..arguments import choice, own, shown
from ..door import door
from ..errors import InputError
from ..typing import FloatArray
from .landscape import Landscape, Nodes, check_landscape
from .polykay import polykay
from .sampled import SampledLandscape

METHODS = ("polykay", "disjoint")
Method: TypeAlias = Literal["polykay", "disjoint"]


class Estimated(Landscape):
    """Points as a sample; see `estimated`. Cumulants are k-statistics; `uvalue`, `estimate` and `predict` know it."""

    def __init__(
        self,
        points: SampledLandscape,
        method: Method = "polykay",
        groups: int | None = None,
        batch: int = 1,
        frame: FloatArray | None = None,
        order: int | None = None,
    ) -> None:
        self.points, self.method, self.groups, self.batch, self.frame = points, method, groups, batch, frame
        self.order = order
        """With disjoint batches: the highest order that one grouping is to serve; None where every diagram has its own."""
        self.dimension, self.highest_degree = points.dimension, points.highest_degree
        self.least_loss = points.least_loss
        self.size = len(points.weights)
        """Number of points S."""

    def part(self, nodes: Nodes, frame: FloatArray | None = None) -> FloatArray:
        """The k-statistic: the unbiased estimate of a joint cumulant from all points (a covariance divides by S - 1)."""
        self.require_points(len(nodes), f"a joint cumulant of {len(nodes)} tensors")
        weights = polykay((0,) * len(nodes), self.size)
        return self.points.combined(nodes, self._along(frame), lambda string: float(weights.get(string, 0)))

    def along(self, directions: FloatArray) -> Estimated:
        """The same sample with components along the columns of a matrix."""
        return Estimated(self.points, self.method, self.groups, self.batch, self._along(directions), self.order)

    def up_to(self, order: int) -> Estimated:
        """The same sample, its disjoint batches grouped once for all diagrams of at most `order` edges."""
        if self.method == "polykay":
            return self
        return Estimated(self.points, self.method, self.groups, self.batch, self.frame, order)

    def batches(self, order: int) -> int:
        """How many disjoint batches a group has, for a diagram of this order."""
        return max(order, self.order or 0) + 1

    def require_points(self, needed: int, what: str) -> None:
        """Raise InputError if the sample is too small for an unbiased estimate."""
        if self.size < needed:
            raise InputError(
                f"an unbiased estimate of {what} takes at least {needed} points, and this sample has {self.size}; "
                "give more points or ask for a lower order"
            )

    @property
    def theta(self) -> FloatArray:
        """The weights that the points are seen from."""
        return np.asarray(self.points.theta)

    def moved(self, theta: FloatArray) -> Estimated:
        return Estimated(self.points.moved(theta), self.method, self.groups, self.batch, self.frame, self.order)

    def _along(self, frame: FloatArray | None) -> FloatArray | None:
        if frame is None or self.frame is None:
            return self.frame if frame is None else frame
        return np.asarray(self.frame @ frame)

    def scaled(self, exponent: int) -> Estimated:
        points = self.points.scaled(exponent)
        if self.frame is not None or not isinstance(points, SampledLandscape):
            return self
        return Estimated(points, self.method, self.groups, self.batch, None, self.order)

    def __repr__(self) -> str:
        return f"<{self.points!r} as a sample, {self.method}>"


@door
def estimated(
    landscape: SampledLandscape, method: Method = "polykay", groups: int | None = None, batch: int = 1
) -> Estimated:
    """A landscape's points as an independent *sample* of an unknown distribution, about which it then answers.

    `uvalue`, `estimate` and un-resummed `predict` give unbiased estimates, the last two with their standard errors, where
    the landscape itself gives the values of its own points. (The names are the statisticians': the unbiased, symmetric
    estimate of a joint cumulant is a k-statistic, that of a product of cumulants a polykay; its standard error is
    the jackknife's.)

    Disjoint batches are not for tensors whose mean c is large beside their spread. The covariance x1 x1 - x1 x2 of tensors
    x + c from two batches has c (x1 - x2) in it: 0 on average, but not 0. So no centring leaves the estimate as it is;
    its standard error grows with c / spread, and of its 16 digits as many are lost as c / spread has (8 where that is 1e8).
    Polykays are shifted exactly with the tensors, and keep all.

    Parameters
    ----------
    landscape : `samples`, `logistic` or another with data points, all of one weight
    method : 'polykay', every point in every factor, of all unbiased estimates the one of least variance; or 'disjoint',
        the papers' recursion ([B] C.6): the points are cut into disjoint batches and only batch means are multiplied
    groups : for 'polykay', the standard error leaves out one of so many groups of neighbouring points at a time (equal
        ones, as far as they can be) rather than one point at a time: less work where there are very many points
    batch : for 'disjoint', points to a batch: as many times fewer multiplications. With it the noise of products of means
        falls, but that of covariances and higher cumulants, which are differences of such products, grows

    Raises
    ------
    InputError : no data points, points of unequal weight, unknown method, groups or batch out of range

    Examples
    --------
    >>> import fastdiag as fd
    >>> points = fd.landscapes.samples([0.0, 0.0, 0.0], [[1.0], [2.0], [6.0]])
    >>> sample = fd.landscapes.estimated(points)
    >>> sample.gradient_covariance.round(6).tolist(), points.gradient_covariance.round(6).tolist()
    ([[7.0]], [[4.666667]])
    """
    if isinstance(landscape, Estimated):
        raise InputError(f"{landscape!r} is an estimate already; pass its `.points`")
    if not isinstance(landscape, SampledLandscape):
        raise InputError(
            f"only data points can be a sample: landscape must be one of landscapes.samples or landscapes.logistic, "
            f"not {shown(landscape)}"
        )
    check_landscape(landscape)
    if np.ptp(landscape.weights) > 1e-12 * landscape.weights.max():
        raise InputError(
            "the points have unequal weights, but the points of a sample count alike; leave the weights out, or draw a "
            "sample by them"
        )
    choice("method", method, METHODS)
    points = len(landscape.weights)
    if groups is not None:
        groups = _whole("groups", groups, 2, points)
        if method != "polykay":
            raise InputError("groups is for method='polykay'; with 'disjoint' a group is what `batch` makes it")
    batch = _whole("batch", batch, 1, points)
    if batch != 1 and method != "disjoint":
        raise InputError("batch is for method='disjoint'; a polykay uses every point in every factor")
    return Estimated(landscape, method, groups, batch)


def _whole(name: str, value: object, least: int, most: int) -> int:
    number = own(value)
    if type(number) is not int or not least <= number <= most:
        raise InputError(f"{name} must be a whole number, {least} to {most} (the number of points), not {shown(value)}")
    return number
