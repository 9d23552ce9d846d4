"""The one decorator of every compiled function: lazy, nogil, cached where a cache can be written.

numba is imported at the first call, not at import. `kernel.py_func` is the plain Python source: run on object
arrays it is the same formula without the 64-bit limit, and it needs no compiler.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any


class Kernel:
    """A function that numba compiles at its first call."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.py_func = function
        self._dispatcher: Callable[..., Any] | None = None

    @property
    def dispatcher(self) -> Callable[..., Any]:
        if self._dispatcher is None:
            self._dispatcher = _jit(self.py_func)
            # numba resolves helpers through the module's globals: it must find dispatchers there, not Kernels
            names = self.py_func.__globals__
            for name, value in list(names.items()):
                if isinstance(value, Kernel) and value.py_func.__globals__ is names:
                    names[name] = value.dispatcher
        return self._dispatcher

    def __call__(self, *args: Any) -> Any:
        return self.dispatcher(*args)


def _jit(function: Callable[..., Any]) -> Callable[..., Any]:
    import numba

    try:
        return numba.njit(nogil=True, cache=True)(function)  # type: ignore[no-any-return]
    except RuntimeError as error:  # numba: "cannot cache function ...: no locator available"
        if "cache" not in str(error):
            raise
        warnings.warn(
            f"no writable cache directory for {function.__name__}: it is compiled anew in every process. "
            "Set NUMBA_CACHE_DIR to a writable directory to keep it.",
            RuntimeWarning,
            stacklevel=3,
        )
        return numba.njit(nogil=True)(function)  # type: ignore[no-any-return]


def kernel(function: Callable[..., Any]) -> Kernel:
    """Mark a leaf function for compilation. Its helpers must stand in the same file (numba's cache sees one file)."""
    return Kernel(function)
