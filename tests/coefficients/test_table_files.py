"""The files of tables: what they hold, read by another reader, as docs/tables.md says, and what is not a table."""

import re
import subprocess
from collections import Counter
from fractions import Fraction
from functools import cache
from itertools import pairwise, product
from math import comb, perm, prod
from pathlib import Path

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.coefficients.order import NAMES, OrderTable, file_name
from fastdiag.errors import DataError

ROOT = Path(__file__).parents[2]
SAMPLINGS = ["reshuffle", "cyclic", "replacement"]
BASES = ["cumulant", "moment"]
every_kind = pytest.mark.parametrize(("sampling", "basis"), list(product(SAMPLINGS, BASES)))


@cache
def table(order, sampling="reshuffle", basis="cumulant"):
    return fd.table(order, sampling, basis)


def raw(name):
    with np.load(ROOT / "data" / name, allow_pickle=False) as npz:
        return {key: npz[key].astype(int).tolist() for key in npz}


def pieces(flat, lengths):
    ends = np.cumsum([0, *lengths]).tolist()
    return [flat[low:high] for low, high in pairwise(ends)]


def read_by_the_book(name, row, N, B, T, basis, replacement=False):
    t = raw(name)
    L = 1 if replacement else N // B
    W, r = divmod(T, L)
    shapes = [[size for size in shape if size] for shape in t["shapes"]]
    entries = pieces(list(zip(t["columns"], t["counts"], strict=True)), t["lengths"])

    def placed(shape, basis):
        return prod(B**size if basis == "cumulant" else perm(B, size) for size in shape)

    def moment(row):
        total = Fraction(0)
        for column, count in entries[row]:
            key, last = t["index"][column]
            term = Fraction(count * comb(W, sum(map(bool, t["keys"][key]))))
            for shape, updates in [(shapes[q], L) for q in t["keys"][key] if q] + [(shapes[last], r)]:
                parts = sum(shape)
                term *= Fraction(comb(updates, len(shape)) * placed(shape, "moment"), perm(N, parts)) if parts <= N else 0
            total += term
        return perm(N, max(t["blocks"][row])) * total

    version, kind, n = t["schema"]
    assert version == 1
    if kind == 0:
        maps = 0
        for column, count in entries[row]:
            m, s, j = t["index"][column]
            shape = shapes[s]
            if j <= len(shape):
                maps += count * comb(W, m) * comb(r, j) * comb(L - r, len(shape) - j) * placed(shape, basis)
    elif basis == "moment":
        maps = moment(row)
    else:
        above = pieces(list(zip(t["coarser"], t["coarser_times"], strict=True)), t["coarser_lengths"])[row]
        maps = sum(times * moment(other) for other, times in above)
    return Fraction(-1, B) ** n * maps / t["automorphisms"][row]


@every_kind
def test_the_files_mean_what_the_page_says(sampling, basis):
    kind = "cyclic" if sampling == "cyclic" else "reshuffle"
    for order, row, where in [(3, 5, (6, 2, 7)), (3, 14, (4, 2, 2)), (4, 77, (6, 3, 5)), (4, 40, (3, 1, 11)), (5, 318, (2, 1, 9)),
                              (0, 0, (2, 1, 3)), (1, 0, (4, 2, 3))]:
        found = read_by_the_book(f"{kind}-{order:02}.npz", row, *where, basis, sampling == "replacement")
        assert found == fd.coefficient(fd.diagrams(order)[row], fd.Spacetime(*where, sampling=sampling), basis)


def test_the_example_on_the_page(monkeypatch):
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "tables.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names = {}
    exec(block, names)
    call, shown = block.strip().splitlines()[-1].split("  # ")
    assert repr(eval(call, names)) == shown
    for row, (N, B, T) in product((0, 6, 11, 16), [(6, 2, 7), (4, 1, 3), (2, 2, 5)]):
        right = fd.coefficient(fd.diagrams(3)[row], fd.Spacetime(N, B, T))
        assert names["coefficient"]("data/reshuffle-03.npz", row, N, B, T) == right


def test_the_page_names_every_array_and_size():
    page = (ROOT / "docs" / "tables.md").read_text()
    for name in NAMES:
        assert f"`{name}`" in page
    for order in (4, 5, 6):
        line = next(line for line in page.splitlines() if line.startswith(f"| {order} |"))
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[1] == f"{len(fd.diagrams(order)):,}"
        for cell, kind in zip(cells[2:], ("cyclic", "reshuffle"), strict=True):
            number, unit = cell.split()
            size = (ROOT / "data" / file_name(kind, order)).stat().st_size / {"kB": 1e3, "MB": 1e6}[unit]
            assert f"{size:.{1 if '.' in number else 0}f}" == number


def test_shipped_digests():
    listed = "".join(path.read_text() for path in sorted((ROOT / "data").glob("*.sha256")))
    done = subprocess.run(["sha256sum", "-c", "-"], cwd=ROOT / "data", input=listed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert Counter(done.stdout.split()[1::2]) == {"OK": 16}


def changed(arrays, **other):
    return dict(arrays) | other


@pytest.mark.parametrize("kind", ["cyclic", "reshuffle"])
def test_what_is_not_the_table(kind):
    """Arrays that a file with a right sha256 might hold."""
    arrays = dict(table(3, kind).orders[3].arrays)
    other = dict(table(3, "cyclic" if kind == "reshuffle" else "reshuffle").orders[3].arrays)
    assert len(OrderTable.of(kind, 3, arrays)) == 17
    wrong = {
        "schema": [changed(arrays, schema=np.array(schema)) for schema in ([2, 0, 3], [1, 2, 3], [1, 0, 4], [1, 1], 1)],
        "instead of": [{name: arrays[name] for name in NAMES[1:]}, changed(arrays, more=arrays["keys"]), {}],
        "numbered in another way": [
            changed(arrays, **{name: arrays[name][::-1].copy()}) for name in ("shapes", "index")
        ] + [changed(arrays, index=arrays["index"][:-1])],
        "do not fit together": [
            changed(arrays, **{name: arrays[name][:-1]})
            for name in ("parents", "blocks", "automorphisms", "irreducible", "value_class", "lengths", "columns", "counts")
        ] + [changed(arrays, columns=arrays["columns"] + np.uint16(len(arrays["index"])))],
        "16 rows, but there are 17": [
            {
                name: array[:16] if name in ("parents", "blocks", "automorphisms", "irreducible", "lengths", "coarser_lengths")
                else np.minimum(array[:16], 15) if name == "value_class"
                else array[: arrays["lengths"][:16].sum()] if name in ("columns", "counts")
                else np.minimum(array[: arrays["coarser_lengths"][:16].sum()], 15) if name.startswith("coarser")
                else array
                for name, array in arrays.items()
            }
        ],
    }
    if kind == "reshuffle":
        wrong["do not fit together"] += [
            changed(arrays, **{name: arrays[name][:-1]}) for name in ("coarser_lengths", "coarser", "coarser_times")
        ]
        wrong["numbered in another way"].append(changed(arrays, keys=arrays["keys"][::-1].copy()))
    for words, cases in wrong.items():
        for case in cases:
            with pytest.raises(DataError, match=words):
                OrderTable.of(kind, 3, case)
    with pytest.raises(DataError, match="schema"):
        OrderTable.of(kind, 3, other)
