"""Expansions: the diagram sum as numbers."""

from .observables import OBSERVABLES, observable_named
from .predict import Prediction, predict

__all__ = ["OBSERVABLES", "Prediction", "observable_named", "predict"]
