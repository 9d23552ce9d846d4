"""Un-resummed values: a diagram's tensors contracted."""

from __future__ import annotations

from ..diagram import Diagram
from ..landscapes.estimated import Estimated
from ..landscapes.landscape import Landscape, check_landscape, contract
from .estimate import estimated_value
from .plan import plan


def uvalue(diagram: Diagram | str, landscape: Landscape) -> float:
    """The contraction that a diagram stands for, in the cumulant basis with eta = 1.

    A node of degree k is grad^k l_x, a part the joint cumulant of its nodes over x, an edge contracts two indices.

    Parameters
    ----------
    diagram : a Diagram or its text, any order, root shared or not
    landscape : supplies the cumulants; of `landscapes.estimated` the value is the unbiased estimate

    Raises
    ------
    MissingTensorError : a cumulant or a derivative that the landscape does not have, by name

    Examples
    --------
    >>> import fastdiag as fd
    >>> land = fd.landscapes.samples([0.0, 0.0], [[1.0], [3.0]], [[[2.0]], [[2.0]]])
    >>> fd.uvalue("[a]", land), fd.uvalue("[a a]", land)  # G.G and C.H
    (4.0, 2.0)
    """
    diagram = Diagram.of(diagram)
    check_landscape(landscape)
    if isinstance(landscape, Estimated):
        return float(estimated_value(diagram, landscape))
    landscape.require_degree(max(diagram.degrees), f"diagram {diagram}")
    return float(contract([(landscape.part(nodes), edges) for nodes, edges in plan(diagram).parts], []))
