"""Counting for processes in continuous time: volumes of ordered times instead of numbers of maps."""

from __future__ import annotations

from fractions import Fraction
from math import factorial
from typing import Any

from ..arguments import instance, number
from ..diagram import Diagram
from ..diagram.partition import moebius_from_bottom, set_partitions
from ..errors import InputError
from ..spacetime.processes import Process
from ..typing import Basis
from .enumeration import check_basis, exact
from .patterns import level_shapes
from .poset import Poset


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
    >>> from fastdiag.embedding.processes import process_maps
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
    parts = poset.parts
    if any(poset.part.count(part) > process.largest_part for part in range(parts)):
        return 0
    extensions = level_shapes(poset).get((1,) * parts, 0)  # one part to a level: the linear extensions
    volume = Fraction(extensions, factorial(parts))
    if hasattr(T, "free_symbols") or hasattr(B, "free_symbols"):
        import sympy

        return sympy.Rational(volume.numerator, volume.denominator) * (B * T) ** parts
    return exact(volume * Fraction(B * T) ** parts)
