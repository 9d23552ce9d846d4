"""What the commands share with the shell: paths, texts, and one clear message for each fault."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from ..arguments import path as checked_path
from ..errors import FastdiagError, InputError
from ..terminal import on_one_line, spelled_out, writable_streams

MOST_TOLD = 2000  # characters of a message


class PathType(click.Path):
    """A path as a Path, with ~ for the home folder."""

    def __init__(self, **options: Any) -> None:
        super().__init__(path_type=Path, **options)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(checked_path("the path", value), param, ctx)
        except (InputError, ValueError) as error:
            self.fail(str(error), param, ctx)


DATA_FILE = PathType(exists=True, dir_okay=False)
NEW_FILE = PathType(dir_okay=False)
FOLDER = PathType(file_okay=False)
BATCH = click.IntRange(1, 10**9)  # beyond, noise is lost in the rounding of losses


def echo(text: object, end: str = "\n") -> None:
    """Write a text to standard output, as `PlainConsole` does, on lines of any length."""
    sys.stdout.write(spelled_out(str(text)) + end)


class Commands(click.Group):
    """Turns every fault of fastdiag, of files and of arguments into one clear message and exit status 2."""

    def main(
        self, args: Any = None, prog_name: Any = None, complete_var: Any = None, standalone_mode: bool = True, **extra: Any
    ) -> Any:
        with writable_streams():
            if not standalone_mode:
                return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
            sys.exit(self._status(args, prog_name, complete_var, **extra))

    def _status(self, args: Any, prog_name: Any, complete_var: Any, **extra: Any) -> int:
        try:
            found: Any = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
            status = found if isinstance(found, int) else 0
        except click.ClickException as error:
            with suppress(OSError):  # nobody can be told
                error.show(file=sys.stderr)
            status = error.exit_code
        except click.Abort:
            _say("Aborted!")
            status = 1
        except BrokenPipeError:  # whoever read it has seen enough
            status = 1
        try:
            sys.stdout.flush()
        except OSError as error:
            if error.errno != errno.EPIPE:
                _say(f"Error: standard output cannot be written: {error.strerror}")
            _close(sys.stdout)
            status = status or 1
        try:
            sys.stderr.flush()
        except OSError:
            _close(sys.stderr)
        return status

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        try:
            return super().make_context(*arguments, **options)
        except click.ClickException as error:
            raise _told(error) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            raise _told(error) from None
        except FastdiagError as error:
            raise _told(click.UsageError(str(error))) from None
        except MemoryError:
            raise click.UsageError("there is not enough memory for this; ask for less") from None
        except BrokenPipeError:
            raise
        except OSError as error:  # a file that cannot be read or written
            unnamed = error.filename is None and error.errno == errno.ENOSPC
            raise _told(click.UsageError(f"no room for the output: {error.strerror}" if unnamed else str(error))) from None


def _told(error: Any) -> Any:
    """The same with a message that can be shown."""
    message = spelled_out(error.message)
    if len(message) > MOST_TOLD:
        message = f"{message[: MOST_TOLD // 2]} ... {message[-MOST_TOLD // 2 :]}"
    error.message = message
    if hasattr(error, "ui_filename"):
        error.ui_filename = on_one_line(error.ui_filename)
    return error


def _close(stream: Any) -> None:
    """Python's own flush at the end would fail once more, and make the status 120."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _say(text: str) -> None:
    with suppress(OSError):
        sys.stderr.write(text + "\n")
