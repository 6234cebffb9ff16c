"""Decoding beside OpenCV and PyAV, and runs of metrics beside their parts: ``python tests/benchmarks/decoding.py``.

On real clips where there are some (`visual.CLIPS`), else on a slow pan over a portrait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import cv2
import numpy as np
import torch
from comparison import Row, compare
from visual import CLIPS, frames

from thm_torchmetrics import TalkingHeadMetrics
from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.core.one_pass import measure_clip
from thm_torchmetrics.media import open_clip
from thm_torchmetrics.media.video import Converter, VideoFile
from thm_torchmetrics.media.write import write_video

DLIB = ("lmd", "akd", "mkr", "csim", "aed-id:aligned")
OFFLINE = ("psnr", "ssim", "cpbd", *DLIB)
"""The suite ``offline`` without its metrics of action units, which read tables."""


class Serial(VideoFile):
    """A video file that is decoded in the thread that measures, without reading ahead."""

    def frames(self) -> Iterator[tuple[np.ndarray, float]]:  # type: ignore[override]
        convert = Converter()
        for frame, seconds, _ in self.decoded():
            yield convert(frame), seconds


def clip_file(folder: Path, name: str, size: tuple[int, int], count: int) -> Path:
    """A real clip, or one that is made."""
    path = CLIPS / name
    if path.is_file():
        return path
    pictures = frames("absent", size, count).permute(0, 2, 3, 1).numpy()
    return write_video(folder / Path(name).name, list(pictures))


def opencv(path: Path) -> int:
    """What a user of OpenCV writes; BGR."""
    capture, count = cv2.VideoCapture(str(path)), 0
    while capture.read()[0]:
        count += 1
    return count


def pyav(path: Path, rgb: bool) -> int:
    """What a user of PyAV writes, with and without the conversion."""
    count = 0
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            if rgb:
                frame.to_ndarray(format="rgb24")
            count += 1
    return count


def read(path: Path) -> None:
    """All frames, one by one."""
    for _ in VideoFile(path).frames():
        pass


def read_chunks(*clips: Clip) -> None:
    """All chunks, of two clips side by side."""
    for _ in zip(*(clip.chunks() for clip in clips), strict=False):
        pass


def comparisons() -> Iterator[Row]:
    """Decoding beside OpenCV and PyAV, two sizes; decoding ahead beside decoding in turn with a quick metric."""
    with TemporaryDirectory() as folder:
        for name, size in (("radio8_wav2lip.mp4", (256, 256)), ("kim_wav2lip.mp4", (1080, 1920))):
            path, shown = clip_file(Path(folder), f"gt_video/{name}", size, 100), "x".join(map(str, size))
            both = (opencv(path),) * 2
            yield compare("decode, OpenCV", shown, partial(read, path), partial(opencv, path), 1.0, both)
            yield compare("decode, PyAV to RGB", shown, partial(read, path), partial(pyav, path, True), None, both)
            yield compare(
                "decode, PyAV without RGB", shown, partial(read, path), partial(pyav, path, False), None, both
            )
            ahead, serial = (partial(measure, ["psnr", "ssim"], kind(path), kind(path)) for kind in (VideoFile, Serial))
            yield compare("psnr and ssim, decoded in turn", shown, ahead, serial, None, both, rounds=3)


def measure(names: list[str], preds: VideoFile, target: VideoFile) -> None:
    """Measure a pair once."""
    extractors = {name: "dlib" for name in names if name in DLIB}
    metrics = TalkingHeadMetrics(names, **({"extractor": extractors} if extractors else {}))
    measure_clip(metrics.members(), Clip(preds), Clip(target))


def seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def suite() -> None:
    """Print the wall time of the offline suite on one pair, alone, beside decoding alone and beside its members."""
    with TemporaryDirectory() as folder:
        pair = [clip_file(Path(folder), f"{side}_video/radio8_wav2lip.mp4", (256, 256), 251) for side in ("pred", "gt")]
        measure(list(OFFLINE), *(VideoFile(path, every=50) for path in pair))  # loads the models
        whole = seconds(lambda: measure(list(OFFLINE), *map(VideoFile, pair)))
        decode = seconds(lambda: read_chunks(*map(open_clip, pair)))
        members = {name: seconds(partial(measure, [name], *map(VideoFile, pair))) for name in OFFLINE}
    print(f"{'offline suite, ' + str(torch.get_num_threads()) + ' threads':30}{whole:8.2f} s")
    print(f"{'decode of both sides':30}{decode:8.2f} s, {decode / whole:.1%} of the suite")
    for name, taken in members.items():
        print(f"{name + ' by itself':30}{taken:8.2f} s")
    print(
        f"{'sum of the members':30}{sum(members.values()):8.2f} s, {sum(members.values()) / whole:.2f} times the suite"
    )


if __name__ == "__main__":
    for row in comparisons():
        print(f"{row.name:40}{row.size:>11}{row.ours:10.3f}{row.peer:10.3f}{row.ratio:8.2f}", flush=True)
    suite()
