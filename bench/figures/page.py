"""The numbers of docs/experiments.md: written between the page's marks, for each figure and counted for all."""

import re

from .frame import counted, counts, script

MARK = re.compile(r"(<!-- numbers: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
OPEN = 6  # numbers that are shown at once


def table(header, lines):
    """In Markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *lines)) + "\n"


def line(row):
    """A prediction, its own error, the simulation, z, and whether it lies in the interval."""
    own = "" if row.believable is None else f"{row.error:.2g}{'' if row.believable else ', not trusted'}"
    simulated = f"{row.simulated:.6g} ± {row.half:.2g}"
    return [row.case, f"{row.prediction:.6g}", own, simulated, f"{row.z:.1f}", "yes" if row.inside else "no"]


def numbers(name, rows, seconds):
    """What a figure's simulation says of its predictions, with seeds and time."""
    told = f"seeds {seeds}; " if (seeds := getattr(script(name), "SEEDS", "")) else ""
    if not rows:
        return f"({told}{seconds:.0f} s)\n"
    header = ["", "predicted", "its own error", "simulated, 99 %", "z", "inside"]
    begin = f"<details{' open' if len(rows) <= OPEN else ''}><summary>Numbers ({told}{seconds:.0f} s)</summary>\n\n"
    return f"{begin}{table(header, map(line, rows))}\n</details>\n"


def said(rows):
    """In words, of all that say something of themselves."""
    judged = [row for row in rows if row.believable is not None]
    halves = [(abs(row.prediction - row.simulated) / row.half, row.error / row.half, row) for row in judged]
    sure, open_ = ([each for each in halves if each[2].says_inside is says] for says in (True, False))
    missed = [off for off, _, row in sure if not row.inside]
    left, near = sum(not row.inside for *_, row in open_), sum(row.within_error for *_, row in open_)
    further = [(off / (1 + own), row) for off, own, row in halves if not row.within_error]
    curves = counted(rows)
    (stay, those), (leave, others) = (curves[kind] for kind in list(curves)[-2:])
    worst = max((off for off, _ in further), default=1)
    return f"""Of {len(sure)} predictions that say that they lie inside {len(sure) - len(missed)} do; the others are at most
{max(missed, default=0):.2f} halves of the interval from its middle.
Of {len(open_)} that say that they may be outside {left} are, and {near} are as near as they say. Were true errors spread
evenly up to what is said, {sum(1 / own for _, own, _ in open_):.0f} would be inside, not {len(open_) - left}.
{len(further)} of all are further off than interval and error together, by a factor of {worst:.2f} at most;
{sum(row.believable for _, row in further)} of these are trusted, and {len(judged) / 100:.0f} would be so by chance.
Of {those} curves that say of some points that they lie inside {stay} do at all of these;
of {others} that say of some that they may be outside {leave} leave there.
"""


def written(text, found):
    """The page's text with what was found, {name: (rows, seconds)}, in place of what stands between its marks.

    What stands between the marks of others stays.
    """
    blocks = {name: numbers(name, *each) for name, each in found.items()}
    header, lines = counts({name: rows for name, (rows, _) in found.items() if rows})
    header = ["", *(kind.replace("\n", " ") for kind in header)]
    blocks["all"] = table(header, [[f"`{name}`" if name in found else name, *cells] for name, *cells in lines])
    blocks["all"] += f"\n{said([row for rows, _ in found.values() for row in rows])}"
    return MARK.sub(lambda mark: f"{mark[1]}{blocks.get(mark[2], mark[3])}{mark[4]}", text)
