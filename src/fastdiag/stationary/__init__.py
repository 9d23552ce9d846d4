"""Stationary laws of SGD at large learning rates (paper [D]): exact covariances, excess losses, escape."""

from .bayes import bayes_kl, bayes_learning_rate
from .covariance import approximation_error, continuous_covariance, ngd_covariance, stability_limit, stationary_covariance
from .drift import valley_drift
from .exits import escape_rate_1d, mean_exit_time_1d
from .joint import joint_covariance
from .kramers import barrier_flux, kramers_rate, well_probability
from .minibatch import (
    MinibatchLaw,
    minibatch_bayes_rate,
    minibatch_growth,
    minibatch_stability_limit,
    minibatch_stationary,
)
from .moments import minibatch_transient
from .transient import anisotropy_ratio, escape_efficiency, escape_efficiency_continuous, sigma_T

__all__ = [
    "anisotropy_ratio", "approximation_error", "barrier_flux", "bayes_kl", "bayes_learning_rate",
    "continuous_covariance", "escape_efficiency", "escape_efficiency_continuous", "escape_rate_1d", "joint_covariance",
    "kramers_rate", "mean_exit_time_1d", "minibatch_bayes_rate", "minibatch_growth", "minibatch_stability_limit",
    "minibatch_stationary", "minibatch_transient", "MinibatchLaw", "ngd_covariance", "sigma_T", "stability_limit",
    "stationary_covariance", "valley_drift", "well_probability",
]
