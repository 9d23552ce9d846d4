"""Gradients of points' losses, Hessians, and Hessians times vectors, LANES points and places side by side.

A model is (logistic, polynomial, formula, linear), all None but one, so that what is compiled knows one kind of loss only:
(table, ridge) with the points' rows; (tensors, degree) of Taylor polynomials; (table, tapes of slopes, curves and products)
with the data of formulas; (table, ridge, outputs, softmax) of regressions with several outputs. Scratch is (gathered
(n, LANES), u (2, LANES), lane (n,), work of a Taylor polynomial, registers). What a kind does not have is empty.
"""

from typing import Any

from .formula_tape import add_formula, add_formula_along
from .kernel import lean
from .linear_points import add_linear_curves, add_linear_products, add_linear_slopes
from .logistic_points import add_logistic_curves, add_logistic_products, add_logistic_slopes
from .polynomial_points import add_taylor, add_taylor_along


@lean
def add_slopes(model: Any, points: Any, theta: Any, total: Any, scratch: Any) -> None:
    """Add grad l_x of each lane's point x = points[r] at its theta (n, LANES) to the total (n, LANES)."""
    logistic, polynomial, formula, linear = model
    slopes_of(logistic, polynomial, formula, linear, points, theta, total, scratch)


@lean
def slopes_of(
    logistic: Any, polynomial: Any, formula: Any, linear: Any, points: Any, theta: Any, total: Any, scratch: Any
) -> None:
    """`add_slopes`: the compiler leaves out branches of arguments that are None."""
    gathered, _, lane, work, registers = scratch
    if logistic is not None:
        table, ridge = logistic
        add_logistic_slopes(table, ridge, points, theta, total, gathered)
    if polynomial is not None:
        tensors, degree = polynomial
        add_taylor(tensors, degree, 1, points, theta, total, lane, work)
    if formula is not None:
        data, slopes, _, _ = formula
        add_formula(slopes, data, points, theta, total, registers)
    if linear is not None:
        rows, ridges, outputs, softmax = linear
        add_linear_slopes(softmax, outputs, rows, ridges, points, theta, total, gathered, registers)


@lean
def add_curves(model: Any, points: Any, theta: Any, total: Any, scratch: Any) -> None:
    """Add hess l_x, in the same way, to the total (n, n, LANES)."""
    logistic, polynomial, formula, linear = model
    curves_of(logistic, polynomial, formula, linear, points, theta, total, scratch)


@lean
def curves_of(
    logistic: Any, polynomial: Any, formula: Any, linear: Any, points: Any, theta: Any, total: Any, scratch: Any
) -> None:
    """`add_curves`, in the same way."""
    gathered, u, lane, work, registers = scratch
    n = len(theta)
    if logistic is not None:
        table, ridge = logistic
        add_logistic_curves(table, ridge, points, theta, total, gathered, u[0])
    if polynomial is not None:
        tensors, degree = polynomial
        add_taylor(tensors, degree, 2, points, theta, total.reshape(n * n, -1), lane, work)
    if formula is not None:
        data, _, curves, _ = formula
        add_formula(curves, data, points, theta, total.reshape(n * n, -1), registers)
    if linear is not None:
        rows, ridges, outputs, softmax = linear
        add_linear_curves(softmax, outputs, rows, ridges, points, theta, total, gathered, registers)


@lean
def add_products(model: Any, points: Any, theta: Any, along: Any, total: Any, scratch: Any) -> None:
    """Add hess l_x times the vectors `along` (n, LANES) to the total (n, LANES); without a Hessian if it can be."""
    logistic, polynomial, formula, linear = model
    products_of(logistic, polynomial, formula, linear, points, theta, along, total, scratch)


@lean
def products_of(
    logistic: Any, polynomial: Any, formula: Any, linear: Any, points: Any, theta: Any, along: Any, total: Any, scratch: Any
) -> None:
    """`add_products`, in the same way."""
    gathered, u, lane, work, registers = scratch
    if logistic is not None:
        table, ridge = logistic
        add_logistic_products(table, ridge, points, theta, along, total, gathered, u)
    if polynomial is not None:
        tensors, degree = polynomial
        add_taylor_along(tensors, degree, points, theta, along, total, lane, work)
    if formula is not None:
        data, _, _, products = formula
        add_formula_along(products, data, points, theta, along, total, registers)
    if linear is not None:
        rows, ridges, outputs, softmax = linear
        add_linear_products(softmax, outputs, rows, ridges, points, theta, along, total, gathered, registers)
