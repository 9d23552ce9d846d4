"""ODE and SDE against the series of their generators, in Fractions; and SGD less SDE, diagram by diagram."""

from fractions import Fraction
from math import factorial

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdiag as fd
from fastdiag.embedding.rules import process_maps
from oracles import oracle
from oracles.polynomial_losses import float_landscape, problem, random_losses

ORDER = 4
BATCH = sympy.Symbol("B")
ODE, SDE = fd.updates.ode(), fd.updates.sde()


def times(a, b):
    out = {}
    for e, x in a.items():
        for f, y in b.items():
            key = tuple(i + j for i, j in zip(e, f, strict=True))
            out[key] = out.get(key, Fraction(0)) + x * y
    return out


def plus(a, b, factor=1):
    out = dict(a)
    for e, x in b.items():
        out[e] = out.get(e, Fraction(0)) + factor * x
    return out


def generator_series(losses, weights, B, order, noise):
    """Coefficients of eta^d T^k in E l(theta_T): sum_k T^k / k! L^k l at 0, L = -eta G.grad + eta^2/(2B) C:grad grad."""
    n = len(next(iter(losses[0])))
    test = oracle.mean_loss(losses, weights)
    G = [oracle.derivative(test, i) for i in range(n)]
    C = [[times(G[i], {key: -x for key, x in G[j].items()}) for j in range(n)] for i in range(n)]
    for loss, weight in zip(losses, weights, strict=True):
        g = [oracle.derivative(loss, i) for i in range(n)]
        C = [[plus(C[i][j], times(g[i], g[j]), weight) for j in range(n)] for i in range(n)]
    powers = {0: test}  # L^k l, by the power of eta
    found = {}
    for k in range(order + 1):
        for d, f in powers.items():
            found[d, k] = f.get((0,) * n, Fraction(0)) / factorial(k)
        after = {}
        for d, f in powers.items():
            for i in range(n):
                slope = oracle.derivative(f, i)
                if d + 1 <= order:
                    after[d + 1] = plus(after.get(d + 1, {}), times(G[i], slope), -1)
                for j in range(n):
                    if noise and d + 2 <= order:
                        after[d + 2] = plus(after.get(d + 2, {}), times(C[i][j], oracle.derivative(slope, j)), Fraction(1, 2 * B))
        powers = after
    return found


def diagram_sums(tensors, process, B, order, basis):
    """The same coefficients from diagrams, with a symbol for the time."""
    T = sympy.Symbol("T")
    found = {}
    for d in range(order + 1):
        for D in fd.diagrams(d):
            count = sympy.Poly(sympy.sympify(process_maps(D, T, process, B, basis)), T)
            value = tensors.value(D.parents, D.parts, basis) if not count.is_zero else 0
            for (k,), x in count.terms():
                weight = Fraction((-1) ** d * int(x.p), B**d * D.automorphisms * int(x.q))
                found[d, k] = found.get((d, k), Fraction(0)) + weight * value
    return found


def nonzero(table):
    return {key: x for key, x in table.items() if x}


@pytest.mark.parametrize("basis", ["cumulant", "moment"])
@pytest.mark.parametrize("B", [1, 3])
@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("process", [ODE, SDE], ids=str)
def test_diagram_sum_is_the_generators_series(process, n, B, basis):
    losses, weights, tensors = problem(n, n)
    wanted = nonzero(generator_series(losses, weights, B, ORDER, noise=process == SDE))
    assert len(wanted) > ORDER
    assert nonzero(diagram_sums(tensors, process, B, ORDER, basis)) == wanted


@settings(max_examples=8)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 2), B=st.integers(1, 4), points=st.integers(2, 4))
def test_generators_series_on_fresh_losses(seed, n, B, points):
    losses, weights = random_losses(seed, n, degree=4, points=points)
    tensors = oracle.Tensors(losses, weights)
    for process in (ODE, SDE):
        wanted = nonzero(generator_series(losses, weights, B, 3, noise=process == SDE))
        assert nonzero(diagram_sums(tensors, process, B, 3, "cumulant")) == wanted


@pytest.mark.parametrize("process", [ODE, SDE], ids=str)
def test_counts_lead_those_of_sgd(process):
    """theory: the leading power of T of SGD's count in one epoch, larger parts dropped."""
    T = sympy.Symbol("T")
    for d in range(5):
        for D in fd.diagrams(d):
            parts = len(D.parts) - 1
            full = sympy.Poly(sympy.expand_func(fd.maps_formula(D, "one epoch").subs(BATCH, 1)), T)
            lead = full.coeff_monomial(T**parts) * T**parts if process.keeps(D) else 0
            assert sympy.expand(process_maps(D, T, process) - lead) == 0


def test_the_noise_knows_nothing_of_itself():
    for text in ("[a[a]]", "[a[b[a]]]", "[a b[c[b]]]"):
        assert process_maps(text, 7, SDE) == 0
    assert process_maps("[a[b] b[a]]", 7, SDE) == 0  # each noise would have to come before the other
    assert process_maps("[a a[b] b]", 6, SDE) == 18


def test_coefficients_bases_times_and_batches():
    st_ = fd.Spacetime(N=12, B=3, E=2)
    assert fd.coefficient("[a a]", st_, update=SDE) == Fraction(8, 2 * 3)
    assert fd.coefficient("[a b]", st_, update=ODE) == fd.coefficient("[a b]", st_, update=SDE) == 32
    assert fd.coefficient("[a b]", st_, "moment", update=ODE) == 32
    assert fd.coefficient("[a b]", st_, "moment", update=SDE) == 32 - Fraction(8, 2 * 3)
    assert isinstance(fd.coefficient("[a]", st_, update=ODE), Fraction)
    assert process_maps("[a b[c]]", Fraction(1, 2), ODE, B=2) == 8 * Fraction(1, 8) * 3 / 6
    for sampling in ("cyclic", "reshuffle", "replacement", "one epoch"):
        for D in ("[a b[a]]", "[a b c[a]]", "[a[b]]"):
            for basis in ("cumulant", "moment"):
                formula = fd.maps_formula(D, sampling, basis, update=SDE)
                spacetime = fd.Spacetime(N=12, B=3, T=8)
                values = {s: {"N": 12, "B": 3, "T": 8, "E": 2}[s.name] for s in formula.free_symbols}
                direct = fd.coefficient(D, spacetime, basis, update=SDE)
                d, group = fd.Diagram.parse(D).order, fd.Diagram.parse(D).automorphisms
                assert formula.subs(values) * Fraction((-1) ** d, 3**d * group) == direct


def test_sgd_less_processes_at_a_minimum():
    """theory, Corollary 5: (T/2) C.H for the ODE; the SDE agrees to order 2, then lacks the skew -(T/6) S.J."""
    T = sympy.Symbol("T")

    def less(D, process):
        maps = fd.maps_formula(D, "one epoch").subs(BATCH, 1) - fd.maps_formula(D, "one epoch", update=process).subs(BATCH, 1)
        D = fd.Diagram.parse(D)
        return sympy.expand(sympy.expand_func(maps) * Fraction((-1) ** D.order, D.automorphisms))

    assert less("[a a]", ODE) == T / 2
    assert less("[a a]", SDE) == 0
    assert less("[a a a]", SDE) == -T / 6


def test_predict_un_resummed_floats_curves_and_symbols():
    losses, weights, tensors = problem(2, 2)
    land, B = float_landscape(losses, tensors), 2
    for process in (ODE, SDE):
        wanted = generator_series(losses, weights, B, ORDER, noise=process == SDE)
        etas, updates = np.array([0.01, 0.2]), np.array([1, 4, 6])
        p = fd.predict(land, fd.Spacetime(4, B, 2), etas, ORDER, resummed=False, update=process, T=updates)
        for d in range(ORDER + 1):
            series = sum(float(wanted.get((d, k), 0)) * updates.astype(float) ** k for k in range(d + 1))
            np.testing.assert_allclose(p.by_order[d], etas[:, None] ** d * series, rtol=1e-11, atol=1e-12)
        assert set(p.by_diagram) == {D for d in range(ORDER + 1) for D in fd.diagrams(d)}
    land = fd.landscapes.gauss()
    ode = fd.predict(land, fd.Spacetime(10, 1, 10), Fraction(1, 10), 3, resummed=False, update=ODE)
    sde = fd.predict(land, fd.Spacetime(10, 1, 10), Fraction(1, 10), 3, resummed=False, update=SDE)
    sgd = fd.predict(land, fd.Spacetime(10, 1, 10), Fraction(1, 10), 3, resummed=False)
    assert ode.by_order[1:] == (0, 0, 0)  # the start is the minimum
    assert sde.by_order[2] == sgd.by_order[2] == sympy.Rational(1, 80)
    assert sde.by_order[3] != sgd.by_order[3]


@pytest.mark.parametrize("process", [ODE, SDE], ids=str)
def test_resummed_agrees_to_its_order(process):
    """Resummed and plain series differ first at order d + 1, over several epochs too."""
    losses, weights, tensors = problem(2, 2)
    land, spacetime, B, T = float_landscape(losses, tensors), fd.Spacetime(4, 2, 5), 2, 5
    table = generator_series(losses, weights, B, ORDER, noise=process == SDE)
    series = [float(sum(x * T**k for (e, k), x in table.items() if e == d)) for d in range(ORDER + 1)]
    etas = np.array([1e-3, 5e-4])
    for order in range(1, ORDER):
        p = fd.predict(land, spacetime, etas, order, update=process)
        gap = p.total - np.polyval(series[::-1], etas)
        assert order + 0.8 < np.log2(gap[0] / gap[1]) < order + 1.3


def test_resummed_is_exact_where_the_loss_is_quadratic():
    """l_x = h theta^2 / 2 + x s theta from theta_0: an Ornstein-Uhlenbeck process."""
    h, s, g, eta, T, B = 1.5, 0.7, 0.4, 0.3, 6, 2
    land = fd.landscapes.samples([0.0, 0.0], [[g + s], [g - s]], [[[h]], [[h]]])
    k = np.exp(-eta * h * T)
    drift = -g**2 / (2 * h) + (g * k) ** 2 / (2 * h)
    noise = h / 2 * eta**2 * s**2 / B * (1 - k**2) / (2 * eta * h)
    for process, wanted in ((ODE, drift), (SDE, drift + noise)):
        p = fd.predict(land, fd.Spacetime(4, B, T), eta, 2, update=process)
        assert p.total == pytest.approx(wanted, rel=1e-12)


def test_errors_say_what_to_do():
    spacetime = fd.Spacetime(4, 1, 4)
    with pytest.raises(fd.FastdiagError, match="training point"):
        fd.coefficient("a[a]", spacetime, update=SDE)
    with pytest.raises(fd.FastdiagError, match="exact"):
        process_maps("[a]", 0.5, SDE)
    with pytest.raises(fd.FastdiagError, match=r"fastdiag\.updates"):
        fd.coefficient("[a]", spacetime, update="sde")
    with pytest.raises(fd.FastdiagError, match=r"fastdiag\.updates"):
        fd.maps_formula("[a]", update="sde")
    with pytest.raises(fd.FastdiagError, match="float eta"):
        fd.predict(fd.landscapes.gauss(), spacetime, Fraction(1, 2), update=ODE)
    with pytest.raises(fd.FastdiagError, match="T = inf"):
        fd.coefficient("[a]", fd.Spacetime(float("inf"), T=float("inf")), update=ODE)
    assert fd.coefficient("[a]", spacetime, update=fd.updates.sgd()) == fd.coefficient("[a]", spacetime)
