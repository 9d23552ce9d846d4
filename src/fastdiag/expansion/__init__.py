"""Expansions: the diagram sum as numbers, and as formulas."""

from .expand import expand
from .formula import Expansion, Term
from .observables import OBSERVABLES, observable_named
from .predict import Prediction, predict

__all__ = ["OBSERVABLES", "Expansion", "Prediction", "Term", "expand", "observable_named", "predict"]
