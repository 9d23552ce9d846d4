"""Threads that touch the package together from cold, and processes forked while they do."""

import os
import subprocess
import sys

import pytest

COLD = """
import random, sys, threading, traceback
import fastdiag as fd

names = {names}
rng, start, bad = random.Random({seed}), threading.Barrier({threads}), []

def touch(name):
    start.wait()
    try:
        getattr(fd, name)
    except BaseException:
        bad.append(traceback.format_exc())

threads = [threading.Thread(target=touch, args=(rng.choice(names),)) for _ in range({threads})]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit(bad[0] if bad else 0)
"""

CROSSED = """
import importlib.machinery, sys, threading, time, traceback
import fastdiag as fd

found, bad, seen = dict(), [], threading.Event()
blocked = sys.modules["_frozen_importlib"]._blocking_on

def touch(name):
    try:
        found[name] = getattr(fd, name)
    except BaseException:
        bad.append(traceback.format_exc())

first, second = (threading.Thread(target=touch, args=(name,)) for name in ({names}))

def slow(self, spec):
    if spec.name == {room!r} and threading.current_thread() is first:
        seen.set()
        last = time.monotonic() + 1
        while repr(spec.name) not in repr(blocked.get(second.ident)) and time.monotonic() < last:  # until the other waits for it
            time.sleep(0.001)

importlib.machinery.SourceFileLoader.create_module = slow
first.start()
assert seen.wait(60)
second.start()
first.join()
second.join()
sys.exit(bad[0] if bad else 0 if all(found.values()) else "not found")
"""

FORK = """
import os, random, signal, sys, threading, time
import fastdiag as fd

def work():
    land = fd.landscapes.samples([0.0, 0.0], [[1.0], [-1.0]], [[[2.0]], [[2.0]]])
    fd.predict(land, fd.Spacetime(N=10, T=10), eta=0.1, order=2)
    fd.table(3).coefficients(N=10, T=5)
    fd.maps_formula("[a b]")

for _ in range(8):
    threading.Thread(target=work, daemon=True).start()
time.sleep(3 * random.Random({seed}).random())
child = os.fork()
if child == 0:
    work()
    os._exit(0)
last = time.monotonic() + 120
while time.monotonic() < last:
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        os._exit(os.waitstatus_to_exitcode(status) & 255)
    time.sleep(0.05)
os.kill(child, signal.SIGKILL)
os._exit(99)
"""


def run(program, **values):
    return subprocess.run([sys.executable, "-c", program.format(**values)], capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 100))])
def test_cold_starts_of_many_threads(seed):
    names = "list(fd.__all__)" if seed % 2 else ["predict", "simulate", "landscapes", "updates", "expand"]
    found = run(COLD, names=names, seed=seed, threads=64)
    assert found.returncode == 0, found.stderr


@pytest.mark.skipif(not hasattr(sys.modules["_frozen_importlib"], "_blocking_on"), reason="another import system")
def test_a_room_entered_from_two_ends():
    """One thread is in a room's package and wants a module of it, the other holds that module and waits for the package."""
    found = run(CROSSED, names=("Spacetime", "updates"), room="fastdiag.spacetime")
    assert found.returncode == 0, found.stderr


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="no fork here")
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 40))])
def test_children_forked_during_first_calls_finish(seed):
    found = run(FORK, seed=seed)
    assert found.returncode == 0, found.stderr
