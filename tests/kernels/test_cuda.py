"""The CUDA half without a GPU: the simulator, PTX where the extra is there, and what is said where nothing is."""

import ast
import itertools
import os
import re
import subprocess
import sys
import types
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.kernels import cuda
from fastdiag.values import device
from fastdiag.values.packed_transfer_matrices import packed_sum
from oracles.random_points import landscape

ROOT = Path(__file__).parents[2]
LAND, GRID = landscape(0, 2), fd.Spacetime(9, T=7)


def python(*arguments, **environment):
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("cases", ["not long", pytest.param("long", marks=pytest.mark.long)])
def test_in_the_simulator(cases):
    """numba's own simulator is enough; it must be chosen before numba is imported."""
    chosen = ("-m", cases, "-p", "no:cacheprovider")
    assert " passed" in python("-m", "pytest", "tests/on_gpu.py", *chosen, NUMBA_ENABLE_CUDASIM="1")


def test_numba_cuda_is_imported_in_one_file():
    importing = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if any(name.startswith(("numba.cuda", "numba_cuda")) for name in names):
                importing.add(path.name)
    assert importing == {"cuda.py"}


def test_small_work_never_loads_cuda():
    code = (
        "import sys, fastdiag as fd\n"
        "land = fd.landscapes.samples([0.0, 0.0], [[1.0], [-1.0]], [[[2.0]], [[2.0]]])\n"
        "fd.rvalue('[a a]', land, fd.Spacetime(9, T=7), 0.1)\n"
        "print('numba' in sys.modules, 'numba.cuda' in sys.modules)"
    )
    assert python("-c", code) == "True False\n"


@pytest.mark.skipif(cuda.missing() is None, reason="there is a GPU")
def test_without_a_gpu():
    for ask in (
        lambda: fd.rvalue("[a b]", LAND, GRID, 0.1, device="cuda"),
        lambda: fd.predict(LAND, GRID, 0.1, order=2, device="cuda"),
    ):
        with pytest.raises(fd.errors.UnsupportedError, match=r"a CUDA-capable GPU with its driver.*pip install .*\[cuda\]"):
            ask()


@pytest.mark.skipif(cuda.missing() is None, reason="there is a GPU")
def test_auto_does_without_a_gpu(monkeypatch):
    expected = fd.rvalue("[a b]", LAND, GRID, 0.1, device="cpu")
    monkeypatch.setattr(device, "WORTH_A_GPU", 1)
    assert fd.rvalue("[a b]", LAND, GRID, 0.1) == expected


def test_a_broken_installation_is_told(monkeypatch):
    monkeypatch.setattr(cuda, "find_spec", lambda name: None)
    assert cuda.missing() == "the package numba-cuda is not installed"

    def broken(name):
        raise OSError("libcuda.so is damaged")

    monkeypatch.setattr(cuda, "find_spec", broken)
    with pytest.raises(fd.errors.UnsupportedError, match=r"libcuda.so is damaged.*use device='auto' or 'cpu'"):
        fd.rvalue("[a b]", LAND, GRID, 0.1, device="cuda")
    monkeypatch.setattr(device, "WORTH_A_GPU", 1)
    assert fd.rvalue("[a b]", LAND, GRID, 0.1) == fd.rvalue("[a b]", LAND, GRID, 0.1, device="cpu")


def test_what_is_not_for_a_gpu():
    with pytest.raises(fd.errors.InputError, match="unknown device 'gpu'; known: auto, cpu, cuda"):
        fd.rvalue("[a b]", LAND, GRID, 0.1, device="gpu")
    with pytest.raises(fd.errors.UnsupportedError, match="these are un-resummed; use device='auto'"):
        fd.predict(LAND, GRID, 0.1, resummed=False, device="cuda")
    with pytest.raises(fd.errors.UnsupportedError, match="this one is exact; use device='auto'"):
        fd.rvalue("[a b]", fd.landscapes.gauss(), GRID, 1, device="cuda")
    with pytest.raises(fd.errors.UnsupportedError, match="these are exact; use device='auto'"):
        fd.predict(fd.landscapes.gauss(), GRID, 1, device="cuda")


@pytest.mark.parametrize("alike", [[0], [0, 1], [0, 0, 1], [0, 1, 1, 0, 1]])
def test_tuples_are_counted(alike):
    for n in (1, 2, 4):
        ascending = sum(
            all(i[e - 1] <= i[e] for e, twin in enumerate(alike) if twin)
            for i in itertools.product(range(n), repeat=len(alike))
        )
        assert device.tuples(np.array(alike), n) == ascending


@pytest.mark.skipif(find_spec("numba_cuda") is None, reason="the extra 'cuda' (numba-cuda) is not installed")
@pytest.mark.parametrize(
    ("kind", "edges", "parts", "states"),
    [(cuda.ONE_STEP, 3, 2, 2), (cuda.ONE_ORDER, 4, 3, 16), (cuda.FRESH_ORDERS, 2, 3, 4), (cuda.INTEGRAL, 1, 2, 2)],
)
def test_kernels_compile_for_sm_90(monkeypatch, kind, edges, parts, states):
    import numba
    from numba import cuda as compiler
    from numba import float64, int64
    from numba.cuda import dispatcher

    # device functions ask the current GPU what it is; there need not be one
    monkeypatch.setattr(dispatcher, "get_current_device", lambda: types.SimpleNamespace(compute_capability=(9, 0)))
    reals, wholes = float64[:, ::1], int64[:, ::1]
    operands = numba.typeof(cuda.Operands(np.zeros(1), np.zeros(1, int), np.zeros((1, 1), int), np.zeros(1, int)))
    packed = numba.typeof(packed_sum(fd.Diagram.parse("[a b]"), GRID))
    takes = numba.void(operands, int64, int64, reals, wholes, packed, reals)
    ptx, _ = compiler.compile_ptx(cuda.specialised(cuda.add_sums, kind, edges, parts, states), takes, cc=(9, 0))
    assert ".target sm_90" in ptx
    local = sum(int(size) for size in re.findall(r"__local_depot\d+\[(\d+)\]", ptx))
    assert local * cuda.BLOCKS * cuda.THREADS <= cuda.scratch_bytes(kind, edges, parts, states)
    assert (local == 0) == (kind == cuda.ONE_STEP)  # the kernel of S-J works in registers
    ptx, _ = compiler.compile_ptx(cuda.specialised(cuda.fold, kind, edges, parts, states), numba.void(reals, reals), cc=(9, 0))
    assert "bar.sync" in ptx or "barrier.sync" in ptx
