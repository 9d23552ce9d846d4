"""Diagrams: rooted trees with a partition of their nodes; their canonical form, their enumeration, their number."""

from .counting import count_diagrams
from .diagram import Diagram
from .enumeration import Diagrams, diagrams, stream_diagrams
from .skeletons import Skeletons, skeletons

__all__ = ["Diagram", "Diagrams", "Skeletons", "count_diagrams", "diagrams", "skeletons", "stream_diagrams"]
