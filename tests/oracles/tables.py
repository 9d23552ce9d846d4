"""Made-up tables, right and forged, and Python processes, for the tests of the files of tables."""

import hashlib
import struct

import numpy as np

from fastdiag.coefficients import archive, store

DTYPES = ["i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8"]


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
    store.write_arrays(path, arrays)
    return path.read_bytes()


def signed(data):
    """What an attacker does: end the bytes of an archive with the right sha256 (an old comment is replaced)."""
    end = data.rfind(b"PK\5\6")
    data = (data[: end + 20] + struct.pack("<H", len(archive.COMMENT) + 64) if end >= 0 else data) + archive.COMMENT
    return data + hashlib.sha256(data).hexdigest().encode()


def never():
    raise AssertionError("built, though there is a right file")


def fine(arrays):
    assert arrays
