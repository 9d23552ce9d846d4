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
