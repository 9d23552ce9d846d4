"""`plot` and what notebooks show: the numbers in them are the objects' own."""

import re
from fractions import Fraction

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import InputError
from fastdiag.markup import MOST_LINES, cell, html_table

LAND, ST, RATES, TIMES = fd.landscapes.gauss(1), fd.Spacetime(N=10, T=10), [0.01, 0.05, 0.2], [2, 5, 10]


def lines(figure, panel=0):
    return {line.get_label(): np.array(line.get_data()) for line in figure.axes[panel].lines}


def test_a_prediction_over_learning_rates(tmp_path):
    prediction = fd.predict(LAND, ST, RATES, order=2)
    measured = fd.simulate(LAND, ST, RATES, runs=50)
    figure = prediction.plot(tmp_path / "picture.png", beside=measured)
    assert (tmp_path / "picture.png").read_bytes()[:4] == b"\x89PNG"
    drawn = lines(figure)
    for order in (1, 2):
        assert drawn[f"about the start, order {order}"] == pytest.approx(np.array([RATES, prediction.up_to(order)]))
    (bars,) = figure.axes[0].containers
    assert bars[0].get_xydata() == pytest.approx(np.array([RATES, measured.mean]).T)
    lower, upper = measured.interval
    assert np.array([s[:, 1] for s in bars[2][0].get_segments()]) == pytest.approx(np.array([lower, upper]).T)
    assert figure._repr_png_()[:4] == b"\x89PNG"


def test_the_shade_lies_where_it_is_not_believed():
    prediction = fd.predict(LAND, ST, RATES, order=2)
    assert prediction.trust.believable.tolist() == [True, True, False]
    figure = prediction.plot()
    (shade,) = [patch for patch in figure.axes[0].patches if "do not trust" in patch.get_label()]
    left, right = shade.get_x(), shade.get_x() + shade.get_width()
    assert left < RATES[2] < right
    assert left > RATES[1]


def test_over_updates_one_panel_for_each_learning_rate():
    prediction = fd.predict(LAND, ST, RATES, order=1, T=TIMES)
    figure = prediction.plot()
    assert [ax.get_title().rsplit(" ", 1)[1] for ax in figure.axes] == ["0.01", "0.05", "0.2"]
    for i in range(3):
        assert lines(figure, i)["about the start, order 1"] == pytest.approx(np.array([TIMES, prediction.total[i]]))
    many = fd.predict(LAND, ST, np.linspace(0.01, 0.1, 6), order=1, T=TIMES).plot()
    assert [ax.get_title().rsplit(" ", 1)[1] for ax in many.axes] == ["2", "5", "10"]


def test_order_by_order_at_one_place():
    prediction = fd.predict(LAND, ST, 0.05, order=3)
    drawn = lines(prediction.plot(beside=fd.simulate(LAND, ST, 0.05, runs=20)))
    assert drawn["sum to this order"][1] == pytest.approx([prediction.up_to(d) for d in range(4)])


def test_of_vectors_the_largest_components():
    land = fd.landscapes.breast_cancer()
    prediction = fd.predict(land, ST, [0.01, 0.02], order=1, observable="displacement")
    drawn = prediction.plot().axes[0].lines
    last = np.sort(np.abs([line.get_ydata()[-1] for line in drawn]))
    assert last == pytest.approx(np.sort(np.abs(prediction.total[-1]))[-8:])
    variances = fd.predict(fd.landscapes.tensors({(1,): [1.0, 0.0], (2,): np.eye(2), (1, 1): np.diag([1.0, 2.0])}, loss=1.0),
                           ST, [0.01, 0.02], order=2, observable="covariance")
    drawn = variances.plot().axes[0].lines
    assert [line.get_ydata()[-1] for line in drawn] == pytest.approx(np.diag(variances.total[-1]))


def test_coefficients_of_tables_and_formulas():
    drawn = lines(fd.table(2).plot(N=100, B=10, T=[1, 5, 20]))
    wanted = [abs(float(fd.coefficient("[a a]", fd.Spacetime(N=100, B=10, T=t)))) for t in (1, 5, 20)]
    assert drawn["[a a]"][1] == pytest.approx(wanted)
    assert drawn["- [a]"][1] == pytest.approx([1, 5, 20])
    formula = fd.expand("test_loss", 2, sampling="one epoch")
    drawn = lines(formula.plot(N=100, B=10, T=[5, 10]))
    wanted = [float(formula.subs(N=100, B=10, T=t).coefficient("C_μν H^μν")) for t in (5, 10)]
    assert drawn["C_μν H^μν"][1] == pytest.approx(wanted)
    with pytest.raises(InputError, match="a picture needs a number for"):
        fd.expand("test_loss", 2, sampling="one epoch").plot(T=[5])


def test_a_landscape_and_a_law():
    curve = lines(LAND.plot())["against the gradient"]
    x, y = curve[:, 3]
    assert y == pytest.approx(LAND.at([Fraction(1 - x * np.sign(LAND.gradient[0]))]).loss)
    law = fd.stationary.minibatch_stationary([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]], [1.0, 0.0, 2.0], 0.1)
    drawn = lines(law.plot())["variance of the weights"]
    assert drawn[1] == pytest.approx(np.linalg.eigvalsh(law.covariance)[::-1])
    dense = fd.landscapes.breast_cancer()
    spectrum = lines(dense.plot(), 1)
    assert spectrum["curvature"][1] == pytest.approx(np.linalg.eigvalsh(dense.hessian)[::-1])


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: fd.predict(LAND, ST, RATES, 1).plot(beside=3), "beside takes what fastdiag.simulate gives"),
        (lambda: fd.predict(LAND, ST, RATES, 1).plot(beside=fd.simulate(LAND, ST, RATES, 9, observable="displacement")),
         "the simulation of the displacement"),
        (lambda: fd.predict(LAND, ST, RATES, 1).plot(beside=fd.simulate(LAND, fd.Spacetime(N=20, B=2, T=10), RATES, 9)),
         r"the prediction is of Spacetime\(N=10, B=1"),
        (lambda: fd.predict(LAND, ST, np.linspace(0.01, 0.1, 5), 1, T=range(1, 7)).plot(), "too many to draw"),
        (lambda: fd.predict(LAND, ST, 0.1, 1, observable="displacement").plot("picture.bmq"), "cannot write"),
        (lambda: fd.predict(LAND, ST, RATES, 1, update=fd.updates.momentum(0.5)).plot(beside=fd.simulate(LAND, ST, RATES, 9)),
         r"is of momentum\(0.5\), the simulation of SGD"),
        (lambda: fd.predict(LAND, ST, [0.1], 1, T=[2, 3]).plot(beside=fd.simulate(LAND, ST, [0.2], 9, T=[2, 3])), "in common"),
    ],
)
def test_what_cannot_be_drawn(draw, message):
    with pytest.raises(InputError, match=message):
        draw()


def test_a_prediction_shows_its_orders_and_trust():
    prediction = fd.predict(LAND, ST, RATES, order=2)
    page = prediction._repr_html_()
    assert str(prediction.trust).split(".")[0] in page
    for value in (*prediction.total, *prediction.by_order[1], *RATES):
        assert f"<td>{cell(float(value))}</td>" in page
    measured = fd.simulate(LAND, ST, RATES, runs=50)
    assert all(f"<td>{value:.6g}</td>" in measured._repr_html_() for value in measured.mean)
    matrices = fd.predict(LAND, ST, RATES[:2], order=2, observable="covariance", T=[2, 3])
    rows = [f"<tr><td>{cell(rate)}</td><td>{T}</td>" for rate in RATES[:2] for T in (2, 3)]
    assert [row in matrices._repr_html_() for row in rows] == [True] * 4
    assert all(cell(total) in matrices._repr_html_() for total in matrices.total.reshape(4, *matrices.total.shape[2:]))


def test_tables_are_bounded_and_escaped():
    page = html_table("<b>", ("x",), [[f"<{i}>"] for i in range(100)])
    assert page.count("<tr>") == MOST_LINES + 2
    assert "... and 60 more" in page
    assert "<b>" not in page
    assert "&lt;3&gt;" in page
    assert cell(np.zeros((50, 50))) == "50 × 50 array, from 0 to 0"


def test_pictures_take_the_colour_of_the_page():
    for page in (fd.Diagram.parse("[a b[a]]")._repr_html_(), fd.diagrams(3)._repr_html_(), fd.Spacetime(N=4, T=8)._repr_html_()):
        assert "currentColor" in page
        assert not re.findall("#[0-9a-f]{3,6}", page)
    assert len(fd.Spacetime(1000, 10, 100)._repr_html_()) < 100_000
