"""Simulation: the expected test loss of SGD, or another observable, measured by running it many times."""

from ..expansion.observables import OBSERVABLES
from .rank import Ranking, rank
from .simulate import METHODS, simulate
from .simulation import Simulation

__all__ = ["METHODS", "OBSERVABLES", "Ranking", "Simulation", "rank", "simulate"]
