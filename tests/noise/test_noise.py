"""What functions of noise refuse, and say."""

from math import inf

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

import fastdiag as fd
from fastdiag.errors import InputError, MissingTensorError, TooLargeError

noise = fd.noise
TINY = np.array([[1.0, 0], [0, 2], [1, 1]]), np.array([1.0, -1, 2])


J, R = TINY
BAD = [
    (lambda: noise.loss_alignment(J), "give r"),
    (lambda: noise.loss_alignment(J, R[:2]), r"r must have shape \(3,\)"),
    (lambda: noise.loss_alignment(J[0], R), r"J must have shape \(any, any\)"),
    (lambda: noise.loss_alignment(np.zeros((0, 2)), []), "at least one row"),
    (lambda: noise.loss_alignment(J * np.nan, R), "J must be finite"),
    (lambda: noise.loss_alignment(0 * J, R), "curvature is zero"),
    (lambda: noise.loss_alignment_bounds(0 * J), "J is zero"),
    (lambda: noise.loss_alignment(fd.landscapes.breast_cancer(), R), "belong to a Jacobian"),
    (lambda: noise.directional_alignment(J, R), "give the directions V"),
    (lambda: noise.directional_alignment(J, R, [1, 2, 3]), r"V must have shape \(2,\)"),
    (lambda: noise.directional_alignment(J, R, np.ones((3, 2))), r"V must have shape \(2, any\)"),
    (lambda: noise.directional_alignment([[1, 0], [2, 0]], [1, 1], np.eye(2)), "direction 1 has curvature"),
    (lambda: noise.directional_alignment([[1, 1, 0]], [1], [1, -1, 0]), "direction 0 has curvature"),
    (lambda: noise.directional_alignment(J, R, [0, 0]), "direction 0 has curvature"),
    (lambda: noise.directional_alignment(noise.from_gradients(1, J, np.diag([1, -1])), [0, 1]), "= -1"),
    (lambda: noise.loss_alignment(noise.from_gradients(-1, J, np.eye(2))), "measured from its infimum"),
    (lambda: noise.loss_alignment(noise.from_gradients(0, J, np.eye(2))), "measured from its infimum"),
    (lambda: noise.loss_alignment(fd.landscapes.tensors({(1,): [1], (2,): [[1]], (1, 1): [[1]]})), "measured from its infimum"),
    (lambda: noise.from_gradients(1, J, np.eye(3)), r"hessian must have shape \(2, 2\)"),
    (lambda: noise.from_gradients(1, J, aslinearoperator(np.eye(3))), r"hessian must have shape \(2, 2\)"),
    (lambda: noise.from_gradients(1, J, [[1, 2], [0, 1]]), "symmetric"),
    (lambda: noise.gaussian_inputs([[1, 0], [0, -1]], [1, 1]), "positive semi-definite"),
    (lambda: noise.gaussian_inputs(np.eye(2), [1, 1, 1]), r"u must have shape \(2,\)"),
    (lambda: noise.gaussian_inputs(np.eye(2), [1, 1], -1), "label_noise is a variance"),
    (lambda: noise.leading_directions(J, 3), "1 to 2"),
    (lambda: noise.leading_directions(J, 0), "at least 1"),
    (lambda: noise.eigen_dynamics([1, -1], 0.1, [1, 1], 1), "lams must be >= 0"),
    (lambda: noise.eigen_dynamics([1, 1], 0.1, [1, -1], 1), "s0 are mean squares"),
    (lambda: noise.eigen_dynamics([1, 1], 0.1, [1], 1), r"s0 must have shape \(2,\)"),
    (lambda: noise.eigen_dynamics([1, 1], 0.1, np.ones((2, 2)), 1), r"s0 must have shape \(2,\)"),
    (lambda: noise.eigen_dynamics([], 0.1, [], 1), "lams is empty"),
    (lambda: noise.eigen_dynamics([1], 0, [1], 1), "eta must be positive"),
    (lambda: noise.eigen_dynamics([1], 0.1, [1], 1, batch=0), "batch must be a whole number"),
    (lambda: noise.eigen_dynamics([1], 0.1, [1], 1, batch=1.5), "batch must be a whole number"),
    (lambda: noise.eigen_dynamics([1], 0.1, [1], 1, A=-1), "A is noise over curvature"),
    (lambda: noise.eigen_dynamics([1], 0.1, [1], 1, A=[1, 1]), r"A must have shape \(1,\)"),
    (lambda: noise.eigen_dynamics([1], 0.1, [1], -1), "T must be a whole number"),
    (lambda: noise.eigen_dynamics([1], 0.1, [1], 1.5), "T must be a whole number"),
    (lambda: noise.eigen_dynamics([1], 9, [1], 1000), "diverges"),
    (lambda: noise.eigen_dynamics([1], 0.1, [1], 1, label_noise=-1), "label_noise"),
    (lambda: noise.second_moment_dynamics(J, [1, 1], 9, 1000), "diverges"),
    (lambda: noise.second_moment_dynamics(J, [1, 1, 1], 0.1, 1), r"S0 must have shape \(2,\)"),
    (lambda: noise.second_moment_dynamics(J, np.eye(3), 0.1, 1), "like the columns of X"),
    (lambda: noise.second_moment_dynamics(J, -np.eye(2), 0.1, 1), "positive semi-definite"),
    (lambda: noise.flat_ratio([1, 2], [1, 1], 1), "descending"),
    (lambda: noise.flat_ratio([2, 1], [1, 1], 2), "from 1 to 1"),
    (lambda: noise.flat_ratio([2, 1], [1, 1], 0), "from 1 to 1"),
    (lambda: noise.flat_ratio([2, 1], [1, -1], 1), "mean squares"),
    (lambda: noise.flat_ratio([2, 1], [[1, 1], [0, 1]], 1), "at time 1"),
    (lambda: noise.variance_ratio([0, 1], 1), "no variance"),
    (lambda: noise.variance_ratio(3.0, 1), "s must have shape"),
    (lambda: noise.variance_ratio([3.0], 1), "k must be"),
    (lambda: noise.flat_ratio_limit([2, 1], 0.1, 1, batch=inf), "start decides"),
    (lambda: noise.flat_ratio_limit([2, 1], 0.1, 1, A=[1, 0]), "start decides"),
    (lambda: noise.flat_ratio_limit([0, 0], 0.1, 1), "every eigenvalue is zero"),
    (lambda: noise.escape_threshold([0, 0]), "every eigenvalue is zero"),
    (lambda: noise.growth_rate([0], 1), "every eigenvalue is zero"),
    (lambda: noise.label_noise_stationary([1, 0], 0.1, 1), "lam = 0"),
]


@pytest.mark.parametrize(("call", "words"), BAD)
def test_what_has_no_answer_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()


@pytest.mark.parametrize("shape", [(3, 7), (9, 7)])
def test_curvature_that_is_only_rounding_is_refused(shape):
    rng = np.random.default_rng(10)
    rows = rng.normal(size=shape) @ np.diag([1, 1, 1, 0, 0, 0, 0]) @ np.linalg.qr(rng.normal(size=(7, 7)))[0]
    null = np.linalg.svd(rows)[2][-1]
    operator = noise.from_gradients(1.0, rows, aslinearoperator(rows.T @ rows / len(rows)))
    for call in (lambda v: noise.directional_alignment(rows, np.ones(len(rows)), v), lambda v: noise.directional_alignment(operator, v)):
        call(null + 1e-3 * rows[0])
        for v in (null, -1e8 * null):
            with pytest.raises(InputError, match="direction 0 has curvature"):
                call(v)


def test_a_landscape_needs_a_hessian_and_room():
    with pytest.raises(MissingTensorError, match="supply `hess`"):
        noise.loss_alignment(fd.landscapes.samples([1, 2], J[:2]))
    with pytest.raises(TooLargeError, match="fewer updates"):
        noise.eigen_dynamics(np.ones(10**5), 0.1, np.ones(10**5), 10**5)
