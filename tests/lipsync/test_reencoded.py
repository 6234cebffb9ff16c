"""Lip sync's re-encoding protocols beside the published pipelines: their commands, run by FFmpeg and OpenCV."""

import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import torch
from lipsync.recordings import RECORDINGS, irregular, number, numbered, record
from lipsync.stand_ins import Boxes, KnownFaces, SmallSyncNet, score_clip, with_detector
from lipsync.syncnet_reference import Picture, Run, convert, crop_file, frames_of, jpegs, published_crops
from torch import Tensor

from thm_torchmetrics import Clip, LipSyncDistance, TalkingHeadMetrics
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.lipsync import sync_scores
from thm_torchmetrics.lipsync import protocols
from thm_torchmetrics.lipsync.reencoded import as_decoded
from thm_torchmetrics.lipsync.sound import DecodedSound, mp3
from thm_torchmetrics.lipsync.tracking import TrackFinder
from thm_torchmetrics.lipsync.windows import WindowScorer
from thm_torchmetrics.media import open_clip
from thm_torchmetrics.media.write import write_video


@pytest.mark.parametrize("how", [*RECORDINGS, {"late": 0.05, "fps": "30", "rate": 44100}, {"sound_late": 0.2}])
def test_frames_and_sound_are_those_of_ffmpeg(
    sync_weights: dict[str, Path], ffmpeg: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any]
) -> None:
    """The rule of FFmpeg 7 and later; that of FFmpeg 4 is tested on stored output in `test_frame_rate`."""
    video = record(tmp_path / "a.mp4", **how)
    convert(ffmpeg, video, tmp_path)
    faces = KnownFaces([])
    metric = with_detector(LipSyncDistance(protocol="syncnet-python", weights=sync_weights, ffmpeg=7), faces)
    compared: list[Picture] = []
    monkeypatch.setattr(
        TrackFinder, "compare", lambda self, frames: compared.extend(frames.permute(0, 2, 3, 1).numpy())
    )
    monkeypatch.setattr(TrackFinder, "tracks", lambda self: [])
    clip = open_clip(video, audio=True)
    assert clip.audio is not None
    metric.start(clip).finish()
    assert [number(p) for p in faces.pictures] == [number(p) for p in jpegs(tmp_path / "frames")]
    assert [number(p) for p in compared] == [number(p) for p in frames_of(tmp_path / "video.avi")]

    with wave.open(str(tmp_path / "audio.wav")) as file:
        theirs = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    ours = mp3(DecodedSound(clip.audio_source, clip.audio, 16000, ffmpeg=7).frames)
    count = min(len(ours), len(theirs))
    assert abs(len(ours) - len(theirs)) <= 1152
    assert np.corrcoef(ours[:count], theirs[:count])[0, 1] > 0.9  # white noise: 0 if it is a sample off


def test_sound_that_starts_late_is_moved_by_version(tmp_path: Path) -> None:
    clip = open_clip(record(tmp_path / "a.mp4", sound_late=0.5), audio=True)
    assert clip.audio is not None
    four, seven = (DecodedSound(clip.audio_source, clip.audio, 16000, ffmpeg) for ffmpeg in (4, 7))
    assert (four.avi_delay, seven.avi_delay) == (2, 0)
    onsets = [int(np.flatnonzero(np.abs(mp3(sound.frames)) > 1000)[0]) for sound in (four, seven)]
    assert onsets[0] - onsets[1] == pytest.approx((0.5 - 1024 / 16000) * 16000, abs=200)  # AAC starts 1024 early


def psnr(ours: Picture, theirs: Picture) -> float:
    return float(10 * np.log10(255**2 / max(np.mean((ours.astype(float) - theirs) ** 2), 1e-9)))


def moving_box(width: int, height: int) -> Callable[[Picture, int], Boxes]:
    """A box that moves a little around the middle of the picture, seen in every fourth frame only."""

    def box(picture: Picture, index: int) -> Boxes:
        if index % 4:
            return []
        x, y = width / 2 + 6 * np.sin(index / 9), height / 2 + 5 * np.cos(index / 7)
        return [[x - width / 5, y - height / 5, x + width / 5, y + height / 4]]

    return box


@pytest.mark.clips
@pytest.mark.slow
@pytest.mark.parametrize("name", ["radio8_wav2lip", "kim_wav2lip"])
def test_real_clips_score_as_by_the_published_pipeline(
    sync_weights: dict[str, Path], clips: Path, ffmpeg: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """25 and 30 frames per second, 16 and 48 kHz, 4 s: what the detector and what SyncNet sees and hears, and LSE-D.

    The pipeline's MPEG-4 stage depends on the number of cores, and the rate control of the crops amplifies that.
    """
    video = tmp_path / "clip.mp4"
    ffmpeg("-i", clips / "pred_video" / f"{name}.mp4", "-t", 4, "-c", "copy", video)
    clip = open_clip(video, audio=True)
    height, width = clip.size
    faces = KnownFaces(moving_box(width, height))
    faces.pictures = pictures = EveryTenth()
    options = {"protocol": "syncnet-python", "weights": sync_weights, "ffmpeg": 7, "min_track": 20}
    metric = with_detector(LipSyncDistance(**options), faces)  # type: ignore[arg-type]
    runs: list[WatchedScorer] = []
    monkeypatch.setattr(protocols, "WindowScorer", lambda *given: runs.append(WatchedScorer(*given)) or runs[-1])
    score, detail = score_clip(metric, clip)

    convert(ffmpeg, video, tmp_path)
    files = jpegs(tmp_path / "frames")
    assert len(faces.found) == len(files)
    for index, ours in pictures.kept:
        assert psnr(ours, files[index]) > 46

    (track,) = detail["tracks"]
    last = 4 * ((len(frames_of(tmp_path / "video.avi")) - 1) // 4)
    assert (track["first"], track["frames"]) == (0, last + 1)
    boxes = np.array([moving_box(width, height)(files[0], index)[0] for index in range(0, last + 1, 4)])
    dense = np.stack([np.interp(np.arange(last + 1), np.arange(0, last + 1, 4), column) for column in boxes.T], axis=1)
    crops, samples = crop_file(ffmpeg, published_crops(files, dense), tmp_path, first=0)
    assert len(crops) == len(runs[0].shown) == last + 1
    assert np.mean([psnr(ours, theirs) for ours, theirs in zip(runs[0].shown, crops, strict=True)]) > 36
    assert len(samples) == len(runs[0].samples)
    assert np.corrcoef(samples, runs[0].samples)[0, 1] > 0.99

    theirs = WindowScorer(metric.extractor, torch.from_numpy(samples.astype(np.float32)), 15)
    theirs.add(torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2))
    distance, confidence, _ = (float(value) for value in sync_scores(theirs.curve()))
    assert score.value == pytest.approx(distance, rel=5e-3)
    assert track["lse-c"] == pytest.approx(confidence, abs=2e-3)


class EveryTenth(list[Picture]):
    """Every tenth of the pictures that are appended, with its number."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[tuple[int, Picture]] = []
        self.count = 0

    def append(self, picture: Picture) -> None:
        if self.count % 10 == 0:
            self.kept.append((self.count, picture.copy()))
        self.count += 1


class WatchedScorer(WindowScorer):
    """A scorer that remembers what it was shown."""

    def __init__(self, network: Any, samples: Tensor, *options: Any) -> None:
        super().__init__(network, samples, *options)
        self.samples = samples.numpy()
        self.shown: list[Picture] = []

    def add(self, frames: Tensor) -> None:
        self.shown += list(frames.permute(0, 2, 3, 1).numpy())
        super().add(frames)


def lrs_pictures(
    sync_weights: dict[str, Path], ffmpeg: Run, video: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[Picture], list[Picture]]:
    """What SyncNet is shown of a video, and what Wav2Lip's LRS script makes of ffmpeg's files."""
    folder = video.with_suffix("")
    folder.mkdir()
    ffmpeg("-i", video, "-threads", 1, "-f", "image2", folder / "%06d.jpg")
    scorers: list[WatchedScorer] = []
    monkeypatch.setattr(protocols, "WindowScorer", lambda *given: scorers.append(WatchedScorer(*given)) or scorers[-1])
    monkeypatch.setattr(WindowScorer, "add", lambda self, frames: None)
    LipSyncDistance(protocol="wav2lip-lrs-jpeg", weights=sync_weights).start(open_clip(video, audio=True)).finish()
    return scorers[0].shown, [cv2.resize(picture, (224, 224)) for picture in jpegs(folder)]


def test_pictures_are_the_jpeg_files_of_the_lrs_script(
    sync_weights: dict[str, Path], ffmpeg: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the file's own rate and 200 kb/s, then resized by OpenCV."""
    shown, files = lrs_pictures(sync_weights, ffmpeg, record(tmp_path / "a.mp4", fps="30"), monkeypatch)
    assert len(shown) == len(files) == 40
    for ours, theirs in zip(shown, files, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.clips
@pytest.mark.parametrize("fps", ["25", "30000/1001", "30", "50", "60"])
def test_real_faces_of_any_rate_are_the_jpeg_files_of_the_lrs_script(
    sync_weights: dict[str, Path],
    clips: Path,
    ffmpeg: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fps: str,
) -> None:
    """The encoder shares 200 kb/s over the file's own rate; at a fixed 25 per second up to 9 of 144 files differed."""
    video = tmp_path / "a.mp4"
    options = ("-t", 2, "-r", fps, "-c:v", "libx264", "-crf", 16, "-c:a", "aac")
    ffmpeg("-i", clips / "pred_video" / "radio8_wav2lip.mp4", *options, video)
    shown, files = lrs_pictures(sync_weights, ffmpeg, video, monkeypatch)
    assert len(shown) == len(files) == round(2 * float(Fraction(fps)))
    assert sum((ours != theirs).any() for ours, theirs in zip(shown, files, strict=True)) <= 2


def test_a_variable_rate_is_made_constant_by_the_lrs_script(
    sync_weights: dict[str, Path], ffmpeg: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many files, but for a few: at the average rate, where ffmpeg takes one that it guesses."""
    shown, files = lrs_pictures(sync_weights, ffmpeg, record(tmp_path / "a.mp4", times=irregular(3)), monkeypatch)
    assert len(shown) == pytest.approx(len(files), rel=0.02)


def test_jpeg_changes_the_number_in_a_collection_as_alone(sync_weights: dict[str, Path], tmp_path: Path) -> None:
    """The whole metric in a collection and by itself."""
    noise = np.random.default_rng(0).integers(0, 256, (12, 64, 64, 3), dtype=np.uint8)
    clip = open_clip(write_video(tmp_path / "a.mp4", noise, audio=np.zeros(8000, np.int16)), audio=True)
    keys = ["lse-d:wav2lip-lrs", "lse-d:wav2lip-lrs-jpeg"]
    metrics = TalkingHeadMetrics(keys, weights=sync_weights)
    metrics.update(clip)
    together = {key: float(value) for key, value in metrics.compute().items()}
    alone = LipSyncDistance(protocol="wav2lip-lrs-jpeg", weights=sync_weights)
    alone.update(clip)
    assert together[keys[1]] == pytest.approx(alone.compute().item(), rel=1e-9)
    assert together[keys[0]] != pytest.approx(together[keys[1]], rel=1e-3)


def test_the_default_is_the_mean_over_the_tracks_of_all_clips(sync_weights: dict[str, Path]) -> None:
    """Two faces in the first clip, one in the second, which is longer: three tracks that weigh the same."""
    generator = torch.Generator().manual_seed(0)
    clips = [torch.randint(0, 256, (t, 3, 120, 240), dtype=torch.uint8, generator=generator) for t in (20, 30)]
    clips = [clip[:1] // 2 + clip // 8 for clip in clips]  # no cuts
    sounds = [(torch.rand(640 * len(clip), generator=generator) - 0.5).to(torch.bfloat16) for clip in clips]
    left, right = [10.0, 10.0, 100.0, 100.0], [130.0, 10.0, 220.0, 100.0]

    def metric(average: Any) -> LipSyncDistance:
        made = LipSyncDistance(
            protocol="syncnet-python", extractor=SmallSyncNet(), weights=sync_weights, average=average,
            min_track=10, min_face_size=50,
        )  # fmt: skip
        return with_detector(made, KnownFaces(lambda picture, index: [left, right] if index < 22 else [left]))

    values, tracks, single = {}, [], metric(None)
    for average in (None, "track", "clip", "frame"):
        measured = metric(average)
        assert measured.average == (average or "track")
        measured.update(clips, audio=sounds)
        values[average] = measured.compute().item()
        assert measured.coverage == 1
    for clip, sound in zip(clips, sounds, strict=True):
        detail = score_clip(single, Clip(clip), audio=sound)[1]
        tracks.append([track["lse-d"] for track in detail["tracks"]])
    assert [len(each) for each in tracks] == [2, 1]
    assert values[None] == values["track"] == pytest.approx(np.mean([value for each in tracks for value in each]))
    assert values["clip"] == pytest.approx(np.mean([np.mean(each) for each in tracks]))
    assert len({round(value, 6) for value in values.values()}) == 3


@pytest.mark.parametrize(
    ("option", "message"), [({"ffmpeg": 5}, "ffmpeg must be one of 4, 7, got 5"), ({"average": "a"}, "track")]
)
def test_wrong_options_are_named(sync_weights: dict[str, Path], option: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        LipSyncDistance(protocol="syncnet-python", weights=sync_weights, **option)


def test_a_file_is_decoded_and_a_tensor_converted(tmp_path: Path) -> None:
    """Frames keep the pixels of the file, and the same times either way."""
    path = write_video(tmp_path / "a.mp4", [numbered(i) for i in range(9)], times=[0.05 * i for i in range(9)])
    clip = open_clip(path)
    given = clip.load()
    assert given.video_source is clip.video_source
    given.video_source = None
    read, converted = list(as_decoded(clip)), list(as_decoded(given))
    assert {frame.format.name for frame, _, _ in read} == {"yuv420p"}
    assert {frame.format.name for frame, _, _ in converted} == {"rgb24"}
    for one, other in zip(read, converted, strict=True):
        assert number(one[0].to_ndarray(format="rgb24")) == number(other[0].to_ndarray())
        assert one[1] == pytest.approx(other[1])
    assert [duration for _, _, duration in converted[:-1]] == pytest.approx([0.05] * 8)
    assert [time for _, time, _ in as_decoded(given, fps=10)] == pytest.approx([i / 10 for i in range(9)])


def test_a_turned_video_is_turned_before_it_is_encoded(tmp_path: Path) -> None:
    path, turned = write_video(tmp_path / "a.mp4", [np.zeros((48, 64, 3), np.uint8)] * 3), tmp_path / "turned.mp4"
    with av.open(str(path)) as source, av.open(str(turned), "w") as container:
        copied = container.add_stream_from_template(source.streams.video[0])
        copied.set_display_rotation(90)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = copied
                container.mux(packet)
    clip = open_clip(turned)
    assert clip.size == (64, 48)
    assert {(frame.height, frame.width) for frame, _, _ in as_decoded(clip)} == {(64, 48)}
