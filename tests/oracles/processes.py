"""Python processes of their own: side by side, or under a limit of memory."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import fastdiag as fd
from fastdiag import files


def python(code, *arguments, **options):
    path = os.pathsep.join([str(Path(files.__file__).parents[1]), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", **options.pop("env", {})}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **options
    )


def output(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def limited(program, gigabytes):
    limit = gigabytes << 30
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=200, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )


def answer(value):
    """Something about an object, for another process to work out, or an error."""
    if isinstance(value, str):
        fd.Diagram.parse(value)
    if isinstance(value, fd.landscapes.Landscape):
        if value.dimension == 1 and isinstance(value, fd.landscapes.Symbolic):
            return fd.uvalue("[a a]", value)
        return value.loss
    return value
