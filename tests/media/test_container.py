"""What is opened and what is refused: pipes, devices, playlists, patterns, pictures without measure, joined files."""

import os
import socket
import struct
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from thm_torchmetrics.errors import InputError, MediaError, MediaWarning
from thm_torchmetrics.media.audio import read_audio
from thm_torchmetrics.media.container import MAX_PIXELS
from thm_torchmetrics.media.video import VideoFile
from thm_torchmetrics.media.write import write_video

SHARED = Path(__file__).resolve().parents[3] / "shared"
GREY = np.full((64, 96, 3), 128, np.uint8)


def png(path: Path, width: int, height: int) -> Path:
    """A black picture, by the format's specification."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer = zlib.compressobj(1)
    line = bytes(1 + width * 3)
    body = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))
    return path


def within(seconds: float, path: Path, read: Callable[[Path], object]) -> str:
    """The error of a reading that must not wait."""
    said = []

    def run() -> None:
        try:
            read(path)
        except MediaError as error:
            said.append(str(error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it waits"
    (error,) = said
    return error


def frames(path: Path) -> list[np.ndarray]:
    return [frame for frame, _ in VideoFile(path).frames()]


@pytest.mark.parametrize("read", [frames, read_audio, lambda path: VideoFile(path).fps])
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX")
def test_what_is_no_file_is_refused_at_once(
    tmp_path: Path, read: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, link = tmp_path / "pipe.mp4", tmp_path / "link.mp4"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    assert "pipe.mp4: is a pipe, which cannot be read twice" in within(20, pipe, read)
    assert "link.mp4: is a pipe" in within(20, link, read)
    assert "/dev/zero: is a device" in within(20, Path("/dev/zero"), read)
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # the path of a socket is short
        server.bind("s.mp4")
        assert "s.mp4: is a socket" in within(20, Path("s.mp4"), read)
    assert "cannot be read" in within(20, Path("a\0b.mp4"), read)
    assert "cannot be read" in within(20, Path("a" * 300 + ".mp4"), read)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux's /proc, a file of which fails when read")
def test_a_disk_that_fails_is_named() -> None:
    said = within(20, Path("/proc/self/mem"), frames)
    assert said == "/proc/self/mem: cannot be read (Input/output error); copy it again, from another disk"


PLAYLISTS = {
    "ffconcat": "ffconcat version 1.0\n" + "file {}\n" * 3,
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{}\n#EXT-X-ENDLIST\n",
    "bom": "\ufeff#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{}\n#EXT-X-ENDLIST\n",
    "pls": "[playlist]\nFile1={}\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
    ' profiles="urn:mpeg:dash:profile:isoff-live:2011" mediaPresentationDuration="PT2S"><Period><AdaptationSet>'
    '<Representation id="1" bandwidth="1"><BaseURL>{}</BaseURL><SegmentList><SegmentURL media="{}"/></SegmentList>'
    "</Representation></AdaptationSet></Period></MPD>",
    "smil": '<smil><body><video src="{}"/></body></smil>',
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX")
@pytest.mark.parametrize("kind", list(PLAYLISTS))
@pytest.mark.parametrize("suffix", ["mp4", "m3u8", "mpd", "txt"])
def test_a_playlist_opens_no_other_file(tmp_path: Path, kind: str, suffix: str) -> None:
    os.mkfifo(tmp_path / "other.mp4")
    write_video(tmp_path / "real.mp4", [GREY] * 3)
    path = tmp_path / f"clip.{suffix}"
    for named in ("other.mp4", "real.mp4", str(tmp_path / "real.mp4")):
        path.write_text(PLAYLISTS[kind].replace("{}", named))
        assert f"clip.{suffix}: " in within(20, path, frames)
        assert f"clip.{suffix}: " in within(20, path, read_audio)


@pytest.mark.parametrize(
    "name", ["a%5d.png", "a{1}.png", "a?.jpg", "a*.bmp", "[1].png", "concat:a.png", "a b.png", "-i"]
)
def test_a_name_is_no_pattern(tmp_path: Path, name: str) -> None:
    if "jpg" in name or "bmp" in name:
        source = write_video(tmp_path / "s.mov", [GREY], codec="png", pixel_format="rgb24")
    else:
        source = png(tmp_path / "s.png", 96, 64)
    path = tmp_path / name
    path.write_bytes(source.read_bytes())
    assert len(frames(path)) == 1
    assert VideoFile(path).size == (64, 96)


def test_pictures_without_measure_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    path = png(tmp_path / "bomb.mp4", 16000, 16000)
    for read in (frames, lambda path: VideoFile(path).size):
        with pytest.raises(MediaError, match=r"bomb\.mp4: its picture of 16000x16000 is larger than 67,108,864 pixels"):
            read(path)
    small = png(tmp_path / "small.png", 200, 100)
    with pytest.raises(MediaError, match=r"small\.png: its picture of 200x100 is larger than 19,999 pixels"):
        list(VideoFile(small, max_pixels=19999).frames())
    assert len(list(VideoFile(small, max_pixels=20000).frames())) == 1
    assert MAX_PIXELS > 7680 * 4320
    video = write_video(tmp_path / "a.mp4", [GREY] * 3)
    with pytest.raises(MediaError, match=r"a\.mp4: its picture of 96x64 is larger than 6,000 pixels"):
        list(VideoFile(video, max_pixels=6000).frames())
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(InputError, match="max_pixels must be a whole number"):
            VideoFile(video, max_pixels=wrong)


# --- files that were joined by cat


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory, ffmpeg: Callable[..., None]) -> Path:
    """Recordings of 40 frames, each with a click in sound and a flash of pictures at 1 s."""
    folder = tmp_path_factory.mktemp("parts")
    pictures = (
        "-f",
        "lavfi",
        "-i",
        "color=black:size=96x64:rate=25:duration=1.6,drawbox=enable='eq(n,25)':color=white:t=fill",
    )
    sound = ("-f", "lavfi", "-i", "aevalsrc='if(between(t,1,1.002),0.9,0)':s=48000:d=1.6")
    h264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "10", "-sc_threshold", "0")
    ffmpeg(*pictures, *sound, *h264, "-c:a", "aac", folder / "a.ts")
    ffmpeg(*pictures, *sound, *h264, "-c:a", "aac", "-output_ts_offset", "5000", folder / "late.ts")
    ffmpeg(*pictures, *sound, "-c:v", "mpeg2video", "-c:a", "mp2", folder / "m.ts")
    ffmpeg(*pictures, *sound, "-c:v", "mpeg2video", "-c:a", "mp2", "-f", "vob", folder / "m.mpg")
    ffmpeg(*pictures, "-c:v", "libx265", "-x265-params", "log-level=error", folder / "h.ts")
    ffmpeg(*pictures, *h264, folder / "a.h264")
    ffmpeg(
        *pictures, *h264, "-f", "hls", "-hls_time", "0.4", "-hls_segment_filename", folder / "s%d.ts", folder / "s.m3u8"
    )
    return folder


def joined(parts: Path, target: Path, *names: str) -> Path:
    target.write_bytes(b"".join((parts / name).read_bytes() for name in names))
    return target


@pytest.mark.parametrize(
    "names",
    [
        ("a.ts", "a.ts"),
        ("a.ts", "late.ts"),
        ("late.ts", "a.ts"),
        ("a.ts", "a.ts", "a.ts"),
        ("m.ts", "m.ts"),
        ("m.mpg", "m.mpg"),
        ("h.ts", "h.ts"),
    ],
)
def test_joined_recordings_are_read_whole(parts: Path, tmp_path: Path, names: tuple[str, ...]) -> None:
    path = joined(parts, tmp_path / f"joined{Path(names[0]).suffix}", *names)
    with pytest.warns(MediaWarning, match=rf"joined\.\w+: is {len(names)} recordings one after the other"):
        held = list(VideoFile(path).frames())
    alone = frames(parts / names[0])
    assert len(held) == 40 * len(names)
    assert np.diff([time for _, time in held]) == pytest.approx([0.04] * (len(held) - 1), abs=1e-4)
    if len(set(names)) == 1:
        for index, (frame, _) in enumerate(held):
            np.testing.assert_array_equal(frame, alone[index % 40])
    if names[0] == "h.ts":
        return
    with pytest.warns(MediaWarning, match="recordings one after the other"):
        sound = np.abs(read_audio(path).astype(int))
    flashes = [held[index][1] for index, (frame, _) in enumerate(held) if frame.mean() > 128]
    assert len(flashes) == len(names)
    for flash in flashes:
        near = sound[round((flash - 0.1) * 16000) : round((flash + 0.2) * 16000)]
        assert abs(near.argmax() / 16000 - 0.1) < 0.06 * len(names)


def test_pieces_of_one_recording_are_read_as_it_was(parts: Path, tmp_path: Path) -> None:
    whole = [(frame.mean(), time) for frame, time in VideoFile(parts / "a.ts").frames()]
    path = joined(parts, tmp_path / "a.ts", "s0.ts", "s1.ts", "s2.ts", "s3.ts")
    assert len(frames(path)) == len(whole) == 40
    data = bytearray(path.read_bytes())
    size = len((parts / "s0.ts").read_bytes()) + len((parts / "s1.ts").read_bytes())
    for place in range(size, len(data), 188):  # another packager starts its counters anew
        data[place + 3] = data[place + 3] & 0xF0 | (data[place + 3] + 5) & 0x0F
    (tmp_path / "b.ts").write_bytes(data)
    assert len(frames(tmp_path / "b.ts")) == 40


def test_a_piece_that_is_missing_is_damage(parts: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"gap\.ts: breaks off after \d+ decoded frames"):
        frames(joined(parts, tmp_path / "gap.ts", "s0.ts", "s2.ts", "s3.ts"))
    data = joined(parts, tmp_path / "whole.ts", "a.ts", "a.ts").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(12):
        packets = len(data) // 188
        length = int(rng.integers(8, 20))
        start = int(rng.integers(20, packets - length - 20))
        path = tmp_path / "hole.ts"
        path.write_bytes(data[: start * 188] + data[(start + length) * 188 :])
        with pytest.raises(MediaError, match=r"hole\.ts: breaks off after"):
            frames(path)


def test_a_joined_raw_stream_is_read_whole(parts: Path, tmp_path: Path) -> None:
    held = list(VideoFile(joined(parts, tmp_path / "joined.h264", "a.h264", "a.h264")).frames())
    assert len(held) == 80
    assert np.diff([time for _, time in held]) == pytest.approx([0.04] * 79)


@pytest.mark.skipif(not (SHARED / "cases").is_dir(), reason="the shared cases are absent")
def test_the_shared_case_of_a_joined_transport_stream() -> None:
    with pytest.warns(MediaWarning, match="2 recordings"):
        assert len(frames(SHARED / "cases" / "concat_same.ts")) == 50
    with pytest.raises(MediaError, match="frame 25 is 128x128, those before it are 256x256"):
        frames(SHARED / "cases" / "resolution_change.ts")
