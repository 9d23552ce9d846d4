"""The papers' network beside one written out in loops."""

import pickle
from math import sqrt

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import InputError

pytest.importorskip("jax")
RNG = np.random.default_rng(0)
IMAGES, LABELS = RNG.random((6, 7, 8, 2)), ["a", "b", "c", "a", "b", "c"]
THETA = RNG.normal(size=2 * 9 * 2 + 2 + 9 * 2 * 3 + 3 + 3 * 5 + 5 + 5 * 3 + 3)
NET = fd.landscapes.convolutional(IMAGES, LABELS, THETA, channels=(2, 3), hidden=5)


def by_loops(image, theta):
    """The outputs: kernels placed one by one; theta layer by layer, biases first."""
    at = 0

    def taken(*shape):
        nonlocal at
        found, at = theta[at : at + int(np.prod(shape))].reshape(shape), at + int(np.prod(shape))
        return found

    for into, out in ((2, 2), (2, 3)):
        bias, kernel = taken(out), taken(3, 3, into, out) * sqrt(2 / (9 * into + 9 * out))
        rows, columns = ((side - 3) // 2 + 1 for side in image.shape[:2])
        found = np.zeros((rows, columns, out))
        for i, j, c in np.ndindex(found.shape):
            found[i, j, c] = np.tanh(bias[c] + (image[2 * i : 2 * i + 3, 2 * j : 2 * j + 3] * kernel[..., c]).sum())
        image = found
    bias, dense = taken(5), taken(3, 5) * sqrt(2 / 8)
    units = np.tanh(bias + image.reshape(-1) @ dense)
    bias, dense = taken(3), taken(5, 3) * sqrt(2 / 8)
    assert at == len(theta)
    return bias + units @ dense


def test_the_loss_is_the_networks():
    outputs = np.array([by_loops(image, THETA) for image in IMAGES])
    right = outputs[np.arange(6), [0, 1, 2, 0, 1, 2]]
    losses = np.log(np.exp(outputs).sum(axis=1)) - right
    assert NET.loss == pytest.approx(losses.mean(), rel=1e-12)
    assert NET.wrong() == (right < outputs.max(axis=1)).mean()
    chances = np.exp(3 * right) / np.exp(3 * outputs).sum(axis=1)
    assert NET.error(3).loss == pytest.approx(1 - chances.mean(), rel=1e-12)
    assert NET.error(1e5).loss == pytest.approx(NET.wrong(), abs=1e-6)


def test_the_gradient_is_a_difference_quotient():
    step = 1e-5 * RNG.normal(size=NET.dimension)
    change = NET.at(THETA + step).loss - NET.at(THETA - step).loss
    assert NET.gradient @ step == pytest.approx(change / 2, rel=1e-6)


def test_standard_normal_weights_are_xaviers():
    """Kernels of 9 places: variance 2 / (9 in + 9 out). The start is what `seed` says, biases 0."""
    network = fd.landscapes.convolutional(IMAGES, LABELS, seed=3, channels=(8, 20), hidden=30)
    for layer, numbers in zip(network.tree(), (9 * 2 * 8, 9 * 8 * 20, 20 * 30, 30 * 3), strict=True):
        assert not np.any(layer["bias"])
        assert np.size(layer["weight"]) == numbers
        assert np.var(layer["weight"]) == pytest.approx(1, abs=5 * sqrt(2 / numbers))


@pytest.mark.long
def test_the_start_is_the_seeds():
    first, again, other = (fd.landscapes.convolutional(IMAGES, LABELS, seed=seed).theta for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("shape", [pytest.param((28, 28), marks=pytest.mark.long), (32, 32, 3)])
def test_arrays_of_other_data_sets(shape):
    """Fashion-MNIST's and CIFAR-10's."""
    network = fd.landscapes.convolutional(RNG.integers(0, 256, (3, *shape)) / 255, [0, 1, 9])
    assert network.classes == (0, 1, 9)
    assert 0 < fd.uvalue("[a]", network) < np.inf


def test_it_pickles():
    again = pickle.loads(pickle.dumps(NET))
    assert (repr(again), again.loss) == ("<convolutional network: 6 images, 3 classes, 133 weights>", NET.loss)


def test_what_is_refused():
    make = fd.landscapes.convolutional
    with pytest.raises(InputError, match="X and y go together"):
        make(IMAGES)
    with pytest.raises(InputError, match="not of 2 axes"):
        make(np.ones((3, 4)), LABELS[:3])
    with pytest.raises(InputError, match="images of 5 x 5 are too small"):
        make(np.ones((3, 5, 5)), LABELS[:3])
    with pytest.raises(InputError, match="at least two classes"):
        make(IMAGES, ["a"] * 6)
    with pytest.raises(InputError, match="theta must have shape"):
        make(IMAGES, LABELS, [1.0])
    with pytest.raises(InputError, match="sharpness"):
        NET.error(0)
