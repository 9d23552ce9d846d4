"""Formulas of spacetimes of symbols under rules, at numbers drawn at random: what the same question of numbers gives."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.expansion import OBSERVABLES

n, b, t, e, eta = sympy.symbols("n b t e eta")
u, x, mu = sympy.symbols("u x mu")
LAW = fd.landscapes.finite({-1: Fraction(2, 3), 2: Fraction(1, 3)})
LAND = fd.landscapes.symbolic(u**2 + x * u + u**3 / 3 + x * u**2 / 2, u, x, LAW, at=[1])
F, U = Fraction, fd.updates
MADE = {
    "sgd": lambda _: None, "momentum": U.momentum, "nesterov": U.nesterov, "decay": lambda y: U.weight_decay(y if y is mu else abs(y)),
    "quasi-hyperbolic": lambda y: U.quasi_hyperbolic(y, F(2, 7)), "newton": U.regularized_newton, "sde": lambda _: U.sde(),
}
FRACTIONS = [F(1, 2), F(0), F(-2, 5), F(3, 4)]  # at 0 powers of a letter cancel


def drawn(seed):
    """A sampling, a last batch, a rule, an observable, whether resummed, and whether the rule has a letter."""
    rng = np.random.default_rng([16, seed])
    sampling = str(rng.choice(["reshuffle", "cyclic", "replacement"]))
    last = None if sampling == "replacement" else [None, "keep", "drop"][rng.integers(3)]
    resummed = bool(rng.integers(2))
    name = str(rng.choice([name for name in MADE if name != "sde" or not resummed]))
    observable = str(rng.choice([each for each in OBSERVABLES if name != "sde" or each not in ("train_loss", "generalization_gap")]))
    number = FRACTIONS[rng.integers(4)]
    letter = name in ("momentum", "nesterov", "newton", "decay") and bool(rng.integers(2))
    return rng, sampling, last, resummed, name, observable, number, letter


def numbers_of(rng, sampling, last):
    """N, B and T of a spacetime that the formula holds for."""
    N = int(rng.integers(1, 5))
    B = int(rng.integers(1, N + 1))
    if last is None and sampling != "replacement":
        B = int(rng.choice([each for each in range(1, N + 1) if N % each == 0]))
    return N, B, int(rng.integers(1, 7))


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(6, 120))])
def test_a_formula_at_numbers(seed):
    rng, sampling, last, resummed, name, observable, number, letter = drawn(seed)
    rate, update, own = F(1, int(rng.integers(5, 40))), MADE[name](number), MADE[name](mu) if letter else None
    st = fd.Spacetime(N=n, B=b, T=t, sampling=sampling, last=last)
    p = fd.predict(LAND, st, rate, 1 if resummed else 2, observable, resummed, update=own or update)
    for _ in range(2):
        N, B, T = numbers_of(rng, sampling, last)
        q = fd.predict(LAND, fd.Spacetime(N, B, T, sampling=sampling, last=last), rate, p.order, observable, resummed, update=update)
        of_rule = abs(number) if name == "decay" else number
        at = {n: N, b: B, t: T, mu: sympy.Rational(of_rule.numerator, of_rule.denominator)}
        for found, wanted in zip(sympy.flatten([p.total]), sympy.flatten([q.total]), strict=True):
            y = sympy.sympify(found).subs(at)
            # under a rule with memory and curvature powers are of roots, of negative numbers too
            assert y == wanted or abs(sympy.N(y - wanted, 40, chop=True)) < 1e-30 or sympy.simplify(y - wanted) == 0, (drawn(seed)[1:], N, B, T)
