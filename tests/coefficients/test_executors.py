"""Executors that break while a table is built: told soon, and the build goes on from what was finished."""

import sys
import threading
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from types import SimpleNamespace

import pytest

import fastdiag as fd
from fastdiag.coefficients import workers

building = sys.modules[fd.build.__module__]


class Failing(Executor):
    """Does some shards, then goes wrong in its own way."""

    def __init__(self, good, bad):
        self.good, self.bad = good, bad

    def submit(self, function, /, *args, **kwargs):
        future = Future()
        if self.good > 0:
            self.good -= 1
            future.set_result(function(*args, **kwargs))
        else:
            self.bad(future)
        return future


def broken(future):
    raise BrokenExecutor("a process was terminated abruptly")


def raises(error):
    return lambda future: future.set_exception(error)


WAYS = {
    "cancelled": (lambda future: future.cancel(), "broke down .CancelledError"),
    "its own cancellation": (raises(CancelledError("scheduler-connection-lost")), "broke down .*connection-lost"),
    "a lost process": (broken, "broke down .BrokenExecutor: a process was"),
    "a lost connection": (raises(ConnectionResetError("gone")), "broke down .*gone"),
    "silence": (lambda future: None, "has finished nothing for"),
}


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setattr(building, "SHARD_ROWS", 16)
    for name, seconds in (("LOOK", 0.05), ("WITHOUT_WORKERS", 0.2), ("SILENT", 0.4)):
        monkeypatch.setattr(workers, name, seconds)


def check(executor, words, folder):
    with pytest.raises(fd.errors.DataError, match=words) as caught:
        fd.build(4, "cyclic", executor=executor, directory=folder, progress=False)
    assert "call fastdiag.build again" in str(caught.value)
    assert len(list(folder.glob(".cyclic-04*/*.npz"))) == 3
    again = Failing(7 - 3, lambda future: pytest.fail("finished shards are done again"))
    found = fd.build(4, "cyclic", executor=again, directory=folder, progress=False)
    assert fd.table(4, "cyclic", path=found.parent)["[a b[a]]"].coefficient(N=8, B=2, T=3) == fd.coefficient(
        "[a b[a]]", fd.Spacetime(8, 2, 3, sampling="cyclic")
    )


@pytest.mark.parametrize("way", WAYS)
def test_executors_that_break(way, soon, tmp_path):
    bad, words = WAYS[way]
    check(Failing(2 + 3, bad), words, tmp_path)  # 17 rows of order 3 are 2 shards; 101 of order 4 are 7


def test_workers_that_are_gone(soon, tmp_path):
    """As Dask's executor is asked for them."""
    executor = Failing(2 + 3, lambda future: None)
    executor._client = SimpleNamespace(scheduler_info=lambda: {"workers": {}})
    check(executor, "has had no workers for", tmp_path)


def test_workers_that_are_slow(soon):
    """A Dask executor with workers is waited for."""
    executor = Failing(0, None)
    executor._client = SimpleNamespace(scheduler_info=lambda: {"workers": {"tcp://one": {}}})
    future = Future()
    threading.Timer(1.0, future.set_result, ["late"]).start()
    assert workers.first_done(executor, [future]) == [future]


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_the_standard_pools_are_waited_for(pool, soon):
    """They tell of their workers' end by themselves."""
    future = Future()
    threading.Timer(1.0, future.set_result, ["late"]).start()
    with pool(1) as executor:
        assert workers.first_done(executor, [future]) == [future]


def test_errors_of_the_work_stay(soon, tmp_path):
    with pytest.raises(ZeroDivisionError):
        fd.build(4, "cyclic", executor=Failing(0, raises(ZeroDivisionError())), directory=tmp_path, progress=False)
