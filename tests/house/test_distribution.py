"""What is published: wheel and sdist, installed into empty environments, away from the source tree."""

import functools
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from fastdiag.files import to_install

ROOT = Path(__file__).parents[2]
SNIPPET = """
import pathlib, sys
import fastdiag as fd
assert pathlib.Path(fd.__file__).is_relative_to(sys.prefix), fd.__file__
assert fd.table(6)["[a b[a]]"].coefficient(N=1000, B=10, E=3) == -13455
p = fd.predict(fd.landscapes.breast_cancer(), fd.Spacetime(N=10, T=10), 0.01, noise=1)
assert 0.54 < p.total < 0.55 and p.trust, p
try:
    import matplotlib
except ImportError:
    pass
else:
    raise AssertionError("this environment was to hold no extra")
from fastdiag.files import to_install
assert to_install("plot") == "pip install 'fastdiag[plot]'"
"""


def said(*command):
    """What a program prints; nothing where it is not there or fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


@functools.cache
def pythons():
    """A Python of each minor version that the package is for: this one, on the PATH, pyenv's and uv's."""
    name = "python3.1[1-4]"
    found = [found for folder in os.get_exec_path() for found in Path(folder).glob(name)]
    found += [found for root in said("pyenv", "root").split() for found in Path(root).glob(f"versions/*/bin/{name}")]
    managed = said("uv", "python", "list", "--only-installed", "--output-format=json") or "[]"
    found += [Path(one["path"]) for one in json.loads(managed) if Path(one["path"]).match(name)]
    usable = {sys.version_info.minor: Path(sys.executable)}
    for python in found:  # a shim of pyenv's and a Python that cannot make environments print nothing
        if minor := said(python, "-c", "import ensurepip, sys, venv; print(sys.version_info.minor)"):
            usable.setdefault(int(minor), python)
    return usable


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A wheel and an sdist, of what git tracks: nothing that lies about gets in."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=ROOT, check=True, capture_output=True)
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, source


def test_what_a_wheel_holds(built):
    wheel, _ = built
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    assert {"fastdiag/py.typed", "fastdiag/__init__.pyi", "fastdiag/data/reshuffle-06.npz"} <= names
    modules = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*.py")}
    assert {name for name in names if name.endswith(".py") and "/data/" not in name} == modules
    assert not [name for name in names if name.startswith(("tests", "docs", "bench")) or "__pycache__" in name]


def test_what_an_sdist_holds(built):
    _, source = built
    with tarfile.open(source) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    for name in ("README.md", "CITATION.cff", "LICENSE", "Makefile", "docs/conf.py", "docs/index.md", "tests/conftest.py"):
        assert name in names
    assert "src/fastdiag/__init__.py" in names


def test_in_a_checkout_extras_are_installed_from_it():
    assert to_install("plot") == f"pip install -e '{ROOT}[plot]'"


@pytest.mark.parametrize(
    ("minor", "kind"), [*((minor, "wheel") for minor in range(11, 15)), (sys.version_info.minor, "sdist")]
)  # the sdist makes the same wheel: once is enough
def test_installed_into_an_empty_environment(minor, kind, built, tmp_path):
    if minor not in pythons():
        pytest.skip(f"no Python 3.{minor} on the PATH, of pyenv or of uv")
    subprocess.run([pythons()[minor], "-m", "venv", tmp_path / "venv"], check=True)
    inside = tmp_path / "venv" / "bin"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}

    def run(*command):
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    package = built[kind == "sdist"]
    installed = run(
        inside / "python", "-m", "pip", "install", "-q", "--prefer-binary", "--disable-pip-version-check", "--no-compile", "--retries=1",
        package,
    )
    missing = re.search("No matching distribution found for .*", installed.stderr)
    if missing:
        pytest.skip(f"Python 3.{minor} is here, what fastdiag needs is not: {missing[0]}")
    assert installed.returncode == 0, installed.stderr
    for command in ([inside / "python", "-c", SNIPPET], [inside / "fastdiag", "draw", "[a b[a]]"]):
        done = run(*command)
        assert done.returncode == 0, done.stderr
