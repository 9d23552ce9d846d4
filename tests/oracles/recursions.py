"""Oracle of the stationary laws: the step of (w, m) as a matrix, iterated, or its Lyapunov equation."""

import numpy as np
from scipy.linalg import solve_discrete_lyapunov

K = np.array([[1.0, 0.2], [0.2, 0.5]])
C = np.array([[1.0, -0.3], [-0.3, 2.0]])  # does not commute with K
LAMBDA = np.array([[0.6, 0.1], [0.1, 0.3]])
TIGHT = {"rtol": 1e-10, "atol": 1e-14}


def close(a, b, **tolerance):
    np.testing.assert_allclose(a, b, **(TIGHT | tolerance))


def symmetric(a, b, c):
    return [[a, b], [b, c]]


def stable(n, rng, lowest=0.1):
    """A random positive definite and a random positive semi-definite matrix that do not commute."""
    turn, _ = np.linalg.qr(rng.normal(size=(n, n)))
    hessian = (turn * rng.uniform(lowest, 2, n)) @ turn.T
    root = rng.normal(size=(n, rng.integers(1, n + 1)))
    return (hessian + hessian.T) / 2, root @ root.T


def companion(hessian, lam, mu=0.0, nu=None):
    """The step (w, m) -> (w', m') as a matrix, and how a gradient's noise enters."""
    n = len(hessian)
    eye = np.eye(n)
    rate = lam * eye if np.ndim(lam) == 0 else np.asarray(lam)
    fresh, direct, carried = (1.0, 1.0, mu) if nu is None else (1 - mu, 1 - mu * nu, mu * nu)
    step = np.block([[eye - direct * rate @ hessian, -carried * rate], [fresh * hessian, mu * eye]])
    return step, np.vstack([-direct * rate, fresh * eye])


def lyapunov(hessian, noise, lam, mu=0.0, nu=None):
    step, push = companion(hessian, lam, mu, nu)
    state = solve_discrete_lyapunov(step, push @ noise @ push.T)
    left = push @ noise @ push.T - (state - step @ state @ step.T)
    state += solve_discrete_lyapunov(step, (left + left.T) / 2)  # refined once: near the limit it is ill-conditioned
    return state[: len(hessian), : len(hessian)]


def after(hessian, noise, lam, T, mu=0.0, nu=None):
    """The covariance after T updates, one by one."""
    step, push = companion(hessian, lam, mu, nu)
    state = np.zeros_like(step)
    for _ in range(T):
        state = step @ state @ step.T + push @ noise @ push.T
    return state[: len(hessian), : len(hessian)]
