"""Runs that go on where they were interrupted: what has been gathered, in an NPZ file."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import path as checked
from ..errors import DataError, InputError
from ..files import contents, write
from ..record import same
from ..typing import FloatArray
from .run_statistics import Moments, Spread

if TYPE_CHECKING:
    from .measure import Runs

VERSION = 1
MOST_BYTES = 1 << 34


class Gathered:
    """What the first shards came to."""

    def __init__(self, runs: int) -> None:
        self.runs = runs
        self.done = 0
        self.total: Any = None
        self.first: FloatArray | None = None
        """Values of the runs of the first shard, by which a call is known."""
        self.kept: list[FloatArray] = []

    @property
    def finished(self) -> int:
        """How many runs."""
        return self.total.runs if self.done else 0

    def take(self, part: Moments | Spread, values: FloatArray | None, keeps: bool) -> None:
        """Take the next shard in."""
        if self.done == 0:
            self.first = values
        if keeps and values is not None:
            self.kept.append(values)
        self.total = self.total.merged(part) if self.done else part
        self.done += 1


def check_checkpoint(path: object) -> Path:
    """The file's path; InputError if there cannot be one."""
    found = checked("checkpoint", path)
    if not found.resolve().parent.is_dir() or found.is_dir():
        raise InputError(f"checkpoint must be a file in a folder that exists, not {found}")
    return found


def kept_up(path: Path, gathered: Gathered) -> None:
    """Write all that has been gathered, in place of what the file had.

    Raises
    ------
    DataError : no permission, no room
    """
    if not gathered.done:
        return
    fields = {f"total.{f.name}": getattr(gathered.total, f.name) for f in dataclasses.fields(gathered.total)}
    arrays = {name: np.asarray(value) for name, value in fields.items()}
    arrays |= {"version": np.array(VERSION), "runs": np.array(gathered.runs), "done": np.array(gathered.done)}
    arrays["first"] = np.asarray(gathered.first)
    if gathered.kept:
        gathered.kept = [np.concatenate(gathered.kept, axis=1)]
        arrays["values"] = gathered.kept[0]
    content = BytesIO()
    np.savez(content, **arrays | {"digest": _digest(arrays)})
    write(path, content.getvalue())


def resumed(path: Path, runs: Runs, keeps: bool) -> Gathered:
    """What the file has of these runs; nothing where there is none yet.

    Raises
    ------
    DataError : it is no checkpoint, or damaged
    InputError : it is another call's
    """
    gathered = Gathered(runs.runs)
    if not os.path.exists(path):
        return gathered
    arrays = _read(path)
    kind = Moments if runs.observable.mean is None else Spread
    names = {f"total.{field.name}" for field in dataclasses.fields(kind)}
    ours = runs.shard(0, np.zeros(1, np.int64))
    ours = ours.reshape(-1, *ours.shape[2:])
    alike = {name for name in arrays if name.startswith("total.")} == names and arrays["runs"] == runs.runs
    if not alike or keeps != ("values" in arrays) or not same(arrays["first"], ours):
        raise InputError(
            f"{path} is another call's checkpoint: of other runs, or of others' values; give the arguments that it was "
            "begun with (and the same releases of fastdiag and NumPy), or another file"
        )
    fields = {field.name: arrays[f"total.{field.name}"] for field in dataclasses.fields(kind)}
    gathered.total = kind(**fields | {"runs": int(fields["runs"])})
    gathered.done, gathered.first = int(arrays["done"]), arrays["first"]
    gathered.kept = [arrays["values"]] if keeps else []
    return gathered


def _read(path: Path) -> dict[str, Any]:
    content = contents(path, MOST_BYTES)
    try:
        with np.load(BytesIO(content), allow_pickle=False) as file:
            arrays = dict(file)
        if arrays.pop("digest").tobytes() != _digest(arrays).tobytes() or int(arrays["version"]) != VERSION:
            raise ValueError("its sha256 is another")
    except Exception as error:  # whatever NumPy and zipfile raise on what is no file of theirs
        raise DataError(f"{path} is no checkpoint, or it is damaged ({error}); delete it, or give another file") from error
    return arrays


def _digest(arrays: dict[str, Any]) -> Any:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape};".encode() + array.tobytes())
    return np.frombuffer(digest.digest(), np.uint8)
