"""Define the command ``thm extract``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from thm_torchmetrics.cli.extract_action_units import (
    NAME,
    OPENFACE,
    choose_backend,
    extractor_options,
    in_intensities,
    openface_options,
    track_all,
)
from thm_torchmetrics.cli.extract_each import work_through
from thm_torchmetrics.cli.options import checkpoint_options, device_option, given_checkpoints
from thm_torchmetrics.cli.output import writing_fault
from thm_torchmetrics.cli.wording import in_cli_words, on_command_line
from thm_torchmetrics.errors import InputError, ThmError

if TYPE_CHECKING:
    from thm_torchmetrics.extractors import Extractor
    from thm_torchmetrics.scoring.extraction import Features
    from thm_torchmetrics.scoring.progress import Progress

KINDS = {
    "landmarks": "landmarks",
    "embeddings": "identity",
    "coefficients": "face3d",
    "head-pose": "pose",
    "valence-arousal": "emotion",
    NAME: "action_units",
}
"""The kind of extractor that computes each of the features."""

_PICTURES = (".png", ".jpg", ".jpeg")
_SUFFIXES = (".npz", ".npy", *_PICTURES)
SOME_FAILED = 3
"""Exit status where some of several videos failed."""


@click.command()
@click.argument("name", type=click.Choice(list(KINDS)))
@click.argument("sources", metavar="SOURCE...", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="The file to write: .npz, .npy (the features alone), or a picture (.png, .jpg) of landmarks. For several "
    "videos, or for tables of OpenFace, a folder, which gets CLIP.npz or CLIP.csv each and is made if need be.",
)
@click.option("--extractor", default=None, help="What computes the features; see `thm list`.  [default: the first]")
@click.option(
    "--landmarks",
    default=None,
    help="What finds the face: fan or dlib; for OpenFace's program ce-clm or clnf.  [default: its own]",
)
@click.option(
    "--face",
    type=click.Choice(["largest", "first", "last", "center"]),
    default="largest",
    show_default=True,
    help="Which face of a frame counts.",
)
@click.option("--upsample", type=click.IntRange(min=0), default=0, help="How often dlib doubles the frame first.")
@click.option("--every", type=click.IntRange(min=1), default=1, help="Take every N-th frame only.")
@click.option(
    "--fps",
    type=click.FloatRange(min=0, min_open=True),
    default=25.0,
    show_default=True,
    help="Frames per second of folders of pictures.",
)
@click.option("--frames", type=click.IntRange(min=1), default=12, show_default=True, help="How many frames to draw.")
@openface_options
@device_option
@checkpoint_options
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def extract(context: click.Context, /, name: str, sources: tuple[Path, ...], output: Path, **given: Any) -> None:
    """Write the features NAME of every frame of videos to files, or draw the landmarks of one.

    A SOURCE is a video, a folder of numbered pictures or DIR/%05d.png; or a folder of these, whose files are named as
    `thm score` pairs them.

    An .npz file holds the features (T, ...), NaN in frames without a face, the frames' times in seconds, fps, and what
    made them: the network, the SHA256 of its checkpoints, landmarks, face rule, every and version; coefficients also
    by part: id (80), exp (64), tex (80), angle (3, radians), gamma (27), trans (3). Metrics read it with
    `thm score --preds-features KEY=DIR --target-features KEY=DIR`, which refuses pairs that were made differently.

    `thm extract action-units --backend openface` runs OpenFace's own program, one video after the other, and keeps the
    tables that it has finished as CLIP.csv, for `thm score --preds-au DIR --target-au DIR`, with CLIP.json, which says
    how each was made. Action units of other backends are .npz files, with the numbers of their units, and never such
    tables: their values are not OpenFace's. No metric reads these files; `thm score --extractor aue=NAME` measures the
    videos by the same extractor.

    Exit status: 0 all was written; 1 the video or its network failed; 2 wrong usage or an output that cannot be
    written; 3 some of several videos failed, and the others are written.
    """  # fmt: skip
    try:
        backend = choose_backend(context, name, given)
        files = _outputs(name, sources, output, tables=backend == OPENFACE)
        failed = track_all(files, given) if backend == OPENFACE else _extract_all(name, files, given, backend)
    except InputError as error:
        raise click.UsageError(in_cli_words(str(error))) from error
    except (ThmError, OSError) as error:
        raise click.ClickException(in_cli_words(str(error))) from error
    if not failed:
        return
    if len(files) == 1:
        raise click.ClickException(failed[0])
    click.echo(f"{len(failed)} of {len(files)} videos failed, and the others are written:", err=True)
    for reason in failed:
        click.echo(f"  {reason}", err=True)
    context.exit(SOME_FAILED)


def _outputs(name: str, sources: Sequence[Path], output: Path, *, tables: bool) -> dict[Path, Path]:
    """Return the file to write for every video, after trying that it can be written.

    Args:
        name: name of the features.
        sources: the videos, and folders of them.
        output: the file, or the folder.
        tables: whether OpenFace's tables are written, which always go to a folder.

    Raises:
        InputError: if the output is not of a form that fits, cannot be written, or is one for two videos; or if a
            folder holds no video.
    """
    from thm_torchmetrics.media.pairing import clip_name

    clips = [found for source in sources for found in _clips_of(source)]
    if tables and output.suffix.lower() in (".csv", ".npz", ".npy") and not output.is_dir():
        raise InputError(f"--output must be a folder, which gets CLIP.csv and CLIP.json of every video, got {output}")
    is_folder = output.is_dir() or tables or (name == NAME and not output.suffix)
    if len(sources) == 1 and clips == [(clip_name(sources[0]), sources[0])] and not is_folder:
        suffix = output.suffix.lower()
        if suffix not in _SUFFIXES or (suffix in _PICTURES and name != "landmarks"):
            pictures = "" if name != "landmarks" else ", .png or .jpg"
            raise InputError(f"--output must end in .npz or .npy{pictures}, got {output}")
        _check_folder(output.parent)
        return {sources[0]: output}
    if output.suffix.lower() in _SUFFIXES and not output.is_dir():
        raise InputError(f"{output}: there are {len(clips)} videos, so --output must be a folder, not a file")
    if output.exists() and not output.is_dir():
        raise InputError(f"{output}: is a file; --output must be a folder for {len(clips)} videos")
    _check_folder(output if output.is_dir() else output.parent)
    files: dict[Path, Path] = {}
    owners: dict[Path, Path] = {}
    for key, path in clips:
        file = output / f"{key}{'.csv' if tables else '.npz'}"
        if owners.setdefault(file, path) != path:
            raise InputError(f"{owners[file]} and {path} are both the clip {key!r}; extract them to two folders")
        files[path] = file
    return files


def _check_folder(folder: Path) -> None:
    """Try whether files can be written to a folder.

    Raises:
        InputError: if it does not exist or cannot be written.
    """
    if not folder.is_dir():
        raise InputError(f"--output: there is no folder {folder}; make it, or name another")
    if fault := writing_fault(folder.resolve()):
        raise InputError(f"--output: the folder {folder} cannot be written: {fault}; name another")


def _clips_of(source: Path) -> list[tuple[str, Path]]:
    """Return the videos of a source by name: itself, or those in a folder of videos.

    Raises:
        InputError: if a folder holds none.
    """
    from thm_torchmetrics.media.find import warn_of_passed_over
    from thm_torchmetrics.media.find_videos import find_videos
    from thm_torchmetrics.media.pairing import VIDEO_SUFFIXES, clip_name

    if not source.is_dir():
        return [(clip_name(source), source)]
    clips, passed_over = find_videos(source, VIDEO_SUFFIXES).resolve(set())
    warn_of_passed_over(source, passed_over)
    return [(clip_name(source), source)] if clips is None else sorted(clips.items())


def _extract_all(name: str, files: dict[Path, Path], given: dict[str, Any], chosen: str | None) -> list[str]:
    """Write the features of every video, and return why some could not be.

    Raises:
        ThmError: if the network cannot be made or loaded.
    """
    from thm_torchmetrics.cli.progress import shown
    from thm_torchmetrics.scoring.extraction import extract_features
    from thm_torchmetrics.scoring.resources import device_named

    device = device_named(given["device"], on_command_line)
    with shown(given["quiet"]) as progress:
        extractor = _make_extractor(name, chosen, given, progress)
        extractor.load(device)

        def extract_one(video: Path, file: Path) -> tuple[int, int]:
            every = _step(video, file, given)
            features = extract_features(
                name, video, extractor, device, every=every, fps=given["fps"], progress=progress
            )
            features = in_intensities(features) if name == NAME else features
            features = features.first(given["frames"]) if file.suffix.lower() in _PICTURES else features
            _write(features, video, file)
            return len(features.times), features.missing

        return work_through(files, progress, extract_one)


def _make_extractor(name: str, chosen: str | None, given: dict[str, Any], progress: Progress) -> Extractor:
    """Return what computes the features, by default the first of its kind.

    Raises:
        InputError: if there is no such extractor, or it does not use an option that is given.
        WeightsError: if checkpoints are absent, corrupt or not allowed.
    """
    from thm_torchmetrics.extractors import EXTRACTORS, make_extractor
    from thm_torchmetrics.scoring.extraction import options_of

    kind = KINDS[name]
    chosen = chosen or next(iter(EXTRACTORS[kind]))
    asked = {option: given[option] for option in ("landmarks", "face", "upsample")} | extractor_options(chosen, given)
    extractor: Extractor = make_extractor(kind, chosen, given_checkpoints(given, progress), **asked)
    if given["landmarks"] and getattr(extractor, "landmarks", None) is None:
        raise InputError(f"--landmarks {given['landmarks']}: {extractor} finds the face itself; leave it out")
    if given["upsample"] and "upsample" not in options_of(extractor):
        raise InputError(f"--upsample {given['upsample']}: only dlib's landmarks take it; leave it out")
    return extractor


def _step(video: Path, file: Path, given: dict[str, Any]) -> int:
    """Return n where every n-th frame is taken: for a picture of landmarks, frames spread over the video."""
    from thm_torchmetrics.media import open_video

    every: int = given["every"]
    if file.suffix.lower() not in _PICTURES:
        return every
    frames = open_video(video).estimated_frames or given["frames"]
    return max(every, frames // int(given["frames"]))


def _write(features: Features, video: Path, output: Path) -> None:
    import numpy as np

    from thm_torchmetrics.media.whole_file import whole_file

    if output.suffix.lower() in _PICTURES:
        from thm_torchmetrics.media import open_video
        from thm_torchmetrics.reports import contact_sheet

        frames = open_video(video, every=features.every).frames()
        pictures = [picture for picture, _ in (next(frames) for _ in features.times)]
        captions = [f"frame {i * features.every}" for i in range(len(pictures))]
        contact_sheet.save(contact_sheet.landmark_sheet(pictures, list(features.rows), captions), output)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(output, "wb") as file:
        if output.suffix.lower() == ".npy":
            np.save(file, features.rows)
        else:
            arrays = features.arrays()
            if features.name == NAME:
                arrays["units"] = list(getattr(features.extractor, "units", ()))
            np.savez_compressed(file, **arrays)
