"""Diagrams: rooted trees with a partition of their nodes; their canonical form, their enumeration, their number."""

from .diagram import Diagram
from .enumeration import Diagrams, diagrams, stream_diagrams
from .number_of_diagrams import count_diagrams
from .skeletons import Skeletons, skeletons

__all__ = ["Diagram", "Diagrams", "Skeletons", "count_diagrams", "diagrams", "skeletons", "stream_diagrams"]
