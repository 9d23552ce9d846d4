"""What can go wrong, by kind. Every error is a `FastdiagError` and the built-in kind it resembles."""

from __future__ import annotations

from .terminal import on_one_line, spelled_out

AROUND = 36  # characters of a text that are shown on either side of its fault
MOST_CHARACTERS = 2000  # of a message; what is quoted in it may be of any length


class FastdiagError(Exception):
    """Base of every error that fastdiag raises on purpose.

    Its text holds no control characters; of one too long to be read, beginning and end are kept.
    """

    def __str__(self) -> str:
        return spelled_out(super().__str__())

    def __init__(self, *args: object) -> None:
        super().__init__(*map(_short, args))


def _short(message: object) -> object:
    if not isinstance(message, str) or len(message) <= MOST_CHARACTERS:
        return message
    half = MOST_CHARACTERS // 2
    return f"{message[:half]} ...({len(message):,} characters)... {message[-half:]}"


class InputError(FastdiagError, ValueError):
    """A value that makes no sense here; the message says which, why and what to do."""


class DiagramSyntaxError(InputError):
    """Text that is not a diagram.

    Parameters
    ----------
    text : the text that was read
    position : index of the first character that cannot be read
    reason : what was expected there
    """

    def __init__(self, text: str, position: int, reason: str) -> None:
        self.text, self.position, self.reason = text, position, reason
        start, end = max(0, position - AROUND), position + AROUND
        before = "..." * (start > 0) + on_one_line(text[start:position])
        line = before + on_one_line(text[position:end]) + "..." * (end < len(text))
        quoted = repr(text) if len(text) <= 2 * AROUND else f"of {len(text):,} characters"
        super().__init__(
            f"cannot read diagram {quoted}: {reason}, at position {position}\n"
            f"    {line}\n    {' ' * len(before)}^\n"
            "Write a node as a letter naming its part, its children in brackets: '[a b[a]]', '[a[b]]', '[]'."
        )

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.text, self.position, self.reason), vars(self)


class MissingTensorError(FastdiagError, KeyError):
    """A landscape was asked for a cumulant it was not given."""

    def __str__(self) -> str:  # KeyError would print the repr
        return spelled_out(" ".join(map(str, self.args)))


class DiagramIndexError(FastdiagError, IndexError):
    """An index that a list of diagrams does not have, or that is no index."""


class TooLargeError(FastdiagError, MemoryError):
    """The answer, or the work, would not fit; the message says how big it is and what to call instead."""

    def __new__(cls, *args: object) -> TooLargeError:  # MemoryError's own refuses a class that begins with another
        return Exception.__new__(cls, *args)


class UnsupportedError(FastdiagError, NotImplementedError):
    """Well-posed, but outside what this function computes; the message names what does."""


class DataError(FastdiagError, OSError):
    """A data file that is missing or does not verify."""


class DataWarning(UserWarning):
    """A data file that was passed over, or could not be kept; the answer is right all the same."""

    def __str__(self) -> str:
        return spelled_out(super().__str__())


class TaylorWarning(UserWarning):
    """Away from where derivatives were given, a loss is taken for the Taylor polynomial that they define."""

    def __str__(self) -> str:
        return spelled_out(super().__str__())


class TrustWarning(UserWarning):
    """A prediction whose last orders do not shrink, or that cannot be: the numbers are as defined, and mean nothing."""

    def __str__(self) -> str:
        return spelled_out(super().__str__())
