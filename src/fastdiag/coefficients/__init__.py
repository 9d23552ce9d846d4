"""Coefficients: exact rational weights of diagrams, one by one and in tables."""

from .coefficient import coefficient
from .entry import Entry
from .lookup import table
from .table import CoefficientTable

__all__ = ["CoefficientTable", "Entry", "coefficient", "table"]
