"""A valid call of every public function, to be spoiled by the fuzz: name -> (function, arguments by name)."""

import inspect
import math
from fractions import Fraction
from importlib.util import find_spec

import numpy as np
import sympy

import fastdiag as fd
from fastdiag import criteria, drawing, landscapes, noise, results, stationary, updates
from oracles.directions import OfTensors

ROOMS = {"": fd, "updates": updates, "results": results, "landscapes": landscapes, "stationary": stationary, "noise": noise,
         "drawing": drawing, "criteria": criteria}
MADE = {  # what functions make; nobody builds these by hand
    "Diagrams", "CoefficientTable", "Observable", "ModifiedEquation", "updates.Adaptive", "updates.Clipped", "updates.Corrected", "updates.Process", "updates.Update",
    "results.Erratum", "results.Numbers", "results.Result",
    "landscapes.Autodiff", "landscapes.Convolutional", "landscapes.Directional", "landscapes.Distribution", "landscapes.Estimated", "landscapes.Field", "landscapes.Landscape", "landscapes.LeastSquares",
    "landscapes.LinearModel", "landscapes.Logistic", "landscapes.SampledLandscape", "landscapes.Samples",
    "landscapes.Softmax", "landscapes.Symbolic", "landscapes.SymbolicField", "landscapes.Tensors", "noise.Geometry", "noise.Model", "noise.Shares", "noise.Worst", "noise.WorstWeights", "stationary.MinibatchLaw",
    "FastdiagError",
}

w, x = sympy.symbols("w x")
ST = fd.Spacetime(N=4, B=2, T=4)
LAND = landscapes.samples([0.0, 0.0], [[1.0], [-1.0]], [[[1.0]]] * 2, [[[[1.0]]]] * 2)
FORMULA = landscapes.symbolic((w - x) ** 2 / 2, w, x, landscapes.finite({-1: Fraction(1, 2), 1: Fraction(1, 2)}), at=[0])
TABLE = fd.table(2)
X, LAMS, K = [[1.0, 0.5], [-2.0, 1.0], [0.3, 0.2]], [2.0, 1.0, 0.5], [[1.0, 0.2], [0.2, 0.5]]
QUARTIC = OfTensors([np.ones((2,) + (1,) * k) for k in range(5)])
RULE = updates.momentum(Fraction(1, 2))
FRESH = fd.Spacetime(N=8, B=2, T=4)
POINTS = landscapes.logistic(X, [1, 0, 1], [0.0, 0.0], 0.1)


def call(function, **arguments):
    return function, arguments


def method(owner, name, **arguments):
    return getattr(owner, name), arguments


CALLS = {
    "Diagram": call(fd.Diagram, parents=[-1, 0], blocks=[0, 1]),
    "Diagram.parse": call(fd.Diagram.parse, text="[a]"),
    "Diagram.of": call(fd.Diagram.of, diagram="[a]"),
    "Diagram.rerooted": method(fd.Diagram.parse("[a b]"), "rerooted", root=1),
    "Diagrams[]": call(lambda index: fd.diagrams(3)[index], index=1),
    "diagrams": call(fd.diagrams, order=3, irreducible=False, root_shares=False),
    "stream_diagrams": call(fd.stream_diagrams, order=3, irreducible=False, root_shares=True, shard=5, progress=False),
    "count_diagrams": call(fd.count_diagrams, order=3, root_shares=True),
    "skeletons": call(fd.skeletons, noise=1, path_condition=False, root_shares=True),
    "Spacetime": call(fd.Spacetime, N=4, B=2, T=4, E=2, sampling="reshuffle"),
    "Spacetime.with_updates": method(ST, "with_updates", T=3),
    "maps": call(fd.maps, diagram="[a b]", spacetime=ST, basis="moment"),
    "embeddings": call(fd.embeddings, diagram="[a b]", spacetime=ST, basis="moment"),
    "embedding_counts": call(fd.embedding_counts, diagram="[a b]", spacetime=ST, basis="moment"),
    "count_maps": call(fd.count_maps, diagrams=fd.diagrams(2), spacetime=ST, basis="moment", T=[1, 2]),
    "maps_formula": call(fd.maps_formula, diagram="[a b]", sampling="one epoch", basis="moment", update=RULE),
    "weighted_maps": call(fd.weighted_maps, diagram="[a b]", spacetime=ST, k=[Fraction(1, 2), 1], basis="moment"),
    "weighted_maps, a rule": call(fd.weighted_maps, diagram="[a b]", spacetime=ST, basis="moment", update=RULE),
    "coefficient": call(fd.coefficient, diagram="[a b]", spacetime=ST, basis="moment", update=RULE),
    "table": call(fd.table, order=2, sampling="cyclic", basis="moment", path=".", progress=False),
    "CoefficientTable[]": call(lambda index: TABLE[index], index="[a]"),
    "CoefficientTable in": call(lambda entry: entry in TABLE, entry="[a]"),
    "CoefficientTable.coefficients": method(TABLE, "coefficients", N=[4, 8], B=2, T=[4, 6], exact=True),
    "CoefficientTable.coefficients, epochs": method(TABLE, "coefficients", N=[4, 8], B=2, E=[1, 2], exact=False),
    "CoefficientTable.where": method(
        TABLE, "where", order=2, irreducible=True, most_parts=2, largest_part=2, singleton_leaves=True
    ),
    "Entry.coefficient": method(TABLE["[a]"], "coefficient", N=4, B=2, T=4),
    "build": call(fd.build, order=2, sampling="cyclic", executor=None, directory="tables", progress=False),
    "uvalue": call(fd.uvalue, diagram="[a a]", landscape=LAND),
    "estimate": call(fd.estimate, diagram="[a]", landscape=LAND),
    "rvalue": call(fd.rvalue, diagram="[a a]", landscape=LAND, spacetime=ST, eta=0.1, device="cpu", update=RULE),
    "rvalue, a formula": call(
        fd.rvalue, diagram="[a a]", landscape=FORMULA, spacetime=ST, eta=Fraction(1, 10), continuous=False
    ),
    "predict": call(
        fd.predict, landscape=LAND, spacetime=ST, eta=[0.1, 0.2], order=2, observable="covariance", resummed=True, device="cpu",
        T=[1, 2], continuous=False, update=RULE,
    ),
    "predict, a formula": call(
        fd.predict, landscape=FORMULA, spacetime=ST, eta=Fraction(1, 10), order=2, observable="train_loss", resummed=False,
        T=[1, 2], update=RULE,
    ),
    "predict, noise": call(
        fd.predict, landscape=POINTS, spacetime=ST, eta=[0.1, 0.2], observable="covariance", resummed=True, device="cpu",
        T=[1, 2], continuous=False, update=RULE, noise=1,
    ),
    "predict, a closure": call(fd.predict, landscape=POINTS, spacetime=FRESH, eta=0.1, noise=1, closure="gaussian"),
    "predict_many": call(
        fd.predict_many, asked=[(LAND, ST, 0.1), (LAND, ST, 0.2)], executor=None, progress=False, order=2, resummed=True
    ),
    "Prediction.up_to": method(fd.predict(LAND, ST, 0.1, 2), "up_to", order=1),
    "expand": call(
        fd.expand, observable="displacement", order=2, sampling="one epoch", basis="cumulant", at_minimum=True, resummed=False,
        arrange="double", time="T",
    ),
    "Expansion.coefficient": method(fd.expand("test_loss", 1), "coefficient", of="[a]"),
    "Expansion[]": call(lambda index: fd.expand("test_loss", 1)[index], index=0),
    "modified_equation": call(
        fd.modified_equation, order=1, training_set="given", sampling="reshuffle", update=RULE
    ),
    "ModifiedEquation.moment": method(fd.modified_equation(1), "moment", degree=2),
    "ModifiedEquation.at": method(fd.modified_equation(1), "at", landscape=LAND, eta=0.1, of="drift"),
    "observable": call(fd.observable, s=[0.0, [1.0], [[2.0]]], name="square"),
    "observable, a formula": call(fd.observable, s=w**2, weights=w),
    "Observable.covariance": method(fd.observable([0.0, [1.0]]), "covariance", other=fd.observable([0.0, [1.0]])),
    "simulate": call(
        fd.simulate, landscape=LAND, spacetime=ST, eta=[0.1, 0.2], runs=4, seed=1, method="sgd", observable="displacement",
        threads=1, progress=False,
    ),
    "simulate, elsewhere": call(
        fd.simulate, landscape=LAND, spacetime=ST, eta=0.1, runs=4, executor=None, checkpoint=None, method="gdc", seed=2
    ),
    "compare": call(
        fd.compare, kinds=[("a", ST, 0.1, "gdc"), ("b", ST, 0.2, RULE)], landscape=LAND, runs=4, seed=1, observable="covariance",
        threads=1, progress=False, refinement=1, training_set="drawn", executor=None,
    ),
    "Compared.difference": method(fd.compare([("a", ST, 0.1), ("b", ST, 0.1, "gd")], LAND, 4), "difference", label="a", other="b"),
    "Compared[]": call(lambda index: fd.compare([("a", ST, 0.1)], LAND, 4)[index], index="a"),
    "simulate, given points": call(
        fd.simulate, landscape=POINTS, spacetime=fd.Spacetime(N=3, T=3), eta=0.1, runs=4, T=[1, 2], update=RULE, refinement=1,
        keep_runs=True, training_set="given", test=POINTS,
    ),
    "rank": call(fd.rank, landscapes=[LAND, FORMULA], spacetime=ST, eta=0.1, runs=4, seed=1, labels=["a", "b"], order=2),
    "simulate, the noise": call(fd.simulate, landscape=LAND, spacetime=ST, eta=0.1, runs=4, seed=1, method="sde"),
    "updates.momentum": call(updates.momentum, mu=0.5),
    "updates.nesterov": call(updates.nesterov, mu=0.5),
    "updates.quasi_hyperbolic": call(updates.quasi_hyperbolic, mu=0.5, nu=0.5),
    "updates.weight_decay": call(updates.weight_decay, decay=0.5, mu=0.5),
    "updates.schedule": call(updates.schedule, factors=[1, 2]),
    "updates.sgd": call(updates.sgd),
    "updates.adam": call(updates.adam, beta1=0.5, beta2=0.5, epsilon=0.1),
    "updates.rmsprop": call(updates.rmsprop, decay=0.5, epsilon=0.1),
    "updates.clipped": call(updates.clipped, norm=2, rule=RULE),
    "predict, clipped": call(fd.predict, landscape=FORMULA, spacetime=ST, eta=0.1, update=updates.clipped(2), noise=1),
    "updates.corrected": call(updates.corrected, noise=0.5, slope=1),
    "updates.ode": call(updates.ode),
    "updates.sde": call(updates.sde),
    "updates.regularized_newton": call(updates.regularized_newton, lam=1),
    "updates.RegularizedNewton": call(updates.RegularizedNewton, lam=1),
    "updates.Update.with_schedule": method(RULE, "with_schedule", factors=[1, 2]),
    "updates.Update.with_schedule, counted": call(
        lambda factors: fd.coefficient("[a]", ST, update=RULE.with_schedule(factors)), factors=lambda t: t
    ),
    "updates.Update.weight": method(RULE, "weight", duration=2, to_root=True),
    "results.errata": call(results.errata),
    "results.errata_page": call(results.errata_page, errata=results.errata()[:1]),
    "results.emulation": call(
        results.emulation, spacetime=fd.Spacetime(N=4, B=4, E=4), eta=0.1, like=fd.Spacetime(N=4, E=1), like_eta=0.1
    ),
    "results.proposition_2": call(results.proposition_2),
    "landscapes.samples": call(
        landscapes.samples, loss=[0.0, 1.0], grad=[[1.0], [2.0]], hess=[[[1.0]], [[2.0]]], third=np.ones((2, 1, 1, 1)),
        fourth=np.ones((2, 1, 1, 1, 1)), weights=[1, 2], fifth=0, higher=[np.ones((2,) + (1,) * 6)],
    ),
    "landscapes.field": call(
        lambda v, dv, weights: landscapes.field(v, dv, weights=weights), v=[[1.0, 2.0]], dv=[[[1.0, 0.5], [0.0, 1.0]]], weights=[2.0]
    ),
    "landscapes.symbolic_field": call(
        landscapes.symbolic_field, v=[w - x], weights=w, data=x, distribution=landscapes.normal(), at=[0]
    ),
    "landscapes.logistic": call(landscapes.logistic, X=X, y=[1, 0, 1], theta=[0.0, 0.1], ridge=0.1, weights=[1, 2, 3]),
    "landscapes.softmax": call(
        landscapes.softmax, X=X, y=["a", "b", "c"], theta=np.zeros((3, 2)), ridge=0.1, weights=[1, 2, 3]
    ),
    "landscapes.least_squares": call(
        landscapes.least_squares, X=X, y=[1.0, 0.5, 2.0], theta=[0.0, 0.1], ridge=0.1, weights=[1, 2, 3]
    ),
    "landscapes.directional": call(
        landscapes.directional, loss=QUARTIC.loss, derivative=QUARTIC.derivative, theta=[0.0], points=2, weights=[1, 2], degree=4
    ),
    "landscapes.digits": call(landscapes.digits, ridge=0.1, theta=np.zeros((10, 65))),
    "landscapes.tensors": call(landscapes.tensors, cumulants={(1,): [1.0], (2,): [[2.0]]}, loss=1.0),
    "landscapes.estimated": call(landscapes.estimated, landscape=LAND, method="polykay", groups=2, batch=1),
    "landscapes.standardised": call(landscapes.standardised, X=X),
    "landscapes.with_bias": call(landscapes.with_bias, X=np.array(X)),
    "landscapes.breast_cancer": call(landscapes.breast_cancer, ridge=0.1, theta=np.zeros(31)),
    "landscapes.symbolic": call(
        landscapes.symbolic, loss=(w - x) ** 2, weights=w, data=x, distribution=landscapes.normal(), at=[0]
    ),
    "landscapes.normal": call(landscapes.normal, mean=1, variance=2),
    "landscapes.uniform": call(landscapes.uniform, low=0, high=1),
    "landscapes.finite": call(landscapes.finite, chances={-1: Fraction(1, 4), 1: Fraction(3, 4)}),
    "landscapes.gauss": call(landscapes.gauss, h=1),
    "landscapes.archimedes": call(landscapes.archimedes, u=1, v=0, z=2),
    "landscapes.mean_estimation": call(landscapes.mean_estimation, H=1, S=2, theta=1, ridge=0),
    "landscapes.Symbolic.samples": method(FORMULA, "samples", degree=2),
    "landscapes.Symbolic.cumulant": method(FORMULA, "cumulant", nodes=((0,), (0,))),
    "landscapes.Symbolic.derivative": method(FORMULA, "derivative", indices=(0,)),
    "landscapes.Symbolic.exact_part": method(FORMULA, "exact_part", nodes=((0,), (0,))),
    "landscapes.Symbolic.draw": method(FORMULA, "draw", rng=np.random.default_rng(0), count=3),
    "stationary.approximation_error": call(stationary.approximation_error, K=K, C=K, lam=0.1, mu=0.5, nu=0.5),
    "stationary.anisotropy_ratio": call(stationary.anisotropy_ratio, K=K, C=K, lam=0.1, T=3),
    "stationary.barrier_flux": call(
        stationary.barrier_flux, lam=0.5, k_a=2.0, k_b=-1.0, S=4, dL=0.3, l=0.4, discrete=False, density=1.0
    ),
    "stationary.bayes_kl": call(stationary.bayes_kl, K=K, N=50, S=5, lam=0.1, mu=0.5, nu=0.5, C=K),
    "stationary.bayes_learning_rate": call(stationary.bayes_learning_rate, k=[1.0, 0.5], N=50, S=5, mu=0.5, nu=0.5, C=K),
    "stationary.continuous_covariance": call(stationary.continuous_covariance, K=K, C=K, lam=0.1, mu=0.5, nu=0.5),
    "criteria.aic": call(criteria.aic, landscape=POINTS, N=4),
    "criteria.gap": call(criteria.gap, landscape=POINTS, eta=0.1, N=4, T=3, ridge=0.1),
    "criteria.gap_slope": call(criteria.gap_slope, landscape=POINTS, eta=0.1, N=4, T=3, ridge=0.1),
    "criteria.stic": call(criteria.stic, landscape=POINTS, eta=0.1, N=4, T=3),
    "criteria.tic": call(criteria.tic, landscape=POINTS, N=4),
    "criteria.tuned_ridge": call(criteria.tuned_ridge, landscape=POINTS, eta=0.1, N=4, T=3),
    "stationary.escape_efficiency": call(stationary.escape_efficiency, K=K, C=K, lam=0.1, T=3),
    "stationary.escape_efficiency_continuous": call(stationary.escape_efficiency_continuous, K=K, C=K, lam=0.1, t=3.0),
    "stationary.escape_rate_1d": call(
        stationary.escape_rate_1d, grad=lambda w: 0 * w, lam=1.0, noise_std=1.0, domain=(-0.5, 0.5), n=64
    ),
    "stationary.joint_covariance": call(stationary.joint_covariance, K=K, C=K, lam=0.1, mu=0.5, nu=0.5, lag=2),
    "stationary.mean_exit_time_1d": call(
        stationary.mean_exit_time_1d, grad=lambda w: 0 * w, lam=1.0, noise_std=1.0, domain=(-0.5, 0.5), start=0.0, n=64
    ),
    "stationary.minibatch_bayes_rate": call(
        stationary.minibatch_bayes_rate, X=X, y=[1.0, 0.0, 2.0], batch=2, mu=0.5, nu=0.5, N=10
    ),
    "stationary.minibatch_growth": call(
        stationary.minibatch_growth, X=X, y=[1.0, 0.0, 2.0], lam=0.1, batch=2, mu=0.5, nu=0.5
    ),
    "stationary.minibatch_stability_limit": call(
        stationary.minibatch_stability_limit, X=X, y=[1.0, 0.0, 2.0], batch=2, mu=0.5, nu=0.5
    ),
    "stationary.minibatch_stationary": call(
        stationary.minibatch_stationary, X=X, y=[1.0, 0.0, 2.0], lam=0.1, batch=2, mu=0.5, nu=0.5
    ),
    "stationary.minibatch_transient": call(
        stationary.minibatch_transient, X=X, y=[1.0, 0.0, 2.0], lam=0.1, batch=2, T=3, start=[1.0, 0.0], mu=0.5, nu=0.5
    ),
    "stationary.well_probability": call(stationary.well_probability, lam=0.5, k=1.0, C=0.2, dL=0.1, density=1.0),
    "stationary.kramers_rate": call(
        stationary.kramers_rate, lam=0.5, k_a=2.0, k_b=-1.0, S=4, dL=0.3, l=0.4, discrete=False
    ),
    "stationary.valley_drift": call(
        stationary.valley_drift, landscape=landscapes.archimedes(), eta=0.1, update=RULE, B=2
    ),
    "stationary.ngd_covariance": call(stationary.ngd_covariance, K=K, C=K, lam=0.1, mu=0.5),
    "stationary.sigma_T": call(stationary.sigma_T, K=K, C=K, lam=0.1, T=3),
    "stationary.stability_limit": call(stationary.stability_limit, k_max=2.0, mu=0.5, nu=0.5),
    "stationary.stationary_covariance": call(stationary.stationary_covariance, K=K, C=K, lam=0.1, mu=0.5, nu=0.5),
    "noise.deep_linear_network": call(noise.deep_linear_network, X=X, layers=[[[2.0, 1.0]], [[3.0]]]),
    "noise.diagonal_network": call(noise.diagonal_network, X=X, u=[3.0, 1.0], v=[1.0, 2.0]),
    "noise.flat_ratio_bounds": call(noise.flat_ratio_bounds, lams=LAMS, eta=0.3, s=[1.0, 1.0, 3.0], k=1, A1=0.5, A2=2.0, batch=2),
    "noise.leading_shares": call(
        noise.leading_shares, batches=[X[:1], X[1:]], k=1, residuals=[[1.0], [-1.0, 2.0]], turns=2, seed=0, tol=0.01
    ),
    "noise.linear_model": call(noise.linear_model, X=X, w=[3.0, 1.0]),
    "noise.random_features": call(noise.random_features, X=X, W=[[2.0, 1.0]], a=[1.0], activation="tanh", slope=0.5),
    "noise.two_layer_network": call(
        noise.two_layer_network, X=X, W=[[2.0, 1.0]], a=[1.0], activation="leaky_relu", slope=0.5, both=False
    ),
    "noise.worst_directional_alignment": call(
        noise.worst_directional_alignment, X=X, V=[[1.0, 0.0], [0.0, 1.0]], starts=2, seed=0
    ),
    "noise.worst_loss_alignment": call(noise.worst_loss_alignment, X=X),
    "noise.worst_over_weights": call(
        noise.worst_over_weights, model=lambda w: noise.diagonal_network(X, w[:2], w[2:]), theta=[1.0, 0.0, 0.5, 1.0], y="fitted",
        V=[[1.0], [0.5], [0.0], [0.0]], starts=2, seed=0
    ),
    "noise.directional_alignment": call(
        noise.directional_alignment, J=X, r=[1.0, -1.0, 2.0], V=[[1.0, 0.0], [0.0, 1.0]], centered=True
    ),
    "noise.eigen_dynamics": call(
        noise.eigen_dynamics, lams=LAMS, eta=0.1, s0=[1.0, 2.0, 3.0], T=3, batch=2, A=[1.0, 1.0, 1.0], label_noise=0.1
    ),
    "noise.escape_threshold": call(noise.escape_threshold, lams=LAMS, A=1.0, batch=1),
    "noise.flat_ratio": call(noise.flat_ratio, lams=LAMS, s=[1.0, 1.0, 3.0], k=1),
    "noise.flat_ratio_limit": call(noise.flat_ratio_limit, lams=LAMS, eta=0.3, k=1, A=1.0, batch=1),
    "noise.from_gradients": call(
        noise.from_gradients, loss=0.5, gradients=[[1.0, 0.0], [-1.0, 0.0]], hessian=np.diag([1.0, 2.0]), weights=[1, 2]
    ),
    "noise.gaussian_inputs": call(
        noise.gaussian_inputs, S=np.diag(LAMS), u=[1.0, -1.0, 2.0], label_noise=0.1, jacobian=np.eye(3)
    ),
    "noise.geometry": call(noise.geometry, J=X, r=[1.0, -1.0, 2.0]),
    "noise.growth_rate": call(noise.growth_rate, lams=LAMS, eta=0.5, A=1.0, batch=1),
    "noise.label_noise_stationary": call(noise.label_noise_stationary, lams=LAMS, eta=0.4, label_noise=1.0, batch=2),
    "noise.leading_directions": call(noise.leading_directions, J=X, k=1),
    "noise.loss_alignment": call(noise.loss_alignment, J=X, r=[1.0, -1.0, 2.0], centered=True),
    "noise.loss_alignment_bounds": call(noise.loss_alignment_bounds, J=X, slopes=(0.5, 1.0)),
    "noise.noise_covariance": call(noise.noise_covariance, J=X, r=[1.0, -1.0, 2.0], centered=True),
    "noise.noise_operator": call(noise.noise_operator, J=X, r=[1.0, -1.0, 2.0], centered=True),
    "noise.second_moment_dynamics": call(
        noise.second_moment_dynamics, X=[[1.0], [2.0]], S0=[1.0], eta=0.5, T=1, batch=1
    ),
    "noise.variance_ratio": call(noise.variance_ratio, s=[1.0, 1.0, 3.0], k=1),
    "drawing.diagram_svg": call(drawing.diagram_svg, diagram="[a b]", scale=1.0),
    "drawing.diagram_text": call(drawing.diagram_text, diagram="[a b]"),
    "drawing.diagrams_html": call(drawing.diagrams_html, ds=fd.diagrams(2), limit=2, scale=1.0),
    "drawing.table_html": call(drawing.table_html, table=TABLE, limit=2, scale=0.7),
}
if find_spec("jax") is None:
    MADE |= {"landscapes.autodiff", "landscapes.convolutional"}
else:
    CALLS["landscapes.autodiff"] = call(
        landscapes.autodiff, loss=lambda theta, x, y: (theta @ x - y) ** 4, theta=[0.1, 0.2], X=X, y=[1, 0, 1], weights=[1, 2, 3]
    )
    CALLS["landscapes.convolutional"] = call(
        landscapes.convolutional, X=np.ones((3, 7, 7)), y=[1, 0, 1], seed=1, channels=(1, 2), hidden=2, kernel=3, stride=2,
        weights=[1, 2, 3],
    )
for drawn in ("spacetime_svg", "spacetime_text"):
    CALLS[f"drawing.{drawn}"] = call(
        getattr(drawing, drawn), st=ST, embedding=next(fd.embeddings("[a]", ST)), diagram="[a]", batches=ST.batches()
    )
TAKEN = {
    "theorem_2": {"landscape": LAND, "eta": 0.1},
    "corollary_1": {"landscape": LAND, "eta": 0.1, "T": 3},
    "corollary_2": {"landscape": LAND, "eta": 0.1, "N": 4, "T": math.inf},
    "corollary_3": {"landscape": LAND, "eta": 0.1, "N": 4},
    "corollary_4": {"landscape": LAND, "eta": 0.1, "N": 4, "M": 2},
    "corollary_5": {"landscape": LAND, "eta": 0.1, "T": 3},
    "example_1": {"landscape": LAND, "eta": 0.1, "T": 3},
    "gdc": {"landscape": LAND, "eta": 0.1, "N": 4},
    "stic": {"landscape": LAND, "eta": 0.1, "N": 4, "T": 3},
    "barrett_dherin": {"landscape": LAND, "eta": 0.1},
    "smith": {"landscape": LAND, "eta": 0.1, "B": 1},
    "li_tai_e": {"landscape": LAND, "eta": 0.1, "order": 2, "B": 1},
    "roberts": {"landscape": LAND, "eta": 0.1, "N": 4, "T": 3, "B": 1},
    "momentum_rate": {"mu": Fraction(1, 2)},
    "proposition_1": {"diagram": "[a b]"},
    "test_loss_order": {"order": 2},
    "gap_order": {"order": 2},
    "emulation": {"spacetime": ST, "eta": 0.1, "like": fd.Spacetime(N=4, T=8), "like_eta": 0.05},
}
for name, arguments in TAKEN.items():
    result = getattr(results, name)
    CALLS[f"results.{name}"] = result, arguments
    CALLS[f"results.{name}.derived"] = result.derived, arguments


def public_names():
    """The names of all functions and classes of the facade and its rooms, apart from `MADE`."""
    for room, module in ROOMS.items():
        for name in module.__all__:
            found = getattr(module, name)
            if callable(found) and not inspect.ismodule(found) and (full := f"{room}.{name}".lstrip(".")) not in MADE:
                yield full
