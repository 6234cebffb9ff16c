"""The source of the checkpoints that the networks of a metric read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from thm_torchmetrics.errors import InputError, WeightsError, WeightsNotFoundError
from thm_torchmetrics.weights.attempts import Attempts
from thm_torchmetrics.weights.download import try_to_obtain
from thm_torchmetrics.weights.licenses import license_notice
from thm_torchmetrics.weights.locate import Found, find_fault
from thm_torchmetrics.weights.missing import Missing, explain_all, explain_missing
from thm_torchmetrics.weights.registry import get_entry


class Checkpoint(NamedTuple):
    """A checkpoint that was obtained.

    Attributes:
        name: name in the registry.
        file: the user's own file, None for the published one.
        sha256: hash of the file in use.
    """

    name: str
    file: str | None
    sha256: str


class _Files(Mapping[str, str]):
    """Paths by name, sorted, that cannot be changed and so have a hash."""

    def __init__(self, given: Mapping[str, str | Path]) -> None:
        self._paths = {name: str(given[name]) for name in sorted(given)}

    def __getitem__(self, name: str) -> str:
        return self._paths[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __hash__(self) -> int:
        return hash(tuple(self._paths.items()))

    def __repr__(self) -> str:
        return repr(self._paths)


@dataclass(frozen=True)
class Checkpoints:
    """Where the networks of a metric take their checkpoints from, and who is told of it.

    Two of them are equal if they give the same files: the callbacks do not count. A download that failed, and a host
    that could not be reached, is not tried again by the same object; make another one to try again.

    Attributes:
        files: custom files by name in the registry; all other checkpoints are the published ones.
        offline: whether downloads are off; None reads the variable `THM_OFFLINE`.
        commercial: whether the use is commercial; None reads the variable `THM_COMMERCIAL`.
        on_download: called with the name, the bytes that are there and the bytes in all (None if not known).
        on_license: called once per name with the `license_notice`, unless the entry allows commercial use.

    Raises:
        InputError: if the registry lacks a name in `files`.

    Example:
        >>> Checkpoints({"syncnet": "mine.model"}, offline=True)
        Checkpoints(files={'syncnet': 'mine.model'}, offline=True, commercial=None)
    """

    files: Mapping[str, str | Path] = field(default_factory=dict)
    offline: bool | None = None
    commercial: bool | None = None
    on_download: Callable[[str, int, int | None], None] | None = field(default=None, compare=False, repr=False)
    on_license: Callable[[str], None] | None = field(default=None, compare=False, repr=False)
    _told: set[str] = field(default_factory=set, init=False, compare=False, repr=False)
    _attempts: Attempts = field(default_factory=Attempts, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in self.files:
            get_entry(name)
        object.__setattr__(self, "files", _Files(self.files))

    @classmethod
    def of(cls, given: CustomFiles, main: str) -> Checkpoints:
        """Return the checkpoints that a metric's argument `weights` stands for.

        Args:
            given: None, the custom file of the main network, custom files by name, or `Checkpoints`.
            main: name of the main network's checkpoint in the registry.

        Raises:
            InputError: if the registry lacks a name, or if `given` is something else.
        """
        untyped: Any = given  # callers without a type checker pass anything
        match untyped:
            case None:
                return cls()
            case Checkpoints():
                return untyped
            case str() | Path():
                return cls({main: untyped})
            case Mapping():
                return cls(untyped)
        raise InputError(
            f"`weights` is a {type(untyped).__name__}, needs a path, paths by name of the checkpoint, or Checkpoints"
        )

    def obtain(self, name: str) -> Checkpoint:
        """Return a checkpoint that is on disk, downloaded if need be.

        Args:
            name: name in the registry.

        Raises:
            InputError: if the registry has no such name.
            WeightsError: if it is absent, corrupt or not allowed.
        """
        found = self._try_to_obtain(name)
        if isinstance(found, Missing):
            raise WeightsNotFoundError(explain_missing(found))
        self._tell_license(name)
        return Checkpoint(name, self._file(name), found.sha256)

    def obtain_all(self, names: Iterable[str]) -> None:
        """Obtain checkpoints, and name all that cannot be had in one error; `obtain` returns each of the others.

        Args:
            names: names in the registry.

        Raises:
            InputError: if the registry has no such name.
            WeightsNotFoundError: if some are absent.
            WeightsError: if some are corrupt or not allowed.
        """
        missing: list[Missing] = []
        faults: dict[str, WeightsError] = {}
        for name in dict.fromkeys(names):
            try:
                found = self._try_to_obtain(name)
            except WeightsError as error:
                faults[name] = error
            else:
                missing += [found] if isinstance(found, Missing) else []
        if not missing and not faults:
            return
        absent = all(isinstance(error, WeightsNotFoundError) for error in faults.values())
        reasons = {name: str(error) for name, error in faults.items()}
        raise (WeightsNotFoundError if absent else WeightsError)(explain_all(missing, reasons))

    def check_files(self) -> None:
        """Check that every custom file can be read, before any work.

        Raises:
            InputError: if one is absent, a folder, or closed to this user; it names all of these.
        """
        faults = [fault for name, file in self.files.items() if (fault := find_fault(name, file))]
        if faults:
            raise InputError("; ".join(faults))

    def _file(self, name: str) -> str | None:
        file = self.files.get(name)
        return None if file is None else str(file)

    def _try_to_obtain(self, name: str) -> Found | Missing:
        progress = None if self.on_download is None else partial(self.on_download, name)
        return try_to_obtain(
            name,
            self._file(name),
            offline=self.offline,
            commercial=self.commercial,
            progress=progress,
            attempts=self._attempts,
        )

    def _tell_license(self, name: str) -> None:
        if self.on_license is None or name in self._told or get_entry(name).commercial is True:
            return
        self._told.add(name)
        self.on_license(license_notice(name))


CustomFiles: TypeAlias = str | Path | Mapping[str, str | Path] | Checkpoints | None
"""A user's own checkpoint, several by name in the registry, or `Checkpoints`."""
