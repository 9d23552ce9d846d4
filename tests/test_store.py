"""Tables as files: the same bytes everywhere, whole or absent, believed only when right, rebuilt otherwise."""

import hashlib
import io
import os
import random
import signal
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from fastdiag import files
from fastdiag.coefficients import archive, store
from fastdiag.errors import DataError, DataWarning, InputError

DTYPES = ["i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8"]
COMMENT = b"fastdiag table, sha256 of the bytes before this comment: "


def table(seed=0, rows=300):
    """Made-up arrays: every width, two dimensions, none, empty, extreme values."""
    rng = np.random.default_rng(seed)
    arrays = {f"a{d.strip('<')}": rng.integers(np.iinfo(d).min, np.iinfo(d).max, rows, np.dtype(d), True) for d in DTYPES}
    arrays["plane"] = rng.integers(-9, 9, (rows, 7))
    arrays["cube"] = rng.integers(0, 255, (3, 5, 2), np.uint8)
    return arrays | {"nothing": np.empty(0, np.int16), "flat": np.empty((4, 0), np.int64), "order": np.array(6)}


def same(left, right):
    assert list(left) == list(right)
    for name in left:
        assert left[name].dtype == right[name].dtype
        np.testing.assert_array_equal(left[name], right[name], strict=True)
    return True


def written(path, arrays):
    store.write(path, arrays)
    return path.read_bytes()


def seal(data):
    """What an attacker does: end the bytes of an archive with the right sha256 (its old comment replaced)."""
    end = data.rindex(b"PK\5\6")
    return signed(data[: end + 20] + struct.pack("<H", len(COMMENT) + 64))


def signed(data):
    return data + COMMENT + hashlib.sha256(data).hexdigest().encode()


def python(code, *arguments, **options):
    path = os.pathsep.join([str(Path(files.__file__).parents[1]), str(Path(__file__).parent)])
    environment = {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", **options.pop("env", {})}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **options
    )


def output(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "home" / "cache"
    monkeypatch.setattr(store, "cache_folder", lambda: folder)
    monkeypatch.setattr(files, "cache_folder", lambda: folder)
    monkeypatch.delenv("FASTDIAG_DATA_DIR", raising=False)
    return folder


@pytest.fixture(params=["read", "mapped"])
def reading(request, monkeypatch):
    """Small files are read, large ones mapped into memory; here small ones are mapped too."""
    if request.param == "mapped":
        monkeypatch.setattr(store, "MAPPED", 1)


@pytest.mark.usefixtures("reading")
def test_round_trip(tmp_path):
    arrays = table()
    path = tmp_path / "t.npz"
    store.write(path, arrays)
    got = store.read(path)
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
    assert comment == COMMENT + hashlib.sha256(data[: -len(comment)]).hexdigest().encode()


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
    store.write(tmp_path / "long.npz", arrays)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
    np.testing.assert_array_equal(store.read(tmp_path / "long.npz")["long"].reshape(64, -1), chunk + np.arange(64)[:, None])


def test_the_bytes_are_the_same_everywhere(tmp_path):
    here = written(tmp_path / "here.npz", table())
    assert written(tmp_path / "again.npz", table()) == here
    code = (
        "import os, sys, time; os.umask(int(sys.argv[2], 8)); time.time = lambda: 4e9; time.tzset()\n"
        "from fastdiag.coefficients import store; from test_store import table; store.write(sys.argv[1], table())"
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
    assert hashlib.sha256(out.getvalue()).hexdigest() == "3093fd2da3256e87e889c4a14ff6fb5ccd0e503b66de3be833fa97694499f262"


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
        store.write(path, arrays)
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
            store.write(tmp_path / "t.npz", {"a": store.Chunks("i8", (20,), pieces(error))})
        assert [file.name for file in tmp_path.iterdir()] == ["t.npz"]
    with pytest.raises(DataError, match="cannot be written"):
        store.write(tmp_path / "no" / "t.npz", table())


def test_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        call = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, name=name, call=call: done.append(name) or call(*args))
    store.write(tmp_path / "t.npz", table())
    assert done == ["fsync", "replace"]


def test_what_cannot_be_read(tmp_path):
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "empty.npz").touch()
    with pytest.raises(DataError, match=r"absent.npz cannot be read: there is no such file; build"):
        store.read(tmp_path / "absent.npz")
    with pytest.raises(DataError, match=r"folder.npz cannot be read: .*directory.*delete it"):
        store.read(tmp_path / "folder.npz")
    with pytest.raises(DataError, match=r"empty.npz cannot be used: it does not end with the sha256"):
        store.read(tmp_path / "empty.npz")
    for path in ("\0", None, tmp_path / ("x" * 5000)):
        with pytest.raises(DataError, match="cannot be read"):
            store.read(path)


def test_folders_in_order(tmp_path, monkeypatch):
    package = Path(files.__file__).parent
    monkeypatch.delenv("FASTDIAG_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    usual = [package / "data", package.parents[1] / "data", files.cache_folder()]
    assert files.folders() == usual
    if sys.platform == "linux":
        assert files.cache_folder() == tmp_path / "fastdiag"
    monkeypatch.setenv("FASTDIAG_DATA_DIR", str(tmp_path / "env"))
    assert files.folders(tmp_path / "given") == [tmp_path / "given", tmp_path / "env", *usual]


def never():
    raise AssertionError("built, though there is a right file")


def fine(arrays):
    assert arrays


def test_load_takes_the_first_right_file(tmp_path, cache, monkeypatch):
    given, env = tmp_path / "given", tmp_path / "env"
    monkeypatch.setenv("FASTDIAG_DATA_DIR", str(env))
    places = [cache, env, given]
    for seed, folder in enumerate(places):
        folder.mkdir(parents=True)
        store.write(folder / "t.npz", table(seed))
        same(store.load("t.npz", fine, never, given), table(seed))

    def order_of(seed):
        def check(arrays):
            if arrays["ai8"][0] != table(seed)["ai8"][0]:
                raise DataError("it is the table of another order")

        return check

    with pytest.warns(DataWarning) as told:
        same(store.load("t.npz", order_of(0), never, given), table(0))
    assert len(told) == 2
    for warning, folder in zip(told, (given, env), strict=True):
        assert str(folder / "t.npz") in str(warning.message)
        assert "is skipped, and the table rebuilt" in str(warning.message)
        assert "another order" in str(warning.message)
    with pytest.warns(DataWarning):
        same(store.load("t.npz", order_of(7), lambda: table(7), given), table(7))
    same(store.read(cache / "t.npz"), table(7))
    same(store.read(env / "t.npz"), table(1))


def test_a_built_table_is_kept(cache):
    built = store.load("t.npz", fine, table)
    same(built, table())
    again = store.load("t.npz", fine, never)
    same(again, built)
    assert not any(array.flags.writeable for array in [*built.values(), *again.values()])


def test_leftovers_disturb_nothing(cache):
    cache.mkdir(parents=True)
    stale = [cache / f".t.npz.{word}.part" for word in ("aaaa", "zzzz")]
    for path in stale:
        path.write_bytes(b"half a table")
    same(store.load("t.npz", fine, table), table())
    same(store.load("t.npz", fine, never), table())
    assert files.leftovers(cache) == stale
    assert files.leftovers(cache / "no such folder") == []


SLOW = """
import sys, time, warnings
warnings.simplefilter("error")
from fastdiag.coefficients import store
from test_store import fine, same, table
def build():
    time.sleep(0.2)
    print("built")
    return table(rows=20_000)
input()
same(store.load("t.npz", fine, build), table(rows=20_000))
print("right")
"""


def test_ten_processes_at_once(tmp_path):
    running = [python(SLOW, env={"XDG_CACHE_HOME": str(tmp_path)}) for _ in range(10)]
    answers = [""] * 10
    for process in running:  # all wait for this line, so that they start together
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [output(process).split() for process in running]
    assert all(answer[-1] == "right" for answer in answers)
    builders = sum("built" in answer for answer in answers)
    assert builders >= 2
    folder = tmp_path / "fastdiag"
    assert [file.name for file in folder.iterdir()] == ["t.npz"]
    same(store.read(folder / "t.npz"), table(rows=20_000))
    print(f"10 processes at once: {builders} built, 10 right answers, one valid file, no leftovers")


# One warm process that forks a writer for every line it reads, and buries the last one.
WRITERS = """
import os, sys
from fastdiag.coefficients import store
from test_store import table
old, new = table(0, 50_000), table(1, 50_000)
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        while True:
            store.write(sys.argv[1], old)
            store.write(sys.argv[1], new)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")
def test_killed_at_50_random_moments(tmp_path):
    import time

    rng = random.Random(0)
    path = tmp_path / "t.npz"
    contents = [written(path, table(seed, 50_000)) for seed in (0, 1)]
    path.unlink()
    writers = python(WRITERS, path)
    found = {"absent": 0, "old": 0, "new": 0}
    middle = 0
    for kill in range(50):
        if kill % 5 == 0:
            path.unlink(missing_ok=True)
        writers.stdin.write("\n")
        writers.stdin.flush()
        child = int(writers.stdout.readline())
        time.sleep(rng.uniform(0, 0.03 if kill % 5 == 0 else 0.1))
        os.kill(child, signal.SIGKILL)
        assert writers.stdout.readline() == "gone\n"
        left = files.leftovers(tmp_path)
        assert len(left) <= 1
        middle += len(left)
        for part in left:
            part.unlink()
        assert set(tmp_path.iterdir()) <= {path}
        if path.exists():
            found[("old", "new")[contents.index(path.read_bytes())]] += 1
            store.read(path)
        else:
            found["absent"] += 1
    output(writers)
    assert middle >= 10
    assert all(found.values())
    print(f"50 kills, {middle} of them in the middle of a write: the file was {found}, never anything else")


class Bomb:
    """Its unpickling makes a folder."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def flipped(rng, data, marker):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def truncated(rng, data, marker):
    return data[: rng.randrange(len(data))]


def appended(rng, data, marker):
    return data + rng.randbytes(rng.randint(1, 200))


def saved(arrays):
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def swapped(rng, data, marker):
    with np.load(io.BytesIO(data)) as loaded:
        arrays = dict(loaded)
    one, two = rng.sample([name for name in arrays if name.startswith("a")], 2)
    arrays[one], arrays[two] = arrays[two], arrays[one]
    return saved(arrays)


def huge(rng, data, marker):
    """One array says a shape that its bytes do not fill; nothing else about the file is wrong."""
    name = rng.choice(list(table()))
    start = data.index(b"\x93NUMPY", data.index(f"{name}.npy".encode()))
    length = struct.unpack_from("<H", data, start + 8)[0]
    text = data[start + 10 : start + 10 + length]
    big = rng.choice([1 << 62, (1 << 40) + rng.randrange(99), 10**11, 1 << 31])
    shape = rng.choice([(big,), (big, 3), (0, big**2), (-big,), (-1, -big), (big, 0, big**2)])
    text = text[: text.index(b"(")] + f"{shape}, }}".encode()
    if len(text) >= length:
        return huge(rng, data, marker)
    return data[: start + 10] + text.ljust(length - 1) + b"\n" + data[start + 10 + length :]


def pickled(rng, data, marker):
    """Objects where integers were: as NumPy writes them, or with one array's header and bytes changed in place."""
    objects = np.array([Bomb(marker)] * rng.randint(1, 3), object)
    if rng.random() < 0.5:
        with np.load(io.BytesIO(data)) as loaded:
            arrays = dict(loaded)
        arrays[rng.choice(list(arrays))] = objects
        return saved(arrays)
    out = io.BytesIO()
    np.save(out, objects)
    load = out.getvalue()[np.lib.format.MAGIC_LEN + 2 + struct.unpack_from("<H", out.getvalue(), 8)[0] :]
    arrays = table() | {"order": np.frombuffer(load, np.uint8)}
    out = io.BytesIO()
    archive.pack(out, arrays)
    right = archive._npy_header(np.dtype("u1"), (len(load),))
    assert out.getvalue().count(right) == 1
    shape = f"({len(objects)},)".encode()
    wrong = right.replace(b"'|u1'", b"'|O'").replace(f"({len(load)},)".encode(), shape)
    wrong = wrong[:-1].ljust(len(right) - 1) + b"\n"
    sums = [struct.pack("<I", zlib.crc32(header + load)) for header in (right, wrong)]
    return out.getvalue().replace(right, wrong).replace(*sums)


def sealed(attack):
    return lambda rng, data, marker: seal(attack(rng, data, marker))


ATTACKS = {
    "bits flipped": (flipped, 400),
    "truncated": (truncated, 150),
    "bytes appended": (appended, 100),
    "two arrays swapped": (swapped, 50),
    "huge shape": (huge, 50),
    "huge shape, sha256 right": (sealed(huge), 100),
    "pickled objects": (pickled, 50),
    "pickled objects, sha256 right": (sealed(pickled), 100),
}


def test_a_thousand_corruptions(tmp_path, cache, monkeypatch):
    """Each is an error to `read`, a warning to `load`, rebuilt, and never served."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # tested elsewhere, and slow on some disks
    rng = random.Random(0)
    marker = tmp_path / "executed"
    cache.mkdir(parents=True)
    path = cache / "t.npz"
    right = written(path, table())
    read, warned, rebuilt = 0, 0, 0
    for attack, times in ATTACKS.values():
        for _ in range(times):
            wrong = attack(rng, right, marker)
            assert wrong != right
            path.write_bytes(wrong)
            with pytest.raises(DataError, match="cannot be used"):
                store.read(path)
            read += 1
            with pytest.warns(DataWarning, match=r"t\.npz is skipped, and the table rebuilt") as told:
                got = store.load("t.npz", fine, table)
            warned += len(told) == 1
            rebuilt += same(got, table()) and path.read_bytes() == right
            assert not marker.exists()
    assert read == warned == rebuilt == 1000
    print(f"{read} corruptions: all detected, reported and rebuilt; no pickled object was executed")
    print("   ", ", ".join(f"{times} {kind}" for kind, (_, times) in ATTACKS.items()))


def test_the_pickles_would_have_been_executed(tmp_path):
    """The attack above is a real one: a reader that allows pickles runs it, in both forms."""
    data = written(tmp_path / "t.npz", table())
    for seed in range(8):
        marker = tmp_path / f"executed{seed}"
        with np.load(io.BytesIO(seal(pickled(random.Random(seed), data, marker))), allow_pickle=True) as loaded:
            for name in loaded:
                _ = loaded[name]
        assert marker.exists()


def test_right_sha256_of_anything(tmp_path):
    """Bytes changed at random and sealed again: whatever is wrong, it is a DataError."""
    rng = random.Random(1)
    right = written(tmp_path / "t.npz", table(rows=3))
    path = tmp_path / "wrong.npz"
    refused = 0
    for trial in range(2000):
        body = flipped(rng, right[:-121], None) if trial % 10 else rng.randbytes(rng.randrange(400))
        path.write_bytes(signed(body))
        try:
            assert all(array.dtype.kind in "iu" for array in store.read(path).values())
        except DataError:
            refused += 1
    assert refused > 1000
    print(f"2000 random files with a right sha256: {refused} refused, the others hold integers")


def test_a_huge_shape_allocates_nothing(tmp_path):
    rng = random.Random(2)
    right = written(tmp_path / "t.npz", table())
    wrong = [seal(huge(rng, right, None)) for _ in range(100)]
    path = tmp_path / "wrong.npz"
    tracemalloc.start()
    for data in wrong:
        path.write_bytes(data)
        with pytest.raises(DataError, match="cannot be used"):
            store.read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * len(right)
    print(f"100 huge shapes refused; {peak >> 10} KiB of memory at most")


def text_header(text):
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text) + 1) + text + b"\n"


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
def test_headers_that_say_something_else(tmp_path, monkeypatch, header):
    """Files written by fastdiag's own writer, right but for one array's header of 64 bytes or more."""
    padded = text_header(header.ljust(-(-(len(header) + 11) // 64) * 64 - 11))
    monkeypatch.setattr(archive, "_npy_header", lambda dtype, shape: padded)
    store.write(tmp_path / "t.npz", {"a": np.arange(8)})
    monkeypatch.undo()
    with pytest.raises(DataError, match="cannot be used"):
        store.read(tmp_path / "t.npz")


def test_two_members_of_one_name(tmp_path):
    data = written(tmp_path / "t.npz", {"a": np.arange(8), "b": np.arange(8)})
    (tmp_path / "t.npz").write_bytes(seal(data.replace(b"b.npy", b"a.npy")))
    with pytest.raises(DataError, match="'a' stands there twice"):
        store.read(tmp_path / "t.npz")


UNWRITABLE = """
import os, sys, warnings
from fastdiag.coefficients import store
from test_store import fine, same, table
if sys.argv[1] == "other":
    import hashlib, platformdirs, pwd, tempfile, numpy.testing
    table()  # imports the rest: afterwards this Python may be out of reach
    os.setuid(54321)  # unknown to the system
if sys.argv[1] == "full":  # no file may grow beyond 4000 bytes
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    same(store.load("t.npz", fine, table), table())
print(len(told), told[0].category.__name__, told[0].message)
"""


def told_without_cache(word, folder, **options):
    said = output(python(UNWRITABLE, word, cwd=folder, **options))
    assert said.startswith("1 DataWarning t.npz was built but cannot be kept, so it is built again next time: ")
    return said


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME and /proc are Linux's")
def test_a_cache_that_cannot_be_written(tmp_path):
    work, file = tmp_path / "work", tmp_path / "file"
    work.mkdir()
    file.touch()
    assert "Not a directory" in told_without_cache("under a file", work, env={"XDG_CACHE_HOME": str(file)})
    assert "cannot be made" in told_without_cache("in /proc", work, env={"XDG_CACHE_HOME": "/proc"})
    assert "File too large" in told_without_cache("full", work, env={"XDG_CACHE_HOME": str(tmp_path / "disk")})
    assert list((tmp_path / "disk" / "fastdiag").iterdir()) == []
    assert list(work.iterdir()) == []
    if os.getuid() == 0:  # modes do not bind root, but they bind whom root becomes
        assert "Permission denied" in told_without_cache("other", work, env={"XDG_CACHE_HOME": str(tmp_path)})
        assert "set HOME" in told_without_cache("other", work, env={"XDG_CACHE_HOME": "", "HOME": "nowhere"})
        assert list(work.iterdir()) == []


def test_a_user_without_a_home(tmp_path, monkeypatch):
    """Newer platformdirs raise; older ones give a folder called ~ in the current one."""
    import platformdirs

    def homeless(name):
        raise RuntimeError("could not determine the home directory")

    monkeypatch.chdir(tmp_path)
    for answer in (homeless, lambda name: f"~/.cache/{name}"):
        monkeypatch.setattr(platformdirs, "user_cache_dir", answer)
        assert files.find("breast_cancer.npz").is_file()
        with pytest.warns(DataWarning, match="cannot be kept, .*: there is no folder for a cache .*; set HOME"):
            same(store.load("t.npz", fine, table), table())
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="modes do not bind root")
def test_a_read_only_home(tmp_path):
    tmp_path.chmod(0o555)
    try:
        assert "Permission denied" in told_without_cache("read-only", "/", env={"XDG_CACHE_HOME": str(tmp_path)})
    finally:
        tmp_path.chmod(0o755)


def test_importing_loads_nothing_heavy():
    code = "import sys; from fastdiag.coefficients import store; print({'numba', 'zipfile', 'platformdirs', 'tempfile'} & set(sys.modules))"
    assert output(python(code)) == "set()\n"


def test_big_offsets_and_sizes():
    """The directory's numbers beyond 4 GiB, read by zipfile: a file of holes that keeps only what is not zero."""

    class Holes(io.RawIOBase):
        def __init__(self):
            self.kept, self.length, self.at = [], 0, 0

        def write(self, data):
            if len(data) != archive.BLOCK:
                self.kept.append((self.length, bytes(data)))
            self.length += len(data)
            return len(data)

        def seekable(self):
            return True

        def tell(self):
            return self.at

        def seek(self, offset, whence=0):
            self.at = offset + (0, self.at, self.length)[whence]
            return self.at

        def read(self, size=-1):
            end = self.length if size < 0 else min(self.length, self.at + size)
            out = bytearray(end - self.at)
            for start, data in self.kept:
                low, high = max(start, self.at), min(start + len(data), end)
                if low < high:
                    out[low - self.at : high - self.at] = data[low - start : high - start]
            self.at = end
            return bytes(out)

    class Unsummed:  # the sums of 5 GiB are taken in the long test
        def update(self, data):
            pass

        def hexdigest(self):
            return "0" * 64

    file = Holes()
    zeros = np.zeros(archive.BLOCK, np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashlib, "sha256", Unsummed)
        patch.setattr("zlib.crc32", lambda data, start=0: 0)
        big = store.Chunks("u1", (5000, archive.BLOCK), (zeros[None] for _ in range(5000)))
        archive.pack(file, {"big": big, "small": np.arange(9)})
    with zipfile.ZipFile(file) as opened:
        big, small = opened.infolist()
        assert big.file_size == big.compress_size == 5000 * archive.BLOCK + 128
        assert small.header_offset > 5000 * archive.BLOCK > 1 << 32
        file.seek(small.header_offset + 30 + len("small.npy"))
        start = struct.unpack("<2H2Q", file.read(20))
        assert start == (1, 16, small.file_size, small.file_size)


@pytest.mark.long
def test_more_than_4_gib(tmp_path):
    chunk = np.arange(1 << 21, dtype=np.int64).reshape(-1, 4)  # 16 MiB
    chunks = store.Chunks(chunk.dtype, (280 * len(chunk), 4), (chunk + i for i in range(280)))
    path = tmp_path / "big.npz"
    store.write(path, {"first": np.arange(3), "big": chunks, "last": np.arange(9)})
    try:
        got = store.read(path)
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
