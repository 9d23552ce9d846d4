"""Update rules: linear recursions that turn gradients into weights, and so weigh a diagram's edges.

In units of -eta, a rule keeps a state z with the displacement from theta_0 in it: at update t the gradient g_t of the
batch is taken at the displacement point . z_t, then z_(t+1) = step z_t + push c_t g_t. What is observed is seen . z_T.
So theta_t - theta_0 = -eta sum over s < t of w(s, t) g_s with w(s, t) = c_s seen . step^(t-s-1) push.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from .processes import Process, ode, sde
from .regularized_newton import RegularizedNewton, regularized_newton

__all__ = [
    "Process", "RegularizedNewton", "Update", "momentum", "nesterov", "ode", "quasi_hyperbolic", "regularized_newton",
    "schedule", "sde", "sgd", "weight_decay",
]

Number: TypeAlias = Any
"""int, Fraction, float or a SymPy expression."""
Vector: TypeAlias = tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """A linear update rule; see the functions of this file."""

    name: str
    step: tuple[Vector, ...] = ((1,),)
    """Upper triangular; its diagonal holds the factors by which the state's parts persist from update to update."""
    push: Vector = (1,)
    point: Vector = (1,)
    seen: Vector = (1,)
    schedule: Vector | None = None
    """c_0, c_1, ...: relative learning rates, at least T of them; None for a constant 1."""


def sgd() -> Update:
    """theta <- theta - eta g."""
    return Update("sgd")


def momentum(mu: Number) -> Update:
    """Heavy ball: m <- mu m + g, theta <- theta - eta m; w = (1 - mu^dt) / (1 - mu)."""
    return Update(f"momentum({mu})", ((1, mu), (0, mu)), (1, 1), (1, 0), (1, 0))


def nesterov(mu: Number) -> Update:
    """m <- mu m + g, theta <- theta - eta m, g taken at theta - eta mu m.

    w = (1 - mu^dt) / (1 - mu) on edges to the root, (1 - mu^(dt+1)) / (1 - mu) on others.
    """
    return Update(f"nesterov({mu})", ((1, mu), (0, mu)), (1, 1), (1, mu), (1, 0))


def quasi_hyperbolic(mu: Number, nu: Number) -> Update:
    """m <- mu m + (1 - mu) g, theta <- theta - eta ((1 - nu) g + nu m); w = 1 - nu mu^dt."""
    return Update(
        f"quasi_hyperbolic({mu}, {nu})", ((1, nu * mu), (0, mu)), (1 - nu * mu, 1 - mu), (1, 0), (1, 0)
    )


def weight_decay(decay: Number) -> Update:
    """theta - theta_0 <- (1 - decay) (theta - theta_0) - eta g; w = (1 - decay)^(dt-1).

    The usual decoupled weight decay towards zero is this where theta_0 = 0.
    """
    return Update(f"weight_decay({decay})", ((1 - decay,),))


def schedule(factors: Sequence[Number]) -> Update:
    """theta <- theta - eta c_t g at update t; w = c_s."""
    return Update("schedule", schedule=tuple(factors))
