"""The numbers of docs/experiments.md: written between the page's marks, for each figure and counted for all."""

import re

from .frame import QUANTILE, counts, script

MARK = re.compile(r"(<!-- numbers: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
OPEN = 6  # numbers that are shown at once


def table(header, lines):
    """In Markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *lines)) + "\n"


def line(row):
    """A prediction, its own error, the simulation, z, and whether it lies in the interval."""
    own = "" if row.believable is None else f"{row.error:.2g}{'' if row.believable else ', not trusted'}"
    simulated = f"{row.simulated:.6g} ± {QUANTILE * row.stderr:.2g}"
    return [row.case, f"{row.prediction:.6g}", own, simulated, f"{row.z:.1f}", "yes" if row.inside else "no"]


def numbers(name, rows, seconds):
    """What a figure's simulation says of its predictions, with seeds and time."""
    told = f"seeds {seeds}; " if (seeds := getattr(script(name), "SEEDS", "")) else ""
    if not rows:
        return f"({told}{seconds:.0f} s)\n"
    header = ["", "predicted", "its own error", "simulated, 99 %", "z", "inside"]
    begin = f"<details{' open' if len(rows) <= OPEN else ''}><summary>Numbers ({told}{seconds:.0f} s)</summary>\n\n"
    return f"{begin}{table(header, map(line, rows))}\n</details>\n"


def written(text, found):
    """The page's text with what was found, {name: (rows, seconds)}, in place of what stands between its marks."""
    blocks = {name: numbers(name, *each) for name, each in found.items()}
    header, lines = counts({name: rows for name, (rows, _) in found.items() if rows})
    header = ["", *(kind.replace("\n", " ") for kind in header)]
    blocks["all"] = table(header, [[f"`{name}`" if name in found else name, *cells] for name, *cells in lines])
    return MARK.sub(lambda mark: f"{mark[1]}{blocks[mark[2]]}{mark[3]}", text)
