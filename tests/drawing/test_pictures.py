"""Pictures: the caller's style stays out, names are no formulas, integers of any size are shown."""

from fractions import Fraction

import matplotlib
import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.arguments import decimal, shown
from fastdiag.drawing.noise_geometry import NoiseReport, save_noise
from fastdiag.drawing.picture import check_picture
from fastdiag.errors import InputError
from fastdiag.numerals import LONG, in_full, written

HUGE = 10**5000
NAMES = ["$^$", "a_b^c", r"\frac{", "$x$ % # &", "名前", "caf\udce9", "\x1b]0;X\a\n", "[bold]", ":smile:"]


@pytest.fixture(scope="module")
def report():
    return NoiseReport.of(fd.landscapes.breast_cancer().at_minimum())


@pytest.mark.every(7)
@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
@pytest.mark.parametrize("title", NAMES)
def test_a_title_is_a_name(report, title, ending, tmp_path):
    save_noise(report, tmp_path / f"picture.{ending}", title=title)
    assert (tmp_path / f"picture.{ending}").stat().st_size > 5000


@pytest.mark.every(3)
@pytest.mark.parametrize(
    "style",
    [{"text.usetex": True}, {"font.family": "serif", "axes.facecolor": "red", "savefig.dpi": 20, "savefig.format": "pdf"},
     {"pgf.texsystem": "lualatex", "pgf.rcfonts": False, "text.usetex": True}, {"axes.xmargin": 0.4, "svg.fonttype": "none"},
     {"figure.constrained_layout.use": False, "savefig.bbox": "tight", "axes.formatter.use_mathtext": True}],
)
def test_the_callers_style_stays_out(report, style, tmp_path):
    def drawn(name):
        save_noise(report, tmp_path / name, title="a")
        return [line for line in (tmp_path / name).read_text().splitlines() if "<dc:date>" not in line]

    right = drawn("plain.svg")
    with matplotlib.rc_context(style):
        before = dict(matplotlib.rcParams)
        assert drawn("styled.svg") == right
        assert dict(matplotlib.rcParams) == before


def test_where_pictures_cannot_go(tmp_path):
    (tmp_path / "a.png").mkdir()
    for path in (tmp_path / "a.pgf", tmp_path / "a", tmp_path / "no" / "a.png", tmp_path / "a.png", "", None, 5, "a\0.png"):
        with pytest.raises(InputError):
            check_picture(path)


def test_numbers_as_text():
    for value in (0, -1, 10**616, -(10**617), 7**9000, 10**4299, 10**20000 - 1, Fraction(-(3**9000), 2**9000)):
        top, _, bottom = in_full(value).partition("/")
        assert value == Fraction(_read(top), _read(bottom or "1"))
    assert eval(written((1, Fraction(1, 3), 2**LONG - 1))) == (1, Fraction(1, 3), 2**LONG - 1)
    assert written(HUGE) == decimal(HUGE) == shown(Fraction(HUGE)) == "1000000000...(5,001 digits)"
    x = sympy.Symbol("x")
    assert shown(x + sympy.Integer(HUGE)) in ("x + 1000000000...(5,001 digits)", "1000000000...(5,001 digits) + x")
    assert written((x / 2, HUGE)) == "(x/2, 1000000000...(5,001 digits))"


def _read(text):
    """int(text) without Python's limit."""
    sign, text = (-1, text[1:]) if text.startswith("-") else (1, text)
    total = 0
    for start in range(0, len(text), 500):
        part = text[start : start + 500]
        total = total * 10 ** len(part) + int(part)
    return sign * total


def large():
    land, w, x = fd.landscapes, *sympy.symbols("w x")
    own = land.symbolic((w - HUGE * x) ** 2 / 2, w, x, land.normal(0, HUGE), at=[HUGE])
    st = fd.Spacetime(N=4, T=4)
    return {
        "spacetime": fd.Spacetime(N=HUGE, T=3), "updates": fd.Spacetime(N=4, T=HUGE), "batch": fd.Spacetime(N=2 * HUGE, B=HUGE, T=2),
        "landscape": own, "uniform": land.uniform(-HUGE, HUGE), "finite": land.finite({HUGE: 1}),
        "two values": land.finite({(HUGE, 1): Fraction(1, HUGE), (0, 0): 1 - Fraction(1, HUGE)}),
        "prediction": fd.predict(own, st, Fraction(1, 10), 1, resummed=False),
        "curve": fd.predict(own, st, [Fraction(1, 10), Fraction(1, HUGE)], 1, resummed=False),
        "long": fd.predict(land.gauss(), fd.Spacetime(N=4, T=HUGE), Fraction(1, 10), 2, resummed=False),
        "gap": fd.predict(own, st, Fraction(1, 10), 2, "generalization_gap", resummed=False),
        "momentum": fd.updates.momentum(Fraction(1, HUGE)), "decay": fd.updates.weight_decay(Fraction(1, HUGE), Fraction(1, HUGE)),
        "schedule": fd.updates.schedule([HUGE, 1]), "newton": fd.updates.regularized_newton(HUGE),
        "formula": fd.updates.regularized_newton(sympy.Symbol("a") * HUGE),
        "counts": fd.count_maps(fd.diagrams(2), fd.Spacetime(N=HUGE, T=3)), "row": fd.table(2)[2],
        "embedding": next(iter(fd.embeddings("[a]", fd.Spacetime(N=HUGE, T=3)))),
    }


@pytest.mark.parametrize("name", large())
def test_reprs_of_large_integers(name):
    for text in (repr(large()[name]), str(large()[name])):
        assert len(text) < 400


def test_refusals_of_large_integers():
    st = fd.Spacetime(N=HUGE, T=HUGE)
    for call in (
        lambda: fd.embeddings("[a b]", st), lambda: fd.simulate(fd.landscapes.gauss(), st, 0.1),
        lambda: fd.Diagram.parse(HUGE), lambda: fd.predict(fd.landscapes.gauss(), fd.Spacetime(N=4, T=4), 0.1, T=[HUGE]),
        lambda: fd.predict(fd.landscapes.gauss(), st, -HUGE), lambda: fd.landscapes.uniform(HUGE, 0),
        lambda: fd.landscapes.gauss().samples(HUGE), lambda: fd.landscapes.mean_estimation(HUGE, HUGE, HUGE).loss,
    ):
        with pytest.raises(fd.FastdiagError) as caught:
            call()
        assert len(str(caught.value)) < 1000


def test_an_array_total_is_told_by_its_shape():
    prediction = fd.predict(fd.landscapes.gauss(), fd.Spacetime(4, T=4), [0.1, 0.2], 1)
    assert repr(prediction) == "<resummed test_loss to order 1: array of shape (2,), 2 diagrams>"
    assert np.shape(prediction.total) == (2,)
