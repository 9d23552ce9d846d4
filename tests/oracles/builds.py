"""Tables as they are built: the shipped ones, executors, what is told meanwhile."""

import time
import warnings
from concurrent.futures import Executor, Future
from pathlib import Path

import fastdiag as fd
from fastdiag.coefficients import build as building
from fastdiag.coefficients.order import file_name
from fastdiag.errors import DataWarning

DATA = Path(__file__).parents[2] / "data"
WHERE = {"N": 6, "B": 2, "T": 7}


def shipped(kind, order):
    return (DATA / file_name(kind, order)).read_bytes()


class AtOnce(Executor):
    """Does at once what it is given, until the power fails."""

    def __init__(self, most=10**9):
        self.done, self.most = 0, most

    def submit(self, function, *arguments):
        future = Future()
        if self.done >= self.most:
            future.set_exception(RuntimeError("the power failed"))
        else:
            self.done += 1
            future.set_result(function(*arguments))
        return future


def told(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = call()
    assert all(issubclass(warning.category, DataWarning) for warning in caught)
    return found, [str(warning.message) for warning in caught]


def answers(path=None):
    return fd.table(3, path=path).coefficients(**WHERE, exact=True).tolist()


def slow_shard(*arguments):
    time.sleep(0.05)
    return SHARD(*arguments)


SHARD = building.shard
