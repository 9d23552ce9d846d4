"""The package as a whole: what loads when, which room imports which, examples in docstrings, file sizes."""

import doctest
import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastdiag as fd

ROOT = Path(__file__).parents[2]
MODULES = sorted(m.name for m in pkgutil.walk_packages(fd.__path__, "fastdiag.") if m.name != "fastdiag.__main__")


def python(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_loads_nothing_heavy():
    heavy = "{'numpy', 'numba', 'sympy', 'matplotlib', 'click', 'rich'}"
    assert python(f"import sys, fastdiag; print({heavy} & set(sys.modules))") == "set()\n"


def test_numba_waits_for_the_first_kernel():
    code = "import sys, fastdiag as fd; fd.maps('[a b[a]]', fd.Spacetime(N=10**6, T=10**6)); "
    assert python(code + "print('numba' in sys.modules)") == "False\n"
    assert python("import sys, fastdiag.cli; print({'numba', 'sympy', 'matplotlib'} & set(sys.modules))") == "set()\n"


def test_every_public_name_is_there():
    for name in fd.__all__:
        assert getattr(fd, name) is not None
    with pytest.raises(AttributeError, match="see dir") as caught:
        fd.predikt  # noqa: B018
    assert (caught.value.name, caught.value.obj) == ("predikt", fd)  # from which tracebacks say what may have been meant
    assert set(fd.__all__) == set(dir(fd))
    with pytest.raises(AttributeError, match="no attribute 'diagramz'"):
        _ = fd.diagramz


def test_rooms_import_in_one_direction():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", MODULES)
def test_docstring_examples(module):
    if module.endswith((".autodiff", ".convolutional")):
        pytest.importorskip("jax")
    failed, _ = doctest.testmod(importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0


def test_files_are_short_and_documented():
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        text = path.read_text()
        assert text.count("\n") <= (400 if ROOT / "tests" in path.parents else 350), path
        assert text.startswith('"""'), path


def test_public_functions_have_examples():
    found = {name: getattr(fd, name) for name in fd.__all__ if name not in ("Diagrams", "FastdiagError")}
    functions = [name for name, value in found.items() if callable(value)]
    assert len(functions) > 20
    for name in functions:
        assert ">>>" in found[name].__doc__, name


def test_errors_are_fastdiags_and_builtin():
    for error in vars(fd.errors).values():
        if isinstance(error, type) and error is not fd.FastdiagError and not issubclass(error, Warning):
            assert issubclass(error, fd.FastdiagError)
            assert any(base.__module__ == "builtins" and base is not Exception for base in error.__mro__[1:-3])


def test_an_unwritable_cache_directory_only_warns(tmp_path):
    """numba's cache=True raises where nothing can be written; the kernels then compile in memory."""
    code = (
        "import warnings\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    import numba.core.caching as c\n"
        "    c.CacheImpl._locator_classes = []\n"
        "    import numpy as np\n"
        "    from fastdiag.kernels.limbs import carry\n"
        "    limbs = np.array([[10, 5, 0], [3, 1, -1]])\n"
        "    carry(limbs, 2)\n"
        "    print(limbs.tolist(), any('NUMBA_CACHE_DIR' in str(w.message) for w in caught))\n"
    )
    assert python(code) == "[[2, 3, 1], [3, 1, -1]] True\n"
