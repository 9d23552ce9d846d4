"""Cost of counting embeddings: enumeration grows with the grid, the closed form does not.

For one diagram of order 4 over two epochs (reshuffle), N = T/2 points: seconds to enumerate all maps of one realisation
of the batches, and seconds for the exact expectation in closed form, its pattern table made anew each time. Answers are
asserted equal first, on a spacetime whose realisations can all be listed.
"""

import time

import numpy as np

import fastdiag as fd
from fastdiag.embedding import enumerated_maps
from fastdiag.embedding.embeddings import map_slots
from fastdiag.embedding.patterns import patterns

from .style import GREY, RED, legend, titled

TITLE = "cost of counting embeddings: one by one, and in closed form"
SIZE = (5.2, 3.4)
DIAGRAM = fd.Diagram.parse("[a b[a] c]")
SIZES = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20)
CLOSED = (*SIZES, 100, 1000, 10**4, 10**6, 10**9)


def seconds(action, least=0.02):
    """Best of three, each long enough to measure."""
    action()
    best = np.inf
    for _ in range(3):
        start, calls = time.perf_counter(), 0
        while time.perf_counter() - start < least:
            action()
            calls += 1
        best = min(best, (time.perf_counter() - start) / calls)
    return best


def enumerate_one(N):
    batches = fd.Spacetime(N, 1, 2 * N, sampling="cyclic").batches()
    return sum(len(slots) for slots in map_slots(DIAGRAM, batches, "moment"))


def closed(N):
    patterns.cache_clear()
    return fd.maps(DIAGRAM, fd.Spacetime(N, 1, 2 * N), "moment")


def measure(quick):
    """Cells N T, seconds to enumerate or nan, seconds in closed form."""
    for N in (2, 3, 4):
        spacetime = fd.Spacetime(N, 1, 2 * N)
        assert closed(N) == enumerated_maps(DIAGRAM, spacetime, "moment")
        assert enumerate_one(N) == fd.maps(DIAGRAM, fd.Spacetime(N, 1, 2 * N, sampling="cyclic"), "moment")
    sizes = CLOSED[1::3] if quick else CLOSED
    return {
        "cells": [2.0 * N * N for N in sizes],
        "listed": [seconds(lambda N=N: enumerate_one(N)) if N in SIZES else np.nan for N in sizes],
        "closed": [seconds(lambda N=N: closed(N)) for N in sizes],
    }


def pieces(quick):
    return {"seconds": lambda: measure(quick)}


def rows(found):
    """None: these are seconds."""
    return []


def draw(figure, found):
    cells, listed, formula = (found["seconds"][key] for key in ("cells", "listed", "closed"))
    both = ~np.isnan(listed)
    crossing = np.exp(np.interp(0, np.log(listed / formula)[both], np.log(cells[both])))
    ax = figure.subplots()
    ax.loglog(cells, listed, "o-", color=RED, ms=4, lw=1, label="enumeration, one realisation of the batches")
    ax.loglog(cells, formula, "s--", color="#0072B2", ms=4, lw=1, label="closed form, all realisations, exact")
    ax.axvline(crossing, color=GREY, lw=0.8, ls=":")
    corner = (crossing, ax.get_ylim()[0])
    ax.annotate(f"{crossing:.0f} cells", corner, xytext=(4, 6), textcoords="offset points", fontsize=8)
    titled(ax, f"counting the maps of {DIAGRAM}, two epochs", "cells of spacetime, N T", "seconds")
    legend(ax)
