"""A clip: frames of a tensor or of a video, chunk by chunk, with times and sound."""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from thm_torchmetrics import Clip
from thm_torchmetrics.core.chunk import CHUNK_VALUES
from thm_torchmetrics.core.clip import FeatureClip
from thm_torchmetrics.errors import InputError


@dataclass
class Video:
    """A video in memory that counts how often it is read."""

    pictures: npt.NDArray[np.uint8]
    fps: float = 30.0
    readings: list[int] = field(default_factory=list)

    @property
    def size(self) -> tuple[int, int]:
        height, width = self.pictures.shape[1:3]
        return height, width

    def frames(self) -> Iterator[tuple[npt.NDArray[np.uint8], float]]:
        self.readings.append(0)
        for index, picture in enumerate(self.pictures):
            self.readings[-1] += 1
            yield picture, 1.5 + index / self.fps


@dataclass(frozen=True)
class Tone:
    """A sound whose samples are their own rate."""

    origin: str = "a tone"

    def mono(self, sample_rate: int) -> npt.NDArray[np.int16]:
        return np.full(10, sample_rate // 100, np.int16)


def pictures(count: int = 130, height: int = 6, width: int = 8) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def frames(count: int = 130) -> torch.Tensor:
    return torch.from_numpy(pictures(count)).permute(0, 3, 1, 2)


@pytest.mark.parametrize("source", ["tensor", "video"])
@pytest.mark.parametrize("length", [None, 1, 50, 500])
def test_chunks_are_the_frames_in_order(source: str, length: int | None) -> None:
    clip = Clip(frames() if source == "tensor" else Video(pictures()))
    chunks = list(clip.chunks(length))
    assert {len(chunk) for chunk in chunks[:-1]} <= {length or 64}
    assert torch.equal(torch.cat([chunk.rows for chunk in chunks]), frames())
    assert [chunk.start for chunk in chunks] == [(length or 64) * i for i in range(len(chunks))]
    times = [time for chunk in chunks for time in chunk.times]
    start, fps = (0.0, 25.0) if source == "tensor" else (1.5, 30.0)
    assert times == pytest.approx([start + i / fps for i in range(130)])


def test_chunks_of_a_tensor_are_kept_and_those_of_a_video_are_not() -> None:
    clip, video = Clip(frames()), Video(pictures())
    assert [id(chunk) for chunk in clip.chunks()] == [id(chunk) for chunk in clip.chunks()]
    reader = Clip(video)
    for _ in range(2):
        list(reader.chunks())
    assert video.readings == [130, 130]


def test_a_video_is_read_no_further_than_is_asked() -> None:
    video = Video(pictures())
    next(Clip(video).chunks(10))
    assert video.readings == [10]


@pytest.mark.parametrize("odd", [np.zeros((6, 1, 3), np.uint8), np.zeros((6, 8, 3), np.float32)])
def test_frames_of_a_video_that_are_unlike_are_an_error(odd: npt.NDArray[Any]) -> None:
    video = Video(pictures(7))
    video.pictures = [*video.pictures, odd]  # type: ignore[assignment]
    clip = Clip(Video(pictures(7)))
    clip.frames = video
    with pytest.raises(
        InputError, match=r"frame 7 of a video source is \(6, .*, those before it are \(6, 8, 3\) uint8"
    ):
        list(clip.chunks(10))


def test_chunks_of_large_frames_stay_small() -> None:
    clip = Clip(torch.zeros(1, 3, 1080, 1920, dtype=torch.uint8).expand(40, -1, -1, -1))
    assert clip.chunk_length == CHUNK_VALUES // (3 * 1080 * 1920) == 5
    huge = Clip(torch.zeros(1, 1, 1, 1, dtype=torch.uint8).expand(2, 3, 5000, 5000))
    assert huge.chunk_length == 1


def test_length_size_and_rate_are_those_of_the_source() -> None:
    clip, video = Clip(frames(7), fps=50), Clip(Video(pictures(7)))
    assert (clip.length, clip.size, clip.fps, clip.video_source) == (7, (6, 8), 50, None)
    assert (video.length, video.size, video.fps) == (None, (6, 8), 30)
    assert Clip(Video(pictures(7)), fps=24).fps == 24


def test_a_loaded_clip_has_the_video_s_frames_times_and_sources() -> None:
    video = Video(pictures())
    clip = Clip(video, audio=Tone(), key="talk").load()
    assert torch.equal(clip.frames, frames())  # type: ignore[arg-type]
    assert clip.times == pytest.approx([1.5 + i / 30 for i in range(130)])
    assert (clip.key, clip.fps, clip.video_source, clip.audio_source) == ("talk", 30, video, Tone())
    assert clip.load() is clip
    assert video.readings == [130]


def test_sound_of_a_source_is_read_at_the_clip_s_rate_and_forgotten_when_set() -> None:
    clip = Clip(frames(2), audio=Tone(), sample_rate=44100)
    assert clip.audio is not None
    assert clip.audio.tolist() == [441] * 10
    assert clip.audio is clip.audio
    clip.audio = torch.zeros(3)
    assert clip.audio_source is None
    assert len(clip.audio) == 3
    assert Clip(frames(2)).audio is None


def test_a_moved_clip_keeps_everything_but_its_chunks() -> None:
    clip = Clip(frames(3), audio=torch.zeros(5), key="k", times=[0.0, 0.1, 0.5])
    kept = next(clip.chunks())
    moved = clip.to("meta")
    assert isinstance(moved.frames, torch.Tensor)
    assert moved.audio is not None
    assert (moved.frames.device.type, moved.audio.device.type) == ("meta", "meta")
    assert (moved.key, moved.times, moved.sample_rate) == ("k", [0.0, 0.1, 0.5], 16000)
    assert next(clip.chunks()) is kept
    assert next(moved.chunks()) is not kept


def test_a_clip_can_be_pickled() -> None:
    copied = pickle.loads(pickle.dumps(Clip(frames(3), audio=torch.ones(2), key="k")))  # noqa: S301
    assert torch.equal(copied.frames, frames(3))
    assert copied.key == "k"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.zeros(3, 8, 8), r"\(T, 3, H, W\).*\(3, 8, 8\)"),
        (torch.zeros(2, 8, 8, 3), r"\(T, 3, H, W\).*\(2, 8, 8, 3\)"),
        (torch.zeros(0, 3, 8, 8), "T, H, W >= 1"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.int64), "uint8.*int64"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.bool), "bool"),
        (pictures(2), "a tensor .* or a video source"),
        ("talk.mp4", "a tensor .* or a video source"),
    ],
)
def test_what_is_no_clip_is_named(given: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Clip(given)  # type: ignore[arg-type]


def test_times_are_as_many_as_frames() -> None:
    with pytest.raises(InputError, match="2 times for 3 frames"):
        Clip(frames(3), times=[0.0, 0.04])


def test_given_features_are_one_chunk() -> None:
    clip = FeatureClip(torch.eye(5), key="k")
    (chunk,) = clip.chunks(2)
    assert torch.equal(chunk.rows, torch.eye(5))
    assert (clip.length, clip.chunk_length, clip.key) == (5, 5, "k")
    assert next(clip.chunks()) is chunk


def test_it_shows_what_it_is() -> None:
    assert repr(Clip(frames(3), key="talk")) == "Clip((3, 3, 6, 8), fps=25, key='talk')"


@pytest.mark.parametrize(
    ("audio", "remedy"),
    [
        (np.zeros(16000, np.float32), "torch.from_numpy"),
        ("talk.wav", "media.open_clip"),
        (Path("talk.wav"), "media.open_clip"),
        ([0.0], "list"),
    ],
)
def test_audio_of_another_type_names_the_remedy(audio: Any, remedy: str) -> None:
    with pytest.raises(InputError, match=f"a Clip's audio is a tensor.*{remedy}"):
        Clip(torch.zeros(5, 3, 8, 8, dtype=torch.uint8), audio=audio)
