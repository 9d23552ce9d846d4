"""What is shown to a reader: no control characters, and only what the stream can write."""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from typing import Any, TextIO

# C0 but tab and newline, DEL, C1, the marks that turn a line's direction or end it, lone surrogates
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

# One character for one where columns must keep their places; words for the letters of formulas.
_LIKE = {
    **dict.fromkeys("─━═–—−", "-"), **dict.fromkeys("│┃║", "|"), **dict(zip("●░·⋮…→×‘’“”", "o#.:~>x''\"\"", strict=True)),
    "±": "+-", "∇": "grad", "⟨": "<", "⟩": ">", "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon",
    "ζ": "zeta", "η": "eta", "θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi",
    "ο": "o", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi",
    "ω": "omega",
}
_FALLBACK = "fastdiag.like"


def spelled_out(text: str) -> str:
    r"""The text with control characters spelled out: they would move the cursor, or name the window.

    Examples
    --------
    >>> print(spelled_out("a\x1b]0;title\x07"))
    a\x1b]0;title\x07
    """
    return _CONTROL.sub(lambda found: _spelled(found[0]), text)


def on_one_line(text: str) -> str:
    """`spelled_out`, with line breaks spelled out too."""
    return spelled_out(text).replace("\n", "\\n").replace("\t", "\\t")


def _spelled(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that was no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _like(error: UnicodeError) -> tuple[str, int]:
    """The codec error handler: what looks alike in ASCII, else the character's number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    return "".join(_LIKE.get(c) or ("+" if "─" <= c <= "╿" else _spelled(c)) for c in found), error.end


codecs.register_error(_FALLBACK, _like)


def legible(text: str, encoding: str) -> str:
    """`spelled_out`, in what an encoding can write.

    Examples
    --------
    >>> legible("±●", "latin-1"), legible("±●", "ascii")
    ('±o', '+-o')
    """
    return spelled_out(text).encode(encoding, _FALLBACK).decode(encoding)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody watches it; a stream that is missing or closed is no terminal."""
    with suppress(Exception):  # whatever stands in for a stream
        return stream is not None and bool(stream.isatty())
    return False


@contextmanager
def writable_streams() -> Iterator[None]:
    """Standard output and error that take every text: look-alikes for what they cannot encode, nowhere if missing."""
    kept = sys.stdout, sys.stderr
    changed: list[tuple[Any, str]] = []
    try:
        for name in ("stdout", "stderr"):
            stream: Any = getattr(sys, name)
            if stream is None or getattr(stream, "closed", False):
                setattr(sys, name, StringIO())
            elif hasattr(stream, "reconfigure"):
                before = stream.errors
                with suppress(Exception):
                    stream.reconfigure(errors=_FALLBACK)
                    changed.append((stream, before))
        yield
    finally:
        sys.stdout, sys.stderr = kept
        for stream, before in changed:
            with suppress(Exception):
                stream.reconfigure(errors=before)
