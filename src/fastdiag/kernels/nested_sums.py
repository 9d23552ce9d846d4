"""Sums over maps with edges that carry k^(dt - 1), one for every tuple of edge indices, contracted on the fly.

What is summed, and how, is told by a `packed_sum`. Products of k come with their losses, see `triangular`. Functions of one
tuple are compiled for a GPU as they stand; on the CPU each of their numbers is of `lanes`: LANES tuples side by side.
"""

from typing import Any

from .kernel import inlined, lean
from .lanes import LANES, chosen, in_lanes, magnitude
from .packed_sum import Duration, PackedSum, Scratch, Summands, Transfers
from .triangular import Pair, Workspace, matrix_power, multiplied, power, row_times_matrix, row_times_power, start_row


@inlined
def edge_product(factors: Any, masks: Any, visits: int) -> Pair:
    """The product of the k of the edges in some masks, and its loss."""
    result, lost = 1.0, 0.0
    for i in range(visits):
        result, lost = multiplied(result, lost, factors[0, masks[i]], factors[1, masks[i]])
    return result, lost


@inlined
def set_transfer(t: int, factors: Any, transfers: Transfers, work: Workspace) -> None:
    """matrix <- transfer t."""
    size, states, visits = transfers.sizes[t], transfers.state_begins[t], transfers.visits[t]
    for i in range(size):
        work.diagonal[0, i], work.diagonal[1, i] = edge_product(factors, transfers.crossing[states + i], visits)
        for j in range(i + 1, size):
            work.upper[i, j] = 0.0
    for s in range(transfers.step_begins[t], transfers.step_begins[t + 1]):
        i, j = transfers.ends[s, 0], transfers.ends[s, 1]
        work.upper[i, j] = transfers.gains[s] * edge_product(factors, transfers.passing[s], visits)[0]


@inlined
def set_diagonal(masks: Any, size: int, times: int, factors: Any, work: Workspace) -> None:
    """matrix <- the products of the k of the edges in the masks, to the power `times`; zeros above the diagonal."""
    for i in range(size):
        mask = masks[i]
        work.diagonal[0, i], work.diagonal[1, i] = power(factors[0, mask], factors[1, mask], times)
        for j in range(i + 1, size):
            work.upper[i, j] = 0.0


@inlined
def one_order_sum(factors: Any, duration: Duration, transfers: Transfers, summands: Summands, work: Workspace) -> float:
    """The sum over maps where one order of the rows is repeated."""
    whole, epoch, rest, forever = duration
    row, sizes = work.row, transfers.sizes
    total = 0.0
    for term in range(len(summands.transfers)):
        early, late, m = summands.transfers[term, 0], summands.transfers[term, 1], summands.transfers[term, 2]
        ways = 1.0
        if whole > 0:  # h_(whole - m) as the corner of the power of a bidiagonal matrix
            set_diagonal(summands.skipped[term], m + 1, epoch, factors, work)
            for i in range(m):
                work.upper[i, i + 1] = 1.0
            start_row(row, m + 1)
            row_times_power(work, m + 1, whole, forever)
            ways *= row[m]
        start_row(row, max(sizes[early], sizes[late]))
        if rest > 0 or (forever and whole == 0):
            set_transfer(early, factors, transfers, work)
            row_times_power(work, sizes[early], rest, forever)
            for i in range(sizes[early]):
                row[i] *= summands.kept[transfers.state_begins[early] + i]
        if epoch > rest:
            set_transfer(late, factors, transfers, work)
            row_times_power(work, sizes[late], epoch - rest, False)
        total += ways * row[sizes[late] - 1]
    return total


@inlined
def fresh_orders_sum(
    factors: Any, duration: Duration, transfers: Transfers, summands: Summands, inner: Workspace, outer: Workspace
) -> float:
    """The sum over maps where every epoch has its own order; an epoch is a step between ideals, found by its updates."""
    masks = summands.skipped[0]
    ideals = len(masks)
    total = 0.0
    for term in range(len(summands.transfers)):
        start_row(outer.row, ideals)
        for stage in range(2):
            updates, times = (duration.epoch, duration.whole) if stage == 0 else (duration.rest, 1)
            if updates == 0 or times == 0:
                continue
            set_diagonal(masks, ideals, updates, factors, outer)
            for i in range(ideals):
                t = summands.transfers[term, 0] + i
                size, states = transfers.sizes[t], transfers.state_begins[t]
                start_row(inner.row, size)
                set_transfer(t, factors, transfers, inner)
                row_times_power(inner, size, updates, False)
                for state in range(states + 1, states + size):
                    outer.upper[i, summands.goals[state]] = inner.row[state - states] * summands.kept[state]
            row_times_power(outer, ideals, times, duration.forever)
        total += summands.weights[term] * outer.row[ideals - 1]
    return total


@inlined
def one_epoch_integral(
    sums: Any, duration: Duration, parts: int, transfers: Transfers, work: Workspace, last: Any
) -> Any:
    """The integral over times of the parts of exp(-sums x duration): the corner of exp(length x generator).

    sums[1, mask]: of the rates of the edges of a mask. In steps of length / 2^m the generator is small, and its exponential
    a short series; scaled by the step for each part, it has entries of order 1. last: (states, states), scratch.
    """
    size, row, diagonal, upper, next_upper = transfers.sizes[0], work.row, work.diagonal, work.upper, work.next_upper
    times, step = 1, float(duration.epoch)
    largest = 1.0
    for i in range(size):
        diagonal[0, i], diagonal[1, i] = 1.0, sums[1, transfers.crossing[i, 0]]
        largest = max(largest, magnitude(diagonal[1, i]) * step)
        for j in range(size):
            upper[i, j] = 0.0
    for s in range(transfers.step_begins[1]):
        upper[transfers.ends[s, 0], transfers.ends[s, 1]] = transfers.gains[s]
    start_row(row, size)
    if duration.forever:
        row_times_power(work, size, 0, True)
        return row[size - 1]
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
    row_times_power(work, size, times, False)
    return row[size - 1] * step**parts


@inlined
def add_curve(
    out: Any, value: float, times: Any, factors: Any, transfers: Transfers, work: Workspace, square: Workspace
) -> None:
    """out[t] += value x the sum over maps into one epoch of times[t] updates; times ascend. Equal gaps share a power."""
    size = transfers.sizes[0]
    start_row(work.row, size)
    gap = 0
    for t in range(len(times)):
        here = times[t] - (times[t - 1] if t > 0 else 0)
        if here != gap:
            gap = here
            set_transfer(0, factors, transfers, square)
            matrix_power(work, square, size, gap)
        if gap > 0:
            row_times_matrix(work, size)
        out[t] += value * work.row[size - 1]


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
def gather(values: Any, rates: Any, twins: Any, index: Any, weight: Any, rate: Any) -> int:
    """Fill the lanes with the next tuples whose values are not 0; how many there are.

    index: where to go on: the indices of the edges, and the row of `values`. Lanes that stay empty get weight 0 and the
    rates of the first.
    """
    n, edges, filled = len(rates), len(twins), 0
    last = edges - 1
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


@inlined
def in_lanes_all(work: Workspace) -> Workspace:
    """The workspace, its numbers side by side."""
    row, diagonal, upper, next_row, next_upper = work
    return Workspace(in_lanes(row), in_lanes(diagonal), in_lanes(upper), in_lanes(next_row), in_lanes(next_upper))


@lean
def nested_sums(
    values: Any, first: int, rates: Any, numbers: Any, twins: Any, times: Any, packed: Any, scratch: Any, out: Any
) -> None:
    """out[y, t] += sum over tuples i of values[i] * W_t(k_i), k_e = 1 - numbers[y] rates[i_e], a share to each lane.

    W_t is the sum over maps of `packed`, a PackedSum; if `times` is not empty, that of one epoch of times[t] updates,
    ascending. values: (rows, n), a row for each tuple of all indices but the last; the index before the others begins with
    `first`. Of tuples that differ by an exchange of twins, which have equal values, the ascending one stands for all.
    scratch: a Scratch. Both as plain tuples, see `plain`.
    """
    duration, fresh, parts, transfers, summands = PackedSum(*packed)
    duration, transfers, summands = Duration(*duration), Transfers(*transfers), Summands(*summands)
    space = Scratch(*scratch)
    weight, rate, totals, factors = in_lanes(space.weight), in_lanes(space.rate), in_lanes(out), in_lanes(space.factors)
    inner, outer = in_lanes_all(space.inner), in_lanes_all(space.outer)
    factors[0, 0], factors[1, 0] = 1.0, 0.0
    for e in range(len(twins) + 1):
        space.index[e] = first if e == 0 else 0
    while gather(values, rates, twins, space.index, space.weight, space.rate) > 0:
        for y in range(len(numbers)):
            for e in range(len(twins)):
                add_edge(factors, e, numbers[y] * rate[e], parts >= 0)
            if len(times) > 0:
                add_curve(totals[y], weight[0], times, factors, transfers, inner, outer)
            elif parts >= 0:
                totals[y, 0] += weight[0] * one_epoch_integral(factors, duration, parts, transfers, inner, outer.upper)
            elif fresh:
                totals[y, 0] += weight[0] * fresh_orders_sum(factors, duration, transfers, summands, inner, outer)
            else:
                totals[y, 0] += weight[0] * one_order_sum(factors, duration, transfers, summands, inner)
