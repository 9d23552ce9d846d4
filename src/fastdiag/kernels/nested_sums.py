"""Sums over maps with edges that carry k^(dt - 1), one for every tuple of edge indices, contracted on the fly.

A programme is a list of transfers (triangular matrices over states) and what is made of them; see `values.programme`.
Products of k come with their losses, see `triangular`. Functions of one tuple are compiled for a GPU as they stand; on the
CPU each of their numbers is of `lanes`: LANES tuples side by side.
"""

from typing import Any

from .kernel import inlined, lean
from .lanes import LANES, chosen, in_lanes, magnitude
from .triangular import Pair, matrix_power, multiplied, power, row_times_matrix, row_times_power


@inlined
def product(factors: Any, masks: Any, visits: int) -> Pair:
    """The product of the k of the edges in some masks, and its loss."""
    result, lost = 1.0, 0.0
    for i in range(visits):
        result, lost = multiplied(result, lost, factors[0, masks[i]], factors[1, masks[i]])
    return result, lost


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
            row_times_power(row, diagonal, upper, m + 1, whole, forever, next_row, next_upper)
            ways *= row[m]
        for i in range(max(sizes[early], sizes[late])):
            row[i] = 1.0 if i == 0 else 0.0
        if rest > 0 or (forever and whole == 0):
            row_through(row, early, rest, forever, factors, transfers, diagonal, upper, next_row, next_upper)
            for i in range(sizes[early]):
                row[i] *= kept[state_begins[early] + i]
        if epoch > rest:
            row_through(row, late, epoch - rest, False, factors, transfers, diagonal, upper, next_row, next_upper)
        total += ways * row[sizes[late] - 1]
    return total


@inlined
def fresh_orders_sum(
    factors: Any, whole: int, epoch: int, rest: int, forever: bool, transfers: Any, terms: Any, skipped: Any, kept: Any,
    goals: Any, weights: Any, row: Any, diagonal: Any, upper: Any, next_row: Any, next_upper: Any, outer_row: Any,
    outer_diagonal: Any, outer_upper: Any,
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
            row_times_power(outer_row, outer_diagonal, outer_upper, ideals, times, forever, next_row, next_upper)
        total += weights[term] * outer_row[ideals - 1]
    return total


@inlined
def one_epoch_integral(
    sums: Any, span: float, parts: int, forever: bool, transfers: Any, row: Any, diagonal: Any, upper: Any, next_row: Any,
    next_upper: Any, last: Any,
) -> Any:
    """The integral over times of the parts of exp(-sums x duration): the corner of exp(span x generator).

    sums[1, mask]: of the rates of the edges of a mask. In steps of span / 2^m the generator is small, and its exponential a
    short series; scaled by the step for each part, it has entries of order 1.
    """
    size, step_begins, crossing, ends, gains = transfers[0][0], transfers[2], transfers[4], transfers[5], transfers[7]
    largest = 1.0
    for i in range(size):
        diagonal[0, i], diagonal[1, i] = 1.0, sums[1, crossing[i, 0]]
        largest = max(largest, magnitude(diagonal[1, i]) * span)
        row[i] = 1.0 if i == 0 else 0.0
        for j in range(size):
            upper[i, j] = 0.0
    for s in range(step_begins[1]):
        upper[ends[s, 0], ends[s, 1]] = gains[s]
    if forever:
        row_times_power(row, diagonal, upper, size, 0, True, next_row, next_upper)
        return row[size - 1]
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
                last[i, j] = term / float(order)
                next_upper[i, j] += last[i, j]
    for i in range(size):
        diagonal[0, i], diagonal[1, i] = 1.0 + next_upper[i, i], -next_upper[i, i]
        for j in range(i + 1, size):
            upper[i, j] = next_upper[i, j]
    row_times_power(row, diagonal, upper, size, times, False, next_row, next_upper)
    return row[size - 1] * step**parts


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
def add_edge(factors: Any, e: int, x: float, sums: bool) -> None:
    """factors[:, mask] <- the product of 1 - x over the edges of the mask, for the masks whose highest edge is e.

    With `sums`, the sum of the x instead, in the place of the loss.
    """
    for mask in range(1 << e):
        if sums:
            factors[1, mask | 1 << e] = factors[1, mask] + x
        else:
            factors[0, mask | 1 << e], factors[1, mask | 1 << e] = multiplied(
                factors[0, mask], factors[1, mask], 1.0 - x, chosen(x < 1.0, x, 2.0 - x)
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
            orders *= run
            if same > 1:
                orders /= same
        else:
            run, same = 1, 1
    return orders


@inlined
def gather(values: Any, rates: Any, edges: int, twins: Any, index: Any, weight: Any, rate: Any) -> int:
    """Fill the lanes with the next tuples whose values are not 0; how many there are.

    index: where to go on: the indices of the edges, and the row of `values`. Lanes that stay empty get weight 0 and the
    rates of the first.
    """
    n, last, filled = len(rates), edges - 1, 0
    while index[edges] < len(values) and filled < LANES:
        row, i = index[edges], index[last]
        if twins[last]:
            i = max(i, index[last - 1])
        for e in range(1, last):
            if twins[e] and index[e] < index[e - 1]:
                i = n
        while i < n and values[row, i] == 0.0:
            i += 1
        if i < n:
            index[last] = i
            weight[0, filled] = values[row, i] * times_alike(index, twins, edges)
            for e in range(edges):
                rate[e, filled] = rates[index[e]]
            filled += 1
            index[last] += 1
        else:
            index[last] = 0
            index[edges] += 1
            e = last - 1
            while e > 0 and index[e] == n - 1:
                index[e] = 0
                e -= 1
            if e >= 0:
                index[e] += 1
    for q in range(filled, LANES):
        weight[0, q] = 0.0
        for e in range(edges):
            rate[e, q] = rate[e, 0]
    return filled


@lean
def nested_sums(
    values: Any, first: int, rates: Any, numbers: Any, edges: int, twins: Any, times: Any, fresh: bool, whole: int,
    epoch: int, rest: int, forever: bool, span: float, parts: int, sizes: Any, state_begins: Any, step_begins: Any,
    visits: Any, crossing: Any, ends: Any, passing: Any, gains: Any, terms: Any, skipped: Any, kept: Any, goals: Any,
    weights: Any, index: Any, weight: Any, rate: Any, factors: Any, row: Any, diagonal: Any, upper: Any, next_row: Any,
    next_upper: Any, outer_row: Any, outer_diagonal: Any, outer_upper: Any, out: Any,
) -> None:
    """out[y, t] += sum over tuples i of values[i] * W_t(k_i), k_e = 1 - numbers[y] rates[i_e], a share to each lane.

    W_t is the sum over maps of the programme; if `times` is not empty, that of one epoch of times[t] updates, ascending.
    With parts >= 0, W is the integral over one epoch of length `span` with k^dt -> exp(-rate dt) instead, of so many parts.
    values: (rows, n), a row for each tuple of all indices but the last; the index before the others begins with `first`.
    Of tuples that differ by an exchange of twins, which have equal values, the ascending one stands for all.
    """
    transfers = (sizes, state_begins, step_begins, visits, crossing, ends, passing, gains)
    weight_lanes, rate_lanes, totals = in_lanes(weight), in_lanes(rate), in_lanes(out)
    products, here, next_here, outer_here = in_lanes(factors), in_lanes(row), in_lanes(next_row), in_lanes(outer_row)
    corner, above, next_above = in_lanes(diagonal), in_lanes(upper), in_lanes(next_upper)
    outer_corner, outer_above = in_lanes(outer_diagonal), in_lanes(outer_upper)
    products[0, 0], products[1, 0] = 1.0, 0.0
    for e in range(edges + 1):
        index[e] = first if e == 0 else 0
    while gather(values, rates, edges, twins, index, weight, rate) > 0:
        for y in range(len(numbers)):
            for e in range(edges):
                add_edge(products, e, numbers[y] * rate_lanes[e], parts >= 0)
            if len(times) > 0:
                add_curve(
                    totals[y], weight_lanes[0], times, products, transfers, here, corner, above, next_here, next_above,
                    outer_corner, outer_above,
                )
            elif parts >= 0:
                totals[y, 0] += weight_lanes[0] * one_epoch_integral(
                    products, span, parts, forever, transfers, here, corner, above, next_here, next_above, outer_above
                )
            elif fresh:
                totals[y, 0] += weight_lanes[0] * fresh_orders_sum(
                    products, whole, epoch, rest, forever, transfers, terms, skipped, kept, goals, weights, here, corner,
                    above, next_here, next_above, outer_here, outer_corner, outer_above,
                )
            else:
                totals[y, 0] += weight_lanes[0] * one_order_sum(
                    products, whole, epoch, rest, forever, transfers, terms, skipped, kept, here, corner, above, next_here,
                    next_above,
                )
