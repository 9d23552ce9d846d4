"""Every public object and error pickles under all protocols, copies, crosses a process, compares in one bool, shows itself."""

import copy
import inspect
import math
import multiprocessing
import pickle
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.landscapes.autodiff import JaxDerivatives
from fastdiag.record import same
from oracles.directions import twins
from oracles.processes import answer

ROOMS = (fd, fd.landscapes, fd.results, fd.stationary, fd.noise, fd.criteria, fd.errors, fd.updates, fd.drawing)


def differentiated(kind):
    """A landscape of JAX's that nobody asks for a number, so that JAX need not be there."""
    found = kind(JaxDerivatives(math.hypot, [0.0], np.ones(2), np.ones(2)), np.zeros(1), np.full(2, 0.5))
    found.network, found.classes = None, (0, 1)
    return found


def objects():
    """One of every kind, by name."""
    land, w, x, c = fd.landscapes, *sympy.symbols("w x c")
    points = land.samples([1.0, 1.0, 2.0], [[1.0], [3.0], [0.0]], [[[2.0]], [[2.0]], [[1.0]]])
    logistic = land.logistic([[1.0, 2.0], [-2.0, 1.0], [0.5, 0.5]], [1, 0, 1], [0.0, 0.0], 0.1)
    own = land.symbolic((w - c * x) ** 2 / 2, w, x, land.normal(), at=[0])
    dense = land.tensors({(1,): [1.0, 0.0], (2,): np.eye(2), (1, 1): np.eye(2), (1, 2): 0}, loss=1.0)
    st = fd.Spacetime(N=4, T=4)
    table, expansion, sample = fd.table(3), fd.expand("test_loss", 2), land.estimated(points)
    rules = fd.updates
    found = {
        "diagram": fd.Diagram.parse("[a b[a]]"), "diagrams": fd.diagrams(4), "some diagrams": fd.diagrams(4)[::3],
        "spacetime": st, "forever": fd.Spacetime(N=math.inf, T=3), "sgd": rules.sgd(),
        "momentum": rules.momentum(Fraction(1, 2)), "nesterov": rules.nesterov(0.5), "qhm": rules.quasi_hyperbolic(0.5, 0.7),
        "formula rule": rules.momentum(sympy.Symbol("mu", real=True)), "decay": rules.weight_decay(Fraction(1, 2)),
        "schedule": rules.schedule([1, Fraction(1, 2), 2, 3]), "ode": rules.ode(), "sde": rules.sde(),
        "adam": rules.adam(0.5), "rmsprop": rules.rmsprop().with_schedule([1, Fraction(1, 2)]),
        "corrected": rules.corrected(Fraction(1, 3), -1),
        "compared": fd.compare([("SGD", st, 0.05), ("GDC", st, 0.05, "gdc")], points, 10),
        "clipped": rules.clipped(2, rules.momentum(0.5)),
        "newton": rules.regularized_newton(sympy.Symbol("lam")), "embedding": next(iter(fd.embeddings("[a b]", st))),
        "counts": fd.count_maps(fd.diagrams(2), st), "table": table, "rows": table.where(singleton_leaves=False),
        "classes": table.by_value_class(), "cyclic": fd.table(6, "cyclic"), "entry": table[3],
        "class entry": table.by_value_class()[3], "samples": points, "logistic": logistic, "symbolic": own, "tensors": dense,
        "directional": twins()[1],
        "autodiff": differentiated(land.Autodiff), "network": differentiated(land.Convolutional),
        "gauss": land.gauss(), "archimedes": land.archimedes(), "mean": land.mean_estimation(Fraction(1, 2)), "sample": sample,
        "data": land.breast_cancer(), "normal": land.normal(1, c**2), "uniform": land.uniform(-1, 1),
        "finite": land.finite({0: Fraction(1, 2), 1: Fraction(1, 2)}), "prediction": fd.predict(points, st, 0.05, 2),
        "curve": fd.predict(points, st, [0.05, 0.1], 2), "exact": fd.predict(own, st, Fraction(1, 10), 2, resummed=False),
        "exact curve": fd.predict(own, st, [Fraction(1, 10), Fraction(1, 5)], 2, resummed=False),
        "matrix": fd.predict(points, st, 0.05, 2, "covariance"), "estimated": fd.predict(sample, st, 0.05, 1, resummed=False),
        "estimate": fd.estimate("[a a]", sample), "simulation": fd.simulate(points, st, 0.05, runs=10),
        "simulations": fd.simulate(points, st, [0.05, 0.1], runs=10), "expansion": expansion,
        "resummed": fd.expand("test_loss", 2, resummed=True, sampling="one epoch"), "term": expansion[1],
        "jacobian": fd.noise.geometry([[1, 0], [0, 2], [1, 1]], [1, -1, 2]), "of logistic": fd.noise.geometry(logistic),
        "gaussian": fd.noise.gaussian_inputs(np.diag([2.0, 1.0]), [1.0, -1.0]), "of tensors": fd.noise.geometry(dense),
        "gradients": fd.noise.from_gradients(0.5, [[1.0, 0.0], [-1.0, 0.0]], np.diag([1.0, 2.0])),
        "model": fd.noise.linear_model([[1.0, 2.0]], [3.0, 1.0]), "worst": fd.noise.worst_loss_alignment([[1.0, 0.0], [0.0, 2.0]]),
        "shares": fd.noise.leading_shares([[[1.0, 0.0], [0.0, 2.0]]], 1),
        "network's worst": fd.noise.worst_over_weights(lambda u: fd.noise.diagonal_network([[1.0], [2.0]], u[:1], u[1:]), [1.0, 0.5], starts=1),
        "softmax": land.softmax([[1.0], [2.0]], ["a", "b"]), "least squares": land.least_squares([[1.0], [2.0]], [1.0, 4.0]),
        "law": fd.stationary.minibatch_stationary([[1.0], [2.0]], [1.0, 0.0], 0.1),
        "field": land.field([[1.0, 0.0]], [[[0.0, 1.0], [-1.0, 0.0]]]),
        "field of formulas": land.symbolic_field([w - x], w, x, land.normal(), at=[0]),
        "equation": fd.modified_equation(1, update=rules.momentum(Fraction(1, 2))), "rate": fd.modified_equation(2).drift,
        "function": fd.observable([0.0, [1.0, 0.0]]).variance(), "written function": fd.observable(w**2, w),
        "numbers": fd.results.errata()[0].check(),
    }
    found |= {f"erratum {i}": erratum for i, erratum in enumerate(fd.results.errata())}
    found |= {name: result for name, result in vars(fd.results).items() if isinstance(result, fd.results.Result)}
    found["a result of one's own"] = fd.results.Result("mine", "none", "1 = 1", math.cos, math.sin)
    return found | {kind.__name__: kind("what happened") for kind in ERRORS} | SYNTAX


ERRORS = [
    kind for kind in vars(fd.errors).values()
    if isinstance(kind, type) and issubclass(kind, Exception) and kind is not fd.errors.DiagramSyntaxError
]
SYNTAX = {"syntax": fd.errors.DiagramSyntaxError("[a", 2, "more was expected")}
OBJECTS = objects()
WITHOUT_LOSS = ("autodiff", "network", "field", "field of formulas")  # JAX may not be there; fields are no gradients
BY_IDENTITY = (fd.landscapes.Landscape, BaseException)


def test_no_public_class_is_forgotten():
    public = {
        kind for room in ROOMS for name in getattr(room, "__all__", dir(room)) if isinstance(kind := getattr(room, name), type)
        and kind.__module__.startswith("fastdiag") and not inspect.isabstract(kind)
    }
    assert len(public) > 20
    assert not public - {base for value in OBJECTS.values() for base in type(value).__mro__}


def test_errors_cross_dask():
    """Dask's tblib takes the pickling of exceptions over, and makes them by `__new__`."""
    pytest.importorskip("tblib")
    code = (
        "import pickle, tblib.pickling_support as s, fastdiag as fd; s.install();"
        "errors = [e for e in vars(fd.errors).values() if isinstance(e, type) and issubclass(e, fd.FastdiagError)];"
        "s.install(*errors);"
        "made = [e('[a', 2, 'why') if 'Syntax' in e.__name__ else e('what') for e in errors];"
        "back = [pickle.loads(pickle.dumps(e)) for e in made];"
        "assert [(type(e), str(e)) for e in made] == [(type(e), str(e)) for e in back], back"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", OBJECTS)
def test_pickles_and_copies(name):
    value = OBJECTS[name]
    copies = [pickle.loads(pickle.dumps(value, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for other in [*copies, copy.copy(value), copy.deepcopy(value)]:
        assert type(other) is type(value)
        assert repr(other) == repr(value)
        assert str(other) == str(value)
        if isinstance(value, BaseException):
            assert (other.args, vars(other)) == (value.args, vars(value))
        elif not isinstance(value, BY_IDENTITY) and name != "of logistic":  # which compares its landscape
            assert (value == other) is True
            assert (value != other) is False
            assert hash(value) == hash(other)


def test_one_bool_between_any_two():
    values = list(OBJECTS.values())
    for i, a in enumerate(values):
        for j, b in enumerate(values):
            assert type(a == b) is bool
            if i == j:
                assert a == b
    assert OBJECTS["curve"] != OBJECTS["matrix"]
    assert OBJECTS["simulation"] != OBJECTS["simulations"]
    assert OBJECTS["table"] != OBJECTS["rows"]
    assert OBJECTS["diagrams"] != OBJECTS["some diagrams"]
    assert OBJECTS["jacobian"] != OBJECTS["gaussian"]
    ones = fd.predict(OBJECTS["samples"], OBJECTS["spacetime"], [0.05, 0.2], 2)
    assert ones != OBJECTS["curve"]
    assert fd.landscapes.normal(1, 2) != fd.landscapes.normal(1, 3)


def test_same():
    assert same({"a": np.array([1, 2])}, {"a": np.array([1.0, 2.0])})
    assert not same(np.zeros(2), [0.0, 0.0])
    assert same(np.array([sympy.Symbol("x"), math.nan], object), np.array([sympy.Symbol("x"), math.nan], object))
    assert not same(np.array([None]), np.array([1]))


@pytest.mark.parametrize("name", OBJECTS)
def test_shows_itself(name):
    text, value = repr(OBJECTS[name]), OBJECTS[name]
    assert " object at 0x" not in text
    assert len(text) < 500
    if not text.startswith("<") and isinstance(value, fd.Diagram | fd.Spacetime | fd.updates.Update | fd.updates.Process):
        names = vars(fd.updates) | {"Fraction": Fraction, "Diagram": fd.Diagram, "Spacetime": fd.Spacetime, "inf": math.inf}
        assert eval(text, names | {"mu": sympy.Symbol("mu", real=True)}) == value
    pages = [getattr(value, name)() for name in ("_repr_html_", "_repr_svg_", "_repr_latex_") if hasattr(value, name)]
    assert isinstance(value, BaseException) or any(pages), "notebooks show what it holds"
    assert "" not in pages
    assert not [page for page in pages if page and " object at 0x" in page]


def test_an_error_keeps_its_notes():
    error = fd.errors.DiagramSyntaxError("[a", 2, "more was expected")
    error.add_note("while reading a file")
    assert pickle.loads(pickle.dumps(error)).__notes__ == ["while reading a file"]
    assert str(fd.errors.MissingTensorError()) == ""


def test_all_cross_a_process():
    """A worker that cannot send its error back hangs for ever: hence `get` with a limit."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        names = [name for name in OBJECTS if not isinstance(OBJECTS[name], fd.landscapes.Landscape)]
        back = pool.map_async(answer, [OBJECTS[name] for name in names]).get(120)
        for name, other in zip(names, back, strict=True):
            assert repr(other) == repr(OBJECTS[name])
        lands = [
            value for name, value in OBJECTS.items()
            if isinstance(value, fd.landscapes.Landscape) and name not in WITHOUT_LOSS
        ]
        assert pool.map_async(answer, lands).get(60) == list(map(answer, lands))
        with pytest.raises(fd.errors.DiagramSyntaxError, match="never closed"):
            pool.map_async(answer, ["[a"]).get(60)
        with pytest.raises(fd.errors.MissingTensorError):
            pool.apply_async(fd.predict, (OBJECTS["samples"], OBJECTS["spacetime"], 0.1, 4)).get(60)
