"""Find the files of a dataset that belong to one clip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from thm_torchmetrics.errors import InputError

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg")
AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus")
TABLE_SUFFIXES = (".csv",)
FEATURE_SUFFIXES = (".npy", ".npz")

FOLDERS = {
    "target": "gt_video",
    "preds": "pred_video",
    "audio": "gt_audio",
    "target_au": "gt_au_csv",
    "preds_au": "pred_au_csv",
}
"""The subfolder of a dataset for each input of a metric."""

_SUFFIXES = {
    "preds": VIDEO_SUFFIXES,
    "target": VIDEO_SUFFIXES,
    "audio": AUDIO_SUFFIXES,
    "preds_au": TABLE_SUFFIXES,
    "target_au": TABLE_SUFFIXES,
}


@dataclass(frozen=True)
class Item:
    """An item holds the files of one clip, None where there is none.

    Args:
        key: name of the clip, the path without suffix relative to its folder, with ``/`` between folders.
        preds: generated video.
        target: real video.
        audio: speech.
        preds_au: OpenFace's table of the generated video.
        target_au: OpenFace's table of the real video.
        features: files of given features by metric, then by side, ``preds`` or ``target``.
    """

    key: str
    preds: Path | None = None
    target: Path | None = None
    audio: Path | None = None
    preds_au: Path | None = None
    target_au: Path | None = None
    features: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)


def find_files(folder: Path | str, suffixes: Iterable[str]) -> dict[str, Path]:
    """Find the files of a folder and its subfolders, by clip; hidden files are skipped.

    Args:
        folder: the folder to search.
        suffixes: suffixes of the files to find, in lower case with the dot; ``.MP4`` is found, too.

    Returns:
        Clip key to path, sorted by key. The key is the path without suffix, relative to the folder: ``sub/talk``.

    Raises:
        InputError: if the folder does not exist, holds no such file, or holds two of one key (``a.mp4`` and ``a.mov``).
    """
    folder, suffixes = Path(folder), tuple(suffixes)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder or file")
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.suffix.lower() not in suffixes or any(part.startswith(".") for part in inside.parts):
            continue
        if not path.is_file():
            continue
        key = inside.with_suffix("").as_posix()
        if key in found:
            raise InputError(f"{folder}: {found[key].name} and {path.name} are both the clip {key!r}; keep one of them")
        found[key] = path
    if not found:
        raise InputError(f"{folder}: holds no file that ends in {', '.join(suffixes)}")
    return dict(sorted(found.items()))


def pair(
    preds: Path | str | None = None,
    target: Path | str | None = None,
    audio: Path | str | None = None,
    preds_au: Path | str | None = None,
    target_au: Path | str | None = None,
) -> list[Item]:
    """Pair the files of some folders to clips.

    Clips are matched by the path inside their folders, without suffix. A clip that some folder lacks has None there,
    which the caller reports. Single files instead of folders belong together under any names, and the first of them
    names the clip.

    Args:
        preds: generated videos.
        target: real videos.
        audio: speech.
        preds_au: OpenFace's tables of the generated videos.
        target_au: OpenFace's tables of the real videos.

    Returns:
        One item per clip, sorted by key.

    Raises:
        InputError: if nothing is given, a folder does not exist or is empty, a key is ambiguous, or files and folders
            are mixed.
    """
    given = {"preds": preds, "target": target, "audio": audio, "preds_au": preds_au, "target_au": target_au}
    paths = {kind: Path(path) for kind, path in given.items() if path is not None}
    if not paths:
        raise InputError(f"nothing to pair: give one of {', '.join(given)}")
    files = {kind: path for kind, path in paths.items() if path.is_file()}
    if not files:
        found = {kind: find_files(path, _SUFFIXES[kind]) for kind, path in paths.items()}
        keys = sorted(set().union(*found.values()))
        return [_item(key, {kind: clips[key] for kind, clips in found.items() if key in clips}) for key in keys]
    for kind, path in paths.items():
        if kind not in files:
            what = "is a folder" if path.is_dir() else "does not exist"
            raise InputError(f"{kind}: {path} {what}, but {next(iter(files.values()))} is a file; give files only")
    return [_item(next(iter(files.values())).stem, files)]


def _item(key: str, files: Mapping[str, Path]) -> Item:
    fields: dict[str, Any] = dict(files)
    return Item(key, **fields)


def pair_features(items: Iterable[Item], given: Mapping[str, Mapping[str, Path]]) -> list[Item]:
    """Add the files of given features to clips by key; clips with features alone are added.

    Args:
        items: the clips.
        given: by metric, the folders of ``preds`` and ``target``, with one ``.npy`` or ``.npz`` file per clip; or one
            file each, under any name, if there is only one clip.

    Returns:
        One item per clip, sorted by key; ``features`` has every metric, with the files that there are.

    Raises:
        InputError: as `find_files`, or if there is a file and more than one clip.
    """
    clips = {item.key: item for item in items}
    found: dict[tuple[str, str], dict[str, Path]] = {}
    for metric, sides in given.items():
        for side, path in sides.items():
            if path.is_file() and len(clips) > 1:
                raise InputError(
                    f"{path} is a file, but there are {len(clips)} clips; give a folder with a file for each"
                )
            files = {next(iter(clips), path.stem): path} if path.is_file() else find_files(path, FEATURE_SUFFIXES)
            found[metric, side] = files
            clips = {key: Item(key) for key in files} | clips
    return [
        replace(
            clips[key],
            features={
                metric: {side: found[metric, side][key] for side in sides if key in found[metric, side]}
                for metric, sides in given.items()
            },
        )
        for key in sorted(clips)
    ]


def discover(data: Path | str) -> dict[str, Path]:
    """Find the folders of a dataset by the input that they hold, as `pair` takes them.

    Args:
        data: a folder with one or more of ``gt_video``, ``pred_video``, ``gt_audio``, ``gt_au_csv``, ``pred_au_csv``.

    Returns:
        The keyword names of `pair` with their folders.

    Raises:
        InputError: if the dataset is not a folder, or holds none of those folders.
    """
    data = Path(data)
    if not data.is_dir():
        what = "is a file, not a folder" if data.exists() else "does not exist"
        raise InputError(
            f"{data} {what}; a dataset is a folder with {', '.join(FOLDERS.values())}, whichever there are"
        )
    folders = {kind: data / name for kind, name in FOLDERS.items() if (data / name).is_dir()}
    if not folders:
        raise InputError(f"{data}: holds none of the folders {', '.join(FOLDERS.values())}")
    return folders
