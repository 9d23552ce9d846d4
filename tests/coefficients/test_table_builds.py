"""Building tables: the same bytes however it is done, by whom and after what; wrong files never used."""

import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import fastdiag as fd
from fastdiag import files
from fastdiag.coefficients import build as building
from fastdiag.coefficients import store
from fastdiag.coefficients.order import KINDS, file_name
from fastdiag.errors import DataError
from oracles import processes
from oracles.builds import DATA, WHERE, AtOnce, answers, shipped, slow_shard, told
from oracles.damage import appended, flipped, truncated
from oracles.processes import output

ALONE = """
import os, sys
os.environ.pop("FASTDIAG_DATA_DIR", None)
from fastdiag import files
files.__file__ = "/nowhere/a/b/files.py"  # no shipped tables
import fastdiag as fd
from fastdiag.coefficients import build as building
"""


def python(code, *arguments, home=None, **options):
    own = {} if home is None else {"HOME": str(home), "XDG_CACHE_HOME": str(home)}
    return processes.python(ALONE + code, *arguments, env=own, **options)


def names(folder):
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_files_are_what_is_built(kind, tmp_path, monkeypatch):
    for order in range(7):
        for folder in ("one", "two"):
            building.make(kind, order, tmp_path / folder)
            assert (tmp_path / folder / file_name(kind, order)).read_bytes() == shipped(kind, order)
    assert names(tmp_path / "one") == names(tmp_path / "two") == [file_name(kind, d) for d in range(7)]


@pytest.mark.parametrize("rows", [1, 37, 100, 101, 102])
@pytest.mark.parametrize("kind", KINDS)
def test_shards_make_the_same_bytes(kind, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(building, "SHARD_ROWS", rows)
    for order in (0, 1, 3, 4) if rows > 1 else (2, 3):
        for executor in (None, AtOnce()):
            folder = tmp_path / str(executor is None)
            building.make(kind, order, folder, executor)
            assert (folder / file_name(kind, order)).read_bytes() == shipped(kind, order)
            assert not list(folder.glob(".*"))


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_any_executor(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(building, "SHARD_ROWS", 90)
    options = {} if kind is ThreadPoolExecutor else {"mp_context": multiprocessing.get_context("spawn")}
    with kind(2, **options) as executor:
        path = fd.build(5, executor=executor, directory=tmp_path)
    assert path.read_bytes() == shipped("reshuffle", 5)
    assert names(tmp_path) == [file_name("reshuffle", d) for d in range(6)]


def test_orders_to_six_come_with_the_package(tmp_path, monkeypatch):
    """Building into the cache makes what is not shipped, and the highest order asked for."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    path = fd.build(3, "replacement")
    assert path == files.cache_folder() / "reshuffle-03.npz"
    assert names(path.parent) == ["reshuffle-03.npz"]
    before = path.stat().st_mtime_ns, path.stat().st_ino
    assert fd.build(3) == path
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


def test_an_interrupted_build_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(building, "SHARD_ROWS", 60)  # 12 shards of order 5
    monkeypatch.setattr(building, "WINDOW", 1)
    with pytest.raises(RuntimeError, match="the power failed"):
        building.make("cyclic", 5, tmp_path, AtOnce(most=7))
    (folder,) = tmp_path.glob(".*.shards")
    kept = sorted(folder.glob("*.npz"))
    assert len(kept) == 7
    assert not (tmp_path / "cyclic-05.npz").exists()
    kept[0].write_bytes(kept[0].read_bytes()[:-1])  # one of them is damaged meanwhile
    rest = AtOnce()
    building.make("cyclic", 5, tmp_path, rest)
    assert rest.done == 12 - len(kept) + 1
    assert (tmp_path / "cyclic-05.npz").read_bytes() == shipped("cyclic", 5)
    assert names(tmp_path) == ["cyclic-05.npz"]


def test_shards_of_another_size_are_not_taken(tmp_path, monkeypatch):
    """An older fastdiag may have cut a table otherwise, or meant something else by it."""
    monkeypatch.setattr(building, "WINDOW", 1)
    monkeypatch.setattr(building, "SHARD_ROWS", 60)
    with pytest.raises(RuntimeError, match="the power failed"):
        building.make("reshuffle", 5, tmp_path, AtOnce(most=5))
    assert len(list(tmp_path.glob(".*.shards/*.npz"))) == 5
    monkeypatch.setattr(building, "SHARD_ROWS", 70)
    executor = AtOnce()
    building.make("reshuffle", 5, tmp_path, executor)
    assert executor.done == 10
    assert (tmp_path / "reshuffle-05.npz").read_bytes() == shipped("reshuffle", 5)


AT_ONCE = """
import warnings
warnings.simplefilter("error")
building.SHARD_ROWS = int(sys.argv[1])
shard, made = building.shard, []
building.shard = lambda *arguments: made.append(1) or shard(*arguments)
input()
table = fd.table(4)
print(len(made), *table.coefficients(N=6, B=2, T=7).tolist())
"""


@pytest.mark.parametrize("many", [3, pytest.param(10, marks=pytest.mark.long)])
def test_processes_at_once(tmp_path, many):
    running = [python(AT_ONCE, 11, home=tmp_path) for _ in range(many)]
    for process in running:  # all wait for this line, so that they start together
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [output(process).split() for process in running]
    right = [float(x) for x in fd.table(4).coefficients(**WHERE)]
    assert all([float(x) for x in answer[1:]] == right for answer in answers)
    folder = tmp_path / "fastdiag"
    assert names(folder) == [file_name("reshuffle", d) for d in range(5)]
    for d in range(5):
        assert (folder / file_name("reshuffle", d)).read_bytes() == shipped("reshuffle", d)
    print(f"{many} processes at once, {sum(int(a[0]) for a in answers)} shards built: one valid file for each order")


# One warm process that forks a builder for every line it reads, and buries the last one.
BUILDERS = """
import os, signal
from pathlib import Path
building.SHARD_ROWS = 70
building.in_memory("cyclic", 5)  # compiles, before there are threads
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        building.make("cyclic", 5, Path(sys.argv[1]))
        signal.pause()  # to be killed all the same: what has ended may be another process by then
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")
@pytest.mark.parametrize("many", [10, pytest.param(50, marks=pytest.mark.long)])
def test_killed_at_random_moments_of_a_build_in_shards(tmp_path, many):
    rng = random.Random(0)
    path = tmp_path / "cyclic-05.npz"
    right = shipped("cyclic", 5)
    builders = python(BUILDERS, tmp_path)
    finished = most = before = whole = 0
    for kill in range(many + 1):
        builders.stdin.write("\n")
        builders.stdin.flush()
        child = int(builders.stdout.readline())
        start = time.perf_counter()
        while kill == 0 and (list(tmp_path.glob(".*.shards")) or not path.exists()):  # left alone, to see how long it takes
            time.sleep(0.001)
        whole = time.perf_counter() - start if kill == 0 else whole
        time.sleep(rng.uniform(0, 0.7 * whole) if kill else 0)
        os.kill(child, signal.SIGKILL)
        assert builders.stdout.readline() == "gone\n"
        shards = list(tmp_path.glob(".*.shards/*.npz"))
        assert all(store.read_arrays(file, links=False) for file in shards)  # a shard is whole or absent
        if path.exists():
            finished += 1
            assert path.read_bytes() == right
            path.unlink()
        else:
            assert len(shards) >= before  # nothing that was finished is lost
            most = max(most, len(shards))
        before = len(shards)
    output(builders)
    building_on = AtOnce()
    rows, building.SHARD_ROWS = building.SHARD_ROWS, 70
    try:
        building.make("cyclic", 5, tmp_path, building_on)
    finally:
        building.SHARD_ROWS = rows
    assert building_on.done == 10 - before
    assert path.read_bytes() == right
    for part in files.leftovers(tmp_path):
        part.unlink()
    assert names(tmp_path) == ["cyclic-05.npz"]
    assert finished
    assert most
    print(f"{many} kills and one that was late: {finished} finished tables, all right; up to {most} of 10 shards carried on; none lost, none wrong")


RIGHT = [fd.coefficient(D, fd.Spacetime(**WHERE)) for d in range(4) for D in fd.diagrams(d)]


def test_a_wrong_file_anywhere_is_told_and_not_used(tmp_path, bare_cache, monkeypatch):
    """In the explicit folder, FASTDIAG_DATA_DIR, the package, the cache: built again, or found elsewhere."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    rng = random.Random(0)
    name, right = "reshuffle-03.npz", shipped("reshuffle", 3)
    given, env, package = tmp_path / "given", tmp_path / "env", tmp_path / "a" / "b" / "data"
    monkeypatch.setenv("FASTDIAG_DATA_DIR", str(env))
    for folder in (given, env, package, bare_cache):
        folder.mkdir(parents=True)
    for d in range(3):
        (bare_cache / file_name("reshuffle", d)).write_bytes(shipped("reshuffle", d))
    count = 0
    for folder in (given, env, package, bare_cache):
        for attack in (flipped, truncated, appended) * (20 if folder == bare_cache else 5):
            (folder / name).write_bytes(attack(rng, right, None))
            found, messages = told(lambda: answers(given))
            assert found == RIGHT
            assert len(messages) == 1
            assert messages[0].startswith(f"{folder / name} is skipped, and the table rebuilt")
            assert (bare_cache / name).read_bytes() == right
            count += 1
        if folder != bare_cache:
            (folder / name).unlink()
    assert count == 105
    print(f"{count} damaged tables in 4 places: all told, none used, the cache mended")


def test_files_that_are_something_else(bare_cache, tmp_path):
    """Right digests, wrong tables: of another order, kind or version, with rows missing, or no table at all."""
    assert answers() == RIGHT
    path = bare_cache / "reshuffle-03.npz"
    arrays = store.read_arrays(path)
    wrong = {
        "another order": store.read_arrays(DATA / "reshuffle-02.npz"), "another kind": store.read_arrays(DATA / "cyclic-03.npz"),
        "another version": arrays | {"schema": np.array([0, 1, 3])}, "no rows": arrays | {"parents": arrays["parents"][:0]},
        "no table": {"a": np.arange(3)},
    }
    for contents in wrong.values():
        store.write_arrays(path, contents)
        found, messages = told(answers)
        assert found == RIGHT
        assert len(messages) == 1
        assert "is skipped" in messages[0]
        assert path.read_bytes() == shipped("reshuffle", 3)
    assert told(answers) == (RIGHT, [])
    path.unlink()
    path.mkdir()  # not a file: nothing to skip, and nowhere to write to
    found, messages = told(answers)
    assert found == RIGHT
    assert len(messages) == 1
    assert "cannot be kept" in messages[0]


def test_the_first_right_file_is_taken(bare_cache, tmp_path, monkeypatch):
    package, checkout = tmp_path / "a" / "b" / "data", tmp_path / "data"
    places = [bare_cache, checkout, package, tmp_path / "env", tmp_path / "given"]
    monkeypatch.setenv("FASTDIAG_DATA_DIR", str(tmp_path / "env"))
    (tmp_path / "given").mkdir()
    opened = []
    read = store.read_arrays
    monkeypatch.setattr(store, "read_arrays", lambda path, **rest: opened.append(path) or read(path, **rest))
    for folder in places:
        folder.mkdir(parents=True, exist_ok=True)
        for d in range(2):
            (folder / file_name("cyclic", d)).write_bytes(shipped("cyclic", d))
        opened.clear()
        fd.table(1, "cyclic", path=tmp_path / "given")
        assert opened == [folder / file_name("cyclic", d) for d in range(2)]
    opened.clear()
    fd.table(1, "cyclic")
    assert opened[0].parent == tmp_path / "env"


READ_ONLY = """
import os, warnings
if os.getuid() == 0:  # modes do not bind root, but they bind whom root becomes
    home, os.environ["XDG_CACHE_HOME"] = os.environ["XDG_CACHE_HOME"], sys.argv[2]
    fd.table(2)  # imports the rest, before this Python is out of reach
    import rich.progress
    os.environ["XDG_CACHE_HOME"] = home
    os.setuid(54321)
building.SHARD_ROWS = int(sys.argv[1])
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    table = fd.table(4)
print(len(told), {w.category.__name__ for w in told}, told[0].message)
print(*table.coefficients(N=6, B=2, T=7).tolist())
try:
    fd.build(4, directory=files.cache_folder())
except fd.errors.DataError as error:
    print("DataError", error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME and user 54321 are Linux's")
@pytest.mark.every(3)
@pytest.mark.parametrize("rows", [20, 1000], ids=["in shards", "whole"])
@pytest.mark.parametrize("made", [False, True], ids=["no cache", "an empty one"])
def test_a_read_only_home(tmp_path, rows, made):
    """A warning for each order, tables in memory, a right answer; `build` says what is wrong."""
    with tempfile.TemporaryDirectory() as name:  # outside of tmp_path, which is root's alone
        home = Path(name)
        if made:
            (home / "fastdiag").mkdir()
        folders = [home, *home.iterdir()]
        for folder in folders:
            folder.chmod(0o555)
        said = output(python(READ_ONLY, rows, tmp_path / "other", home=home, cwd="/")).splitlines()
        for folder in folders:
            folder.chmod(0o755)
        assert [home, *home.rglob("*")] == folders
    assert said[0].startswith("5 {'DataWarning'} reshuffle-00.npz was built but cannot be kept, so it is built again next time")
    assert "Permission denied" in said[0]
    assert [float(x) for x in said[1].split()] == fd.table(4).coefficients(**WHERE).tolist()
    assert said[2].startswith("DataError")


def test_dask_survives_the_loss_of_a_worker(tmp_path, monkeypatch):
    """A real cluster of two worker processes, one of them killed in the middle: the same bytes."""
    distributed = pytest.importorskip("distributed")
    import dask

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(files.__file__).parents[1]), *sys.path]))
    monkeypatch.setattr(building, "SHARD_ROWS", 30)  # 24 shards of order 5
    monkeypatch.setattr(building, "shard", slow_shard)
    write, written = building.write_arrays, []

    def write_and_kill(path, *rest):
        write(path, *rest)
        written.append(path.name)
        if len(written) == 6:
            os.kill(pids[0], signal.SIGKILL)

    monkeypatch.setattr(building, "write_arrays", write_and_kill)
    with dask.config.set({"distributed.worker.daemon": True, "logging.distributed": "critical"}), distributed.LocalCluster(
        n_workers=2, processes=True, threads_per_worker=1, dashboard_address=None, silence_logs=60
    ) as cluster, distributed.Client(cluster) as client:
        pids = list(client.run(os.getpid).values())
        assert len(pids) == 2
        path = fd.build(5, "reshuffle", executor=client.get_executor(), directory=tmp_path)
        assert pids[0] not in client.run(os.getpid).values()
    assert len(written) > 20
    assert path.read_bytes() == shipped("reshuffle", 5)
    print(f"{len(written)} files written, a worker killed after the sixth: the table is identical")


@pytest.mark.long
def test_order_seven_in_a_bounded_memory(tmp_path):
    """33 million bytes and more of table; what is held at a time is a window of shards."""
    code = (
        "import resource; building.SHARD_ROWS = 2048; building.in_memory('cyclic', 4)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "path = fd.build(7, sys.argv[1], directory=sys.argv[2])\n"
        "print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, path.stat().st_size)"
    )
    for kind in KINDS:
        before, peak, size = map(int, output(python(code, kind, tmp_path)).split())
        print(f"{kind}: {size / 1e6:.0f} MB built with {(peak - before) / 1e3:.0f} MB more than before")
        assert peak < 500_000  # kB; numba alone takes half of it
        rows = fd.table(7, kind, path=tmp_path)
        spacetime = fd.Spacetime(6, 2, 10, sampling=kind)
        for i in range(6685, len(rows), 7919):
            assert rows[i].coefficient(6, 2, 10) == fd.coefficient(rows[i].diagram, spacetime)


def test_the_folder_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot be made .*choose another directory"):
        fd.build(2, directory=tmp_path / "file" / "folder")
