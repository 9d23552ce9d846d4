"""Criteria for training on few points: the generalization gap of gradient descent, AIC, TIC, STIC, and tuning by them."""

from .gap import gap, gap_slope
from .information import aic, stic, tic
from .ridge import tuned_ridge

__all__ = ["aic", "gap", "gap_slope", "stic", "tic", "tuned_ridge"]
