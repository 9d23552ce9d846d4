"""Test loss against the learning rate on softmax regression of the digits, 650 weights, ten updates, two starts."""

from functools import partial

import numpy as np

import fastdiag as fd

from . import orders

TITLE = "test loss against eta on softmax regression of the digits"
SIZE = (8.6, 3.3)
SEEDS = "1"
N, ETAS = 10, (0.005, 0.01, 0.02, 0.05, 0.1)
STARTS = {"zero": "from zero", "first": "from a random start"}
SPREAD, IMAGES = 0.3, 600


def one(start, quick):
    theta = None if start == "zero" else SPREAD * np.random.default_rng(1).standard_normal((10, 65))
    digits, etas = fd.landscapes.digits(), ETAS[1::3] if quick else ETAS
    land = fd.landscapes.softmax(digits.X[:IMAGES], digits.y[:IMAGES], theta)
    most = 2 if quick else 3
    options = {"plain": most, "start": most, "noise": 1, "between": 1}
    return orders.compared(land, fd.Spacetime(N, T=N), etas, 100 if quick else 1000, 1, **options)


def pieces(quick):
    return {start: partial(one, start, quick) for start in (list(STARTS)[:1] if quick else STARTS)}


def rows(found):
    return [row for start, each in found.items() for row in orders.rows(f"digits, {STARTS[start]}", each)]


def draw(figure, found):
    orders.panels(figure, found, lambda start: f"N = T = {N}, {STARTS[start]}")
