"""Weights and momentum together: their joint covariance, and that with later times."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import whole
from ..door import silent_door
from ..landscapes import Landscape
from ..typing import FloatArray
from .covariance import check_stable, checked_momentum
from .quadratic import Quadratic, check_definite, quadratic
from .units import shifted, within_floats

MOST_LAG = 10**9


@silent_door
def joint_covariance(
    K: ArrayLike | Landscape, C: ArrayLike, lam: ArrayLike, mu: float = 0.0, nu: float | None = None, lag: int = 0
) -> FloatArray:
    """The stationary covariance of weights and momentum, E[z(t + lag) z(t)^T] for z = (w, m) ([D] equations 12 to 15).

    z moves by a matrix Phi and white noise, so that with a lag it is Phi^lag times the covariance at one time. The weights'
    own block at lag 0 is `stationary_covariance`.

    Parameters
    ----------
    K, C, lam, mu, nu : as for `stationary_covariance`; without momentum m is the last gradient
    lag : updates, a whole number >= 0

    Returns
    -------
    (2n, 2n) array: blocks (w, w), (w, m), (m, w), (m, m), the first of the later time; m is in units of gradients

    Raises
    ------
    InputError : as `stationary_covariance`; a lag that is negative or not whole

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.stationary.joint_covariance([[1.0]], [[3.0]], 0.5).tolist()  # m = w + noise, then w <- w - m / 2
    [[1.0, -1.0], [-1.0, 4.0]]
    >>> fd.stationary.joint_covariance([[1.0]], [[3.0]], 0.5, lag=2).tolist()
    [[0.25, -0.25], [0.5, -0.5]]
    """
    mu, nu = checked_momentum(mu, nu)
    times = whole("lag", lag, 0, MOST_LAG, "updates")
    state = quadratic(K, C, lam)
    check_definite("K", state.scaled, state.unit)
    check_stable(state, lam, mu, nu)
    found = joint(state, mu, nu, times)
    return within_floats("the covariance", found if times else (found + found.T) / 2)


def joint(state: Quadratic, mu: float, nu: float | None, lag: int = 0) -> FloatArray:
    """Of (w, m), in the given coordinates."""
    n = len(state.scaled)
    e, _, c = state.size
    V = _responses(state, mu, nu)
    step, _ = plain_joint(state.rates, mu, nu)
    full = np.block([[shifted(V[..., 0, 0], -state.unit), V[..., 0, 1]], [V[..., 1, 0], V[..., 1, 1]]])
    full = np.linalg.matrix_power(step, lag) @ (full * np.tile(state.noise, (2, 2)))
    rate, inverse = state.rate, np.linalg.pinv(state.back)
    out = np.block([[rate * state.back, np.zeros((len(state.back), n))], [np.zeros((len(state.back), n)), inverse.T]])
    found = out @ full @ out.T
    units = np.repeat([e, 0], len(state.back))
    return np.asarray(np.ldexp(found, units[:, None] + units + c))


def plain_joint(x: FloatArray, mu: float, nu: float | None) -> tuple[FloatArray, FloatArray]:
    """The step of (w, lam m) along directions of rates x = lam k, (2n, 2n), and how lam times noise enters, (2,)."""
    direct, carried, fresh = rule_of(mu, nu)
    one = np.ones_like(x)
    blocks = [[np.diag(1 - direct * x), np.diag(-carried * one)], [np.diag(fresh * x), np.diag(mu * one)]]
    return np.block(blocks), np.array([-direct, fresh])


def rule_of(mu: float, nu: float | None) -> tuple[float, float, float]:
    """A step is -lam (direct g + carried m), then m <- mu m + fresh g."""
    return (1.0, mu, 1.0) if nu is None else (1 - mu * nu, mu * nu, 1 - mu)


def _responses(state: Quadratic, mu: float, nu: float | None) -> FloatArray:
    """Covariances of (w_i, lam m_i) with (w_j, lam m_j) over that of the noise, (n, n, 2, 2); (w, w) times 2^unit.

    The solution of (1 + D_i) V (1 + D_j)^T - V = -push push^T, written without the ones, which would cancel.
    """
    direct, carried, fresh = rule_of(mu, nu)
    n, s = len(state.scaled), float(shifted(1.0, state.unit))
    D = np.empty((n, 2, 2))  # its first column over s
    D[:, 0, 0], D[:, 0, 1], D[:, 1, 0], D[:, 1, 1] = -direct * state.scaled, -carried, fresh * state.scaled, mu - 1
    size = np.array([s, 1.0])
    eye, whole_ = np.eye(2), D * size
    system = np.einsum("irp,jtq->ijrtpq", whole_, whole_)
    system += np.einsum("irp,tq->irtpq", whole_, eye)[:, None] + np.einsum("rp,jtq->jrtpq", eye, whole_)[None]
    # of (w, w), where all terms have a factor s, which its unit takes
    first = s * np.einsum("ir,jt->ijrt", D[:, :, 0], D[:, :, 0])
    first += np.einsum("ir,t->irt", D[:, :, 0], eye[0])[:, None] + np.einsum("r,jt->jrt", eye[0], D[:, :, 0])[None]
    system[..., 0, 0] = first
    push = np.array([-direct, fresh])
    right = np.broadcast_to(-np.multiply.outer(push, push).ravel()[:, None], (n, n, 4, 1))
    return np.linalg.solve(system.reshape(n, n, 4, 4), right).reshape(n, n, 2, 2)
