"""Tables as files: found in order, built when missing, whole or absent whatever happens to their writers."""

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from fastdiag import files
from fastdiag.coefficients import store
from fastdiag.errors import DataError, DataWarning
from oracles.processes import output, python
from oracles.tables import fine, never, same, table, written


def test_folders_in_order(tmp_path, monkeypatch):
    package = Path(files.__file__).parent
    monkeypatch.delenv("FASTDIAG_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    usual = [package / "data", package.parents[1] / "data", files.cache_folder()]
    assert list(files.folders()) == usual
    if sys.platform == "linux":
        assert files.cache_folder() == tmp_path / "fastdiag"
    monkeypatch.setenv("FASTDIAG_DATA_DIR", str(tmp_path / "env"))
    assert list(files.folders(tmp_path / "given")) == [tmp_path / "given", tmp_path / "env", *usual]


def test_load_takes_the_first_right_file(tmp_path, cache, monkeypatch):
    given, env = tmp_path / "given", tmp_path / "env"
    monkeypatch.setenv("FASTDIAG_DATA_DIR", str(env))
    places = [cache, env, given]
    for seed, folder in enumerate(places):
        folder.mkdir(parents=True)
        store.write_arrays(folder / "t.npz", table(seed))
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
    same(store.read_arrays(cache / "t.npz"), table(7))
    same(store.read_arrays(env / "t.npz"), table(1))


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
from oracles.tables import fine, same, table
def build():
    time.sleep(0.2)
    print("built")
    return table(rows=20_000)
input()
same(store.load("t.npz", fine, build), table(rows=20_000))
print("right")
"""


@pytest.mark.parametrize("many", [4, pytest.param(10, marks=pytest.mark.long)])
def test_processes_at_once(tmp_path, many):
    running = [python(SLOW, env={"XDG_CACHE_HOME": str(tmp_path)}) for _ in range(many)]
    for process in running:  # all wait for this line, so that they start together
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [output(process).split() for process in running]
    assert all(answer[-1] == "right" for answer in answers)
    builders = sum("built" in answer for answer in answers)
    assert builders >= 2
    folder = tmp_path / "fastdiag"
    assert [file.name for file in folder.iterdir()] == ["t.npz"]
    same(store.read_arrays(folder / "t.npz"), table(rows=20_000))
    print(f"{many} processes at once: {builders} built, as many right answers, one valid file, no leftovers")


# One warm process that forks a writer for every line it reads, and buries the last one.
WRITERS = """
import hashlib, os, sys, tempfile, zipfile  # imported once, not by every child
from fastdiag.coefficients import store
from oracles.tables import table
old, new = table(0, 50_000), table(1, 50_000)
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        while True:
            store.write_arrays(sys.argv[1], old)
            store.write_arrays(sys.argv[1], new)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")
@pytest.mark.parametrize("many", [20, pytest.param(50, marks=pytest.mark.long)])
def test_killed_at_random_moments(tmp_path, many):
    rng = random.Random(0)
    path = tmp_path / "t.npz"
    contents = [written(path, table(seed, 50_000)) for seed in (0, 1)]
    began = time.perf_counter()
    written(path, table(1, 50_000))
    pace = time.perf_counter() - began
    path.unlink()
    writers = python(WRITERS, path)
    found = {"absent": 0, "old": 0, "new": 0}
    middle = 0
    for kill in range(many):
        if kill % 5 == 0:
            path.unlink(missing_ok=True)
        writers.stdin.write("\n")
        writers.stdin.flush()
        child = int(writers.stdout.readline())
        time.sleep(pace * rng.uniform(0, 1 if kill % 5 == 0 else 4))
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
            store.read_arrays(path)
        else:
            found["absent"] += 1
    output(writers)
    assert middle >= 10
    assert all(found.values())
    print(f"50 kills, {middle} of them in the middle of a write: the file was {found}, never anything else")


UNWRITABLE = """
import os, sys, warnings
from fastdiag.coefficients import store
from oracles.tables import fine, same, table
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
