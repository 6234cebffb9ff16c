"""Recordings whose frames show their own number, so that a test can tell which ones a program shows."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from lipsync.syncnet_reference import Picture


def numbered(index: int) -> Picture:
    """A picture that shows a number in 16 squares."""
    bits = np.array([index >> bit & 1 for bit in range(16)], dtype=np.uint8).reshape(4, 4)
    return np.repeat(np.kron(bits, np.full((16, 16), 255, np.uint8))[..., None], 3, axis=2)


def number(picture: Picture) -> int:
    bits = picture.reshape(4, 16, 4, 16, 3)[:, 4:12, :, 4:12].mean(axis=(1, 3, 4)) > 127
    return int((bits.flatten() << np.arange(16)).sum())


def record(
    path: Path,
    *,
    fps: str = "25",
    rate: int = 16000,
    late: float = 0.0,
    sound_late: float = 0.0,
    times: list[float] | None = None,
) -> Path:
    """Forty numbered frames with sound; ``write_video`` starts both at 0."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=Fraction(fps))
        video.width = video.height = 64
        video.pix_fmt, video.options = "yuv420p", {"crf": "1", "bf": "0"}
        video.codec_context.time_base = Fraction(1, 90000)
        audio = container.add_stream("aac", rate=rate)
        audio.layout = "mono"
        noise = np.random.default_rng(0).normal(0, 3000, (1, 4 * rate)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(noise, "s16", "mono")
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), round(sound_late * rate)
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
        for i in range(40):
            picture = av.VideoFrame.from_ndarray(numbered(i), format="rgb24")
            picture.time_base = Fraction(1, 90000)
            picture.pts = round(90000 * (times[i] if times else late + i / Fraction(fps)))
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
    return path


def irregular(seed: int) -> list[float]:
    steps = np.random.default_rng(seed).choice([0.02, 0.0333, 0.04, 0.1, 0.25], 39)
    return [0.0, *np.cumsum(steps).round(4).tolist()]


RECORDINGS: tuple[dict[str, Any], ...] = (
    {},
    {"rate": 44100},
    {"fps": "24"},
    {"fps": "30", "rate": 48000},
    {"fps": "30000/1001"},
    {"fps": "50"},
    {"fps": "12"},
    {"late": 0.2},
    {"times": irregular(0)},
    {"times": irregular(5)},
)
"""Arguments of `record`: rates of pictures and sound, late pictures, and pictures that stay unlike long."""
