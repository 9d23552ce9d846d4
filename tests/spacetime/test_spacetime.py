"""The grid and its samplings."""

import copy
import math
import pickle
from collections import Counter
from fractions import Fraction

import pytest

import fastdiag as fd
from oracles import oracle


def test_epochs_and_updates():
    st = fd.Spacetime(N=10, B=2, T=12)
    assert (st.E, st.updates_per_epoch, st.whole_epochs, st.partial_updates) == (Fraction(12, 5), 5, 2, 2)
    assert fd.Spacetime(N=10, B=2, E=4) == fd.Spacetime(N=10, B=2, T=20) == fd.Spacetime(10, 2, T=20, E=4)
    assert fd.Spacetime(10, 2, E=Fraction(1, 5)).T == 1
    assert Fraction(8, 3) == fd.Spacetime(3, 2, T=4, sampling="replacement").E
    assert eval(repr(st), {"Spacetime": fd.Spacetime}) == st
    assert hash(st) == hash(fd.Spacetime(10, 2, 12))


@pytest.mark.parametrize(
    ("N", "B", "T", "sampling", "last"),
    [(3, 1, 3, "reshuffle", None), (3, 1, 6, "reshuffle", None), (4, 2, 3, "reshuffle", None), (3, 1, 5, "cyclic", None),
     (3, 2, 3, "replacement", None), (2, 2, 4, "reshuffle", None), (3, 2, 4, "reshuffle", "keep"),
     (3, 2, 3, "reshuffle", "drop"), (5, 2, 4, "reshuffle", "keep"), (3, 2, 5, "cyclic", "keep"), (5, 3, 3, "cyclic", "drop")],
)
def test_realisations_are_all_batch_sequences_up_to_renaming(N, B, T, sampling, last):
    st = fd.Spacetime(N, B, T, sampling=sampling, last=last)
    listed = list(st.realisations())
    assert len(listed) == st.number_of_realisations()
    sizes = [N % B if last == "keep" and (t + 1) % (N // B + 1) == 0 else B for t in range(T)]
    assert [st.batch_size(t) for t in range(T)] == sizes
    assert all([len(set(b)) for b in batches] == sizes for batches in listed)

    def pattern(batches):
        """What does not change when rows are renamed: which columns share how many rows, row by row."""
        return tuple(sorted(Counter(tuple(row in b for b in batches) for row in range(N)).items()))

    ours = Counter(pattern(b) for b in listed)
    everything = oracle.batch_sequences(N, B, T, sampling, last)
    theirs = Counter(pattern(b) for b in everything)
    assert {k: Fraction(v, len(listed)) for k, v in ours.items()} == {
        k: Fraction(v, len(everything)) for k, v in theirs.items()
    }
    assert st.batches() == listed[0]


def test_a_last_batch_that_is_smaller_or_dropped():
    kept, dropped = (fd.Spacetime(N=10, B=4, E=3, last=last) for last in ("keep", "drop"))
    assert (kept.T, kept.updates_per_epoch, kept.last_batch, kept.is_ragged, kept.E) == (9, 3, 2, True, 3)
    assert (dropped.T, dropped.updates_per_epoch, dropped.last_batch, dropped.is_ragged, dropped.E) == (6, 2, 4, False, 3)
    assert fd.Spacetime(10, 4, T=4, last="keep").E == Fraction(4, 3)
    assert fd.Spacetime(10, 4, E=Fraction(2, 3), last="keep") == fd.Spacetime(10, 4, T=2, last="keep")
    assert not fd.Spacetime(10, 4, T=2, last="keep").is_ragged
    assert kept.with_updates(2).last == "keep"
    assert fd.Spacetime(10, 5, E=3, last="keep") == fd.Spacetime(10, 5, E=3)
    assert fd.Spacetime(math.inf, 4, T=3, last="keep") == fd.Spacetime(math.inf, 4, T=3)
    assert kept != fd.Spacetime(N=10, B=4, T=9, last="drop")
    for st in (kept, dropped):
        assert eval(repr(st), {"Spacetime": fd.Spacetime}) == pickle.loads(pickle.dumps(st)) == copy.deepcopy(st) == st
    assert repr(kept) == "Spacetime(N=10, B=4, T=9, sampling='reshuffle', last='keep')"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"N": 10, "B": 3, "T": 1}, "B = 3 does not divide N = 10.*use B = 2 or 5, or last='keep'.* last='drop'"),
     ({"N": 10, "B": 3, "T": 1, "last": "yes"}, "known: keep, drop"),
     ({"N": 10, "B": 3, "T": 1, "last": "keep", "sampling": "replacement"}, "last='keep' has no meaning"),
     ({"N": 10, "B": 4, "E": Fraction(1, 2), "last": "keep"}, "not a whole number"), ({"N": 10}, "give the number of updates T"),
     ({"N": 10, "T": 0}, "T must be at least 1"), ({"N": 10, "T": -3}, "T must be at least 1"),
     ({"N": 10, "T": 2.5}, "T must be a whole number"), ({"N": 0, "T": 1}, "N must be at least 1"),
     ({"N": 4, "B": 5, "T": 1}, "B = 5 exceeds N = 4"), ({"N": 4, "T": 5, "E": 2}, "contradict"),
     ({"N": 4, "E": 0}, "E must be a positive"), ({"N": 4, "E": Fraction(1, 3)}, "not a whole number"),
     ({"N": 4, "T": 1, "sampling": "shuffle"}, "known: reshuffle, cyclic, replacement"),
     ({"N": math.inf, "E": 1}, "no epoch ever ends"), ({"N": math.nan, "T": 1}, "N must be a whole number"),
     ({"N": True, "T": 1}, "N must be a whole number")],
)
def test_bad_input(arguments, words):
    with pytest.raises(fd.errors.InputError, match=words):
        fd.Spacetime(**arguments)
