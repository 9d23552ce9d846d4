"""Limits of the process and of the container count as memory; what cannot fit is refused soon, under any of them."""

import os
import resource

import numpy as np
import pytest

import fastdiag as fd
from fastdiag import memory
from fastdiag.door import door
from fastdiag.errors import TooLargeError
from oracles.processes import limited

LAND = "land = fd.landscapes.samples([0.0, 0.0], [[1.0], [-1.0]], [[[2.0]], [[2.0]]])\n"
REFUSED = {
    "predict": """
rng = np.random.default_rng(0)
land = fd.landscapes.logistic(rng.normal(size=(600, 512)), rng.integers(0, 2, 600), theta=np.zeros(512))
call = lambda: fd.predict(land, fd.Spacetime(N=60, T=120), 0.01, order=3, update=fd.updates.momentum(0.5), patience=1e9)
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


@pytest.mark.parametrize(
    ("name", "gigabytes"),
    [*((name, 2) for name in REFUSED), *(pytest.param(name, 4, marks=pytest.mark.long) for name in ("predict", "simulate"))],
)
def test_refused_under_a_limit(name, gigabytes):
    found = limited(PROGRAM.format(setup=REFUSED[name]), gigabytes)
    assert found.returncode == 0, found.stderr
    seconds, told = found.stdout.split()
    assert told == "True"  # foreseen, not met
    assert float(seconds) < 5  # some tenths


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


def test_what_is_free(tmp_path, monkeypatch):
    proc, group = tmp_path / "proc", tmp_path / "cgroup"
    proc.mkdir()
    group.mkdir()
    monkeypatch.setattr(memory, "PROC", proc)
    monkeypatch.setattr(memory, "CGROUP", group)
    assert memory.free_bytes() is None or memory.free_bytes() > 0  # what the operating system says, if anything
    (proc / "meminfo").write_text("MemTotal:       2000 kB\nMemFree:  100 kB\nMemAvailable:   1000 kB\n")
    assert memory.free_bytes() == 1_024_000
    for limit, free in [("max", 1_024_000), ("500000", 310_000), ("100000", 0), ("9000000", 1_024_000)]:
        (group / "memory.max").write_text(limit + "\n")
        (group / "memory.current").write_text("200000\n")
        (group / "memory.stat").write_text("anon 5\ninactive_file 10000\n")
        assert memory.free_bytes() == free
