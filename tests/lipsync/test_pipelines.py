"""Every lip-sync protocol by name: how often each reads a clip, and that it needs no more than the clip."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from lipsync.stand_ins import KnownFaces, SmallSyncNet, with_detector

from thm_torchmetrics import BlurDetectionProbability, Clip, LipSyncDistance, TalkingHeadMetrics
from thm_torchmetrics.catalog import CATALOG
from thm_torchmetrics.lipsync.pipelines import PIPELINES
from thm_torchmetrics.media.audio import SoundFile
from thm_torchmetrics.media.video import VideoFile
from thm_torchmetrics.media.write import write_video

FRAMES = 30
READINGS = {
    "tracked": (2 * FRAMES, 0),  # one reading finds faces, one cuts them out
    "syncnet-python": (0, 2 * FRAMES),
    "wav2lip-lrs": (FRAMES, 0),
    "wav2lip-lrs-jpeg": (0, FRAMES),
    **dict.fromkeys(("syncnet-python-2026", "vico", "latentsync", "mochabench", "mova", "mova-max"), (0, 2 * FRAMES)),
}
"""Frames that each protocol reads as RGB, and as they were decoded."""


class CountedVideo:
    """A video that counts the frames it gives, as RGB and as they were decoded."""

    def __init__(self, path: Path) -> None:
        self._file = VideoFile(path)
        self.fps, self.size = self._file.fps, self._file.size
        self.as_rgb = self.as_decoded = 0

    def frames(self) -> Iterator[tuple[npt.NDArray[np.uint8], float]]:
        for item in self._file.frames():
            self.as_rgb += 1
            yield item

    def decoded(self) -> Iterator[tuple[av.VideoFrame, float, float]]:
        for item in self._file.decoded():
            self.as_decoded += 1
            yield item


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    generator = np.random.default_rng(0)
    picture = generator.integers(0, 256, (64, 80, 3), dtype=np.uint8)
    pictures = [np.roll(picture, step, axis=1) for step in range(FRAMES)]
    sound = generator.integers(-3000, 3000, FRAMES * 640).astype(np.int16)
    return write_video(tmp_path_factory.mktemp("talk") / "talk.mp4", pictures, audio=sound)


def lse(sync_weights: dict[str, Path], protocol: str) -> LipSyncDistance:
    options: dict[str, Any] = {"min_track": 10, "min_face_size": 0, "weights": sync_weights}
    metric = LipSyncDistance(protocol=protocol, extractor=SmallSyncNet(), **options)
    return with_detector(metric, KnownFaces([[[20.0, 10.0, 60.0, 50.0]]] * 3 * FRAMES))


def test_every_protocol_of_the_catalog_has_a_pipeline() -> None:
    assert set(CATALOG["lse-d"].protocols) == set(CATALOG["lse-c"].protocols) == set(READINGS)
    assert set(PIPELINES) == set(CATALOG["av-offset"].protocols) == {*READINGS, "signed"}


@pytest.mark.parametrize("protocol", READINGS)
def test_a_clip_is_read_no_more_than_the_protocol_needs(
    sync_weights: dict[str, Path], talk: Path, protocol: str
) -> None:
    """`begin`, `feed`, `end` decoded it once more for the protocols that re-encode, and dropped the frames."""
    video = CountedVideo(talk)
    metric = lse(sync_weights, protocol)
    metric.update(Clip(video, audio=SoundFile(talk)))
    assert (video.as_rgb, video.as_decoded) == READINGS[protocol]
    assert metric.compute().item() > 0
    assert metric.coverage == 1


@pytest.mark.parametrize("protocol", READINGS)
def test_beside_a_metric_of_frames_the_first_reading_is_shared(
    sync_weights: dict[str, Path], talk: Path, protocol: str
) -> None:
    video = CountedVideo(talk)
    metrics = TalkingHeadMetrics({"cpbd": BlurDetectionProbability(), "lse": lse(sync_weights, protocol)})
    scores = metrics.add_clip(["cpbd", "lse"], Clip(video, audio=SoundFile(talk)))
    rgb, decoded = READINGS[protocol]
    assert (video.as_rgb, video.as_decoded) == (max(rgb, FRAMES), decoded)
    alone = lse(sync_weights, protocol)
    alone.update(Clip(CountedVideo(talk), audio=SoundFile(talk)))
    assert scores["lse"].value == pytest.approx(alone.compute().item(), rel=1e-12)
    assert scores["cpbd"].frames == FRAMES


def test_a_clip_without_sound_is_not_read_at_all(sync_weights: dict[str, Path], talk: Path) -> None:
    for protocol in READINGS:
        video = CountedVideo(talk)
        metric = lse(sync_weights, protocol)
        metric.measure(Clip(video))  # `update` refuses it, and scoring measures what a file turns out to have
        assert (video.as_rgb, video.as_decoded) == (0, 0)
        assert metric.detail() == {"offsets": {}, "not_scored": {"no audio": 1}}
