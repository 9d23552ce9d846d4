"""Resummed sums of linear models by few rates and points' tensors, beside the same from all of the tensors."""

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
ALL = {str(diagram) for diagram in fd.diagrams(3, irreducible=True) if diagram.satisfies_path_condition}
MATRIX = np.diag(np.linspace(0.05, 0.15, 30)) + 0.001
QUIET = pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning")


@pytest.fixture
def ways(monkeypatch):
    """Dense, and by structure; and which diagrams went which way."""
    made, compute_so = [], structure.by_structure

    def watched(*arguments):
        found = compute_so(*arguments)
        made.append((str(arguments[0]), found is not None))
        return found

    monkeypatch.setattr(sys.modules["fastdiag.values.rvalue"], "by_structure", watched)
    monkeypatch.setattr(structure, "NODES", 0)

    def both(compute):
        monkeypatch.setattr(structure, "MANY", 10**9)
        made.clear()
        dense = compute()
        assert not made
        monkeypatch.setattr(structure, "MANY", 2)
        return compute(), dense, made

    return both


def agree(ours, dense):
    for diagram, wanted in dense.by_diagram.items():
        size = 1e-12 * np.abs(wanted).max(initial=0.0)
        np.testing.assert_allclose(ours.by_diagram[diagram], wanted, rtol=1e-10, atol=1e-14 + size, err_msg=str(diagram))


@QUIET
@pytest.mark.every(2)
@pytest.mark.parametrize("eta", [0.3, [0.1, 0.4], MATRIX], ids=["number", "numbers", "matrix"])
@pytest.mark.parametrize("name", LANDSCAPES)
def test_one_epoch(name, eta, ways, monkeypatch):
    monkeypatch.setattr(sys.modules["fastdiag.values.factored"], "SLICE_BYTES", 60000)
    for T in (7, [1, 5, 9]):
        st = fd.Spacetime(N=20, B=2, T=9)
        ours, dense, made = ways(lambda st=st, T=T: fd.predict(LANDSCAPES[name], st, eta, 3, T=T))
        agree(ours, dense)
        assert {text for text, found in made if found} == ALL


@QUIET
@pytest.mark.every(5)
@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
@pytest.mark.parametrize("observable", ["test_loss", "generalization_gap", "test_loss_variance", "displacement", "covariance"])
@pytest.mark.parametrize("name", LANDSCAPES)
def test_several_epochs_and_observables(name, observable, sampling, ways):
    ours, dense, made = ways(lambda: fd.predict(LANDSCAPES[name], fd.Spacetime(N=6, B=2, T=6, sampling=sampling), 0.5, 3, observable))
    agree(ours, dense)
    assert made
    assert all(found for _, found in made)


@QUIET
@pytest.mark.parametrize("how", ["given", "function", "fourth order"])
def test_given_points_functions_and_higher_orders(how, ways):
    """Ties of all kinds to rows; a root of another landscape, with factors and without."""
    land, st, order, options = LANDSCAPES["least squares"], fd.Spacetime(N=50, T=5), 3, {}
    if how == "given":
        land = LANDSCAPES["logistic"].at(LANDSCAPES["logistic"].theta / 2)
        land, options = fd.landscapes.logistic(land.X, land.y, land.theta), {"training_set": "given"}
    elif how == "function":
        land, options = LANDSCAPES["softmax"], {"observable": fd.observable(LANDSCAPES["least squares"].at(LANDSCAPES["softmax"].theta))}
    else:
        order, land = 4, fd.landscapes.softmax(X[:20, :3], Y[:20], RNG.normal(size=9))
    ours, dense, made = ways(lambda: fd.predict(land, st, 0.2, order, **options))
    agree(ours, dense)
    assert {text.count("[") for text, _ in made} >= {1, 2}
    assert all(found for _, found in made)


@QUIET
@pytest.mark.parametrize("name", LANDSCAPES)
def test_three_leaves_at_one_time(name, monkeypatch):
    """By powers of one product, which several epochs' sums are not."""
    land, st, text = LANDSCAPES[name], fd.Spacetime(N=20, B=2, T=10), fd.Diagram.parse("[a a a]")
    land, again = land.at(land.theta / 2), fd.Spacetime(N=4, B=2, T=6, sampling="replacement")
    wanted = fd.predict(land, st, [0.1, 0.4], 3, T=[2, 10]).by_diagram[text], fd.predict(land, again, 0.4, 3).by_diagram[text]
    monkeypatch.setattr(structure, "MANY", 2)
    monkeypatch.setattr(structure, "NODES", 10**9)
    tied, other = [], structure.tied
    monkeypatch.setattr(structure, "tied", lambda *given: tied.append(other(*given)) or tied[-1])
    np.testing.assert_allclose(fd.predict(land, st, [0.1, 0.4], 3, T=[2, 10]).by_diagram[text], wanted[0], rtol=1e-10, atol=1e-18)
    assert sum(found is not None for found in tied) == 1
    np.testing.assert_allclose(fd.predict(land, again, 0.4, 3).by_diagram[text], wanted[1], rtol=1e-10, atol=1e-18)
    assert sum(found is not None for found in tied) == 1


@QUIET
def test_rules_and_two_sizes_of_batches_go_the_other_way(ways):
    for st, update in ((fd.Spacetime(N=10, T=6), fd.updates.momentum(0.5)), (fd.Spacetime(N=5, B=2, T=5, last="keep"), None)):
        ours, dense, made = ways(lambda st=st, update=update: fd.predict(LANDSCAPES["softmax"], st, 0.3, 3, update=update))
        assert ours.total == dense.total
        assert not made


@QUIET
@pytest.mark.every(3)
@pytest.mark.parametrize("T", [1, 2, 50, 10**6, np.inf])
@pytest.mark.parametrize("largest", [1e-3, 1.0, 1.9])
def test_long_times_and_large_steps(largest, T, ways):
    """eta h to 1.9."""
    land = LANDSCAPES["logistic"]
    eta = largest / float(np.linalg.eigvalsh(land.hessian)[-1])
    ours, dense, made = ways(lambda: fd.predict(land, fd.Spacetime(N=np.inf, T=T), eta, 3))
    np.testing.assert_allclose(ours.by_order, dense.by_order, rtol=1e-9, atol=1e-12 * np.abs(dense.by_order).max())
    assert T == 1 or largest > 1 or all(found for _, found in made)


@QUIET
def test_where_digits_would_be_lost_all_tuples_are_summed_over(ways):
    """eta h = 1.999: terms of both signs cancel."""
    land = LANDSCAPES["logistic"]
    eta = 1.999 / float(np.linalg.eigvalsh(land.hessian)[-1])
    ours, dense, made = ways(lambda: fd.predict(land, fd.Spacetime(N=9, T=2), eta, 3))
    assert ours.by_diagram[fd.Diagram.parse("[a b c]")] == dense.by_diagram[fd.Diagram.parse("[a b c]")]
    assert {text for text, found in made if found} <= {"[a a a]"}


def test_a_sum_over_maps_of_low_rank():
    rates, st = np.linspace(0, 2, 80), fd.Spacetime(N=200, T=200)
    diagram = fd.Diagram.parse("[a[b b]]")
    runs = sys.modules["fastdiag.values.rvalue"]._runs(diagram, [st], False, ())
    places, shares = structure.skeleton(diagram, runs, np.array([0.3]), [st], rates)
    assert len(places) <= 25
    assert structure.skeleton(diagram, runs, np.array([0.01, 0.02, 0.05, 0.3]), [st], rates) is not None
    index = np.random.default_rng(3).integers(0, 80, (3, 400))
    found = structure._sums(diagram, runs, np.array([0.3]), [st], rates[index])[0, 0]
    few = structure._sums(diagram, runs, np.array([0.3]), [st], rates[places][np.indices((len(places),) * 3).reshape(3, -1)])
    rows = [shares[index[e]] for e in range(3)]
    joined = np.einsum("pqs,xp,xq,xs->x", few.reshape((len(places),) * 3), *rows, optimize=True)
    np.testing.assert_allclose(joined, found, rtol=1e-10)


@pytest.mark.parametrize("text", ["[a a a]", "[a a b]", "[a a[b]]", "[a[b b]]"])
@pytest.mark.parametrize(("points", "scales"), [(40, [1, 1]), (40, [1, 0.3, 0.1, 1e-3]), (6, [2, 1, 1, 1, 1, 1, 1])], ids=["two", "four", "few points"])
def test_what_few_directions_have_is_not_missed(text, points, scales):
    """Columns of zeros beside some that are none change nothing: no chance of a few rates in 192 decides."""
    rng = np.random.default_rng(1)
    live = rng.normal(size=(points, len(scales))) * scales
    live[:, 0] = scales[0]
    X, y, theta = np.pad(live, ((0, 0), (0, 192 - len(scales)))), np.arange(points) % 2, np.ones(192)
    eta = 1.7 / float(np.linalg.eigvalsh(fd.landscapes.logistic(X, y, theta).hessian)[-1])
    for st in fd.Spacetime(N=60, T=60), fd.Spacetime(N=6, T=18), fd.Spacetime(N=4, B=2, T=7, sampling="cyclic"):
        few, many = (fd.rvalue(text, fd.landscapes.logistic(X[:, :k], y, theta[:k]), st, eta) for k in (len(scales), 192))
        np.testing.assert_allclose(many, few, rtol=1e-9)


def test_order_four_of_a_matrix():
    """`[a b[a a]]` has the parts of `[a a a]` and one edge more."""
    X = RNG.normal(size=(20, 96)) / 10
    land = fd.landscapes.logistic(np.pad(X[:, :3], ((0, 0), (0, 93))), np.arange(20) % 2, np.ones(96))
    few = fd.landscapes.logistic(X[:, :3], np.arange(20) % 2, np.ones(3))
    st = fd.Spacetime(N=4, T=3)
    ours, dense = (fd.predict(each, st, 0.1, order=4, observable="covariance") for each in (land, few))
    np.testing.assert_allclose(ours.total[:3, :3], dense.total, rtol=1e-9)
    assert not ours.total[3:].any()


@pytest.mark.long
def test_three_hundred_weights(ways):
    rng = np.random.default_rng(0)
    big = rng.normal(size=(400, 300)) / 10
    land = fd.landscapes.logistic(big, rng.integers(0, 2, 400), rng.normal(size=300), ridge=0.01)
    ours, dense, _ = ways(lambda: fd.predict(land, fd.Spacetime(N=100, T=100), 0.1, 3))
    np.testing.assert_allclose(ours.by_order, dense.by_order, rtol=1e-11)


def test_memory_is_asked_for_what_is_formed(ways, monkeypatch):
    """A megabyte is enough by structure, over several epochs too, and not for the tensors, which momentum takes."""
    eigenbasis = sys.modules["fastdiag.values.eigenbasis"]
    monkeypatch.setattr(eigenbasis, "ALWAYS_FITS", 0)
    monkeypatch.setattr(eigenbasis, "free_bytes", lambda: 10**6)
    again = fd.Spacetime(N=6, T=12)
    land = LANDSCAPES["logistic"].at(np.full(30, 0.1))  # of which no tensors are kept
    with pytest.raises(fd.errors.TooLargeError, match="30 weights"):
        fd.predict(land, again, 0.1, 3)
    monkeypatch.setattr(structure, "MANY", 2)
    assert np.isfinite(fd.predict(land, again, 0.1, 3).total)
    with pytest.raises(fd.errors.TooLargeError, match="30 weights"):
        fd.predict(land, again, 0.1, 3, update=fd.updates.momentum(0.5))
