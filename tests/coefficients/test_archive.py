"""Archives of arrays: the same bytes everywhere, written whole, read by other programs, believed only when right."""

import hashlib
import io
import os
import random
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from fastdiag import files
from fastdiag.coefficients import archive, store
from fastdiag.errors import DataError, InputError
from oracles.damage import flipped
from oracles.processes import output, python
from oracles.tables import same, signed, table, written


@pytest.fixture(params=["read", "mapped"])
def reading(request, monkeypatch):
    """Small files are read, large ones mapped into memory; here small ones are mapped too."""
    if request.param == "mapped":
        monkeypatch.setattr(store, "MAPPED", 1)


@pytest.mark.usefixtures("reading")
def test_round_trip(tmp_path):
    arrays = table()
    path = tmp_path / "t.npz"
    store.write_arrays(path, arrays)
    got = store.read_arrays(path)
    same(got, arrays)
    assert all(array.flags.aligned and array.flags.c_contiguous and not array.flags.writeable for array in got.values())
    assert files.leftovers(tmp_path) == []
    assert path.stat().st_mode & 0o777 == 0o644


def test_other_programs_read_it(tmp_path):
    """NumPy and zipfile know nothing of fastdiag; zipfile also checks every crc."""
    arrays = table()
    data = written(tmp_path / "t.npz", arrays)
    with np.load(tmp_path / "t.npz", allow_pickle=False) as loaded:
        same(dict(loaded), arrays)
    with zipfile.ZipFile(tmp_path / "t.npz") as opened:
        assert opened.testzip() is None
        assert [entry.filename for entry in opened.infolist()] == [f"{name}.npy" for name in arrays]
        assert {entry.date_time for entry in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.compress_type for entry in opened.infolist()} == {zipfile.ZIP_STORED}
        for name, array in arrays.items():
            assert np.lib.format.read_magic(opened.open(f"{name}.npy")) == (1, 0)
            np.testing.assert_array_equal(np.load(opened.open(f"{name}.npy")), array)
        comment = opened.comment
    assert data.endswith(comment)
    assert comment == archive.COMMENT + hashlib.sha256(data[:-64]).hexdigest().encode()


def test_chunks_are_the_whole(tmp_path):
    arrays = table()
    whole = written(tmp_path / "whole.npz", arrays)
    for size in (1, 7, 10**6):
        chunks = {
            name: store.Chunks(a.dtype, a.shape, [a[i : i + size] for i in range(0, len(a), size)]) if a.ndim else a
            for name, a in arrays.items()
        }
        assert written(tmp_path / "chunks.npz", chunks) == whole
    tuples = {name: (a.dtype, a.shape, [a]) for name, a in arrays.items()}
    assert written(tmp_path / "tuples.npz", tuples) == whole
    other = {name: np.asfortranarray(a) if a.ndim > 1 else a.astype(a.dtype.newbyteorder(">")) for name, a in arrays.items()}
    assert written(tmp_path / "other.npz", other) == whole


def test_streaming_holds_one_chunk_at_a_time(tmp_path):
    chunk = np.arange(1 << 17)  # 1 MiB
    arrays = {"long": store.Chunks(chunk.dtype, (64 << 17,), (chunk + i for i in range(64)))}
    tracemalloc.start()
    store.write_arrays(tmp_path / "long.npz", arrays)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
    np.testing.assert_array_equal(store.read_arrays(tmp_path / "long.npz")["long"].reshape(64, -1), chunk + np.arange(64)[:, None])


def test_the_bytes_are_the_same_everywhere(tmp_path):
    here = written(tmp_path / "here.npz", table())
    assert written(tmp_path / "again.npz", table()) == here
    code = (
        "import os, sys, time; os.umask(int(sys.argv[2], 8)); time.time = lambda: 4e9; time.tzset()\n"
        "from fastdiag.coefficients import store; from oracles.tables import table; store.write_arrays(sys.argv[1], table())"
    )
    places = [("Asia/Tokyo", "077"), ("America/Lima", "000")]
    running = [python(code, tmp_path / f"{mask}.npz", mask, env={"TZ": zone}) for zone, mask in places]
    for process, (_, mask) in zip(running, places, strict=True):
        output(process)
        assert (tmp_path / f"{mask}.npz").read_bytes() == here


def test_the_bytes_stay_the_same():
    """Not an oracle but a promise: files written today verify against digests published today."""
    out = io.BytesIO()
    archive.pack(out, {"n": np.arange(5, dtype=np.int64), "square": np.array([[0, 1], [4, 9]], np.uint8)})
    assert hashlib.sha256(out.getvalue()).hexdigest() == "d343c496e4d6b37bff5ce7389364f6ea5a3a02089877b884b39dec78642731a3"


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({}, "no arrays"),
        ({"a": np.array([True])}, "holds bool, not integers; convert it, truth values to uint8"),
        ({"a": np.array([1.0])}, "holds float64"),
        ({"a": np.array([10**30])}, "holds object"),
        ({"a": np.array(["x"])}, "holds <U1"),
        ({"a": np.array([(1,)], [("x", "i8")])}, "not integers"),
        ({"a": np.array([1], "m8[s]")}, "not integers"),
        ({"../a": np.arange(3)}, "cannot be called '../a'"),
        ({"ä": np.arange(3)}, "cannot be called"),
        ({1: np.arange(3)}, "cannot be called 1"),
        ({"a": ("i8", (3,), [np.arange(2)])}, "8 bytes short of its shape"),
        ({"a": ("i8", (3,), [np.arange(4)])}, "does not fit"),
        ({"a": ("i8", (3,), (np.arange(1) for _ in iter(int, 1)))}, "does not fit"),
        ({"a": ("i8", (3,), [np.arange(3, dtype="i4")])}, "does not fit"),
        ({"a": ("i8", (2, 3), [np.zeros((3, 2), "i8")])}, "does not fit"),
        ({"a": ("i8", (2, 1), [np.zeros(2, "i8")])}, "does not fit"),
        ({"a": ("i8", (-1,), [])}, "cannot have shape"),
    ],
)
def test_what_is_not_written(tmp_path, arrays, words):
    path = tmp_path / "t.npz"
    path.write_bytes(b"was here before")
    with pytest.raises(InputError, match=words):
        store.write_arrays(path, arrays)
    assert [file.name for file in tmp_path.iterdir()] == ["t.npz"]
    assert path.read_bytes() == b"was here before"


def test_an_interrupted_write_leaves_nothing(tmp_path):
    def pieces(error):
        yield np.arange(10)
        assert len(files.leftovers(tmp_path)) == 1
        raise error

    (tmp_path / "t.npz").write_bytes(b"was here before")
    for error in (KeyboardInterrupt(), RuntimeError("bug"), DataError("lost"), MemoryError()):
        with pytest.raises(type(error)):
            store.write_arrays(tmp_path / "t.npz", {"a": store.Chunks("i8", (20,), pieces(error))})
        assert [file.name for file in tmp_path.iterdir()] == ["t.npz"]
    with pytest.raises(DataError, match="cannot be written"):
        store.write_arrays(tmp_path / "no" / "t.npz", table())


def test_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        call = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, name=name, call=call: done.append(name) or call(*args))
    store.write_arrays(tmp_path / "t.npz", table())
    assert done == ["fsync", "replace"]


def test_what_cannot_be_read(tmp_path):
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "empty.npz").touch()
    with pytest.raises(DataError, match=r"absent.npz cannot be read: there is no such file; build"):
        store.read_arrays(tmp_path / "absent.npz")
    with pytest.raises(DataError, match=r"folder.npz cannot be read: .*directory.*delete it"):
        store.read_arrays(tmp_path / "folder.npz")
    with pytest.raises(DataError, match=r"empty.npz cannot be used: it does not end with the sha256"):
        store.read_arrays(tmp_path / "empty.npz")
    for path in ("\0", None, tmp_path / ("x" * 5000)):
        with pytest.raises(DataError, match="cannot be read"):
            store.read_arrays(path)


def forged(members, **options):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **options) as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return signed(out.getvalue())


def test_other_archives_with_a_right_sha256(tmp_path):
    """NumPy's own, not aligned, is as good; other members, or compressed ones, are refused."""
    path = tmp_path / "t.npz"
    out = io.BytesIO()
    np.savez(out, **table())
    path.write_bytes(signed(out.getvalue()))
    got = store.read_arrays(path)
    assert same(got, table())
    assert all(array.flags.aligned and not array.flags.writeable for array in got.values())
    out = io.BytesIO()
    np.save(out, np.arange(8))
    right = out.getvalue()
    path.write_bytes(forged({"a.npy": right}))
    assert same(store.read_arrays(path), {"a": np.arange(8)})
    later = right[:6] + b"\2\0" + right[8:10] + b"\0\0" + right[10:]
    wrong = [
        (forged({"a": right}), "not stored as an array"),
        (forged({"a.npy": right}, compression=zipfile.ZIP_DEFLATED), "not stored as an array"),
        (forged({"a.npy": later}), "of another version"),
        (forged({"a.npy": b""}), "it is no table"),
        (forged({"a.npy": right[:-1]}), r"says shape \(8,\) of int64 but has 63 bytes"),
        (forged({"a.npy": right + b"0"}), r"says shape \(8,\) of int64 but has 65 bytes"),
    ]
    for data, words in wrong:
        path.write_bytes(data)
        with pytest.raises(DataError, match=words):
            store.read_arrays(path)


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (8,), }",
        b"{'descr': '|b1', 'fortran_order': False, 'shape': (64,), }",
        b"{'descr': '>i8', 'fortran_order': False, 'shape': (8,), }",
        b"{'descr': '<i8', 'fortran_order': True, 'shape': (8,), }",
        b"{'descr': '<i8', 'fortran_order': False, 'shape': (8.0,), }",
        b"{'descr': '<i8', 'fortran_order': False, 'shape': 8, }",
        b"{'descr': '<i8', 'fortran_order': False, 'shape': (8L,), }",
        b"{'descr': '<i8', 'fortran_order': False, 'shape': (True, 8), }",
        b"{'descr': '<i8', 'fortran_order': False, 'shape': (7,), }",
        b"{'descr': '<i8', 'fortran_order': False, 'shape': (9,), }",
        b"{'descr': '<i8', 'fortran_order': False, 'shape': (-8,), }",
        b"{'descr': '<i8', 'fortran_order': False, 'shape': (-2, -4), }",
        b"{'descr': '<i8', 'fortran_order': False, 'shape': (" + b"1, " * 70 + b"8), }",
        b"{'descr': [('x', '<i8')], 'fortran_order': False, 'shape': (8,), }",
        b"{'descr': '<m8[s]', 'fortran_order': False, 'shape': (8,), }",
        b"{'descr': '|O', 'fortran_order': False, 'shape': (8,), }",
        b"{'descr': '|V0', 'fortran_order': False, 'shape': (8,), }",
        b"[" * 9000 + b"]" * 9000,
        b"(" * 150 + b")" * 150,
        b"9" * 5000,
        b"__import__('os').system('true')",
        b"",
    ],
)
def test_headers_that_say_something_else(tmp_path, header):
    """Archives right but for one array's header, with the right sha256."""
    padded = header.ljust(-(-(len(header) + 11) // 64) * 64 - 11) + b"\n"
    path = tmp_path / "t.npz"
    path.write_bytes(forged({"a.npy": b"\x93NUMPY\1\0" + struct.pack("<H", len(padded)) + padded + np.arange(8).tobytes()}))
    with pytest.raises(DataError, match="cannot be used"):
        store.read_arrays(path)


def test_two_members_of_one_name(tmp_path):
    data = written(tmp_path / "t.npz", {"a": np.arange(8), "b": np.arange(8)})
    (tmp_path / "t.npz").write_bytes(signed(data.replace(b"b.npy", b"a.npy")))
    with pytest.raises(DataError, match="'a' stands there twice"):
        store.read_arrays(tmp_path / "t.npz")


def test_right_sha256_of_anything(tmp_path):
    """Bytes changed at random and sealed again: whatever is wrong, it is a DataError."""
    rng = random.Random(1)
    right = written(tmp_path / "t.npz", table(rows=3))
    path = tmp_path / "wrong.npz"
    refused = 0
    for trial in range(1000):
        body = flipped(rng, right[: -64 - len(archive.COMMENT)]) if trial % 10 else rng.randbytes(rng.randrange(400))
        body += archive.COMMENT
        path.write_bytes(body + hashlib.sha256(body).hexdigest().encode())
        try:
            assert all(array.dtype.kind in "iu" for array in store.read_arrays(path).values())
        except DataError:
            refused += 1
    assert refused > 500
    print(f"1000 random files with a right sha256: {refused} refused, the others hold integers")


def test_importing_loads_nothing_heavy():
    code = "import sys; from fastdiag.coefficients import store; print({'numba', 'zipfile', 'platformdirs', 'tempfile'} & set(sys.modules))"
    assert output(python(code)) == "set()\n"


@pytest.mark.long
def test_more_than_4_gib(tmp_path):
    chunk = np.arange(1 << 21, dtype=np.int64).reshape(-1, 4)  # 16 MiB
    chunks = store.Chunks(chunk.dtype, (280 * len(chunk), 4), (chunk + i for i in range(280)))
    path = tmp_path / "big.npz"
    store.write_arrays(path, {"first": np.arange(3), "big": chunks, "last": np.arange(9)})
    try:
        got = store.read_arrays(path)
        assert got["big"].nbytes > 1 << 32
        for i in range(280):
            np.testing.assert_array_equal(got["big"][i * len(chunk) : (i + 1) * len(chunk)], chunk + i)
        np.testing.assert_array_equal(got["last"], np.arange(9))
        with zipfile.ZipFile(path) as opened:
            assert opened.testzip() is None
        with np.load(path) as loaded:
            np.testing.assert_array_equal(loaded["last"], np.arange(9))
        del got
    finally:
        path.unlink()
