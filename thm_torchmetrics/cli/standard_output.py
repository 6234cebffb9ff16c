"""Tell what becomes of a command whose standard output fails: the disk is full, or the reader has gone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

CLOSED_PIPE = 141
"""Exit status where the reader of standard output has gone, as of a process that SIGPIPE ends."""


@contextmanager
def printing(context: click.Context) -> Iterator[None]:
    """End a command whose standard output fails in one line, or without a word where its reader has gone.

    Raises:
        click.UsageError: if standard output cannot be written.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            silence()
            context.exit(CLOSED_PIPE)
        if _fails():
            silence()
            raise click.UsageError(not_written(error)) from error
        raise


def silence() -> None:
    """Drop what is left in the buffer of standard output, which would fail again when the process ends."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def not_written(error: OSError) -> str:
    """Return in words why standard output was not written."""
    return f"standard output was not written: {error.strerror or error}"


def _fails() -> bool:
    """Return whether one more line cannot be written to standard output."""
    try:
        if sys.stdout is not None:
            sys.stdout.write("\n")
            sys.stdout.flush()
    except OSError:
        return True
    return False
