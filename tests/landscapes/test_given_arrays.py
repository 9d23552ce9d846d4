"""Arrays that landscapes are given: owned, in any layout, of any scale, masked or not, and read-only in every copy."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

import fastdiag as fd
import fastdiag.record

LANDSCAPES = fd.landscapes
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 2)), [0, 1, 1, 0, 1, 0]


def arrays(value):
    """All arrays within an object."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from arrays(item)
    elif isinstance(value, fd.landscapes.Landscape):
        yield from arrays(vars(value))


@pytest.mark.parametrize("land", [
    fd.landscapes.logistic(X, Y, [0.1, 0.2], 0.1),
    fd.landscapes.samples([0.0, 1.0], [[1.0], [2.0]], [[[1.0]], [[2.0]]]),
    fd.landscapes.tensors({(1,): [1.0], (2,): [[1.0]], (1, 1): [[1.0]]}),
    fd.landscapes.estimated(fd.landscapes.logistic(X, Y, [0.1, 0.2])),
    fd.landscapes.gauss(),
], ids=lambda land: type(land).__name__)
def test_copies_are_read_only_too(land):
    fd.uvalue("[a]", land)  # fills caches
    for other in (copy.deepcopy(land), copy.copy(land), *(pickle.loads(pickle.dumps(land, p)) for p in range(6))):
        for array in arrays(other):
            assert not array.flags.writeable
        assert fd.uvalue("[a]", other) == fd.uvalue("[a]", land)


def test_columns_of_any_scale():
    X = np.array([[1e200, 1e-200, 1.0, 5e-324], [2e200, 2e-200, 1 + 2**-52, 0], [3e200, 3e-200, 1.0, 5e-324]])
    found = LANDSCAPES.standardised(X)
    root = np.sqrt(1.5)
    np.testing.assert_allclose(found[:, 0], [-root, 0, root], atol=1e-15)
    np.testing.assert_allclose(found[:, 1], [-root, 0, root], atol=1e-15)
    np.testing.assert_allclose(found[:, 2], np.array([-1, 2, -1]) / np.sqrt(2), rtol=1e-15)
    np.testing.assert_allclose(found[:, 3], np.array([1, -2, 1]) / np.sqrt(2), rtol=1e-15)
    for constant in (0.1, 0.0, 1e308, -7e-300):
        with pytest.raises(fd.errors.InputError, match="column 1 of X is constant"):
            LANDSCAPES.standardised([[1.0, constant], [2.0, constant], [3.0, constant]])
    with pytest.raises(fd.errors.InputError, match="no row"):
        LANDSCAPES.standardised(np.zeros((0, 2)))


MASKED = np.ma.array([[1.0, 2], [1e6, 1], [3, 4]], mask=[[0, 0], [1, 0], [0, 0]])
GIVEN = {
    "samples": [[0.0, 1, 2], [[1.0, 2], [3, 1], [2, 4]], np.array([[[2.0, 1], [1, 3]]] * 3) * [[[1]], [[2]], [[4]]]],
    "logistic": [[[1.0, 2], [3, 1], [2, 4]], [0.0, 1, 1], [0.5, -0.25]],
}


@pytest.mark.parametrize("kind", GIVEN)
def test_landscapes_own_their_arrays(kind):
    arrays = [np.array(a, dtype=float) for a in GIVEN[kind]]
    weights = np.array([1.0, 2, 3])
    land, same = (getattr(LANDSCAPES, kind)(*some, weights=weights.copy() if some is not arrays else weights)
                  for some in (arrays, [a.copy() for a in arrays]))
    before = fd.predict(land, fd.Spacetime(4, 1, 4), 0.1, 2).total
    for array in (*arrays, weights):
        array += 5
    st = fd.Spacetime(4, 1, 4)
    assert fd.predict(land, st, 0.1, 2).total == before == fd.predict(same, st, 0.1, 2).total
    assert fd.predict(land, st, 0.1, 2, resummed=False).total == fd.predict(same, st, 0.1, 2, resummed=False).total
    for name in ("gradient", "hessian", "gradient_covariance", "weights", "X", "theta", "derivatives"):
        array = getattr(land, name, None)
        array = array[1] if isinstance(array, tuple) else array
        if array is not None:
            try:
                array[...] = 9
            except ValueError:
                continue
            assert not np.array_equal(getattr(land, name), array)
    assert fd.predict(land, st, 0.1, 2).total == before
    assert fd.predict(pickle.loads(pickle.dumps(land)), st, 0.1, 2).total == before


def test_tensors_own_their_arrays():
    G, H = np.array([1.0, 2.0]), np.array([[2.0, 1.0], [1.0, 3.0]])
    given = {(1,): G, (2,): H, (1, 1): np.eye(2)}
    land = LANDSCAPES.tensors(given)
    G[0] = H[0, 0] = 9
    given[1,] = 0
    land.cumulants[1,] = 0
    with pytest.raises(ValueError, match="read-only"):
        land.gradient[0] = 9
    assert land.gradient.tolist() == [1, 2]
    assert land.hessian[0, 0] == 2
    assert fd.uvalue("[a]", land) == 5


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("kind", GIVEN)
def test_masks_are_refused(kind, place):
    arrays = [np.array(a, dtype=float) for a in GIVEN[kind]]
    hidden = np.ma.array(arrays[place], mask=np.arange(arrays[place].size).reshape(arrays[place].shape) == 1)
    for given in (hidden, list(hidden)):
        with pytest.raises(fd.errors.InputError, match="masked entries"):
            getattr(LANDSCAPES, kind)(*arrays[:place], given, *arrays[place + 1 :])
    for call in (
        lambda: getattr(LANDSCAPES, kind)(*arrays, weights=np.ma.array([1.0, 2, 3], mask=[0, 1, 0])),
        lambda: LANDSCAPES.tensors({(1,): np.ma.array([1.0, 2], mask=[0, 1])}),
        lambda: LANDSCAPES.standardised(MASKED),
        lambda: LANDSCAPES.with_bias(MASKED),
        lambda: LANDSCAPES.logistic([[1.0]], [0], [0.0], ridge=np.ma.array([1.0], mask=[1])),
        lambda: LANDSCAPES.samples(*GIVEN["samples"][:1], np.array([["1_0", "2"]] * 3, dtype=object)),
    ):
        with pytest.raises(fd.errors.InputError, match=r"masked entries|array of real numbers"):
            call()


def layouts(array):
    array = np.array(array, dtype=np.float64)
    yield array.astype(np.float32)
    yield np.asfortranarray(array)
    yield array[::-1].copy()[::-1]
    yield np.lib.stride_tricks.as_strided(array.copy(), writeable=False)
    yield array.tolist()
    if array.ndim == 2:
        frame = pd.DataFrame(array)
        yield from (frame, frame.astype("float32[pyarrow]"), frame.astype("Float64"), frame.astype("double[pyarrow]"))
    if array.ndim == 1:
        column = pd.Series(array)
        yield from (column, column.astype("Float64"), column.astype("double[pyarrow]"))


@pytest.mark.parametrize("kind", [*GIVEN, "tensors"])
def test_layouts_agree_to_the_last_bit(kind):
    def bits(land):
        parts = [land.gradient, land.hessian, land.gradient_covariance]
        runs = [fd.predict(land, fd.Spacetime(4, 1, 4), 0.1, 2, resummed=r).total for r in (True, False)] if kind != "tensors" else []
        return [np.asarray(part).tobytes() for part in (*parts, *runs)]

    def build(arrays):
        return LANDSCAPES.tensors(dict(zip([(1,), (2,), (1, 1)], arrays, strict=True))) if kind == "tensors" else getattr(LANDSCAPES, kind)(*arrays)

    arrays = [[1.5, 2], [[2.0, 1], [1, 3]], [[2.0, 1], [1, 3]]] if kind == "tensors" else GIVEN[kind]
    wanted = bits(build(arrays))
    for place, array in enumerate(arrays):
        for other in layouts(array):
            assert bits(build([*arrays[:place], other, *arrays[place + 1 :]])) == wanted, type(other)


@pytest.mark.parametrize("kind", GIVEN)
def test_floating_point_errors_that_a_script_asks_for(kind):
    """Harmless underflow and overflow raise nothing."""
    arrays = [np.array(a, dtype=float) for a in GIVEN[kind]]
    arrays[0 if kind == "logistic" else 1] = arrays[0 if kind == "logistic" else 1] * 1e-170
    st = fd.Spacetime(4, 1, 4)
    with np.errstate(all="raise"):
        land = getattr(LANDSCAPES, kind)(*arrays, weights=[1.0, 1e-320, 2])
        assert (land.gradient_covariance < 1e-300).all()
        for resummed in (True, False):
            fd.predict(land, st, 0.1, 2, resummed=resummed)
        fd.estimate("[a a]", getattr(LANDSCAPES, kind)(*arrays))
        far = LANDSCAPES.logistic([[1.0], [-1.0]], [0, 1], [-800.0])
        assert far.loss == far.gradient[0] == 0
        LANDSCAPES.standardised([[1e-200], [2e-200]])
