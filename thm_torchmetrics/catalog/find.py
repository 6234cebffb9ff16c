"""Find metrics, protocols and suites by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from thm_torchmetrics.catalog import (
    action_units,
    emotion,
    face3d,
    identity,
    image_quality,
    landmarks,
    lip_reading,
    lipsync,
    meshes,
    motion,
    no_reference,
    sequences,
    set_distance,
    suites,
)
from thm_torchmetrics.catalog.row import Row, Scale
from thm_torchmetrics.errors import InputError

ENTRY_POINTS = "thm_torchmetrics.metrics"
"""The group of entry points by which other packages add rows; each is a `Row` or a tuple of them.

`thm list` imports the module of the row. It should import `thm_torchmetrics.catalog` alone, and no torch.
"""

_FAMILIES = (
    image_quality,
    set_distance,
    no_reference,
    lipsync,
    landmarks,
    identity,
    emotion,
    face3d,
    action_units,
    motion,
    meshes,
    lip_reading,
    sequences,
)

ROWS: tuple[Row, ...] = tuple(row for family in _FAMILIES for row in family.ROWS)
"""The rows of this package, in the order in which tables show them."""


class _Catalog(Mapping[str, Row]):
    """The rows of this package, and those of others as soon as all, or a key that is not among them, is asked for."""

    def __init__(self) -> None:
        self.rows = {row.key: row for row in ROWS}
        self._is_complete = False

    def __getitem__(self, key: str) -> Row:
        return self.rows[key] if key in self.rows else self._all()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, Row]:
        if not self._is_complete:
            self._is_complete = True
            _register_entry_points()
        return self.rows


CATALOG = _Catalog()
"""Every metric by key: those of this package, then those of others."""

SUITES: Mapping[str, tuple[str, ...]] = {**suites.SUITES, "all": tuple(row.key for row in ROWS)}
"""Sets of metrics with their protocols by name; ``all`` is every metric of this package."""

LACKING = suites.LACKING
"""By suite, what its papers report and this package cannot measure, with the reason."""

BROKEN: dict[str, str] = {}
"""Entry points of other packages that could not be added, with the reason."""


def register_metric(row: Row) -> None:
    """Add a metric of another package to the catalog of this process.

    It is then made by its key, listed, and scored as those of this package are. A package that is installed with an
    entry point in the group ``thm_torchmetrics.metrics`` is registered without this call. The same row may be
    registered twice.

    Args:
        row: the facts of the metric; ``module`` is the whole name of the module.

    Raises:
        InputError: if it is no row, names no protocol, or another metric has its key.

    Example::

        register_metric(Row("hue", "HueError", "mine.metrics", "error of the hue", Scale(False), ("preds", "target"),
                            (Protocol("mine", "this lab's own"),)))
        metric = TalkingHeadMetrics(["psnr", "hue"])
    """
    if not isinstance(row, Row) or not row.published:
        raise InputError(f"a metric is registered by a Row with at least one protocol, got {row!r}")
    known = CATALOG.rows.setdefault(row.key, row)
    if known != row:
        raise InputError(f"there is a metric {row.key!r} already, {known.title}; give yours another key")


def _register_entry_points() -> None:
    """Add the metrics of installed packages; one that cannot be added is kept in `BROKEN`."""
    from importlib import metadata

    for entry in metadata.entry_points(group=ENTRY_POINTS):
        try:
            given = entry.load()
            for row in given if isinstance(given, tuple) else (given,):
                register_metric(row)
        except Exception as error:  # whatever another package does must not break this one
            BROKEN[entry.name] = f"{entry.value}: {type(error).__name__}: {error}"


@dataclass(frozen=True)
class Choice:
    """A choice names a metric and one of its protocols, as ``key``, ``key:protocol`` or ``key-protocol``.

    With ``@aligned`` behind it the metric compares frames without the delay of the clip.

    Attributes:
        text: the name as it was spelled.
        row: the metric's row.
        protocol: the protocol, the row's first if none was named.
        name: ``key`` or ``key:protocol``, however it was spelled, with ``@aligned`` where that was asked for.
        aligned: whether it was.
    """

    text: str
    row: Row = field(repr=False)
    protocol: str
    name: str
    aligned: bool = False

    @property
    def scale(self) -> Scale:
        """Return how the values are read."""
        return self.row.scale_of(self.protocol)


def find_row(key: str) -> Row:
    """Return the row of a metric.

    Raises:
        InputError: if there is none; the message suggests the nearest key.
    """
    if key not in CATALOG:
        raise InputError(f"unknown metric {key!r}{_suggest(key, CATALOG)}; `thm list` shows all")
    return CATALOG[key]


def find_choice(text: str) -> Choice:
    """Return the row and the protocol of ``psnr``, ``ssim:skimage``, ``ssim-skimage`` or ``psnr@aligned``.

    The third is for names that must not hold a colon, such as those of loggers and files.

    Raises:
        InputError: if the metric or the protocol is unknown, or a word other than ``aligned`` follows ``@``.

    Example:
        >>> find_choice("lse-d-wav2lip-lrs").name
        'lse-d:wav2lip-lrs'
    """
    plain = unaligned(text)
    if "@" in plain:
        raise InputError(f"{text!r}: only the word 'aligned' may follow '@', as in psnr@aligned")
    key, _, protocol = plain.partition(":")
    if key == plain and plain not in CATALOG:
        names = ((row.key, each) for row in CATALOG.values() for each in row.protocols)
        key, protocol = next((pair for pair in names if plain == "-".join(pair)), (plain, ""))
    row = find_row(key)
    if protocol and protocol not in row.protocols:
        hint = _suggest(protocol, row.protocols)
        raise InputError(f"{key} has no protocol {protocol!r}{hint}; it has {', '.join(row.protocols)}")
    name = f"{key}:{protocol}" if protocol else key
    return Choice(text, row, protocol or row.protocols[0], name + text.removeprefix(plain), plain != text)


def unaligned(text: str) -> str:
    """Return the name of a metric without ``@aligned``.

    Example:
        >>> unaligned("ssim:skimage@aligned"), unaligned("psnr")
        ('ssim:skimage', 'psnr')
    """
    return text.removesuffix("@aligned")


def with_unaligned(texts: Iterable[str]) -> tuple[str, ...]:
    """Return names of metrics, each once, an aligned one behind its metric without alignment, which is added to it.

    So a number that hides a delay is never shown alone.

    Example:
        >>> with_unaligned(["psnr@aligned", "ssim"])
        ('psnr', 'psnr@aligned', 'ssim')
    """
    return tuple(dict.fromkeys(name for text in texts for name in (unaligned(text), text)))


def values_by_metric(value: object) -> dict[str, Any] | None:
    """Return the values that an option gives to single metrics, however these are spelled.

    Args:
        value: the option, such as ``{"ssim-skimage": "clip"}``.

    Returns:
        The values by `Choice.name`; None if the option is no dict by metric, but one value for all.
    """
    if not isinstance(value, Mapping):
        return None
    try:
        return {find_choice(str(key)).name: each for key, each in value.items()}
    except InputError:
        return None


def find_suite(name: str) -> tuple[str, ...]:
    """Return the members of a suite.

    Raises:
        InputError: if there is no such suite.
    """
    if name not in SUITES:
        raise InputError(f"unknown suite {name!r}{_suggest(name, SUITES)}; there are {', '.join(SUITES)}")
    return SUITES[name]


def _suggest(word: str, known: Iterable[str]) -> str:
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return f", did you mean {by_lower[near[0]]!r}?" if near else ""
