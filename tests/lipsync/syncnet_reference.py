"""syncnet_python's pipeline as published, in FFmpeg, OpenCV, NumPy and SciPy: what our re-encoding is compared with."""

import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from scipy.signal import medfilt

Picture = npt.NDArray[np.uint8]
Run = Callable[..., None]


def jpegs(folder: Path) -> list[Picture]:
    """Return the pictures of a folder, by name."""
    return [np.asarray(cv2.imread(str(file))[..., ::-1]) for file in sorted(folder.glob("*.jpg"))]


def frames_of(path: Path) -> list[Picture]:
    """Return the frames of a video as OpenCV reads them."""
    capture, frames = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        frames.append(np.asarray(read[1][..., ::-1]))
    return frames


def convert(ffmpeg: Run, video: Path, folder: Path) -> None:
    """Run the first three commands of syncnet_python's pipeline."""
    (folder / "frames").mkdir()
    ffmpeg("-i", video, "-qscale:v", 2, "-async", 1, "-r", 25, folder / "video.avi")
    ffmpeg("-i", folder / "video.avi", "-qscale:v", 2, "-threads", 1, "-f", "image2", folder / "frames" / "%06d.jpg")
    wav = ("-ac", 1, "-vn", "-acodec", "pcm_s16le", "-ar", 16000, folder / "audio.wav")
    ffmpeg("-i", folder / "video.avi", *wav)


def published_crops(frames: Sequence[Picture], corners: npt.NDArray[np.float64]) -> list[Picture]:
    """One face cut out of every frame: boxes smoothed, the frame padded with grey."""
    x, y = (medfilt((corners[:, i] + corners[:, i + 2]) / 2, 13) for i in (0, 1))
    half = medfilt(np.maximum(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]) / 2, 13)
    crops = []
    for frame, cx, cy, s in zip(frames, x, y, half, strict=False):
        pad = int(s * 1.8)
        padded = np.pad(frame, ((pad, pad), (pad, pad), (0, 0)), constant_values=110)
        cut = padded[int(cy + pad - s) : int(cy + pad + s * 1.8), int(cx + pad - s * 1.4) : int(cx + pad + s * 1.4)]
        crops.append(cv2.resize(cut, (224, 224)).astype(np.uint8))
    return crops


def crop_file(
    ffmpeg: Run, crops: Sequence[Picture], folder: Path, first: int, codec: str = "XVID"
) -> tuple[list[Picture], npt.NDArray[np.int16]]:
    """What SyncNet sees and hears of crops from frame ``first`` on, by way of XVID, sound and JPEG files.

    LatentSync's codec is mp4v, in an mp4 file with AAC.
    """
    suffix, sound = ("avi", "copy") if codec == "XVID" else ("mp4", "aac")
    writer = cv2.VideoWriter(str(folder / f"crops.{suffix}"), cv2.VideoWriter_fourcc(*codec), 25, (224, 224))
    for crop in crops:
        writer.write(np.ascontiguousarray(crop[..., ::-1]))
    writer.release()
    span = ("-ss", f"{first / 25:.3f}", "-to", f"{(first + len(crops)) / 25:.3f}")
    ffmpeg("-i", folder / "audio.wav", *span, folder / "cut.wav")
    face = folder / f"face.{suffix}"
    ffmpeg("-i", folder / f"crops.{suffix}", "-i", folder / "cut.wav", "-c:v", "copy", "-c:a", sound, face)
    (folder / "crops").mkdir()
    ffmpeg("-i", face, "-threads", 1, "-f", "image2", folder / "crops" / "%06d.jpg")
    wav = ("-async", 1, "-ac", 1, "-vn", "-acodec", "pcm_s16le", "-ar", 16000, folder / "face.wav")
    ffmpeg("-i", face, *wav)
    with wave.open(str(folder / "face.wav")) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    return jpegs(folder / "crops"), samples
