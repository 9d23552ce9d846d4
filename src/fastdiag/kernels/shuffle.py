"""Random subsets and orders, from given uniform variates."""

from typing import Any

from .kernel import kernel


@kernel
def draw_batches(rows: Any, variates: Any, out: Any) -> None:
    """Ordered batches out (runs, batches, B), each a uniform B-subset of its run's row of `rows` (runs, N).

    For each batch anew, the first B steps of the Fisher-Yates shuffle; it shuffles `rows` in place. variates: uniform
    in [0, 1), of the shape of out. One batch of B = N is a uniform order.
    """
    runs, batches, B = out.shape
    N = rows.shape[1]
    for r in range(runs):
        for t in range(batches):
            for b in range(B):
                other = b + int(variates[r, t, b] * (N - b))
                row = rows[r, other]
                rows[r, other] = rows[r, b]
                rows[r, b] = row
                out[r, t, b] = row
