"""Counting for any update rule: the one place where the kinds of rule are told apart.

Linear rules weigh edges. A Hessian-based step sums over the ways to link edges, a power of lambda for each link. A process
in continuous time has volumes of ordered times instead of numbers of maps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from math import factorial, inf
from typing import Any, TypeAlias, get_args

from ..arguments import instance, number, shown
from ..diagram import Diagram
from ..diagram.partition import moebius_from_bottom, set_partitions
from ..errors import InputError
from ..spacetime import Spacetime
from ..spacetime.number import check_exact
from ..spacetime.processes import Process
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Adaptive, Clipped, Corrected, Update, check_update, sgd
from ..typing import Basis
from .counting import count
from .edge_weights import EdgeWeights
from .embeddings import check_basis, checked_diagram, whole_or_fraction
from .foresight import check_work
from .patterns import level_shapes
from .poset import Links, Poset, all_links
from .sum_over_maps import sum_over_maps
from .weighted import averaged_maps

Rule: TypeAlias = Update | Process | RegularizedNewton | None
"""An update rule that diagrams about the start are counted for; None is SGD."""
PathRule: TypeAlias = Rule | Adaptive | Clipped
"""One that there is a path for."""


def maps_under(diagram: Diagram | str, spacetime: Spacetime, update: Rule = None, basis: Basis = "cumulant") -> Any:
    """`maps` with the weights of an update rule: what (-1/B)^d / |Aut(D)| turns into the coefficient.

    Where the last batch of an epoch is smaller, each node in it weighs B over its size, for an update takes the mean over
    its batch. A process has no batches of its own, and the noise of batches of B.

    Parameters
    ----------
    diagram, spacetime, basis : as for `maps`
    update : one of fastdiag.updates, or None for SGD

    Returns
    -------
    int or Fraction; a SymPy expression where the rule has symbols

    Raises
    ------
    InputError : as `maps` does; an update that is none
    """
    diagram = checked_diagram(diagram, spacetime, basis, symbols=True)
    if spacetime.is_symbolic:
        from .symbolic_counts import symbolic_maps

        check_rule(update)
        return symbolic_maps(diagram, spacetime, check_basis(basis), update)
    if isinstance(update, Process):
        return process_maps(diagram, spacetime.finite("T"), update, spacetime.B, basis)
    if isinstance(update, RegularizedNewton):
        check_work(diagram, spacetime, basis, 1, False, linked=True)
        return newton_sum(diagram, update, lambda links: _linked_count(diagram, links, spacetime, basis))
    check_rule(update)
    if update is not None:
        return averaged_maps(diagram, spacetime, update, basis)
    poset = Poset.of(diagram)
    return averaged_maps(diagram, spacetime, sgd(), basis) if spacetime.is_ragged else count(poset, spacetime, basis)


@lru_cache(maxsize=1 << 12)
def _linked_count(diagram: Diagram, links: Links, spacetime: Spacetime, basis: str) -> Any:
    poset, B = Poset.of(diagram, links), spacetime.B
    if not links and not spacetime.is_ragged:
        return count(poset, spacetime, basis)
    T, one_order = spacetime.finite("T"), spacetime.is_one_epoch or spacetime.sampling == "cyclic"
    if basis == "cumulant" and not spacetime.is_ragged and (B == 1 or one_order):
        N = spacetime.N if B == 1 or spacetime.N == inf else spacetime.N // B
        batches = Spacetime(N, T=T, sampling=spacetime.sampling)
        return B**poset.parts * count(poset.joined, batches, basis)  # each part in any slot of its batch
    return sum_over_maps(poset, EdgeWeights.powers(poset, [1] * diagram.order), spacetime, basis)


def check_rule(update: object, about_path: bool = False) -> None:
    """Raise InputError unless it is an update rule or None.

    Raises
    ------
    UnsupportedError : a rule that holds about a path only, and there is none; one that can only be simulated
    """
    if isinstance(update, Corrected) or (isinstance(update, Adaptive | Clipped) and not about_path):
        check_update(update)
    if update is not None and not isinstance(update, get_args(PathRule)):
        raise InputError(f"update must be one of fastdiag.updates, such as updates.momentum(0.9), not {shown(update)}")


def newton_sum(diagram: Diagram, update: RegularizedNewton, count: Callable[[Links], Any]) -> Any:
    """The sum over all sets of links of lambda^links times a count; divided by |Aut(D)|, each orbit has its own |Aut|.

    A link joins the nodes of two factors of (lambda hess)^k grad, taken at one update. A diagram's value does not depend on
    its links, so its coefficient is one polynomial in lambda.

    Returns
    -------
    int or Fraction, or an expanded SymPy expression where lambda or a count is one

    Raises
    ------
    InputError : lambda is not exact
    """
    lam = update.lam
    check_exact(update, [lam])
    counts: defaultdict[int, Any] = defaultdict(int)  # by the power of lambda
    for links, kept in all_links(diagram):
        counts[len(links)] += count(links) * (diagram.automorphisms // kept)
    total = sum(counted * lam**power for power, counted in counts.items())
    if isinstance(total, int | Fraction):
        return whole_or_fraction(Fraction(total))
    import sympy

    return sympy.expand(total)


def process_maps(diagram: Diagram | str, T: Any, process: Process, B: Any = 1, basis: Basis = "cumulant") -> Any:
    """What stands for the number of maps in a process's expansion: B^P linext T^P / P!, P the number of parts.

    All nodes of a part act at one time, different parts at different times, children before parents: that is the volume
    of the times 0 < t < T. It is zero where a part holds a node and its ancestor, for the noise of a time knows nothing of
    itself. It is the leading power of T of the count of SGD in one epoch, for parts small enough to occur.

    Parameters
    ----------
    diagram : a Diagram or its text, the root alone in its part
    T : how long, in units of updates; an int, a Fraction or a SymPy expression
    process : updates.ode() or updates.sde()
    B : batch size
    basis : 'cumulant', or 'moment' by the Moebius transform (no longer a volume; it may be negative)

    Returns
    -------
    int or Fraction, or a SymPy expression if T or B is one; coefficient(D) = (-1/B)^d process_maps / |Aut(D)|

    Raises
    ------
    InputError : the root shares a part, T is a float, unknown basis

    Examples
    --------
    >>> from fractions import Fraction
    >>> from fastdiag.embedding.rules import process_maps
    >>> from fastdiag.spacetime.processes import ode, sde
    >>> process_maps("[a b[c]]", Fraction(1, 2), ode()), process_maps("[a b[a]]", 6, sde()), process_maps("[a a]", 6, ode())
    (Fraction(1, 16), 18, 0)
    """
    basis, diagram = check_basis(basis), Diagram.of(diagram)
    instance("process", process, Process, "take updates.ode() or updates.sde()").keeps(diagram)
    T, B = number("T", T), number("B", B)
    if isinstance(T, float):
        raise InputError(f"T must be exact: an int, a Fraction or a SymPy expression, not {T!r}; write Fraction({T!r})")
    poset = Poset.of(diagram)
    if basis == "cumulant":
        return _volume(poset, T, process, B)
    merged = ((moebius_from_bottom(string), poset.coarsened(string)) for string in set_partitions(poset.parts))
    return sum(sign * _volume(coarser, T, process, B) for sign, coarser in merged)


def _volume(poset: Poset, T: Any, process: Process, B: Any) -> Any:
    volume, parts = _unit_volume(poset, process.largest_part)
    if hasattr(T, "free_symbols") or hasattr(B, "free_symbols"):
        import sympy

        return sympy.Rational(volume.numerator, volume.denominator) * (B * T) ** parts
    return whole_or_fraction(volume * (B * T) ** parts)


@lru_cache(maxsize=1 << 12)
def _unit_volume(poset: Poset, largest_part: int) -> tuple[Fraction, int]:
    """Of the times 0 < t < 1, and how many there are."""
    part, parts = poset.part, poset.parts
    if any(part.count(each) > largest_part for each in range(parts)):
        return Fraction(0), parts
    extensions = level_shapes(poset).get((1,) * parts, 0)  # one part to a level: the linear extensions
    return Fraction(extensions, factorial(parts)), parts
