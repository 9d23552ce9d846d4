"""The grid of training points and updates, and which of its cells a run visits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import comb, factorial, inf, prod
from typing import Any, cast, get_args

from ..arguments import choice, decimal, instance, own, shown, whole, whole_or_infinite
from ..door import exact_door
from ..errors import InputError
from ..numerals import written
from ..record import Portable
from ..typing import Last, Sampling, Whole
from .formulas import check_fits, formulas, in_epochs, is_formula

SAMPLINGS: tuple[str, ...] = get_args(Sampling)
LASTS: tuple[str, ...] = get_args(Last)

NUMBERS = {int, float}  # and math.inf; all else is a formula
MOST_DRAWN = 10_000  # cells that a notebook draws unasked

Batches = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, init=False)
class Spacetime(Portable):
    """N training points, T updates with batches of B, and the rule that draws the batches.

    Parameters
    ----------
    N : number of training points, >= 1; math.inf for fresh data at every update
    B : batch size, from 1 to N; where it does not divide N, say what becomes of the `last` batch of an epoch
    T : number of updates, >= 1; math.inf for the limit, where a function says that it has one
    E : number of epochs instead of T: an int or a Fraction; E times the updates of an epoch must be whole
    sampling : 'reshuffle' (a fresh order each epoch, the default), 'cyclic' (one order, repeated) or 'replacement'
        (every batch a fresh uniform B-subset)
    last : where B does not divide N, 'keep': the last batch of an epoch has N mod B points, and its update takes their
        mean; 'drop': an epoch ends before it, so that points are left out, by 'reshuffle' others in every epoch, by
        'cyclic' the same (PyTorch's drop_last). Where B divides N both are the same, and None is kept. 'replacement' has
        no last batch

    N, B, T and E may be SymPy symbols or expressions of them, which stand for positive integers, with B a divisor of N
    unless last='drop', or 'keep': `fastdiag.maps`, `fastdiag.coefficient`, `fastdiag.expand` and `fastdiag.predict` of a
    formula's loss answer in these very symbols. A symbol T may end within an epoch, then answers hold floor(B T/N); E is
    whole.

    Raises
    ------
    InputError : a number that is not whole or out of range, B not dividing N without `last`, T and E contradictory or both
        missing, an unknown sampling; `last` with 'replacement'; symbols that differ and have one name

    Examples
    --------
    >>> import fastdiag as fd
    >>> st = fd.Spacetime(N=10, B=2, E=4)
    >>> st.T, st.updates_per_epoch, st
    (20, 5, Spacetime(N=10, B=2, T=20, sampling='reshuffle'))
    >>> import sympy
    >>> n, e = sympy.symbols("n e")
    >>> fd.coefficient("[a b]", fd.Spacetime(N=n, E=e))
    e**2*n**2/2
    >>> fd.Spacetime(N=5, B=2, E=1, last="keep").batches(), fd.Spacetime(N=5, B=2, E=1, last="drop").batches()
    (((0, 1), (2, 3), (4,)), ((0, 1), (2, 3)))
    """

    N: int | float
    B: int
    T: int | float
    sampling: Sampling
    last: Last | None

    def __init__(
        self,
        N: Whole,
        B: Whole = 1,
        T: Whole | None = None,
        E: Whole | None = None,
        sampling: Sampling = "reshuffle",
        last: Last | None = None,
    ) -> None:
        sampling = check_sampling(sampling)
        last = None if last is None else cast(Last, choice("last", last, LASTS))
        if last is not None and sampling == "replacement":
            raise InputError(
                f"last={last!r} has no meaning with sampling='replacement', where every batch is a fresh one of B points"
            )
        if any(is_formula(own(x)) for x in (N, B, T, E) if x is not None and type(x) is not int):
            self._keep(*formulas(N, B, T, E, sampling, last), sampling)
            return
        B = whole("B", B, 1, what="points per batch")
        N = whole_or_infinite("N", N, 1, "training points")
        T = None if T is None else whole_or_infinite("T", T, 1, "updates")
        if N == inf and E is not None:
            raise InputError("with N = inf no epoch ever ends; give the number of updates T instead of E")
        check_fits(B, N)
        divides = N == inf or N % B == 0
        if not divides and last is None and sampling != "replacement":
            near = [b for b in range(max(1, B - 5000), min(int(N), B + 5000) + 1) if N % b == 0]
            below, above = [b for b in near if b < B][-1:], [b for b in near if b > B][:1]
            advice = " or ".join(map(decimal, below + above)) or "a divisor of N"
            raise InputError(
                f"B = {shown(B)} does not divide N = {shown(N)}, so an epoch is no whole number of batches; "
                f"use B = {advice}, or last='keep' (its last batch is smaller), last='drop' (it has none), or "
                "sampling='replacement'"
            )
        last = None if divides else last
        if E is not None:
            E = own(E)
            if isinstance(E, float) and E.is_integer():
                E = int(E)
            if isinstance(E, bool) or not isinstance(E, int | Fraction) or E <= 0:
                advice = f"; write {Fraction(E).limit_denominator(10**6)!r}" if isinstance(E, float) and 0 < E < inf else ""
                raise InputError(f"E must be a positive number of epochs, an int or a Fraction, not {shown(E)}{advice}")
            epoch = Fraction(int(N), B) if last is None else _updates(int(N), B, last)
            updates = Fraction(E) * epoch
            if updates.denominator != 1:
                raise InputError(
                    f"E = {shown(E)} epochs are {shown(updates)} updates of B = {shown(B)}, not a whole number"
                )
            if T is not None and updates != T:
                raise InputError(
                    f"T = {shown(T)} and E = {shown(E)} contradict each other: these epochs have {shown(updates)} updates"
                )
            T = int(updates)
        if T is None:
            raise InputError("give the number of updates T, or of epochs E")
        self._keep(N, B, T, last, sampling)

    def _keep(self, N: Any, B: Any, T: Any, last: Last | None, sampling: Sampling) -> None:
        for name, value in (("N", N), ("B", B), ("T", T), ("sampling", sampling), ("last", last)):
            object.__setattr__(self, name, value)

    @property
    def is_symbolic(self) -> bool:
        """Whether symbols stand in N, B or T."""
        return type(self.T) not in NUMBERS or type(self.N) not in NUMBERS or type(self.B) not in NUMBERS

    @property
    def E(self) -> Any:
        """Epochs: T B / N; where B does not divide N, T over the updates of an epoch."""
        if self.is_symbolic:
            return in_epochs(self.N, self.B, self.T, self.last)
        if self.last is not None:
            return Fraction(self.finite("T"), self.updates_per_epoch)
        return Fraction(self.finite("T") * self.B, self.finite("N"))

    @property
    def updates_per_epoch(self) -> int:
        """L = N / B, rounded up if the last batch is smaller; under 'replacement' every update is an epoch of its own."""
        return 1 if self.sampling == "replacement" else _updates(self.finite("N"), self.B, self.last)

    @property
    def last_batch(self) -> int:
        """Points of the last batch of an epoch: B, or N mod B where that is kept."""
        return int(self.N % self.B) if self.last == "keep" else self.B

    @property
    def is_ragged(self) -> bool:
        """Whether some batch is smaller than the others: a last one that is kept, and comes."""
        return self.last == "keep" and (self.is_symbolic or self.T >= self.updates_per_epoch)

    def batch_size(self, t: float) -> int:
        """Points of the batch of update t = 0, 1, ...

        >>> [Spacetime(N=5, B=2, E=2, last="keep").batch_size(t) for t in range(6)]
        [2, 2, 1, 2, 2, 1]
        """
        return self.last_batch if self.is_ragged and (t + 1) % self.updates_per_epoch == 0 else self.B

    @property
    def whole_epochs(self) -> int:
        """Epochs that are run to their end."""
        return self.finite("T") // self.updates_per_epoch

    @property
    def partial_updates(self) -> int:
        """Updates of the last epoch if it is partial, else 0."""
        return self.finite("T") % self.updates_per_epoch

    @property
    def is_one_epoch(self) -> bool:
        """Whether no row is visited twice."""
        return self.N == inf or (not self.is_symbolic and self.T <= self.updates_per_epoch)

    @property
    def is_random(self) -> bool:
        """Whether counts depend on the drawn batches beyond a renaming of the rows."""
        return self.sampling != "cyclic" and not self.is_one_epoch

    @exact_door
    def with_updates(self, T: int | float) -> Spacetime:
        """The same spacetime with another number of updates."""
        if type(T) is int and T > 0 and not self.is_symbolic:  # all else has been checked
            other = object.__new__(Spacetime)
            other._keep(self.N, self.B, T, self.last, self.sampling)
            return other
        return Spacetime(self.N, self.B, T, sampling=self.sampling, last=self.last)

    def number_of_realisations(self) -> int:
        """How many batch sequences `realisations` lists (rows renamed so that the first epoch is in order)."""
        if not self.is_random:
            return 1
        if self.sampling == "replacement":
            return int(comb(self.finite("N"), self.B) ** (self.finite("T") - 1))
        whole = _arrangements(self.finite("N"), self._sizes(self.updates_per_epoch)) ** (self.whole_epochs - 1)
        return int(whole) * _arrangements(self.finite("N"), self._sizes(self.partial_updates))

    def _sizes(self, updates: int) -> list[int]:
        """Of the first batches of an epoch."""
        return [self.batch_size(t) for t in range(updates)] if self.is_ragged else [self.B] * updates

    def realisations(self) -> Iterator[Batches]:
        """The batch sequences, equally likely, up to renaming the rows: T tuples of B rows, or of a smaller last batch."""
        first = self._first_epoch()
        if not self.is_random:
            yield self.batches()
            return
        epoch = self.updates_per_epoch
        later = [epoch] * (self.whole_epochs - 1) + [self.partial_updates] * bool(self.partial_updates)

        def extend(prefix: Batches, epochs: list[int]) -> Iterator[Batches]:
            if not epochs:
                yield prefix
                return
            for batches in _ordered_batches(tuple(range(self.finite("N"))), self._sizes(epochs[0])):
                yield from extend((*prefix, *batches), epochs[1:])

        yield from extend(first, later)

    def batches(self) -> Batches:
        """One realisation of the batches: for each update, the rows in its batch (the shaded cells of its column)."""
        first = self._first_epoch()
        return tuple(first[t % len(first)] for t in range(self.finite("T")))  # what `realisations` begins with

    def _first_epoch(self) -> Batches:
        """Its rows in order."""
        T = self.finite("T")
        epoch = T if self.N == inf else self.updates_per_epoch
        return tuple(tuple(range(t * self.B, t * self.B + size)) for t, size in enumerate(self._sizes(min(epoch, T))))

    def finite(self, name: str) -> int:
        """N or T as an int, or InputError if it is infinite."""
        value = self.N if name == "N" else self.T
        if type(value) is int:
            return value
        if is_formula(value):
            raise no_numbers(self)
        if value == inf:
            raise InputError(f"{name} = inf: infinitely many cells cannot be counted or listed; give a finite {name}")
        return int(value)

    def __repr__(self) -> str:
        N, B, T = map(written, (self.N, self.B, self.T))
        last = "" if self.last is None else f", last={self.last!r}"
        return f"Spacetime(N={N}, B={B}, T={T}, sampling={self.sampling!r}{last})"

    def _repr_svg_(self) -> str | None:
        if not self._is_drawn:
            return None
        from .. import drawing  # the one upward look, for notebooks

        return drawing.spacetime_svg(self)

    def _repr_html_(self) -> str | None:
        if not self._is_drawn:
            return None
        from ..drawing.spacetime_picture import spacetime_html

        return spacetime_html(self)

    @property
    def _is_drawn(self) -> bool:
        return not self.is_symbolic and self.T * self.B <= MOST_DRAWN


def check_spacetime(spacetime: object, symbols: bool = False) -> None:
    """Raise InputError unless it is a Spacetime, of numbers or, where they will do, of symbols."""
    known = instance("spacetime", spacetime, Spacetime, "write Spacetime(N=..., T=...)")
    if known.is_symbolic and not symbols:
        raise no_numbers(known)


def no_numbers(spacetime: Spacetime) -> InputError:
    """The error of symbols where numbers are needed."""
    return InputError(
        f"{spacetime!r} has symbols, and this needs numbers; fastdiag.maps, coefficient, expand, and predict of a symbolic "
        "landscape about the start answer in symbols"
    )


def check_sampling(sampling: object, *more: str) -> Any:
    """The sampling as a str, or InputError unless it is known, or one of `more`."""
    return choice("sampling", sampling, (*SAMPLINGS, *more))


def _updates(N: int, B: int, last: Last | None) -> int:
    """Of an epoch."""
    return N // B + (last == "keep")


def _arrangements(N: int, sizes: Sequence[int]) -> int:
    """Sequences of disjoint subsets of these sizes of N rows."""
    return factorial(N) // int(prod(map(factorial, sizes)) * factorial(N - sum(sizes)))


def _ordered_batches(rows: tuple[int, ...], sizes: Sequence[int]) -> Iterator[Batches]:
    if not sizes:
        yield ()
        return
    for chosen in combinations(rows, sizes[0]):
        rest = tuple(row for row in rows if row not in chosen)
        for more in _ordered_batches(rest, sizes[1:]):
            yield (chosen, *more)
