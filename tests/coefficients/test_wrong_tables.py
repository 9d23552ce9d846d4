"""Tables with a right sha256 and wrong contents: right answers, or a DataError, and never a signal."""

import os
import random
import time
import warnings

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.coefficients import build as building
from fastdiag.coefficients import schema, store, verification
from fastdiag.coefficients.order import KINDS, OrderTable, file_name, verify
from fastdiag.errors import DataError, DataWarning
from oracles.builds import DATA, answers, shipped, told
from oracles.processes import output, python

FORGED = """
import random, sys, warnings
from pathlib import Path
import numpy as np
import fastdiag as fd
from fastdiag.coefficients import store, verification
from fastdiag.coefficients.order import KINDS, OrderTable, file_name
from oracles.forgeries import forged
data, given, many, known = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "known"
warnings.simplefilter("ignore")
def answers(table):
    exact = [table.coefficients(N=6, B=2, T=T, exact=True).tolist() for T in (2, 3, 7)]
    classes = table.by_value_class().coefficients(N=6, B=2, T=7, exact=True).tolist()
    return exact, classes, table.coefficients(N=6, B=2, T=7).tolist(), [str(entry.diagram) for entry in table], table.automorphisms.tolist(), table.irreducible.tolist()
right = {kind: answers(fd.table(3, kind)) for kind in KINDS}
stored = {(kind, d): dict(store.read_arrays(data / file_name(kind, d))) for kind in KINDS for d in range(5)}
if not known:
    verification.KNOWN = {}  # as if the order were one of which no sha256 is known
same = refused = wrong = 0
for seed in range(many):
    rng = random.Random(seed)
    kind = rng.choice(KINDS)
    arrays = forged(rng, stored[kind, 3], [other for key, other in stored.items() if key != (kind, 3)])
    store.write_arrays(given / file_name(kind, 3), arrays)
    print(seed, file=sys.stderr, flush=True)
    try:
        table = OrderTable.of(kind, 3, store.read_arrays(given / file_name(kind, 3)))
    except fd.errors.DataError:
        refused += 1
    if known:
        assert answers(fd.table(3, kind, path=given)) == right[kind], seed
        same += 1
    else:
        try:
            wrong += answers(fd.table(3, kind, path=given)) != right[kind]
        except fd.FastdiagError as error:
            assert isinstance(error, fd.errors.InputError), seed  # value classes that are there in part
    try:  # in memory, of which there is no sha256: bounds keep the kernels safe
        table = OrderTable.of(kind, 3, arrays)
    except fd.errors.DataError:
        continue
    spacetime = fd.Spacetime(6, 2, 7, sampling=kind)
    for basis in ("cumulant", "moment"):
        table.limbs(spacetime, basis, [7])
        table.floats(spacetime, basis, np.array([7]), np.arange(len(table)))
print(same, refused, wrong)
"""


@pytest.mark.parametrize("many", [10, pytest.param(200, marks=pytest.mark.long)])
@pytest.mark.parametrize("known", ["known", "unknown"])
def test_forged_tables(many, known, tmp_path):
    same, refused, wrong = map(int, output(python(FORGED, DATA, tmp_path, many, known)).split())
    if known == "known":
        assert same == many  # nothing forged is used
        assert refused >= 0.9 * many  # the others differ in the widths only, or in nothing
    else:
        assert refused > 0.7 * many
        assert wrong == 0  # all rows of so small a table are drawn
    print(f"{many} forged tables, {known}: {refused} refused, {wrong} with wrong numbers, no signal")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "change"), [
    ("lengths", "four"), ("coarser_lengths", "four"), ("blocks", 2**63), ("columns", 2**63), ("counts", 2**63), ("coarser", 2**40),
    ("coarser_times", 2**62), ("automorphisms", 0), ("value_class", 2**63), ("parents", 9), ("irreducible", 2),
])
def test_numbers_that_wrap_or_lead_astray(kind, name, change):
    arrays = {key: np.array(array) for key, array in store.read_arrays(DATA / file_name(kind, 3)).items()}
    if not arrays[name].size:
        return
    wide = arrays[name].astype(np.int64).astype(np.uint64)
    wide.reshape(-1)[:4] = wide.reshape(-1)[:4] + np.uint64(2**62) if change == "four" else np.uint64(change)
    with pytest.raises(DataError):
        OrderTable.of(kind, 3, arrays | {name: wide})


@pytest.mark.parametrize("order", [1, pytest.param(2, marks=pytest.mark.long)])
def test_every_single_number_of_a_known_table_counts(order, tmp_path):
    """Each number, one more: the file is refused."""
    for kind in KINDS:
        arrays = dict(store.read_arrays(DATA / file_name(kind, order)))
        for name, array in arrays.items():
            for place in range(array.size):
                other = np.array(array)
                other.reshape(-1)[place] += 1
                store.write_arrays(tmp_path / file_name(kind, order), arrays | {name: other})
                with pytest.raises(DataError):
                    OrderTable.in_file(kind, order, tmp_path / file_name(kind, order))
                with pytest.raises(DataError):
                    verify(tmp_path / file_name(kind, order))


@pytest.mark.parametrize("kind", KINDS)
def test_right_tables_of_which_nothing_is_known_pass(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(verification, "KNOWN", {})
    for order in range(6):
        table = OrderTable.in_file(kind, order, DATA / file_name(kind, order))
        assert len(OrderTable.of(kind, order, dict(table.arrays))) == fd.count_diagrams(order)


def test_a_wrong_weight_in_a_sampled_row_is_seen(tmp_path, monkeypatch):
    """Where no sha256 is known, rows are computed again; all 4 of order 2."""
    monkeypatch.setattr(verification, "KNOWN", {})
    for kind in KINDS:
        arrays = dict(store.read_arrays(DATA / file_name(kind, 2)))
        for place in range(arrays["counts"].size):
            other = np.array(arrays["counts"])
            other[place] += 1
            store.write_arrays(tmp_path / "t.npz", arrays | {"counts": other})
            with pytest.raises(DataError, match=r"not what is computed|cannot be those"):
                OrderTable.of(kind, 2, store.read_arrays(tmp_path / "t.npz"))


def test_the_known_digests_are_the_shipped_ones():
    for kind in KINDS:
        for order in range(7):
            size, digest = schema.KNOWN[file_name(kind, order)]
            assert shipped(kind, order).endswith(digest.encode())
            assert len(shipped(kind, order)) == size
    assert len(schema.KNOWN) == 18


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_the_known_digests_are_what_is_built(kind, tmp_path):
    building.make(kind, 7, tmp_path)  # which would not be written otherwise
    assert (tmp_path / file_name(kind, 7)).stat().st_size == schema.KNOWN[file_name(kind, 7)][0]


def test_a_huge_file_is_not_read(tmp_path, bare_cache):
    right = answers()
    with (tmp_path / "reshuffle-03.npz").open("wb") as file:
        file.truncate(20 << 30)
    began = time.perf_counter()
    found, messages = told(lambda: answers(tmp_path))
    assert (found, len(messages)) == (right, 1)
    assert "it has 21,474,836,480 bytes, the table 6,084 at most" in messages[0]
    with pytest.raises(DataError, match="21,474,836,480"):
        verify(tmp_path / "reshuffle-03.npz")
    assert time.perf_counter() - began < 5


def test_many_members_are_not_listed(tmp_path):
    """A right sha256 on a list of 60,000 members: refused before it is read."""
    store.write_arrays(tmp_path / "t.npz", {f"m{i}": np.zeros(0, np.int8) for i in range(5_000)})
    with pytest.raises(DataError, match="list of members"):
        store.read_arrays(tmp_path / "t.npz")


def test_pipes_for_tables(tmp_path, bare_cache):
    right = answers()
    os.mkfifo(tmp_path / "reshuffle-03.npz")
    assert told(lambda: answers(tmp_path)) == (right, [])
    os.replace(tmp_path / "reshuffle-03.npz", bare_cache / "reshuffle-03.npz")
    with pytest.raises(DataError, match="no plain file"):
        store.read_arrays(bare_cache / "reshuffle-03.npz")
    assert told(answers) == (right, [])  # built, and the pipe replaced
    assert (bare_cache / "reshuffle-03.npz").read_bytes() == shipped("reshuffle", 3)


def test_two_versions_share_a_cache(bare_cache, monkeypatch):
    right = answers()
    before = {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in bare_cache.iterdir()}
    monkeypatch.setattr(schema, "VERSION", 2)
    assert told(answers) == (right, [])
    assert told(answers) == (right, [])
    monkeypatch.setattr(schema, "VERSION", 1)
    assert told(answers) == (right, [])
    after = {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in bare_cache.iterdir()}
    assert {name: after[name] for name in before} == before
    assert sorted(set(after) - set(before)) == [f"reshuffle-{d:02}.v2.npz" for d in range(4)]


def test_a_file_replaced_between_write_and_read(bare_cache, monkeypatch):
    """By another order's, say: not used, told, and no error."""
    make = building.make

    def make_and_replace(kind, order, folder, *rest, **options):
        make(kind, order, folder, *rest, **options)
        store.write_arrays(folder / file_name(kind, order), dict(store.read_arrays(DATA / file_name("cyclic", order))))

    monkeypatch.setattr(building, "make", make_and_replace)
    found, messages = told(answers)
    assert found == [fd.coefficient(D, fd.Spacetime(6, 2, 7)) for d in range(4) for D in fd.diagrams(d)]
    assert len(messages) == 4
    assert all("cannot be kept" in message for message in messages)


IN_PLACE = """
import os, sys, warnings
from pathlib import Path
import fastdiag as fd
from fastdiag.coefficients import store
given, how, mapped = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "mapped"
if mapped:
    store.MAPPED = 1
table = fd.table(5, "cyclic", path=given)
where = {"N": 6, "B": 2, "T": 7}
right = None if mapped else table.coefficients(**where, exact=True).tolist()
with (given / "cyclic-05.npz").open("r+b") as file:
    if how == "truncated":
        file.truncate(4096)
    else:
        file.seek(100_000)
        file.write(bytes(50_000))
for call in (lambda: table.coefficients(**where, exact=True).tolist(), lambda: table.coefficients(**where).tolist(), lambda: table[-1].coefficient(**where), lambda: table.parts):
    try:
        call()
        print("answered", right is not None and table.coefficients(**where, exact=True).tolist() == right)
    except fd.errors.DataError as error:
        print("DataError", error)
"""


@pytest.mark.parametrize("mapped", ["mapped", pytest.param("read", marks=pytest.mark.long)])
@pytest.mark.parametrize("how", ["truncated", "edited"])
def test_files_changed_in_place(how, mapped, tmp_path):
    """What is in memory does not change; what is mapped (order 9 and above) is refused, without a signal."""
    for d in range(6):
        (tmp_path / file_name("cyclic", d)).write_bytes(shipped("cyclic", d))
    said = output(python(IN_PLACE, tmp_path, how, mapped)).splitlines()
    assert len(said) == 4
    if mapped == "read":
        assert said == ["answered True"] * 4
    else:
        assert all(line.startswith("DataError the file of a table was changed while") for line in said)


def test_warnings_name_the_fault(tmp_path, bare_cache):
    rng = random.Random(0)
    arrays = dict(store.read_arrays(DATA / file_name("reshuffle", 3)))
    counts = np.array(arrays["counts"])
    counts[rng.randrange(counts.size)] += 1
    store.write_arrays(tmp_path / "reshuffle-03.npz", arrays | {"counts": counts})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fd.table(3, path=tmp_path)
    assert [w.category for w in caught if w.category is DataWarning]
    assert "its sha256 is not the one that is known of this table" in str(caught[-1].message) + str(caught[0].message)
