"""Import time of the facade beside that of NumPy, each in fresh interpreters of one run."""

import statistics
import subprocess
import sys

import pytest


def _seconds(statement):
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


@pytest.mark.parametrize("statement", ["import fastdiag", "import numpy"])
def test_import(benchmark, statement):
    seconds = [_seconds(statement) for _ in range(9)]
    benchmark.extra_info["import, median of 9 (ms)"] = f"{1e3 * statistics.median(seconds):.1f}"
    benchmark.pedantic(_seconds, args=(statement,), rounds=3)
    if statement == "import fastdiag":  # what it must not do to stay fast
        code = "import sys, fastdiag; print(*sys.modules)"
        loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        assert not {"numpy", "numba", "sympy", "matplotlib"} & set(loaded)
