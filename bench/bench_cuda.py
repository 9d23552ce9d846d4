"""The S-J diagram, [a a a], at n = 512 on a GPU against reading both of its tensors once.

    pytest bench/bench_cuda.py --benchmark-enable -s

Of the six orders of a triple of indices the sum needs one, so it reads a sixth of the tensors: one geometric sum for each.
"""

import numpy as np
import pytest
from numba import config

import fastdiag as fd
from fastdiag.kernels import cuda as kernels
from fastdiag.values import device
from fastdiag.values.packed_transfer_matrices import packed_sum
from fastdiag.values.plan import plan, twins

pytestmark = pytest.mark.skipif(
    config.ENABLE_CUDASIM or kernels.missing() is not None, reason=f"needs a GPU: {kernels.missing()}"
)
D, N, T, ROUNDS = fd.Diagram.parse("[a a a]"), 512, 1000, 20


def cubes(n):
    """Symmetric S and J, rates in (0, 1), and the sum over all index triples by NumPy, a slab at a time."""
    rng = np.random.default_rng(0)
    u, v, rates = rng.normal(size=n), rng.normal(size=n), rng.uniform(0.01, 0.5, n)
    S, J = (np.multiply.outer(np.multiply.outer(w, w), w) for w in (u, v))
    expected = 0.0
    for i in range(n):
        k = (1 - rates[i]) * np.multiply.outer(1 - rates, 1 - rates)
        expected += float(np.sum(S[i] * J[i] * (1 - k**T) / (1 - k)))
    return S, J, rates, expected


def milliseconds(work, rounds=ROUNDS):
    """The least time between two events around what `work` launches; the GPU is kept busy while Python launches it."""
    from numba import cuda

    busy, found = cuda.device_array(1 << 28, np.float64), []
    other = cuda.device_array_like(busy)
    for _ in range(rounds):
        start, end = cuda.event(), cuda.event()
        for _ in range(4):  # 8 GiB read, 8 GiB written: longer than launching takes
            other.copy_to_device(busy)
        start.record()
        work()
        end.record()
        end.synchronize()
        found.append(start.elapsed_time(end))
    return min(found)


def reading():
    """A kernel that reads an array once, eight loads in flight to a thread."""
    from numba import cuda

    @cuda.jit
    def read(array, out):
        thread, threads = cuda.grid(1), cuda.gridsize(1)
        a = b = c = d = e = f = g = h = 0.0
        for i in range(thread, array.size - 7 * threads, 8 * threads):
            a += array[i]
            b += array[i + threads]
            c += array[i + 2 * threads]
            d += array[i + 3 * threads]
            e += array[i + 4 * threads]
            f += array[i + 5 * threads]
            g += array[i + 6 * threads]
            h += array[i + 7 * threads]
        out[thread] = a + b + c + d + e + f + g + h

    return read


def test_the_gpu_agrees_with_the_cpu():
    n = 64
    S, J, rates, _ = cubes(n)
    land = fd.landscapes.tensors({(1,): 0, (2,): np.diag(rates), (3,): J, (1, 1, 1): S})
    ours, again, theirs = (fd.rvalue(D, land, fd.Spacetime(T, T=T), 0.3, device=w) for w in ("cuda", "cuda", "cpu"))
    assert ours == again
    assert ours == pytest.approx(theirs, rel=1e-12, abs=0)


def test_skew_times_third_derivative(benchmark, monkeypatch):
    from numba import cuda

    S, J, rates, expected = cubes(N)
    packed = packed_sum(D, fd.Spacetime(T, T=T))
    axes = [edges for _, edges in plan(D).parts]
    contraction = kernels.Contraction([J, S], axes, twins(D), N)
    durations = np.array([packed.duration[:3]])

    def work():
        return contraction.sums(*device._shape(packed), rates[None], durations, packed)

    (value,) = work()
    assert value == pytest.approx(expected, rel=1e-11, abs=0)
    assert work()[0] == value
    if benchmark.disabled:  # only the answer is compared
        return
    launched, compiled = [], kernels._compiled

    class Seen:  # what a call launches, to launch it again between events
        def __init__(self, kernel):
            self.kernel = kernel

        def __getitem__(self, grid):
            return lambda *args: (launched.append((self.kernel, grid, args)), self.kernel[grid](*args))

    monkeypatch.setattr(kernels, "_compiled", lambda *constants: Seen(compiled(*constants)))
    work()
    monkeypatch.setattr(kernels, "_compiled", compiled)
    ours = milliseconds(lambda: [kernel[grid](*args) for kernel, grid, args in launched])
    read, out = reading(), cuda.device_array(2048 * 256, np.float64)
    once = milliseconds(lambda: read[2048, 256](contraction.flat, out))
    gigabytes = contraction.flat.size * 8 / 1e9
    benchmark.pedantic(work, rounds=ROUNDS)
    benchmark.extra_info.update(kernels_ms=ours, read_ms=once, gigabytes=gigabytes)
    print(
        f"\nS-J at n = {N}, T = {T}: kernels {ours:.3f} ms; reading both tensors ({gigabytes:.2f} GB) once {once:.3f} ms "
        f"({gigabytes / once:.2f} TB/s): {ours / once:.2f} times. Achieved {gigabytes / ours / 6:.2f} TB/s on the "
        f"sixth that is needed, {gigabytes / ours:.2f} TB/s were it all. A call with its small arrays: "
        f"{benchmark.stats.stats.min * 1e3:.3f} ms"
    )
    assert ours <= 2 * once
