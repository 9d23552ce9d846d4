"""Coefficients: exact rational weights of diagrams."""

from .coefficient import coefficient

__all__ = ["coefficient"]
