"""Define the command ``thm extract``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from thm_torchmetrics.cli.options import checkpoint_options, device_named, device_option, given_checkpoints
from thm_torchmetrics.errors import InputError, ThmError

if TYPE_CHECKING:
    from thm_torchmetrics.scoring.extraction import Features

KINDS = {"landmarks": "landmarks", "embeddings": "identity", "coefficients": "face3d", "valence-arousal": "emotion"}
"""The kind of extractor that computes each of the features."""

_PICTURES = (".png", ".jpg", ".jpeg")


@click.command()
@click.argument("name", type=click.Choice(list(KINDS)))
@click.argument("video", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The file to write: .npz, .npy (the features alone), or a picture (.png, .jpg) of landmarks.",
)
@click.option("--extractor", default=None, help="What computes the features; see `thm list`.  [default: the first]")
@click.option("--landmarks", default=None, help="What finds the face: fan or dlib.  [default: the extractor's own]")
@click.option(
    "--face",
    type=click.Choice(["largest", "first", "last", "center"]),
    default="largest",
    show_default=True,
    help="Which face of a frame counts.",
)
@click.option("--upsample", type=click.IntRange(min=0), default=0, help="How often dlib doubles the frame first.")
@click.option("--every", type=click.IntRange(min=1), default=1, help="Take every N-th frame only.")
@click.option("--frames", type=click.IntRange(min=1), default=12, show_default=True, help="How many frames to draw.")
@device_option
@checkpoint_options
@click.option("--quiet", is_flag=True, help="No progress bar.")
def extract(name: str, video: Path, output: Path, **given: Any) -> None:
    """Write the features NAME of every frame of VIDEO to a file, or draw its landmarks.

    An .npz file holds the features (T, ...), NaN in frames without a face, the frames' times in seconds, fps, and the
    network with the SHA256 of its checkpoints; coefficients also by part: id (80), exp (64), tex (80), angle (3,
    radians), gamma (27), trans (3). Metrics read it with `thm score --preds-features KEY=DIR
    --target-features KEY=DIR`.
    """  # fmt: skip
    suffix = output.suffix.lower()
    if suffix not in (".npz", ".npy") and not (suffix in _PICTURES and name == "landmarks"):
        pictures = "" if name != "landmarks" else ", .png or .jpg"
        raise click.UsageError(f"--output must end in .npz or .npy{pictures}, got {output}")
    if not output.parent.is_dir():
        raise click.UsageError(f"{output}: there is no folder {output.parent}")
    try:
        features = _features(name, video, given, given["frames"] if suffix in _PICTURES else None)
        _write(features, video, output)
    except InputError as error:
        raise click.UsageError(str(error)) from error
    except (ThmError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{output}: {len(features.times)} frames, {features.missing} without a face", err=True)


def _features(name: str, video: Path, given: dict[str, Any], drawn: int | None) -> Features:
    """Compute the features, or those of evenly spaced frames if they are drawn."""
    from thm_torchmetrics.cli.progress import Bar
    from thm_torchmetrics.extractors import EXTRACTORS, make_extractor
    from thm_torchmetrics.media.video import VideoFile
    from thm_torchmetrics.scoring.extraction import extract_features

    every = given["every"]
    if drawn is not None:
        every = max(every, (VideoFile(video).estimated_frames or drawn) // drawn)
    with Bar(hidden=given["quiet"]) as progress:
        kind = KINDS[name]
        options = {"landmarks": given["landmarks"], "face": given["face"], "upsample": given["upsample"]}
        chosen = given["extractor"] or next(iter(EXTRACTORS[kind]))
        extractor = make_extractor(kind, chosen, given_checkpoints(given, progress), **options)
        features = extract_features(
            name, video, extractor, device_named(given["device"]), every=every, progress=progress
        )
    return features if drawn is None else features.first(drawn)


def _write(features: Features, video: Path, output: Path) -> None:
    import numpy as np

    from thm_torchmetrics.media.whole_file import whole_file

    if output.suffix.lower() in _PICTURES:
        from thm_torchmetrics.media.video import VideoFile
        from thm_torchmetrics.reports import contact_sheet

        frames = VideoFile(video, every=features.every).frames()
        pictures = [picture for picture, _ in (next(frames) for _ in features.times)]
        captions = [f"frame {i * features.every}" for i in range(len(pictures))]
        contact_sheet.save(contact_sheet.landmark_sheet(pictures, list(features.rows), captions), output)
        return
    with whole_file(output, "wb") as file:
        if output.suffix.lower() == ".npy":
            np.save(file, features.rows)
        else:
            np.savez_compressed(file, **features.arrays())
