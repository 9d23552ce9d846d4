"""Data files of others: every fault is told with the file and what is wrong with it, and nothing huge is begun."""

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from click.testing import CliRunner

from fastdiag.cli import main
from fastdiag.cli.points import read_points
from fastdiag.errors import DataError, InputError
from fastdiag.landscapes import breast_cancer

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(30, 2)), RNG.integers(0, 2, 30)


def saved(compressed=False, **arrays):
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **arrays)
    return file.getvalue()


def packed(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return file.getvalue()


def header(shape, dtype="<f8"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


def encrypted():
    data = bytearray(packed(X=b"abc", y=b"abc"))
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = -1
        while (at := data.find(mark, at + 1)) >= 0:
            data[at + offset] |= 1
    return bytes(data)


def flipped(at):
    data = bytearray(GOOD)
    data[at] ^= 1
    return bytes(data)


def listing():
    """A central directory said to be huge."""
    data = bytearray(GOOD)
    at = data.rfind(b"PK\5\6")
    data[at + 12 : at + 16] = (2**31).to_bytes(4, "little")
    return bytes(data)


def huge():
    """An array that is said to have half a gigabyte."""
    zeros = np.zeros((1000, 3))
    data = saved(compressed=True, X=zeros, y=Y)
    size = len(header(zeros.shape)) + zeros.nbytes
    said = data.replace(struct.pack("<I", size), struct.pack("<I", 1 << 29))
    assert said != data
    return said


GOOD = saved(X=X, y=Y)
WRONG = {
    "empty": (b"", "it is empty"), "text": (b"hello", "no NPZ file"), "half": (GOOD[: len(GOOD) // 2], "cut off"),
    "without its end": (GOOD[:-10], "cut off"), "flipped data": (flipped(300), "Bad CRC-32"), "flipped name": (flipped(31), "damaged"),
    "encrypted": (encrypted(), "X is encrypted"), "one array": (saved(X=X, y=Y)[:0] + header((1,)), "an NPY file, of one array"),
    "huge shape": (packed(X=header((10**12, 10)) + bytes(80), y=b""), "takes 80,000,000,000,000 bytes, and 80 are there"),
    "shape beyond 64 bits": (packed(X=header((2**40, 2**40)) + bytes(80), y=b""), "its shape"),
    "negative shape": (packed(X=header((-1, -10)) + bytes(80), y=b""), "its shape"),
    "no header": (packed(X=b"abc", y=b""), "X is damaged"), "nothing": (packed(), "holds nothing"),
    "objects": (saved(X=np.array([[None]]), y=Y), "Python objects"), "no y": (saved(X=X), "arrays X and y"),
    "bomb": (huge(), "536,870,912 bytes, more than the"), "long list": (listing(), "list of files"),
    "complex": (saved(X=X + 1j, y=Y), "real numbers"), "texts": (saved(X=X.astype(str), y=Y), "real numbers"),
    "flat": (saved(X=X[:, 0], y=Y), "shape"), "no points": (saved(X=X[:0], y=Y[:0]), "shape"), "nan": (saved(X=X * np.nan, y=Y), "finite"),
    "labels": (saved(X=X, y=np.arange(30)), "labels"), "too few labels": (saved(X=X, y=Y[:4]), "one label per row of X"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("command", ["predict", "stationary", "noise"])
def test_the_file_and_its_fault_are_told(name, command, tmp_path):
    content, words = WRONG[name]
    file = tmp_path / "mine.npz"
    file.write_bytes(content)
    done = CliRunner().invoke(main, [command, "--data", str(file)], env={"COLUMNS": "500"})
    assert done.exit_code == 2, done.exception
    text = " ".join(done.output.split())
    assert str(file) in text
    assert words in text
    assert "Traceback" not in text


def test_every_flip_and_every_cut(tmp_path):
    """Right points, or an InputError that names the file."""
    file = tmp_path / "mine.npz"
    small = saved(X=X[:3], y=Y[:3])
    damaged = [small[:at] for at in range(0, len(small), 7)]
    for at in range(len(small)):
        data = bytearray(small)
        data[at] ^= 1 << at % 8
        damaged.append(bytes(data))
    for content in damaged:
        file.write_bytes(content)
        try:
            found = read_points(file)
        except InputError as error:
            if str(file) not in str(error):
                pytest.fail(f"the file is not named: {error}")
        else:
            np.testing.assert_array_equal(found["X"], X[:3])
            np.testing.assert_array_equal(found["y"], Y[:3])


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
def test_right_files_are_read(compressed, order, tmp_path):
    file = tmp_path / "mine.npz"
    file.write_bytes(saved(compressed, X=np.asarray(X, order=order), y=Y.astype(np.uint8), more=np.zeros(3)))
    found = read_points(file)
    np.testing.assert_array_equal(found["X"], X)
    np.testing.assert_array_equal(found["y"], Y)


def bomb(method):
    """64 MB of zeros that say they are a kilobyte."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("X.npy", bytes(64 << 20))
        archive.writestr("y.npy", b"")
    return file.getvalue().replace(struct.pack("<I", 64 << 20), struct.pack("<I", 1000))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_no_more_is_unpacked_than_an_archive_says(method, tmp_path, monkeypatch):
    """Points and the data of breast_cancer, however they are packed."""
    content = bomb(method)
    for name in ("mine.npz", "breast_cancer.npz"):
        (tmp_path / name).write_bytes(content)
    monkeypatch.setenv("FASTDIAG_DATA_DIR", str(tmp_path))
    tracemalloc.start()
    try:
        with pytest.raises(InputError):
            read_points(tmp_path / "mine.npz")
        with pytest.raises(DataError):
            breast_cancer()
        assert tracemalloc.get_traced_memory()[1] < 24 << 20
    finally:
        tracemalloc.stop()
