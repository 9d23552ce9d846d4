"""Test loss against the learning rate on breast cancer: one epoch of 10 and of 100 points, from three starts."""

from functools import partial

import numpy as np

import fastdiag as fd

from . import orders

TITLE = "test loss against eta on breast cancer, every order about the start and about the path"
SIZE = (9.6, 5.2)
SEEDS = "10 N, 10 N + 1, 10 N + 2"
STARTS = {"zero": None, "first": 1, "second": 2}
WORDS = {"zero": "from zero", "first": "random start 1", "second": "random start 2"}
ETAS = {10: (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1), 100: (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)}
SPREAD = 0.2  # of the random starts


def landscape(start):
    seed = STARTS[start]
    theta = None if seed is None else SPREAD * np.random.default_rng(seed).standard_normal(31)
    return fd.landscapes.breast_cancer(theta=theta)


def one(start, N, quick):
    etas = ETAS[N][1:-1:2] if quick else ETAS[N]
    runs = 2000 if quick else 40_000 if N == 10 else 10_000
    seed = 10 * N + (STARTS[start] or 0)
    most = 2 if quick else 3
    return orders.compared(landscape(start), fd.Spacetime(N, T=N), etas, runs, seed, plain=most, start=most)


def cases(quick):
    return [(start, N) for N in ETAS for start in STARTS if not quick or (start, N) == ("first", 10)]


def pieces(quick):
    return {f"{start}-{N}": partial(one, start, N, quick) for start, N in cases(quick)}


def named(piece):
    start, _, N = piece.partition("-")
    return f"N = T = {N}, {WORDS[start]}"


def rows(found):
    return [row for piece, each in found.items() for row in orders.rows(f"breast cancer, {named(piece)}", each)]


def draw(figure, found):
    orders.panels(figure, found, named, max(1, len(found) // 3))
