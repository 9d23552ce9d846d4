"""A thousand wrong files: each is told, rebuilt, and never served or executed."""

import io
import os
import random
import struct
import tracemalloc

import numpy as np
import pytest

from fastdiag.coefficients import store
from fastdiag.errors import DataError, DataWarning
from oracles.damage import appended, flipped, truncated
from oracles.tables import fine, same, signed, table, written


class Bomb:
    """Its unpickling makes a folder."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def saved(arrays):
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def swapped(rng, data, *_):
    with np.load(io.BytesIO(data)) as loaded:
        arrays = dict(loaded)
    one, two = rng.sample([name for name in arrays if name.startswith("a")], 2)
    arrays[one], arrays[two] = arrays[two], arrays[one]
    return saved(arrays)


def huge(rng, data, *_):
    """One array says a shape that its bytes do not fill; nothing else about the file is wrong."""
    name = rng.choice(list(table()))
    start = data.index(b"\x93NUMPY", data.index(f"{name}.npy".encode()))
    length = struct.unpack_from("<H", data, start + 8)[0]
    text = data[start + 10 : start + 10 + length]
    big = rng.choice([1 << 62, (1 << 40) + rng.randrange(99), 10**11, 1 << 31])
    shape = rng.choice([(big,), (big, 3), (0, big**2), (-big,), (-1, -big), (big, 0, big**2)])
    text = text[: text.index(b"(")] + f"{shape}, }}".encode()
    if len(text) >= length:
        return huge(rng, data, *_)
    return data[: start + 10] + text.ljust(length - 1) + b"\n" + data[start + 10 + length :]


def pickled(rng, data, marker):
    """Objects where integers were."""
    with np.load(io.BytesIO(data)) as loaded:
        arrays = dict(loaded)
    arrays[rng.choice(list(arrays))] = np.array([Bomb(marker)] * rng.randint(1, 3), object)
    return saved(arrays)


def sealed(attack):
    return lambda rng, data, marker: signed(attack(rng, data, marker))


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


@pytest.mark.parametrize("share", [5, pytest.param(1, marks=pytest.mark.long)])
def test_a_thousand_corruptions(tmp_path, cache, monkeypatch, share):
    """Each is an error to `read`, a warning to `load`, rebuilt, and never served."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # tested elsewhere, and slow on some disks
    rng = random.Random(0)
    marker = tmp_path / "executed"
    cache.mkdir(parents=True)
    path = cache / "t.npz"
    right = written(path, table())
    read, warned, rebuilt = 0, 0, 0
    for attack, times in ATTACKS.values():
        for _ in range(times // share):
            wrong = attack(rng, right, marker)
            assert wrong != right
            path.write_bytes(wrong)
            with pytest.raises(DataError, match="cannot be used"):
                store.read_arrays(path)
            read += 1
            with pytest.warns(DataWarning, match=r"t\.npz is skipped, and the table rebuilt") as told:
                got = store.load("t.npz", fine, table)
            warned += len(told) == 1
            rebuilt += same(got, table()) and path.read_bytes() == right
            assert not marker.exists()
    assert read == warned == rebuilt == 1000 // share
    print(f"{read} corruptions: all detected, reported and rebuilt; no pickled object was executed")
    print("   ", ", ".join(f"{times // share} {kind}" for kind, (_, times) in ATTACKS.items()))


def test_the_pickles_would_have_been_executed(tmp_path):
    """The attack above is a real one: a reader that allows pickles runs it."""
    data = written(tmp_path / "t.npz", table())
    for seed in range(8):
        marker = tmp_path / f"executed{seed}"
        with np.load(io.BytesIO(signed(pickled(random.Random(seed), data, marker))), allow_pickle=True) as loaded:
            for name in loaded:
                _ = loaded[name]
        assert marker.exists()


def test_a_huge_shape_allocates_nothing(tmp_path):
    rng = random.Random(2)
    right = written(tmp_path / "t.npz", table())
    wrong = [signed(huge(rng, right)) for _ in range(100)]
    path = tmp_path / "wrong.npz"
    tracemalloc.start()
    peaks = []
    for data in wrong:
        path.write_bytes(data)
        before = tracemalloc.get_traced_memory()[0]  # what the collector has not come to
        tracemalloc.reset_peak()
        with pytest.raises(DataError, match="cannot be used"):
            store.read_arrays(path)
        peaks.append(tracemalloc.get_traced_memory()[1] - before)
    tracemalloc.stop()
    assert max(peaks) < 10 * len(right)
    print(f"100 huge shapes refused; {max(peaks) >> 10} KiB of memory at most")
