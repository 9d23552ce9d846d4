"""Make, or check, breast_cancer.npz: the Breast Cancer Wisconsin (Diagnostic) measurements.

Source: W. H. Wolberg, W. N. Street, O. L. Mangasarian, UCI Machine Learning Repository (1995), doi:10.24432/C5DW2B,
licence CC BY 4.0. scikit-learn carries the same numbers; they are copied from there.

    python data/make_breast_cancer.py            # check the file against scikit-learn and the recorded sha256
    python data/make_breast_cancer.py --write    # make it anew

Fields: X (569, 30) float64, the measurements as published; y (569,) int8, 1 = benign; names (30,) str.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer

HERE = Path(__file__).parent
FILE, DIGEST = HERE / "breast_cancer.npz", HERE / "breast_cancer.npz.sha256"

data = load_breast_cancer()
fields = {"X": data.data, "y": data.target.astype(np.int8), "names": np.asarray(data.feature_names, dtype="U32")}
if "--write" in sys.argv:
    np.savez_compressed(FILE, **fields)
    DIGEST.write_text(f"{hashlib.sha256(FILE.read_bytes()).hexdigest()}  {FILE.name}\n")
with np.load(FILE, allow_pickle=False) as stored:
    same = sorted(stored.files) == sorted(fields) and all(np.array_equal(stored[k], v) for k, v in fields.items())
recorded = DIGEST.read_text().split()[0]
if not same or hashlib.sha256(FILE.read_bytes()).hexdigest() != recorded:
    sys.exit(f"{FILE.name} does not hold what scikit-learn carries, or its sha256 differs")
print(f"{FILE.name}: 569 x 30, sha256 {recorded}")
