"""A diagram: a rooted tree with a partition of its nodes, in canonical form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, total_ordering
from typing import TYPE_CHECKING, Any

from ..arguments import shown, whole
from ..door import exact_door
from ..errors import InputError
from . import syntax
from .canonical import canonical, canonical_of, hung_from, levels_of, search_of
from .least import MOST_READ

REROOTED = 4  # searches as long as one may be that a value class may take


class _Derived:
    """What follows from the parents and the blocks of a diagram, each found anew; a `Diagram` keeps what was asked for."""

    __slots__ = ()

    parents: tuple[int, ...]
    """Parent of each node, -1 at the root."""
    blocks: tuple[int, ...]
    """Part of each node, numbered by first appearance (a restricted growth string)."""

    @property
    def order(self) -> int:
        """Number of edges."""
        return len(self.parents) - 1

    @property
    def parts(self) -> tuple[tuple[int, ...], ...]:
        """The parts as tuples of nodes; the root's part comes first."""
        parts: list[list[int]] = [[] for _ in range(max(self.blocks) + 1)]
        for node, block in enumerate(self.blocks):
            parts[block].append(node)
        return tuple(map(tuple, parts))

    @property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """The children of each node."""
        children: list[list[int]] = [[] for _ in self.parents]
        for node, parent in enumerate(self.parents[1:], 1):
            children[parent].append(node)
        return tuple(map(tuple, children))

    @property
    def degrees(self) -> tuple[int, ...]:
        """Edges at each node: its children, and its parent if it is not the root."""
        return tuple(len(c) + (node > 0) for node, c in enumerate(self.children))

    @property
    def levels(self) -> tuple[int, ...]:
        """Distance of each node from the root."""
        return levels_of(self.parents)

    @property
    def root_shares(self) -> bool:
        """Whether the root lies in a part with other nodes."""
        return self.blocks.count(0) > 1

    @property
    def is_irreducible(self) -> bool:
        """No node but the root has degree 2 and is alone in its part; such nodes resummation absorbs (Theorem 1)."""
        degrees = self.degrees
        return not any(
            len(part) == 1 and part[0] > 0 and degrees[part[0]] == 2 for part in self.parts
        )

    @property
    def satisfies_path_condition(self) -> bool:
        """No path from a leaf to the root meets a part twice (else there is no embedding in one epoch; papers)."""
        for node in range(1, len(self.parents)):
            above = self.parents[node]
            while above >= 0:
                if self.blocks[above] == self.blocks[node]:
                    return False
                above = self.parents[above]
        return True

    @property
    def value_class(self) -> Diagram:
        """The least diagram with the same unrooted tree and partition.

        Un-resummed values depend on nothing else, so coefficients within a value class may be added. The root is moved
        to every node alone in its part (to every node, where there is none), and the least result is taken.
        """
        alone = [part[0] for part in self.parts if len(part) == 1]
        found, left = [], REROOTED * MOST_READ
        for node in alone or range(len(self.parents)):
            search = search_of(hung_from(self.parents, node), self.blocks, min(left, MOST_READ))
            found.append(Diagram._of_canonical(tuple(search.parents), search.string, search.order()))
            left -= search.read
        return min(found)

    @property
    def _key(self) -> tuple[Any, ...]:
        return (self.order, self.levels, self.blocks)

    @property
    def _hash(self) -> int:
        return hash((self.parents, self.blocks))

    @property
    def _text(self) -> str:
        return syntax.text_of(self.children, self.blocks)


DERIVED = tuple(name for name, found in vars(_Derived).items() if isinstance(found, property))


@total_ordering
class Diagram(_Derived):
    """A rooted tree of `order` edges and a set partition of its nodes, up to isomorphism: a term of the papers' Theorem 3.

    Two diagrams are equal when an isomorphism of rooted trees carries one partition to the other; the canonical form is
    found at construction, so equality and hashing compare fields. Nodes are numbered 0..order in preorder, node 0 is
    the root.

    Parameters
    ----------
    parents : the parent of each node, -1 for the root, in any order of the nodes
    blocks : a label for each node; nodes with one label lie in one part

    Raises
    ------
    InputError : the parents are not a rooted tree, or the lengths differ; a text, which `Diagram.parse` reads
    TooLargeError : more than 300 nodes, or, of those, a partition so regular that the canonical form is not found in about
        a second: strongly regular graphs of a hundred edges, say, written as tied leaves

    Examples
    --------
    >>> import fastdiag as fd
    >>> D = fd.Diagram.parse("[b[a] a]")
    >>> D, D.order, D.parts, D.automorphisms
    (Diagram.parse('[a b[a]]'), 3, ((0,), (1, 3), (2,)), 1)
    >>> D == fd.Diagram([-1, 0, 0, 1], [0, 1, 2, 2])
    True
    """

    __slots__ = ("automorphisms", "blocks", "parents", *DERIVED)

    automorphisms: int
    """|Aut(D)|: tree automorphisms that carry the partition to itself."""

    def __init__(self, parents: Sequence[int], blocks: Sequence[Any] = ()) -> None:
        given: object = parents
        if isinstance(given, str):
            raise InputError(f"Diagram takes parents and blocks; Diagram.parse reads a text such as {shown(parents)}")
        self._set(*canonical(parents, blocks))

    @classmethod
    def _of_canonical(cls, parents: Sequence[int], blocks: Sequence[int], group: int) -> Diagram:
        self = object.__new__(cls)
        self._set(tuple(parents), tuple(blocks), group)
        return self

    def _set(self, parents: tuple[int, ...], blocks: tuple[int, ...], group: int) -> None:
        keep = object.__setattr__
        keep(self, "parents", parents)
        keep(self, "blocks", blocks)
        keep(self, "automorphisms", group)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:  # asked only for slots that are empty yet
            if name not in DERIVED:
                raise AttributeError(f"a Diagram has no attribute {name!r}", name=name, obj=self)
            found = getattr(super(), name)
            object.__setattr__(self, name, found)
            return found

    @classmethod
    @exact_door
    def parse(cls, text: str) -> Diagram:
        """Read a diagram from text: a node is a letter naming its part, then `[children]` if it has any.

        The root is bare brackets when it is alone in its part: '[]', '[a b[a]]'; 'a[a]' ties it to its leaf.

        Raises
        ------
        DiagramSyntaxError : the text is not a diagram; the message points at the position
        InputError : no text
        TooLargeError : as for `Diagram`

        Examples
        --------
        >>> import fastdiag as fd
        >>> fd.Diagram.parse("a[b[c] a]").parts
        ((0, 1), (2,), (3,))
        """
        if not isinstance(text, str):
            raise InputError(f"a diagram's text must be a str such as '[a b[a]]', not {shown(text)}")
        return _read(str(text))

    @classmethod
    @exact_door
    def of(cls, diagram: Diagram | str) -> Diagram:
        """The diagram itself, or the one that a text stands for; InputError for anything else."""
        if isinstance(diagram, Diagram):
            return diagram
        if isinstance(diagram, str):
            return _read(str(diagram))
        raise InputError(f"expected a Diagram or its text such as '[a b[a]]', not {shown(diagram)}")

    @exact_door
    def rerooted(self, root: int) -> Diagram:
        """The same tree and partition, hung from another node.

        Raises
        ------
        InputError : no such node
        TooLargeError : as for `Diagram`

        Examples
        --------
        >>> import fastdiag as fd
        >>> fd.Diagram.parse("[a[b]]").rerooted(1)
        Diagram.parse('[a b]')
        """
        return Diagram(hung_from(self.parents, whole("root", root, 0, self.order, "nodes")), self.blocks)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Diagram):
            return NotImplemented
        return self.parents == other.parents and self.blocks == other.blocks

    def __lt__(self, other: Diagram) -> bool:
        if not isinstance(other, Diagram):
            return NotImplemented
        return self._key < other._key

    def __hash__(self) -> int:
        return self._hash

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Diagram is immutable; build another one instead of setting {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Diagram is immutable")

    def __reduce__(self) -> tuple[Any, ...]:
        return (Diagram._of_canonical, (self.parents, self.blocks, self.automorphisms))

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Diagram.parse({str(self)!r})"

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("a Diagram is not a sequence; iterate over D.parts, D.parents or range(D.order + 1)")

    def _repr_svg_(self) -> str:
        from .. import drawing  # the one upward look, for notebooks

        return drawing.diagram_svg(self)

    def _repr_html_(self) -> str:
        from ..drawing.html import diagram_html

        return diagram_html(self)


@lru_cache(maxsize=1 << 12)
def _read(text: str) -> Diagram:
    return Diagram._of_canonical(*canonical_of(*syntax.parse(text)))
