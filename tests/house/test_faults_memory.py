"""Limits of the process and of the container count as memory; what cannot fit is refused soon, under any of them."""

import os
import resource
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

import fastdiag as fd
from fastdiag import files, memory
from fastdiag.coefficients import sizes, store
from fastdiag.door import door
from fastdiag.errors import TooLargeError

LAND = "land = fd.landscapes.samples([0.0, 0.0], [[1.0], [-1.0]], [[[2.0]], [[2.0]]])\n"
REFUSED = {
    "predict": """
rng = np.random.default_rng(0)
land = fd.landscapes.logistic(rng.normal(size=(60, 512)), rng.integers(0, 2, 60), theta=np.zeros(512))
call = lambda: fd.predict(land, fd.Spacetime(N=60, T=10), 0.01, order=3)
""",
    "count_maps": "ds, st = fd.diagrams(6), fd.Spacetime(N=1000, B=10, T=10)\ncall = lambda: fd.count_maps(ds, st, T=range(1, 10**5))\n",
    "simulate": LAND + "call = lambda: fd.simulate(land, fd.Spacetime(10**11, 10**11, 1), 0.1, runs=10)\n",
    "coefficients": "table = fd.table(6)\ncall = lambda: table.coefficients(N=1000, B=10, T=range(1, 3000), exact=True)\n",
    "floats": "table = fd.table(6)\ncall = lambda: table.coefficients(N=1000, B=10, T=range(1, 30000))\n",
}
PROGRAM = """
import time
import numpy as np
import fastdiag as fd
{setup}
begun = time.process_time()
try:
    call()
except fd.errors.TooLargeError as error:
    print(time.process_time() - begun, "free" in str(error))
"""


def run(program, gigabytes):
    limit = gigabytes << 30
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=200, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )


@pytest.mark.parametrize(
    ("name", "gigabytes"),
    [*((name, 2) for name in REFUSED), *(pytest.param(name, 4, marks=pytest.mark.long) for name in ("predict", "simulate"))],
)
def test_refused_under_a_limit(name, gigabytes):
    found = run(PROGRAM.format(setup=REFUSED[name]), gigabytes)
    assert found.returncode == 0, found.stderr
    seconds, told = found.stdout.split()
    assert told == "True"  # foreseen, not met
    assert float(seconds) < 5  # some tenths


def test_what_is_counted_is_what_exact_coefficients_take():
    program = """
import fastdiag as fd
from fastdiag.coefficients.grid import Grid

def peak():  # of this process: ru_maxrss outlives an exec
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024

table = fd.table(5)
table.coefficients(N=1000, B=10, T=[5], exact=True)
before = peak()
found = table.coefficients(N=1000, B=10, T=range(1, 1000), exact=True)
took = peak() - before
print(took, table._bytes(Grid.of("reshuffle", 1000, 10, range(1, 1000), None), True))
"""
    found = run(program, 8)
    assert found.returncode == 0, found.stderr
    took, counted = map(int, found.stdout.split())
    assert 0.7 * counted < took < 1.3 * counted


def test_memory_that_runs_out_all_the_same():
    @door
    def greedy():
        return np.zeros(1 << 50)

    with pytest.raises(TooLargeError, match=r"greedy ran out of memory \(Unable to allocate"):
        greedy()
    assert fd.predict.__name__ == "predict"


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


@pytest.mark.parametrize("version", [1, 2])
def test_containers(tmp_path, monkeypatch, version):
    """The least of the limits on this process' group and on those around it."""
    proc, group = tmp_path / "proc", tmp_path / "cgroup"
    monkeypatch.setattr(memory, "PROC", proc)
    monkeypatch.setattr(memory, "CGROUP", group)
    write(proc, meminfo="MemAvailable:  9000000 kB")
    if version == 1:
        write(proc / "self", cgroup="4:cpu,cpuacct:/\n9:memory:/job/one")
        for place, limit in (("", 2**63 - 4096), ("job", 6 << 20), ("job/one", 7 << 20)):
            write(group / "memory" / place, memory__limit_in_bytes=limit, memory__usage_in_bytes=2 << 20, memory__stat="total_inactive_file 4096")
    else:
        write(proc / "self", cgroup="0::/job/one")
        for place, limit in (("", "max"), ("job", 6 << 20), ("job/one", 7 << 20)):
            write(group / place, memory__max=limit, memory__current=2 << 20, memory__stat="anon 3\ninactive_file 4096")
    assert memory.free_bytes() == (4 << 20) + 4096


def test_an_address_space(tmp_path, monkeypatch):
    proc = tmp_path / "proc"
    monkeypatch.setattr(memory, "PROC", proc)
    monkeypatch.setattr(memory, "CGROUP", tmp_path / "none")
    write(proc, meminfo="MemAvailable:  900000000 kB")
    write(proc / "self", status="Name:\tpython\nVmSize:\t  1024 kB\nVmData:\t  512 kB")
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (8 << 30 if kind == resource.RLIMIT_AS else resource.RLIM_INFINITY,) * 2)
    assert memory.free_bytes() == (8 << 30) - (1 << 20) - memory.OF_THREADS * os.cpu_count()


@pytest.mark.parametrize("order", [9, 10])
def test_too_little_disk_is_told_first(order, cache, monkeypatch):
    """Before lower orders are built for minutes; also in a folder that is not there yet, and by `build`."""
    asked = []
    monkeypatch.setattr(memory.shutil, "disk_usage", lambda folder: asked.append(folder) or type("Usage", (), {"free": 8 << 30}))
    for call in (lambda: fd.table(order), lambda: fd.build(order), lambda: fd.build(order, directory=cache / "new" / "one")):
        begun = time.process_time()
        with pytest.raises(TooLargeError, match=rf"table of order {order} needs .* 8\.0 GiB are free"):
            call()
        assert time.process_time() - begun < 2
        assert not [*cache.glob("*.npz"), *cache.glob(".*")]
    assert all(folder.is_dir() for folder in asked)


def test_finished_shards_count(tmp_path, monkeypatch):
    """A build goes on on a disk that its own shards have filled."""
    monkeypatch.setattr(memory.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 10 << 30}))
    shards = tmp_path / ".reshuffle-09.npz.1-4096.shards"
    shards.mkdir()
    with pytest.raises(TooLargeError):
        sizes.check_on_disk("reshuffle", 9, tmp_path)
    with (shards / "000000000.npz").open("wb") as file:
        file.truncate(3 << 30)
    sizes.check_on_disk("reshuffle", 9, tmp_path)


def test_a_right_table_without_memory_is_not_called_wrong(tmp_path, monkeypatch):
    """No advice to delete it, and no new one is built."""
    store.write(tmp_path / "reshuffle-02.npz", store.read(files.find("reshuffle-02.npz")))

    def full(file):
        raise MemoryError

    monkeypatch.setattr(store, "_contents", full)
    with pytest.raises(TooLargeError, match="does not fit into memory"):
        fd.table(2, path=tmp_path)


def test_tables_that_do_not_fit(cache, monkeypatch):
    """Order 9 takes some 13 GB of disk, order 8 in memory some 9."""
    monkeypatch.setattr(memory, "free_bytes", lambda: 5 << 30)
    monkeypatch.setattr(memory.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 10 << 30}))
    begun = time.process_time()
    tables = sys.modules[fd.table.__module__]
    with pytest.raises(TooLargeError, match=r"12\.5 GiB of disk, and 10\.0 GiB are free"):
        tables._found("reshuffle", 9, None, False)
    shutil.rmtree(cache)
    cache.write_text("a file where a folder should be")
    with pytest.raises(TooLargeError, match=r"8\.4 GiB of memory"):
        tables._found("reshuffle", 8, None, False)
    assert time.process_time() - begun < 5
