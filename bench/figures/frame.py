"""What all experiments share: pieces that are kept as they are computed, and rows that a simulation judges."""

import hashlib
import importlib
import importlib.util
import inspect
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np

import fastdiag as fd
from fastdiag.files import write

from . import NAMES

QUANTILE = 2.576  # of 99 %


@dataclass(frozen=True)
class Row:
    """One number, predicted and simulated."""

    case: str
    prediction: float
    simulated: float
    stderr: float
    believable: bool | None = None
    """Whether the prediction says of itself that it is to be trusted; None for a closed form, which says nothing."""
    error: float = 0.0
    """How far off it says that it may be."""
    curve: str = ""
    """The cases that differ by a learning rate or a number of updates alone."""

    @property
    def z(self):
        return (self.prediction - self.simulated) / self.stderr

    @property
    def half(self):
        """Of the simulation's 99 % interval."""
        return QUANTILE * self.stderr

    @property
    def inside(self):
        """Whether the prediction lies in the simulation's 99 % interval."""
        return abs(self.prediction - self.simulated) <= self.half

    @property
    def within_error(self):
        """The same where the prediction may be as far off as it says of itself."""
        return abs(self.prediction - self.simulated) <= self.half + self.error

    @property
    def says_inside(self):
        """Whether by its own error it lies in the interval, of which that is less than half; None for a closed form."""
        return None if self.believable is None else bool(self.error < self.half)

    def record(self):
        """All of it, for a file."""
        told = {"inside": bool(self.inside), "within_error": bool(self.within_error), "says_inside": self.says_inside}
        return asdict(self) | {"z": float(self.z)} | told


def told(prediction, at=slice(None)):
    """A prediction's total, its error and whether it is believable, at some of its learning rates."""
    trust, total = prediction.trust, np.asarray(prediction.total, dtype=float)
    each = (np.broadcast_to(value, total.shape) for value in (total, trust.error, trust.believable))
    return [value.copy() if value.ndim == 0 else value[at] for value in each]


def beside(prediction, simulation, at=slice(None)):
    """A prediction (at some of its learning rates) and the simulation that judges it, as arrays to be kept."""
    names = ("prediction", "error", "believable", "mean", "stderr")
    measured = np.asarray(simulation.mean), np.asarray(simulation.stderr)
    return dict(zip(names, (*told(prediction, at), *measured), strict=True))


def difference(one, other, measured):
    """One prediction less another beside a measured (mean, stderr) of paired runs.

    It is believed where both are and the errors that they tell of come to at most a tenth of it.
    """
    (a, e, t), (b, f, u) = told(one), told(other)
    believable = t & u & (e + f <= 0.1 * np.abs(a - b))
    return {"prediction": a - b, "error": e + f, "believable": believable, "mean": measured[0], "stderr": measured[1]}


def judged(case, labels, found):
    """The rows of what `beside` has kept, one for each label, such as 'eta = 0.1'."""
    columns = (np.ravel(found[key]).tolist() for key in ("prediction", "mean", "stderr", "believable", "error"))
    return [Row(f"{case}, {label}", *numbers, case) for label, *numbers in zip(labels, *columns, strict=True)]


def script(name):
    """The module of an experiment."""
    return importlib.import_module(f"{__package__}.{name}")


def missing(experiment):
    """A module that the experiment needs and that is not installed; None if all are there."""
    needed = getattr(experiment, "NEEDS", ())
    return next((name for name in needed if importlib.util.find_spec(name) is None), None)


def results(experiment, folder, quick, fresh=False, only=None):
    """Compute what is not kept yet: yields (piece, found, seconds, whether it was kept) for every piece, or some alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for piece, compute in (only or experiment.pieces(quick)).items():
        path, key = place(experiment, folder, piece, quick)
        kept = None if fresh else load(path, key)
        if kept is not None:
            yield piece, *kept, True
            continue
        start = time.perf_counter()
        with warnings.catch_warnings():
            for kind in (fd.errors.TrustWarning, fd.errors.TaylorWarning):  # the rows say it
                warnings.simplefilter("ignore", kind)
            found = {key: np.asarray(value) for key, value in compute().items()}
        seconds = time.perf_counter() - start
        save(path, key, found, seconds)
        yield piece, found, seconds, False


def unkept(experiment, folder, quick, fresh=False):
    """The pieces that are still to be computed."""
    return [piece for piece in experiment.pieces(quick) if fresh or load(*place(experiment, folder, piece, quick)) is None]


def place(experiment, folder, piece, quick):
    """Where a piece is kept, and the key of what its numbers depend on."""
    name = experiment.__name__.rpartition(".")[2]
    return folder / f"{name}{'-quick' if quick else ''}-{piece}.npz", fingerprint(experiment, piece, quick)


def fingerprint(experiment, piece, quick):
    """What the numbers of a piece depend on: the script and what it shares, down to their drawing, and the package."""
    used = {value if inspect.ismodule(value) else inspect.getmodule(value) for value in vars(experiment).values()}
    names = sorted(module.__name__ for module in used if module and module.__name__.startswith(f"{__package__}."))
    texts = [inspect.getsource(sys.modules[name]) for name in names if name.rpartition(".")[2] not in ("frame", "style")]
    text = "\n".join(each.partition("\ndef draw")[0] for each in texts)
    return hashlib.sha256(f"{sources()} {piece} {bool(quick)}\n{text}".encode()).hexdigest()


@lru_cache
def sources():
    """Of the package: numbers of another one are made again."""
    files = sorted(Path(fd.__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def save(path, key, found, seconds):
    """Keep a piece; nothing is half written."""
    content = BytesIO()
    np.savez(content, **{f"found.{name}": value for name, value in found.items()}, key=np.array(key), seconds=seconds)
    write(path, content.getvalue())


def load(path, key):
    """What was kept, and the seconds that it took; None if nothing was, or something else."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["key"]) != key:
                return None
            found = {name.removeprefix("found."): file[name] for name in file.files if name.startswith("found.")}
            return found, float(file["seconds"])
    except FileNotFoundError:
        return None
    except Exception:  # damaged: whatever NumPy and zipfile raise on it, it is made again
        return None


def counted(rows):
    """By what they say of themselves: those in their intervals / outside / within the intervals widened by their errors.

    And curves: how many of those that say of some point that it lies inside do so at all these points; how many of those
    that say of some point that it may be outside leave their interval at such a point.
    """
    kinds = {
        "error below\ninterval": [row for row in rows if row.says_inside],
        "error\nabove it": [row for row in rows if row.says_inside is False],
        "trusted": [row for row in rows if row.believable],
        "not\ntrusted": [row for row in rows if row.believable is False],
        "closed form": [row for row in rows if row.believable is None],
    }
    table = {}
    for kind, those in kinds.items():
        inside = sum(row.inside for row in those)
        table[kind] = inside, len(those) - inside, sum(row.within_error for row in those)
    for kind, says in (("curves stay\nbelow it", True), ("curves leave\nabove it", False)):
        curves = [[row.inside for row in each if row.says_inside is says] for each in by_curve(rows)]
        kept = [all(curve) if says else not all(curve) for curve in curves if curve]
        table[kind] = sum(kept), len(kept)
    return table


def by_curve(rows):
    """The rows of each curve that says something of itself."""
    names = dict.fromkeys(row.curve for row in rows if row.believable is not None)
    return [[row for row in rows if row.curve == name] for name in names]


def counts(rows):
    """The cells of a table: header and lines, one for each experiment and one for all; rows: by experiment."""
    listed = {name: counted(some) for name, some in rows.items()}
    listed["all"] = counted([row for some in rows.values() for row in some])

    def cell(numbers):
        return "" if not any(numbers) else (" of " if len(numbers) == 2 else " / ").join(map(str, numbers))

    return list(listed["all"]), [[name, *map(cell, each.values())] for name, each in listed.items()]


def chosen(names):
    """The experiments asked for, in order; all of them for none."""
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        raise fd.errors.InputError(f"there is no figure {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return [name for name in NAMES if not names or name in names]

