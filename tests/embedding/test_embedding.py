"""Counting maps and embeddings against brute force over all cells."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import fastdiag as fd
from fastdiag.embedding import enumerated_maps
from fastdiag.embedding.embeddings import listable_automorphisms
from fastdiag.kernels.kernel import plain
from fastdiag.kernels.levels import strict_chains
from oracles import oracle

GRIDS = [(2, 1, 2, "reshuffle"), (4, 2, 2, "reshuffle"), (2, 1, 3, "reshuffle"), (2, 2, 3, "cyclic"),
         (3, 1, 4, "cyclic"), (2, 1, 3, "replacement"), (3, 2, 2, "replacement"), (4, 2, 3, "reshuffle")]


@pytest.mark.parametrize("basis", ["cumulant", "moment"])
@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_maps_are_brute_force(grid, basis):
    N, B, T, sampling = grid
    spacetime = fd.Spacetime(N, B, T, sampling=sampling)
    for order in range(4):
        for D in fd.diagrams(order, root_shares=True):
            expected = oracle.mean_maps(D.parents, D.blocks, N, B, T, sampling, basis == "moment")
            assert enumerated_maps(D, spacetime, basis) == expected
            assert fd.maps(D, spacetime, basis) == expected


@given(
    index=st.integers(0, 5860), order=st.integers(4, 6), B=st.integers(1, 2), T=st.integers(1, 5),
    basis=st.sampled_from(["cumulant", "moment"]),
)
def test_one_epoch_closed_form_is_enumeration(index, order, B, T, basis):
    ds = fd.diagrams(order)
    ds = ds[ds.satisfies_path_condition]  # the others have no map in one epoch
    D, spacetime = ds[index % len(ds)], fd.Spacetime(6 * B, B, T)
    assume((B * T) ** order < 3e5)
    assert fd.maps(D, spacetime, basis) == enumerated_maps(D, spacetime, basis)


@pytest.mark.parametrize("basis", ["cumulant", "moment"])
@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_embeddings_are_orbits(grid, basis):
    """Orbits of brute-force maps under brute-force automorphisms, with their stabilizers."""
    N, B, T, sampling = grid
    spacetime = fd.Spacetime(N, B, T, sampling=sampling)
    for D in [*fd.diagrams(2), *fd.diagrams(3)[::3]]:
        group = listable_automorphisms(D)[:, 1:] - 1
        counts: dict[int, Fraction] = {}
        sequences = list(spacetime.realisations())
        for batches in sequences:
            maps = set(oracle.all_maps(D.parents, D.blocks, batches, basis == "moment"))
            while maps:
                orbit = {tuple(f[i] for i in g) for f in [next(iter(maps))] for g in group}
                assert orbit <= maps
                maps -= orbit
                size = D.automorphisms // len(orbit)
                counts[size] = counts.get(size, 0) + Fraction(1, len(sequences))
        assert fd.embedding_counts(D, spacetime, basis) == counts
        listed: dict[int, Fraction] = {}
        for f in fd.embeddings(D, spacetime, basis):
            listed[f.stabilizer] = listed.get(f.stabilizer, 0) + f.probability
            times = [*(t for _, t in f.cells)]
            assert all(row in f.batches[t] for row, t in f.cells)
            assert all(times[v - 1] < (times[p - 1] if p else T) for v, p in enumerate(D.parents) if v)
        assert listed == counts
        total = sum((Fraction(count) / size for size, count in counts.items()), Fraction(0))
        assert total == Fraction(fd.maps(D, spacetime, basis)) / D.automorphisms


def test_the_papers_table_of_embeddings():
    """Order 2, T updates of B: the untied pair has C(TB, 2) embeddings with |Aut_f| = 1 and TB with 2."""
    for T, B in [(3, 1), (3, 2), (4, 3)]:
        spacetime = fd.Spacetime(T * B, B, T)
        assert fd.embedding_counts("[a b]", spacetime) == {1: comb(T * B, 2), 2: T * B}
        assert fd.embedding_counts("[a[b]]", spacetime) == {1: comb(T, 2) * B**2}


@given(order=st.integers(0, 6), index=st.integers(0, 10**6), T=st.integers(1, 10**12))
def test_proposition_one(order, index, T):
    """E = B = 1: the coefficient is (-1)^d linext / |Aut| C(T, P) (papers: Proposition 1)."""
    ds = fd.diagrams(order)
    D = ds[index % len(ds)]
    P = len(D.parts) - 1
    expected = Fraction((-1) ** order * linear_extensions(D) * comb(T, P), D.automorphisms)
    assert fd.coefficient(D, fd.Spacetime(T, 1, T), "moment") == expected


def linear_extensions(D):
    """Total orders of the non-root parts, children before parents: by removing last parts one at a time."""
    relations = {(D.blocks[v], D.blocks[p]) for v, p in enumerate(D.parents) if p > 0}
    if any(a == b for a, b in relations):
        return 0

    def count(parts):
        if not parts:
            return 1
        return sum(
            count(parts - {last}) for last in parts if not any(a == last and b in parts for a, b in relations)
        )

    return count(frozenset(D.blocks[1:]))


def test_the_poset_kernel_is_its_python_source_and_has_no_limit():
    below, sizes = [0b000, 0b001, 0b001, 0b110, 0], [i.bit_count() for i in range(32)]
    compiled = np.zeros((32, 6), np.int64)
    strict_chains(np.array(below), np.array(sizes), compiled)
    unbounded = np.zeros((32, 6), object)
    plain(strict_chains)(below, sizes, unbounded)
    assert (compiled == unbounded).all()
    # far past 2^63: the star of seven untied leaves has (B T)^7 maps
    spacetime = fd.Spacetime(10**9, 1, 10**9)
    assert fd.maps("[a b c d e f g]", spacetime) == 10**63
    assert fd.maps("[a b c d e f g]", spacetime, "moment") == np.prod(
        [10**9 - i for i in range(7)], dtype=object
    )


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [(lambda: fd.maps("[a]", fd.Spacetime(2, T=2), "fuzzy"), fd.errors.InputError, "unknown basis 'fuzzy'; known: cumulant, moment"),
     (lambda: fd.embeddings("[a]", fd.Spacetime(20, T=40)), fd.errors.TooLargeError, "closed form fastdiag.maps"),
     (lambda: fd.maps("[a", fd.Spacetime(2, T=2)), fd.errors.DiagramSyntaxError, "never closed"),
     (lambda: fd.maps("[a]", fd.Spacetime(np.inf, T=np.inf)), fd.errors.InputError, "infinitely many")],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()
