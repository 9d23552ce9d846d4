"""Resummed sums of order 3 without arrays of n^3 numbers, beside the same from all of the tensors."""

import sys

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.values import by_structure as structure

RNG = np.random.default_rng(1)
X, Y = RNG.normal(size=(50, 30)) / 3, RNG.integers(0, 3, 50)
WEIGHTS = RNG.random(50)
LANDSCAPES = {
    "logistic": fd.landscapes.logistic(X, Y % 2, RNG.normal(size=30) / 2, ridge=0.05, weights=WEIGHTS),
    "softmax": fd.landscapes.softmax(X[:, :10], Y, RNG.normal(size=30) / 2, ridge=0.05, weights=WEIGHTS),
    "least squares": fd.landscapes.least_squares(X, RNG.normal(size=50), RNG.normal(size=30)),
}
ALL = sorted({str(diagram) for diagram in fd.diagrams(3, irreducible=True)})
MATRIX = np.diag(np.linspace(0.05, 0.15, 30)) + 0.001
QUIET = pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning")


@pytest.fixture
def ways(monkeypatch):
    """Dense, and by structure; and which diagrams went which way."""
    made, slabs = [], structure.slabs

    def watched(*arguments):
        found = slabs(*arguments)
        made.append((str(arguments[0]), found is not None))
        return found

    monkeypatch.setattr(sys.modules["fastdiag.values.rvalue"], "slabs", watched)
    monkeypatch.setattr(structure, "NODES", 0)

    def both(compute):
        monkeypatch.setattr(structure, "MANY", 10**9)
        dense = compute()
        monkeypatch.setattr(structure, "MANY", 2)
        return compute(), dense, made

    return both


@QUIET
@pytest.mark.parametrize("eta", [0.3, [0.1, 0.4], MATRIX], ids=["number", "numbers", "matrix"])
@pytest.mark.parametrize("name", LANDSCAPES)
def test_one_epoch(name, eta, ways, monkeypatch):
    monkeypatch.setattr(structure, "SLAB_BYTES", 60000)  # several slabs
    for T in (7, [1, 5, 9]):
        st = fd.Spacetime(N=20, B=2, T=9)
        ours, dense, made = ways(lambda st=st, T=T: fd.predict(LANDSCAPES[name], st, eta, 3, T=T))
        for diagram, wanted in dense.by_diagram.items():
            np.testing.assert_allclose(ours.by_diagram[diagram], wanted, rtol=1e-10, atol=1e-14, err_msg=str(diagram))
    assert {text for text, found in made if found} >= {"[a a a]", "[a a b]", "[a b c]", "[a a[b]]", "[a[b b]]", "[a[b c]]"}


@QUIET
@pytest.mark.parametrize("name", LANDSCAPES)
def test_three_leaves_at_one_time(name, monkeypatch):
    """By powers of one product, which several epochs' sums are not."""
    land, st = LANDSCAPES[name], fd.Spacetime(N=20, B=2, T=10)
    land = land.at(land.theta / 2)
    wanted = fd.predict(land, st, [0.1, 0.4], 3, T=[2, 10]).by_diagram[fd.Diagram.parse("[a a a]")]
    monkeypatch.setattr(structure, "MANY", 2)
    monkeypatch.setattr(structure, "_symmetric", None)  # slabs are not made
    monkeypatch.setattr(structure, "NODES", 10**9)
    found = fd.predict(land, st, [0.1, 0.4], 3, T=[2, 10]).by_diagram[fd.Diagram.parse("[a a a]")]
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-18)
    with pytest.raises(TypeError):
        fd.predict(land, fd.Spacetime(N=4, B=2, T=6, sampling="replacement"), 0.4, 3)


@QUIET
@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
@pytest.mark.parametrize("observable", ["test_loss", "generalization_gap", "test_loss_variance"])
def test_several_epochs_and_observables(observable, sampling, ways):
    st = fd.Spacetime(N=6, B=2, T=8, sampling=sampling)
    ours, dense, made = ways(lambda: fd.predict(LANDSCAPES["logistic"], st, 0.5, 3, observable))
    for diagram, wanted in dense.by_diagram.items():
        np.testing.assert_allclose(ours.by_diagram[diagram], wanted, rtol=1e-10, atol=1e-14, err_msg=str(diagram))
    if observable == "test_loss":
        assert {text for text, found in made if found} >= {"[a a a]", "[a a[a]]", "[a[b c]]"}


@QUIET
@pytest.mark.parametrize("update", [fd.updates.momentum(0.5), fd.updates.schedule([1.0, 0.5] * 5)])
def test_rules(update, ways):
    ours, dense, made = ways(lambda: fd.predict(LANDSCAPES["softmax"], fd.Spacetime(N=10, T=6), 0.3, 3, update=update))
    np.testing.assert_allclose(ours.by_order, dense.by_order, rtol=1e-11)
    assert ("[a a a]", True) in made
    assert ("[a[b c]]", False) in made  # whose sums over maps are not tried


@QUIET
@pytest.mark.parametrize("T", [1, 2, 50, 10**6, np.inf])
@pytest.mark.parametrize("largest", [1e-3, 1.0, 1.9])
def test_long_times_and_large_steps(largest, T, ways):
    """eta h to 1.9."""
    land = LANDSCAPES["logistic"]
    eta = largest / float(np.linalg.eigvalsh(land.hessian)[-1])
    ours, dense, _ = ways(lambda: fd.predict(land, fd.Spacetime(N=np.inf, T=T), eta, 3))
    np.testing.assert_allclose(ours.by_order, dense.by_order, rtol=1e-9, atol=1e-12 * np.abs(dense.by_order).max())


def test_a_sum_over_maps_of_low_rank():
    rates, st = np.linspace(0, 2, 80), fd.Spacetime(N=200, T=200)
    diagram = fd.Diagram.parse("[a[b b]]")
    runs = sys.modules["fastdiag.values.rvalue"]._runs(diagram, [st], False, ())
    places, shares = structure.skeleton(diagram, 0, runs, np.array([0.3]), [st], rates)
    assert len(places) <= 20
    assert structure.skeleton(diagram, 0, runs, np.array([0.01, 0.02, 0.05, 0.3]), [st], rates) is not None
    index = np.array([[i, j, k] for i in range(80) for j in (0, 7, 79) for k in (3, 79)]).T
    found = structure._sums(diagram, runs, np.array([0.3]), [st], rates, index).reshape(80, 6)
    np.testing.assert_allclose(shares @ found[places], found, rtol=1e-11, atol=1e-12 * np.abs(found).max())


@pytest.mark.long
def test_three_hundred_weights(ways):
    rng = np.random.default_rng(0)
    big = rng.normal(size=(400, 300)) / 10
    land = fd.landscapes.logistic(big, rng.integers(0, 2, 400), rng.normal(size=300), ridge=0.01)
    ours, dense, _ = ways(lambda: fd.predict(land, fd.Spacetime(N=100, T=100), 0.1, 3))
    np.testing.assert_allclose(ours.by_order, dense.by_order, rtol=1e-11)


def test_memory_is_asked_for_what_is_formed(ways, monkeypatch):
    """A megabyte is enough by structure, and not for the tensors; several epochs have others."""
    eigenbasis = sys.modules["fastdiag.values.eigenbasis"]
    monkeypatch.setattr(eigenbasis, "ALWAYS_FITS", 0)
    monkeypatch.setattr(eigenbasis, "free_bytes", lambda: 10**6)
    fresh, again = fd.Spacetime(N=6, T=6), fd.Spacetime(N=6, T=12)
    land = LANDSCAPES["logistic"].at(np.full(30, 0.1))  # of which no tensors are kept
    with pytest.raises(fd.errors.TooLargeError, match="30 weights"):
        fd.predict(land, fresh, 0.1, 3)
    monkeypatch.setattr(structure, "MANY", 2)
    assert np.isfinite(fd.predict(land, fresh, 0.1, 3).total)
    with pytest.raises(fd.errors.TooLargeError, match="30 weights"):
        fd.predict(land, again, 0.1, 3)
