"""Simulation: the expected test loss of SGD, or another observable, measured by running it many times."""

from ..expansion.observables import OBSERVABLES
from .compare import compare
from .compared import Compared
from .planned_runs import METHODS
from .rank import Ranking, rank
from .simulate import simulate
from .simulation import Simulation

__all__ = ["METHODS", "OBSERVABLES", "Compared", "Ranking", "Simulation", "compare", "rank", "simulate"]
