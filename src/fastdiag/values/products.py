"""The products of a diagram's cumulants over all indices of its edges, some at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..diagram import Diagram
from ..typing import FloatArray
from .eigenbasis import Eigenbasis
from .plan import plan
from .root import Terms

SLAB_BYTES = 1 << 28  # formed at a time


def dense_slabs(diagram: Diagram, eigenbasis: Eigenbasis, terms: Terms) -> Iterator[tuple[FloatArray, int]]:
    """From whole tensors: some of the products, (rows, n^(edges - 1)), and the index of the first row."""
    n = len(eigenbasis.rates)
    step = max(1, SLAB_BYTES // (8 * n ** max(diagram.order - 1, 0)))
    for start in range(0, n if diagram.order else 1, step):
        yield contracted(diagram, eigenbasis, slice(start, start + step), terms), start


def contracted(diagram: Diagram, eigenbasis: Eigenbasis, rows: slice, terms: Terms) -> FloatArray:
    """The product of the parts' cumulants over all edge indices, (rows of the first edge, n^(d-1)); terms are added."""
    d, n = diagram.order, len(eigenbasis.rates)
    total: Any = None
    for root, weight in terms:
        product: Any = None
        chosen = plan(diagram, root)
        sources = chosen.sources(eigenbasis, eigenbasis.others)
        for i, (source, (nodes, edges)) in enumerate(zip(sources, chosen.parts, strict=True)):
            alone = nodes == ((0, 1),) and i >= len(root.nodes) and eigenbasis.propagator is not None
            part = eigenbasis.left_over if alone else source.part(nodes)
            if 0 in edges:
                part = part[rows]  # edges ascend, so the first edge is the first axis
            long = [1] * d
            for axis, edge in enumerate(edges):
                long[edge] = part.shape[axis]
            product = part.reshape(long) if product is None else product * part.reshape(long)
        if weight != 1:  # a pass over all
            product = product * weight
        total = product if total is None else total + product
    return np.ascontiguousarray(total).reshape(-1, n ** max(d - 1, 0))
