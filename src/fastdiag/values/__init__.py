"""Values of diagrams: plain contractions (uvalue), their estimates (estimate), and resummed ones (rvalue)."""

from .estimate import Estimate, estimate
from .rvalue import rvalue
from .uvalue import uvalue

__all__ = ["Estimate", "estimate", "rvalue", "uvalue"]
