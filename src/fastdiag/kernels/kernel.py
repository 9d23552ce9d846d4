"""The one decorator of every compiled function: lazy, nogil, cached where a cache can be written.

numba is imported at the first call, not at import. `kernel.py_func` is the plain Python source: run on object
arrays it is the same formula without the 64-bit limit, and it needs no compiler.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from ..locks import COMPILING, cached_property

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Kernel:
    """A function that numba compiles at its first call."""

    def __init__(self, function: Callable[..., Any], **options: bool) -> None:
        functools.update_wrapper(self, function)
        self._source = function
        self._options = options
        self._dispatcher: Callable[..., Any] | None = None

    @cached_property
    def py_func(self) -> Callable[..., Any]:
        """See `plain`."""
        return plain(self._source)

    @property
    def dispatcher(self) -> Callable[..., Any]:
        with COMPILING:  # threads may make the first call together
            return self._compiled()

    def _compiled(self) -> Callable[..., Any]:
        if self._dispatcher is None:
            self._dispatcher = _jit(self._source, self._options)
            # numba resolves helpers through the module's globals: it must find dispatchers there, not Kernels
            names = self._source.__globals__
            for name, value in list(names.items()):
                if isinstance(value, Kernel):
                    names[name] = value._compiled()
        return self._dispatcher

    def __call__(self, *args: Any) -> Any:
        return self.dispatcher(*args)


def _jit(function: Callable[..., Any], options: dict[str, bool]) -> Callable[..., Any]:
    import numba

    importlib.import_module(f"{__package__}.vectors")  # teaches numba the primitives
    function.__qualname__ = f"{function.__name__}_{_edition()}"  # names the file in the cache
    compiled: Any = numba.njit(nogil=True, **options)(function)
    if hasattr(compiled, "enable_caching"):  # else the compiler is off
        cache = importlib.import_module(f"{__package__}.cache")  # imports numba
        try:
            compiled._cache = cache.KernelCache(function)
        except (OSError, RuntimeError):  # numba: "cannot cache function ...: no locator available"
            cache.tell_of_no_cache()
    return cast(Callable[..., Any], compiled)


@functools.cache
def _edition() -> str:
    """A digest of all kernels: numba sees when the file of a function changes, but not those of its helpers."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:8]


def rebuilt(names: dict[str, Any], compiler: Callable[..., Any]) -> dict[str, Any]:
    """All names of a file of kernels, its compiled functions made anew by another compiler, each calling the new ones."""
    files: dict[int, dict[str, Any]] = {}

    def of_file(names: dict[str, Any]) -> dict[str, Any]:
        if id(names) not in files:
            anew = files[id(names)] = dict(names)
            for name, value in names.items():
                source = value._source if isinstance(value, Kernel) else getattr(value, "py_func", None)
                if source is None:
                    continue
                if source.__globals__ is names:
                    anew[name] = compiler(types.FunctionType(source.__code__, anew, name, source.__defaults__))
                else:
                    anew[name] = of_file(source.__globals__)[source.__name__]
        return files[id(names)]

    return of_file(names)


@functools.cache
def plain(function: Any) -> Callable[..., Any]:
    """A kernel's Python function, compiled already or not; the helpers that it calls are plain too."""
    source = function._source if isinstance(function, Kernel) else getattr(function, "py_func", function)
    found: Callable[..., Any] = rebuilt(source.__globals__, lambda one: one)[source.__name__]
    return found


def kernel(function: Callable[..., Any]) -> Kernel:
    """Mark a leaf function for compilation."""
    return Kernel(function)


def lean(function: Callable[..., Any]) -> Kernel:
    """Mark a kernel that makes no arrays and calls helpers in its innermost loop.

    Numba counts references to every array at every call, atomically, which can take longer than the arithmetic.
    """
    return Kernel(function, _nrt=False)


def inlined(function: Callable[..., Any]) -> Kernel:
    """Mark a helper that makes no arrays and is called from the innermost loop of a kernel."""
    return Kernel(function, forceinline=True, _nrt=False)


def primitive(function: _Function) -> _Function:
    """Mark a function that numba knows by itself (`vectors` teaches it); other compilers take it as it stands."""
    vars(function)["py_func"] = function
    return function
