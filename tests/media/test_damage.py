"""Damage that FFmpeg reports, in files of many formats by FFmpeg 9; its own log is what we are compared with."""

import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from media.damage_corpus import SOUNDS, VIDEOS, damaged, make

from thm_torchmetrics.errors import MediaError, MediaWarning
from thm_torchmetrics.media.audio import SoundFile, read_audio
from thm_torchmetrics.media.video import VideoFile

CHECKED = ("ffv1.mkv", "a.png", "a.apng", "png.mov", "a.flac", "a.tta", "a.wv", "a.opus", "vorbis.ogg", "flac.ogg")
"""Formats with a checksum over all of the data."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, ffmpeg: Callable[..., None]) -> dict[str, Path]:
    return make(tmp_path_factory.mktemp("valid"), ffmpeg)


@pytest.fixture(autouse=True)
def log_is_as_before() -> Iterator[None]:
    before = av.logging.get_level(), av.logging.get_skip_repeated()
    yield
    assert (av.logging.get_level(), av.logging.get_skip_repeated()) == before


def read(path: Path) -> list[Any]:
    """What a file holds; a warning is an error here."""
    if path.name.rpartition("-")[2] in SOUNDS:
        return [read_audio(path).tobytes()]
    return [(frame.tobytes(), time) for frame, time in VideoFile(path).frames()]


def outcome(path: Path) -> list[Any] | str:
    with warnings.catch_warnings():
        warnings.simplefilter("error", MediaWarning)
        try:
            return read(path)
        except (MediaError, MediaWarning) as error:
            assert str(path) in str(error)  # noqa: PT017
            return str(error)


def reported(path: Path) -> list[tuple[int, str, str]]:
    """The errors that FFmpeg logs, reading all of the stream in one thread."""
    av.logging.set_skip_repeated(False)
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture() as messages, av.open(str(path)) as container:
            stream = container.streams.best("audio" if path.name.rpartition("-")[2] in SOUNDS else "video")
            if stream is not None:
                stream.codec_context.thread_count = 1
                for packet in container.demux(stream):
                    packet.decode()
    except (av.error.FFmpegError, ValueError) as error:
        messages = [(av.logging.ERROR, "", str(error))]
    finally:
        av.logging.set_level(None)
        av.logging.set_skip_repeated(True)
    return messages


def test_whole_files_are_read_without_a_word(files: dict[str, Path]) -> None:
    for name, path in files.items():
        held = read(path)
        if name in VIDEOS:
            assert len(held) == (1 if "-frames:v" in VIDEOS[name] else 20), name
        else:
            assert abs(len(held[0]) / 2 - 24000) < 700, name


def test_what_ffmpeg_reports_is_never_passed_over(files: dict[str, Path], tmp_path: Path) -> None:
    silent, refused, count = [], 0, 0
    for seed, (name, path) in enumerate(files.items()):
        whole = read(path)
        for number, (kind, data) in enumerate(damaged(path.read_bytes(), seed)):
            copy = tmp_path / f"{number}-{name}"
            copy.write_bytes(data)
            told = outcome(copy)
            count += 1
            refused += isinstance(told, str)
            if isinstance(told, list) and told != whole and reported(copy):
                silent.append((name, kind, reported(copy)[0]))
            copy.unlink()
    assert not silent
    assert refused > 0.7 * count


def test_every_flipped_bit_under_a_checksum_is_refused(files: dict[str, Path], tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    for name in CHECKED:
        data = files[name].read_bytes()
        whole = read(files[name])
        for _ in range(6):
            copy = bytearray(data)
            copy[rng.integers(len(data) // 4, len(data))] ^= 1 << rng.integers(8)
            path = tmp_path / f"flipped-{name}"
            path.write_bytes(bytes(copy))
            told = outcome(path)
            if isinstance(told, str):
                assert re.search("breaks off after|cannot be opened|no audio stream|holds no video", told), (name, told)
            else:
                assert told == whole, name  # an index or an end mark has no checksum


def test_cut_files_are_refused_in_every_format_that_tells(files: dict[str, Path], tmp_path: Path) -> None:
    raw = ("a.hevc", "a.ac3")  # end anywhere: FFmpeg fills the last picture up, and drops a piece of a header
    passed = []
    for name, path in files.items():
        data = path.read_bytes()
        for percent in (35, 62, 81, 96):
            cut = tmp_path / f"cut-{name}"
            cut.write_bytes(data[: len(data) * percent // 100 // 188 * 188 + 4])  # between samples, not between packets
            if name not in raw and not isinstance(told := outcome(cut), str) and told != read(path):
                passed.append((name, percent))
    assert not passed


@pytest.mark.parametrize("name", ["ffv1.mkv", "flac.ogg"])
def test_the_same_damage_in_the_next_file_is_noticed_too(files: dict[str, Path], tmp_path: Path, name: str) -> None:
    """PyAV drops a message that is equal to the one before, here ``CRC mismatch!``."""
    data = bytearray(files[name].read_bytes())
    data[len(data) // 2] ^= 8
    for letter in "abc":
        path = tmp_path / f"{letter}-{name}"
        path.write_bytes(data)
        with pytest.raises(MediaError, match=rf"{path.name}: .* \(FFmpeg report(s|ed) damage.*: \w+: .*CRC mismatch"):
            read(path)


def test_of_two_videos_read_in_turns_only_the_damaged_one_fails(files: dict[str, Path], tmp_path: Path) -> None:
    """The threads of both decoders log without saying for which file."""
    for seed, name in enumerate(("h264.mp4", "ffv1.mkv", "hevc.mp4", "vp9.webm")):
        for kind, data in damaged(files[name].read_bytes(), 100 + seed):
            path = tmp_path / f"bad-{name}"
            path.write_bytes(data)
            alone = isinstance(outcome(path), str)
            readers = {"good": VideoFile(files[name]).decoded(), "bad": VideoFile(path).decoded()}
            failed = dict.fromkeys(readers, False)
            counts = dict.fromkeys(readers, 0)
            while readers:
                for side, frames in list(readers.items()):
                    try:
                        next(frames)
                        counts[side] += 1
                    except (StopIteration, MediaError) as end:
                        failed[side] = isinstance(end, MediaError)
                        del readers[side]
            assert failed == {"good": False, "bad": alone}, (name, kind)
            assert counts["good"] == 20


def test_the_log_level_of_the_user_comes_back(files: dict[str, Path]) -> None:
    try:
        av.logging.set_level(av.logging.INFO)
        av.logging.set_skip_repeated(False)
        frames = VideoFile(files["h264.mp4"]).frames()
        next(frames)
        other = VideoFile(files["h264.mkv"]).frames()
        next(other)
        frames.close()
        assert av.logging.get_level() == av.logging.ERROR
        other.close()
        assert av.logging.get_level() == av.logging.INFO
        assert not av.logging.get_skip_repeated()
    finally:
        av.logging.set_level(None)
        av.logging.set_skip_repeated(True)


def test_a_process_ends_while_a_damaged_file_is_open(files: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "bad.mkv"
    data = bytearray(files["h264.mkv"].read_bytes())
    data[len(data) // 3 :: 97] = b"\xff" * len(data[len(data) // 3 :: 97])
    path.write_bytes(data)
    code = f"""
from thm_torchmetrics.errors import MediaError
from thm_torchmetrics.media.video import VideoFile
kept = [VideoFile({str(path)!r}).decoded() for _ in range(5)]
for frames in kept:
    try:
        next(frames)
    except MediaError:
        pass
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_a_header_without_a_unit_of_time_is_a_remark(files: dict[str, Path], tmp_path: Path) -> None:
    data = bytearray(files["h264.mp4"].read_bytes())
    place = data.find(b"mvhd")
    data[place + 16 : place + 20] = bytes(4)
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    with pytest.warns(MediaWarning, match=r"a\.mp4: was read to its end, but FFmpeg reports: .*mvhd time scale 0"):
        assert len(list(VideoFile(path).frames())) == 20


def test_a_damaged_sound_track_is_a_remark_of_the_pictures(tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    path = tmp_path / "a.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25:duration=0.8", "-f", "lavfi", "-i",
           "sine=duration=0.8", "-c:v", "libx264", "-c:a", "libvorbis", path)  # fmt: skip
    data = bytearray(path.read_bytes())
    place = data.find(b"\x05vorbis") + 7
    data[place + 8 : place + 40] = bytes(range(32))
    path.write_bytes(data)
    with pytest.warns(MediaWarning, match=r"a\.mkv: was read to its end, but FFmpeg reports: vorbis"):
        assert len(list(VideoFile(path).frames())) == 20
    with pytest.raises(MediaError, match=r"a\.mkv: "):
        read_audio(path)


@pytest.mark.parametrize("seed", range(4))
def test_flipped_headers_give_frames_or_our_error(files: dict[str, Path], tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    path = tmp_path / "a.bin"
    questions: list[Callable[[], object]] = [
        lambda: sum(1 for _ in VideoFile(path).frames()),
        lambda: VideoFile(path).pixels,
        lambda: read_audio(path),
        lambda: SoundFile(path).duration,
    ]
    for name in files:
        data = bytearray(files[name].read_bytes())
        for _ in range(rng.integers(1, 6)):
            reach = min(len(data), int(rng.choice([64, 400, 3000, len(data)])))
            place = rng.integers(reach)
            data[place if rng.random() < 0.7 else len(data) - 1 - place] = rng.choice([0, 255, rng.integers(256)])
        path.write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MediaWarning)
            for ask in questions:
                try:
                    ask()
                except MediaError as error:
                    assert str(path) in str(error)  # noqa: PT017


def packet_places(path: Path) -> list[tuple[int, int]]:
    with av.open(str(path)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


def test_no_frame_of_av1_is_lost_without_a_word(files: dict[str, Path], tmp_path: Path) -> None:
    """PyAV drops the decoder's error at the last packets."""
    source, path = files["av1.mp4"], tmp_path / "bad-av1.mp4"
    data, rng = source.read_bytes(), np.random.default_rng(0)
    for start, size in packet_places(source)[-3:]:
        for _ in range(12):
            copy = bytearray(data)
            for _ in range(8):
                copy[start + 12 + int(rng.integers(max(1, size - 12)))] = rng.integers(256)
            path.write_bytes(copy)
            told = outcome(path)
            assert isinstance(told, str) or len(told) == 20


@pytest.mark.parametrize("name", ["jpeg.avi", "mpeg4.avi"])
def test_no_packet_of_an_avi_is_lost_without_a_word(files: dict[str, Path], tmp_path: Path, name: str) -> None:
    """FFmpeg looks for the next packet where the head of one is gone."""
    data = files[name].read_bytes()
    for index in (3, 10, 17):
        place = data.index(b"00dc")
        for _ in range(index):
            place = data.index(b"00dc", place + 4)
        path = tmp_path / f"bad-{name}"
        path.write_bytes(data[:place] + bytes(8) + data[place + 8 :])
        assert isinstance(outcome(path), str)
