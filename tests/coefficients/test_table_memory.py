"""Memory and disk of tables: what does not fit is refused before it is begun."""

import shutil
import time
import warnings
from types import SimpleNamespace

import pytest

import fastdiag as fd
from fastdiag import files, memory
from fastdiag.coefficients import build, lookup, sizes, store
from fastdiag.errors import DataError, TooLargeError
from oracles.processes import limited


def test_a_build_asks_for_its_disk_first(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))

    def in_file(kind, order, file):  # lower orders are there
        if order == 8:
            raise DataError("no such file")

    monkeypatch.setattr(build.OrderTable, "in_file", in_file)
    with pytest.raises(TooLargeError, match=r"table of order 8 needs .* of disk"):
        fd.build(8, directory=tmp_path / "made" / "here")
    assert not (tmp_path / "made").exists()


def test_a_refusal_is_not_told_as_a_success(tmp_path, monkeypatch):
    """A table that neither fits into a folder nor into memory."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(store, "cache_folder", lambda: tmp_path / "file" / "in it")

    def refused():
        raise TooLargeError("no room")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TooLargeError, match="no room"):
            store.load("squares.npz", check=lambda arrays: None, build=refused, make=lambda folder: None)


def test_what_is_counted_is_what_exact_coefficients_take():
    program = """
import fastdiag as fd
from fastdiag.coefficients.spacetimes import Spacetimes
from fastdiag.coefficients.sizes import of_coefficients

def peak():  # of this process: ru_maxrss outlives an exec
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024

table = fd.table(5)
table.coefficients(N=1000, B=10, T=[5], exact=True)
before = peak()
found = table.coefficients(N=1000, B=10, T=range(1, 1000), exact=True)
took = peak() - before
grid = Spacetimes.of("reshuffle", 1000, 10, range(1, 1000), None)
print(took, of_coefficients(grid, len(table), len(table), 5, True))
"""
    found = limited(program, 8)
    assert found.returncode == 0, found.stderr
    took, counted = map(int, found.stdout.split())
    assert 0.7 * counted < took < 1.3 * counted


@pytest.mark.parametrize("order", [9, 10])
def test_too_little_disk_is_told_first(order, cache, monkeypatch):
    """Before lower orders are built for minutes; also in a folder that is not there yet, and by `build`."""
    asked = []
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: asked.append(folder) or type("Usage", (), {"free": 8 << 30}))
    for call in (lambda: fd.table(order), lambda: fd.build(order), lambda: fd.build(order, directory=cache / "new" / "one")):
        begun = time.process_time()
        with pytest.raises(TooLargeError, match=rf"table of order {order} needs .* 8\.0 GiB are free"):
            call()
        assert time.process_time() - begun < 2
        assert not [*cache.glob("*.npz"), *cache.glob(".*")]
    assert all(folder.is_dir() for folder in asked)


def test_finished_shards_count(tmp_path, monkeypatch):
    """A build goes on on a disk that its own shards have filled."""
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 10 << 30}))
    shards = tmp_path / ".reshuffle-09.npz.1-4096.shards"
    shards.mkdir()
    with pytest.raises(TooLargeError):
        sizes.check_on_disk("reshuffle", 9, tmp_path)
    with (shards / "000000000.npz").open("wb") as file:
        file.truncate(3 << 30)
    sizes.check_on_disk("reshuffle", 9, tmp_path)


def test_a_right_table_without_memory_is_not_called_wrong(tmp_path, monkeypatch):
    """No advice to delete it, and no new one is built."""
    store.write_arrays(tmp_path / "reshuffle-02.npz", store.read_arrays(files.find("reshuffle-02.npz")))

    def full(path, **options):
        raise MemoryError

    monkeypatch.setattr(store, "opened", full)
    with pytest.raises(TooLargeError, match="does not fit into memory"):
        fd.table(2, path=tmp_path)


def test_tables_that_do_not_fit(cache, monkeypatch):
    """Order 9 takes some 13 GB of disk, order 8 in memory some 9."""
    monkeypatch.setattr(memory, "free_bytes", lambda: 5 << 30)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 10 << 30}))
    begun = time.process_time()
    with pytest.raises(TooLargeError, match=r"12\.5 GiB of disk, and 10\.0 GiB are free"):
        fd.table(9)
    cache.parent.mkdir()
    cache.write_text("a file where a folder should be")
    load = lookup.load
    monkeypatch.setattr(lookup, "load", lambda name, *how: load(name, *how) if "08" in name else {})  # lower orders are there
    with pytest.raises(TooLargeError, match=r"8\.4 GiB of memory"):
        fd.table(8)
    assert time.process_time() - begun < 5
