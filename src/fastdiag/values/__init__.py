"""Values of diagrams: plain contractions (uvalue) and resummed ones (rvalue)."""

from .rvalue import rvalue
from .uvalue import uvalue

__all__ = ["rvalue", "uvalue"]
