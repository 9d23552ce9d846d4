"""Formulas as tapes of elementary operations, read by one kernel: no formula is compiled.

A tape is (operations (K, 4), constants (C,), outputs (O,)). Registers hold LANES numbers each: first the weights, then the
data, the constants, and one for each operation (code, first, second, result); outputs name those that were asked for.
"""

import math
from typing import Any

import numpy as np

from .kernel import lean
from .logistic_points import LANES

CODES = (
    "add", "multiply", "power", "reciprocal", "sqrt", "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
    "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "abs", "sign", "minimum", "maximum", "less", "at_most", "equal",
    "product_or_zero",
)
(
    ADD, MULTIPLY, POWER, RECIPROCAL, SQRT, EXP, LOG, SIN, COS, TAN, ASIN, ACOS, ATAN, SINH,
    COSH, TANH, ASINH, ACOSH, ATANH, ERF, ABS, SIGN, MINIMUM, MAXIMUM, LESS, AT_MOST, EQUAL,
    PRODUCT_OR_ZERO,
) = range(len(CODES))


@lean
def elementary(code: int, x: float) -> float:
    """A function of one number."""
    if code == TAN:
        return math.tan(x)
    if code == ASIN:
        return math.asin(x) if -1.0 <= x <= 1.0 else math.nan
    if code == ACOS:
        return math.acos(x) if -1.0 <= x <= 1.0 else math.nan
    if code == ATAN:
        return math.atan(x)
    if code == SINH:
        return math.sinh(x)
    if code == COSH:
        return math.cosh(x)
    if code == TANH:
        return math.tanh(x)
    if code == ASINH:
        return math.asinh(x)
    if code == ACOSH:
        return math.acosh(x) if x >= 1.0 else math.nan
    if code == ATANH:
        return math.atanh(x) if -1.0 < x < 1.0 else math.nan
    if code == ERF:
        return math.erf(x)
    if code == ABS:
        return abs(x)
    return 0.0 if x == 0.0 else math.copysign(1.0, x)


@lean
def compared(code: int, x: float, y: float) -> float:
    """A function of two numbers; 1 for what is true, 0 for what is not."""
    if code == POWER:
        return float(x**y)
    if code == MINIMUM:
        return x if x < y else y
    if code == MAXIMUM:
        return x if x > y else y
    if code == LESS:
        return 1.0 if x < y else 0.0
    if code == AT_MOST:
        return 1.0 if x <= y else 0.0
    return 1.0 if x == y else 0.0


@lean
def run_tape(tape: Any, first: int, registers: Any) -> None:
    """Do all operations on registers whose first ones, weights and data, are filled."""
    operations, constants, _ = tape
    for c in range(len(constants)):
        for r in range(LANES):
            registers[first + c, r] = constants[c]
    for k in range(len(operations)):
        code, a, b, c = operations[k]
        if code == ADD:
            for r in range(LANES):
                registers[c, r] = registers[a, r] + registers[b, r]
        elif code == MULTIPLY:
            for r in range(LANES):
                registers[c, r] = registers[a, r] * registers[b, r]
        elif code == RECIPROCAL:
            for r in range(LANES):
                registers[c, r] = np.divide(1.0, registers[a, r])
        elif code == PRODUCT_OR_ZERO:  # a branch that is not taken may be nan
            for r in range(LANES):
                registers[c, r] = registers[b, r] if registers[a, r] != 0.0 else 0.0
        elif code == EXP:
            for r in range(LANES):
                registers[c, r] = math.exp(registers[a, r])
        elif code == LOG:
            for r in range(LANES):
                x = registers[a, r]
                registers[c, r] = math.log(x) if x > 0.0 else (-math.inf if x == 0.0 else math.nan)
        elif code == SQRT:
            for r in range(LANES):
                x = registers[a, r]
                registers[c, r] = math.sqrt(x) if x >= 0.0 else math.nan
        elif code == SIN:
            for r in range(LANES):
                registers[c, r] = math.sin(registers[a, r])
        elif code == COS:
            for r in range(LANES):
                registers[c, r] = math.cos(registers[a, r])
        elif code in (POWER, MINIMUM, MAXIMUM, LESS, AT_MOST, EQUAL):
            for r in range(LANES):
                registers[c, r] = compared(code, registers[a, r], registers[b, r])
        else:
            for r in range(LANES):
                registers[c, r] = elementary(code, registers[a, r])


@lean
def load_points(table: Any, points: Any, theta: Any, registers: Any) -> None:
    """Put the weights (n, LANES) and the data of the lanes' points, rows of the table, into the first registers."""
    n = theta.shape[0]
    for i in range(n):
        for r in range(LANES):
            registers[i, r] = theta[i, r]
    for j in range(table.shape[1]):
        for r in range(LANES):
            registers[n + j, r] = table[points[r], j]


@lean
def add_formula(tape: Any, table: Any, points: Any, theta: Any, total: Any, registers: Any) -> None:
    """Add a tape's outputs at the lanes' points to the total (outputs, LANES)."""
    load_points(table, points, theta, registers)
    run_tape(tape, theta.shape[0] + table.shape[1], registers)
    outputs = tape[2]
    for i in range(len(outputs)):
        for r in range(LANES):
            total[i, r] += registers[outputs[i], r]


@lean
def add_formula_along(tape: Any, table: Any, points: Any, theta: Any, along: Any, total: Any, registers: Any) -> None:
    """The same of a tape that reads the vectors `along` (n, LANES) after the data."""
    load_points(table, points, theta, registers)
    n, first = theta.shape[0], theta.shape[0] + table.shape[1]
    for i in range(n):
        for r in range(LANES):
            registers[first + i, r] = along[i, r]
    run_tape(tape, first + n, registers)
    outputs = tape[2]
    for i in range(len(outputs)):
        for r in range(LANES):
            total[i, r] += registers[outputs[i], r]


@lean
def formula_losses(tape: Any, table: Any, sets: Any, theta: Any, out: Any, work: Any) -> None:
    """The mean of a tape's output over each run's points, into out (rates, runs).

    sets: (runs, N) rows of the table, (1, N) where all runs have the same. theta: (rates, runs, n). work: registers,
    points (LANES,), weights (n, LANES), a sum (1, LANES).
    """
    registers, points, lane, total = work
    rates, runs, n = theta.shape
    N, shared = sets.shape[1], sets.shape[0] == 1
    for e in range(rates):
        for first in range(0, runs, LANES):
            for r in range(LANES):
                total[0, r] = 0.0
                for i in range(n):
                    lane[i, r] = theta[e, min(first + r, runs - 1), i]
            for row in range(N):
                for r in range(LANES):
                    points[r] = sets[0 if shared else min(first + r, runs - 1), row]
                add_formula(tape, table, points, lane, total, registers)
            for r in range(min(LANES, runs - first)):
                out[e, first + r] = total[0, r] / N
