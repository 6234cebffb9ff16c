"""``thm coefficients``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from thm_torchmetrics.errors import InputError, ThmError

if TYPE_CHECKING:
    import torch

    from thm_torchmetrics.cli.progress import Bar
    from thm_torchmetrics.extractors.face3d import Deep3D
    from thm_torchmetrics.media.video import VideoFile

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("video", type=_FILE)
@click.option("-o", "--output", type=_FILE, required=True, help="The .npz file to write.")
@click.option(
    "--extractor",
    type=click.Choice(["deep3d", "deep3d-2023"]),
    default="deep3d",
    show_default=True,
    help="Which of the two published checkpoints named epoch_20.pth.",
)
@click.option(
    "--landmarks", type=click.Choice(["fan", "dlib"]), default="fan", show_default=True, help="What finds the face."
)
@click.option(
    "--face",
    type=click.Choice(["largest", "first", "last", "center"]),
    default="largest",
    show_default=True,
    help="Which face of a frame counts.",
)
@click.option(
    "--weights",
    multiple=True,
    metavar="NAME=FILE",
    help="Use your own checkpoint, whatever its hash; may be repeated.",
)
@click.option("--every", type=click.IntRange(min=1), default=1, help="Take every N-th frame only.")
@click.option("--device", default=None, help="Where to compute, e.g. cuda.  [default: cuda if there is one, else cpu]")
@click.option("--offline", is_flag=True, help="Download nothing.")
@click.option("--commercial", is_flag=True, help="Refuse checkpoints whose license excludes commercial use.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def coefficients(video: Path, output: Path, **given: Any) -> None:
    """Write the 3-D face coefficients of every frame of VIDEO.

    The file holds the array coefficients (T, 257), NaN in frames without a face, its parts id (80), exp (64), tex (80),
    angle (3, radians), gamma (27) and trans (3), the frames' times in seconds, fps, and the name and SHA256 of the
    checkpoint. Metrics read it with `thm score --preds-features aed=DIR --target-features aed=DIR`.
    """  # fmt: skip
    if output.suffix.lower() != ".npz":
        raise click.UsageError(f"--output must end in .npz, got {output}")
    if not output.parent.is_dir():
        raise click.UsageError(f"{output}: there is no folder {output.parent}")
    try:
        arrays = _estimate(video, given)
        _write(output, arrays)
    except InputError as error:
        raise click.UsageError(str(error)) from error
    except (ThmError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{output}: {len(arrays['times'])} frames, {arrays['missing']} without a face", err=True)


def _estimate(video: Path, given: dict[str, Any]) -> dict[str, Any]:
    """What the file will hold."""
    import numpy as np
    import torch

    from thm_torchmetrics.cli.options import assignments, device_named
    from thm_torchmetrics.cli.progress import Bar
    from thm_torchmetrics.extractors.face3d import face3d_makers
    from thm_torchmetrics.functional.face3d import COEFFICIENTS
    from thm_torchmetrics.media.video import VideoFile
    from thm_torchmetrics.weights import registry

    for option in ("offline", "commercial"):
        if given[option]:
            os.environ[f"THM_{option.upper()}"] = "1"
    source = VideoFile(video, every=given["every"])
    fps = source.fps / given["every"]
    device = device_named(given["device"] or ("cuda" if torch.cuda.is_available() else "cpu"))
    files = assignments("--weights", given["weights"], registry())
    with Bar(hidden=given["quiet"]) as progress:
        extractor = face3d_makers(files, landmarks=given["landmarks"], face=given["face"])[given["extractor"]]()
        rows, times = _rows(source, extractor, device, progress)
    return {
        "coefficients": rows,
        **{part: rows[:, columns] for part, columns in COEFFICIENTS.items()},
        "missing": int(np.isnan(rows).any(axis=1).sum()),
        "times": np.array(times),
        "fps": fps,
        "weights": str(extractor),
        "sha256": extractor.sha256,
        "landmarks": str(extractor.landmarks),
    }


def _rows(source: VideoFile, extractor: Deep3D, device: torch.device, progress: Bar) -> tuple[Any, list[float]]:
    """Coefficients ``(T, 257)`` of a video, and the frames' times."""
    import torch

    from thm_torchmetrics.core.clip import Clip
    from thm_torchmetrics.core.precision import exact_arithmetic

    rows: list[torch.Tensor] = []
    times: list[float] = []
    progress.start(1)
    with torch.no_grad(), exact_arithmetic(device):
        for chunk in Clip(source).chunks():
            rows.append(extractor.extract(chunk.to(device)).cpu())
            times.extend(chunk.times)
            for _ in chunk.times:
                progress.frame()
    progress.done()
    return torch.cat(rows).numpy(), times


def _write(path: Path, arrays: dict[str, Any]) -> None:
    """Whole or not at all."""
    import numpy as np

    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            np.savez_compressed(file, **arrays)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
