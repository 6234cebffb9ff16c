"""The group of all commands: what holds for every one of them, whichever module defines it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from thm_torchmetrics.cli.standard_output import printing

ARGUMENTS = "thm_torchmetrics.arguments"
"""The key in `click.Context.meta` under which the arguments stand as they were typed."""

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_UNTOUCHED = (signal.SIG_DFL, signal.default_int_handler)
"""The handlers that a process has unless somebody sets others."""


class Stopped(KeyboardInterrupt):
    """A signal ends the process; it passes through the code as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class Group(click.Group):
    """The group refuses a single-value option that is given twice, in every command below it.

    A command that a signal stops says so in one line, and exits with 128 and the number of the signal: 130 for Ctrl-C,
    143 for SIGTERM, 129 for SIGHUP. So does one whose standard output fails, with 2, or 141 if its reader has gone.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the arguments as they were typed, and read those of the group itself."""
        if sys.stderr is None:  # it was closed, and NumPy before 2.1 cannot be imported without
            sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (the process has it to its end)
        ctx.meta[ARGUMENTS] = tuple(args)
        with printing(ctx):  # the help, the version
            return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is named first, and its arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            _check_repeats(command, ctx, rest)
        return name, command, rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, until a signal stops it."""
        try:
            with _signals_stop(), printing(ctx):
                return super().invoke(ctx)
        except KeyboardInterrupt as error:
            click.echo(f"stopped {'; '.join(getattr(error, '__notes__', ()))}".rstrip(), err=True)
            ctx.exit(128 + getattr(error, "number", signal.SIGINT))


@contextmanager
def _signals_stop() -> Iterator[None]:
    """Raise `Stopped` where a signal would end the process without a word; signals that are ignored stay ignored.

    A second signal ends the process at once.
    """
    if threading.current_thread() is not threading.main_thread():  # only there can they be handled
        yield
        return
    taken = {number: signal.getsignal(number) for number in _SIGNALS}
    taken = {number: handler for number, handler in taken.items() if handler in _UNTOUCHED}

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        for each in taken:
            signal.signal(each, signal.SIG_DFL)
        raise Stopped(number)

    for number in taken:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)


def _check_repeats(command: click.Command, parent: click.Context, args: Sequence[str]) -> None:
    """Raise an error if an option of one value is given more than once; click would keep the last.

    Raises:
        click.UsageError: if one is.
    """
    context = command.context_class(command, info_name=command.name, parent=parent, **command.context_settings)
    _, rest, order = command.make_parser(context).parse_args(args=list(args))
    for option, times in Counter(order).items():
        if times > 1 and isinstance(option, click.Option) and not (option.multiple or option.count or option.is_flag):
            name = max(option.opts, key=len)
            hint = SEVERAL.get(name, "give it once")
            raise click.UsageError(f"{name} is given {times} times, and takes one value; {hint}", context)
    if isinstance(command, click.Group) and rest:
        _, inner, rest = command.resolve_command(context, rest)
        if inner is not None:
            _check_repeats(inner, context, rest)


SEVERAL = {
    "--target": "several sets of real videos are several runs",
    "--suite": "name the metrics of both by --metrics",
}
"""What to do instead where a user may well mean several values."""
