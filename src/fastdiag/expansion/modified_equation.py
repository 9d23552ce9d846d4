"""Modified equations: what SGD does in continuous time, by the terms of its generator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..arguments import choice, shown, whole
from ..diagram import Diagram
from ..door import door
from ..embedding import Rule, check_rule
from ..embedding.formula import check_rule_names
from ..errors import InputError, TooLargeError, UnsupportedError
from ..landscapes import Landscape
from ..landscapes.landscape import check_landscape
from ..record import Record
from ..spacetime.number import check_exact
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Update
from ..values.root import Root
from .generator import generator
from .gradient_part import gradient_part
from .grafting import at_start
from .modified_letters import OWN
from .modified_numbers import rates_at
from .modified_rules import LONG, decay_of, period_of, without_decay
from .network import Network, network_of
from .observables import Observable
from .rate import NAMES, Rate, Sums, moment, rate

HIGHEST = {(False, False): 5, (False, True): 4, (True, False): 4, (True, True): 3}  # rule, given: half a minute


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ModifiedEquation(Record):
    """The generator A of SGD, E s(theta_T) = exp(T A) s: A s = b^μ ∂_μ s + D^μν ∂_μ∂_ν s / 2 + D^μνρ ∂_μ∂_ν∂_ρ s / 6 + ...

    str gives its first two terms as text, notebooks show LaTeX. The formulas are written for a loss; numbers, by `at`, are
    those of vector fields too.

    Examples
    --------
    >>> import fastdiag as fd
    >>> equation = fd.modified_equation(2)
    >>> equation, equation.pace
    (<modified equation to order 2 per update: fresh data, 3 diagrams>, 1)
    >>> equation.drift.coefficient("[a[b]]")
    -1/2
    """

    order: int
    """The highest power of eta."""
    training_set: str
    sampling: str
    """'one epoch' stands for fresh data."""
    update: Rule
    coefficients: Mapping[Diagram, Any]
    """Of each diagram in A, a SymPy expression; what is not there is 0. A root with k edges is the k-th derivative of s."""
    beginning: Mapping[Diagram, Any]
    """The same of M_0: what a rule with memory has begun with, E s(theta_T) = M_0 exp(T A) s; 1 without memory."""

    def __post_init__(self) -> None:
        for name in ("coefficients", "beginning"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __reduce__(self) -> tuple[Any, ...]:
        maps = dict(self.coefficients), dict(self.beginning)
        return type(self), (self.order, self.training_set, self.sampling, self.update, *maps)

    @property
    def per(self) -> str:
        """The unit of time."""
        updates = self.period
        if self.sampling == "reshuffle":
            return f"epoch of {updates} updates" if updates else "epoch"
        return f"period of {updates} updates" if updates else "update"

    @property
    def period(self) -> int:
        """How many updates a schedule has, 0 without one. Of a given training set N/B is that."""
        schedule = self.update.schedule if isinstance(self.update, Update) else None
        return len(schedule) if isinstance(schedule, tuple) else 0

    @property
    def decay(self) -> Any:
        """Of `updates.weight_decay` what an update takes off theta - theta_0, else None.

        It counts as eta times a number. Tensors in the formulas are those of l + decay/(2 eta) |theta - theta_0|^2. Under
        `weight_decay(d, mu)` it is d (1 - mu): that rule is precisely momentum mu (1 - d) on such a loss. With a schedule,
        which the decay knows nothing of, tensors are those of l, and the formulas are the rates at theta_0.
        """
        return decay_of(self.update)

    @property
    def _apart(self) -> bool:
        """Whether the decay stands apart from the loss: nodes in the root's part are its."""
        return bool(self.decay) and bool(self.period)

    @property
    def drift(self) -> Rate:
        """b^μ."""
        return self.moment(1)

    @property
    def diffusion(self) -> Rate:
        """D^μν."""
        return self.moment(2)

    @door
    def moment(self, degree: int) -> Rate:
        """The moment of this degree of the steps in a unit of time, 1 to 4: 1 is the drift, 2 the diffusion.

        Raises
        ------
        InputError : another degree
        """
        degree = whole("degree", degree, 1, max(NAMES))
        sums: Sums = {}
        origins: dict[tuple[int, Network], list[Diagram]] = {}
        for power, known in enumerate(at_start(self.coefficients, self.order) if self._apart else [self.coefficients]):
            for diagram, x in known.items():
                for root in moment(degree).of(diagram):
                    key = diagram.order + power, network_of(diagram, root)
                    sums[key] = sums.get(key, 0) + x * (self.decay**power if power else 1)
                    if diagram not in (some := origins.setdefault(key, [])):
                        some.append(diagram)
        return self._formula(f"moment {degree}", self.order, sums, origins)

    @property
    def pace(self) -> Any:
        """What multiplies -eta G in the drift: the updates of a unit of time; of a rule with memory, as they count."""
        return -self.coefficients.get(Diagram.parse("[a]"), 0)

    @door
    def modified_loss(self) -> Rate:
        """The loss whose gradient flow the drift is: b^μ = -pace η^μν ∂_ν l_mod.

        Raises
        ------
        UnsupportedError : the drift is no gradient; `obstruction` has what is not
        """
        loss, rest = self._split()
        if rest.terms:
            raise UnsupportedError(
                f"the drift of order {rest.terms[0].order} is no gradient (papers: SGD's velocity is not conservative): "
                f"{rest.terms[0].text()} and others are left; nearest_loss and obstruction have both parts, and lower "
                "orders are gradients"
            )
        return loss

    @property
    def nearest_loss(self) -> Rate:
        """The modified loss where the drift is a gradient, else that of its part with equal shares for equal contractions.

        A contraction with n nodes has a gradient of n terms, one for each node that the derivative falls on. The drift is a
        gradient if and only if these come with the coefficients of a gradient; else their mean is taken.
        """
        return self._split()[0]

    @property
    def obstruction(self) -> Rate:
        """The drift without the gradient of `nearest_loss`: no terms if the drift is a gradient."""
        return self._split()[1]

    def _split(self) -> tuple[Rate, Rate]:
        """What is a gradient of the drift, and the rest."""
        self._check_around()
        sums, origins, rest = gradient_part(self.coefficients, self.order)
        losses = {key: -x / self.pace for key, x in sums.items()}
        loss = self._formula("modified loss", self.order - 1, losses, {key: origins[key[1]] for key in losses})
        left = {diagram: (diagram.order, network_of(diagram, Root(open=(0,)))) for diagram in rest}
        rests: Sums = {}
        for diagram, key in left.items():
            rests[key] = rests.get(key, 0) + rest[diagram]
        where = {key: [diagram for diagram in left if left[diagram] == key] for key in rests}
        return loss, self._formula("obstruction", self.order, rests, where)

    def _check_around(self) -> None:
        """Raise UnsupportedError where no more is known than at theta_0."""
        if self._apart:
            raise UnsupportedError(
                "with a schedule and a decay the formulas are rates at theta_0 alone, which say of no gradient; "
                "take the schedule or the decay alone, or decay as a term of the loss"
            )

    def _formula(self, name: str, order: int, sums: Sums, origins: Mapping[Any, list[Diagram]]) -> Rate:
        return rate(name, order, sums, origins, self.sampling, self.update)

    @door
    def at(self, landscape: Landscape, eta: Any, of: str | Observable = "drift", **numbers: Any) -> Any:
        """Numbers on a landscape: the rate at which what is observed changes, at the start.

        Parameters
        ----------
        landscape : any; of a given training set its points are those
        eta : learning rate, a number; exact on a symbolic landscape for exact results
        of : 'drift', (n,); 'diffusion', (n, n); 'obstruction', (n,), the part of the drift that is no gradient; or a
            function of the weights, of `fastdiag.observable`: A s
        numbers : for the letters in the coefficients, by name: B (1 unless it is given), N (the landscape's own), and those
            of a rule

        Returns
        -------
        by_order: a tuple, the k-th is the part of order eta^k

        Raises
        ------
        InputError : something else to be observed; letters without numbers, or with some that the rule refuses; a given
            training set of unequal weights
        UnsupportedError : a sample of an unknown distribution

        Examples
        --------
        >>> import fastdiag as fd
        >>> land = fd.landscapes.samples([1.0, 1.0], [[1.0], [3.0]], [[[2.0]], [[2.0]]])
        >>> [x.round(6).tolist() for x in fd.modified_equation(2).at(land, 0.1)]
        [[0.0], [-0.2], [-0.02]]
        """
        check_landscape(landscape, fields=True)
        if isinstance(of, Observable):
            return rates_at(self, landscape, eta, of, numbers)
        known = "drift", "diffusion", "obstruction"
        if (place := known.index(choice("of", of, known))) == 2:
            self._check_around()
        return rates_at(self, landscape, eta, moment(2 if place == 1 else 1), numbers, only_rest=place == 2)

    def text(self) -> str:
        """Drift and diffusion as text."""
        what = f", l + {self._half_decay} |θ - θ_0|^2/η for l" if self.decay else ""
        what = f", at θ_0, whose decay of {self.decay} counts as η" if self._apart else what
        return f"per {self.per}{what}:\n{self.drift}\n{self.diffusion}"

    @property
    def _half_decay(self) -> Any:
        import sympy

        return sympy.sympify(self.decay) / 2

    def latex(self, aligned: bool = False) -> str:
        """The same in LaTeX, without dollars; aligned: in rows, as one aligned environment."""
        begin, end = r"\begin{aligned} ", r" \end{aligned}"
        found = [each.latex(aligned).removeprefix(begin).removesuffix(end) for each in (self.drift, self.diffusion)]
        if self._apart:
            found.append("&" * aligned + r"\text{at } \theta_0")
        elif self.decay:
            import sympy

            loss = rf"l + {sympy.latex(self._half_decay)} \eta^{{-1}} |\theta - \theta_0|^2"
            found.append("&" * aligned + rf"\text{{with }} {loss} \text{{ for }} l")
        return begin + " \n\\\\ ".join(found) + end if aligned else r", \quad ".join(found)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        whose = "fresh data" if self.training_set == "drawn" else "a given training set"
        rule = "" if self.update is None else f", {self.update!r}"
        return f"<modified equation to order {self.order} per {self.per}: {whose}{rule}, {len(self.coefficients)} diagrams>"

    def _repr_html_(self) -> None:  # which notebooks would prefer
        return None

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex(aligned=True)}$"


@door
def modified_equation(
    order: int = 2, *, training_set: str = "drawn", sampling: str | None = None, update: Rule = None
) -> ModifiedEquation:
    """The equation in continuous time that SGD solves: drift, diffusion and higher moments, as formulas with open indices.

    E s(theta_T) = exp(T A) s at each order of eta, for every function s of the weights; A's terms with one derivative of s
    are the drift, with two the diffusion, and so on. With fresh data, time is counted in updates; of a given training set
    in epochs, each shuffled anew (Barrett and Dherin 2021; Smith et al. 2021; Li, Tai, E 2017, to order 2).

    Parameters
    ----------
    order : the highest power of eta, 1 to 5; of a given set or under a rule to 4, of both or over long periods to 3
    training_set : 'drawn', fresh data at every update; 'given', N points, in formulas of N and B
    sampling : with a given training set 'reshuffle' (the default), or 'replacement', whose unit is an update
    update : one of `fastdiag.updates` that has formulas (a linear rule, regularized_newton, a process), in exact numbers or
        symbols; None for SGD. A rule with memory has the rates that are left when its beginning is forgotten, which
        `beginning` keeps. A decay counts as eta times a number, see `ModifiedEquation.decay`. A schedule is one period of
        learning rates, a sequence that begins anew; the unit of time is then the period, with 'reshuffle' an epoch of N/B
        updates. A schedule that is a function of t has no autonomous equation: at update t its rates are those for
        eta c_t, but for what a memory holds of earlier ones

    Returns
    -------
    ModifiedEquation : `.drift`, `.diffusion`, `.moment(k)`, `.modified_loss()`, `.at(landscape, eta)` for numbers

    Raises
    ------
    InputError : another training set or sampling; a rule's symbol called N, B, T, E, M or eta
    TooLargeError : a higher order
    UnsupportedError : 'cyclic', whose epochs are not independent; a schedule that is a function of t

    Examples
    --------
    >>> import fastdiag as fd
    >>> print(fd.modified_equation(2))
    per update:
    b^μ = -G^μ
      - 1/2 H^μ_ν G^ν
      + O(η^3), indices raised by η
    D^μν = 1/B C^μν
      + O(η^3), indices raised by η
    >>> print(fd.modified_equation(2).modified_loss())
    l_mod = l
      + 1/4 G_μ G^μ
      + O(η^2), indices raised by η
    >>> print(fd.modified_equation(2, training_set="given").modified_loss())
    l_mod = l
      + 1/4 G_μ G^μ
      - (B - N)/(4*B*(N - 1)) C_μ^μ
      + O(η^2), indices raised by η

    Order 3 is no gradient, of descent on all points neither:

    >>> fd.modified_equation(3).obstruction.terms[0]
    <term of order 3: 1/18 J^μ_νρ G^ν G^ρ>
    """
    order = whole("order", order, 1)
    given = choice("training_set", training_set, ("drawn", "given")) == "given"
    check_rule(update)
    if isinstance(update, Update | RegularizedNewton):
        check_rule_names(update, OWN)
    if not given and sampling is not None:
        raise InputError("fresh data are never sampled again: sampling goes with training_set='given'")
    if given:
        sampling = choice("sampling", "reshuffle" if sampling is None else sampling, ("reshuffle", "replacement", "cyclic"))
        if sampling == "cyclic":
            raise UnsupportedError(
                "with sampling='cyclic' every epoch has the same order, so epochs are not independent and no equation in "
                "continuous time holds on average over the orders; take 'reshuffle'"
            )
    rates = period_of(update)
    if isinstance(update, Update):
        check_exact(update, (*update.numbers(), *rates))
    rule = without_decay(update)
    highest = HIGHEST[rule is not None, given or len(rates) > LONG]
    if order > highest:
        raise TooLargeError(
            f"modified equations of this kind go to order {highest} here, not {shown(order)}; ask for a lower one"
        )
    found = generator(order, sampling or "one epoch", given, rule, bool(rates) and decay_of(update) is not None)
    return ModifiedEquation(order, training_set, sampling or "one epoch", update, *found)
