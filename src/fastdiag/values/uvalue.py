"""Un-resummed values: a diagram's tensors contracted."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np

from ..diagram import Diagram
from ..door import door
from ..landscapes.contraction import contract
from ..landscapes.directional import Directional
from ..landscapes.estimated import Estimated
from ..landscapes.landscape import Landscape, check_landscape
from ..landscapes.sampled import SampledLandscape
from ..landscapes.symbolic import Symbolic
from ..typing import FloatArray
from .eigenbasis import Eigenbasis
from .estimate import estimated_value
from .exact_values import exact_uvalue
from .factored import factored_contraction
from .leaf_to_root import leaf_to_root
from .overflow import told
from .plan import plan
from .root import Root

TINY = 2.0**-900
DENSE_BYTES = 1 << 24  # larger cumulants are not formed where points can be summed over instead


@door
def uvalue(diagram: Diagram | str, landscape: Landscape) -> Any:
    """The contraction that a diagram stands for, in the cumulant basis with eta = 1.

    A node of degree k is grad^k l_x, a part the joint cumulant of its nodes over x, an edge contracts two indices.

    Parameters
    ----------
    diagram : a Diagram or its text, any order, root shared or not
    landscape : supplies the cumulants; of `landscapes.estimated` the value is the unbiased estimate

    Returns
    -------
    float; on a symbolic landscape a SymPy number or formula

    Raises
    ------
    MissingTensorError : a cumulant or a derivative that the landscape does not have, by name
    TooLargeError : no order of contraction fits in memory; a part of more than 10 nodes

    Examples
    --------
    >>> import fastdiag as fd
    >>> land = fd.landscapes.samples([0.0, 0.0], [[1.0], [3.0]], [[[2.0]], [[2.0]]])
    >>> fd.uvalue("[a]", land), fd.uvalue("[a a]", land)  # G.G and C.H
    (4.0, 2.0)
    """
    diagram = Diagram.of(diagram)
    check_landscape(landscape)
    landscape.require_degree(max(diagram.degrees), f"diagram {diagram}")
    if isinstance(landscape, Symbolic):
        return exact_uvalue(diagram, landscape)
    with np.errstate(all="ignore"):  # an overflow is told once
        return told(f"the value of {diagram}", float(contraction(diagram, landscape)))


@np.errstate(all="ignore")
def contraction(
    diagram: Diagram, landscape: Landscape | Eigenbasis, root: Root | None = None,
    others: Sequence[Landscape | Eigenbasis] = (),
) -> FloatArray:
    """The same in floats, whatever the landscape, with a term of an observable at the root; (n,) * its open edges.

    others : what else the root's factors may be of, see `Root`
    """
    if isinstance(landscape, Estimated):
        return estimated_value(diagram, landscape).astype(np.float64)
    if isinstance(landscape, Directional):
        return leaf_to_root(diagram, landscape, root, [each for each in others if isinstance(each, Landscape)])
    chosen = plan(diagram, root)
    largest = max((len(edges) for _, edges in chosen.parts), default=0)
    if isinstance(landscape, SampledLandscape) and 8 * landscape.dimension**largest > DENSE_BYTES:
        return factored_contraction(chosen, landscape, [each for each in others if isinstance(each, Landscape)])
    sources = chosen.sources(landscape, others)
    factors = [(source.part(nodes), edges) for source, (nodes, edges) in zip(sources, chosen.parts, strict=True)]
    value = contract(factors, chosen.open)
    largest = np.abs(value).max(initial=0.0)
    if TINY < largest < inf:
        return value
    # products on the way may have left the range of floats, so each part is taken in its own unit
    powers = [int(np.frexp(np.abs(part).max(initial=0.0))[1]) for part, _ in factors]
    parts = [(np.ldexp(part, -power), edges) for (part, edges), power in zip(factors, powers, strict=True)]
    scaled = np.ldexp(contract(parts, chosen.open), sum(powers))
    return scaled if not largest < inf or np.abs(scaled).max(initial=0.0) > largest else value
