"""The papers' results in closed form, beside the engine's answers; and what the papers print wrong."""

from __future__ import annotations

from ..door import door
from .descent_errata import DESCENT_ERRATA
from .emulation import emulation
from .erratum import Erratum, Numbers
from .escape_errata import ESCAPE_ERRATA
from .flows import corollary_5
from .minimum import corollary_1, corollary_2, example_1, theorem_2
from .modified import barrett_dherin, li_tai_e, momentum_rate, roberts, smith
from .order_three import gap_order, test_loss_order
from .page import errata_page
from .propositions import proposition_1, proposition_2
from .result import Result
from .shuffles import corollary_3, corollary_4, gdc, stic
from .stationary_errata import STATIONARY_ERRATA


@door
def errata() -> tuple[Erratum, ...]:
    """What is printed wrong, each entry with a counter-example.

    Examples
    --------
    >>> import fastdiag as fd
    >>> wrong = fd.results.errata()[0]
    >>> wrong.printed
    'E l(theta_T) - l = + T G.G to first order'
    >>> wrong.check()
    Numbers(printed=Fraction(3, 1), right=Fraction(-3, 1), exact=Fraction(-3, 1))
    """
    return DESCENT_ERRATA + STATIONARY_ERRATA + ESCAPE_ERRATA


__all__ = [
    "Erratum", "Numbers", "Result", "barrett_dherin", "corollary_1", "corollary_2", "corollary_3", "corollary_4",
    "corollary_5", "emulation", "errata", "errata_page", "example_1", "gap_order", "gdc", "li_tai_e", "momentum_rate",
    "proposition_1", "proposition_2", "roberts", "smith", "stic", "test_loss_order", "theorem_2",
]
