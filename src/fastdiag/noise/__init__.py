"""Noise geometry of SGD and its escape from minima (paper [E]): how gradient noise aligns with the loss landscape."""

from .alignment import (
    directional_alignment,
    leading_directions,
    loss_alignment,
    loss_alignment_bounds,
    noise_covariance,
    noise_operator,
)
from .dynamics import eigen_dynamics, label_noise_stationary, second_moment_dynamics
from .escape import escape_threshold, flat_ratio, flat_ratio_limit, growth_rate, variance_ratio
from .geometry import Geometry, from_gradients, gaussian_inputs, geometry
from .models import Model, deep_linear_network, diagonal_network, linear_model, random_features, two_layer_network
from .shares import Shares, leading_shares
from .worst import Worst, flat_ratio_bounds, worst_directional_alignment, worst_loss_alignment
from .worst_weights import WorstWeights, worst_over_weights

__all__ = [
    "deep_linear_network", "diagonal_network", "directional_alignment", "eigen_dynamics", "escape_threshold",
    "flat_ratio", "flat_ratio_bounds", "flat_ratio_limit", "from_gradients", "gaussian_inputs", "geometry", "Geometry",
    "growth_rate", "label_noise_stationary", "leading_directions", "leading_shares", "linear_model", "loss_alignment",
    "loss_alignment_bounds", "Model", "noise_covariance", "noise_operator", "random_features",
    "second_moment_dynamics", "Shares", "two_layer_network", "variance_ratio", "Worst", "worst_directional_alignment",
    "worst_loss_alignment", "worst_over_weights", "WorstWeights",
]
