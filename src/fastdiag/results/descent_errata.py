"""Errata of papers [A], [B], [C] and of the research code beside them, each with a counter-example.

Most are run on two points: l_x a polynomial in one weight, x one of two values, each with probability 1/2.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations_with_replacement, product
from math import exp, factorial, prod
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev

from ..coefficients.coefficient import coefficient
from ..diagram import Diagram, diagrams
from ..embedding import maps
from ..landscapes import Symbolic, finite, symbolic
from ..spacetime import Spacetime
from ..spacetime.updates import sde
from ..typing import FloatArray
from ..values import rvalue, uvalue
from .erratum import Erratum, Numbers
from .order_three import gap_order
from .two_points import Polynomial, exact_sgd

Points = tuple[Polynomial, Polynomial]
F = Fraction

SQUARES: Points = ((0, 0, F(1, 2)), (2, -2, F(1, 2)))  # (theta - x)^2 / 2, x = 0 or 2
NOISY: Points = ((0, 1, F(1, 2)), (0, -1, F(1, 2)))  # theta^2 / 2 + x theta, x = 1 or -1
TILTED: Points = ((0, 1, 1), (0, -1))  # gradient 1 or -1, Hessian 2 or 0
LEANING: Points = ((0, 3, 1), (0, -1))  # gradient 3 or -1, Hessian 2 or 0
QUARTICS: Points = ((0, 1, F(1, 2), F(1, 3), F(1, 4)), (0, -2, F(3, 2), F(-1, 6)))


def landscape(points: Points) -> Symbolic:
    """Two points as a landscape."""
    import sympy

    w, x = sympy.symbols("w x")
    losses = [sum(sympy.Rational(str(c)) * w**k for k, c in enumerate(loss)) for loss in points]
    half = sympy.Rational(1, 2)
    return symbolic(losses[0] * (1 - x) + losses[1] * x, w, x, finite({0: half, 1: half}), at=[0])


def moment_value(points: Points, diagram: Diagram) -> Fraction:
    """The value of a diagram in the moment basis: each part the mean of its nodes' derivatives' product."""
    def derivative(loss: Polynomial, degree: int) -> Fraction:
        return F(loss[degree]) * factorial(degree) if degree < len(loss) else F(0)

    means = (
        sum((prod((derivative(loss, diagram.degrees[v]) for v in part), start=F(1)) for loss in points), F(0)) / 2
        for part in diagram.parts
    )
    return prod(means, start=F(1))


def _value(points: Points, text: str) -> Fraction:
    return F(str(uvalue(text, landscape(points))))


def _sign() -> Numbers:
    T = 3
    GG = _value(SQUARES, "[a]")
    return Numbers(T * GG, coefficient("[a]", Spacetime(T, 1, T)) * GG, exact_sgd(SQUARES, T, T, 1)[0][1])


def _irreducible() -> Numbers:
    import sympy

    st, eta = Spacetime(3, 1, 3), sympy.Symbol("eta")
    resummed = [rvalue(text, landscape(LEANING), st, eta) for text in ("[a]", "[a b]", "[a a]")]
    shared = F(str(sympy.expand(sum(resummed)).coeff(eta, 2)))
    chain, tied = (coefficient(text, st) * _value(LEANING, text) for text in ("[a[b]]", "[a[a]]"))
    return Numbers(shared + chain, shared + tied, exact_sgd(LEANING, 3, 3, 2)[0][2])


def _injective() -> Numbers:
    st = Spacetime(2, 1, 2)
    values = {D: _value(LEANING, str(D)) for D in diagrams(2)}
    printed = sum((coefficient(D, st, "moment") * value for D, value in values.items()), F(0))
    right = sum((coefficient(D, st) * value for D, value in values.items()), F(0))
    return Numbers(printed, right, exact_sgd(LEANING, 2, 2, 2)[0][2])


def _pairs() -> Numbers:
    T, B = 3, 2
    cells = product(range(T), range(B))
    exact = sum((F(1, 2) if a == b else F(1) for a, b in combinations_with_replacement(cells, 2)), F(0))
    printed = F(T * (T - 1), 2) + F(T, 2)
    return Numbers(printed, F(T * B * (T * B - 1), 2) + F(T * B, 2), exact)


def _epochs() -> Numbers:
    N, M = 2, 2
    slope = 2 * F(str(landscape(LEANING).cumulant(((0, 0), (0,)))))
    bend = 2 * _value(LEANING, "[a[b]]") / F(str(landscape(LEANING).cumulant(((0,),))))  # 2 H G
    exact = exact_sgd(LEANING, N, M * N, 2)[2][2] / M**2 - exact_sgd(LEANING, N, N, 2)[2][2]
    return Numbers(F(M - 1, M) * N * slope, F(M - 1, 4 * M) * N * (slope + bend), exact)


def _per_update() -> Numbers:
    N = 2
    slope = 2 * F(str(landscape(LEANING).cumulant(((0, 0), (0,)))))
    moved = [exact_sgd(LEANING, N, N, 2, B=B)[2][2] for B in (N, 1)]
    return Numbers(F(N - 1, 4 * N) * slope, F(N - 1, 4) * slope, moved[0] - moved[1])


def _drift() -> Numbers:
    C, J, h, low, high = 0.25, 1.0, 1.0, -1.0, 0.42  # the weight never leaves [low, high]
    nodes = (low + high + (high - low) * np.cos(np.pi * (np.arange(24) + 0.5) / 24)) / 2

    def basis(weights: FloatArray) -> FloatArray:
        return np.asarray(chebyshev.chebvander((2 * weights - low - high) / (high - low), 23))

    def mean(eta: float) -> float:  # E[theta_T] at T = 2^12, as a function of theta_0 at the nodes
        update = sum(basis(nodes - eta * (nodes + nodes**2 / 2 + x / 2)) for x in (-1, 1)) / 2 @ np.linalg.inv(basis(nodes))
        return float((basis(np.zeros(1)) @ np.linalg.inv(basis(nodes)) @ np.linalg.matrix_power(update, 2**12) @ nodes)[0])

    rates = 0.02 * np.arange(1, 11)
    slope = np.polynomial.Polynomial.fit(rates, [mean(eta) / eta for eta in rates], 9)(0.0)
    return Numbers(0.0, -C * J / (4 * h * h), float(slope))


def _half_the_trace() -> Numbers:
    slopes = [loss[1] for loss in QUARTICS]
    pairs = list(product(slopes, repeat=2))
    mean = F(sum(slopes), 2)
    return Numbers(
        F(sum((x - y) * x for x, y in pairs), 8), F(sum((x - y) ** 2 for x, y in pairs), 8),
        sum(((x - mean) ** 2 for x in slopes), F(0)) / 2,
    )


def _swapped_gap() -> Numbers:
    T = 3
    *values, own = (moment_value(QUARTICS, Diagram.parse(text)) for text in ("[a a]", "[a[a]]", "[a b]", "a[a a]"))

    def gap(weights: tuple[int, ...]) -> Fraction:
        pairs = sum((w * value for w, value in zip(weights, values, strict=True)), F(0))
        return F(T, 2) * (values[0] - own) - F(T * (T - 1), 2) * pairs

    exact = T * exact_sgd(QUARTICS, T, T, 2)[1][2]
    printed = min((gap(weights) for weights in ((1, 1, -2), (1, -2, 1), (-2, 1, 1))), key=lambda found: abs(found - exact))
    return Numbers(printed, gap((1, 3, -4)), exact)


def _exponential() -> Numbers:
    N, eta = 2, F(1, 2)
    series = exact_sgd(NOISY, N, 1, 2, B=N)[1]  # one step: a polynomial of degree 2 in eta
    exact = sum((c * eta**d for d, c in enumerate(series)), F(0))
    return Numbers((1 - exp(-eta)) / N, (1 - (1 - eta)) / N, exact)


def _flows() -> Numbers:
    import sympy

    T, st = 3, Spacetime(3, 1, 3)
    CH = _value(NOISY, "[a a]")
    parted = (coefficient("[a a]", st) - coefficient("[a a]", st, update=sde())) * CH
    eta = sympy.Symbol("eta")  # the SDE is an Ornstein-Uhlenbeck process
    process = sympy.series(eta / 4 * (1 - sympy.exp(-2 * eta * T)), eta, 0, 3).coeff(eta, 2)
    return Numbers(T * CH / 2, parted, exact_sgd(NOISY, T, T, 2)[0][2] - F(str(process)))


def _shuffling() -> Numbers:
    cyclic, reshuffle = (Spacetime(3, 1, 6, sampling=sampling) for sampling in ("cyclic", "reshuffle"))
    counted = min(d for d in range(5) if any(maps(D, cyclic) != maps(D, reshuffle) for D in diagrams(d)))
    losses = [exact_sgd(QUARTICS, 3, 6, 4, reshuffle=fresh)[0] for fresh in (False, True)]
    return Numbers(3, counted, next(d for d, (a, b) in enumerate(zip(*losses, strict=True)) if a != b))


def _code_gap() -> Numbers:
    import sympy

    N, T = 3, sympy.Symbol("T")
    right = {D: F(str(sympy.expand_func(c).subs(T, N))) for D, c in gap_order(3).items()}
    pairs, triples = 3, 1  # C(3, 2), C(3, 3)
    printed = {
        "a[a b[b]]": pairs, "a[b b[a]]": 0, "[a a[a]]": 0, "[a a[b]]": 5 * triples - 2 * pairs, "[a[a[a]]]": 2 * pairs,
        "[a[a[b]]]": 2 * triples,
    }
    wrong = right | {Diagram.parse(text).value_class: F(c) for text, c in printed.items()}
    both = [sum((c * moment_value(QUARTICS, D) for D, c in table.items()), F(0)) / N for table in (wrong, right)]
    return Numbers(both[0], both[1], exact_sgd(QUARTICS, N, N, 3)[1][3])


def _code_epochs() -> Numbers:
    N, E = 2, 2
    right = _classes(Spacetime(N, 1, E=E))
    printed = {
        "[a a a]": -F(E * N * (E - 1) * (2 * E + 9 * N - 13), 12), "[a a[a]]": -F(E * N * (E - 1) * (2 * E + 3 * N - 7), 4),
        "[a a[b]]": -F(E * N * (5 * E**2 - 2) * (N - 1), 6), "[a b[a]]": -F(E * N * (4 * E**2 - 1) * (N - 1), 6),
        "[a b[b]]": -F(E * N * (E - 1) * (2 * E - 1) * (N - 1), 6), "[a[a a]]": -F(E * N * (E**2 - 3 * E + 3), 6),
    }
    wrong = right | {Diagram.parse(text).value_class: c for text, c in printed.items()}
    both = [sum((c * moment_value(QUARTICS, D) for D, c in table.items()), F(0)) for table in (wrong, right)]
    return Numbers(both[0], both[1], exact_sgd(QUARTICS, N, E * N, 3)[0][3])


def _classes(spacetime: Spacetime) -> dict[Diagram, F]:
    """The order-3 coefficient of each value class, moment basis."""
    found: dict[Diagram, Any] = {}
    for diagram in diagrams(3):
        found[diagram.value_class] = found.get(diagram.value_class, F(0)) + coefficient(diagram, spacetime, "moment")
    return found


ON_SQUARES = "l_x = (theta - x)^2/2, x = 0 or 2, from theta = 0"
ON_LEANING = "l_x = (1 + 2x) theta + (1 + x) theta^2/2, x = 1 or -1, from theta = 0"
ON_NOISY = "l_x = theta^2/2 + x theta, x = 1 or -1, from theta = 0"
ON_QUARTICS = "l = theta + theta^2/2 + theta^3/3 + theta^4/4 or -2 theta + 3 theta^2/2 - theta^3/6, from theta = 0"

DESCENT_ERRATA = (
    Erratum(
        "[A] section 1.2", "E l(theta_T) - l = + T G.G to first order", "the sign is minus: - eta T G.G",
        f"{ON_SQUARES}; N = T = 3: the eta^1 term of E l", _sign,
    ),
    Erratum(
        "[A], [B], definition of irreducible", "each node of degree 2 is in a part of size one",
        "no node of degree 2, the root aside, is in a part of size one: such nodes are what K^(dt-1) absorbs",
        f"{ON_LEANING}; N = T = 3: the eta^2 term of the resummed sum to order 2", _irreducible,
    ),
    Erratum(
        "[A], [B], Theorem 1", "cumulants (fuzzy outlines) with injective embeddings, parts in different rows",
        "cumulants with all maps: different parts may share a row and a cell; else the plain expansion fails at order 2",
        f"{ON_LEANING}; N = T = 2: the eta^2 term of E l", _injective,
    ),
    Erratum(
        "[B], table of embeddings under Proposition 2", "counts of the untied pair that hold for B = 1 only",
        "[a b] has C(TB, 2) embeddings with |Aut_f| = 1 and TB with 2; [a[b]] has C(T, 2) B^2",
        "[a b] in one epoch, B = 2, T = 3: the sum over embeddings of 1/|Aut_f|", _pairs,
    ),
    Erratum(
        "[A], [B], Corollary 4",
        "E[theta_(M, eta/M) - theta_(1, eta)] = (M - 1)/M N grad C in [B], (M - 1)/(4M) N grad C in [A]",
        "(M - 1)/(4M) N (grad C + 2 H G): [B] drops the 4, and either holds only where H G = 0, for GD with smaller steps "
        "goes elsewhere too",
        f"{ON_LEANING}; N = 2, M = 2: the eta^2 term of the difference, printed as in [B]", _epochs,
    ),
    Erratum(
        "[A], Corollary 3, and [B], Corollary 4", "E[theta_GD - theta_SGD] over one epoch is (N - 1)/(4N) grad C",
        "(N - 1)/4 grad C: the printed one is what a single update adds, the gradient of GDC's l_C",
        f"{ON_LEANING}; N = 2: the eta^2 term of the difference", _per_update,
    ),
    Erratum(
        "[A], [B], Corollary 1", "the displacement after long times has the prefactor eta^2",
        "eta: it is -(eta/2) C_mn J_mnl / ((h_m + h_n) h_l) to leading order",
        "l_x = theta^2/2 + theta^3/6 + x theta/2, x = 1 or -1: E theta/eta at T = infinity, its limit at eta = 0", _drift,
    ),
    Erratum(
        "[B], C.4", "(g_x - g_y) g_x / 2 over pairs of points estimates C",
        "it is half of it; |g_x - g_y|^2 / 2 is unbiased",
        "gradients 1 and -2, equally likely: the mean over pairs", _half_the_trace,
    ),
    Erratum(
        "[C], section 4.1", "pairs enter the gap of order 2 by C(T,2) and weights 1, 1, -2",
        "[a a] + 3 [a[a]] - 4 [a b]; no assignment of the printed weights is right (-18, -45/4 and 45/2 in the example)",
        f"{ON_QUARTICS}; N = T = 3: N times the eta^2 term of the gap, the nearest assignment printed", _swapped_gap,
    ),
    Erratum(
        "[A], [B], Corollary 2", "C/(NH) (1 - exp(-eta T H)) for the gap of GD, and the same in the overfitting",
        "C/(NH) (1 - k^T), k = 1 - eta H; the exponential is Remark 1's approximation",
        f"{ON_NOISY}; GD with N = 2, T = 1, eta = 1/2: the gap", _exponential,
    ),
    Erratum(
        "[B], Corollary 5", "SGD parts from ODE's and SDE's by (T/2) C.H",
        "from ODE's; SGD and SDE agree to order 2 at a minimum, and the skew term -(T/6) S.J at order 3 is SGD's alone",
        f"{ON_NOISY}; N = T = 3: the eta^2 term of E l under SGD less that under the SDE", _flows,
    ),
    Erratum(
        "[C], on shuffling between epochs", "it acts at order 3",
        "for every diagram to order 3 one order of the rows, repeated, counts as a fresh one every epoch does; the first "
        "effect is at order 4",
        f"{ON_QUARTICS}; N = 3, B = 1, two epochs: the first order in eta at which E l differs", _shuffling,
    ),
    Erratum(
        "the research code of 2019, generalization gap to order 3",
        "N x gap has [a a[b]] 5 C(T,3) - 2 C(T,2), [a[a[b]]] 2 C(T,3), [a[a[a]]] 2 C(T,2), a[a b[b]] C(T,2), and neither "
        "[a a[a]] nor a[b b[a]]",
        "[a a[b]] 4 C(T,3) - 2 C(T,2), [a[a[b]]] 3 C(T,3), [a[a[a]]] C(T,2), no a[a b[b]], [a a[a]] C(T,2), a[b b[a]] "
        "C(T,2); the others stand",
        f"{ON_QUARTICS}; N = T = 3: the eta^3 term of the gap", _code_gap,
    ),
    Erratum(
        "the research code of 2019, test loss of E epochs to order 3",
        "six value classes are wrong, among them -(1/6) E N (E^2 - 3E + 3) for [a[a a]], which one epoch cannot hold, and "
        "0 for [a a a] at E = 1",
        "[a a a] -E^3 N/6, [a a[a]] -E^2 (E - 1) N/2, [a a[b]] -E (4E^2 - 1) N (N - 1)/6, [a b[a]] -E^3 N (N - 1)/2, "
        "[a b[b]] -E (E - 1) (8E - 1) N (N - 1)/12, [a[a a]] -E (E - 1) (2E - 1) N/12, with N updates to an epoch",
        f"{ON_QUARTICS}; N = 2, two epochs: the eta^3 term of E l", _code_epochs,
    ),
)
