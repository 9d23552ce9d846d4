"""The derivatives of log(1 + exp(z)), to full precision where they are all but 0."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..typing import FloatArray


def softplus(degree: int, z: FloatArray, q: FloatArray | None = None) -> FloatArray:
    """The derivative of this degree of log(1 + exp(z)); q: exp(-|z|), where it is known already.

    With q = exp(-|z|) those of z < 0 are q A(q) / (1 + q)^k, A the Eulerian polynomial with alternating signs; the second
    and higher ones are even or odd in z.

    Examples
    --------
    >>> softplus(0, np.array([-40.0, 0.0])).tolist(), softplus(2, np.array([-40.0, 0.0, 800.0])).tolist()
    ([4.248354255291589e-18, 0.6931471805599453], [4.248354255291589e-18, 0.25, 0.0])
    """
    with np.errstate(under="ignore"):
        q = np.exp(-np.abs(z)) if q is None else q
        if degree == 0:
            return np.asarray(np.maximum(z, 0.0) + np.log1p(q))
        if degree == 1:
            return np.asarray(np.where(z > 0, 1.0, q) / (1.0 + q))
        first, *numbers = eulerian(degree - 1)
        total = q * float(first)
        for number in numbers:
            total += float(number)
            total *= q
        below = 1.0 / (1.0 + q)
        for _ in range(degree):
            total *= below
        return total if degree % 2 == 0 else np.where(z > 0, -total, total)


@lru_cache
def eulerian(count: int) -> tuple[int, ...]:
    """A polynomial of degree count - 1, highest power first: the Eulerian numbers with alternating signs.

    >>> eulerian(3)
    (1, -4, 1)
    """
    numbers = [1]
    for n in range(2, count + 1):
        numbers = [(k + 1) * a + (n - k) * b for k, (a, b) in enumerate(zip([*numbers, 0], [0, *numbers], strict=True))]
    return tuple((-1) ** k * number for k, number in enumerate(numbers))[::-1]
