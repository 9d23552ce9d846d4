"""Every public function stands behind one door, which keeps the caller's NumPy settings out and tells of memory that runs out."""

import inspect

import numpy as np
import pytest

from fastdiag.door import door, exact_door, silent_door
from fastdiag.errors import TooLargeError
from oracles.calls import CALLS, ROOMS, public_names


def functions():
    for name in public_names():
        room, _, short = name.rpartition(".")
        found = getattr(ROOMS[room], short)
        if inspect.isfunction(found):
            yield name, found


def test_every_public_function_stands_behind_the_door():
    guards = {inspect.getfile(f) for f in (door, exact_door, silent_door)}
    bare = [name for name, found in functions() if found.__code__.co_filename not in guards]
    assert bare == []


@pytest.mark.parametrize("name", CALLS)
def test_the_callers_errors_of_numpy_are_the_callers(name, tmp_path, monkeypatch, cache):
    monkeypatch.chdir(tmp_path)
    function, arguments = CALLS[name]
    with np.errstate(all="raise"):
        function(**arguments)


@pytest.mark.parametrize("guard", [door, exact_door, silent_door])
def test_memory_that_runs_out_is_told(guard):
    def hungry():
        raise MemoryError("1 EiB")

    with pytest.raises(TooLargeError, match=r"hungry ran out of memory \(1 EiB\); ask for less"):
        guard(hungry)()
