"""Make up three models that predict the clips of the sample, each with an error of its own kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from thm_torchmetrics.demo.sample import (
    FPS,
    SAMPLE_RATE,
    Motion,
    Picture,
    Portrait,
    noisy,
    synthetic_speech,
    write_action_units,
)
from thm_torchmetrics.media.write import write_video

LATE = 4
"""Frames by which the mouth of the late model follows the speech."""

_Drawn: TypeAlias = tuple[Motion, Iterator[Picture]]


def _blurred(portrait: Portrait, truth: Motion, rng: np.random.Generator) -> _Drawn:
    return truth, portrait.blurred(1.6).frames(truth)


def _late(portrait: Portrait, truth: Motion, rng: np.random.Generator) -> _Drawn:
    mouth = np.concatenate([np.repeat(truth.mouth[:1], LATE), truth.mouth])[: len(truth.mouth)]
    guess = replace(truth, mouth=mouth)
    return guess, portrait.frames(guess)


def _noisy(portrait: Portrait, truth: Motion, rng: np.random.Generator) -> _Drawn:
    guess = truth.imitated(rng)
    return guess, noisy(portrait.frames(guess), rng, level=8)


MODELS: Mapping[str, Callable[[Portrait, Motion, np.random.Generator], _Drawn]] = MappingProxyType(
    {"made-up: blurred": _blurred, "made-up: late": _late, "made-up: noisy": _noisy}
)
"""The models by name: a blurred picture; a mouth that moves 160 ms late; noise, a weak mouth and another head pose."""


def make_models(folder: Path, *, clips: int = 2, seconds: float = 2.0, size: int = 256) -> dict[str, dict[str, Path]]:
    """Write the predictions of the made-up models for the sample of `make_sample` with the same arguments.

    Args:
        folder: where the sample is; the predictions go to ``models`` in it.
        clips: number of clips.
        seconds: length of a clip.
        size: height and width of the videos in pixels.

    Returns:
        The folders of videos (``preds``) and of OpenFace tables (``preds_au``) by model.
    """
    places: dict[str, dict[str, Path]] = {}
    portrait = Portrait(size)
    for name, draw in MODELS.items():
        top = folder / "models" / name.rpartition(" ")[2]
        places[name] = {"preds": top / "video", "preds_au": top / "au_csv"}
        for place in places[name].values():
            place.mkdir(parents=True, exist_ok=True)
        for seed in range(clips):
            rng = np.random.default_rng(seed)
            speech = synthetic_speech(seconds, rng)
            motion, pictures = draw(portrait, Motion.of_speech(speech, rng), rng)
            clip = f"portrait_{seed + 1:02d}"
            write_video(places[name]["preds"] / f"{clip}.mp4", pictures, FPS, audio=speech, sample_rate=SAMPLE_RATE)
            write_action_units(places[name]["preds_au"] / f"{clip}.csv", motion, rng, error=0.1)
    return places
