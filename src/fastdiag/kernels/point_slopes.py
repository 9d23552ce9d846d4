"""Gradients and Hessians of points' losses, LANES points and places side by side, whatever kind of loss it is.

A model is (kind, table, ridge, tensors, degree, slope tape, curve tape): of regressions the table holds the points'
rows, of formulas their data; Taylor polynomials have tensors; softmax and squares have the number of outputs for a
degree. Scratch is
(gathered (n, LANES), u (LANES,), lane (n,), work of a Taylor polynomial, registers). What a kind does not have is empty.
"""

from typing import Any

from .formula_tape import add_formula
from .kernel import lean
from .linear_points import add_linear_curves, add_linear_slopes
from .logistic_points import add_logistic_curves, add_logistic_slopes
from .polynomial_points import add_taylor

LOGISTIC, POLYNOMIAL, FORMULA, SOFTMAX, SQUARES = range(5)


@lean
def add_slopes(model: Any, points: Any, theta: Any, total: Any, scratch: Any) -> None:
    """Add grad l_x of each lane's point x = points[r] at its theta (n, LANES) to the total (n, LANES)."""
    kind, table, ridge, tensors, degree, slopes, _ = model
    gathered, u, lane, work, registers = scratch
    if kind == LOGISTIC:
        add_logistic_slopes(table, ridge, points, theta, total, gathered, u)
    elif kind == POLYNOMIAL:
        add_taylor(tensors, degree, 1, points, theta, total, lane, work)
    elif kind in (SOFTMAX, SQUARES):
        add_linear_slopes(kind == SOFTMAX, degree, table, ridge, points, theta, total, gathered, registers)
    else:
        add_formula(slopes, table, points, theta, total, registers)


@lean
def add_curves(model: Any, points: Any, theta: Any, total: Any, scratch: Any) -> None:
    """Add hess l_x, in the same way, to the total (n, n, LANES)."""
    kind, table, ridge, tensors, degree, _, curves = model
    gathered, u, lane, work, registers = scratch
    n = len(theta)
    if kind == LOGISTIC:
        add_logistic_curves(table, ridge, points, theta, total, gathered, u)
    elif kind == POLYNOMIAL:
        add_taylor(tensors, degree, 2, points, theta, total.reshape(n * n, -1), lane, work)
    elif kind in (SOFTMAX, SQUARES):
        add_linear_curves(kind == SOFTMAX, degree, table, ridge, points, theta, total, gathered, registers)
    else:
        add_formula(curves, table, points, theta, total.reshape(n * n, -1), registers)
