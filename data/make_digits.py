"""Make, or check, digits.npz: handwritten digits of 8 x 8 pixels.

Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (1998),
doi:10.24432/C50P49, licence CC BY 4.0. scikit-learn carries its test set; the numbers are copied from there.

    python data/make_digits.py            # check the file against scikit-learn and the recorded sha256
    python data/make_digits.py --write    # make it anew

Fields: X (1797, 64) int8, pixels from 0 to 16, row by row; y (1797,) int8, the digits.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

HERE = Path(__file__).parent
FILE, DIGEST = HERE / "digits.npz", HERE / "digits.npz.sha256"

data = load_digits()
fields = {"X": data.data.astype(np.int8), "y": data.target.astype(np.int8)}
if not np.array_equal(fields["X"], data.data):
    sys.exit("scikit-learn's pixels are no small integers")
if "--write" in sys.argv:
    np.savez_compressed(FILE, **fields)
    DIGEST.write_text(f"{hashlib.sha256(FILE.read_bytes()).hexdigest()}  {FILE.name}\n")
with np.load(FILE, allow_pickle=False) as stored:
    same = sorted(stored.files) == sorted(fields) and all(np.array_equal(stored[k], v) for k, v in fields.items())
recorded = DIGEST.read_text().split()[0]
if not same or hashlib.sha256(FILE.read_bytes()).hexdigest() != recorded:
    sys.exit(f"{FILE.name} does not hold what scikit-learn carries, or its sha256 differs")
print(f"{FILE.name}: 1797 x 64, sha256 {recorded}")
