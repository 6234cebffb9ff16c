"""Define the command ``thm weights fetch``."""

from __future__ import annotations

from collections.abc import Iterable

import click

from thm_torchmetrics import weights
from thm_torchmetrics.catalog import find_choice, find_suite, unaligned
from thm_torchmetrics.cli.completion import complete_keys, complete_suite
from thm_torchmetrics.cli.options import assignments
from thm_torchmetrics.errors import InputError, WeightsError
from thm_torchmetrics.scoring.sketch import checkpoints_needed

NAMES = click.argument("names", nargs=-1)


def select_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names given, or all.

    Raises:
        click.UsageError: if the registry has no such name.
    """
    for name in names:
        if name not in weights.registry():
            raise click.UsageError(f"no checkpoint is called {name!r}; there are {', '.join(weights.registry())}")
    return names or tuple(weights.registry())


def megabytes(size: int | None) -> str:
    """Return a size in MB as tables show it."""
    if size is None:
        return "?"
    return f"{size / 1e6:.0f}" if size >= 500_000 else "<1"


@click.command()
@NAMES
@click.option("--suite", shell_complete=complete_suite, help="Fetch what the metrics of a suite need; see `thm list`.")
@click.option(
    "--metrics",
    multiple=True,
    metavar="KEY,...",
    shell_complete=complete_keys,
    help="Fetch what these metrics need, separated by commas; key:protocol chooses a protocol; may be repeated.",
)
@click.option(
    "--extractor",
    multiple=True,
    metavar="KEY=NAME",
    help="Fetch what a metric needs with another network, e.g. lmd=dlib; may be repeated.",
)
@click.option("--all", "everything", is_flag=True, help="Fetch all checkpoints that have an address and a hash.")
@click.option("--urls", is_flag=True, help="Print lines of URL, FILE and SHA256, and download nothing.")
@click.option(
    "--accept-license",
    is_flag=True,
    help="Accept the terms of the checkpoints that are fetched, where they must be accepted first; it is remembered.",
)
def fetch(
    names: tuple[str, ...],
    suite: str | None,
    metrics: tuple[str, ...],
    extractor: tuple[str, ...],
    everything: bool,
    urls: bool,
    accept_license: bool,
) -> None:
    """Download and verify checkpoints by name, or those that metrics need.

    For a machine without network, print the addresses there, and fetch them elsewhere:

    \b
      thm weights fetch --suite thm --urls > urls.txt
      while read -r url file sha256; do
        mkdir -p "$(dirname "$file")" && wget -O "$file" "$url"
      done < urls.txt
      awk '{print $3 "  " $2}' urls.txt | sha256sum -c

    Then put the files, with their folders, into $THM_WEIGHTS_DIR or another place that `thm weights list` shows.

    Exit status: 0 everything is here; 2 wrong usage; 3 a checkpoint cannot be had.
    """  # noqa: D301  (click takes \b as the sign that lines stay as they are)
    try:
        wanted = [*select_names(names)] if names else []
        wanted += _needed([*_keys(metrics), *(find_suite(suite) if suite is not None else ())], extractor)
    except InputError as error:
        raise click.UsageError(str(error)) from error
    asked = bool(names or metrics or suite is not None)
    if asked and everything:
        raise click.UsageError("--all fetches every checkpoint; leave it out to fetch those that are named")
    if not asked:
        wanted = [name for name, entry in weights.registry().items() if entry.fetchable]
    wanted = list(dict.fromkeys(wanted))
    if accept_license and (asked or everything) and not _accept(wanted):
        click.get_current_context().exit(3)
    if urls:
        _print_urls(wanted)
    elif not asked and not everything:
        raise click.UsageError(_unasked(wanted))
    elif not _fetch(wanted):
        click.get_current_context().exit(3)


def _accept(names: list[str]) -> bool:
    """Remember that the terms of checkpoints are accepted; return whether the use allows it."""
    for name in names:
        entry = weights.registry()[name]
        if entry.terms and not weights.is_accepted(entry):
            try:
                answer = weights.accept_license(name)
            except WeightsError as error:
                click.echo(str(error), err=True)
                return False
            click.echo(f"{name}: {entry.license}, accepted; {answer} remembers it", err=True)
    return True


def _keys(texts: Iterable[str]) -> list[str]:
    """Return the metrics in ``KEY,...`` texts.

    Raises:
        InputError: if one of them is empty.
    """
    keys = [key.strip() for text in texts for key in text.split(",")]
    if not all(keys):
        raise InputError("--metrics takes metrics by key, separated by commas, and got an empty one")
    return keys


def _needed(metrics: Iterable[str], extractor: Iterable[str]) -> list[str]:
    """Return the checkpoints that metrics need.

    Raises:
        InputError: if a metric, its network, or what it is chosen for, is not known.
    """
    choices = {unaligned(choice.name): choice.row.key for choice in map(find_choice, metrics)}
    if extractor and not choices:
        raise InputError("--extractor says which network feeds a metric; name the metric by --metrics or --suite")
    networks = assignments("--extractor", extractor, {*choices, *choices.values()})
    needed = [checkpoints_needed(text, networks.get(text, networks.get(key))) for text, key in choices.items()]
    return [name for name in weights.registry() if any(name in each for each in needed)]


def _unasked(fetchable: list[str]) -> str:
    """Say what would be fetched if nothing is named."""
    absent = [weights.registry()[name] for name in fetchable if weights.status(name).state == "missing"]
    sizes = [entry.size for entry in absent]
    known = sum(size for size in sizes if size is not None) / 1e6
    more = f" and {sizes.count(None)} of unknown size" if None in sizes else ""
    restricted = [entry.name for entry in absent if entry.commercial is False]
    closed = f"; no commercial use of {', '.join(restricted)}" if restricted else ""
    listed = ", ".join(entry.name for entry in absent) or "nothing is missing"
    return (
        "name checkpoints, --suite or --metrics, or give --all to fetch all that are missing: "
        f"{len(absent)} files, {known:,.0f} MB{more} ({listed}{closed})"
    )


def _print_urls(names: list[str]) -> None:
    """Print a line for each checkpoint that can be downloaded; say on standard error how to get the others.

    Those that come with a package are no downloads.
    """
    for name in names:
        entry = weights.registry()[name]
        if entry.terms and not weights.is_accepted(entry):
            click.echo(f"{name} is left out: read {entry.terms}, and accept it by --accept-license", err=True)
        elif entry.parts:
            folder = weights.path_within(entry)
            for part in entry.parts:
                click.echo(f"{part.url}  {(folder / part.file).as_posix()}  {part.sha256}")
        elif entry.fetchable and entry.sha256 is not None:
            click.echo(f"{entry.urls[0]}  {weights.path_within(entry).as_posix()}  {entry.sha256}")
        elif entry.package is None:
            by_hand = " or ".join((*entry.urls[:1], *([entry.page] if entry.page else [])))
            click.echo(f"{name} is left out, as no SHA256 of it is known; download it by hand: {by_hand}", err=True)


def _fetch(names: list[str]) -> bool:
    """Fetch checkpoints and print where they are; return whether all are there."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

    for name in names:
        click.echo(weights.license_notice(name), err=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    tasks: dict[str, TaskID] = {}

    def show(name: str, done: int, total: int | None) -> None:
        if name not in tasks:
            bar.start()
            bar.console.print(f"fetching {name}, {megabytes(total)} MB", highlight=False, markup=False)
            tasks[name] = bar.add_task(name, total=total)
        bar.update(tasks[name], completed=done, total=total)

    failed = ""
    try:
        weights.Checkpoints(on_download=show).obtain_all(names)
    except WeightsError as error:
        failed = str(error)
    finally:
        if tasks:
            bar.stop()
    for name in names:
        status = weights.status(name)
        if status.found is not None:
            click.echo(f"{name}: {status.found.path}")
    if failed:
        click.echo(failed, err=True)
    return not failed
