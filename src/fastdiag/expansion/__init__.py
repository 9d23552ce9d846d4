"""Expansions: the diagram sum as numbers."""

from .observables import OBSERVABLES, check_observable
from .predict import Prediction, predict

__all__ = ["OBSERVABLES", "Prediction", "check_observable", "predict"]
