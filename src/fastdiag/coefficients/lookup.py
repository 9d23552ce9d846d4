"""Finding the tables of coefficients, in files or by building them."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np

from ..door import door
from ..embedding import check_basis
from ..errors import DataError, InputError
from ..files import cache_folder, folder_of, folders
from ..progress import check_progress
from ..spacetime import check_sampling
from ..typing import Basis, IntArray, PathLike, Sampling
from .order import OrderTable, check_table
from .schema import Kind, file_name, most_bytes
from .sizes import check_in_memory, check_on_disk
from .store import load
from .table import CoefficientTable
from .verification import check


@door
def table(
    order: int,
    sampling: Sampling = "reshuffle",
    basis: Basis = "cumulant",
    *,
    path: PathLike | None = None,
    progress: bool | None = None,
) -> CoefficientTable:
    """The coefficients (papers: Theorem 3) of all diagrams with at most `order` edges, at any N, B, T, E.

    Parameters
    ----------
    order : 0 to 10
    sampling : 'reshuffle', 'cyclic' or 'replacement'
    basis : 'cumulant' or 'moment'
    path : a folder to look in before all others
    progress : draw a progress bar if a table has to be built; by default where standard error is a terminal

    Returns
    -------
    CoefficientTable. Its files, one for each order, are looked for in `path`, in the folder FASTDIAG_DATA_DIR, in the
    package (orders 0 to 6), in the repository's data/, and in the user's cache; what is in none of them is built into the
    cache. A file that is not the table is passed over with a DataWarning, never used. Replacement is read from the files of
    reshuffle, with epochs of one update.

    Raises
    ------
    InputError : order out of range, unknown sampling or basis
    TooLargeError : no room on the disk, or in memory, for a table of that order

    Examples
    --------
    >>> import fastdiag as fd
    >>> table = fd.table(4)
    >>> table
    <coefficient table: 124 diagrams to order 4, reshuffle, cumulant basis>
    >>> table["[a a]"].coefficient(N=1000, B=10, E=3)
    Fraction(45, 1)
    >>> table.coefficients(N=1000, B=10, T=range(1, 1001)).shape
    (124, 1000)
    """
    order, kind = check_table(order, sampling)
    sampling, basis = check_sampling(sampling), check_basis(basis)
    progress = check_progress(progress)
    if path is not None and not os.path.isdir(folder_of(path)):
        raise InputError(f"path must be a folder that holds tables, and {path} is none; fastdiag.build makes them in one")
    if not any(os.path.isfile(folder / file_name(kind, order)) for folder in folders(path)):
        with suppress(DataError):  # no cache: see `load`
            check_on_disk(kind, order, cache_folder())  # before lower orders are built
    orders = tuple(_found(kind, d, path, progress) for d in range(order + 1))
    return CoefficientTable(orders, np.arange(sum(map(len, orders))), None, sampling, basis)


def _found(kind: Kind, order: int, path: PathLike | None, progress: bool | None) -> OrderTable:
    def build() -> dict[str, IntArray]:
        from .build import in_memory

        check_in_memory(kind, order)
        return in_memory(kind, order)

    def make(folder: Path) -> None:
        from .build import make

        make(kind, order, folder, progress=progress)

    arrays = load(file_name(kind, order), partial(check, kind, order), build, path, make, most_bytes(kind, order))
    return OrderTable(kind, order, arrays)
