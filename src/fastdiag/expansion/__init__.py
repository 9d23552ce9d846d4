"""Expansions: the diagram sum as numbers, and as formulas."""

from .expand import expand
from .modified_equation import ModifiedEquation, modified_equation
from .observables import OBSERVABLES, Observable, observable, observable_named
from .predict import predict
from .predict_many import predict_many
from .prediction import Prediction
from .term import Term
from .terms import Expansion

__all__ = [
    "OBSERVABLES", "Expansion", "ModifiedEquation", "Observable", "Prediction", "Term", "expand", "modified_equation",
    "observable", "observable_named", "predict", "predict_many",
]
