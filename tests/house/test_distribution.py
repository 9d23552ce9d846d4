"""What is published: wheel and sdist, installed into empty environments, away from the source tree."""

import os
import shutil
import subprocess
import sys
import tarfile
import venv
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


def pythons():
    """The Pythons on the PATH that the package is for, and this one."""
    yield sys.executable
    for minor in range(11, 15):
        found = shutil.which(f"python3.{minor}")
        if minor != sys.version_info.minor and found and not subprocess.run([found, "-c", ""], capture_output=True).returncode:
            yield found


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


@pytest.mark.long
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
@pytest.mark.parametrize("python", list(pythons()), ids=lambda path: Path(path).name)
def test_installed_into_an_empty_environment(python, kind, built, tmp_path):
    if kind == "sdist" and python != sys.executable:
        pytest.skip("the sdist makes the same wheel")
    wheel, source = built
    if python == sys.executable:
        venv.create(tmp_path / "venv", with_pip=True)
    else:
        subprocess.run([python, "-m", "venv", tmp_path / "venv"], check=True)
    inside = tmp_path / "venv" / "bin"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    install = [inside / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", wheel if kind == "wheel" else source]
    subprocess.run(install, check=True, env=environment, cwd=tmp_path)
    for command in ([inside / "python", "-c", SNIPPET], [inside / "fastdiag", "draw", "[a b[a]]"]):
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
