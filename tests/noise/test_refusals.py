"""What the noise room refuses: inputs without noise, without directions, blocks that do not fit."""

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator

import fastdiag as fd
from fastdiag.errors import InputError

N = fd.noise
X = [[1.0, 0.0], [2.0, 0.0], [0.0, 0.0]]  # nothing along the second weight


def failing(matrix):
    raise ValueError("no product today")


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("there are more blocks of residuals than of rows",
         lambda: N.leading_shares([X[:1], X[1:]], 1, [[1.0], [1.0, 1.0], [1.0]])),
        ("every residual is zero: there is no noise", lambda: N.leading_shares([X[:1], X[1:]], 1, [[0.0], [0.0, 0.0]])),
        ("every gradient is zero", lambda: N.leading_shares([np.zeros((2, 2))], 1, [[1.0, 1.0]])),
        ("V needs directions along which there are inputs", lambda: N.worst_directional_alignment(X, V=[[0.0], [1.0]])),
        ("X is zero, so the noise has nothing to align with", lambda: N.worst_loss_alignment(np.zeros((2, 2)))),
        ("s must have shape", lambda: N.flat_ratio_bounds([2.0, 1.0], 0.3, np.ones((2, 2)), 1, 0.5, 2.0)),
        ("at most A2", lambda: N.flat_ratio_bounds([2.0, 1.0], 0.3, [1.0, 1.0], 1, 2.0, 0.5)),
        ("eta lams is 0 to rounding", lambda: N.growth_rate([1e-300], 1e-300)),
        ("at least one column", lambda: N.gaussian_inputs(np.eye(2), [1.0, 0.0], jacobian=np.zeros((2, 0)))),
        ("the Hessian's matmat failed: ValueError: no product today",
         lambda: N.from_gradients(0.5, [[1.0, 0.0], [-1.0, 0.0]], LinearOperator((2, 2), failing, matmat=failing, dtype=float)).mu),
    ],
)  # fmt: skip
def test_it_is_told(words, call):
    with pytest.raises(InputError, match=words):
        call()
