"""Pictures of diagrams and of embeddings."""

from .svg import diagram_svg, diagrams_html

__all__ = ["diagram_svg", "diagrams_html"]
