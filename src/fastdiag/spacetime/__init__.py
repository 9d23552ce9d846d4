"""Spacetime: the grid of training points and updates, and the samplings that shade its cells."""

from . import updates
from .spacetime import SAMPLINGS, Batches, Spacetime, check_spacetime, whole_number

__all__ = ["SAMPLINGS", "Batches", "Spacetime", "check_spacetime", "updates", "whole_number"]
