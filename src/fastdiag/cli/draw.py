"""`fastdiag draw`."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click

from ..errors import InputError
from ..typing import Last, Sampling
from . import options
from .shell import NEW_FILE, echo

MOST_EMBEDDINGS = 100_000  # they are gone through one by one


@click.command(short_help="Draw a DIAGRAM, or an embedding in a spacetime.")
@click.argument("diagram", required=False)
@click.option("-N", "points", type=int, help="Training points: draw a spacetime.")
@options.batch
@options.updates
@options.epochs
@options.sampling
@options.last
@click.option("--embedding", type=click.IntRange(1, MOST_EMBEDDINGS), default=1, show_default=True,
              help="Which embedding to lay over.")
@click.option("-o", "--output", type=NEW_FILE, help="Write an SVG file.")
def draw(
    diagram: str | None,
    points: int | None,
    batch: int,
    updates: int | None,
    epochs: int | None,
    sampling: Sampling,
    last: Last | None,
    embedding: int,
    output: Path | None,
) -> None:
    """Draw a DIAGRAM, or a spacetime with an embedding of it.

    \b
        fastdiag draw '[a b[a]]'                       as text
        fastdiag draw '[a b[a]]' -o diagram.svg        as a picture
        fastdiag draw -N 6 -B 2 -E 3                   the shaded cells of a spacetime
        fastdiag draw '[a b[a]]' -N 4 -T 8 --embedding 3 -o embedding.svg
    """
    from .. import drawing
    from ..diagram import Diagram
    from ..embedding import embeddings
    from ..files import write
    from ..spacetime import Spacetime

    parsed = None if diagram is None else Diagram.parse(diagram)
    if output and output.suffix.lower() != ".svg":
        raise InputError(f"pictures are written as SVG; give a file name that ends in .svg, not {output.name}")
    if points is None and (updates is not None or epochs is not None or batch != 1 or embedding != 1 or last):
        raise InputError(
            "-B, -T, -E, --last and --embedding belong to a spacetime; give its number of training points with -N"
        )
    if points is None:
        if parsed is None:
            raise InputError("nothing to draw; give a diagram such as '[a b[a]]', or a spacetime with -N")
        picture = drawing.diagram_svg(parsed) if output else drawing.diagram_text(parsed)
    else:
        if updates is None and epochs is None:
            updates, epochs = options.one_epoch(points, batch, sampling)
        spacetime = Spacetime(points, batch, updates, E=epochs, sampling=sampling, last=last)
        chosen = None
        if parsed is not None:
            chosen = next(islice(embeddings(parsed, spacetime), embedding - 1, None), None)
            if chosen is None:
                raise InputError(f"{parsed} has fewer than {embedding} embeddings in {spacetime}")
        make = drawing.spacetime_svg if output else drawing.spacetime_text
        picture = make(spacetime, embedding=chosen)
    if output:
        write(output, picture.encode())
        echo(f"wrote {output}")
    else:
        echo(picture)
