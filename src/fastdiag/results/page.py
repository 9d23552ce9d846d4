"""The errata as a page: docs/errata.md is this text."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ..arguments import instance, sequence
from ..diagram import diagrams
from ..door import door
from ..embedding import maps, maps_formula
from ..spacetime import Spacetime
from .erratum import Erratum

OPENING = """# Errata

Formulas that are printed wrong, what is right, and an example that tells them apart. `fastdiag errata` writes this page.
`fd.results.errata()` has the entries, and `.check()` of an entry computes its numbers anew: by the printed formula, by
the right one, and without either (SGD run on every training set in every order, in exact arithmetic, or the things
counted one by one; for [D] a Lyapunov equation, all paths, or quadrature). Papers: [A] S. C. Tenka, SGD at Small Learning
Rates; [B] A Perturbative Analysis of Stochastic Descent; [C] A Space-Time Approach to Analyzing Stochastic Gradient
Descent; [D] K. Liu, L. Ziyin, M. Ueda, Stochastic Gradient Descent with Large Learning Rate.
"""

SHUFFLING = """## A worked example: the first effect of shuffling

Is SGD that draws a fresh order of the training points every epoch different from SGD that repeats one order? The two differ
in how the order of two rows in one epoch goes with their order in another. To notice that, two rows must each be met in
two epochs, so a diagram needs four nodes below its root. With fewer edges the numbers of maps agree as formulas in N, B, E:

| order | diagrams | formulas that differ |
|---|---|---|"""


@door
def errata_page(errata: tuple[Erratum, ...]) -> str:
    """Markdown: every erratum with its numbers, computed now, and the effect of shuffling worked out."""
    lines = [OPENING]
    for number, one in enumerate(sequence("errata", errata, "what results.errata() lists"), 1):
        erratum = instance("an erratum", one, Erratum, "results.errata() lists them")
        numbers = erratum.check()
        lines += [
            f"## {number}. {erratum.where}",
            "",
            f"- Printed: {erratum.printed}.",
            f"- Right: {erratum.right}.",
            f"- Example: {erratum.example}. Printed {_number(numbers.printed)}, right {_number(numbers.right)}, "
            f"exact {_number(numbers.exact)}.",
            "",
        ]
    return "\n".join([*lines, *_shuffling(), ""])


def _number(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _shuffling() -> list[str]:
    """What a fresh order every epoch changes."""
    cyclic, reshuffle = (Spacetime(3, 1, E=2, sampling=sampling) for sampling in ("cyclic", "reshuffle"))
    lines = [SHUFFLING]
    for order in range(4):
        listed = diagrams(order)
        differ = sum((maps_formula(D, "cyclic") - maps_formula(D, "reshuffle")).expand() != 0 for D in listed)
        lines.append(f"| {order} | {len(listed)} | {differ} |")
    changed = [D for D in diagrams(4) if maps(D, cyclic) != maps(D, reshuffle)]
    lines += [
        "",
        f"At order 4 some do. With N = 3, B = 1 and two epochs {len(changed)} of {len(diagrams(4))} differ:",
        "",
        "| diagram | maps, one order repeated | maps, fresh orders | difference of the coefficients of eta^4 |",
        "|---|---|---|---|",
    ]
    for D in changed:
        one, fresh = maps(D, cyclic), maps(D, reshuffle)
        lines.append(f"| `{D}` | {one} | {fresh} | {Fraction(fresh - one) / D.automorphisms} |")
    return lines
