"""The least growth string of a partition under a tree's automorphisms, and the automorphisms that keep the partition.

In general this is as hard as the isomorphism of graphs: a branch for each vertex, a pair of tied leaves for each edge. Two
things keep it short. Leaves are never tried in all orders: blocks that nothing tells apart yet share a range of names, a
cell, and get their own when something does. Branches are tried one by one, and two that end in the same string are carried
into one another by an automorphism, so of later branches one from each orbit is enough (McKay's pruning).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import factorial, prod
from typing import TypeAlias

from ..errors import TooLargeError

MOST_READ = 80_000  # nodes with their leaves: about a second

Leaves: TypeAlias = list[tuple[int, int]]
Members: TypeAlias = dict[int, list[int]]


class Names:
    """The names given to blocks so far: block -> cell, and the blocks of a cell share names from `start` on."""

    __slots__ = ("cell", "size", "start", "top")

    def __init__(self, blocks: int) -> None:
        self.cell, self.start, self.size, self.top = [-1] * blocks, list[int](), list[int](), 0

    def copy(self) -> Names:
        other = Names(0)
        other.cell, other.start, other.size, other.top = self.cell[:], self.start[:], self.size[:], self.top
        return other

    def give(self, blocks: list[int], cell: int) -> int:
        """Give some blocks of one cell, of equal standing, its first names; -1: blocks not seen before. The first name."""
        if cell < 0:
            first, self.top = self.top, self.top + len(blocks)
        else:
            first = self.start[cell]
            if len(blocks) == self.size[cell]:
                return first
            self.start[cell] += len(blocks)
            self.size[cell] -= len(blocks)
        for block in blocks:
            self.cell[block] = len(self.start)
        self.start.append(first)
        self.size.append(len(blocks))
        return first

    def read(self, block: int, leaves: Leaves) -> list[int]:
        """The names of a node and of its leaves, (block, how many) each, in the least order that they can stand in."""
        out = [self.give([block], self.cell[block])]
        if not leaves:
            return out
        alike: dict[tuple[int, int, int], list[int]] = {}
        for leaf, times in leaves:
            cell = self.cell[leaf]
            alike.setdefault((self.start[cell] if cell >= 0 else len(self.cell), -times, cell), []).append(leaf)
        for (_, times, cell), blocks in sorted(alike.items()):
            first = self.give(blocks, cell)
            for name in range(first, first + len(blocks)):
                out += [name] * -times
        return out


class Search:
    """A walk through the orders of the branches of a canonical tree, whose shape `tree_shape` gives.

    most : nodes read, with their leaves, before the search is given up with TooLargeError

    Afterwards `string` is the least growth string, and `order()` the number of automorphisms that keep the partition.
    """

    def __init__(self, shape: Sequence[Sequence[int]], blocks: Sequence[int], most: int = MOST_READ) -> None:
        parents, sizes, heads, twins = shape
        n = len(parents)
        self.parents, self.sizes, self.heads, self.twins, self.blocks = parents, sizes, heads, twins, blocks
        self.inner = [v for v in range(n) if sizes[v] > 1 or v == 0]
        self.ends = set(range(n)).difference(self.inner)
        counts: dict[int, dict[int, int]] = {}
        for v in self.ends:
            of_node = counts.setdefault(parents[v], {})
            of_node[blocks[v]] = of_node.get(blocks[v], 0) + 1
        self.leaves: dict[int, Leaves] = {v: list(of_node.items()) for v, of_node in counts.items()}
        self.image, self.used, self.read, self.most, self.tries = [0] * n, [False] * n, 0, most, 0
        self.written: list[list[int]] = []  # names by inner node, along the present walk
        self.found: dict[tuple[int, ...], list[int]] = {}  # strings and what was walked to get there
        self.carried: list[dict[int, int]] = []  # automorphisms: where the inner nodes go that do not stay
        self.best: list[list[int]] = []
        self.string: tuple[int, ...] = ()
        self.base: list[int] = []  # where the best walk has the inner nodes
        self._walk(0, Names(max(blocks) + 1), -1)

    def order(self) -> int:
        """How many automorphisms keep the partition."""
        inner = prod(len(_orbit([node], fixing)) for node, fixing in self.chain()) if self.carried else 1
        return inner * prod(factorial(len(alike)) for alike in self.exchanges())

    def chain(self) -> Iterator[tuple[int, list[dict[int, int]]]]:
        """The nodes of the best walk, with the automorphisms found that keep all nodes before in place."""
        fixing = self.carried
        for node in self.base:
            yield node, fixing
            fixing = [carried for carried in fixing if node not in carried]

    def exchanges(self) -> list[list[list[int]]]:
        """Leaves, in lists of equal length, that change places with one another while all inner nodes stay."""
        alike: dict[tuple[tuple[int, int], ...], list[list[int]]] = {}
        twins: list[list[list[int]]] = []
        for members in self.members():
            twins += [[[v] for v in some] for some in members.values()]
            key = tuple((v, len(some)) for v, some in members.items())
            alike.setdefault(key, []).append([v for some in members.values() for v in some])
        return [some for some in (*twins, *alike.values()) if len(some) > 1]

    def members(self) -> list[Members]:
        """The nodes of each block: leaves by their parent, an inner node v by ~v."""
        found: dict[int, Members] = {}
        for v, block in enumerate(self.blocks):
            found.setdefault(block, {}).setdefault(self.parents[v] if v in self.ends else ~v, []).append(v)
        return list(found.values())

    def _walk(self, level: int, names: Names, standing: int) -> int:
        """Go through all that begins as the present walk, whose names are used up.

        standing: the walk's string against the best one's beginning.
        A walk that is worse goes on to one end, which may be an end known. Returns the level to go on from.
        """
        begun = level
        while level < len(self.inner):  # no choice
            v = self.inner[level]
            if v and self.twins[v] > 1:
                break
            self.image[v] = self.image[self.parents[v]] + v - self.parents[v] if v else 0
            standing = self._write(self._reading(names, self.image[v]), level, standing)
            level += 1
        back = self._end(standing) if level == len(self.inner) else self._choose(level, names, standing)
        del self.written[begun:]
        return back

    def _choose(self, level: int, names: Names, standing: int) -> int:
        v = self.inner[level]
        kept = {self.image[u] for u in self.inner[:level]}
        known, fixing, tried, reached = 0, list[dict[int, int]](), list[int](), set[int]()
        for target, strings, after in self._options(v, level, names, standing):
            if tried and known < len(self.carried):
                fixing += [carried for carried in self.carried[known:] if kept.isdisjoint(carried)]
                known, reached = len(self.carried), _orbit(tried, fixing)
            if target in reached:
                continue
            tried.append(target)
            reached |= _orbit([target], fixing)
            self.image[v], self.used[target] = target, True
            back = self._walk(level + 1, after, self._write(strings, level, standing))
            self.used[target] = False
            del self.written[level:]
            if back < level:
                return back
            standing = max(standing, 0)  # the best walk so far begins like this one
        return level

    def _options(self, v: int, level: int, names: Names, standing: int) -> Iterator[tuple[int, list[int], Names]]:
        """The branches that may stand at v, with their names; one of them where the walk is worse than the best one."""
        first = self.image[self.parents[v]] + self.heads[v] - self.parents[v]
        free = [w for w in range(first, first + self.twins[v] * self.sizes[v], self.sizes[v]) if not self.used[w]]
        if standing < 0:
            every = [self._option(names, w) for w in free]
            least = min(strings for _, strings, _ in every)
            yield from (option for option in every if option[1] == least)
            return
        if self.base[level] in free:  # the one that the best walk has: most automorphisms move little
            free.insert(0, free.pop(free.index(self.base[level])))
        some = False
        for w in free if standing == 0 else ():
            option = self._option(names, w)
            if option[1] <= self.best[level]:
                some = True
                yield option
        if not some and (standing > 0 or self.tries < 16 + 8 * len(self.carried)):  # as long as it pays
            self.tries += standing == 0
            yield self._option(names, free[0])

    def _option(self, names: Names, node: int) -> tuple[int, list[int], Names]:
        """A node, the names of it and its leaves, and those given after them."""
        after = names.copy()
        return node, self._reading(after, node), after

    def _reading(self, names: Names, node: int) -> list[int]:
        """The names of a node and its leaves, which are given by that."""
        self.read += 1
        if self.read > self.most:
            raise TooLargeError(
                f"this diagram of {len(self.parents)} nodes has a partition so regular that its canonical form would take "
                "too long to find (it is as hard as telling whether two graphs are the same); give fewer nodes"
            )
        return names.read(self.blocks[node], self.leaves.get(node, []))

    def _write(self, strings: list[int], level: int, standing: int) -> int:
        """Add names to the walk; how it stands against the best one then."""
        self.written.append(strings)
        if standing == 0 and strings != self.best[level]:
            return -1 if strings < self.best[level] else 1
        return standing

    def _end(self, standing: int) -> int:
        string = tuple(name for strings in self.written for name in strings)
        known = self.found.get(string)
        if known is None:
            self.found[string] = image = [self.image[v] for v in self.inner]
            if standing < 0:
                self.best, self.string, self.base = self.written[:], string, image
            return len(self.inner)
        self.carried.append({u: self.image[v] for v, u in zip(self.inner, known, strict=True) if u != self.image[v]})
        return next(level for level, v in enumerate(self.inner) if known[level] != self.image[v])


def _orbit(nodes: list[int], carried: list[dict[int, int]]) -> set[int]:
    """Where some automorphisms carry some nodes."""
    orbit, new = set(nodes), nodes[:]
    while new:
        here = new.pop()
        for image in carried:
            there = image.get(here, here)
            if there not in orbit:
                orbit.add(there)
                new.append(there)
    return orbit
