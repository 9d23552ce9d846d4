"""A breast_cancer.npz of another's, by FASTDIAG_DATA_DIR: the data, or a DataError, soon and in little memory."""

import io
import os
import struct
import time
import zipfile
import zlib

import numpy as np
import pytest

import fastdiag as fd
from fastdiag import files
from fastdiag.errors import DataError
from oracles.processes import python

NAME = "breast_cancer.npz"


def right():
    with np.load(files.find(NAME), allow_pickle=False) as data:
        return {name: data[name] for name in data.files}


def saved(save=np.savez, **arrays):
    out = io.BytesIO()
    save(out, **arrays)
    return out.getvalue()


def members(compression=zipfile.ZIP_DEFLATED, **contents):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in contents.items():
            archive.writestr(f"{name}.npy", data)
    return out.getvalue()


def array(descr="<f8", shape="(569, 30)", data=b""):
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode() + data


def bomb():
    """Zeros, five hundred times as many as are expected."""
    return members(X=array(data=bytes(64 << 20)), y=right()["y"].tobytes())


def encrypted():
    data = bytearray(saved(**right()))
    for mark, place in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        at = -1
        while (at := data.find(mark, at + 1)) >= 0:
            data[at + place] |= 1
    return bytes(data)


def crc():
    data = bytearray(saved(**right()))
    data[len(data) // 2] ^= 255
    return bytes(data)


def method(number):
    data = bytearray(saved(**right()))
    for mark, place in ((b"PK\1\2", 10), (b"PK\3\4", 8)):
        at = -1
        while (at := data.find(mark, at + 1)) >= 0:
            struct.pack_into("<H", data, at + place, number)
    return bytes(data)


def many():
    """A list of members as long as a file of this size can have."""
    return members(**{f"m{i}": b"" for i in range(9000)})


def pickled():
    return saved(X=np.array([object()] * 569, object), y=right()["y"])


WRONG = {
    "empty": lambda: b"", "text": lambda: b"no archive at all", "truncated": lambda: saved(**right())[:50_000],
    "no arrays": lambda: members(), "other names": lambda: saved(a=np.zeros(3)),
    "no y": lambda: saved(X=right()["X"]), "objects": pickled, "texts": lambda: saved(X=np.array(["a"] * 569), y=right()["y"]),
    "an array": lambda: array(data=bytes(569 * 240)), "encrypted": encrypted, "a wrong crc": crc,
    "an unknown method": lambda: method(99), "lzma that is none": lambda: method(14), "deflated that is not": lambda: method(8),
    "many members": many, "a huge shape": lambda: members(X=array(shape="(10**12, 30)".replace("10**12", str(10**12))), y=b""),
    "a header of brackets": lambda: members(X=array(shape="(" * 60), y=b""), "a bomb": bomb,
    "other numbers": lambda: saved(**(right() | {"X": right()["X"] + 1})), "one number": lambda: saved(**(right() | {"y": 1 - right()["y"]})),
    "transposed": lambda: saved(X=right()["X"].T.copy(), y=right()["y"]), "float32": lambda: saved(X=right()["X"].astype("f4"), y=right()["y"]),
    "fortran order": lambda: saved(X=np.asfortranarray(right()["X"]), y=right()["y"]),
    "nan": lambda: saved(X=right()["X"] * np.nan, y=right()["y"]), "too long": lambda: saved(**right()) + bytes(2 << 20),
}


@pytest.mark.parametrize("kind", WRONG)
def test_other_contents(kind, tmp_path, monkeypatch):
    (tmp_path / NAME).write_bytes(WRONG[kind]())
    monkeypatch.setenv("FASTDIAG_DATA_DIR", str(tmp_path))
    began = time.perf_counter()
    with pytest.raises(DataError, match=NAME):
        fd.landscapes.breast_cancer()
    assert time.perf_counter() - began < 5


def test_the_data_packed_otherwise(tmp_path, monkeypatch):
    known = fd.landscapes.breast_cancer()
    data = right()
    monkeypatch.setenv("FASTDIAG_DATA_DIR", str(tmp_path))
    for save in (np.savez, np.savez_compressed):
        (tmp_path / NAME).write_bytes(saved(save, **data))
        np.testing.assert_array_equal(fd.landscapes.breast_cancer().X, known.X)


def test_flipped_bytes(tmp_path, monkeypatch):
    """Whatever is flipped, the numbers are right or it is a DataError."""
    data, rng = files.find(NAME).read_bytes(), np.random.default_rng(0)
    known = fd.landscapes.breast_cancer()
    monkeypatch.setenv("FASTDIAG_DATA_DIR", str(tmp_path))
    refused = 0
    for trial in range(200):
        wrong = bytearray(data)
        low = 0 if trial % 2 else len(data) - 400  # the list of members stands at the end
        for place in rng.integers(low, len(data), rng.integers(1, 4)):
            wrong[place] ^= 1 << rng.integers(8)
        (tmp_path / NAME).write_bytes(wrong)
        try:
            assert (fd.landscapes.breast_cancer().X == known.X).all()
        except DataError:
            refused += 1
    assert refused > 100


def test_what_is_no_file(tmp_path, monkeypatch):
    """A pipe or a folder is passed over, as if there were none."""
    known = fd.landscapes.breast_cancer()
    monkeypatch.setenv("FASTDIAG_DATA_DIR", str(tmp_path))
    for make in (os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)):
        make(tmp_path / NAME)
        assert (fd.landscapes.breast_cancer().X == known.X).all()
        (tmp_path / NAME).rmdir() if (tmp_path / NAME).is_dir() else (tmp_path / NAME).unlink()
    monkeypatch.setenv("FASTDIAG_DATA_DIR", "x" * 5000)
    assert (fd.landscapes.breast_cancer().X == known.X).all()


@pytest.mark.parametrize("digest", [b"", b"\xff\xfe", b"x" * 10**6, b"\n\n"])
def test_a_digest_that_is_none(digest, tmp_path, monkeypatch):
    data = files.find(NAME).read_bytes()
    (tmp_path / NAME).write_bytes(data)
    (tmp_path / f"{NAME}.sha256").write_bytes(digest)
    monkeypatch.setenv("FASTDIAG_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError):
        fd.landscapes.breast_cancer()


LARGE = """
import resource, sys, time
import fastdiag as fd
before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
try:
    fd.landscapes.breast_cancer()
except fd.errors.DataError as error:
    print(time.perf_counter() - began < 5, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, error)
"""


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "with a digest"])
def test_a_sparse_file_of_20_gb(beside, tmp_path):
    with (tmp_path / NAME).open("wb") as file:
        file.truncate(20 << 30)
    if beside:
        (tmp_path / f"{NAME}.sha256").write_text("0" * 64)
    out, err = python(LARGE, env={"FASTDIAG_DATA_DIR": str(tmp_path)}).communicate(timeout=60)
    assert out.startswith("True True"), (out, err)
    assert "has 21,474,836,480 bytes, where at most 1,048,576 are expected" in out


def test_a_bomb_is_not_unpacked(tmp_path):
    squeezed = zlib.compressobj(9, wbits=-15)
    one = squeezed.compress(bytes(1 << 20)) + squeezed.flush(zlib.Z_FULL_FLUSH)  # what follows does not depend on it
    data = 900 * one + squeezed.flush()
    head = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 33, 0, len(data), 900 << 20, 5, 0) + b"X.npy"
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 33, 0, len(data), 900 << 20, 5, 0, 0, 0, 0, 0, 0) + b"X.npy"
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(head) + len(data), 0)
    (tmp_path / NAME).write_bytes(head + data + entry + end)
    assert (tmp_path / NAME).stat().st_size < 1 << 20
    out, err = python(LARGE, env={"FASTDIAG_DATA_DIR": str(tmp_path)}).communicate(timeout=60)
    assert out.startswith("True True"), (out, err)


def test_the_breast_cancer_data_are_scikit_learns():
    sklearn = pytest.importorskip("sklearn.datasets").load_breast_cancer()
    with np.load(fd.files.find("breast_cancer.npz"), allow_pickle=False) as data:
        np.testing.assert_array_equal(data["X"], sklearn.data)
        np.testing.assert_array_equal(data["y"], sklearn.target)
        assert data["names"].tolist() == sklearn.feature_names.tolist()
    land = fd.landscapes.breast_cancer()
    assert land.loss == pytest.approx(np.log(2))
    np.testing.assert_allclose(land.X[:, :30].std(axis=0), 1)


def test_a_changed_data_file_is_not_used(tmp_path, monkeypatch):
    original = fd.files.find("breast_cancer.npz")
    changed = bytearray(original.read_bytes())
    changed[1000] ^= 1
    (tmp_path / original.name).write_bytes(changed)
    (tmp_path / f"{original.name}.sha256").write_text(original.with_name(original.name + ".sha256").read_text())
    monkeypatch.setenv("FASTDIAG_DATA_DIR", str(tmp_path))
    with pytest.raises(fd.errors.DataError, match="differs from the sha256"):
        fd.landscapes.breast_cancer()
    with pytest.raises(fd.errors.DataError, match="was not found in"):
        fd.files.find("nothing.npz")


def test_the_digits_are_scikit_learns():
    sklearn = pytest.importorskip("sklearn.datasets").load_digits()
    land = fd.landscapes.digits()
    np.testing.assert_array_equal(land.X[:, :64] * 16, sklearn.data)
    np.testing.assert_array_equal(land.y, sklearn.target)
    assert land.loss == pytest.approx(np.log(10))
    assert land.dimension == 650


def test_digits_of_anothers(tmp_path, monkeypatch):
    data = np.load(files.find("digits.npz"))
    monkeypatch.setenv("FASTDIAG_DATA_DIR", str(tmp_path))
    for wrong in ({"X": data["X"].astype(float), "y": data["y"]}, {"X": data["X"] + np.int8(1), "y": data["y"]}):
        (tmp_path / "digits.npz").write_bytes(saved(**wrong))
        with pytest.raises(DataError, match=r"digits\.npz"):
            fd.landscapes.digits()
