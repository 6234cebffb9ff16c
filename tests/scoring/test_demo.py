"""The sample dataset, looked at with OpenCV, the standard library and, where they are installed, dlib's networks."""

import csv
import functools
import importlib.util
import itertools
import runpy
import socket
import sys
import wave
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from thm_torchmetrics.demo import sample as demo
from thm_torchmetrics.demo.sample import Motion, Portrait, loudness, make_sample, synthetic_speech
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.openface import read_action_units
from thm_torchmetrics.media.pairing import discover, pair

MOUTH = (slice(130, 215), slice(85, 175))
"""Where the mouth and the chin are in a picture of 256 pixels."""
LIPS_PARTED, JAW_DROP = 14, 15
"""Columns of AU25 and AU26."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        return make_sample(tmp_path_factory.mktemp("demo") / "sample")


def refuse(*_: Any) -> None:
    raise AssertionError("the sample must be made without the network")


def video(path: Path) -> np.ndarray:
    """All frames, RGB."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (frame := capture.read()[1]) is not None:
        frames.append(frame[..., ::-1])
    return np.stack(frames)


def speech(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert file.getparams()[:3] == (1, 2, 16000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def opened(frames: np.ndarray) -> np.ndarray:
    """How far the mouth is open in each frame: how much of its region is dark red, as the inside of a mouth is."""
    region = frames[:, *MOUTH].astype(int)
    dark = (region.max(axis=-1) < 130) & (region[..., 0] > 1.6 * region[..., 1])
    return np.asarray(dark.mean(axis=(1, 2)))


def test_layout(sample: Path) -> None:
    items = pair(**discover(sample))
    assert [item.key for item in items] == ["portrait_01", "portrait_02"]
    for item in items:
        assert None not in (item.preds, item.target, item.audio, item.preds_au, item.target_au)


@pytest.mark.parametrize("folder", ["gt_video", "pred_video"])
def test_videos(sample: Path, folder: str) -> None:
    for path in sorted((sample / folder).iterdir()):
        assert video(path).shape == (50, 256, 256, 3)
        with av.open(str(path)) as container:
            pictures, sound = container.streams.video[0], container.streams.audio[0]
            assert (pictures.codec_context.name, pictures.pix_fmt, sound.codec_context.name) == (
                "h264",
                "yuv420p",
                "aac",
            )
            assert float(pictures.average_rate) == 25
            lengths = [float(stream.duration * stream.time_base) for stream in (pictures, sound)]
            assert lengths == pytest.approx([2, 2], abs=0.04)
    assert len(speech(sample / "gt_audio" / f"{path.stem}.wav")) == 32000


def test_tables_are_laid_out_as_openface_does(sample: Path) -> None:
    for path in sorted([*(sample / "gt_au_csv").iterdir(), *(sample / "pred_au_csv").iterdir()]):
        lines = path.read_text().splitlines()
        assert lines[0].startswith("frame, face_id, timestamp, confidence, success, AU01_r, ")
        assert lines[3].startswith("3, 0, 0.080, 0.98, 1, ")
        rows = list(csv.DictReader(lines, skipinitialspace=True))
        assert len(rows[0]) == 5 + 17 + 18
        assert "AU28_c" in rows[0]
        assert "AU28_r" not in rows[0]
        assert {row[name] for row in rows for name in rows[0] if name.endswith("_c")} == {"0.00", "1.00"}
        units = read_action_units(path)
        assert units.shape == (50, 17)
        assert units.min() >= 0
        assert units.max() <= 5


def test_mouth_follows_the_loudness(sample: Path) -> None:
    for path in sorted((sample / "gt_video").iterdir()):
        sound = speech(sample / "gt_audio" / f"{path.stem}.wav")
        loud = np.sqrt((sound.reshape(50, 640) ** 2).mean(axis=1))
        units = read_action_units(sample / "gt_au_csv" / f"{path.stem}.csv")
        truth, guess = opened(video(path)), opened(video(sample / "pred_video" / path.name))
        assert np.corrcoef(truth, loud)[0, 1] > 0.8
        assert np.corrcoef(units[:, LIPS_PARTED], loud)[0, 1] > 0.9
        assert np.corrcoef(units[:, JAW_DROP], truth)[0, 1] > 0.8
        lags = [np.corrcoef(truth[8:-8], np.roll(guess, -lag)[8:-8])[0, 1] for lag in range(-6, 7)]
        assert np.argmax(lags) - 6 == 2  # the prediction is two frames late
        assert guess.max() < truth.max()  # and too timid


def test_prediction_is_worse(sample: Path) -> None:
    truth, guess = (video(sample / folder / "portrait_01.mp4") for folder in ("gt_video", "pred_video"))
    sharp, blurred = (cv2.Laplacian(cv2.GaussianBlur(clip[0], (0, 0), 1), cv2.CV_64F).std() for clip in (truth, guess))
    assert blurred < 0.8 * sharp
    error = ((truth.astype(float) - guess) ** 2).mean()
    assert 18 < 10 * np.log10(255**2 / error) < 32
    units = [read_action_units(sample / folder / "portrait_01.csv") for folder in ("gt_au_csv", "pred_au_csv")]
    assert 0.1 < ((units[0] - units[1]) ** 2).mean(axis=0).sum() < 20


def test_head_moves_smoothly(sample: Path) -> None:
    frames = video(sample / "gt_video" / "portrait_01.mp4")
    points = cv2.goodFeaturesToTrack(cv2.cvtColor(frames[0][:110], cv2.COLOR_RGB2GRAY), 40, 0.02, 6)
    places = [points]
    for before, after in itertools.pairwise(frames):
        greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (before, after)]
        places.append(cv2.calcOpticalFlowPyrLK(*greys, places[-1], None)[0])
    steps = np.median(np.diff(np.stack(places)[:, :, 0], axis=0), axis=1)
    assert np.abs(steps).max() < 1.5  # pixels per frame
    assert np.abs(steps.cumsum(axis=0)).max() > 1.5


def test_same_every_time(tmp_path: Path) -> None:
    def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        sound = synthetic_speech(0.3, rng)
        return sound, np.stack(list(Portrait(64).frames(Motion.of_speech(sound, rng))))

    for ours, again, other in zip(drawn(3), drawn(3), drawn(4), strict=True):
        np.testing.assert_array_equal(ours, again)
        assert not np.array_equal(ours, other)
    first, second = (make_sample(tmp_path / name, clips=1, seconds=0.4, size=64) for name in ("a", "b"))
    for path in sorted(path for path in first.rglob("*") if path.is_file()):
        twin = second / path.relative_to(first)
        if path.suffix == ".mp4":
            np.testing.assert_array_equal(video(path), video(twin))
        else:
            assert path.read_bytes() == twin.read_bytes()


def test_speech_has_syllables_and_pauses() -> None:
    sound = synthetic_speech(8.0, np.random.default_rng(0))
    assert np.abs(sound).max() == pytest.approx(0.7)
    level = loudness(sound, 200)
    assert level.max() == 1
    peaks = ((level[1:-1] > level[:-2]) & (level[1:-1] >= level[2:]) & (level[1:-1] > 0.2)).sum()
    assert 2 < peaks / 8 < 7  # syllables per second
    assert (level < 0.1).mean() > 0.05
    spectrum = np.abs(np.fft.rfft(sound)) ** 2
    frequency = np.fft.rfftfreq(len(sound), 1 / 16000)
    assert 0.5 < spectrum[(frequency > 100) & (frequency < 1200)].sum() / spectrum.sum() < 0.999


def test_loudness_is_that_of_the_samples_around_a_frame() -> None:
    sound = np.zeros(16000)
    sound[10 * 640 : 11 * 640] = 0.3
    assert loudness(sound, 25).tolist() == pytest.approx([0] * 9 + [0.5, 1, 0.5] + [0] * 13)
    assert loudness(np.zeros(1000), 2).tolist() == [0, 0]


def test_mouth_at_rest_is_the_portrait() -> None:
    from skimage.data import astronaut

    rest = -Portrait.opening[0] / (Portrait.opening[1] - Portrait.opening[0])
    still = Motion(np.array([rest]), np.zeros(1), np.zeros((1, 4)))
    drawn = next(Portrait(170).frames(still))
    left, top, side = map(int, Portrait.crop)
    original = astronaut()[top : top + side, left : left + side].astype(int)
    assert np.abs(drawn.astype(int) - original).mean() < 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"clips": 0}, "at least one clip"),
        ({"seconds": 0.01}, "at least one clip of one frame"),
        ({"size": 255}, "even number of at least 16, got 255"),
        ({"size": 8}, "even number of at least 16"),
    ],
)
def test_wrong_arguments(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_sample(tmp_path / "x", **arguments)
    assert not (tmp_path / "x").exists()


def test_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    script = Path(__file__).parents[2] / "examples" / "make_sample.py"
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path / "data")])
    monkeypatch.setattr(demo, "make_sample", functools.partial(make_sample, seconds=0.2, size=64))
    runpy.run_path(str(script), run_name="__main__")
    assert f"thm score {tmp_path / 'data'}" in capsys.readouterr().out
    assert len(list((tmp_path / "data" / "gt_video").iterdir())) == 2


@pytest.mark.skipif(importlib.util.find_spec("dlib") is None, reason="dlib is not installed")
def test_a_face_detector_finds_one_face(sample: Path) -> None:
    import dlib

    detector = dlib.get_frontal_face_detector()
    for folder in ("gt_video", "pred_video"):
        for path in sorted((sample / folder).iterdir()):
            faces = [len(detector(np.ascontiguousarray(frame), 0)) for frame in video(path)[::3]]
            assert faces == [1] * 17
