"""Simulation: the expected test loss of SGD measured by running it many times."""

from .simulate import METHODS, OBSERVABLES, Simulation, simulate

__all__ = ["METHODS", "OBSERVABLES", "Simulation", "simulate"]
