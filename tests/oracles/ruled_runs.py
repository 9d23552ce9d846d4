"""Every update rule beside its definition in NumPy, and the grids and learning rates that tiny problems are run with."""

import fastdiag as fd

from . import plain_optimizers as plain
from .enumerated_runs import EVERY_KIND

U = fd.updates
ETAS = {"logistic": 0.5, "softmax": 0.5, "squares": 0.3} | dict.fromkeys(("samples", "symbolic", "directional", "field"), 0.1)
FACTORS = [1.0, 0.5, 2.0, 0.25]
RULES = {
    "momentum": (U.momentum(0.6), plain.heavy_ball(0.6)),
    "nesterov": (U.nesterov(0.6), plain.nesterov(0.6)),
    "quasi-hyperbolic": (U.quasi_hyperbolic(0.7, 0.4), plain.quasi_hyperbolic(0.7, 0.4)),
    "decay": (U.weight_decay(0.2), plain.heavy_ball(decay=0.2)),
    "decay with momentum": (U.weight_decay(0.2, 0.5), plain.heavy_ball(0.5, decay=0.2)),
    "schedule": (U.schedule(FACTORS), plain.heavy_ball(rates=FACTORS)),
    "momentum, schedule": (U.momentum(0.6).with_schedule(FACTORS), plain.heavy_ball(0.6, FACTORS)),
    "newton": (U.regularized_newton(0.7), plain.regularized_newton(0.7)),
    "adam": (U.adam(0.8, 0.9, 0.1), plain.adam(0.8, 0.9, 0.1)),
    "rmsprop": (U.rmsprop(0.9, 0.3).with_schedule(FACTORS), plain.adam(0.0, 0.9, 0.3, False, FACTORS)),
    "clipped": (U.clipped(0.8, U.momentum(0.5)), plain.heavy_ball(0.5, clip=0.8)),
}
GRIDS = {
    "two epochs": fd.Spacetime(N=2, T=4),
    "batches": fd.Spacetime(N=4, B=2, T=2),
    "cyclic": fd.Spacetime(N=2, T=3, sampling="cyclic"),
    "replacement": fd.Spacetime(N=3, B=2, T=2, sampling="replacement"),
    "ragged": fd.Spacetime(N=3, B=2, E=2, last="keep"),
}


def pairs(rules):
    """Each of these rules with each kind of landscape; a field has no Hessian."""
    return [(rule, kind) for rule in rules for kind in EVERY_KIND if (rule, kind) != ("newton", "field")]
