"""Networks as papers write them: tensors in Einstein notation, as text and as LaTeX.

The mean derivatives are l, G, H, J and, from the fourth on, l with its indices; C and S are the second and third cumulants
of the gradient. Other cumulants are cov(g, h) or κ(g, g, h) of a point's own derivatives g, h, j, l; moments are ⟨g h⟩. A
covariance of gradient and Hessian that stands for the gradient of C is written so, 2 cov(h_μν, g_ν) = ∇_μ C_νν, where the
rest of the network is symmetric. Summed indices stand once below and once above, for eta raises them; free ones above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from ..typing import Basis
from .network import Network, Part, canonical_network, indices_of

GREEK = "μνρσταβγδεζξφχψω"
LATEX = {
    "μ": "mu", "ν": "nu", "ρ": "rho", "σ": "sigma", "τ": "tau", "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta",
    "ε": "epsilon", "ζ": "zeta", "ξ": "xi", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
}
MEANS = {0: "l", 1: "G", 2: "H", 3: "J"}
POINTS = {1: "g", 2: "h", 3: "j"}
CUMULANTS = {(1, 1): "C", (1, 1, 1): "S"}

Index = tuple[str, bool]
"""A letter, and whether it stands above."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One factor as it is printed."""

    head: str
    """A letter, '∇C' or '∇S', or 'cov', 'κ', '⟨⟩'."""
    nodes: tuple[tuple[Index, ...], ...]


@dataclass(frozen=True, slots=True)
class TensorProduct:
    """A contraction as it is printed: a product of tensors, `scale` times the network's value."""

    factors: tuple[Tensor, ...]
    scale: int
    letters: tuple[tuple[int, str], ...]
    """The letter of each index of the network."""

    def text(self) -> str:
        """In Unicode."""
        return " ".join(_write(factor, False, len(self.factors) > 1) for factor in self.factors)

    def latex(self) -> str:
        """In LaTeX, without dollars."""
        return r" \, ".join(_write(factor, True, len(self.factors) > 1) for factor in self.factors)


@lru_cache(maxsize=1 << 14)
def tensors_of(network: Network, basis: Basis = "cumulant", gradients: bool = True) -> TensorProduct:
    """The tensors of a canonical network, in the order in which a paper would write them; gradients: with ∇C and ∇S.

    >>> from fastdiag import Diagram
    >>> from fastdiag.expansion.network import network_of
    >>> from fastdiag.values.root import loss_root
    >>> tensors_of(network_of(Diagram.parse("[a[b]]"), loss_root(1))).latex()
    'G_{\\\\mu} \\\\, H^{\\\\mu}_{\\\\nu} \\\\, G^{\\\\nu}'
    """
    known_gradients = _gradients(network) if gradients and basis == "cumulant" else {}
    letters = {-1 - axis: GREEK[axis] for axis in range(-min([0, *indices_of(network)]))}
    order = [p for piece in _pieces(network) for p in _reading_order(network, piece)]
    position = {label: [q for q, p in enumerate(order) if label in sum(network[p], ())] for label in indices_of(network)}
    below: set[int] = set()

    def named(labels: Sequence[int]) -> list[Index]:
        known = sorted((label for label in labels if label in letters), key=lambda label: GREEK.index(letters[label]))
        fresh = sorted((label for label in labels if label not in letters), key=lambda label: (position[label][-1], label))
        out = []
        for label in known + fresh:
            letters.setdefault(label, GREEK[len(letters)])
            out.append((letters[label], label < 0 or label in below))
            below.add(label)
        return out

    factors, scale = [], 1
    for p in order:
        part = network[p]
        degrees = tuple(sorted(map(len, part)))
        flat = [label for node in part for label in node]
        if p in known_gradients:
            derivative, others = known_gradients[p]
            scale *= len(part)
            head = "∇" + CUMULANTS[(1,) * len(part)]
            factors.append(Tensor(head, (tuple(named([derivative])), tuple(named(others)))))
        elif len(part) == 1:
            factors.append(Tensor(MEANS.get(len(flat), "l"), (tuple(named(flat)),)))
        elif degrees in CUMULANTS and basis == "cumulant":
            factors.append(Tensor(CUMULANTS[degrees], (tuple(named(flat)),)))
        else:
            head = "⟨⟩" if basis == "moment" else "cov" if len(part) == 2 else "κ"
            nodes = sorted(part, key=lambda node: (len(node), [GREEK.index(letters.get(x, GREEK[-1])) for x in node]))
            factors.append(Tensor(head, tuple(tuple(named(node)) for node in nodes)))
    return TensorProduct(tuple(factors), scale, tuple(letters.items()))


def _gradients(network: Network) -> dict[int, tuple[int, list[int]]]:
    """The parts that may be written as a gradient of C or S: the derivative's index, and the others.

    ∇_μ C_νρ = cov(h_μν, g_ρ) + cov(h_μρ, g_ν): the terms must be alike in this network, for all such parts at once.
    """
    found: dict[int, tuple[int, list[int]]] = {}
    exchanges: dict[int, list[Part]] = {}
    for p, part in enumerate(network):
        leaves = [node for node in part if len(node) == 1]
        stem = [node for node in part if len(node) == 2]
        if len(stem) != 1 or len(leaves) not in (1, 2) or len(part) != len(leaves) + 1:
            continue
        for derivative, other in (stem[0], stem[0][::-1]):
            labels = [other, *(leaf[0] for leaf in leaves)]
            alike = [_with_stem(derivative, labels, chosen) for chosen in range(len(labels))]
            if all(canonical_network(_replaced(network, chosen)) == network for chosen in _choices(exchanges | {p: alike})):
                found[p], exchanges[p] = (derivative, labels), alike
                break
    return found


def _with_stem(derivative: int, labels: Sequence[int], chosen: int) -> Part:
    return ((derivative, labels[chosen]), *((label,) for i, label in enumerate(labels) if i != chosen))


def _choices(exchanges: dict[int, list[Part]]) -> list[dict[int, Part]]:
    return [dict(zip(exchanges, chosen, strict=True)) for chosen in product(*exchanges.values())]


def _replaced(network: Network, chosen: dict[int, Part]) -> Network:
    return tuple(chosen.get(p, part) for p, part in enumerate(network))


def _pieces(network: Network) -> list[list[int]]:
    """The connected pieces, as lists of parts; l alone first, then those with free indices, then by size."""
    labels = [set(sum(part, ())) for part in network]
    pieces: list[list[int]] = []
    left = list(range(len(network)))
    while left:
        piece = [left.pop(0)]
        for p in piece:
            joined = [q for q in left if labels[p] & labels[q]]
            piece += joined
            left = [q for q in left if q not in joined]
        pieces.append(sorted(piece))

    def first(piece: list[int]) -> tuple[bool, int, int]:
        met = [label for p in piece for label in labels[p]]
        return bool(met), -max((label for label in met if label < 0), default=-99), len(piece)

    return sorted(pieces, key=first)


def _reading_order(network: Network, piece: Sequence[int]) -> list[int]:
    """A chain of G, H and C from end to end; otherwise cumulants first, then the higher derivatives."""
    labels = {p: [label for node in network[p] for label in node] for p in piece}
    chain = len(piece) > 2 and all(len(found) == len(set(found)) <= 2 for found in labels.values())
    if not chain:
        return sorted(piece, key=lambda p: (-len(network[p]), -len(labels[p]), p))

    def first(p: int) -> tuple[int, int, int, int]:
        free = [label for label in labels[p] if label < 0]
        closed = len(labels[p]) - len(free)
        return closed != 1, -max(free, default=-99), -len(network[p]), p

    order = [min(piece, key=first)]
    while len(order) < len(piece):
        last = set(labels[order[-1]])
        order.append(next(p for p in piece if p not in order and last & set(labels[p])))
    return order


def _write(tensor: Tensor, latex: bool, several: bool) -> str:
    if tensor.head[0] == "∇":
        nabla = r"\nabla" if latex else "∇"
        inner = nabla + _scripts(tensor.nodes[0], latex) + " " + tensor.head[1] + _scripts(tensor.nodes[1], latex)
        return f"({inner})" if several else inner
    if tensor.head in ("cov", "κ", "⟨⟩"):
        points = [POINTS.get(len(node), "l") + _scripts(node, latex) for node in tensor.nodes]
        if tensor.head == "⟨⟩":
            return r"\langle " + r" \, ".join(points) + r" \rangle" if latex else f"⟨{' '.join(points)}⟩"
        head = {"cov": r"\operatorname{cov}", "κ": r"\kappa"}[tensor.head] if latex else tensor.head
        return f"{head}({', '.join(points)})"
    return tensor.head + _scripts(tensor.nodes[0], latex)


def _scripts(indices: Sequence[Index], latex: bool) -> str:
    """Subscript and superscript; what was met before comes first."""
    groups: dict[bool, list[str]] = {}
    for letter, above in indices:
        groups.setdefault(above, []).append(letter)
    written = ""
    for above, letters in groups.items():
        mark = "^" if above else "_"
        written += mark + ("{" + " ".join("\\" + LATEX[x] for x in letters) + "}" if latex else "".join(letters))
    return written
