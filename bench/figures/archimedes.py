"""ARCHIMEDES: noise turns a screw. z against time for four learning rates, and a tilted valley that SGD climbs."""

from functools import partial
from math import inf, pi

import numpy as np

import fastdiag as fd

from .frame import Row
from .style import BLACK, GREY, legend, measured, plain_logs, theory, titled

TITLE = "ARCHIMEDES: the velocity of SGD along a valley, and a tilted valley that it climbs"
SIZE = (11.4, 3.5)
SEEDS = "3"
ETAS, PERIOD = (0.01, 0.02, 0.05, 0.1), pi  # z + pi is the same screw with the sign of x turned


def landscape(tilt=0.0):
    """With `tilt` times z added to the loss."""
    flat = fd.landscapes.archimedes()
    if not tilt:
        return flat
    import sympy

    u, v, z, x = sympy.symbols("u v z x", real=True)
    across, noise = u**2 + v**2 + (sympy.cos(z) * u + sympy.sin(z) * v) ** 2, z - sympy.pi / 4
    loss = across / 2 + sympy.Rational(str(tilt)) * z + x * (sympy.cos(noise) * u + sympy.sin(noise) * v)
    return fd.landscapes.symbolic(loss, (u, v, z), x, fd.landscapes.normal(), [0, 0, 0])


def one(eta, method, tilt, quick):
    """z over a period and more, and the velocity over the last nine tenths of it, run by run."""
    drift = float(fd.stationary.valley_drift(fd.landscapes.archimedes(), eta)[2])
    last = int(1e4) if eta > 0.04 else int(2 * 1.1 * PERIOD / (eta**2 / 6)) // 2
    times = np.unique(np.geomspace(100 if eta > 0.04 else 1000, last, 9).astype(int))
    runs = (16 if quick else 64) * (4 if eta > 0.04 else 1)
    if method == "sde":
        runs //= 2
    found = fd.simulate(
        landscape(tilt), fd.Spacetime(inf, 1, last), eta, runs=runs, seed=3, observable="displacement", T=times,
        keep_runs=True, progress=False, method=method, **({"refinement": 2} if method == "sde" else {}),
    )
    z = np.asarray(found.values)[..., 2]  # (times, runs)
    first = int(np.searchsorted(times, last / 10))
    speeds = (z[-1] - z[first]) / (times[-1] - times[first])
    return {
        "eta": eta, "times": times, "z": z.mean(axis=1), "error": z.std(axis=1, ddof=1) / runs**0.5,
        "speed": speeds.mean(), "speed_error": speeds.std(ddof=1) / runs**0.5, "drift": drift, "tilt": tilt,
    }


def pieces(quick):
    asked = {f"eta{eta}".replace(".", "_"): (eta, "sgd", 0.0) for eta in (ETAS[2:] if quick else ETAS)}
    asked |= {"tilted": (0.1, "sgd", 0.008), "sde": (0.1, "sde", 0.0)}
    return {name: partial(one, *numbers, quick) for name, numbers in asked.items()}


def rows(found):
    """Velocities in units of eta^2."""
    listed = []
    for piece, each in found.items():
        eta, name = float(each["eta"]), {"tilted": "tilted valley", "sde": "SDE with the covariance at the weights"}
        if piece != "sde":  # its theory is another
            predicted = (each["drift"] - eta * each["tilt"]) / eta**2
            case = f"ARCHIMEDES, {name.get(piece, 'velocity / eta^2')}, eta = {eta:g}"
            listed.append(Row(case, float(predicted), float(each["speed"] / eta**2), float(each["speed_error"] / eta**2)))
    return listed


def draw(figure, found):
    left, middle, right = figure.subplots(1, 3)
    valley = [each for piece, each in found.items() if piece.startswith("eta")]
    for k, each in enumerate(valley):
        theory(left, each["times"], each["drift"] * each["times"], k, rf"$\eta$ = {each['eta']:g}")
        measured(left, each["times"], each["z"], each["error"], k)
    left.axhline(PERIOD, color=GREY, lw=0.8, ls=(0, (1, 2)), label="a period")
    left.set_xscale("log")
    left.set_yscale("log")
    left.set_ylim(top=300)
    titled(left, "lines: predicted; points: simulated, 99 %", "updates T", "mean of z")
    etas = np.array([each["eta"] for each in valley])
    grid = np.geomspace(0.008, 0.15, 12)
    drifts = [fd.stationary.valley_drift(fd.landscapes.archimedes(), eta)[2] / eta**2 for eta in grid]
    theory(middle, grid, drifts, 0, "predicted, exact in $\\eta$")
    middle.axhline(1 / 6, color=GREY, lw=0.9, ls=(0, (5, 2)), label=r"small rates: $\eta^2/6$")
    middle.axhline(0, color=GREY, lw=0.9, ls=(0, (1, 1.2)), label="SDE with the same noise everywhere: 0")
    speeds, errors = (np.array([each[key] for each in valley]) / etas**2 for key in ("speed", "speed_error"))
    measured(middle, etas, speeds, errors, label="SGD, simulated, 99 %", color=BLACK)
    each = found["sde"]
    speed, error = each["speed"] / each["eta"] ** 2, each["speed_error"] / each["eta"] ** 2
    measured(middle, [1.08 * each["eta"]], [speed], [error], 1, "SDE with the noise at the weights")
    middle.set_xscale("log")
    plain_logs(middle.xaxis)
    middle.set_ylim(-0.01, 0.25)
    titled(middle, "velocity", r"learning rate $\eta$", r"velocity / $\eta^2$")
    each = found["tilted"]
    times, tilt, eta = each["times"], float(each["tilt"]), float(each["eta"])
    theory(right, times, tilt * (each["drift"] - eta * tilt) * times, 0, "SGD, predicted")
    measured(right, times, tilt * each["z"], tilt * each["error"], label="SGD, simulated, 99 %", color=BLACK)
    theory(right, times, -(tilt**2) * eta * times, 1, "gradient descent")
    titled(right, rf"a valley with slope {tilt:g}, $\eta$ = {eta:g}", "updates T", "height of the floor")
    for ax, place in ((left, "upper left"), (middle, "lower right"), (right, "upper left")):
        legend(ax, loc=place)
    middle.legend(frameon=False, fontsize=7, loc=(0.02, 0.1))
