"""SGD on a quadratic loss with noise of its own, and escape from a well, by NumPy alone."""

import numpy as np


def settled(hessian, noise, metric, mu=0.0, nu=None, updates=200, law="normal", seed=0, runs=20_000):
    """Weights after some updates, (runs, n): K, C, a learning rate or a preconditioner, momentum; normal noise or signs."""
    rng = np.random.default_rng(seed)
    root, metric = np.linalg.cholesky(noise), np.eye(len(hessian)) * metric if np.ndim(metric) == 0 else np.asarray(metric)
    w = np.zeros((runs, len(hessian)))
    m = np.zeros_like(w)
    for _ in range(updates):
        drawn = rng.standard_normal(w.shape) if law == "normal" else rng.choice([-1.0, 1.0], w.shape)
        g = w @ hessian + drawn @ root.T
        m = mu * m + (1.0 if nu is None else 1 - mu) * g
        w = w - (m if nu is None else (1 - nu) * g + nu * m) @ metric
    return w


def regressed(X, y, best, eta, batch, updates, seed=0, runs=10_000):
    """Weights of linear regression less the best ones after some updates, (runs, n); points are drawn independently."""
    rng = np.random.default_rng(seed)
    w = np.zeros((runs, X.shape[1]))
    left = y - X @ best
    for _ in range(updates):
        drawn = rng.integers(0, len(X), (runs, batch))
        x = X[drawn]
        w -= eta * np.einsum("rbi,rb->ri", x, np.einsum("rbi,ri->rb", x, w) - left[drawn]) / batch
    return w


def moments(w):
    """Second moments and their standard errors, (n, n) each."""
    products = np.einsum("ri,rj->rij", w, w)
    return products.mean(axis=0), products.std(axis=0) / len(w) ** 0.5


def leaving(gradient, lam, noise, domain, seed=0, runs=20_000):
    """The rate at which weights leave a domain, per update, and its standard error; runs that have settled in the well."""
    rng = np.random.default_rng(seed)
    w, settle, updates = np.zeros(runs), int(20 / lam), int(200 / lam)
    for t in range(settle + updates):
        if t == settle:
            start = len(w)
        std = noise(w) if callable(noise) else noise
        w = w - lam * (gradient(w) + std * rng.standard_normal(len(w)))
        w = w[(w > domain[0]) & (w < domain[1])]
    return np.log(start / len(w)) / updates, (1 / len(w) - 1 / start) ** 0.5 / updates
