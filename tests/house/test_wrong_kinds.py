"""Arguments of the wrong kind, everywhere: always fastdiag's own error, and it says something."""

import math

import pytest

import fastdiag as fd

LAND = fd.landscapes.samples([0.0, 0.0], [[1.0], [-1.0]], [[[1.0]]] * 2, [[[[1.0]]]] * 2)
ST = fd.Spacetime(4, T=4)
FOREVER = fd.Spacetime(math.inf, T=math.inf)

CALLS = {
    "maps of nothing": lambda: fd.maps(None, ST),
    "maps into nothing": lambda: fd.maps("[a]", None),
    "coefficient into a number": lambda: fd.coefficient("[a]", 4),
    "embeddings into nothing": lambda: fd.embeddings("[a]", None),
    "embedding counts, infinite": lambda: fd.embedding_counts("[a]", fd.Spacetime(4, T=math.inf)),
    "one diagram to count_maps": lambda: fd.count_maps("[a]", ST),
    "nothing to count_maps": lambda: fd.count_maps(None, ST),
    "weights nan": lambda: fd.weighted_maps("[a]", ST, math.nan),
    "weights infinite": lambda: fd.weighted_maps("[a]", ST, "oo"),
    "weights nothing": lambda: fd.weighted_maps("[a]", ST, None),
    "formula sampling": lambda: fd.maps_formula("[a]", None),
    "predict into nothing": lambda: fd.predict(LAND, None, 0.1),
    "predict with text": lambda: fd.predict(LAND, ST, "x"),
    "predict with nothing": lambda: fd.predict(LAND, ST, None),
    "predict infinite eta": lambda: fd.predict(LAND, ST, math.inf),
    "predict with T text": lambda: fd.predict(LAND, ST, 0.1, T="a"),
    "predict with no T": lambda: fd.predict(LAND, ST, 0.1, T=[]),
    "predict with a float order": lambda: fd.predict(LAND, ST, 0.1, order=2.5),
    "predict the plain series forever": lambda: fd.predict(LAND, FOREVER, 0.1, resummed=False),
    "predict forever beyond stability": lambda: fd.predict(LAND, FOREVER, 2.0),
    "rvalue of nothing": lambda: fd.rvalue("[a]", None, ST, 0.1),
    "rvalue into nothing": lambda: fd.rvalue("[a]", LAND, None, 0.1),
    "uvalue of nothing": lambda: fd.uvalue("[a]", None),
    "simulate nothing": lambda: fd.simulate(None, ST, 0.1),
    "simulate into nothing": lambda: fd.simulate(LAND, None, 0.1),
    "simulate half runs": lambda: fd.simulate(LAND, ST, 0.1, runs=2.5),
    "spacetime of text": lambda: fd.Spacetime("4", T=1),
    "spacetime of nothing": lambda: fd.Spacetime(None, T=1),
    "spacetime without a batch": lambda: fd.Spacetime(4, None, T=1),
    "diagram without blocks": lambda: fd.Diagram([-1, 0], None),
    "diagram of letters": lambda: fd.Diagram("ab", "ab"),
    "diagram of a number": lambda: fd.Diagram.parse(5),
    "diagrams of nothing": lambda: fd.diagrams(None),
    "samples of nothing": lambda: fd.landscapes.samples(None, None),
    "logistic of nothing": lambda: fd.landscapes.logistic([[]], [], []),
    "tensors of nothing": lambda: fd.landscapes.tensors(None),
    "tensors, none": lambda: fd.landscapes.tensors({}),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_wrong_kinds(call):
    with pytest.raises(fd.FastdiagError) as caught:
        call()
    assert len(str(caught.value)) > 20
    assert any(base.__module__ == "builtins" for base in type(caught.value).__mro__[2:-3])


BIG = {
    "B does not divide a large N": lambda: fd.Spacetime(N=10**18 + 9, B=2, T=5),
    "embeddings, many realisations": lambda: fd.embeddings("[a]", fd.Spacetime(N=100, T=1000)),
    "embeddings, many cells": lambda: fd.embeddings("[a]", fd.Spacetime(N=10**9, T=10**9)),
    "counting a high order": lambda: fd.count_diagrams(10**30),
    "listing a high order": lambda: fd.diagrams(10**30),
    "streaming a high order": lambda: fd.stream_diagrams(40),
    "rvalue at a huge T": lambda: fd.rvalue("[a]", LAND, fd.Spacetime(math.inf, T=10**30), 0.1),
    "a plain series at a huge T": lambda: fd.predict(LAND, fd.Spacetime(10**200, T=10**200), 0.1, resummed=False),
    "simulating a huge N": lambda: fd.simulate(LAND, fd.Spacetime(10**9, T=2 * 10**9), 0.1),
    "deep text": lambda: fd.Diagram.parse("[" + "a[" * 3000 + "b" + "]" * 3001),
    "an index beyond the end": lambda: fd.diagrams(3)[17],
    "no index": lambda: fd.diagrams(3)[None],
    "a mask of the wrong shape": lambda: fd.diagrams(3)[[[True] * 5]],
    "an order that was not predicted": lambda: fd.predict(LAND, ST, 0.1, order=1).up_to(2),
    "another root": lambda: fd.Diagram.parse("[a]").rerooted(5),
}


@pytest.mark.parametrize("call", BIG.values(), ids=BIG.keys())
def test_too_much_is_refused_at_once(call):
    with pytest.raises(fd.FastdiagError) as caught:
        call()
    assert len(str(caught.value)) > 20


def test_an_overflowing_prediction_says_so():
    with pytest.warns(RuntimeWarning, match="the prediction overflows"):
        fd.predict(LAND, fd.Spacetime(math.inf, T=4), 1e200, order=2, resummed=False)


def test_large_logits_are_no_error():
    land = fd.landscapes.logistic([[1000.0], [2.0]], [1, 0], [-5.0])
    assert math.isfinite(fd.predict(land, ST, 0.001).total)
