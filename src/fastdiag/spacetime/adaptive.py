"""Adaptive rules: each weight has a learning rate of its own, from averages of its gradients and of their squares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..arguments import real
from ..door import door
from ..numerals import written
from ..typing import Number
from .schedules import Scheduled, Vector


@dataclass(frozen=True, slots=True, repr=False)
class Adaptive(Scheduled):
    """m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2, theta <- theta - eta m / (sqrt(v) + epsilon).

    With `corrected`, m and v are divided by 1 - beta^t after t updates before they are used: both begin at 0.
    """

    beta1: float
    beta2: float
    epsilon: float
    corrected: bool
    schedule: Vector | Callable[[int], Number] | None = None

    def __repr__(self) -> str:
        betas = (self.beta1, self.beta2) if self.corrected else (self.beta2,)
        found = f"{'adam' if self.corrected else 'rmsprop'}({', '.join(map(written, (*betas, self.epsilon)))})"
        return found if self.schedule is None else f"{found}.with_schedule({written(self.schedule)})"


@door
def adam(beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Adaptive:
    """Adam: averages of gradients over the root of averages of their squares, both corrected for their start at 0.

    It is no linear function of the gradients, so it goes about a path alone: `fastdiag.predict` with `noise`, to noise
    order 1. The first update divides g by |g| + epsilon, which near g = 0 is all but a jump: noise must be small beside
    the gradients themselves, so batches large; a gradient that is 0 and noisy is refused. A schedule multiplies the step,
    not the averages.

    Parameters
    ----------
    beta1, beta2 : what averages keep from update to update, from 0 to below 1
    epsilon : > 0, beside the root (as in PyTorch)

    Raises
    ------
    InputError : numbers out of range

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.updates.adam(beta2=0.99)
    adam(0.9, 0.99, 1e-08)
    """
    beta1, beta2 = real("beta1", beta1, least=0, below=1), real("beta2", beta2, least=0, below=1)
    return Adaptive(beta1, beta2, real("epsilon", epsilon, above=0), corrected=True)


@door
def rmsprop(decay: float = 0.99, epsilon: float = 1e-8) -> Adaptive:
    """v <- decay v + (1 - decay) g^2, theta <- theta - eta g / (sqrt(v) + epsilon), v from 0 (as in PyTorch).

    Parameters
    ----------
    decay : what v keeps from update to update, from 0 to below 1
    epsilon : > 0

    Raises
    ------
    InputError : numbers out of range

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.updates.rmsprop(0.9).with_schedule([1, 0.5])
    rmsprop(0.9, 1e-08).with_schedule((1, 0.5))
    """
    return Adaptive(0.0, real("decay", decay, least=0, below=1), real("epsilon", epsilon, above=0), corrected=False)
