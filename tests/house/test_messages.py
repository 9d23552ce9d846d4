"""Messages quote what they were given, of any length, in a few lines."""

import pickle

import numpy as np
import pytest

import fastdiag as fd

LONG = "[" + "a " * 500_000
ST = fd.Spacetime(N=10, T=10)
LAND = fd.landscapes.samples([0.0, 0.0], [[1.0], [-1.0]], [[[2.0]], [[2.0]]])

CALLS = {
    "unclosed": lambda: fd.Diagram.parse(LONG),
    "unknown character": lambda: fd.Diagram.parse(LONG + "?" + LONG),
    "a long name": lambda: fd.Diagram.parse("a" + "1" * 10**6 + "?"),
    "not a text": lambda: fd.Diagram.parse(LONG.encode()),
    "of": lambda: fd.Diagram.of(LONG.encode()),
    "rvalue": lambda: fd.rvalue(LONG, LAND, ST, 0.1),
    "parents": lambda: fd.Diagram(LONG, LONG[1:]),
    "basis": lambda: fd.maps("[a]", ST, LONG),
    "sampling": lambda: fd.Spacetime(N=10, T=10, sampling=LONG),
    "N": lambda: fd.Spacetime(N=LONG, T=10),
    "table": lambda: fd.table(3, LONG),
    "coefficients": lambda: fd.table(2).coefficients(N=LONG, T=3),
    "observable": lambda: fd.predict(LAND, ST, 0.1, order=2, observable=LONG),
    "eta": lambda: fd.predict(LAND, ST, LONG, order=2),
    "update": lambda: fd.predict(LAND, ST, 0.1, order=2, update=LONG),
    "method": lambda: fd.simulate(LAND, ST, 0.1, method=LONG),
    "landscape": lambda: fd.simulate(LONG, ST, 0.1),
    "count_maps": lambda: fd.count_maps(LONG, ST),
    "svg": lambda: fd.drawing.diagram_svg(LONG),
    "executor": lambda: fd.build(2, executor=LONG),
}


@pytest.mark.parametrize("name", CALLS)
def test_messages_are_short(name):
    with pytest.raises(fd.FastdiagError) as caught:
        CALLS[name]()
    assert len(str(caught.value)) < 2500


def test_the_position_is_shown():
    """The line below points at the character, however long the text."""
    for before in (3, 50, 10_000):
        text = "[" + "a" * before + "?" + "b" * 10_000
        with pytest.raises(fd.errors.DiagramSyntaxError, match="unknown character") as caught:
            fd.Diagram.parse(text)
        _, shown, below, _ = str(caught.value).split("\n")
        assert shown[below.index("^")] == "?"
        assert len(shown) < 100
        again = pickle.loads(pickle.dumps(caught.value))
        assert (str(again), again.text, again.position) == (str(caught.value), text, before + 1)


def test_all_errors_are_their_kinds_still():
    for kind in (fd.errors.InputError, fd.errors.TooLargeError, fd.errors.DataError, fd.errors.MissingTensorError):
        error = kind("x" * 10_000)
        assert len(str(error)) < 2500
        assert str(error).startswith("xxx")
        assert str(pickle.loads(pickle.dumps(kind("why")))) == "why"
        assert error.args == (str(error),)
    assert np.isfinite(len(str(fd.errors.DataError("why"))))
