"""Expansions: the diagram sum as numbers, and as formulas."""

from .expand import expand
from .formula import Expansion, Term
from .observables import OBSERVABLES, observable_named
from .predict import predict
from .prediction import Prediction

__all__ = ["OBSERVABLES", "Expansion", "Prediction", "Term", "expand", "observable_named", "predict"]
