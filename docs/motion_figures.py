"""Draw what the metrics of motion measure, on made-up motion: ``python docs/motion_figures.py FOLDER``."""

import sys
from pathlib import Path

import matplotlib as mpl
import torch

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor

from thm_torchmetrics.functional import (
    blinks,
    closed_eyes,
    eye_aspect_ratio,
    head_pose_error,
    motion_beats,
    mouth_ratio,
    speech_of_sound,
)

FPS, FRAMES = 25, 150
TIME = torch.arange(FRAMES) / FPS


def draw_pose(axes: Axes) -> None:
    """Draw the yaw of two heads, and the error of the pose between them."""
    target = torch.stack([5 * torch.sin(TIME), 12 * torch.sin(2 * TIME), 2 * torch.cos(TIME)], dim=1)
    preds = 0.7 * target + torch.tensor([0.0, 3.0, 0.0])
    axes.plot(TIME, target[:, 1], label="yaw of the real head")
    axes.plot(TIME, preds[:, 1], label="yaw of the generated head")
    error = head_pose_error(preds, target)
    axes.fill_between(TIME, 0, error, alpha=0.3, label=f"error of the three angles, mean {error.mean():.1f}")
    axes.set(ylabel="degrees", title="pose-error")


def draw_beats(axes: Axes) -> None:
    """Draw the speed of a nodding head with its beats, and the beats of a sound."""
    steps = 1 - torch.cos(TIME * 2 * torch.pi)
    keypoints = steps.cumsum(dim=0)[:, None, None].expand(-1, 68, 2)
    beats = motion_beats(keypoints)
    axes.plot(TIME[1:], steps[1:], label="speed")
    axes.plot(TIME[beats], steps[beats], "o", label="beats of the motion")
    for i, beat in enumerate((1.0, 2.05, 3.1, 4.2, 5.3)):
        axes.axvline(beat, linestyle="--", color="gray", label="beats of the sound" if not i else None)
    axes.set(ylabel="pixels per frame", title="beat-align")


def draw_blinks(axes: Axes) -> None:
    """Draw the eye aspect ratio of eyes that blink three times."""
    gap = torch.full((FRAMES,), 3.0) + 0.15 * torch.sin(9 * TIME)
    for start in (30, 70, 118):
        gap[start : start + 6] = torch.tensor([2.0, 1.0, 0.5, 0.5, 1.2, 2.2])
    landmarks = torch.zeros(FRAMES, 68, 2)
    landmarks[:, [39, 45], 0] = 10
    landmarks[:, [37, 38, 43, 44], 1] = gap[:, None]
    axes.plot(TIME, eye_aspect_ratio(landmarks), label="eye aspect ratio")
    axes.axhline(0.2, linestyle="--", color="gray", label="limit")
    for i, (first, last) in enumerate((blinks(closed_eyes(landmarks)) / FPS).tolist()):
        axes.axvspan(first, last, alpha=0.3, label="blink" if not i else None)
    axes.set(ylabel="ratio", title="blink-rate, blink-duration")


def draw_mouth(axes: Axes) -> None:
    """Draw how far a mouth is open, that also moves in a pause of the sound."""
    landmarks = torch.zeros(FRAMES, 68, 2)
    landmarks[:, 64, 0] = 20
    landmarks[:, 66, 1] = 5 + 5 * torch.sin(11 * TIME) * torch.cos(3 * TIME)
    sound = 0.3 * torch.sin(torch.arange(16000 * FRAMES / FPS) * 0.3)
    sound[2 * 16000 : 4 * 16000] = 0
    silent = ~speech_of_sound(sound, 16000, FRAMES, FPS)
    ratio = mouth_ratio(landmarks)
    leaks = silent & (ratio > 0.25)
    axes.plot(TIME, ratio, label="gap over width of the lips")
    axes.axhline(0.25, linestyle="--", color="gray", label="limit")
    axes.fill_between(TIME, 0, 0.5, where=_bools(silent), alpha=0.2, label="silence")
    share = float(leaks.sum() / silent.sum())
    axes.plot(TIME[leaks], ratio[leaks], "r.", label=f"leaks, {share:.0%} of the silent frames")
    axes.set(ylabel="ratio", title="lip-leak")


def _bools(values: Tensor) -> list[bool]:
    return [bool(value) for value in values]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for draw in (draw_pose, draw_beats, draw_blinks, draw_mouth):
        figure, axes = plt.subplots(figsize=(10, 3), layout="constrained")
        draw(axes)
        axes.set_xlabel("seconds")
        figure.legend(fontsize="small", loc="outside right upper")
        figure.savefig(folder / f"{draw.__name__.removeprefix('draw_')}.png", dpi=100)
