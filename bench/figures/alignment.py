"""Alignment of gradient noise with curvature: six nets at random weights, and widths ([E], figures 1 and 2)."""

from functools import partial

import numpy as np

import fastdiag as fd

from .style import BLACK, COLOURS, GREY, MARKS, legend, plain_logs, titled

TITLE = "alignment of gradient noise with curvature: linear, diagonal, two-layer and four-layer nets, and against width"
SIZE = (11.4, 3.7)
SEEDS = "0 to 11"
POINTS, INPUTS, WIDTH = 100, 50, 50
WIDTHS = (5, 10, 20, 50, 100)
NETS = {  # layers, slope below 0
    "linear": (1, 1.0), "diagonal": (0, 1.0), "two layers": (2, 1.0), "two layers,\nleaky ReLU": (2, 0.5),
    "four layers": (4, 1.0), "four layers,\nReLU": (4, 0.0),
}
ALONG_WIDTH = ("two layers", "two layers,\nleaky ReLU", "four layers,\nReLU")


def network(X, layers, slope):
    """Outputs and Jacobian of a net with one output; all layers but the last bend, with that slope below 0."""
    reached, bends = [X], []
    for i, W in enumerate(layers):
        found = reached[-1] @ W.T
        bends.append(np.where(found > 0, 1.0, slope) if i < len(layers) - 1 else np.ones_like(found))
        reached.append(found * bends[-1])
    back, parts = bends[-1], []
    for i in reversed(range(len(layers))):
        parts.append((back[:, :, None] * reached[i][:, None, :]).reshape(len(X), -1))
        if i:
            back = (back @ layers[i]) * bends[i - 1]
    return reached[-1][:, 0], np.hstack(parts[::-1])


def one(net, width, seed, directions):
    """Loss alignment, its least and greatest value for any residuals, and along some directions, at random weights."""
    rng = np.random.default_rng([seed, width, NETS[net][0]])
    X, target = rng.standard_normal((POINTS, INPUTS)), rng.standard_normal(INPUTS) / INPUTS**0.5
    depth, slope = NETS[net]
    if depth == 0:
        model = fd.noise.diagonal_network(X, *rng.standard_normal((2, INPUTS)) / INPUTS**0.25)
        outputs, J = model.outputs, model.jacobian
    else:
        sizes = [INPUTS, *[width] * (depth - 1), 1]
        layers = [rng.standard_normal((out, into)) / into**0.5 for into, out in zip(sizes, sizes[1:], strict=False)]
        outputs, J = network(X, layers, slope)
    r = outputs - X @ target
    mu, (low, high) = fd.noise.loss_alignment(J, r), fd.noise.loss_alignment_bounds(J)
    assert low <= mu <= high
    if not directions:
        return mu, low, high
    values, left = np.linalg.eigh(J @ J.T)  # J^T times its eigenvectors are those of G, the sharpest last
    sharpest = J.T @ (left[:, -directions:] / np.sqrt(values[-directions:]))[:, ::-1]
    return mu, low, high, fd.noise.directional_alignment(J, r, sharpest)


def several(net, width, seeds, directions=0):
    found = [one(net, width, seed, directions) for seed in range(seeds)]
    return {"mu": [each[:3] for each in found]} | ({"g": [each[3] for each in found]} if directions else {})


def pieces(quick):
    seeds = 4 if quick else 12
    asked = {f"net{k}": partial(several, net, WIDTH, seeds, 20) for k, net in enumerate(NETS)}
    for k, net in enumerate(ALONG_WIDTH):
        asked |= {f"along{k}-{width}": partial(several, net, width, seeds) for width in (WIDTHS[::3] if quick else WIDTHS)}
    return asked


def rows(found):
    """None: there is no prediction but bounds, which `one` asserts."""
    return []


def draw(figure, found):
    left, middle, right = figure.subplots(1, 3)
    for k, net in enumerate(NETS):
        each = found[f"net{k}"]
        mu, low, high = each["mu"].T
        left.plot(np.full(len(mu), k) + np.linspace(-0.15, 0.15, len(mu)), mu, MARKS[k], ms=3, mfc="none", color=COLOURS[k])
        for bound in (low, high):
            label = "bounds for any residuals" if k == 0 and bound is low else None
            left.plot([k - 0.3, k + 0.3], [bound.mean()] * 2, color=GREY, lw=1, label=label)
        g = each["g"].mean(axis=0)
        look = {"ms": 3, "mfc": "none", "color": COLOURS[k], "label": net.replace("\n", " ")}
        middle.plot(np.arange(1, len(g) + 1), g, MARKS[k], **look)
    left.set_xticks(range(len(NETS)), NETS, rotation=35, ha="right", fontsize=7.5)
    titled(left, f"n = {POINTS}, d = {INPUTS}, width {WIDTH}, random weights", None, r"loss alignment $\mu$")
    titled(middle, "along the sharpest directions of G", "rank of the eigenvalue", "directional alignment, mean over seeds")
    for k, net in enumerate(ALONG_WIDTH):
        pieces_ = [piece for piece in found if piece.startswith(f"along{k}-")]
        those = {int(piece.partition("-")[2]): found[piece]["mu"].T for piece in pieces_}
        width = np.array(list(those)) * (0.94, 1.0, 1.06)[k]
        mu = np.array([each[0].mean() for each in those.values()])
        ends = np.abs(mu - [[each[0].min() for each in those.values()], [each[0].max() for each in those.values()]])
        colour = list(NETS).index(net)
        right.errorbar(width, mu, ends, fmt=MARKS[colour], color=COLOURS[colour], ms=4, mfc="white", capsize=2, lw=1,
                       label=net.replace("\n", " "))
    right.set_xscale("log")
    plain_logs(right.xaxis)
    titled(right, "mean and range over seeds", "width", r"loss alignment $\mu$")
    for ax in (left, middle, right):
        ax.axhline(1, color=BLACK, lw=0.7, ls=(0, (1, 2)))
        ax.set_ylim(0, None)
        legend(ax, fontsize=7)
