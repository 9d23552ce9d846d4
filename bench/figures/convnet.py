"""Test loss against the learning rate on the papers' convolutional network and the digits, ten updates (needs JAX)."""

from functools import partial

import fastdiag as fd

from . import orders

TITLE = "test loss against eta on the papers' convolutional network"
NEEDS = ("jax",)
SIZE = (8.6, 3.3)
SEEDS = "0, 1, of weights and of runs"
IMAGES = 400  # of the digits: order 3 goes over all pairs
KEPT = 20  # eigenvalues of the Hessian that are summed up; resummed order 3 takes third derivatives along all weights
N, ETAS, STARTS = 10, (0.005, 0.01, 0.02, 0.05, 0.1), (0, 1)


def one(seed, quick):
    digits, etas = fd.landscapes.digits(), ETAS[1::2] if quick else ETAS
    X, y = digits.X[:IMAGES, :64].reshape(-1, 8, 8), digits.y[:IMAGES]
    net = fd.landscapes.convolutional(X, y, seed=seed)
    options = {"plain": 2 if quick else 3, "start": 2, "noise": 1, "between": 1, "propagator": KEPT, "tolerance": 0.01}
    return orders.compared(net, fd.Spacetime(N, T=N), etas, 200 if quick else 2000, seed, **options)


def pieces(quick):
    return {f"seed{seed}": partial(one, seed, quick) for seed in (STARTS[:1] if quick else STARTS)}


def rows(found):
    return [row for piece, each in found.items() for row in orders.rows(f"convolutional network, {piece}", each)]


def draw(figure, found):
    orders.panels(figure, found, lambda piece: f"N = T = {N}, weights of {piece.replace('seed', 'seed ')}")
