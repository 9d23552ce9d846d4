"""What can go wrong, by kind. Every error is a `FastdiagError` and the built-in kind it resembles."""


class FastdiagError(Exception):
    """Base of every error that fastdiag raises on purpose."""


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
        super().__init__(
            f"cannot read diagram {text!r}: {reason}, at position {position}\n"
            f"    {text}\n    {' ' * position}^\n"
            "Write a node as a letter naming its part, its children in brackets: '[a b[a]]', '[a[b]]', '[]'."
        )


class MissingTensorError(FastdiagError, KeyError):
    """A landscape was asked for a cumulant it was not given."""

    def __str__(self) -> str:  # KeyError would print the repr
        return str(self.args[0])


class DiagramIndexError(FastdiagError, IndexError):
    """An index that a list of diagrams does not have, or that is no index."""


class TooLargeError(FastdiagError, MemoryError):
    """The answer, or the work, would not fit; the message says how big it is and what to call instead."""


class UnsupportedError(FastdiagError, NotImplementedError):
    """Well-posed, but outside what this function computes; the message names what does."""


class DataError(FastdiagError, OSError):
    """A data file that is missing or does not verify."""


class DataWarning(UserWarning):
    """A data file that was passed over, or could not be kept; the answer is right all the same."""
