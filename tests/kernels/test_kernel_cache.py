"""numba's cache of kernels, damaged, full, planted: the answer is right, and nothing of another's is run."""

import os
import pickle
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from fastdiag import files
from oracles.damage import damaged
from oracles.processes import python

SMALL = """
import sys, warnings
import numpy as np
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    from fastdiag.kernels.limbs import carry
    limbs = np.array([[10, 5, 0], [3, 1, -1]])
    carry(limbs, 2)
    from fastdiag.kernels.trees import smallest_first
    out = np.zeros((1, 4), np.int8)
    smallest_first(np.array([[0, 1, 2, 1]], np.int8), out)
print(limbs.tolist(), out.tolist(), len(told), *(w.message for w in told))
"""
RIGHT = "[[2, 3, 1], [3, 1, -1]] [[0, 1, 1, 2]]"


def ran(code, folder, **options):
    """Output, and whether the process ended by itself; a signal or a traceback is a failure."""
    process = python(code, env={"NUMBA_CACHE_DIR": str(folder)} | options.pop("env", {}), **options)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, (process.returncode, err[-2000:])
    return out


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A cache that a process has filled."""
    folder = tmp_path_factory.mktemp("numba")
    assert ran(SMALL, folder) == f"{RIGHT} 0\n"
    assert len(list(folder.rglob("*.nbc"))) >= 2
    return folder


def answers(full, tmp_path, seeds):
    told = 0
    for seed in seeds:
        folder = tmp_path / str(seed)
        shutil.copytree(full, folder)
        damaged(folder, random.Random(seed))
        out = ran(SMALL, folder)
        if out != f"{RIGHT} 0\n":  # a file of a helper that is compiled into its kernel is not read
            assert out.startswith(f"{RIGHT} 1 "), (seed, out)  # told once
            assert "were damaged; they are thrown away" in out
            told += 1
        if seed % 10 == 0:
            assert ran(SMALL, folder) == f"{RIGHT} 0\n"  # mended
        shutil.rmtree(folder)
    assert told >= 0.8 * len(seeds)
    print(f"{len(seeds)} damaged caches: {len(seeds)} right answers, {told} told")


def test_a_damaged_cache(full, tmp_path):
    answers(full, tmp_path, range(1))


@pytest.mark.long
def test_sixty_damaged_caches(full, tmp_path):
    answers(full, tmp_path, range(100, 160))


ONE_KERNEL = """
import importlib.util, pathlib, random, shutil, sys, warnings
sys.path.insert(0, sys.argv[1])
from fastdiag.kernels.kernel import Kernel
from oracles.damage import damaged
import one
warnings.simplefilter("ignore")
folder, kept = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
def fresh():  # a kernel as a new process has it
    return Kernel(one.squares)(7)
assert fresh() == 140
shutil.copytree(folder, kept)
for seed in range(int(sys.argv[4])):
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)
    damaged(folder, random.Random(seed))
    for _ in range(2):
        assert fresh() == 140
print("right")
"""


@pytest.mark.parametrize("many", [10, pytest.param(200, marks=pytest.mark.long)])
def test_damaged_files_of_one_kernel(many, tmp_path):
    (tmp_path / "one.py").write_text("def squares(n):\n    s = 0\n    for i in range(n + 1):\n        s += i * i\n    return s\n")
    process = python(ONE_KERNEL, tmp_path, tmp_path / "cache", tmp_path / "kept", many, env={"NUMBA_CACHE_DIR": str(tmp_path / "cache")})
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (0, "right\n"), err[-2000:]


MAKERS = [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.mkdir()]


@pytest.mark.parametrize("makers", [MAKERS[:2], *(pytest.param([make], marks=pytest.mark.long) for make in MAKERS)])
def test_pipes_links_and_folders_for_files(makers, full, tmp_path):
    """A pipe would wait for ever; a link leads elsewhere."""
    shutil.copytree(full, tmp_path / "cache")
    for number, path in enumerate(sorted((tmp_path / "cache").rglob("*.nbi"))):
        path.unlink()
        makers[number % len(makers)](path)
    assert ran(SMALL, tmp_path / "cache").startswith(f"{RIGHT} 1 ")


def test_another_functions_code_under_ones_index(full, tmp_path):
    """As two processes that write at once may leave it: the code says what it is for."""
    shutil.copytree(full, tmp_path / "cache")
    found = sorted((tmp_path / "cache").rglob("*.nbc"))
    for path, other in zip(found, found[1:] + found[:1], strict=True):
        shutil.copy(next(p for p in full.rglob(other.name)), path)
    assert ran(SMALL, tmp_path / "cache").startswith(RIGHT)


@pytest.mark.long  # what follows is the same kind
@pytest.mark.skipif(sys.platform != "linux", reason="file sizes are limited")
def test_a_full_disk(tmp_path):
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    out = ran(code + SMALL, tmp_path)
    assert out.startswith(f"{RIGHT} 1 compiled kernels cannot be kept in {tmp_path}"), out
    assert not list(tmp_path.rglob("*.tmp.*"))


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="mounts a file system")
def test_a_full_file_system(tmp_path):
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", tmp_path], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no mounts here")
    try:
        assert ran(SMALL, tmp_path).startswith(f"{RIGHT} 1 compiled kernels cannot be kept in {tmp_path}")
    finally:
        subprocess.run(["umount", tmp_path], check=True)


class Planted:
    """What another user would have run."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def planted(folder, marker):
    """Every file of a cache becomes one that makes a folder when it is unpickled, sealed or not."""
    import hashlib

    for number, path in enumerate(sorted(path for path in folder.rglob("*") if path.suffix in (".nbi", ".nbc"))):
        data = pickle.dumps(Planted(marker))
        path.write_bytes((hashlib.sha256(data).digest() if number % 2 else b"") + data)


NOBODY = """
import os, sys
import numba, numpy, fastdiag.kernels.cache, fastdiag.kernels.trees, fastdiag.kernels.limbs
numba.njit(lambda x: x[0] + 1)(numpy.zeros(1))  # imports the rest, before this Python is out of reach
os.setgroups([]); os.setgid(54321); os.setuid(54321)
os.environ.pop("HOME", None); os.environ.pop("XDG_CACHE_HOME", None); os.environ.pop("NUMBA_CACHE_DIR", None)
"""


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="becomes another user")
def test_without_a_home(tmp_path):
    """Neither HOME nor an entry in passwd: numba's folder would be ./~/.cache/numba, wherever one stands."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        work.chmod(0o777)
        locate = (
            "from fastdiag.kernels import trees; import numba.core.caching as c, numba\n"
            "print(c.UserWideCacheLocator(lambda: 0, trees.__file__).get_cache_path())  # of the file, whatever the function"
        )
        process = python(NOBODY + locate, cwd=work)
        folder = process.communicate(timeout=100)[0].strip()
        assert folder.startswith("~"), folder
        process = python(NOBODY + SMALL, cwd=work)
        out, err = process.communicate(timeout=100)
        assert process.returncode == 0, err
        assert out.startswith(f"{RIGHT} 1 no writable cache directory of one's own"), out
        assert list(work.iterdir()) == []
        # an index planted there: names as numba gives them
        names = [path.name for path in filled(tmp_path).rglob("*.nb?")]
        (work / folder).mkdir(parents=True)
        for name in names:
            (work / folder / name).touch()
        marker = work / "executed"
        planted(work, marker)
        for path in [work, *work.rglob("*")]:
            path.chmod(0o777)
        out, err = python(NOBODY + SMALL, cwd=work).communicate(timeout=100)
        assert out.startswith(RIGHT), err
        assert not marker.exists()


def filled(folder):
    ran(SMALL, folder / "filled")
    return folder / "filled"


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="becomes another user")
@pytest.mark.parametrize("how", ["another's", "world-writable", "in a world-writable one"])
def test_a_folder_in_which_others_write(full, how):
    """NUMBA_CACHE_DIR too: what others can put there is not run."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        cache, marker = top / "cache", top / "executed"
        shutil.copytree(full, cache)
        planted(cache, marker)
        if how == "another's":
            for path in [top, cache, *cache.rglob("*")]:
                os.chown(path, 54322, 54322)
        elif how == "world-writable":
            for path in cache.rglob("kernels_*"):
                path.chmod(0o777)
        else:
            top.chmod(0o777)
        out = ran(SMALL, cache)
        assert out.startswith(RIGHT), out
        assert not marker.exists()


def test_planted_where_it_is_trusted_is_executed(full, tmp_path):
    """The attack above is a real one: in a folder of one's own it runs."""
    shutil.copytree(full, tmp_path / "cache")
    planted(tmp_path / "cache", tmp_path / "executed")
    assert ran(SMALL, tmp_path / "cache").startswith(RIGHT)
    assert (tmp_path / "executed").exists()


def test_plain_files_only(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "file").write_bytes(b"data")
    for path in (tmp_path, tmp_path / "pipe", "/dev/null"):
        with pytest.raises(OSError, match="no plain file"):
            files.opened(path)
    with pytest.raises(OSError, match="link"):
        files.opened(tmp_path / "link", links=False)
    for path in (tmp_path / "link", tmp_path / "file"):
        with files.opened(path) as file:
            assert file.read() == b"data"
