"""Copies of syncnet_python's pipeline beside the commands that they run, and the options that they set."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from lipsync.recordings import RECORDINGS, number, numbered, record
from lipsync.stand_ins import KnownFaces, SmallSyncNet, with_detector
from lipsync.syncnet_reference import Picture, Run, crop_file, frames_of, jpegs, published_crops

from thm_torchmetrics import Clip, LipSyncDistance, TalkingHeadMetrics
from thm_torchmetrics.catalog import CATALOG
from thm_torchmetrics.collection import metric_class
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.functional.lipsync import sync_scores
from thm_torchmetrics.lipsync.forks import LatentSyncTracks, MochaBenchTracks, VicoTracks, own_sound
from thm_torchmetrics.lipsync.reencoded import ReencodedTracks
from thm_torchmetrics.lipsync.tracking import TrackFinder
from thm_torchmetrics.lipsync.windows import WindowScorer
from thm_torchmetrics.media import open_clip
from thm_torchmetrics.media.audio import SoundFile, read_audio
from thm_torchmetrics.media.video import VideoFile
from thm_torchmetrics.media.write import write_video, write_wav
from thm_torchmetrics.metrics.lipsync_metric import LipSync
from thm_torchmetrics.scoring.progress import CountedVideo


class Watched:
    """A protocol that is shown a clip: the pictures for the detector, those for the cuts, and the sound of SyncNet."""

    def __init__(
        self, protocol: str, clip: Clip, sync_weights: dict[str, Path], monkeypatch: pytest.MonkeyPatch, **options: Any
    ) -> None:
        faces, compared = KnownFaces([]), list[Picture]()
        metric = LipSyncDistance(protocol=protocol, extractor=SmallSyncNet(), weights=sync_weights, **options)
        with_detector(metric, faces)
        with monkeypatch.context() as patch:
            patch.setattr(
                TrackFinder, "compare", lambda self, frames: compared.extend(frames.permute(0, 2, 3, 1).numpy())
            )
            patch.setattr(TrackFinder, "tracks", lambda self: [])
            footage = metric.footage(clip, None)
            footage.result()
        self.detected = [number(picture) for picture in faces.pictures]
        self.compared = [number(picture) for picture in compared]
        self.sound: npt.NDArray[np.float32] = footage._pipeline._samples.numpy()  # type: ignore[union-attr]


@pytest.mark.parametrize("how", RECORDINGS)
def test_latentsync_sees_and_hears_the_mp4_file_that_ffmpeg_writes(
    sync_weights: dict[str, Path], ffmpeg: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any]
) -> None:
    """No picture is shown twice for the sake of the sound, and the sound is not late.

    It is where it starts after the pictures: then the file keeps the encoder's 1024 samples, which is not reproduced.
    """
    video = record(tmp_path / "a.mp4", **how)
    ffmpeg("-i", video, "-qscale:v", 2, "-async", 1, "-r", 25, tmp_path / "video.mp4")
    (tmp_path / "frames").mkdir()
    ffmpeg("-i", tmp_path / "video.mp4", "-qscale:v", 2, "-f", "image2", tmp_path / "frames" / "%06d.jpg")
    wav = ("-ac", 1, "-vn", "-acodec", "pcm_s16le", "-ar", 16000, tmp_path / "audio.wav")
    ffmpeg("-i", tmp_path / "video.mp4", *wav)
    ours = Watched("latentsync", open_clip(video, audio=True), sync_weights, monkeypatch, ffmpeg=7)
    assert ours.detected == [number(picture) for picture in jpegs(tmp_path / "frames")]
    assert ours.compared == [number(picture) for picture in frames_of(tmp_path / "video.mp4")]
    theirs = read_audio(tmp_path / "audio.wav")
    assert abs(len(ours.sound) - len(theirs)) <= 1024
    count = min(len(ours.sound), len(theirs))
    assert np.corrcoef(ours.sound[:count], theirs[:count])[0, 1] > 0.7  # white noise: 0 if it is a sample off


@pytest.mark.parametrize("rate", [None, 16000, 44100, 48000])
def test_mochabench_takes_the_speech_as_it_is_and_the_pictures_of_the_avi_file(
    sync_weights: dict[str, Path], ffmpeg: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: int | None
) -> None:
    """The video's own sound moves the pictures, though it is not used; a silent video has none that could."""
    video = record(tmp_path / "a.mp4", fps="24", rate=rate or 16000)
    if rate is None:
        ffmpeg("-i", video, "-c", "copy", "-an", tmp_path / "silent.mp4")
        video = tmp_path / "silent.mp4"
    speech = np.random.default_rng(1).integers(-9000, 9000, 30000).astype(np.int16)
    sound = write_wav(tmp_path / "speech.wav", speech, 16000)
    (tmp_path / "frames").mkdir()
    ffmpeg("-i", video, "-async", 1, "-q:v", 2, "-r", 25, tmp_path / "video.avi")
    ffmpeg("-i", tmp_path / "video.avi", "-f", "image2", "-q:v", 2, "-threads", 1, tmp_path / "frames" / "%06d.jpg")
    ours = Watched("mochabench", open_clip(video, audio=sound), sync_weights, monkeypatch, ffmpeg=7)
    assert ours.detected == [number(picture) for picture in jpegs(tmp_path / "frames")]
    assert ours.compared == [number(picture) for picture in frames_of(tmp_path / "video.avi")]
    np.testing.assert_array_equal(ours.sound, speech.astype(np.float32))
    extra = {None: 0, 16000: 2, 44100: 1, 48000: 1}[rate]
    assert len(ours.detected) == len(ours.compared) + extra


def test_vico_puts_a_given_sound_into_the_video_as_aac(
    sync_weights: dict[str, Path], ffmpeg: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [numbered(i) for i in range(50)]
    noise = np.random.default_rng(0).normal(0, 3000, 32000).astype(np.int16)
    video, sound = write_video(tmp_path / "a.mp4", pictures), write_wav(tmp_path / "a.wav", noise)
    ffmpeg("-i", video, "-i", sound, "-c:v", "copy", "-c:a", "aac", "-strict", -2, tmp_path / "muxed.mp4")
    given, plain, own = (
        Watched(protocol, clip, sync_weights, monkeypatch)
        for protocol, clip in (
            ("vico", open_clip(video, audio=sound)),
            ("syncnet-python", open_clip(video, audio=sound)),
            ("vico", open_clip(tmp_path / "muxed.mp4", audio=True)),
        )
    )
    assert given.detected == plain.detected == own.detected
    count = min(len(given.sound), len(own.sound))
    assert abs(len(given.sound) - len(own.sound)) <= 1152
    assert np.corrcoef(given.sound[:count], own.sound[:count])[0, 1] > 0.95
    assert not np.array_equal(given.sound, plain.sound)


def test_the_own_sound_of_a_clip_is_that_of_its_file(tmp_path: Path) -> None:
    silent = write_video(tmp_path / "a.mp4", [numbered(0)] * 3)
    loud = write_video(tmp_path / "b.mp4", [numbered(0)] * 3, audio=np.zeros(2000, np.int16))
    assert own_sound(open_clip(silent)) is None
    assert own_sound(open_clip(silent, audio=loud)) is None
    assert own_sound(Clip(torch.zeros(2, 3, 8, 8), audio=torch.zeros(9))) is None
    for clip in (open_clip(loud), Clip(CountedVideo(VideoFile(loud), lambda: None)), open_clip(loud).load()):
        assert own_sound(clip) == SoundFile(loud, own_track=True)


@pytest.mark.clips
@pytest.mark.slow
def test_latentsync_scores_a_real_clip_as_its_commands_do(
    sync_weights: dict[str, Path], clips: Path, ffmpeg: Run, tmp_path: Path
) -> None:
    """LSE-D and LSE-C of a face that moves a little, from frame 4 on, by the files that ffmpeg and OpenCV write."""
    video = clips / "pred_video" / "radio8_wav2lip.mp4"
    count, first = 90, 4
    ffmpeg("-i", video, "-t", count / 25, "-c:v", "libx264", "-crf", 10, "-c:a", "copy", tmp_path / "a.mp4")
    ffmpeg("-i", tmp_path / "a.mp4", "-qscale:v", 2, "-async", 1, "-r", 25, "-threads", 1, tmp_path / "video.mp4")
    (tmp_path / "frames").mkdir()
    ffmpeg("-i", tmp_path / "video.mp4", "-qscale:v", 2, "-f", "image2", tmp_path / "frames" / "%06d.jpg")
    wav = ("-ac", 1, "-vn", "-acodec", "pcm_s16le", "-ar", 16000, tmp_path / "audio.wav")
    ffmpeg("-i", tmp_path / "video.mp4", *wav)
    files = jpegs(tmp_path / "frames")
    height, width = files[0].shape[:2]

    def box(index: int) -> list[float]:
        x, y = width / 2 + 6 * np.sin(index / 9), height / 2 + 5 * np.cos(index / 7)
        return [x - width / 5, y - height / 5, x + width / 5, y + height / 4]

    faces = KnownFaces([[box(index)] if index >= first else [] for index in range(len(files))])
    metrics = TalkingHeadMetrics(["lse-d:latentsync", "lse-c:latentsync"], weights=sync_weights, min_face_size=50)
    for member in metrics.values(copy_state=False):
        with_detector(member, faces)
    scores = metrics.add_clip(list(metrics.members()), open_clip(tmp_path / "a.mp4", audio=True))

    boxes = np.array([box(index) for index in range(first, len(files))])
    crops, samples = crop_file(ffmpeg, published_crops(files[first:], boxes), tmp_path, first, codec="mp4v")
    theirs = WindowScorer(metrics["lse-d:latentsync"].extractor, torch.from_numpy(samples.astype(np.float32)), 15)
    theirs.add(torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2))
    distance, confidence, _ = (float(value) for value in sync_scores(theirs.curve()))
    detail = scores["lse-d:latentsync"].detail or {}
    assert [(row["first"], row["frames"], row["windows"]) for row in detail["tracks"]] == [(4, 86, theirs.windows)]
    assert scores["lse-d:latentsync"].value == pytest.approx(distance, rel=1e-3)
    assert scores["lse-c:latentsync"].value == pytest.approx(confidence, rel=1e-2)


SET_BY_SOURCE = {
    "tracked": ("clip", 100, "mean", "0.5.1", 4, False),
    "signed": ("clip", 100, "mean", "0.5.1", 4, True),
    "syncnet-python": ("track", 100, "mean", "0.5.1", 4, False),
    "syncnet-python-2026": ("track", 100, "mean", "0.6.7.1", 7, False),
    "wav2lip-lrs": ("clip", 100, "mean", "0.5.1", 4, False),
    "wav2lip-lrs-jpeg": ("clip", 100, "mean", "0.5.1", 4, False),
    "vico": ("clip", 100, "last", "0.5.1", 4, True),
    "latentsync": ("clip", 50, "truncated", "0.6.1", 4, False),
    "mochabench": ("clip", 50, "extremes", "0.6.7.1", 4, False),
    "mova": ("clip", 20, "mean", "0.6.7.1", 4, False),
    "mova-max": ("clip", 20, "best", "0.6.7.1", 4, False),
}
"""Average, detections of a track, tracks, scenedetect, ffmpeg and sign of the offset, as the sources have them."""

NAMES = ("average", "min_track", "tracks", "scenedetect", "ffmpeg", "signed")
ROWS = [row for row in CATALOG.values() if issubclass(metric_class(row), LipSync)]
CHOICES = [(row.key, protocol) for row in ROWS for protocol in row.protocols]


def make(key: str, protocol: str, **options: Any) -> TalkingHeadMetric:
    return metric_class(CATALOG[key])(protocol=protocol, extractor=None, **options)


@pytest.mark.parametrize(("key", "protocol"), CHOICES)
def test_a_protocol_sets_what_its_source_fixes_and_the_report_records_it(key: str, protocol: str) -> None:
    settings = make(key, protocol).settings()
    expected = dict(zip(NAMES, SET_BY_SOURCE[protocol], strict=True))
    if key.endswith("-gap"):
        expected["average"] = "clip"
    assert {name: settings[name] for name in NAMES} == expected


@pytest.mark.parametrize(("key", "protocol"), CHOICES)
def test_an_explicit_option_goes_before_the_protocol_s(key: str, protocol: str) -> None:
    other = {"min_track": 33, "tracks": "longest", "scenedetect": "0.5.1", "ffmpeg": 7, "signed": False}
    settings = make(key, protocol, **other).settings()
    assert {name: settings[name] for name in other} == other


def test_copies_of_the_pipeline_are_told_apart() -> None:
    assert len({VicoTracks, MochaBenchTracks, LatentSyncTracks, ReencodedTracks}) == 4
    assert {protocol for _, protocol in CHOICES} == set(SET_BY_SOURCE)
