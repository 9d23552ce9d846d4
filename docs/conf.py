"""Sphinx: `make docs` builds these pages without a network; every warning is an error."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "extensions"), str(HERE.parent / "src")]

from fastdiag import __version__ as release

project = "fastdiag"
author = "the authors of fastdiag"
copyright = "the authors of fastdiag, MIT licence"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "docstrings", "cells"]
suppress_warnings = ["ref.python"]  # one name in several classes, where a docstring's word is taken for a type
exclude_patterns = ["extensions"]
templates_path: list[str] = []

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

default_role = "code"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_param = False  # else names that share a text are told apart
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
add_module_names = False
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"fastdiag {release}"
html_static_path = ["static"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "monokai"
