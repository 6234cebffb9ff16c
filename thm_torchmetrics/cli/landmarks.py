"""``thm landmarks``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from thm_torchmetrics.errors import InputError, ThmError


@click.command()
@click.argument("video", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="A picture (.png, .jpg) of some frames, or all landmarks (.npy, an array (T, 68, 2)).",
)
@click.option("--extractor", type=click.Choice(["fan", "dlib"]), default="fan", show_default=True)
@click.option(
    "--face",
    type=click.Choice(["largest", "first", "last", "center"]),
    default="largest",
    show_default=True,
    help="Which face of a frame counts.",
)
@click.option("--upsample", type=click.IntRange(min=0), default=0, help="How often dlib doubles the frame first.")
@click.option("--frames", type=click.IntRange(min=1), default=12, show_default=True, help="How many frames to draw.")
def landmarks(video: Path, output: Path, extractor: str, face: str, upsample: int, frames: int) -> None:
    """Draw the landmarks found in VIDEO over evenly spaced frames, or write them all to a file."""  # fmt: skip
    import numpy as np
    import torch

    from thm_torchmetrics.core.clip import Clip
    from thm_torchmetrics.core.precision import exact_arithmetic
    from thm_torchmetrics.extractors.landmarks import landmark_makers
    from thm_torchmetrics.media.video import VideoFile
    from thm_torchmetrics.reports import contact_sheet as sheet

    every_frame = output.suffix.lower() == ".npy"
    try:
        handle = landmark_makers(face=face, upsample=upsample)[extractor]()
        source = VideoFile(video)
        step = 1 if every_frame else max(1, (source.estimated_frames or frames) // frames)
        pictures: list[Any] = []
        points: list[Any] = []
        with torch.no_grad(), exact_arithmetic(torch.device("cpu")):
            for chunk in Clip(VideoFile(video, every=step)).chunks():
                points.append(handle.extract(chunk).numpy())
                if not every_frame:
                    pictures.extend(chunk.rows.permute(0, 2, 3, 1).numpy())
                    if len(pictures) >= frames:
                        break
        found = np.concatenate(points)
        if every_frame:
            np.save(output, found)
        else:
            found, pictures = found[:frames], pictures[:frames]
            captions = [f"frame {i * step}" for i in range(len(pictures))]
            sheet.save(sheet.landmark_sheet(pictures, list(found), captions), output)
    except InputError as error:
        raise click.UsageError(str(error)) from error
    except (ThmError, OSError) as error:
        raise click.ClickException(str(error)) from error
    missed = int(np.isnan(found).any(axis=(1, 2)).sum())
    click.echo(f"{output}: {len(found)} frames, {missed} without a face", err=True)
