"""CUDA against the CPU. `test_cuda` runs this file in numba's simulator; where there is a GPU, `pytest tests/on_gpu.py`.

The marks `long` are about the simulator.
"""

import math
import sys
from itertools import product

import numpy as np
import pytest
from numba import config

import fastdiag as fd
from fastdiag.kernels import cuda
from fastdiag.values import device
from oracles.random_points import landscape

if config.ENABLE_CUDASIM:  # a simulated thread is one of Python's; several warps and blocks all the same
    cuda.BLOCKS, cuda.THREADS, cuda.WARP = 2, 4, 2
    sys.setswitchinterval(1e-4)  # the simulator's main thread polls; it should not poll for long

LANDS = {1: landscape(0, 9), 2: landscape(0, 5), 3: landscape(0, 3), 4: landscape(1, 2)}
SMALL = {**LANDS, 3: landscape(2, 2)}
CASES = {
    "one epoch": fd.Spacetime(9, T=9),
    "part of an epoch": fd.Spacetime(12, 2, 4),
    "cyclic": fd.Spacetime(4, 2, 4, sampling="cyclic"),
    "cyclic, partial": fd.Spacetime(6, 2, 8, sampling="cyclic"),
    "reshuffle": fd.Spacetime(4, 1, 8),
    "reshuffle, partial": fd.Spacetime(4, 2, 5),
    "replacement": fd.Spacetime(5, 2, 4, sampling="replacement"),
}


def some(order):
    """All diagrams of orders 1 and 2; of the others a few: all edges tied, all free, and in between."""
    chosen = {3: ["[a a a]", "[a b c]", "[a b[b]]", "[a[b b]]"], 4: ["[a a a a]", "[a b c d]", "[a[b] b[a]]", "[a a a[b]]"]}
    return chosen.get(order) or list(fd.diagrams(order, irreducible=True))


def same(ours, theirs):
    assert ours == pytest.approx(theirs, rel=1e-12, abs=0)


LONG = {(case, 4) for case in ("cyclic", "cyclic, partial", "reshuffle", "reshuffle, partial", "replacement")}


@pytest.mark.parametrize(
    ("case", "order"), [pytest.param(*at, marks=pytest.mark.long if at in LONG else ()) for at in product(CASES, LANDS)]
)
def test_cuda_agrees_with_the_cpu(order, case):
    for D in some(order):
        same(*(fd.rvalue(D, SMALL[order], CASES[case], 0.1, device=where) for where in ("cuda", "cpu")))


@pytest.mark.parametrize("text", ["[a a a]", "[a b b[a]]"])
def test_two_runs_give_the_same_bits(text):
    """In the simulator this is about what was left in memory; on a GPU about the order of threads too."""
    first, second = (fd.rvalue(text, SMALL[4], CASES["one epoch"], [0.1, 0.2], device="cuda") for _ in range(2))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("order", [1, 2, 3])
def test_integrals_and_limits(order):
    x = np.random.default_rng(order).normal(size=(5, 3))
    full = np.einsum
    land = fd.landscapes.samples(
        np.zeros(5), x, full("si,sj->sij", x, x) + np.eye(3), full("si,sj,sk->sijk", x, x, x), np.zeros((5, 3, 3, 3, 3))
    )
    for D in some(order):
        for grid, options in [
            (fd.Spacetime(math.inf, 1, math.inf), {}),
            (fd.Spacetime(7, T=7), {"continuous": True}),
            (fd.Spacetime(math.inf, 1, math.inf), {"continuous": True}),
        ]:
            same(*(fd.rvalue(D, land, grid, 0.1, device=where, **options) for where in ("cuda", "cpu")))


def test_curves(monkeypatch):
    monkeypatch.setattr(device, "TOGETHER", 5)
    launches = []
    sums = cuda.Contraction.sums
    monkeypatch.setattr(cuda.Contraction, "sums", lambda *args: launches.append(len(args[3])) or sums(*args))
    times, etas = [1, 3, 12, 7, 4], [0.05, 0.2]  # within the epoch of 4 and beyond
    ours, theirs = (
        fd.predict(SMALL[3], fd.Spacetime(4, T=4), etas, order=2, T=times, device=where) for where in ("cuda", "cpu")
    )
    assert ours.total.shape == (2, 5)
    for mine, other in zip(ours.by_diagram.values(), theirs.by_diagram.values(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12, atol=0)
    assert set(launches) == {5, 1, 2}  # 2 etas x 3 times together, 2 etas x 1 time


@pytest.mark.parametrize("name", ["train_loss", "generalization_gap", "test_loss_variance"])
@pytest.mark.parametrize("order", [2, pytest.param(3, marks=pytest.mark.long)])
def test_observables(name, order):
    ours, theirs = (
        fd.predict(SMALL[3], CASES["reshuffle"], 0.1, order, name, device=where) for where in ("cuda", "cpu")
    )
    for mine, other in zip(ours.by_diagram.values(), theirs.by_diagram.values(), strict=True):
        assert mine == pytest.approx(other, rel=1e-11, abs=1e-15)


def test_a_matrix_of_learning_rates():
    metric = np.array([[0.2, 0.05, 0.0], [0.05, 0.1, 0.0], [0.0, 0.0, 0.3]])
    same(*(fd.rvalue("[a a[b]]", LANDS[3], CASES["reshuffle"], metric, device=where) for where in ("cuda", "cpu")))


@pytest.mark.parametrize("text", ["[a]", "[a b]", pytest.param("[a a a]", marks=pytest.mark.long), "[a a[b]]"])
def test_tiles_give_the_same_bits(monkeypatch, text):
    land = LANDS[1] if text == "[a]" else LANDS[2]
    n = land.dimension

    def value():
        return fd.rvalue(text, land, CASES["one epoch"], [0.07, 0.1, 0.23], device="cuda").tobytes()

    whole, needs, begun, contraction, asked = value(), device.bytes_needed, [], cuda.Contraction, []

    def tiled(tensors, axes, twins, slabs):
        begun.append(slabs)
        return contraction(tensors, axes, twins, slabs)

    with monkeypatch.context() as patch:
        patch.setattr(device, "bytes_needed", lambda *args: asked.append(args[:-1]) or needs(*args))
        assert value() == whole
    monkeypatch.setattr(cuda, "Contraction", tiled)
    assert value() == whole
    assert begun == [n]  # in one tile
    for slabs in (1, 2, n - 1, n):
        free = math.ceil(needs(*asked[0], slabs) / (1 - device.SPARED))
        monkeypatch.setattr(cuda, "free_on_gpu", lambda free=free: free)
        begun.clear()
        assert value() == whole
        assert begun == [slabs]


def test_what_does_not_fit_says_asked_and_free(monkeypatch):
    value = fd.rvalue("[a a a]", LANDS[3], CASES["one epoch"], 0.1, device="cpu")
    monkeypatch.setattr(cuda, "free_on_gpu", lambda: 1000)
    with pytest.raises(fd.errors.TooLargeError, match=r"needs at least [\d,]{4,} bytes of GPU memory, and 1,000 are free; use"):
        fd.rvalue("[a a a]", LANDS[3], CASES["one epoch"], 0.1, device="cuda")
    monkeypatch.setattr(device, "WORTH_A_GPU", 1)
    assert fd.rvalue("[a a a]", LANDS[3], CASES["one epoch"], 0.1) == value


@pytest.mark.parametrize("text", ["[a b]", "[a a a]", pytest.param("[a a b]", marks=pytest.mark.long)])
def test_memory_is_predicted(monkeypatch, text):
    """All arrays that are put on the GPU, and the local memory."""
    from numba import cuda as numba_cuda

    put, needs, asked, scratch = [], device.bytes_needed, [], []
    allocated, to_device, scratch_bytes = cuda.allocated, numba_cuda.to_device, cuda.scratch_bytes
    monkeypatch.setattr(cuda, "allocated", lambda *shape: put.append(8 * math.prod(shape)) or allocated(*shape))
    monkeypatch.setattr(numba_cuda, "to_device", lambda array: put.append(array.nbytes) or to_device(array))
    monkeypatch.setattr(device, "bytes_needed", lambda *args: asked.append(args[:-1]) or needs(*args))
    monkeypatch.setattr(cuda, "scratch_bytes", lambda *args: scratch.append(scratch_bytes(*args)) or scratch[-1])
    fd.rvalue(text, LANDS[2], CASES["reshuffle"], [0.1, 0.2], device="cuda")
    assert 0 <= sum(put) + max(scratch) - needs(*asked[0], LANDS[2].dimension) < 500  # twins, strides, clocks


def test_memory_that_is_gone_meanwhile(monkeypatch):
    def full(*shape):
        raise RuntimeError("[2] Call to cuMemAlloc results in CUDA_ERROR_OUT_OF_MEMORY")

    monkeypatch.setattr(cuda, "allocated", full)
    with pytest.raises(fd.errors.TooLargeError, match="bytes of GPU memory, and"):
        fd.rvalue("[a b]", LANDS[2], CASES["one epoch"], 0.1, device="cuda")


def test_beyond_local_memory():
    with pytest.raises(fd.errors.UnsupportedError, match=r"5 edges and 2 states.*at most 4 and 16; use device='cpu'"):
        fd.rvalue("[a a a a a]", fd.landscapes.gauss(), CASES["one epoch"], 0.1, device="cuda")


def test_auto_takes_the_gpu_for_large_work(monkeypatch):
    used = []
    sums = cuda.Contraction.sums
    monkeypatch.setattr(cuda.Contraction, "sums", lambda *args: used.append(1) or sums(*args))
    tuples = 35  # ascending triples of 5 indices
    for threshold, expected in [(tuples + 1, 0), (tuples, 1)]:
        monkeypatch.setattr(device, "WORTH_A_GPU", threshold)
        fd.rvalue("[a a a]", LANDS[2], CASES["one epoch"], 0.1)
        assert len(used) == expected


def test_auto_does_without_a_gpu_that_fails(monkeypatch):
    def broken(*args):
        raise RuntimeError("the driver has gone")

    monkeypatch.setattr(device, "WORTH_A_GPU", 1)
    monkeypatch.setattr(cuda.Contraction, "sums", broken)
    with pytest.warns(RuntimeWarning, match="the GPU failed, so the CPU is used: the driver has gone"):
        value = fd.rvalue("[a b]", LANDS[2], CASES["one epoch"], 0.1)
    assert value == fd.rvalue("[a b]", LANDS[2], CASES["one epoch"], 0.1, device="cpu")
    with pytest.raises(RuntimeError, match="gone"):
        fd.rvalue("[a b]", LANDS[2], CASES["one epoch"], 0.1, device="cuda")


def test_no_maps_and_no_edges():
    assert fd.rvalue("[a[a]]", LANDS[2], CASES["one epoch"], 0.1, device="cuda") == 0
    assert fd.rvalue("[]", LANDS[2], CASES["one epoch"], 0.1, device="cuda") == LANDS[2].part(((),))
