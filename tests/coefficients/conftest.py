"""A home without tables, for those who build."""

import pytest

from fastdiag import files


@pytest.fixture
def bare_cache(tmp_path, monkeypatch):
    """A home of one's own, and no shipped tables."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FASTDIAG_DATA_DIR", raising=False)
    monkeypatch.setattr(files, "__file__", str(tmp_path / "a" / "b" / "files.py"))
    return files.cache_folder()
