"""Cost of counting embeddings: enumeration grows with the grid, the closed form does not.

    python bench/figures/enumeration_against_closed_form.py [picture.png]

For one diagram of order 4 over two epochs (reshuffle), N = T/2 points: seconds to enumerate all maps of one realisation
of the batches, and seconds for the exact expectation in closed form, its pattern table made anew each time. Answers are
asserted equal first, on a spacetime whose realisations can all be listed.
"""

import sys
import time

import numpy as np

import fastdiag as fd
from fastdiag.embedding import enumerated_maps
from fastdiag.embedding.embeddings import map_slots
from fastdiag.embedding.patterns import patterns

DIAGRAM = fd.Diagram.parse("[a b[a] c]")
SIZES = [2, 3, 4, 5, 6, 8, 10, 12, 15, 20]
CLOSED = [*SIZES, 100, 1000, 10**4, 10**6, 10**9]


def seconds(action, least=0.05):
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


def measure():
    """Rows (N T, seconds to enumerate or nan, seconds in closed form)."""
    for N in (2, 3, 4):
        spacetime = fd.Spacetime(N, 1, 2 * N)
        assert closed(N) == enumerated_maps(DIAGRAM, spacetime, "moment")
        assert enumerate_one(N) == fd.maps(DIAGRAM, fd.Spacetime(N, 1, 2 * N, sampling="cyclic"), "moment")
    return [
        (2 * N * N, seconds(lambda N=N: enumerate_one(N)) if N in SIZES else np.nan, seconds(lambda N=N: closed(N)))
        for N in CLOSED
    ]


def main():
    rows = np.array(measure())
    cells, listed, formula = rows.T
    ratio = np.log(listed / formula)[: len(SIZES)]
    crossing = np.exp(np.interp(0, ratio, np.log(cells[: len(SIZES)])))
    print(f"{'cells N T':>22} {'enumeration':>14} {'closed form':>14} {'ratio':>9}")
    for c, a, b in rows:
        beside = ("", "") if np.isnan(a) else (f"{1e3 * a:.3f} ms", f"{a / b:.2f}")
        print(f"{c:22.0f} {beside[0]:>14} {1e3 * b:11.3f} ms {beside[1]:>9}")
    print(f"they cross at {crossing:.0f} cells")
    if len(sys.argv) > 1:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.2, 3.4), layout="constrained")
        ax = figure.subplots()
        ax.loglog(cells, listed, "o-", color="#b5482a", ms=4, lw=1, label="enumeration, one realisation of the batches")
        ax.loglog(cells, formula, "s-", color="#16425b", ms=4, lw=1, label="closed form, all realisations, exact")
        ax.axvline(crossing, color="0.6", lw=0.8, ls=":")
        corner = (crossing, ax.get_ylim()[0])
        ax.annotate(f"{crossing:.0f} cells", corner, xytext=(4, 6), textcoords="offset points", fontsize=8)
        ax.set_xlabel("cells of spacetime, N T")
        ax.set_ylabel("seconds")
        ax.set_title(f"counting the maps of {DIAGRAM}, two epochs", fontsize=9)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, fontsize=8)
        figure.savefig(sys.argv[1], dpi=200)


if __name__ == "__main__":
    main()
