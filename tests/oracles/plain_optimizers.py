"""Optimizers written out from their definitions, one run at a time: functions of (gradient, hessian, theta_0, eta, batches).

gradient(theta, batch) and hessian(theta, batch) are those of the batch's mean loss; eta is a number or a matrix. Nothing here
calls fastdiag.
"""

import numpy as np


def times(eta, vector):
    return eta @ vector if np.ndim(eta) == 2 else eta * vector


def heavy_ball(mu=0.0, rates=None, decay=0.0, clip=None):
    def run(gradient, hessian, start, eta, batches):
        theta, m = start, np.zeros_like(start)
        for t, batch in enumerate(batches):
            g = gradient(theta, batch)
            if clip is not None:
                g = g / np.sqrt(1 + g @ g / clip**2)
            m = mu * m + (1.0 if rates is None else rates[t]) * g
            theta = theta - decay * (theta - start) - times(eta, m)
        return theta

    return run


def nesterov(mu):
    def run(gradient, hessian, start, eta, batches):
        theta, m = start, np.zeros_like(start)
        for batch in batches:
            m = mu * m + gradient(theta - times(eta, mu * m), batch)
            theta = theta - times(eta, m)
        return theta

    return run


def quasi_hyperbolic(mu, nu):
    def run(gradient, hessian, start, eta, batches):
        theta, m = start, np.zeros_like(start)
        for batch in batches:
            g = gradient(theta, batch)
            m = mu * m + (1 - mu) * g
            theta = theta - times(eta, (1 - nu) * g + nu * m)
        return theta

    return run


def regularized_newton(lam):
    def run(gradient, hessian, start, eta, batches):
        theta, n = start, len(start)
        for batch in batches:
            inverse = np.linalg.inv(eta * np.eye(n) if np.ndim(eta) == 0 else eta)
            theta = theta - np.linalg.solve(inverse + lam * hessian(theta, batch), gradient(theta, batch))
        return theta

    return run


def adam(beta1, beta2, epsilon, corrected=True, rates=None):
    def run(gradient, hessian, start, eta, batches):
        theta, m, v = start, np.zeros_like(start), np.zeros_like(start)
        for t, batch in enumerate(batches, 1):
            g = gradient(theta, batch)
            m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
            a, b = (1 / (1 - beta1**t), 1 / (1 - beta2**t)) if corrected else (1, 1)
            rate = 1.0 if rates is None else rates[t - 1]
            theta = theta - rate * times(eta, a * m / (np.sqrt(b * v) + epsilon))
        return theta

    return run
