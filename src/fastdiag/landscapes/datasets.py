"""Real data as landscapes."""

from __future__ import annotations

from io import BytesIO
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import array
from ..door import door
from ..errors import DataError, InputError
from ..files import contents, find
from ..typing import FloatArray, IntArray
from .logistic import Logistic, logistic
from .softmax import Softmax, softmax

if TYPE_CHECKING:
    from zipfile import ZipFile

BREAST_CANCER = "3a54a12ffd3db348fbe319a9056329cde28da5b2e5ecc26ff7fb9f54aa7cc9f4"  # sha256 of X and y, byte after byte
DIGITS = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"
HEADER = 1 << 12  # bytes before an array
ADVICE = "restore it, or let FASTDIAG_DATA_DIR name another folder"


@door
def breast_cancer(ridge: float = 0.1, theta: object | None = None) -> Logistic:
    """Logistic regression on the Breast Cancer Wisconsin (Diagnostic) measurements, 569 points, 31 weights.

    Parameters
    ----------
    ridge : coefficient of |theta|^2 / 2
    theta : (31,) starting weights, zeros by default; the last is the bias

    Returns
    -------
    Logistic; the 30 measurements are standardised, label 1 is benign. The 569 points are the distribution: training
    sets are drawn from them with replacement.

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.landscapes.breast_cancer()
    <logistic landscape: 569 points, 31 weights>
    """
    measured, y = _measurements(
        find("breast_cancer.npz"), "the breast cancer data", BREAST_CANCER, np.dtype("<f8"), (569, 30)
    )
    return logistic(with_bias(standardised(measured)), y, theta, ridge)


@door
def digits(ridge: float = 0.0, theta: object | None = None) -> Softmax:
    """Softmax regression on handwritten digits: 1,797 images of 8 x 8 pixels, ten classes, 650 weights.

    Parameters
    ----------
    ridge : coefficient of |theta|^2 / 2
    theta : (10, 65) starting weights, zeros by default; the last column is the bias

    Returns
    -------
    Softmax; pixels are from 0 to 1. The 1,797 images are the distribution: training sets are drawn from them with
    replacement. `.X[:, :64]` are the images, `.y` the digits.

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.landscapes.digits()
    <softmax landscape: 1797 points, 10 classes, 650 weights>
    """
    pixels, y = _measurements(find("digits.npz"), "the digits", DIGITS, np.dtype("i1"), (1797, 64))
    return softmax(with_bias(pixels / 16), y, theta, ridge)


def _measurements(
    path: Path, what: str, digest: str, dtype: np.dtype[Any], shape: tuple[int, int]
) -> tuple[FloatArray, IntArray]:
    """X and y of such a shape; a file with any other numbers is none of ours."""
    import hashlib
    from zipfile import ZipFile

    try:
        with ZipFile(BytesIO(contents(path))) as archive:
            X = _array(archive, "X", dtype, shape)
            y = _array(archive, "y", np.dtype("i1"), shape[:1])
    except DataError:
        raise
    except Exception as error:  # whatever zipfile, zlib or NumPy stumble over
        raise DataError(f"{path} cannot be read as {what} ({str(error)[:200]}); {ADVICE}") from error
    if hashlib.sha256(X.tobytes() + y.tobytes()).hexdigest() != digest:
        raise DataError(f"{path} holds other numbers than {what}; {ADVICE}")
    return X, y


def _array(archive: ZipFile, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Any:
    """A member of an NPZ file, if it is what is expected; no more than that is unpacked."""
    from zipfile import ZIP_DEFLATED, ZIP_STORED

    size = prod(shape) * dtype.itemsize
    if archive.getinfo(f"{name}.npy").compress_type not in (ZIP_STORED, ZIP_DEFLATED):  # others unpack without a bound
        raise ValueError(f"{name} is compressed in another way than NumPy's")
    with archive.open(f"{name}.npy") as member:
        data = member.read(size + HEADER)
    start = BytesIO(data)
    if np.lib.format.read_magic(start) != (1, 0):
        raise ValueError(f"{name} is of another version of NumPy's format")
    found = np.lib.format.read_array_header_1_0(start)
    if found != (shape, False, dtype) or len(data) != start.tell() + size:
        raise ValueError(f"{name} is not of type {dtype} and shape {shape}")
    return np.frombuffer(data, dtype, offset=start.tell()).reshape(shape)


@door
def standardised(X: object) -> FloatArray:
    """Columns shifted and scaled to mean 0 and variance 1.

    Parameters
    ----------
    X : (S, n) one row per data point

    Raises
    ------
    InputError : no row; a column whose entries are all the same; not finite

    Examples
    --------
    >>> standardised([[1.0, 1e200], [3.0, 2e200]]).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    """
    data = array("X", X, (None, None), "points, measurements")
    if len(data) == 0:
        raise InputError("X has no row; give at least two points")
    constant = (data == data[0]).all(axis=0)
    if constant.any():
        raise InputError(f"column {int(np.argmax(constant))} of X is constant and cannot be standardised; leave it out")
    with np.errstate(under="ignore"):
        data = _to_size_one(data)
        data = _to_size_one(data - data.mean(axis=0))  # the spread may be as small as the last digit
        data -= data.mean(axis=0)
        return np.asarray(data / np.sqrt((data**2).mean(axis=0)))


def _to_size_one(data: FloatArray) -> FloatArray:
    """Columns times powers of 2, so that squares and sums stay within the range of floats."""
    return np.asarray(np.ldexp(data, -np.frexp(np.abs(data).max(axis=0))[1]))


@door
def with_bias(X: object) -> FloatArray:
    """X with a last column of ones.

    Parameters
    ----------
    X : (S, n) one row per data point

    Examples
    --------
    >>> with_bias([[2.0], [3.0]]).tolist()
    [[2.0, 1.0], [3.0, 1.0]]
    """
    data = array("X", X, (None, None), "points, measurements")
    return np.column_stack([data, np.ones(len(data))])
