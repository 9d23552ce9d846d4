"""The page on losses of many weights: its code for PyTorch, with JAX in PyTorch's place, beside `autodiff`."""

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import fastdiag as fd

jax = pytest.importorskip("jax")
TEXTS = ("[a]", "[b[a a]]")
PAGE = Path(__file__).parents[2] / "docs" / "networks.md"


def stand_in():
    """What the page takes of PyTorch, by functions of the same names and meanings in JAX."""
    torch, func = ModuleType("torch"), ModuleType("torch.func")
    func.grad, func.jvp = jax.grad, jax.jvp

    def vmap(function, in_dims):
        return lambda *given: SimpleNamespace(numpy=lambda: np.asarray(jax.vmap(function, in_dims)(*given)))

    func.vmap, torch.func, torch.tensor = vmap, func, jax.numpy.asarray
    return {"torch": torch, "torch.func": func}


def test_the_code_gives_the_derivatives(monkeypatch):
    code = re.search(r"```python\n(import torch.*?)```", PAGE.read_text(), re.DOTALL).group(1)
    rng = np.random.default_rng(0)
    X, y, theta = rng.normal(size=(5, 3)), rng.normal(size=5), rng.normal(size=3)

    def loss(theta, x, target):
        return (jax.numpy.tanh(theta @ x) - target) ** 2

    for name, module in stand_in().items():
        monkeypatch.setitem(sys.modules, name, module)
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)  # in all threads
    try:
        known = {"fd": fd, "loss_of_one": loss, "X": jax.numpy.asarray(X), "y": jax.numpy.asarray(y), "theta_0": theta}
        exec(code, known)
        values = [fd.uvalue(text, known["land"]) for text in TEXTS]
        places, rows = rng.normal(size=(4, 3)), np.array([0, 1, 4, 1])  # as runs have them
        slopes = known["land"].derivatives.each(places, rows)
    finally:
        jax.config.update("jax_enable_x64", before)
    land = fd.landscapes.autodiff(loss, theta, X, y)
    assert values == pytest.approx([fd.uvalue(text, land) for text in TEXTS], rel=1e-10)
    np.testing.assert_allclose(slopes, land.derivatives.each(places, rows), rtol=1e-10)
