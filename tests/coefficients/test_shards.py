"""Shards and answers of executors that are not the rows asked for: the table is right, or it is a DataError."""

import os
import random
import shutil
from concurrent.futures import Executor, Future

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.coefficients import build as building
from fastdiag.coefficients import store
from fastdiag.coefficients.order import KINDS, file_name
from fastdiag.errors import DataError
from oracles.builds import AtOnce, shipped, told
from oracles.forgeries import forged

ROWS = 60  # 12 shards of order 5


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(building, "SHARD_ROWS", ROWS)
    monkeypatch.setattr(building, "WINDOW", 1)
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """Of both kinds of order 5 seven shards, whose build was interrupted then."""
    folder = tmp_path_factory.mktemp("begun")
    rows, window = building.SHARD_ROWS, building.WINDOW
    building.SHARD_ROWS, building.WINDOW = ROWS, 1
    for kind in KINDS:
        with pytest.raises(RuntimeError, match="the power failed"):
            building.make(kind, 5, folder, AtOnce(most=7))
    building.SHARD_ROWS, building.WINDOW = rows, window
    return folder


def shards(kind):
    return f".{file_name(kind, 5)}.1-{ROWS}.shards"


def continued(begun, folder, kind, change):
    """The build goes on with shards that `change` was let loose on; how many were computed again."""
    shutil.copytree(begun, folder, symlinks=True)
    change(folder / shards(kind))
    rest = AtOnce()
    building.make(kind, 5, folder, rest)
    assert (folder / file_name(kind, 5)).read_bytes() == shipped(kind, 5)
    assert not (folder / shards(kind)).exists()
    return rest.done


@pytest.mark.parametrize("kind", KINDS)
def test_right_shards_are_taken(kind, begun, tmp_path):
    assert continued(begun, tmp_path / "t", kind, lambda shards: None) == 5


@pytest.mark.parametrize("kind", KINDS)
def test_another_shard_under_a_name(kind, begun, tmp_path):
    """Of other rows, without a label, of other code, of the other kind."""

    def renamed(shards):
        shutil.copy(shards / "000000120.npz", shards / "000000000.npz")

    def unlabelled(shards):
        arrays = dict(store.read_arrays(shards / "000000120.npz"))
        store.write_arrays(shards / "000000000.npz", {name: arrays[name] for name in arrays if name not in ("origin", "code")})

    def of_other_code(shards):
        store.write_arrays(shards / "000000000.npz", store.read_arrays(shards / "000000000.npz") | {"code": np.zeros(32, np.uint8)})

    def of_the_other_kind(shards):
        other = begun / globals()["shards"]("cyclic" if kind == "reshuffle" else "reshuffle")
        shutil.copy(other / "000000000.npz", shards)

    for i, change in enumerate((renamed, unlabelled, of_other_code, of_the_other_kind)):
        assert continued(begun, tmp_path / str(i), kind, change) == 6


def test_what_is_no_plain_file(begun, tmp_path):
    def change(shards):
        for path, make in zip(sorted(shards.iterdir()), (os.mkfifo, lambda p: os.symlink(p.with_name("000000060.npz"), p)), strict=False):
            if make is not os.mkfifo:
                path = path.with_name("000000120.npz")
            path.unlink()
            make(path)

    assert continued(begun, tmp_path / "t", "reshuffle", change) == 7


def test_a_linked_folder_is_not_written_through(begun, tmp_path, bare_cache):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "000000000.npz").write_bytes(b"something of the user's")
    bare_cache.mkdir(parents=True)
    (bare_cache / shards("reshuffle")).symlink_to(elsewhere)
    with pytest.raises(DataError, match="is a link"):
        building.make("reshuffle", 5, bare_cache)
    found, messages = told(lambda: fd.table(5).coefficients(6, 2, 7).tolist())
    assert len(found) == 824
    assert sum("is a link" in message for message in messages) == 1
    assert [path.name for path in elsewhere.iterdir()] == ["000000000.npz"]
    assert (elsewhere / "000000000.npz").read_bytes() == b"something of the user's"


@pytest.mark.parametrize("many", [6, pytest.param(200, marks=pytest.mark.long)])
def test_forged_shards(many, begun, tmp_path):
    """Right sha256, right label mostly, wrong contents; the last line of defence is the table's own sha256."""
    again = 0
    for seed in range(many):
        rng = random.Random(seed)
        kind = rng.choice(KINDS)

        def change(shards, rng=rng):
            for path in rng.sample(sorted(shards.glob("*.npz")), rng.choice([1, 2, 7])):
                arrays = dict(store.read_arrays(path))
                label = {name: arrays.pop(name) for name in ("origin", "code")}
                others = [{n: a for n, a in store.read_arrays(other).items() if n not in label} for other in sorted(shards.glob("*.npz"))[:3]]
                arrays = forged(rng, arrays, others)
                store.write_arrays(path, arrays | (label if rng.random() < 0.9 else {}))

        again += continued(begun, tmp_path / "t", kind, change) > 5
        shutil.rmtree(tmp_path / "t")
    assert again >= 0.8 * many
    print(f"{many} builds with forged shards: {again} computed some of them again, all tables right")


@pytest.mark.parametrize("many", [4, pytest.param(20, marks=pytest.mark.long)])
def test_most_forgeries_are_seen_without_the_tables_sha256(many, begun, tmp_path, monkeypatch):
    """As for order 9 and above, where the shards themselves are all there is to look at."""
    monkeypatch.setattr(building, "KNOWN", {})
    right = wrong = 0
    for seed in range(many):
        rng = random.Random(seed)
        shutil.copytree(begun, tmp_path / "t")
        for path in sorted((tmp_path / "t" / shards("cyclic")).glob("*.npz")):
            arrays = dict(store.read_arrays(path))
            label = {name: arrays.pop(name) for name in ("origin", "code")}
            store.write_arrays(path, forged(rng, arrays) | label)
        building.make("cyclic", 5, tmp_path / "t", AtOnce())
        if (tmp_path / "t" / "cyclic-05.npz").read_bytes() == shipped("cyclic", 5):
            right += 1
        else:
            wrong += 1
        shutil.rmtree(tmp_path / "t")
    assert right >= (5 if many == 20 else 0)  # seven forged shards in each build: a wrong weight in a row that is not drawn is not seen
    print(f"without a known sha256: {right} of {many} builds over 7 forged shards right, {wrong} with a wrong weight")


class Liar(Executor):
    """Returns something else than it was asked for, after a while."""

    def __init__(self, lie, honest=3):
        self.lie, self.honest = lie, honest

    def submit(self, function, *arguments):
        future = Future()
        self.honest -= 1
        future.set_result(function(*arguments) if self.honest >= 0 else self.lie(function, *arguments))
        return future


def other_rows(function, kind, order, first, last):
    return function(kind, order, first - ROWS, last - ROWS)


def relabelled(function, kind, order, first, last):
    right = function(kind, order, first, last)
    return other_rows(function, kind, order, first, last) | {name: right[name] for name in ("origin", "code")}


def one_more(name):
    def lie(function, kind, order, first, last):
        arrays = function(kind, order, first, last)
        arrays[name] = arrays[name].copy()
        arrays[name][-1] += 1
        return arrays

    return lie


LIES = {
    "other rows": other_rows, "other rows, labelled right": relabelled, "the other kind": lambda f, kind, *rest: f("cyclic", *rest),
    "nothing": lambda *_: None, "a text": lambda *_: "done", "a list": lambda f, *rest: list(f(*rest).values()), "no arrays": lambda *_: {},
    "lists": lambda f, *rest: {name: array.tolist() for name, array in f(*rest).items()},
    "floats": lambda f, *rest: {name: array.astype(float) for name, array in f(*rest).items()},
    "scalars": lambda f, *rest: f(*rest) | {"counts": np.array(3)}, "one more array": lambda f, *rest: f(*rest) | {"more": np.arange(3)},
    "one less": lambda f, *rest: {name: array for name, array in f(*rest).items() if name != "coarser"},
    "a short one": lambda f, k, o, first, last: f(k, o, first, last - 1),
    "reversed": lambda f, *rest: {name: array[::-1] for name, array in f(*rest).items()},
    "of other code": lambda f, *rest: f(*rest) | {"code": np.ones(32, np.uint8)},
} | {f"one more in {name}": one_more(name) for name in ("counts", "columns", "value_class", "automorphisms", "lengths", "coarser", "coarser_times")}


@pytest.mark.parametrize("lie", LIES)
def test_executors_that_lie(lie, tmp_path):
    with pytest.raises(DataError) as told:
        building.make("reshuffle", 5, tmp_path, Liar(LIES[lie]))
    assert "the executor returned something else" in str(told.value) or "is not the table of that name" in str(told.value)
    assert not (tmp_path / "reshuffle-05.npz").exists()
    building.make("reshuffle", 5, tmp_path)  # without it
    assert (tmp_path / "reshuffle-05.npz").read_bytes() == shipped("reshuffle", 5)


def test_a_shard_overwritten_during_the_build(tmp_path, monkeypatch):
    """After it was checked, before it is read again: seen even where the table's sha256 is not known."""
    monkeypatch.setattr(building, "KNOWN", {})
    folder, write = tmp_path / shards("cyclic"), store.write_arrays

    def overwriting(path, *rest):
        write(path, *rest)
        if path.name == "000000660.npz":
            write(folder / "000000000.npz", dict(store.read_arrays(folder / "000000060.npz")))

    monkeypatch.setattr(building, "write_arrays", overwriting)
    with pytest.raises(DataError, match="was changed during the build"):
        building.make("cyclic", 5, tmp_path, AtOnce())
    monkeypatch.undo()
    assert not (tmp_path / "cyclic-05.npz").exists()


def test_a_shard_says_what_it_is():
    found = building.shard("reshuffle", 5, 60, 120)
    assert found["origin"].tolist() == [1, 1, 5, 60, 120]
    assert found["code"].shape == (32,)
