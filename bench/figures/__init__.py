"""The papers' experiments: every script computes a theory and a simulation, and draws one beside the other.

    fastdiag figures [NAME...] [--quick]

A script is `pieces(quick)`, what is computed, each under a name of its own; `rows(found)`, numbers that the simulation
judges; `draw(figure, found)`; TITLE, SIZE in inches, and the modules that it NEEDS besides the package's own. What comes
before `draw` in its text decides the numbers: they are kept in a file for each piece until that text changes.
"""

NAMES = (
    "cancer", "digits", "convnet", "gap", "gdc", "epochs", "sde", "archimedes", "mean_estimation", "rules", "chladni",
    "stationary", "preconditioned", "escape", "alignment", "spectra", "cyclic", "counting",
)
