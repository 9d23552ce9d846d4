"""Pictures of diagrams and of their embeddings, as SVG, HTML and plain text."""

from .html import diagrams_html, table_html
from .spacetime_picture import spacetime_svg, spacetime_text
from .svg import diagram_svg
from .text import diagram_text

__all__ = ["diagram_svg", "diagram_text", "diagrams_html", "spacetime_svg", "spacetime_text", "table_html"]
