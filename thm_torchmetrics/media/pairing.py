"""Find the files of a dataset that belong to one clip."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from thm_torchmetrics.errors import InputError, MediaWarning
from thm_torchmetrics.media.find import by_key, find_files, list_files, warn_of_passed_over
from thm_torchmetrics.media.find_videos import find_videos
from thm_torchmetrics.media.meshes import MESH_SUFFIXES
from thm_torchmetrics.media.pictures import is_pattern, is_picture
from thm_torchmetrics.media.unpaired import explain_unpaired

VIDEO_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".qt", ".avi", ".divx", ".mkv", ".webm", ".mpg", ".mpeg", ".mpe", ".m1v", ".m2v", ".vob",
    ".ts", ".mts", ".m2ts", ".m2t", ".flv", ".f4v", ".wmv", ".asf", ".3gp", ".3g2", ".ogv", ".gif", ".apng", ".mjpeg",
    ".mjpg", ".h264", ".264", ".h265", ".265", ".hevc", ".ivf", ".y4m", ".mxf",
)  # fmt: skip
AUDIO_SUFFIXES = (
    ".wav", ".flac", ".mp3", ".m4a", ".m4b", ".aac", ".adts", ".ogg", ".oga", ".opus", ".weba", ".aiff", ".aif",
    ".aifc", ".wma", ".amr", ".3ga", ".caf", ".w64", ".rf64", ".bwf", ".au", ".snd", ".mp2", ".mka", ".ac3", ".eac3",
    ".wv", ".tta", ".voc",
)  # fmt: skip
TABLE_SUFFIXES = (".csv",)
FEATURE_SUFFIXES = (".npy", ".npz", ".txt")

FOLDERS = {
    "target": "gt_video",
    "preds": "pred_video",
    "audio": "gt_audio",
    "target_au": "gt_au_csv",
    "preds_au": "pred_au_csv",
}
"""The subfolder of a dataset for each input of a metric."""

_SUFFIXES = {
    "audio": (AUDIO_SUFFIXES, VIDEO_SUFFIXES),
    "preds_au": (TABLE_SUFFIXES, ()),
    "target_au": (TABLE_SUFFIXES, ()),
}
"""The suffixes of an input's files, and those of files that do where there are none."""
_VIDEOS = ("preds", "target")


@dataclass(frozen=True)
class Item:
    """An item holds the files of one clip, None where there is none.

    Args:
        key: name of the clip, the path without suffix relative to its folder, with ``/`` between folders.
        preds: generated video: a file, or a folder or pattern of pictures.
        target: real video, likewise, or a photo.
        audio: speech.
        preds_au: OpenFace's table of the generated video.
        target_au: OpenFace's table of the real video.
        features: files of given features by metric, then by side, ``preds`` or ``target``.
        unpaired: why a file may be missing and what to do, for messages; empty if every folder has the clip.
        no_sound: why the clip has no sound and what to do, where the sound of the dataset is given apart; empty if the
            clip has ``audio``, or if each video's own sound counts.
    """

    key: str
    preds: Path | None = None
    target: Path | None = None
    audio: Path | None = None
    preds_au: Path | None = None
    target_au: Path | None = None
    features: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)
    unpaired: str = field(default="", compare=False)
    no_sound: str = field(default="", compare=False)


def pair(
    preds: Path | str | None = None,
    target: Path | str | None = None,
    audio: Path | str | None = None,
    preds_au: Path | str | None = None,
    target_au: Path | str | None = None,
) -> list[Item]:
    """Pair the files of some folders to clips.

    Clips are matched by the path inside their folders, without suffix. A clip that some folder lacks has None there,
    which the caller reports. With ``audio``, a clip that has no file there has no sound, whatever its video holds.
    Single clips instead of folders belong together under any names, and the first of them names the clip: files,
    patterns of pictures such as ``DIR/%05d.png``, and folders that hold the numbered pictures of one clip. One photo
    may be the target of a whole folder. `find_videos` says which pictures are frames and which are photos. Remarks
    (`MediaWarning`) name the files that are passed over, and clips whose names differ by one affix.

    Args:
        preds: generated videos.
        target: real videos.
        audio: speech; sound files, or videos whose sound is read.
        preds_au: OpenFace's tables of the generated videos.
        target_au: OpenFace's tables of the real videos.

    Returns:
        One item per clip, sorted by key.

    Raises:
        InputError: if nothing is given, a folder does not exist, cannot be searched or is empty, a key is ambiguous, or
            single clips and folders are mixed.
    """
    given = {"preds": preds, "target": target, "audio": audio, "preds_au": preds_au, "target_au": target_au}
    paths = {kind: Path(path) for kind, path in given.items() if path is not None}
    if not paths:
        raise InputError(f"nothing to pair: give one of {', '.join(given)}")
    single = {kind: path for kind, path in paths.items() if path.is_file() or (kind in _VIDEOS and is_pattern(path))}
    for kind, path in paths.items():
        if single and not path.exists() and kind not in single:
            raise InputError(
                f"{kind}: {path} does not exist, but {next(iter(single.values()))} is a file; give one, too"
            )
    found, passed_over = _find({kind: path for kind, path in paths.items() if kind not in single})
    single |= {kind: paths[kind] for kind, clips in found.items() if clips is None}
    folders = {kind: clips for kind, clips in found.items() if clips is not None}
    photo = {"target": single.pop("target")} if folders and is_picture(single.get("target", Path())) else {}
    if single and folders:
        kind = next(iter(folders))
        raise InputError(
            f"{kind}: {paths[kind]} is a folder, but {next(iter(single.values()))} is a file, or the pictures of one "
            "clip; give single clips only, or folders only"
        )
    for folder, files in passed_over.items():
        warn_of_passed_over(folder, files)
    if not folders:
        ordered = {kind: single[kind] for kind in given if kind in single}
        return [_item(clip_name(next(iter(ordered.values()))), ordered)]
    reasons, remarks = explain_unpaired({kind: (paths[kind], set(clips)) for kind, clips in folders.items()})
    for remark in remarks:
        warnings.warn(remark, MediaWarning, stacklevel=2)
    items = [
        _item(key, photo | {kind: clips[key] for kind, clips in folders.items() if key in clips}, reasons.get(key, ""))
        for key in sorted(set().union(*folders.values()))
    ]
    return [_without_sound(item, paths["audio"]) for item in items] if "audio" in folders else items


def clip_name(path: Path) -> str:
    """Return the name of a single clip: of its file without suffix, or of the folder of its pictures."""
    if path.is_dir():
        return path.resolve().name
    return path.parent.resolve().name if is_pattern(path) else path.stem


def _find(folders: Mapping[str, Path]) -> tuple[dict[str, dict[str, Path] | None], dict[Path, list[Path]]]:
    """Return the clips of every input by key, and the files that are passed over by their folder.

    The clips are None for a folder that holds the pictures of one clip.
    """
    videos = {kind: find_videos(path, VIDEO_SUFFIXES) for kind, path in folders.items() if kind in _VIDEOS}
    others = {kind: find_files(path, *_SUFFIXES[kind]) for kind, path in folders.items() if kind not in _VIDEOS}
    found: dict[str, dict[str, Path] | None] = {kind: others.get(kind) for kind in folders}
    passed_over: dict[Path, list[Path]] = {}
    for kind, clips in videos.items():
        elsewhere = set().union(*(side.names for name, side in videos.items() if name != kind), *others.values())
        found[kind], passed_over[folders[kind]] = clips.resolve(elsewhere)
    return found, passed_over


def _item(key: str, files: Mapping[str, Path], unpaired: str = "") -> Item:
    fields: dict[str, Any] = dict(files)
    return Item(key, **fields, unpaired=unpaired)


def _without_sound(item: Item, folder: Path) -> Item:
    """Return a clip of a dataset whose sound lies in a folder, with the reason if it has none there."""
    if item.audio is not None:
        return item
    like = f"; {item.unpaired}" if item.unpaired else ""
    return replace(
        item,
        no_sound=f"no sound for {item.key} in {folder}; add it there, or leave the folder out of the run, so that "
        f"every video's own sound is measured{like}",
    )


def find_features(folder: Path) -> dict[str, Path]:
    """Find the features of clips: files of NumPy or of text, and folders of one mesh per frame.

    Raises:
        InputError: as `find_files`.
    """
    files = list_files(folder)
    meshes = {path for path in files if path.suffix.lower() in MESH_SUFFIXES}
    if not meshes:
        return find_files(folder, FEATURE_SUFFIXES)
    clips = {path.parent for path in meshes}
    rows = {path for path in files if path.suffix.lower() in FEATURE_SUFFIXES and path.parent not in clips}
    warn_of_passed_over(folder, set(files) - meshes - rows)
    return by_key(folder, sorted(clips | rows))


def pair_features(items: Iterable[Item], given: Mapping[str, Mapping[str, Path]]) -> list[Item]:
    """Add the files of given features to clips by key; clips with features alone are added.

    Args:
        items: the clips.
        given: by metric, the folders of ``preds`` and ``target``, with one ``.npy``, ``.npz`` or ``.txt`` file per
            clip; or one file each, under any name, if there is only one clip.

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
            files = {next(iter(clips), path.stem): path} if path.is_file() else find_features(path)
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
        raise InputError(
            f"{data}: holds none of the folders {', '.join(FOLDERS.values())}; rename yours, or give each of them alone"
        )
    return folders
