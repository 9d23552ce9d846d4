"""Make the shipped coefficient tables, orders 0 to 6, and record their sha256.

    python data/make_tables.py

Bytes that differ from those that `KNOWN` in coefficients/schema.py knows are not written: they are another version.
"""

import hashlib
from pathlib import Path

from fastdiag.coefficients.build import make
from fastdiag.coefficients.order import KINDS, file_name

HERE = Path(__file__).parent

for kind in KINDS:
    for order in range(7):
        make(kind, order, HERE)
        name = file_name(kind, order)
        digest = hashlib.sha256((HERE / name).read_bytes()).hexdigest()
        (HERE / f"{name}.sha256").write_text(f"{digest}  {name}\n")
        print(f"wrote data/{name}")
