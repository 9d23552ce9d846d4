"""Sums over maps with edges that carry k^(dt - 1), one for every tuple of edge indices, contracted on the fly.

A programme is a list of transfers (triangular matrices over states) and what is made of them; see `values.programme`.
A product of k is kept twice: itself, and its loss 1 - |k|. Squaring a loss, y -> y (2 - y), does not amplify rounding, so
neither k = 1 nor equal k nor large powers cost accuracy; a small k is squared itself, so it stays accurate to its last
digit. Arrays of them have a first axis of length 2. Functions of one tuple are compiled for the CPU and the GPU.
"""

from typing import Any, TypeAlias

from .kernel import inlined, lean

Pair: TypeAlias = tuple[float, float]


@inlined
def multiplied(k: float, loss: float, other: float, other_loss: float) -> Pair:
    """k x other, and its loss."""
    both = loss + other_loss - loss * other_loss
    if both > 0.5:
        return k * other, both
    return (1.0 - both if (k < 0.0) == (other < 0.0) else both - 1.0), both


@inlined
def squared(k: float, loss: float) -> Pair:
    """k^2, and its loss."""
    both = loss * (2.0 - loss)
    return (k * k if both > 0.5 else 1.0 - both), both


@inlined
def power(k: float, loss: float, times: int) -> Pair:
    """k^times, and its loss."""
    result, lost = 1.0, 0.0
    left = times
    while left > 0:
        if left & 1:
            result, lost = multiplied(result, lost, k, loss)
        k, loss = squared(k, loss)
        left >>= 1
    return result, lost


@inlined
def product(factors: Any, masks: Any, visits: int) -> Pair:
    """The product of the k of the edges in some masks, and its loss."""
    result, lost = 1.0, 0.0
    for i in range(visits):
        result, lost = multiplied(result, lost, factors[0, masks[i]], factors[1, masks[i]])
    return result, lost


@inlined
def row_times_matrix(row: Any, diagonal: Any, upper: Any, size: int, next_row: Any) -> None:
    """row <- row @ matrix, the matrix upper triangular."""
    for j in range(size):
        total = row[j] * diagonal[0, j]
        for i in range(j):
            total += row[i] * upper[i, j]
        next_row[j] = total
    for j in range(size):
        row[j] = next_row[j]


@inlined
def matrix_squared(diagonal: Any, upper: Any, size: int, next_upper: Any) -> None:
    """matrix <- matrix @ matrix."""
    for i in range(size):
        for j in range(i + 1, size):
            entry = upper[i, j] * (diagonal[0, i] + diagonal[0, j])
            for k in range(i + 1, j):
                entry += upper[i, k] * upper[k, j]
            next_upper[i, j] = entry
    for i in range(size):
        diagonal[0, i], diagonal[1, i] = squared(diagonal[0, i], diagonal[1, i])
        for j in range(i + 1, size):
            upper[i, j] = next_upper[i, j]


@inlined
def row_times_power(
    row: Any, diagonal: Any, upper: Any, size: int, times: int, forever: bool, next_row: Any, next_upper: Any
) -> None:
    """row <- row @ matrix^times, the matrix upper triangular; it is overwritten.

    With `forever`, the limit of infinitely many steps from the first state, which is stayed in for ever; all other
    entries of the diagonal are below 1 in size.
    """
    if forever:
        for j in range(1, size):
            total = 0.0
            for i in range(j):
                total += row[i] * upper[i, j]
            row[j] = total / (diagonal[1, j] if diagonal[0, j] >= 0.0 else 1.0 - diagonal[0, j])
        return
    left = times
    if size == 2:  # in registers
        first, second, u = row[0], row[1], upper[0, 1]
        p, p_loss, q, q_loss = diagonal[0, 0], diagonal[1, 0], diagonal[0, 1], diagonal[1, 1]
        while left > 0:
            if left & 1:
                second = second * q + first * u
                first = first * p
            u = u * (p + q)
            p, p_loss = squared(p, p_loss)
            q, q_loss = squared(q, q_loss)
            left >>= 1
        row[0], row[1] = first, second
        return
    while left > 0:
        if left & 1:
            row_times_matrix(row, diagonal, upper, size, next_row)
        left >>= 1
        if left > 0:
            matrix_squared(diagonal, upper, size, next_upper)


@inlined
def row_through(
    row: Any, t: int, times: int, forever: bool, factors: Any, transfers: Any, diagonal: Any, upper: Any, next_row: Any,
    next_upper: Any,
) -> None:
    """row <- row @ (matrix of transfer t)^times; with times = 0 the matrix is filled only."""
    sizes, state_begins, step_begins, visits, crossing, ends, passing, gains = transfers
    size, begin = sizes[t], state_begins[t]
    for i in range(size):
        diagonal[0, i], diagonal[1, i] = product(factors, crossing[begin + i], visits[t])
        for j in range(i + 1, size):
            upper[i, j] = 0.0
    for s in range(step_begins[t], step_begins[t + 1]):
        upper[ends[s, 0], ends[s, 1]] = gains[s] * product(factors, passing[s], visits[t])[0]
    row_times_power(row, diagonal, upper, size, times, forever, next_row, next_upper)


@inlined
def one_order_sum(
    factors: Any, whole: int, epoch: int, rest: int, forever: bool, transfers: Any, terms: Any, skipped: Any, kept: Any,
    row: Any, diagonal: Any, upper: Any, next_row: Any, next_upper: Any,
) -> float:
    """The sum over maps where one order of the rows is repeated; terms: (early transfer, late transfer, epochs m)."""
    sizes, state_begins = transfers[0], transfers[1]
    total = 0.0
    for term in range(len(terms)):
        early, late, m = terms[term, 0], terms[term, 1], terms[term, 2]
        ways = 1.0
        if whole > 0:  # h_(whole - m) as the corner of the power of a bidiagonal matrix
            for i in range(m + 1):
                mask = skipped[term, i]
                diagonal[0, i], diagonal[1, i] = power(factors[0, mask], factors[1, mask], epoch)
                row[i] = 1.0 if i == 0 else 0.0
                for j in range(i + 1, m + 1):
                    upper[i, j] = 1.0 if j == i + 1 else 0.0
            row_times_power(row, diagonal, upper, m + 1, whole, False, next_row, next_upper)
            ways = row[m]
        for i in range(max(sizes[early], sizes[late])):
            row[i] = 1.0 if i == 0 else 0.0
        if rest > 0 or forever:
            row_through(row, early, rest, forever, factors, transfers, diagonal, upper, next_row, next_upper)
            for i in range(sizes[early]):
                row[i] *= kept[state_begins[early] + i]
        if epoch > rest:
            row_through(row, late, epoch - rest, False, factors, transfers, diagonal, upper, next_row, next_upper)
        total += ways * row[sizes[late] - 1]
    return total


@inlined
def fresh_orders_sum(
    factors: Any, whole: int, epoch: int, rest: int, transfers: Any, terms: Any, skipped: Any, kept: Any, goals: Any,
    weights: Any, row: Any, diagonal: Any, upper: Any, next_row: Any, next_upper: Any, outer_row: Any, outer_diagonal: Any,
    outer_upper: Any,
) -> float:
    """The sum over maps where every epoch has its own order.

    terms: for each merging of the parts its first transfer, one from each ideal of nodes; skipped[0, i]: edges that pass
    over an epoch from ideal i; goals: the ideal that each state is; kept: 1 / (N falling by the rows used); weights: N
    falling by the parts.
    """
    sizes, state_begins = transfers[0], transfers[1]
    ideals = skipped.shape[1]
    total = 0.0
    for term in range(len(terms)):
        for i in range(ideals):
            outer_row[i] = 1.0 if i == 0 else 0.0
        for stage in range(2):
            updates, times = (epoch, whole) if stage == 0 else (rest, 1)
            if updates == 0 or times == 0:
                continue
            for i in range(ideals):
                mask = skipped[0, i]
                outer_diagonal[0, i], outer_diagonal[1, i] = power(factors[0, mask], factors[1, mask], updates)
                for j in range(i + 1, ideals):
                    outer_upper[i, j] = 0.0
            for i in range(ideals):
                t = terms[term, 0] + i
                for j in range(sizes[t]):
                    row[j] = 1.0 if j == 0 else 0.0
                row_through(row, t, updates, False, factors, transfers, diagonal, upper, next_row, next_upper)
                for j in range(1, sizes[t]):
                    state = state_begins[t] + j
                    outer_upper[i, goals[state]] = row[j] * kept[state]
            row_times_power(outer_row, outer_diagonal, outer_upper, ideals, times, False, next_row, next_upper)
        total += weights[term] * outer_row[ideals - 1]
    return total


@inlined
def one_epoch_integral(
    sums: Any, span: float, parts: int, forever: bool, transfers: Any, row: Any, diagonal: Any, upper: Any, next_row: Any,
    next_upper: Any, last: Any,
) -> float:
    """The integral over times of the parts of exp(-sums x duration): the corner of exp(span x generator).

    sums[1, mask]: of the rates of the edges of a mask. In steps of span / 2^m the generator is small, and its exponential a
    short series; scaled by the step for each part, it has entries of order 1.
    """
    size, step_begins, crossing, ends, gains = transfers[0][0], transfers[2], transfers[4], transfers[5], transfers[7]
    largest = 1.0
    for i in range(size):
        diagonal[0, i], diagonal[1, i] = 1.0, sums[1, crossing[i, 0]]
        largest = max(largest, abs(diagonal[1, i]) * span)
        row[i] = 1.0 if i == 0 else 0.0
        for j in range(size):
            upper[i, j] = 0.0
    for s in range(step_begins[1]):
        upper[ends[s, 0], ends[s, 1]] = gains[s]
    if forever:
        row_times_power(row, diagonal, upper, size, 0, True, next_row, next_upper)
        return float(row[size - 1])
    times, step = 1, span
    while largest > 0.25:
        largest *= 0.5
        step *= 0.5
        times *= 2
    for i in range(size):  # next_upper, row by row: the sum of the series; last: its last term
        for j in range(i, size):
            last[i, j] = 1.0 if i == j else 0.0
            next_upper[i, j] = 0.0
    for order in range(1, 20):
        for i in range(size):
            for j in range(size - 1, i - 1, -1):
                term = -last[i, j] * diagonal[1, j] * step
                for k in range(i, j):
                    term += last[i, k] * upper[k, j]
                last[i, j] = term / order
                next_upper[i, j] += last[i, j]
    for i in range(size):
        diagonal[0, i], diagonal[1, i] = 1.0 + next_upper[i, i], -next_upper[i, i]
        for j in range(i + 1, size):
            upper[i, j] = next_upper[i, j]
    row_times_power(row, diagonal, upper, size, times, False, next_row, next_upper)
    return float(row[size - 1] * step**parts)


@inlined
def matrix_power(
    diagonal: Any, upper: Any, size: int, times: int, square_diagonal: Any, square: Any, next_upper: Any
) -> None:
    """matrix <- square^times, both upper triangular; the square is overwritten."""
    for i in range(size):
        diagonal[0, i], diagonal[1, i] = 1.0, 0.0
        for j in range(i + 1, size):
            upper[i, j] = 0.0
    left = times
    while left > 0:
        if left & 1:
            for i in range(size):
                for j in range(i + 1, size):
                    entry = upper[i, j] * square_diagonal[0, j] + diagonal[0, i] * square[i, j]
                    for k in range(i + 1, j):
                        entry += upper[i, k] * square[k, j]
                    next_upper[i, j] = entry
            for i in range(size):
                diagonal[0, i], diagonal[1, i] = multiplied(
                    diagonal[0, i], diagonal[1, i], square_diagonal[0, i], square_diagonal[1, i]
                )
                for j in range(i + 1, size):
                    upper[i, j] = next_upper[i, j]
        left >>= 1
        matrix_squared(square_diagonal, square, size, next_upper)


@inlined
def add_curve(
    out: Any, value: float, times: Any, factors: Any, transfers: Any, row: Any, diagonal: Any, upper: Any, next_row: Any,
    next_upper: Any, square_diagonal: Any, square: Any,
) -> None:
    """out[t] += value x the sum over maps into one epoch of times[t] updates; times ascend. Equal gaps share a power."""
    size = transfers[0][0]
    for i in range(size):
        row[i] = 1.0 if i == 0 else 0.0
    gap = 0
    for t in range(len(times)):
        here = times[t] - (times[t - 1] if t > 0 else 0)
        if here != gap:
            gap = here
            row_through(row, 0, 0, False, factors, transfers, square_diagonal, square, next_row, next_upper)
            matrix_power(diagonal, upper, size, gap, square_diagonal, square, next_upper)
        if gap > 0:
            row_times_matrix(row, diagonal, upper, size, next_row)
        out[t] += value * row[size - 1]


@inlined
def fill_factors(factors: Any, rates: Any, index: Any, first: int, edges: int, sums: bool) -> None:
    """factors[:, mask] <- the product of 1 - rates[index[e]] over the edges of the mask; those before `first` stand.

    With `sums`, the sum of the rates instead, in the place of the loss.
    """
    for e in range(first, edges):
        x = rates[index[e]]
        for mask in range(1 << e):
            if sums:
                factors[1, mask | 1 << e] = factors[1, mask] + x
            else:
                factors[0, mask | 1 << e], factors[1, mask | 1 << e] = multiplied(
                    factors[0, mask], factors[1, mask], 1.0 - x, x if x < 1.0 else 2.0 - x
                )


@inlined
def times_alike(index: Any, twins: Any, edges: int) -> float:
    """In how many orders the indices of exchangeable edges can be put; twins[e]: edge e is like edge e - 1."""
    orders = 1.0
    run, same = 1, 1
    for e in range(1, edges):
        if twins[e]:
            run += 1
            same = same + 1 if index[e] == index[e - 1] else 1
            orders = orders * run / same
        else:
            run, same = 1, 1
    return orders


@lean
def nested_sums(
    values: Any, first: int, rates: Any, edges: int, twins: Any, times: Any, fresh: bool, whole: int, epoch: int,
    rest: int, forever: bool, span: float, parts: int, sizes: Any, state_begins: Any, step_begins: Any, visits: Any,
    crossing: Any, ends: Any, passing: Any, gains: Any, terms: Any, skipped: Any, kept: Any, goals: Any, weights: Any,
    factors: Any, index: Any, row: Any, diagonal: Any, upper: Any, next_row: Any, next_upper: Any, outer_row: Any,
    outer_diagonal: Any, outer_upper: Any, out: Any,
) -> None:
    """out[r, t] = sum over tuples i in slab r of values[i] * W_t(k_i), k_e = 1 - rates[i_e].

    W_t is the sum over maps of the programme; if `times` is not empty, that of one epoch of times[t] updates, ascending.
    With parts >= 0, W is the integral over one epoch of length `span` with k^dt -> exp(-rate dt) instead, of so many parts.
    values: (slabs, n^(edges-1)), from index `first` of the first edge. Of tuples that differ by an exchange of twins, which
    have equal values, the ascending one stands for all.
    """
    n = len(rates)
    transfers = (sizes, state_begins, step_begins, visits, crossing, ends, passing, gains)
    factors[0, 0], factors[1, 0] = 1.0, 0.0
    for slab in range(len(values)):
        for t in range(out.shape[1]):
            out[slab, t] = 0.0
        index[0] = first + slab
        for e in range(1, edges):
            index[e] = index[e - 1] if twins[e] else 0
        changed = stale = 0
        while True:
            stale = min(stale, changed)
            flat = 0
            for e in range(1, edges):
                flat = flat * n + index[e]
            value = values[slab, flat]
            if value != 0.0:
                fill_factors(factors, rates, index, stale, edges, parts >= 0)
                stale = edges
                value *= times_alike(index, twins, edges)
                if len(times) > 0:
                    add_curve(
                        out[slab], value, times, factors, transfers, row, diagonal, upper, next_row, next_upper,
                        outer_diagonal, outer_upper,
                    )
                elif parts >= 0:
                    out[slab, 0] += value * one_epoch_integral(
                        factors, span, parts, forever, transfers, row, diagonal, upper, next_row, next_upper, outer_upper
                    )
                elif fresh:
                    out[slab, 0] += value * fresh_orders_sum(
                        factors, whole, epoch, rest, transfers, terms, skipped, kept, goals, weights, row, diagonal, upper,
                        next_row, next_upper, outer_row, outer_diagonal, outer_upper,
                    )
                else:
                    out[slab, 0] += value * one_order_sum(
                        factors, whole, epoch, rest, forever, transfers, terms, skipped, kept, row, diagonal, upper,
                        next_row, next_upper,
                    )
            changed = edges - 1
            while changed > 0:
                index[changed] += 1
                if index[changed] < n:
                    break
                changed -= 1
            if changed <= 0:
                break
            for e in range(changed + 1, edges):
                index[e] = index[e - 1] if twins[e] else 0
