"""The page on losses of many weights: its code for PyTorch, on PyTorch where it is; with JAX in its place, beside `autodiff`."""

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import fastdiag as fd

TEXTS = ("[a]", "[b[a a]]")
DOCS = Path(__file__).parents[2] / "docs"
PAGE, HOW_TO = DOCS / "networks.md", DOCS / "how_to" / "pytorch.md"


def code(page):
    return re.search(r"```python\n(import torch.*?)```", page.read_text(), re.DOTALL).group(1)


def stand_in(jax):
    """What the page takes of PyTorch, by functions of the same names and meanings in JAX."""
    torch, func = ModuleType("torch"), ModuleType("torch.func")
    func.grad, func.jvp = jax.grad, jax.jvp

    def vmap(function, in_dims):
        return lambda *given: SimpleNamespace(numpy=lambda: np.asarray(jax.vmap(function, in_dims)(*given)))

    func.vmap, torch.func, torch.tensor = vmap, func, jax.numpy.asarray
    return {"torch": torch, "torch.func": func}


def test_the_code_gives_the_derivatives(monkeypatch):
    jax = pytest.importorskip("jax")
    rng = np.random.default_rng(0)
    X, y, theta = rng.normal(size=(5, 3)), rng.normal(size=5), rng.normal(size=3)

    def loss(theta, x, target):
        return (jax.numpy.tanh(theta @ x) - target) ** 2

    for name, module in stand_in(jax).items():
        monkeypatch.setitem(sys.modules, name, module)
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)  # in all threads
    try:
        known = {"fd": fd, "loss_of_one": loss, "X": jax.numpy.asarray(X), "y": jax.numpy.asarray(y), "theta_0": theta}
        exec(code(PAGE), known)
        values = [fd.uvalue(text, known["land"]) for text in TEXTS]
        places, rows = rng.normal(size=(4, 3)), np.array([0, 1, 4, 1])  # as runs have them
        slopes = known["land"].derivatives.each(places, rows)
    finally:
        jax.config.update("jax_enable_x64", before)
    land = fd.landscapes.autodiff(loss, theta, X, y)
    assert values == pytest.approx([fd.uvalue(text, land) for text in TEXTS], rel=1e-10)
    np.testing.assert_allclose(slopes, land.derivatives.each(places, rows), rtol=1e-10)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # PyTorch's own, of its first jvp
def test_on_pytorch_itself():
    """With a module, as the how-to says: a layer and a logistic loss, beside `logistic`."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 4)), rng.integers(0, 2, 6)
    known = {"fd": fd, "X": torch.tensor(X), "y": torch.tensor(y, dtype=torch.float64)}
    known["model"], entropy = torch.nn.Linear(4, 1, bias=False), torch.nn.functional.binary_cross_entropy_with_logits
    known["loss"] = lambda outputs, label: entropy(outputs[0], label)
    exec(code(HOW_TO), known)
    exec(code(PAGE), known)
    land = fd.landscapes.logistic(X, y, known["theta_0"])
    for diagram in (diagram for order in range(4) for diagram in fd.diagrams(order)):
        assert fd.uvalue(diagram, known["land"]) == pytest.approx(fd.uvalue(diagram, land), rel=1e-10, abs=1e-13)
    st = fd.Spacetime(N=6, T=6)
    ours, theirs = (fd.simulate(each, st, 0.1, runs=20, seed=0) for each in (known["land"], land))
    assert ours.mean == pytest.approx(theirs.mean, rel=1e-12)
