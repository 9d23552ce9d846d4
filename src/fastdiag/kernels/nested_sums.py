"""Sums over maps with edges that carry k^(dt - 1), one for every tuple of edge indices, contracted on the fly."""

from typing import Any

from .kernel import kernel


@kernel
def nested_sums(
    values: Any, first: int, rates: Any, edges: int, updates: int, forever: bool,
    crossing: Any, sources: Any, targets: Any, passing: Any, gains: Any, out: Any,
) -> None:
    """out[r] = sum over tuples i in slab r of values[i] * W(k_i), k_e = 1 - rates[i_e].

    W is the corner of the `updates`-th power of an upper triangular transfer matrix over ideals (its last row is the
    full set): staying in ideal I multiplies by the k of `crossing[I]` (a mask of edges), step s goes from sources[s] to
    targets[s] and multiplies by gains[s] and the k of passing[s]. values: (slabs, n^(edges-1)); slab r holds index
    first + r of the first edge.

    The diagonal is kept as 1 - k: then squaring, y -> y (2 - y), does not amplify rounding, so neither k = 1 nor equal
    k nor large `updates` cost accuracy. With `forever`, the limit of infinitely many updates (all |k| < 1).
    """
    n = len(rates)
    size = len(crossing)
    masks = 1 << edges
    complement = rates[:1].repeat(masks)
    index = crossing[:1].repeat(edges + 1)
    diagonal = rates[:1].repeat(size)
    upper = diagonal.repeat(size).reshape((size, size))
    next_upper = upper.copy()
    row = diagonal.copy()
    next_row = diagonal.copy()
    complement[0] = 0.0
    for slab in range(len(values)):
        total = 0.0
        for e in range(edges):
            index[e] = 0
        if edges > 0:
            index[0] = first + slab
        changed = 0
        for flat in range(values.shape[1]):
            for e in range(changed, edges):
                x = rates[index[e]]
                for mask in range(1 << e):
                    y = complement[mask]
                    complement[mask | 1 << e] = y + x - y * x
            value = values[slab, flat]
            if value != 0.0:
                for i in range(size):
                    diagonal[i] = complement[crossing[i]]
                    row[i] = 0.0
                    for j in range(i + 1, size):
                        upper[i, j] = 0.0
                for s in range(len(sources)):
                    upper[sources[s], targets[s]] = gains[s] * (1.0 - complement[passing[s]])
                row[0] = 1.0
                if forever:
                    for j in range(1, size):
                        for i in range(j):
                            row[j] += row[i] * upper[i, j]
                        row[j] /= diagonal[j]
                else:
                    left = updates
                    while True:
                        if left & 1:
                            for j in range(size):
                                next_row[j] = row[j] * (1.0 - diagonal[j])
                                for i in range(j):
                                    next_row[j] += row[i] * upper[i, j]
                            for j in range(size):
                                row[j] = next_row[j]
                        left >>= 1
                        if left == 0:
                            break
                        for i in range(size):
                            for j in range(i + 1, size):
                                entry = upper[i, j] * (2.0 - diagonal[i] - diagonal[j])
                                for k in range(i + 1, j):
                                    entry += upper[i, k] * upper[k, j]
                                next_upper[i, j] = entry
                        for i in range(size):
                            diagonal[i] *= 2.0 - diagonal[i]
                            for j in range(i + 1, size):
                                upper[i, j] = next_upper[i, j]
                total += value * row[size - 1]
            changed = edges - 1
            while changed > 0:
                index[changed] += 1
                if index[changed] < n:
                    break
                index[changed] = 0
                changed -= 1
            changed = max(changed, 1)
        out[slab] = total
