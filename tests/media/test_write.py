"""What is written, read back by OpenCV and the standard library."""

import wave
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from thm_torchmetrics.errors import InputError, MediaError
from thm_torchmetrics.media.write import write_video, write_wav

GREY = np.full((64, 96, 3), 128, np.uint8)


def test_video(tmp_path: Path) -> None:
    frames = [np.full((64, 96, 3), (5 * index, 100, 250 - 5 * index), np.uint8) for index in range(50)]
    path = write_video(tmp_path / "a.mp4", iter(frames), 30)
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FPS) == 30
    for frame in frames:
        found, decoded = capture.read()
        assert found
        assert np.abs(decoded[..., ::-1].astype(int) - frame).max() <= 4
    assert not capture.read()[0]


def test_sound_and_pictures_last_equally_long(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", [GREY] * 50, audio=np.zeros(32000, np.float32))
    with av.open(str(path)) as container:
        for stream in container.streams:
            assert float(stream.duration * stream.time_base) == 2
            assert stream.start_time == 0
        assert container.streams.audio[0].codec_context.name == "aac"


def test_times(tmp_path: Path) -> None:
    times = [0, 0.04, 0.1, 0.5]
    path = write_video(tmp_path / "a.mp4", [GREY] * 4, times=times)
    with av.open(str(path)) as container:
        assert [frame.time for frame in container.decode(video=0)] == pytest.approx(times, abs=1e-4)


def test_wav(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", np.array([0, 0.5, -1, 1, 2, 2**-15, 0.6 * 2**-15]), 22050)
    with wave.open(str(path)) as file:
        assert file.getparams()[:4] == (1, 2, 22050, 7)
        samples = np.frombuffer(file.readframes(7), "<i2")
    assert samples.tolist() == [0, 16384, -32768, 32767, 32767, 1, 1]
    whole = np.array([-32768, 7, 32767], np.int16)
    with wave.open(str(write_wav(tmp_path / "b.wav", whole))) as file:
        assert file.getframerate() == 16000
        assert np.frombuffer(file.readframes(3), "<i2").tolist() == whole.tolist()


@pytest.mark.parametrize(
    ("frames", "options", "message"),
    [
        ([], {}, "no frames"),
        ([GREY.astype(np.float32)], {}, r"must be uint8 \(H, W, 3\), RGB, got float32"),
        ([GREY[..., 0]], {}, r"must be uint8 \(H, W, 3\)"),
        ([GREY, GREY[:32]], {}, r"one size, got \(64, 96\) and then \(32, 96\)"),
        ([GREY[:63]], {}, "even height and width"),
        ([GREY] * 3, {"times": [0, 1]}, "more frames than times"),
        ([GREY] * 3, {"times": [0, 1, 1]}, "times must be finite and increase"),
        ([GREY] * 3, {"times": [0, float("nan"), 1]}, "times must be finite and increase"),
        ([GREY] * 3, {"times": [float("inf"), 1, 2]}, "times must be finite and increase"),
        ([GREY], {"fps": 0}, "fps must be a number above 0, got 0"),
        ([GREY], {"fps": float("nan")}, "fps must be a number above 0, got nan"),
        ([GREY], {"fps": "25"}, "fps must be a number above 0, got '25'"),
        ([GREY], {"sample_rate": -1}, "sample_rate must be a whole number above 0, got -1"),
        ([GREY], {"sample_rate": 16000.5}, "sample_rate must be a whole number above 0"),
        ([GREY], {"audio": [0.0]}, "audio must be a NumPy array"),
        ([GREY], {"audio": np.array([0.0, np.nan])}, "audio holds NaN or infinity"),
        ([GREY.tolist()], {}, "a frame must be a NumPy array"),
        ([GREY[:0]], {}, r"must be uint8 \(H, W, 3\)"),
        ([GREY], {"audio": np.zeros((2, 100), np.int16)}, r"audio must be mono \(S,\)"),
        ([GREY], {"audio": np.zeros(100, np.int32)}, "int16 or float -1..1, got int32"),
    ],
)
def test_wrong_input(tmp_path: Path, frames: list[np.ndarray], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        write_video(tmp_path / "a.mp4", frames, **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("absent/a.mp4", {}),
        ("a.xyz", {}),
        (".", {}),
        ("a.webm", {}),
        ("a.mp4", {"codec": "absent"}),
        ("a.mp4", {"pixel_format": "absent"}),
        ("a.mp4", {"codec_options": {"preset": "absent"}}),
        ("a.mp4", {"audio": np.zeros(100, np.int16), "sample_rate": 12345}),
    ],
)
def test_what_cannot_be_written_is_our_error(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    with pytest.raises(MediaError, match="cannot be written"):
        write_video(tmp_path / name, [GREY], **options)


def test_sound_that_cannot_be_written_is_our_error(tmp_path: Path) -> None:
    for path, rate in ((tmp_path / "absent" / "a.wav", 16000), (tmp_path, 16000), (tmp_path / "a.wav", 10**10)):
        with pytest.raises(MediaError, match="cannot be written"):
            write_wav(path, np.zeros(10, np.int16), rate)
    with pytest.raises(InputError, match="sample_rate must be a whole number above 0"):
        write_wav(tmp_path / "a.wav", np.zeros(10, np.int16), 0)
