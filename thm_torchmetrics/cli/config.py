"""Read the options of a run from a TOML file, and gather those that were given.

A key is an option without its dashes, or ``data``; its value is what would be typed, a list where an option may be
repeated, true or false for a flag.
"""

from __future__ import annotations

import difflib
import re
import shlex
import tomllib
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from thm_torchmetrics.cli.group import ARGUMENTS

_GIVEN = (ParameterSource.COMMANDLINE, ParameterSource.DEFAULT_MAP, ParameterSource.ENVIRONMENT)

_RIVALS = (
    ({"metrics"}, {"suite"}),
    ({"pairs"}, {"data", "preds", "target", "audio", "preds_au", "target_au"}),
)
"""Options that exclude each other; those that are typed go before those of a file."""


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--config`` to a command."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE.toml",
        is_eager=True,
        expose_value=False,
        callback=_read,
        help="Take options from a file, as -o FILE.toml writes it; those that are typed go before it. Its paths are "
        "relative to the current folder.",
    )(command)


def given_options(context: click.Context) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the values of all options, and the names of those that were typed or stand in a configuration file."""
    values = dict(context.params)
    sources = {name: context.get_parameter_source(name) for name in values}
    typed = {name for name, source in sources.items() if source is ParameterSource.COMMANDLINE}
    given = {name for name, source in sources.items() if source in _GIVEN}
    for first, second in _RIVALS:
        for mine, others in ((first, second), (second, first)):
            if typed & mine and not typed & others:
                given -= others
                values |= {name: _empty(context, name) for name in others}
    return values, frozenset(given)


def arguments_of(context: click.Context, values: dict[str, Any], given: Collection[str]) -> dict[str, Any]:
    """Return the options that were given, by key, as `reports.run_file` writes them."""
    return {
        key: _plain(values[param.name])
        for key, param in options_by_key(context.command).items()
        if param.name in given and param.name is not None
    }


def command_line(context: click.Context) -> str:
    """Return the command as it was typed, with ``~`` for the user's folder."""
    line = shlex.join(("thm", *context.meta.get(ARGUMENTS, ())))
    home = str(Path.home())
    return re.sub(rf"(?<![^\s='\"]){re.escape(home)}(?=/|['\s]|$)", "~", line) if len(home) > 1 else line


def options_by_key(command: click.Command) -> dict[str, click.Parameter]:
    """Return the options and arguments of a command by key."""
    return {max(param.opts, key=len).lstrip("-"): param for param in command.params if param.expose_value}


def _read(context: click.Context, option: click.Parameter, path: Path | None) -> None:
    """Make the values of a file the defaults of the command."""
    if path is None:
        return
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise click.UsageError(
            f"--config {path}: cannot be read: {error.strerror or error}; name another file", context
        ) from error
    except ValueError as error:  # of TOML, or of UTF-8
        raise click.UsageError(
            f"--config {path}: is not TOML: {error}; write lines such as every = 2", context
        ) from error
    params = options_by_key(context.command)
    defaults: dict[str, Any] = {}
    for spelled, value in found.items():
        key = spelled.replace("_", "-")
        if key not in params:
            raise click.UsageError(f"--config {path}: there is no option {spelled!r}{_suggest(key, params)}", context)
        name = str(params[key].name)
        if name in defaults:
            raise click.UsageError(f"--config {path}: {key} stands there twice, with - and with _; keep one", context)
        try:
            defaults[name] = _typed(context, params[key], value)
        except click.BadParameter as error:
            raise click.UsageError(f"--config {path}: {key} = {value!r}: {error.message}", context) from error
    context.default_map = defaults


def _typed(context: click.Context, param: click.Parameter, value: Any) -> Any:
    """Return a value of TOML as click reads it from the command line.

    Raises:
        click.BadParameter: if the option does not take it.
    """
    if isinstance(param, click.Option) and param.is_flag:
        if not isinstance(value, bool):
            raise click.BadParameter("it takes true or false")
        return value
    values = value if isinstance(value, list) else [value]
    if isinstance(value, list) and not param.multiple:
        raise click.BadParameter("it takes one value, not a list")
    if not all(isinstance(each, str | int | float) and not isinstance(each, bool) for each in values):
        raise click.BadParameter("it takes text or a number" + (", or a list of them" if param.multiple else ""))
    texts = list(map(str, values))
    typed: Any = texts if param.multiple else texts[0]
    param.type_cast_value(context, typed)
    return typed


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def _empty(context: click.Context, name: str) -> Any:
    param = next(param for param in context.command.params if param.name == name)
    return () if param.multiple else None


def _suggest(key: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(key, known, 1)
    return f", did you mean {close[0]!r}?" if close else f"; there are {', '.join(known)}"
