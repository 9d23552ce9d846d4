"""One look for all pictures: colours that colour-blind readers tell apart, and lines and marks that differ in grey too."""

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from .frame import QUANTILE

# Okabe and Ito's palette, from dark to light
BLACK, BLUE, RED, GREEN, PURPLE, SKY, ORANGE = "#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
GREY = "0.45"
COLOURS = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK)
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (2, 2)))
MARKS = "osD^vPX"


def theory(ax, x, y, kind, label=None, **options):
    """A line; the kind is its colour and its dashes."""
    look = {"color": COLOURS[kind % 7], "ls": DASHES[kind % 7], "lw": 1.3}
    return ax.plot(x, y, label=label, **look | options)[0]


def measured(ax, x, mean, stderr, kind=6, label=None, **options):
    """Points with intervals of 99 %; the kind is their colour and their mark. kind=6 is black."""
    look = {"color": COLOURS[kind % 7], "fmt": MARKS[kind % 7] if kind != 6 else "o", "ms": 3.5, "lw": 0.9, "capsize": 2}
    look |= {"mfc": "white", "mew": 0.9, "zorder": 5, "ls": "none"}
    return ax.errorbar(x, mean, QUANTILE * np.asarray(stderr), label=label, **look | options)


def doubted(ax, x, believable, label="not to be trusted"):
    """Shade from the first value of x that is not believable to the right end."""
    x, believable = np.asarray(x), np.asarray(believable, bool)
    if believable.all():
        return
    first = int(np.argmin(believable))
    left = x[0] if first == 0 else np.sqrt(x[first - 1] * x[first])
    ax.axvspan(left, x[-1] * 1.3, color="0.5", alpha=0.15, lw=0, label=label, zorder=0)


def plain_logs(axis, subs=(1, 2, 5)):
    """Numbers such as 0.02 on a logarithmic axis, not powers."""
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def titled(ax, title, x=None, y=None):
    """Words at the axes."""
    ax.set_title(title, fontsize=9)
    if x:
        ax.set_xlabel(x)
    if y:
        ax.set_ylabel(y)


def legend(ax, **options):
    """Small, without a frame."""
    ax.legend(**{"frameon": False, "fontsize": 7.5} | options)


def shared_legend(figure, axes, **options):
    """One legend for all axes, outside on the right; of equal labels the first."""
    named = {}
    for ax in np.ravel(axes):
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    look = {"loc": "outside right upper", "frameon": False, "fontsize": 7.5}
    figure.legend(named.values(), named.keys(), **look | options)
