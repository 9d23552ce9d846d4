"""The papers' network on images: two tanh convolutions and two dense layers."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod, sqrt
from typing import Any

import numpy as np

from ..arguments import ndim, real, sequence, shown, whole
from ..door import door
from ..errors import InputError
from ..memory import require
from ..numerals import counted
from ..record import frozen
from ..typing import FloatArray
from .autodiff import Autodiff, JaxDerivatives, jax
from .datasets import digits
from .directional import check_start
from .labels import classes_of
from .landscape import checked, checked_weights


@dataclass(frozen=True, slots=True)
class Network:
    """The shapes of the layers; a call is the loss of one image, the cross-entropy of its class."""

    image: tuple[int, int, int]
    """Rows, columns, channels."""
    channels: tuple[int, int]
    hidden: int
    classes: int
    kernel: int
    stride: int

    @property
    def grids(self) -> list[tuple[int, int]]:
        """Rows and columns after each convolution; only whole kernels count."""
        found, (rows, columns, _) = [], self.image
        for _ in self.channels:
            rows, columns = ((side - self.kernel) // self.stride + 1 for side in (rows, columns))
            found.append((rows, columns))
        return found

    @property
    def layers(self) -> list[tuple[int, int, int]]:
        """Of each layer numbers in and out of one unit, and the places that a kernel stands at."""
        square = self.kernel**2
        _, second = self.grids
        return [
            (square * self.image[2], self.channels[0], square), (square * self.channels[0], self.channels[1], square),
            (prod(second) * self.channels[1], self.hidden, 1), (self.hidden, self.classes, 1),
        ]

    def start(self, seed: int) -> list[dict[str, FloatArray]]:
        """Standard normal weights, biases 0."""
        count = sum((into + 1) * out for into, out, _ in self.layers)
        require(8 * count, "so many weights", "ask for fewer channels or hidden units")
        rng = np.random.default_rng(seed)
        return [{"bias": np.zeros(out), "weight": rng.standard_normal((into, out))} for into, out, _ in self.layers]

    def outputs(self, theta: Any, image: Any) -> Any:
        """One number for each class."""
        jnp = jax().numpy
        found = image.reshape(self.image)
        for number, ((into, out, square), layer) in enumerate(zip(self.layers, theta, strict=True)):
            if number < 2:
                found = self._patches(found, self.grids[number])
            scale = sqrt(2 / (into + out * square))  # of Xavier's (Glorot's) normal weights
            found = found.reshape(-1, into) @ (scale * layer["weight"]) + layer["bias"]
            if number < 3:
                found = jnp.tanh(found)
            if number < 2:
                found = found.reshape(*self.grids[number], out)
        return found[0]

    def _patches(self, image: Any, grid: tuple[int, int]) -> Any:
        """What the kernel sees at each place, (places, kernel^2 channels)."""
        places = [self.stride * np.arange(side)[:, None] + np.arange(self.kernel) for side in grid]
        seen = image[places[0][:, None, :, None], places[1][None, :, None, :]]
        return seen.reshape(grid[0] * grid[1], -1)

    def __call__(self, theta: Any, image: Any, y: Any) -> Any:
        u = self.outputs(theta, image)
        return jax().nn.logsumexp(u) - u[y]


@dataclass(frozen=True, slots=True)
class SmoothError:
    """1 less the chance of the right class, were the outputs `sharpness` times as large; its limit is the 0-1 error."""

    network: Network
    sharpness: float

    def __call__(self, theta: Any, image: Any, y: Any) -> Any:
        return 1 - jax().nn.softmax(self.sharpness * self.network.outputs(theta, image))[y]


class Convolutional(Autodiff):
    """The papers' network; see `convolutional`."""

    network: Network
    classes: tuple[Any, ...]
    """The labels, sorted."""

    @door
    def error(self, sharpness: float = 4.0) -> Autodiff:
        """The 0-1 error through a smooth stand-in, as the loss of a landscape at the same weights: to be observed.

        Parameters
        ----------
        sharpness : > 0; the error is 1 less the chance of the right class where all outputs are as many times as large.
            It goes to the 0-1 error as this goes to infinity, and its derivatives grow

        Raises
        ------
        InputError : no number above 0
        """
        loss = SmoothError(self.network, real("sharpness", sharpness, above=0))
        data = self.derivatives
        return Autodiff(JaxDerivatives(loss, data.form, data.X, data.y), self.theta, self.weights)

    def wrong(self) -> float:
        """The 0-1 error at theta_0: the share of the points whose largest output is another class's."""
        data, every = self.derivatives, self.every
        sharp = JaxDerivatives(_Wrong(self.network), data.form, data.X, data.y)
        return float(self.weights @ sharp.losses(self.theta, every))

    def __repr__(self) -> str:
        images, weights = counted(len(self.weights), "image"), counted(self.dimension, "weight")
        return f"<convolutional network: {images}, {len(self.classes)} classes, {weights}>"


@dataclass(frozen=True, slots=True)
class _Wrong:
    network: Network

    def __call__(self, theta: Any, image: Any, y: Any) -> Any:
        return 1.0 * (self.network.outputs(theta, image).argmax() != y)


@door
def convolutional(
    X: object | None = None,
    y: object | None = None,
    theta: object | None = None,
    seed: int = 0,
    channels: object = (4, 6),
    hidden: int = 8,
    kernel: int = 3,
    stride: int = 2,
    weights: object | None = None,
) -> Convolutional:
    """The papers' network (extra `jax`): two tanh convolutions, a tanh layer, a linear one, and the cross-entropy.

    Layers are parametrised so that standard normal weights are Xavier's: a weight enters as sqrt(2 / (in + out)) times
    itself, in and out the numbers that a unit takes and gives (of a kernel, times its places). Biases enter as they are.

    Parameters
    ----------
    X : (S, rows, columns) images, or (S, rows, columns, channels), such as Fashion-MNIST's (S, 28, 28) and CIFAR-10's
        (S, 32, 32, 3), about from 0 to 1; the 1,797 digits of 8 x 8 pixels by default. They *are* the distribution
    y : (S,) labels of two or more classes
    theta : (n,) starting weights; from `seed` by default
    seed : of standard normal weights; biases then are 0
    channels : of the two convolutions
    hidden : units of the third layer
    kernel, stride : of both convolutions, without padding
    weights : (S,) probabilities of the points, normalised here; uniform by default

    Returns
    -------
    Convolutional, an `autodiff` landscape; `.error()` is the 0-1 error's smooth stand-in, for `fastdiag.observable` or as
    `test=`; 408 weights on the digits

    Raises
    ------
    UnsupportedError : JAX is not installed
    InputError : wrong shapes, images smaller than the kernels, one class only
    TooLargeError : more weights than fit into memory

    Examples
    --------
    >>> import fastdiag as fd
    >>> net = fd.landscapes.convolutional(seed=1)
    >>> net, net.wrong() > 0.5, abs(net.error(1e6).loss - net.wrong()) < 1e-3
    (<convolutional network: 1797 images, 10 classes, 408 weights>, True, True)
    """
    jax()
    if (X is None) != (y is None):
        raise InputError("X and y go together; give both, or neither for the digits")
    if X is None:
        real_data = digits()
        images: FloatArray = frozen(np.array(real_data.X[:, :64]).reshape(-1, 8, 8))
        labels: object = real_data.y
    else:
        axes = ndim(X)
        if axes not in (3, 4):
            raise InputError(f"X must be (S, rows, columns) or (S, rows, columns, channels), not of {axes} axes")
        images, labels = checked("X", X, (None,) * axes, "images, rows, columns"), y
    if 0 in images.shape:
        raise InputError(f"X must have at least one image and one pixel, not shape {images.shape}")
    classes, places = classes_of(labels, len(images))
    if len(classes) < 2:
        raise InputError(f"y must hold at least two classes; all labels are {shown(classes[0])}")
    sizes = [whole("channels", size, 1) for size in sequence("channels", channels, "two whole numbers")]
    if len(sizes) != 2:
        raise InputError(f"channels must be two whole numbers, not {len(sizes)}")
    shape = images.shape[1], images.shape[2], images.shape[3] if images.ndim == 4 else 1
    network = Network(
        shape, (sizes[0], sizes[1]), whole("hidden", hidden, 1), len(classes), whole("kernel", kernel, 1),
        whole("stride", stride, 1),
    )
    if min(map(min, network.grids)) < 1:
        raise InputError(
            f"images of {shape[0]} x {shape[1]} are too small for two convolutions of kernel {shown(kernel)} and stride "
            f"{shown(stride)}; take smaller ones"
        )
    form = network.start(whole("seed", seed, 0))
    flat = np.concatenate([part.reshape(-1) for layer in form for part in (layer["bias"], layer["weight"])])
    start = frozen(flat) if theta is None else checked("theta", theta, (len(flat),), "one entry per weight")
    derivatives = JaxDerivatives(network, form, images, frozen(np.asarray(places, np.int64)))
    found = Convolutional(derivatives, start, checked_weights(weights, len(images)))
    found.network, found.classes = network, classes
    check_start(found)
    return found
