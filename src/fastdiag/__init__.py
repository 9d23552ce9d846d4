"""Exact combinatorics of stochastic gradient descent. `import fastdiag as fd`; see fd.predict, fd.diagrams, fd.maps."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from .locks import LOADING

__version__ = "0.1.0"

# Public name -> the room that holds it. Rooms load when first used: importing fastdiag imports none of them.
_ROOMS = {
    "Diagram": "diagram",
    "Diagrams": "diagram",
    "diagrams": "diagram",
    "stream_diagrams": "diagram",
    "skeletons": "diagram",
    "count_diagrams": "diagram",
    "Spacetime": "spacetime",
    "maps": "embedding",
    "embeddings": "embedding",
    "embedding_counts": "embedding",
    "count_maps": "embedding",
    "maps_formula": "embedding",
    "weighted_maps": "embedding",
    "coefficient": "coefficients",
    "table": "coefficients",
    "CoefficientTable": "coefficients",
    "build": "coefficients.build",
    "uvalue": "values",
    "estimate": "values",
    "rvalue": "values",
    "predict": "expansion",
    "predict_many": "expansion",
    "expand": "expansion",
    "observable": "expansion",
    "modified_equation": "expansion",
    "ModifiedEquation": "expansion",
    "Observable": "expansion",
    "simulate": "simulation",
    "compare": "simulation",
    "rank": "simulation",
    "FastdiagError": "errors",
}
_MODULES = {name: name for name in ("landscapes", "results", "stationary", "noise", "criteria", "errors", "drawing")} | {
    "updates": "spacetime.updates"
}

__all__ = [*_ROOMS, *_MODULES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES and name not in _ROOMS:
        here = sys.modules[__name__]  # which lets Python say what may have been meant
        raise AttributeError(f"module 'fastdiag' has no attribute {name!r}; see dir(fastdiag)", name=name, obj=here)
    with LOADING:  # threads may touch the rooms together
        if name in _MODULES:
            value = _loaded(_MODULES[name])
        else:
            value = getattr(_loaded(_ROOMS[name]), name)
        globals()[name] = value
    return value


def _loaded(room: str) -> Any:
    """A room, its package first: whoever imports a module from within waits for its package."""
    package, _, module = room.partition(".")
    found = importlib.import_module(f".{package}", __name__)
    return importlib.import_module(f".{room}", __name__) if module else found


def __dir__() -> list[str]:
    return sorted(__all__)
