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

__all__ = [
    "Geometry", "directional_alignment", "eigen_dynamics", "escape_threshold", "flat_ratio", "flat_ratio_limit",
    "from_gradients", "gaussian_inputs", "geometry", "growth_rate", "label_noise_stationary", "leading_directions",
    "loss_alignment", "loss_alignment_bounds", "noise_covariance", "noise_operator", "second_moment_dynamics",
    "variance_ratio",
]
