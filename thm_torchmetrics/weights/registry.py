"""The registry: one entry per checkpoint, from `registry.toml` and from users who register their own."""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Literal

from thm_torchmetrics.errors import InputError


@dataclass(frozen=True)
class Part:
    """The facts of one file of a checkpoint that is a folder of files.

    Attributes:
        file: its name.
        url: its address.
        sha256: its hash.
        size: its bytes.
    """

    file: str
    url: str
    sha256: str
    size: int


@dataclass(frozen=True)
class WeightEntry:
    """The facts of a checkpoint.

    Attributes:
        name: name in the registry.
        file: name of the file; two entries may share one, their hashes tell them apart.
        urls: addresses of the file itself, upstream first, then mirrors.
        license: terms of the publisher, or that none are stated.
        commercial: whether these allow commercial use; None where it cannot be told.
        source: page of the publisher.
        layout: content of the file.
        note: a remark for the user.
        aliases: other names under which the same bytes are published.
        sha256: hash of the file, 64 hex digits, or None where no source tells it.
        sha256_prefix: its first digits, where only those are known.
        git_blob: the id that git gives the file, 40 hex digits, where no other hash is known: SHA1 of ``blob SIZE``, a
            zero byte and the bytes; `git hash-object FILE` prints it.
        size: bytes, or None where not known.
        page: where a person can download it by hand, if that is not one of `urls`.
        wrapper: key of the file's dict that holds the state dict; None where the file is one.
        package: folder in an installed package that brings the file, e.g. `face_recognition_models/models`.
        extra: extra of this project that installs that package; None where the project always requires it.
        verified: a sentence on how the network was compared with the original; empty where it was not.
        verified_with: weights of that comparison; None where there was none.
        used_by: the extractors that need it, as pairs of kind and name.
        parts: the files of a checkpoint that is a folder, which `file` names; its `sha256` is `digest_of_parts`.
        terms: address of license terms that must be accepted before it is downloaded; empty where none must be.
    """

    name: str
    file: str
    urls: tuple[str, ...] = ()
    license: str = "none stated"
    commercial: bool | None = None
    source: str = ""
    layout: str = "state dict"
    note: str = ""
    aliases: tuple[str, ...] = ()
    sha256: str | None = None
    sha256_prefix: str | None = None
    git_blob: str | None = None
    size: int | None = None
    page: str | None = None
    wrapper: str | None = None
    package: str | None = None
    extra: str | None = None
    verified: str = ""
    verified_with: Literal["published", "seeded"] | None = None
    used_by: tuple[tuple[str, str], ...] = ()
    parts: tuple[Part, ...] = ()
    terms: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of the file, or of the files of a folder."""
        return tuple(part.url for part in self.parts) or self.urls

    @property
    def verifiable(self) -> bool:
        """Whether enough of a hash is known to tell the published file from any other."""
        return any((self.sha256, self.sha256_prefix, self.git_blob))

    @property
    def fetchable(self) -> bool:
        """Whether it is downloaded: there is an address, and a hash to check the result with."""
        return self.verifiable and bool(self.addresses)

    def matches(self, sha256: str) -> bool:
        """Return whether a file with this hash is the published one."""
        if self.sha256 is not None:
            return sha256 == self.sha256
        return self.sha256_prefix is not None and sha256.startswith(self.sha256_prefix)


def digest_of_parts(hashes: Mapping[str, str]) -> str:
    """Return the SHA256 of a folder: that of the lines of ``sha256sum FILE...``, in the order of the names.

    Args:
        hashes: the SHA256 of each file by its name.

    Example:
        >>> digest_of_parts({"b.dat": "0" * 64, "a.dat": "1" * 64})[:8]
        '82943e30'
    """
    lines = "".join(f"{hashes[file]}  {file}\n" for file in sorted(hashes))
    return hashlib.sha256(lines.encode()).hexdigest()


def _folder_facts(parts: tuple[Part, ...]) -> dict[str, str | int]:
    """Return hash and size of a folder of files."""
    return {
        "sha256": digest_of_parts({part.file: part.sha256 for part in parts}),
        "size": sum(part.size for part in parts),
    }


def parse_registry(text: str) -> dict[str, WeightEntry]:
    """Return the entries of a registry in TOML; `commercial = "unknown"` becomes None."""
    entries: dict[str, WeightEntry] = {}
    for name, fields in tomllib.loads(text).items():
        fields |= {key: tuple(fields.get(key, ())) for key in ("urls", "aliases")}
        fields["used_by"] = tuple((user["kind"], user["extractor"]) for user in fields.get("used_by", ()))
        base = fields.pop("parts_url", "")
        if "parts" in fields:
            fields["parts"] = tuple(
                Part(path.rpartition("/")[2], base + path, sha256, size) for path, sha256, size in fields["parts"]
            )
            fields |= _folder_facts(fields["parts"])
        fields["commercial"] = None if fields["commercial"] == "unknown" else fields["commercial"]
        entries[name] = WeightEntry(name=name, **fields)
    return entries


def published() -> dict[str, WeightEntry]:
    """Return the entries that come with this package, without those that users registered."""
    file = resources.files("thm_torchmetrics.weights").joinpath("registry.toml")
    return parse_registry(file.read_text(encoding="utf-8"))


@cache
def _entries() -> dict[str, WeightEntry]:
    """Return the one table that `register` adds to."""
    return published()


def registry() -> Mapping[str, WeightEntry]:
    """Return every checkpoint by name, first those of this package, then those registered: a read-only view.

    Example:
        >>> registry()["s3fd"].file
        'sfd_face.pth'
    """
    return MappingProxyType(_entries())


def needed_by(kind: str, extractor: str) -> tuple[str, ...]:
    """Return the names of the checkpoints that an extractor needs, its own first.

    Args:
        kind: what the extractor computes, such as `landmarks`.
        extractor: its name.

    Example:
        >>> needed_by("landmarks", "fan")
        ('fan2d', 'fan-s3fd')
    """
    return tuple(entry.name for entry in registry().values() if (kind, extractor) in entry.used_by)


def register(entry: WeightEntry) -> None:
    """Add a checkpoint of your own to the registry of this process.

    It is then located, downloaded, verified, loaded and listed as those of this package are. Processes that are
    spawned register it again: call this where your module is imported. The same entry may be registered twice.

    Args:
        entry: the facts of the checkpoint. Without `sha256` it is never downloaded, only used as a custom file.

    Raises:
        InputError: if the name is registered with other facts, or if a field is not of its form.

    Example::

        register(WeightEntry(name="openness", file="openness.pth", urls=(URL,), sha256=SHA256, license="MIT"))
        state = load("openness")
    """
    _check_form(entry)
    known = _entries().setdefault(entry.name, entry)
    if known != entry:
        raise InputError(
            f"the checkpoint {entry.name!r} is already registered with other facts (file {known.file}, SHA256 "
            f"{known.sha256}); give yours another `name`"
        )


def _check_form(entry: WeightEntry) -> None:
    """Refuse fields that would leave their folder, or make every download fail.

    Raises:
        InputError: if one does.
    """
    for field in ("urls", "aliases"):
        if not isinstance(getattr(entry, field), tuple):
            kind = type(getattr(entry, field)).__name__
            raise InputError(f"`{field}` is a {kind}, needs a tuple of strings; write {field}=(TEXT,)")
    for field, text in (("name", entry.name), ("file", entry.file), *(("aliases", alias) for alias in entry.aliases)):
        if text in ("", ".", "..") or re.search(r"[/\\=\0]", text):
            raise InputError(f"`{field}` is {text!r}, needs a plain name; leave out folders and '='")
    for field, digits, form in (
        ("sha256", entry.sha256, "[0-9a-f]{64}"),
        ("sha256_prefix", entry.sha256_prefix, "[0-9a-f]{8,64}"),
        ("git_blob", entry.git_blob, "[0-9a-f]{40}"),
    ):
        if digits is not None and not re.fullmatch(form, digits):
            program = "git hash-object" if field == "git_blob" else "sha256sum"
            raise InputError(f"`{field}` is {digits!r}, needs {form}; `{program} {entry.file}` prints the hash")


def get_entry(name: str) -> WeightEntry:
    """Return one checkpoint of the registry.

    Raises:
        InputError: if there is none of this name.
    """
    known = registry()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise InputError(f"no checkpoint is called {name!r}{hint} Known: {', '.join(known)}")
    return known[name]


def owner_of_hash(sha256: str) -> WeightEntry | None:
    """Return the checkpoint that has this hash, None if it is not in the registry."""
    return next((entry for entry in registry().values() if entry.matches(sha256)), None)


def shares_file_name(entry: WeightEntry) -> bool:
    """Return whether another checkpoint is published under the same file name."""
    return sum(other.file == entry.file for other in registry().values()) > 1
