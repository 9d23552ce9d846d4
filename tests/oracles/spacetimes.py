"""Spacetimes to test on: drawn small, or made of the numbers that a formula takes."""

from hypothesis import strategies as st

import fastdiag as fd

SAMPLINGS = ["reshuffle", "cyclic", "replacement"]


@st.composite
def spacetimes(draw, most_cells=8):
    """Small enough to enumerate, partial epochs included."""
    sampling = draw(st.sampled_from(SAMPLINGS))
    B = draw(st.integers(1, 2))
    N = draw(st.integers(B, 4)) if sampling == "replacement" else B * draw(st.integers(1, 3))
    spacetime = fd.Spacetime(N, B, draw(st.integers(1, most_cells // B)), sampling=sampling)
    while spacetime.number_of_realisations() > 300:
        spacetime = spacetime.with_updates(spacetime.T - 1)
    return spacetime


def of_size(sampling, N, B, size):
    """`size` epochs, or updates where no epochs are: with replacement and, as many as it has, in 'one epoch'."""
    if sampling == "one epoch":
        return fd.Spacetime(N, B, min(size, N // B))
    if sampling == "replacement":
        return fd.Spacetime(N, B, size, sampling=sampling)
    return fd.Spacetime(N, B, E=size, sampling=sampling)
