"""Where data files are found."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from .errors import DataError


def find(name: str) -> Path:
    """A data file, looked for in FASTDIAG_DATA_DIR, in the installed package, and in the repository's data/.

    Raises
    ------
    DataError : it is in none of them, or differs from the sha256 recorded beside it
    """
    here = Path(__file__).resolve()
    folders = [here.parent / "data", here.parents[2] / "data"]
    if chosen := os.environ.get("FASTDIAG_DATA_DIR"):
        folders.insert(0, Path(chosen))
    for folder in folders:
        path = folder / name
        if path.is_file():
            _verify(path)
            return path
    raise DataError(
        f"{name} was not found in {', '.join(map(str, folders))}; reinstall fastdiag, "
        "or set FASTDIAG_DATA_DIR to a folder that holds it"
    )


def _verify(path: Path) -> None:
    recorded = path.with_name(path.name + ".sha256")
    if not recorded.is_file():
        return
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != recorded.read_text().split()[0]:
        raise DataError(f"{path} differs from the sha256 recorded beside it; reinstall fastdiag or restore the file")
