"""The registry: one entry per checkpoint, read from ``registry.toml``."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

from thm_torchmetrics.errors import InputError


@dataclass(frozen=True)
class Weight:
    """What is known of a checkpoint.

    Attributes:
        name: name in the registry.
        file: name of the file; two entries may share one, their hashes tell them apart.
        urls: addresses of the file itself, upstream first, then mirrors.
        license: what the publisher says, or that nothing is said.
        commercial: whether that allows commercial use; None where it cannot be told.
        source: page of the publisher.
        layout: what the file holds.
        note: what a user should know.
        aliases: other names under which the same bytes are published.
        sha256: hash of the file, 64 hex digits, or None where no source tells it.
        sha256_prefix: its first digits, where only those are known.
        size: bytes, or None where not known.
        page: where a person can download it by hand, if that is not one of ``urls``.
        wrapper: entry of the file's dict that holds the state dict; None where the file is one.
        package: folder in an installed package that brings the file, e.g. ``face_recognition_models/models``.
        extra: extra of this project that installs that package.
    """

    name: str
    file: str
    urls: tuple[str, ...]
    license: str
    commercial: bool | None
    source: str
    layout: str
    note: str
    aliases: tuple[str, ...] = ()
    sha256: str | None = None
    sha256_prefix: str | None = None
    size: int | None = None
    page: str | None = None
    wrapper: str | None = None
    package: str | None = None
    extra: str | None = None

    @property
    def verifiable(self) -> bool:
        """Whether enough of the hash is known to tell the published file from any other."""
        return self.sha256 is not None or self.sha256_prefix is not None

    @property
    def fetchable(self) -> bool:
        """Whether it is downloaded: there is an address, and a hash to check the result with."""
        return self.verifiable and bool(self.urls)

    def matches(self, sha256: str) -> bool:
        """Whether a file with this hash is the published one."""
        if self.sha256 is not None:
            return sha256 == self.sha256
        return self.sha256_prefix is not None and sha256.startswith(self.sha256_prefix)


def read(text: str) -> Mapping[str, Weight]:
    """Entries of a registry, given as TOML; ``commercial = "unknown"`` becomes None."""
    entries: dict[str, Weight] = {}
    for name, fields in tomllib.loads(text).items():
        fields |= {key: tuple(fields.get(key, ())) for key in ("urls", "aliases")}
        fields["commercial"] = None if fields["commercial"] == "unknown" else fields["commercial"]
        entries[name] = Weight(name=name, **fields)
    return MappingProxyType(entries)


@cache
def registry() -> Mapping[str, Weight]:
    """Every checkpoint that a metric can use, by name.

    Example:
        >>> registry()["s3fd"].file
        'sfd_face.pth'
    """
    return read(resources.files("thm_torchmetrics.weights").joinpath("registry.toml").read_text(encoding="utf-8"))


def entry(name: str) -> Weight:
    """One checkpoint of the registry.

    Raises:
        InputError: if there is none of this name.
    """
    known = registry()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InputError(f"no checkpoint is called {name!r}{hint} Known: {', '.join(known)}.")
    return known[name]


def owner(sha256: str) -> Weight | None:
    """The checkpoint that has this hash, None if it is not in the registry."""
    return next((weight for weight in registry().values() if weight.matches(sha256)), None)


def shares_name(weight: Weight) -> bool:
    """Whether another checkpoint is published under the same file name."""
    return sum(other.file == weight.file for other in registry().values()) > 1
