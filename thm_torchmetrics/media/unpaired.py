"""Say why clips of several folders were not paired, where their names show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations, takewhile
from pathlib import Path, PurePosixPath

from thm_torchmetrics.media.find import listed

_TRIED = 20
"""Number of names that are compared with all names of another folder."""
PAIRS_FILE = "name the pairs in a file: --pairs FILE.csv"


@dataclass(frozen=True)
class Affix:
    """An affix is how the names of clips in one folder differ from those in another.

    Args:
        at_end: whether it is the end of the names, else the beginning.
        first: the affix in the first folder.
        second: the affix in the second folder.
        open_end: whether more follows that differs from clip to clip.
    """

    at_end: bool
    first: str
    second: str
    open_end: bool = False

    def describe(self, folders: tuple[str, str], example: tuple[str, str]) -> str:
        """Return the affix in words, with an example of each folder."""
        verb = "go on after" if self.open_end else "end in" if self.at_end else "begin with"
        sides = [
            f'names in {folder} {verb} "{affix}"'
            for folder, affix in zip(folders, (self.first, self.second), strict=True)
            if affix
        ]
        pair = ", ".join(f"{name} in {folder}" for name, folder in zip(example, folders, strict=True))
        return f"{' and '.join(sides)} ({pair}); rename the files, or {PAIRS_FILE}"


def explain_unpaired(folders: Mapping[str, tuple[Path, Set[str]]]) -> tuple[dict[str, str], list[str]]:
    """Return why clips are not in every folder.

    Args:
        folders: by input, such as ``preds``, its folder and the names of the clips in it.

    Returns:
        A reason with its remedy for each clip that some folder lacks; and the reasons that hold for many clips, where
        only an affix, a folder or the case of letters differs.
    """
    every = set.intersection(*(set(clips) for _, clips in folders.values()))
    reasons = {key: "" for _, clips in folders.values() for key in clips if key not in every}
    remarks = []
    unlike: dict[str, str] = {}
    general = f"files are paired by their names without suffix; rename them, or {PAIRS_FILE}"
    for first, second in combinations(folders, 2):
        (folder, clips), (other, others) = folders[first], folders[second]
        alone, alone_there = clips - others, others - clips
        remark = None
        if alone and alone_there and not clips & others:
            remark = _deeper(first, folder, clips, other, others) or _deeper(second, other, others, folder, clips)
            nearest = _nearest(sorted(clips), sorted(others))
            reason = (
                f"none of {len(clips)} clips in {folder} has a partner in {other}; nearest are {nearest[0]} and "
                f"{nearest[1]}; {general}"
            )
            unlike |= dict.fromkeys(clips | others, reason)
        remark = remark or _difference((folder.name, other.name), sorted(alone), sorted(alone_there))
        if remark is not None:
            remarks.append(remark)
            reasons |= {key: remark for key in alone | alone_there if not reasons[key]}
    return {key: reason or unlike.get(key, general) for key, reason in reasons.items()}, remarks


def _deeper(kind: str, folder: Path, clips: Set[str], other: Path, others: Set[str]) -> str | None:
    """Return in words that a folder is too high up, if subfolders hold clips of the names of another folder.

    Args:
        kind: the input of the folder.
        folder: the folder.
        clips: the names of its clips.
        other: the other folder.
        others: the names of its clips.
    """
    inside: dict[str, set[str]] = {}
    for key in clips:
        for parent in PurePosixPath(key).parents[:-1]:
            inside.setdefault(str(parent), set()).add(str(PurePosixPath(key).relative_to(parent)))
    matching = [
        name
        for name, names in sorted(inside.items())
        if 2 * len(names & others) >= min(len(names), len(others)) and (folder / name).resolve() != other.resolve()
    ]
    if not matching:
        return None
    example = min(inside[matching[0]] & others)
    begin = f'"{matching[0]}/"' if len(matching) == 1 else "names of subfolders"
    return (
        f"names in {folder.name} begin with {begin} ({matching[0]}/{example} in {folder.name}, {example} in "
        f"{other.name}), so none of {len(clips)} clips has a partner; did you mean --{kind.replace('_', '-')} "
        f"{listed(str(folder / name) for name in matching)}? Else rename the files, or {PAIRS_FILE}"
    )


def _nearest(first: Sequence[str], second: Sequence[str]) -> tuple[str, str]:
    """Return the two names that are most alike, of the first few of both."""
    pairs = [(name, other) for name in first[:_TRIED] for other in second[:_TRIED]]
    return max(pairs, key=lambda pair: SequenceMatcher(None, *pair).ratio())


def _difference(folders: tuple[str, str], first: list[str], second: list[str]) -> str | None:
    """Return in words how the names of the clips differ; None if no one rule holds for at least half of them."""
    lower = {name.casefold(): name for name in second}
    for name in first:
        if name.casefold() in lower:
            return (
                f"names in {folders[0]} and {folders[1]} differ in upper and lower case ({name}, "
                f"{lower[name.casefold()]}); rename the files, or {PAIRS_FILE}"
            )
    tried = first[:_TRIED]
    votes: Counter[Affix] = Counter()
    examples: dict[Affix, tuple[str, str]] = {}
    for name in tried:
        seen = {affix: other for other in second for affix in _affixes(name, other)}
        votes.update(seen.keys())
        for affix, other in seen.items():
            examples.setdefault(affix, (name, other))
    if not votes:
        return None
    best = max(votes, key=lambda affix: (votes[affix], not affix.open_end, -len(affix.first + affix.second)))
    needed = min(len(tried), len(second))
    alone = needed == 1 and not (best.first and best.second)  # one name is the beginning or end of the other
    if votes[best] * 2 < needed or (votes[best] < 2 and not alone):
        return None
    return best.describe(folders, examples[best])


def _affixes(name: str, other: str) -> Iterator[Affix]:
    """Yield the affixes by which two names differ."""
    common = _common(name, other)
    if common:
        yield Affix(True, name[common:], other[common:])
        if common in (len(name), len(other)):
            mark = _separator((name + other[common:] if common == len(name) else name)[common:])
            if mark:
                yield Affix(True, *((mark, "") if common == len(other) else ("", mark)), open_end=True)
    common = _common(name[::-1], other[::-1])
    if common:
        yield Affix(False, name[: len(name) - common], other[: len(other) - common])


def _common(name: str, other: str) -> int:
    """Return how many signs at the beginning of two names are equal."""
    return sum(1 for _ in takewhile(lambda signs: signs[0] == signs[1], zip(name, other, strict=False)))


def _separator(text: str) -> str:
    """Return the signs at the beginning of a text that are neither letters nor digits."""
    return "".join(takewhile(lambda sign: not sign.isalnum(), text))
