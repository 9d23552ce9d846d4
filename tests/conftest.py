"""Shared by all tests: one Hypothesis profile (compilation makes deadlines meaningless), a cache of one's own."""

import gc
import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "fastdiag", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("fastdiag")
gc.set_threshold(100_000, 50, 100)  # thousands of tests and all of SymPy are looked through again and again otherwise
if "PYTEST_XDIST_WORKER" in os.environ:  # workers share the processors: BLAS would wait for threads that do not run
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """The mark `every`: the cases between are long."""
    seen = Counter()
    for item in items:
        if mark := item.get_closest_marker("every"):
            if seen[item.module, item.originalname] % mark.args[0]:
                item.add_marker(pytest.mark.long)
            seen[item.module, item.originalname] += 1


@pytest.fixture
def cache(tmp_path, monkeypatch):
    from fastdiag import files
    from fastdiag.coefficients import store

    folder = tmp_path / "home" / "cache"
    monkeypatch.setattr(store, "cache_folder", lambda: folder)
    monkeypatch.setattr(files, "cache_folder", lambda: folder)
    monkeypatch.delenv("FASTDIAG_DATA_DIR", raising=False)
    return folder
