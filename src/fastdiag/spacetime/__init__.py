"""Spacetime: the grid of training points and updates, and the samplings that shade its cells."""

from . import updates
from .spacetime import SAMPLINGS, Batches, Spacetime, check_sampling, check_spacetime

__all__ = ["SAMPLINGS", "Batches", "Spacetime", "check_sampling", "check_spacetime", "updates"]
