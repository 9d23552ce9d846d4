"""Results from a minimum where the Hessian has noise too: closed form, engine, and training sets listed in Fractions."""

from fractions import Fraction
from itertools import product
from math import inf

import numpy as np
import pytest

import fastdiag as fd

F, R = Fraction, fd.results


def minimum(seed):
    """Whole gradients of mean zero, Hessians and third derivatives all noisy, in one weight or two."""
    rng = np.random.default_rng(seed)
    n, S = int(rng.integers(1, 3)), int(rng.integers(2, 5))
    g = rng.integers(-3, 4, (S, n))
    g[0] -= g.sum(axis=0)
    H = rng.integers(-2, 3, (S, n, n))
    H = H + H.transpose(0, 2, 1)
    H = H + (1 + 2 * n + abs(H).max()) * np.eye(n, dtype=int)
    J = rng.integers(-2, 3, (S, n, n, n))
    J = sum(J.transpose(0, *p) for p in ((1, 2, 3), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1)))
    land = fd.landscapes.samples(np.zeros(S), g, H, J)
    return land, 0.5 / np.linalg.eigvalsh(land.hessian)[-1], int(rng.integers(1, 6)), int(rng.integers(1, 8))


@pytest.mark.parametrize("seed", range(20))
def test_closed_forms_are_the_engines(seed):
    land, eta, N, T = minimum(seed)
    for result, arguments in (
        (R.corollary_2, (N, T)), (R.corollary_2, (N, inf)), (R.stic, (N, T)), (R.stic, (N, inf)), (R.theorem_2, ()),
        (R.corollary_1, (T,)), (R.corollary_1, (inf,)), (R.example_1, (T,)), (R.corollary_5, (T,)), (R.corollary_3, (N,)),
        (R.gdc, (N,)), (R.corollary_4, (N, T)),
    ):
        closed, derived = result(land, eta, *arguments), result.derived(land, eta, *arguments)
        np.testing.assert_allclose(closed, derived, rtol=1e-9, atol=1e-12, err_msg=repr(result))


@pytest.mark.parametrize("gradients", [(1, 1, -2), (3, -1, -2), (2, 0, -2)])
@pytest.mark.parametrize(("N", "T"), [(1, 3), (2, 2), (3, 4)])
def test_the_gap_of_order_1_by_listing_training_sets(gradients, N, T):
    """GD on N points, the loss's Hessian h in every step: gap = -mean over sets of (their gradient) . (displacement)."""
    hessians, eta = (1, 1, 4), F(1, 10)
    h = F(sum(hessians), 3)
    gap = F(0)
    for rows in product(range(3), repeat=N):
        slope, moved = F(sum(gradients[i] for i in rows), N), F(0)
        for _ in range(T):
            moved -= eta * (slope + h * moved)
        gap -= slope * moved / 3**N
    land = fd.landscapes.samples([0] * 3, [[g] for g in gradients], [[[c]] for c in hessians])
    for found in (R.corollary_2(land, 0.1, N, T), R.corollary_2.derived(land, 0.1, N, T)):
        assert found[1] == pytest.approx(float(gap), rel=1e-13)
    for found in (R.stic(land, 0.1, N, T), R.stic.derived(land, 0.1, N, T)):
        assert found == pytest.approx(float(gap), rel=1e-13)


def test_the_gap_and_its_derivation_are_both_of_order_1():
    """Where the Hessian has noise the gap of order 2 is another number, and neither of the two."""
    land, eta, N, T = minimum(0)
    further = fd.predict(land, fd.Spacetime(N, N, T), eta, 2, "generalization_gap").total
    for found in (R.corollary_2(land, eta, N, T)[1], R.corollary_2.derived(land, eta, N, T)[1]):
        assert abs(further - found) > 1e-4 * found
    for found in (R.stic(land, eta, N, T), R.stic.derived(land, eta, N, T)):
        assert abs(land.loss + further - found) > 1e-4 * found
    np.testing.assert_allclose(R.corollary_2.derived(fd.landscapes.gauss(), 0.1, 10), (0.05, 0.1), rtol=1e-9)
