"""Frames read ahead in a thread beside the same frames read one by one in this thread."""

import gc
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from media.damage_corpus import PICTURES, VIDEOS, damaged
from numpy.typing import NDArray
from PIL import Image

from thm_torchmetrics import PeakSignalNoiseRatio
from thm_torchmetrics.core.chunk import frames_per_chunk
from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.core.one_pass import measure_clip
from thm_torchmetrics.errors import MediaError, MediaWarning
from thm_torchmetrics.media.pictures import PictureFolder
from thm_torchmetrics.media.read_ahead import ReadAhead
from thm_torchmetrics.media.video import Converter, VideoFile
from thm_torchmetrics.media.write import write_video
from thm_torchmetrics.scoring.progress import CountedVideo

Timed = tuple[NDArray[np.uint8], float]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, ffmpeg: Callable[..., None]) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("videos")
    for name, options in VIDEOS.items():
        ffmpeg(*PICTURES, *options, folder / name)
    return {name: folder / name for name in VIDEOS}


def picture(value: int, size: int = 8) -> NDArray[np.uint8]:
    return np.full((size, size, 3), value, np.uint8)


def made(number: int, size: int = 8, log: list[int] | None = None) -> Generator[Timed, None, None]:
    """Pictures one by one; the log has the numbers of those that were made."""
    for index in range(number):
        if log is not None:
            log.append(index)
        yield picture(index % 256, size), index / 25


def in_turn(video: VideoFile) -> Iterator[Timed]:
    """The frames as this thread decodes and converts them."""
    convert = Converter()
    for frame, seconds, _ in video.decoded():
        yield convert(frame), seconds


def outcome(frames: Iterator[Timed]) -> tuple[list[tuple[bytes, float]], str, list[str]]:
    """The frames up to the end or the error, the error, and the warnings."""
    seen, error = [], ""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            seen.extend((shown.tobytes(), seconds) for shown, seconds in frames)
        except MediaError as raised:
            error = str(raised)
    return seen, error, [str(warning.message) for warning in caught]


def reading() -> list[str]:
    """The threads that read ahead, some time after they should have ended."""
    gc.collect()
    for _ in range(200):
        names = [thread.name for thread in threading.enumerate() if thread.name.startswith("read-ahead")]
        if not names:
            break
        time.sleep(0.02)
    return names


def test_every_sample_file_gives_the_frames_times_and_remarks_of_plain_reading(files: dict[str, Path]) -> None:
    for name, path in files.items():
        ahead = outcome(VideoFile(path).frames())
        assert ahead == outcome(in_turn(VideoFile(path))), name
        assert len(ahead[0]) == (1 if "-frames:v" in VIDEOS[name] else 20), name
    assert not reading()


def test_every_damaged_file_fails_as_by_plain_reading(files: dict[str, Path], tmp_path: Path) -> None:
    """The threads of FFmpeg's decoders report damage a frame or two earlier or later, with either reading."""
    errors = 0
    for seed, name in enumerate(("h264.mp4", "ffv1.mkv", "hevc.mp4", "vp9.webm", "h264.ts", "mpeg4.avi", "png.mov")):
        for kind, data in damaged(files[name].read_bytes(), seed):
            path = tmp_path / f"{kind}-{name}"
            path.write_bytes(data)
            ahead, plain = outcome(VideoFile(path).frames()), outcome(in_turn(VideoFile(path)))
            assert bool(ahead[1]) == bool(plain[1]), (name, kind)
            assert ahead[1].partition(":")[0] == plain[1].partition(":")[0]
            shared = min(len(ahead[0]), len(plain[0])) if ahead[1] else None
            assert ahead[0][:shared] == plain[0][:shared]
            assert ahead[2] == plain[2]
            errors += bool(ahead[1])
    assert errors > 10
    assert not reading()


def test_order_and_items_are_kept() -> None:
    frames = list(ReadAhead(made(1000)))
    assert [shown[0, 0, 0] for shown, _ in frames] == [index % 256 for index in range(1000)]
    assert [seconds for _, seconds in frames] == [index / 25 for index in range(1000)]
    assert not reading()
    assert list(ReadAhead(made(0))) == []


@pytest.mark.parametrize("fails_at", [0, 1, 8, 9, 100])
def test_an_error_comes_after_the_frames_before_it_and_once(fails_at: int) -> None:
    def failing() -> Generator[Timed, None, None]:
        yield from made(fails_at)
        raise MediaError("broken")

    frames = ReadAhead(failing())
    for index in range(fails_at):
        assert next(frames)[1] == index / 25
    with pytest.raises(MediaError, match="broken"):
        next(frames)
    assert list(frames) == []
    assert not reading()


@pytest.mark.parametrize("fails", [False, True])
def test_remarks_become_warnings_of_this_thread_after_the_last_frame(fails: bool) -> None:
    remarks: list[str] = []

    def remarking() -> Generator[Timed, None, None]:
        yield from made(5)
        remarks.append("odd")
        if fails:
            raise MediaError("broken")

    frames = ReadAhead(remarking(), remarks)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(5):
            next(frames)
        assert not caught
        with pytest.raises(MediaError if fails else StopIteration):
            next(frames)
    assert [(warning.category, str(warning.message)) for warning in caught] == [(MediaWarning, "odd")]


def test_a_warning_that_is_an_error_is_raised_after_the_last_frame() -> None:
    frames = ReadAhead(made(2), ["odd"])
    next(frames), next(frames)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(MediaWarning, match="odd"):
            next(frames)
    assert list(frames) == []


@pytest.mark.parametrize("size", [8, 256, 1024, 3400])
def test_the_thread_is_ahead_by_the_frames_of_a_chunk_and_no_more(size: int) -> None:
    log: list[int] = []
    limit = frames_per_chunk(3 * size * size)
    with closing(ReadAhead(made(1000, size, log))) as frames:
        for taken in range(1, 4):
            next(frames)
            for _ in range(500):
                if len(log) >= taken + limit - limit % 8:
                    break
                time.sleep(0.01)
            time.sleep(0.05)
            assert taken < len(log) <= taken + limit + max(1, limit // 8)


def test_reading_goes_on_while_the_frames_are_used() -> None:
    together = threading.Barrier(2, timeout=20)

    def meeting() -> Generator[Timed, None, None]:
        yield picture(0), 0.0
        yield picture(1), 0.04
        together.wait()  # raises unless this thread uses the first frame meanwhile
        yield picture(2), 0.08

    frames = ReadAhead(meeting())
    next(frames)
    together.wait()
    assert len(list(frames)) == 2


def test_both_sides_are_read_at_once() -> None:
    together = threading.Barrier(2, timeout=20)

    def meeting() -> Generator[Timed, None, None]:
        together.wait()
        yield from made(3)

    sides = ReadAhead(meeting()), ReadAhead(meeting())
    assert len(list(zip(*sides, strict=True))) == 3


@pytest.mark.parametrize("taken", [0, 1, 30])
def test_a_reader_that_is_closed_ends_its_thread_and_closes_its_file(tmp_path: Path, taken: int) -> None:
    path = write_video(tmp_path / "a.mp4", [picture(i, 64) for i in range(200)])
    opened = len(list(Path("/proc/self/fd").iterdir()))
    frames = VideoFile(path).frames()
    assert len(list(islice(frames, taken))) == taken
    frames.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]
    assert len(list(Path("/proc/self/fd").iterdir())) == opened
    assert list(frames) == []
    frames.close()


def test_a_reader_that_is_dropped_ends_its_thread() -> None:
    log: list[int] = []
    for _, seconds in ReadAhead(made(10**6, log=log)):
        if seconds >= 1:
            break
    assert not reading()
    assert len(log) < 200


def test_a_reader_in_a_cycle_that_is_collected_ends_its_thread() -> None:
    frames = ReadAhead(made(10**6))
    holder: list[object] = [frames]
    holder.append(holder)
    next(frames)
    del frames, holder
    assert not reading()


def test_a_run_that_stops_early_ends_both_threads_and_closes_both_files(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", [picture(i % 256, 64) for i in range(300)])
    opened = len(list(Path("/proc/self/fd").iterdir()))
    sides = (Clip(CountedVideo(VideoFile(path), lambda: None)) for _ in range(2))
    failures: dict[str, Exception] = {}
    psnr = PeakSignalNoiseRatio(align="truncate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(psnr), "per_frame", lambda self, preds, target: 1 / 0)
        assert not measure_clip({"psnr": psnr}, *sides, failures=failures)
    assert isinstance(failures["psnr"], ZeroDivisionError)
    failures.clear()
    assert not reading()
    assert len(list(Path("/proc/self/fd").iterdir())) == opened


def test_pictures_are_read_ahead_with_their_errors(tmp_path: Path) -> None:
    for index in range(12):
        Image.fromarray(picture(index, 10)).save(tmp_path / f"{index}.png")
    assert [shown[0, 0, 0] for shown, _ in PictureFolder(tmp_path).frames()] == list(range(12))
    (tmp_path / "7.png").write_bytes(b"no picture")
    frames = PictureFolder(tmp_path).frames()
    assert [next(frames)[0][0, 0, 0] for _ in range(7)] == list(range(7))
    with pytest.raises(MediaError, match=r"7\.png: cannot be read"):
        next(frames)
    assert not reading()
