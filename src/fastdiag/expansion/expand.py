"""`expand`: the formula that a paper would print."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import product
from typing import Any, Literal

from ..arguments import choice, flag, shown
from ..diagram import Diagram
from ..diagram.number_of_diagrams import check_order, count_diagrams
from ..door import door
from ..embedding import Rule, check_rule
from ..embedding.embeddings import check_basis
from ..errors import InputError, TooLargeError
from ..spacetime import Spacetime, check_spacetime
from ..typing import Basis
from .diagram_sum import plain_diagrams, summands
from .network import Network, network_of, side_by_side, vanishes_at_minimum
from .notation import tensors_of
from .observables import Observable, observable_named
from .symbols import TIMES, Sampled, SpacetimeSymbols, Symbols, Time
from .term import Term
from .terms import Expansion

Sum = dict[Network, Any]
MOST_DIAGRAMS = {  # of the last order: minutes of work
    "one epoch": 100_000, "whole epochs": 10_000, "resummed": 500, "of a rule": 50,
    "resummed, over epochs or of a rule": 50,
}


@door
def expand(
    observable: str = "test_loss",
    order: int = 2,
    *,
    sampling: Sampled = "reshuffle",
    basis: Basis = "cumulant",
    at_minimum: bool = False,
    resummed: bool = False,
    arrange: Literal["order", "double"] = "order",
    time: Time | None = None,
    update: Rule = None,
    spacetime: Spacetime | None = None,
) -> Expansion:
    """The expected observable after SGD as a formula in N, B and the time, with named tensors.

    Diagrams whose values are equal, whatever the loss, are added up; see `Expansion` for LaTeX, SymPy and text.

    Parameters
    ----------
    observable : 'test_loss', 'train_loss', 'generalization_gap', 'displacement', 'covariance' or 'test_loss_variance'
    order : most edges to a diagram, >= 0: the highest power of eta. Every order takes some ten times as long as the one
        before: order 3 a moment; the test loss over whole epochs 10 s at order 5 and minutes at order 6, in one epoch 30 s
        at order 7; other observables longer; resummed to order 4
    sampling : 'reshuffle', 'cyclic' (whole epochs), 'replacement', or 'one epoch' (T <= N/B updates)
    basis : 'cumulant', or 'moment': parts of several nodes are then means of products ⟨g h⟩
    at_minimum : leave out what vanishes where the gradient of the test loss does
    resummed : irreducible diagrams only, in an eigenbasis of eta H, with k = 1 - eta h for each index (papers: Theorem 1);
        any sampling, and the cumulant basis. Where a denominator vanishes, as where k's coincide, a coefficient's limit is
        meant. Under a rule with memory each index has two numbers k and q, the eigenvalues of its step with eta h in it
    arrange : 'order': by powers of eta; 'double': by the papers' double series (eta T)^d T^(P-d-1)
    time : the time's symbol, 'T' updates, 'E' epochs or 'M' = T/N. By default M where epochs are whole, else T
    update : one of `fastdiag.updates` without a schedule, in exact numbers or symbols; SGD by default. Coefficients under
        rules with memory hold powers such as mu^T
    spacetime : coefficients in its numbers or symbols, in place of `sampling` and `time`: of partial epochs too, and where
        B does not divide N; un-resummed, arranged by order

    Returns
    -------
    Expansion : a sum of terms, each a coefficient and a product of tensors

    Raises
    ------
    InputError : unknown observable, sampling, basis, arrangement or time; resummed with moments; a spacetime with another
        sampling, a time, resummed or arrange='double'
    UnsupportedError : a rule with a schedule; resummed: a process or a Hessian-based step
    TooLargeError : the last order has over 10 000 diagrams (in one epoch 100 000, resummed 500; under a rule, or
        resummed over several epochs, 50): hours of work

    Notes
    -----
    G, H, J are the first three derivatives of the test loss l, higher ones are l with indices; C and S the second and third
    cumulants of a point's gradient g. Other cumulants are cov(g, h) and κ(g, g, h), of a point's derivatives g, h, j, l.
    eta raises indices, so that a term of order d has d indices above; in the double series (eta T)^d stands before the
    brackets, and the identity raises indices. The last line says which. See the papers' Theorem 3, Proposition 2.
    Resummed, each term is that of one diagram, which is printed with it; un-resummed equal tensors are one term.

    Examples
    --------
    >>> import fastdiag as fd
    >>> print(fd.expand("test_loss", 2))
    E[l(θ_T)] = l
      - M*N G_μ G^μ
      + M*N*(2*M*N - 1)/2 G_μ H^μ_ν G^ν
      + M^2*N/2 C_μν H^μν
      + M*N*(B*M - 1)/(4*B) (∇_μ C_ν^ν) G^μ
      + O(η^3), indices raised by η
    >>> print(fd.expand("displacement", 1, sampling="replacement", resummed=True))
    E[θ_T - θ_0]^μ = -(1 - k_μ^T)/(1 - k_μ) G^μ  from [a]
      + O(η^2), indices raised by η
      in an eigenbasis of ηH, with eigenvalues 1 - k;
      where a denominator vanishes (some k = 1, or k's coincide), the limit is meant
    """
    order = check_order(order)
    found = observable_named(observable)
    basis = check_basis(basis)
    at_minimum, resummed = flag("at_minimum", at_minimum), flag("resummed", resummed)
    if not isinstance(arrange, str) or arrange not in ("order", "double"):
        raise InputError(f"arrange must be 'order' or 'double', not {shown(arrange)}")
    if arrange == "double":
        if resummed:
            raise InputError("arrange='double' is a series in T; resummed formulas are exact in T: use arrange='order'")
        if time is not None and choice("time", time, TIMES) != "T":
            raise InputError(f"arrange='double' is a series in T, so time must be 'T', not {time!r}")
        time = "T"
    check_rule(update)
    if spacetime is None:
        symbols = Symbols(sampling, basis, time, update)
    else:
        check_spacetime(spacetime, symbols=True)
        if sampling not in ("reshuffle", spacetime.sampling) or time is not None or resummed or arrange == "double":
            raise InputError(
                "a spacetime tells sampling and time, and goes with arrange='order' and resummed=False; for others take "
                "the formula in its own letters, and put numbers in by its method subs"
            )
        symbols = SpacetimeSymbols(spacetime, basis, update)
    kind: str = symbols.sampling if update is None else "of a rule"
    if resummed:
        kind = "resummed" if kind == "one epoch" else "resummed, over epochs or of a rule"
    _check_size(found, order, kind)
    if resummed:
        from .resummed_formulas import resummed_terms

        terms = resummed_terms(found, order, symbols)
    else:
        terms = _terms(found, order, symbols)
    if at_minimum:
        terms = [term for term in terms if not vanishes_at_minimum(term.network)]
    if arrange == "double":
        terms = [piece for term in terms for piece in _by_powers(term, symbols)]
        terms.sort(key=lambda term: -(term.power or 0))
    if spacetime is None:  # else they are the user's own
        from ..letters import in_letters

        terms = [replace(term, coefficient=in_letters(term.coefficient)) for term in terms]
    return Expansion(found.name, order, tuple(terms), symbols.sampling, basis, resummed, update, spacetime)


def _check_size(observable: Observable, order: int, kind: str) -> None:
    """Raise TooLargeError if the last order has more diagrams than can be waited for."""
    kind = kind if kind in MOST_DIAGRAMS else "whole epochs"
    many, most = count_diagrams(order, observable.shares), MOST_DIAGRAMS[kind]
    if many > most:
        fits = max(d for d in range(order) if count_diagrams(d, observable.shares) <= most)
        raise TooLargeError(
            f"{many} diagrams of order {order} make a formula of the {observable.name} too long to wait for; ask for order "
            f"{fits} at most, or for numbers: fastdiag.predict, fastdiag.table"
        )


def _terms(observable: Observable, order: int, symbols: Symbols) -> list[Term]:
    sums, origins = _sums(observable, order, symbols)
    if observable.mean is not None:
        means, _ = _sums(observable.mean, order, symbols)
        for d, total in enumerate(sums):
            for e in range(1, d):
                for (first, x), (second, y) in product(means[e].items(), means[d - e].items()):
                    both = side_by_side(first, second, observable.mean.axes)
                    total[both] = total.get(both, 0) - x * y
    terms = []
    for d, networks in enumerate(sums):
        for network, coefficient in networks.items():
            if not coefficient:
                continue
            tensors = tensors_of(network, symbols.basis)
            number = symbols.factored(coefficient / tensors.scale)
            if number == 0:
                continue
            terms.append(Term(number, d, network, tensors, tuple(origins[network])))
    return sorted(terms, key=reading_order)


def reading_order(term: Term) -> tuple[int, int, int]:
    """By order; what is of the highest degree in T first; cumulants of gradients alone before mixed ones."""
    mixed = sum(len(factor.nodes) > 1 for factor in term.tensors.factors)
    return term.order, -len(term.network), mixed


def _sums(observable: Observable, order: int, symbols: Symbols) -> tuple[list[Sum], dict[Network, list[Diagram]]]:
    """For each order the coefficient of each network, and the diagrams that a network comes from.

    In the moment basis a root that shares a part stands for the moment with it less the moment without, as a covariance.
    """
    sums: list[Sum] = [{} for _ in range(order + 1)]
    origins: defaultdict[Network, list[Diagram]] = defaultdict(list)
    for d, diagram, roots in summands(observable, order, plain_diagrams):
        coefficient = symbols.coefficient(diagram)
        for root in roots if coefficient else ():
            weight = coefficient * root.sign
            if root.per_point:
                weight = weight / symbols.element(symbols.N)
            signs = {True: 1, False: -1} if symbols.basis == "moment" and diagram.root_shares else {True: 1}
            for tied, sign in signs.items():
                network = network_of(diagram, root, tied)
                sums[d][network] = sums[d].get(network, 0) + weight * sign
                if diagram not in origins[network]:
                    origins[network].append(diagram)
    return sums, origins


def _by_powers(term: Term, symbols: Symbols) -> list[Term]:
    """A coefficient is a polynomial in T: its terms one by one, as (eta T)^d T^power."""
    import sympy

    top, bottom = sympy.fraction(sympy.together(term.coefficient))
    powers = sympy.Poly(top, symbols.time).terms()
    assert not bottom.has(symbols.time)
    return [
        Term(sympy.factor(number / bottom) * symbols.time**power, term.order, term.network, term.tensors, term.diagrams,
             power - term.order)
        for (power,), number in powers
    ]
