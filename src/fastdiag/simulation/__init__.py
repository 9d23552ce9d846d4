"""Simulation: the expected test loss of SGD, or another observable, measured by running it many times."""

from ..expansion.observables import OBSERVABLES
from .simulate import METHODS, Simulation, simulate

__all__ = ["METHODS", "OBSERVABLES", "Simulation", "simulate"]
