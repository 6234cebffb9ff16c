"""Define what ``thm extract action-units`` has of its own: the options of OpenFace, and the runs of its program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from thm_torchmetrics.cli.extract_each import work_through
from thm_torchmetrics.cli.options import FiniteRange
from thm_torchmetrics.errors import InputError

if TYPE_CHECKING:
    from thm_torchmetrics.media.openface_program import OpenFace
    from thm_torchmetrics.scoring.extraction import Features

NAME = "action-units"
OPENFACE = "openface"
"""The backend that is OpenFace's own program; all others are extractors of this package."""

_OPENFACE_AU = "openface-au"
_DEFAULT_IMAGE = "default"
_LANDMARKS = "ce-clm"

_OF_PROGRAM = ("openface", "docker", "time_limit")
_OF_EXTRACTORS = (
    "face", "upsample", "every", "fps", "frames", "device", "weights", "weights_dir", "offline", "commercial",
)  # fmt: skip


def _check_image(context: click.Context, option: click.Parameter, image: str | None) -> str | None:
    """Refuse a video that stands where the name of an image may."""
    if image is not None and Path(image).exists():
        raise click.UsageError(
            f"--docker {image}: that is a file or folder here, and was taken for the name of the image; write --docker "
            "last, or before another option",
            context,
        )
    return image


_OPTIONS = (
    click.option(
        "--backend",
        default=None,
        metavar="NAME",
        help="Action units: openface, which is OpenFace's own program and writes its tables, or an extractor: "
        "openface-au, libreface, libreface-resnet18.  [default: openface if --openface or --docker is given, else the "
        "first extractor]",
    ),
    click.option(
        "--openface",
        type=click.Path(path_type=Path),
        default=None,
        envvar="THM_OPENFACE",
        show_envvar=True,
        help="Action units: OpenFace's program FeatureExtraction, or its folder.  [default: the one on PATH]",
    ),
    click.option(
        "--docker",
        is_flag=False,
        flag_value=_DEFAULT_IMAGE,
        default=None,
        callback=_check_image,
        metavar="[IMAGE]",
        help="Action units: run OpenFace in docker instead, by default in the image that papers use.",
    ),
    click.option(
        "--time-limit",
        type=FiniteRange(min=0, min_open=True),
        default=3600.0,
        show_default=True,
        metavar="SECONDS",
        help="Action units: how long OpenFace may take for one video.",
    ),
    click.option(
        "--static", is_flag=True, help="Action units: OpenFace's models that are not calibrated over the video."
    ),
)


def openface_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of action units to a command."""
    return reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), command)


def choose_backend(context: click.Context, name: str, given: Mapping[str, Any]) -> str | None:
    """Return what computes the features: an extractor, `OPENFACE`, or None for the first extractor.

    Raises:
        InputError: if an option is given that has no effect with it.
    """
    if name != NAME:
        _refuse(context, ("backend", *_OF_PROGRAM, "static"), f"only {NAME} take it")
        return str(given["extractor"]) if given["extractor"] else None
    backend: str | None = given["backend"] or given["extractor"]
    if given["extractor"] not in (None, backend):
        raise InputError(f"--extractor {given['extractor']} and --backend {backend} are two backends; give one")
    if backend is None and any(_is_given(context, option) for option in ("openface", "docker")):
        backend = OPENFACE
    if backend == OPENFACE:
        _refuse(context, _OF_EXTRACTORS, "OpenFace's program does not take it")
    else:
        _refuse(context, _OF_PROGRAM, "only --backend openface takes it")
    return backend


def _is_given(context: click.Context, option: str) -> bool:
    return context.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE


def _refuse(context: click.Context, options: tuple[str, ...], reason: str) -> None:
    for option in options:
        if _is_given(context, option):
            raise InputError(f"--{option.replace('_', '-')}: {reason}; leave it out")


def extractor_options(chosen: str, given: Mapping[str, Any]) -> dict[str, str]:
    """Return the options of an extractor that ``--static`` stands for.

    Raises:
        InputError: if it has no static models.
    """
    if not given["static"]:
        return {}
    if chosen != _OPENFACE_AU:
        raise InputError(
            f"--static: {chosen} has no static models, as {OPENFACE} and {_OPENFACE_AU} have; leave it out"
        )
    return {"net": f"{_OPENFACE_AU}-static"}


def in_intensities(features: Features) -> Features:
    """Return the features as intensities, where the extractor gives outputs that the whole clip makes intensities."""
    import torch

    calibrate = getattr(features.extractor, "intensities", None)
    return features if calibrate is None else replace(features, rows=calibrate(torch.from_numpy(features.rows)).numpy())


def track_all(files: Mapping[Path, Path], given: Mapping[str, Any]) -> list[str]:
    """Run OpenFace's program on every video, and return why some have no table.

    Args:
        files: the table to write for each video.
        given: the options of the command.

    Raises:
        InputError: if the program is not found, or the landmark model is none of its.
    """
    from thm_torchmetrics.cli.progress import shown
    from thm_torchmetrics.media.openface_run import LANDMARK_MODELS, track_action_units

    landmarks = given["landmarks"] or _LANDMARKS
    if landmarks not in LANDMARK_MODELS:
        raise InputError(f"--landmarks {landmarks}: OpenFace has the models {', '.join(LANDMARK_MODELS)}")
    program = _find_program(given)

    def track_one(video: Path, table: Path) -> tuple[int, int]:
        tracked = track_action_units(
            program, video, table, static=given["static"], landmarks=landmarks, time_limit=given["time_limit"]
        )
        return tracked.frames, tracked.failed

    with shown(given["quiet"]) as progress:
        return work_through(files, progress, track_one)


def _find_program(given: Mapping[str, Any]) -> OpenFace:
    from thm_torchmetrics.media.openface_program import DOCKER_IMAGE, find_docker, find_openface

    image = given["docker"]
    if image is None:
        return find_openface(given["openface"])
    return find_docker(DOCKER_IMAGE if image == _DEFAULT_IMAGE else image)
