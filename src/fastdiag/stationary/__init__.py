"""Stationary laws of SGD at large learning rates (paper [D]): exact covariances, excess losses, escape."""

from .bayes import bayes_kl, bayes_learning_rate
from .covariance import approximation_error, continuous_covariance, ngd_covariance, stability_limit, stationary_covariance
from .drift import valley_drift
from .joint import joint_covariance
from .kramers import escape_rate_1d, kramers_rate
from .minibatch import (
    MinibatchLaw,
    minibatch_bayes_rate,
    minibatch_growth,
    minibatch_stability_limit,
    minibatch_stationary,
)
from .moments import minibatch_transient
from .transient import escape_efficiency, escape_efficiency_continuous, sigma_T

__all__ = [
    "approximation_error", "bayes_kl", "bayes_learning_rate", "continuous_covariance", "escape_efficiency",
    "escape_efficiency_continuous", "escape_rate_1d", "joint_covariance", "kramers_rate", "minibatch_bayes_rate",
    "minibatch_growth", "minibatch_stability_limit", "minibatch_stationary", "minibatch_transient", "MinibatchLaw",
    "ngd_covariance", "sigma_T", "stability_limit", "stationary_covariance", "valley_drift",
]
