"""Make a small dataset, a portrait that talks and a prediction of it with errors.

The picture is NASA's portrait of Eileen Collins, in the public domain, which scikit-image ships inside its package, so
nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.openface import ACTION_UNITS
from thm_torchmetrics.media.pairing import FOLDERS
from thm_torchmetrics.media.video import VideoFile
from thm_torchmetrics.media.write import write_video, write_wav

FPS = 25
SAMPLE_RATE = 16000

Curve = npt.NDArray[np.float64]
"""One value per frame, or per sample."""
Plane = npt.NDArray[np.floating[Any]]
"""One value per pixel."""
Picture = npt.NDArray[np.uint8]


def make_sample(folder: Path | str, *, clips: int = 2, seconds: float = 2.0, size: int = 256) -> Path:
    """Write a sample dataset of videos, speech and OpenFace tables for ``thm score``.

    A still portrait is animated by a smooth warp: the mouth follows the loudness of synthetic speech, the head and the
    brows move slowly. The prediction is the same scene with a mouth that moves late and too little, another head pose,
    blur and noise. The result depends on the arguments alone.

    Args:
        folder: where to write ``gt_video``, ``pred_video``, ``gt_audio``, ``gt_au_csv`` and ``pred_au_csv``; an earlier
            sample is overwritten.
        clips: number of clips, each with its own speech and motion.
        seconds: length of a clip, at 25 frames per second.
        size: height and width of the videos in pixels, an even number.

    Returns:
        The folder.

    Raises:
        InputError: if there would be no clip or no frame, or the size is odd or below 16.
    """
    if clips < 1 or round(seconds * FPS) < 1:
        raise InputError(f"a sample needs at least one clip of one frame, got clips={clips}, seconds={seconds}")
    if size < 16 or size % 2:
        raise InputError(f"size must be an even number of at least 16, got {size}")
    folder = Path(folder)
    paths = {kind: folder / name for kind, name in FOLDERS.items()}
    for path in paths.values():
        path.mkdir(parents=True, exist_ok=True)
    portrait = Portrait(size)
    blurred = portrait.blurred(0.8)
    for seed in range(clips):
        name = f"portrait_{seed + 1:02d}"
        rng = np.random.default_rng(seed)
        speech = synthetic_speech(seconds, rng)
        truth = Motion.of_speech(speech, rng)
        guess = truth.imitated(rng)
        write_wav(paths["audio"] / f"{name}.wav", speech, SAMPLE_RATE)
        videos = {"target": portrait.frames(truth), "preds": noisy(blurred.frames(guess), rng)}
        for kind, pictures in videos.items():
            write_video(paths[kind] / f"{name}.mp4", pictures, FPS, audio=speech, sample_rate=SAMPLE_RATE)
        write_action_units(paths["target_au"] / f"{name}.csv", truth, rng, error=0.02)
        write_action_units(paths["preds_au"] / f"{name}.csv", guess, rng, error=0.15)
    return folder


def synthetic_speech(seconds: float, rng: np.random.Generator) -> Curve:
    """Synthesise syllables of a consonant and a vowel, with pauses, ``(S,)``, -1..1, 16 kHz.

    Vowels are the harmonics of a gliding pitch, weighted by three formants that move from one vowel to the next.
    Consonants are short bursts of noise.
    """
    count = round(seconds * SAMPLE_RATE)
    time = np.arange(count) / SAMPLE_RATE
    voiced, unvoiced = np.zeros(count), np.zeros(count)
    knots: list[tuple[float, npt.NDArray[np.float64]]] = []
    vowels = np.array([[730, 1090, 2440], [270, 2290, 3010], [570, 840, 2410], [530, 1840, 2480], [300, 870, 2240]])
    start = 0.08
    while start < seconds:
        length = rng.uniform(0.13, 0.26)
        loudness = rng.uniform(0.5, 1.0)
        phase = (time - start - 0.04) / length
        voiced += loudness * np.where((phase > 0) & (phase < 1), np.sin(np.pi * np.clip(phase, 0, 1)) ** 0.7, 0)
        unvoiced += rng.uniform(0.05, 0.3) * np.exp(-(((time - start - 0.02) / 0.012) ** 2))
        knots.append((start + length / 2, vowels[rng.integers(len(vowels))] * rng.uniform(1.05, 1.15)))
        pause = rng.uniform(0.25, 0.4) if rng.random() < 0.2 else rng.uniform(0.02, 0.06)
        start += 0.04 + length + pause
    middles, targets = [middle for middle, _ in knots], np.array([target for _, target in knots])
    formants = [np.interp(time, middles, targets[:, index]) for index in range(3)]
    pitch = 190 + 25 * np.sin(2 * np.pi * 0.7 * time + rng.uniform(0, 6)) + 4 * np.sin(2 * np.pi * 5.5 * time)
    speech = voiced * _vowel(pitch, formants) + unvoiced * np.diff(rng.normal(0, 0.35, count + 1))
    return np.asarray(0.7 * speech / np.abs(speech).max(initial=1e-9))


def _vowel(pitch: Curve, formants: list[Curve]) -> Curve:
    """Synthesise the harmonics of a pitch in Hz through three resonances.

    The harmonics fall off as those of a glottal pulse.
    """
    angle = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    sound = np.zeros_like(pitch)
    for harmonic in range(1, int(5000 / pitch.max())):
        gain = sum(
            weight / (1 + ((harmonic * pitch - formant) / width) ** 2)
            for formant, width, weight in zip(formants, (90, 120, 180), (1.0, 0.6, 0.3), strict=True)
        )
        sound += (gain + 0.01) / harmonic**0.5 * np.sin(harmonic * angle)
    return sound


@dataclass(frozen=True)
class Motion:
    """A motion describes the movement of a face, one value per frame."""

    mouth: Curve
    """0 closed .. 1 wide open."""
    brow: Curve
    """0 at rest .. 1 raised."""
    head: npt.NDArray[np.float64]
    """``(T, 4)``: shift to the right and down (fractions of the picture), roll (radians), growth (fraction)."""

    @classmethod
    def of_speech(cls, speech: Curve, rng: np.random.Generator) -> Motion:
        """Open the mouth with the loudness; sway head and brows slowly, at random."""
        count = max(1, round(len(speech) / SAMPLE_RATE * FPS))
        mouth = loudness(speech, count)
        time = np.arange(count)[:, None] / FPS
        rate, phase = rng.uniform(0.2, 0.7, (1, 5)), rng.uniform(0, 2 * np.pi, (1, 5))
        sway = np.sin(2 * np.pi * rate * time + phase)
        head = sway[:, :4] * [0.012, 0.009, 0.03, 0.012]
        return cls(mouth, np.clip(0.5 * sway[:, 4] + 0.4 * mouth, 0, 1), head)

    def imitated(self, rng: np.random.Generator) -> Motion:
        """Return the motion two frames late at the mouth, weaker, with the head a little off."""
        late = np.concatenate([np.repeat(self.mouth[:1], 2), self.mouth])[: len(self.mouth)]
        offset = rng.uniform(0.5, 1.0, 4) * rng.choice([-1, 1], 4) * [0.008, 0.006, 0.015, 0.008]
        return Motion(0.75 * late, 0.6 * self.brow, 0.8 * self.head + offset)


def loudness(speech: Curve, count: int) -> Curve:
    """Compute the root mean square of the speech around each frame, 0..1, smoothed a little."""
    window = SAMPLE_RATE // FPS
    power = np.pad(speech[: count * window] ** 2, (0, max(0, count * window - len(speech))))
    level = np.sqrt(power.reshape(count, window).mean(axis=1))
    level = np.convolve(np.pad(level, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    return np.asarray(level / max(level.max(), 1e-9))


class Portrait:
    """Draw the portrait with any opening of the mouth and any small motion of head and brows.

    Every pixel of a frame takes the colour of a place in the picture. Places change smoothly, so nothing tears.
    Positions are in pixels of the original picture, from which they were read off.
    """

    crop = (140.0, 40.0, 170.0)
    """Left and upper edge and side of the part that is shown."""
    head = (224.0, 118.0)
    brows = ((207.0, 91.0), (246.0, 92.0))
    lips = (223.5, 151.0)
    """Middle of the upper edge of the lower lip, which is a parabola of the next two numbers."""
    lips_half_width, lips_rise = 20.5, 10.0
    chest = 206.0
    """Row below which nothing follows the jaw."""
    opening = (-6.5, 12.0)
    """Pixels by which the lower lip moves down for a closed and a wide open mouth; the original smiles."""

    def __init__(self, size: int) -> None:
        with as_file(files("skimage.data") / "astronaut.png") as path:
            picture, _ = next(VideoFile(path).frames())
        margin = [slice(round(start) - 15, round(start + self.crop[2]) + 15) for start in self.crop[1::-1]]
        colours = ndimage.zoom(
            picture[*margin].astype(np.float32), (_FINER, _FINER, 1), order=3, grid_mode=True, mode="nearest"
        )
        self._planes = list(np.moveaxis(colours, 2, 0).copy())
        self._corner = [part.start for part in margin]
        left, top, side = self.crop
        line = (np.arange(size, dtype=np.float32) + 0.5) * (side / size) - 0.5
        self._y, self._x = np.meshgrid(line + top, line + left, indexing="ij")

    def blurred(self, sigma: float) -> Portrait:
        """Return the portrait with a blurred picture."""
        portrait = copy(self)
        portrait._planes = [ndimage.gaussian_filter(plane, sigma * _FINER) for plane in self._planes]
        return portrait

    def frames(self, motion: Motion) -> Iterator[Picture]:
        """Yield one picture ``(size, size, 3)``, RGB, uint8, per frame of the motion."""
        for mouth, brow, head in zip(motion.mouth, motion.brow, motion.head, strict=True):
            yield self._draw(float(mouth), float(brow), *map(float, head))

    def _draw(self, mouth: float, brow: float, right: float, down: float, roll: float, growth: float) -> Picture:
        x, y = self._undo_head(right, down, roll, growth)
        for place in self.brows:
            y = y + 3.5 * brow * np.exp(-(_distance(x, y, place) ** 2) / 150)
        y, inside, depth = self._undo_mouth(x, y, mouth)
        picture = np.empty((*x.shape, 3), np.uint8)
        for channel, (plane, top, bottom) in enumerate(zip(self._planes, (45, 12, 14), (130, 55, 55), strict=True)):
            colour = self._look_up(plane, x, y)
            colour += inside * (top + (bottom - top) * depth - colour)
            picture[..., channel] = np.clip(np.rint(colour), 0, 255)
        return picture

    def _undo_head(self, right: float, down: float, roll: float, growth: float) -> tuple[Plane, Plane]:
        """Return the place of each pixel before the head moved; the background stays."""
        weight = 1 - _smooth((_distance(self._x, self._y, self.head) - 55) / 50)
        x = self._x - self.head[0] - weight * (right * self.crop[2])
        y = self._y - self.head[1] - weight * (down * self.crop[2])
        cos, sin, scale = np.cos(weight * roll), np.sin(weight * roll), 1 + weight * growth
        return (cos * x + sin * y) / scale + self.head[0], (cos * y - sin * x) / scale + self.head[1]

    def _undo_mouth(self, x: Plane, y: Plane, mouth: float) -> tuple[Plane, Plane, Plane]:
        """Return the place of each pixel before the jaw moved, and the inside of the mouth.

        Returns:
            The two coordinates' new y, the share by which the pixel shows the inside of the mouth, and its depth there.
        """
        closed, wide = self.opening
        move = closed + (wide - closed) * mouth
        across = ((x - self.lips[0]) / self.lips_half_width) ** 2
        line = self.lips[1] - self.lips_rise * np.minimum(across, 1.2)
        lip = move * np.maximum(1 - across, 0)
        jaw = 0.5 * move * np.exp(-(((x - self.lips[0]) / 34) ** 2))
        below = y - line - lip
        depth = below / (self.chest - line - lip)
        shift = (lip + (jaw - lip) * _smooth(depth / 0.4)) * (1 - _smooth((depth - 0.4) / 0.6))
        inside = np.clip(y - line + 0.5, 0, 1) * np.clip(0.5 - below, 0, 1) * np.clip(lip, 0, 1)
        return np.where(below > 0, y - shift, y), inside, _smooth((y - line) / np.maximum(lip, 1))

    def _look_up(self, plane: Plane, x: Plane, y: Plane) -> Plane:
        places = [(line - start + 0.5) * _FINER - 0.5 for line, start in zip((y, x), self._corner, strict=True)]
        return np.asarray(ndimage.map_coordinates(plane, places, order=1, mode="nearest", output=np.float32))


_FINER = 2
"""Factor by which the picture is enlarged before places between its pixels are looked up."""


def _distance(x: Plane, y: Plane, place: tuple[float, float]) -> Plane:
    return np.asarray(np.hypot(x - place[0], y - place[1]))


def _smooth(value: Plane) -> Plane:
    """Map values to 0 below 0 and 1 above 1, without a corner in between."""
    value = np.clip(value, 0, 1)
    return value * value * (3 - 2 * value)


def noisy(frames: Iterable[Picture], rng: np.random.Generator, level: float = 3) -> Iterator[Picture]:
    """Yield the frames with noise of this standard deviation."""
    for frame in frames:
        noise = rng.standard_normal(frame.shape, np.float32)
        yield np.clip(np.rint(frame + level * noise), 0, 255).astype(np.uint8)


def write_action_units(path: Path, motion: Motion, rng: np.random.Generator, error: float) -> None:
    """Write a table of a motion in OpenFace's format.

    Intensities have a random error of standard deviation ``error``.
    """
    still = np.zeros_like(motion.mouth)
    driven = {
        "01": 2.0 * motion.brow,
        "02": 1.6 * motion.brow,
        "06": still + 1.2,
        "10": 0.6 * motion.mouth,
        "12": 1.8 - 0.8 * motion.mouth,
        "17": 0.8 * (1 - motion.mouth),
        "25": 3.5 * motion.mouth,
        "26": 2.5 * motion.mouth,
    }
    clean = np.stack([driven.get(unit, still) for unit in ACTION_UNITS], axis=1)
    table = np.clip(clean + rng.normal(0, error, clean.shape), 0, 5).round(2)
    present = (table >= 1).astype(int)
    present = np.insert(present, -1, 0, axis=1)  # AU28 has a presence but no intensity
    presences = [*ACTION_UNITS[:-1], "28", ACTION_UNITS[-1]]
    names = ["frame", "face_id", "timestamp", "confidence", "success"]
    names += [f"AU{unit}_r" for unit in ACTION_UNITS] + [f"AU{unit}_c" for unit in presences]
    lines = [", ".join(names)]
    for index, (row, marks) in enumerate(zip(table, present, strict=True)):
        fields = [str(index + 1), "0", f"{index / FPS:.3f}", "0.98", "1"]
        lines.append(", ".join(fields + [f"{value:.2f}" for value in (*row, *marks)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
