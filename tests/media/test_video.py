"""Frames against OpenCV, which the published pipelines read with; broken files against what was written into them."""

import json
import os
import pickle
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice, product, zip_longest
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from thm_torchmetrics.core.clip import Clip, VideoSource
from thm_torchmetrics.errors import InputError, MediaError, MediaWarning
from thm_torchmetrics.media.clock import is_variable
from thm_torchmetrics.media.video import Converter, VideoFile
from thm_torchmetrics.media.write import write_video

SIZE = (96, 64)


def pictures(count: int = 50, size: tuple[int, int] = SIZE) -> list[np.ndarray]:
    """Moving stripes and colours, of a width and a height."""
    y, x = np.mgrid[: size[1], : size[0]]
    planes = [(x * 3 + y, y * 5 + x, x * y // 3) for _ in range(count)]
    return [np.stack([p + 9 * i for p in three], axis=-1).astype(np.uint8) for i, three in enumerate(planes)]


def opencv(path: Path) -> Iterator[np.ndarray]:
    """The frames as OpenCV decodes and turns them, RGB."""
    capture = cv2.VideoCapture(str(path))
    while True:
        found, frame = capture.read()
        if not found:
            return
        yield frame[..., ::-1]


def count(path: Path) -> int:
    return sum(1 for _ in VideoFile(path).frames())


def count_or_fault(path: Path) -> tuple[int, str | None]:
    try:
        return count(path), None
    except MediaError as error:
        return 0, str(error)


def assert_as_opencv(path: Path, at_most: int = 10**6) -> None:
    video = VideoFile(path)
    seen = 0
    for ours, theirs in islice(zip_longest(video.frames(), opencv(path)), at_most):
        assert ours is not None, f"{path.name}: OpenCV has more than {seen} frames"
        assert theirs is not None, f"{path.name}: OpenCV has only {seen} frames"
        assert ours[0].dtype == np.uint8
        assert ours[0].shape[:2] == video.size
        assert np.array_equal(ours[0], theirs), f"{path.name} frame {seen}"
        seen += 1
    assert seen


@pytest.mark.parametrize(
    ("suffix", "codec", "pixel_format", "size"),
    [
        ("mp4", "libx264", "yuv420p", (96, 64)),
        ("mov", "libx264", "yuvj420p", (66, 50)),
        ("mkv", "libx264", "yuv444p", (65, 49)),
        ("mkv", "libx264", "yuv422p", (98, 99)),
        ("mp4", "libx264", "yuv420p10le", (66, 50)),
        ("mkv", "libx264", "gray", (64, 49)),
        ("avi", "mpeg4", "yuv420p", (97, 81)),
        ("avi", "mjpeg", "yuvj422p", (97, 81)),
        ("webm", "libvpx-vp9", "yuv420p", (97, 81)),
        ("mpg", "mpeg2video", "yuv420p", (96, 64)),
        ("mov", "png", "rgb24", (97, 81)),
    ],
)
def test_pixels_are_those_of_opencv(
    tmp_path: Path, suffix: str, codec: str, pixel_format: str, size: tuple[int, int]
) -> None:
    path = write_video(tmp_path / f"a.{suffix}", pictures(8, size), codec=codec, pixel_format=pixel_format)
    assert_as_opencv(path)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv420p10le", "nv12", "gray"])
def test_rgb_has_the_bytes_of_bgr_in_every_layout_matrix_and_range(pixel_format: str) -> None:
    rng = np.random.default_rng(0)
    for (width, height), matrix, color_range in product(
        [(256, 256), (66, 50), (98, 6), (65, 50), (66, 49), (65, 49)], [1, 2, 5, 9], [0, 1, 2]
    ):
        frame = av.VideoFrame(width, height, pixel_format)
        for plane in frame.planes:
            plane.update(rng.integers(0, 4, plane.buffer_size, np.uint8) if "10" in pixel_format else
                         rng.integers(0, 256, plane.buffer_size, np.uint8))  # fmt: skip
        frame.colorspace, frame.color_range = matrix, color_range
        bgr = frame.reformat(format="bgr24", interpolation="BICUBIC").to_ndarray()
        assert np.array_equal(Converter()(frame), bgr[..., ::-1]), (width, height, matrix, color_range)


@pytest.mark.parametrize("degrees", [90, 180, 270, -90])
def test_rotation_is_applied_as_by_opencv(tmp_path: Path, degrees: int) -> None:
    def turn(stream: Any) -> None:
        stream.set_display_rotation(degrees)

    path = remux(write_video(tmp_path / "a.mp4", pictures(5)), tmp_path / "b.mp4", prepare=turn)
    assert_as_opencv(path)
    assert VideoFile(path).size == (SIZE if degrees % 180 else SIZE[::-1])


@pytest.mark.clips
@pytest.mark.slow
def test_real_clips_are_those_of_opencv(clips: Path) -> None:
    check_footage(clips)


@pytest.mark.clips
@pytest.mark.slow
def test_more_real_clips_are_those_of_opencv(clips_extra: Path) -> None:
    check_footage(clips_extra)


def check_footage(folder: Path) -> None:
    for entry in json.loads((folder / "MANIFEST.json").read_text())["files"]:
        if "frames_pyav" in entry:
            assert_as_opencv(folder / entry["file"], 10**6 if entry["width"] <= 256 else 30)


@pytest.mark.clips
@pytest.mark.parametrize("name", ["no_face.mp4", "short_header_mismatch.mp4", "face_noface.mov"])
def test_real_clips_with_wrong_headers_or_variable_rate_are_whole(clips: Path, name: str) -> None:
    check_times(clips, f"misc/{name}")


@pytest.mark.clips
@pytest.mark.parametrize("name", ["vfr_talking.mp4", "vfr_noface_twofaces.mp4", "noface_face.mov"])
def test_more_real_clips_of_variable_rate(clips_extra: Path, name: str) -> None:
    check_times(clips_extra, f"misc/{name}")


def check_times(folder: Path, name: str) -> None:
    entries = json.loads((folder / "MANIFEST.json").read_text())["files"]
    entry = next(entry for entry in entries if entry["file"] == name)
    video = VideoFile(folder / name)
    times = [time for _, time in video.frames()]
    assert len(times) == entry["frames_pyav"]
    assert times[0] == pytest.approx(entry["first_frame_pts_s"], abs=1e-4)
    steps = np.diff(times) * 1000
    assert steps.min() == pytest.approx(entry["frame_interval_ms"]["min"], abs=0.06)
    assert steps.max() == pytest.approx(entry["frame_interval_ms"]["max"], abs=0.06)
    assert video.fps == pytest.approx(entry["fps_container"], abs=1e-5)
    assert video.has_audio == (entry["audio"] is not None)
    assert video.codec == entry["codec"]


def test_header(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", pictures(60), 30000 / 1001, audio=np.zeros(32000, np.int16))
    video = VideoFile(str(path))
    assert isinstance(video, VideoSource)
    assert video.fps == pytest.approx(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS), abs=1e-12)
    assert video.fps == pytest.approx(30000 / 1001, abs=1e-12)
    assert (video.size, video.codec, video.has_audio, video.estimated_frames) == ((64, 96), "h264", True, 60)
    silent = VideoFile(write_video(tmp_path / "b.avi", pictures(60), codec="mpeg4"), every=7)
    assert (silent.codec, silent.has_audio, silent.estimated_frames) == ("mpeg4", False, 9)


def test_handle_is_small_lazy_and_picklable(tmp_path: Path) -> None:
    assert VideoFile(tmp_path / "absent.mp4") == VideoFile(str(tmp_path / "absent.mp4"))
    path = write_video(tmp_path / "a.mp4", pictures(5))
    video = VideoFile(path, every=2)
    assert video.size == (64, 96)
    again = pickle.loads(pickle.dumps(video))  # noqa: S301
    assert again == video
    assert again.size == (64, 96)
    assert len(pickle.dumps(video)) < 1000
    assert sum(len(chunk) for chunk in Clip(again).chunks()) == 3


def test_every_nth_frame_is_kept(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", pictures(20))
    frames = list(VideoFile(path).frames())
    kept = list(VideoFile(path, every=6).frames())
    assert [time for _, time in kept] == pytest.approx([0, 0.24, 0.48, 0.72])
    for (ours, _), (whole, _) in zip(kept, frames[::6], strict=True):
        np.testing.assert_array_equal(ours, whole)


@pytest.mark.parametrize("every", [0, -1, 1.5, True])
def test_every_must_be_a_positive_whole_number(every: Any) -> None:
    with pytest.raises(InputError, match="every must be a whole number"):
        VideoFile("a.mp4", every=every)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_times_of_a_variable_rate(tmp_path: Path, suffix: str) -> None:
    times = [0.0, 0.04, 0.1, 0.11, 0.3, 0.334, 0.5]
    sound = np.zeros(8000, np.int16)
    path = write_video(tmp_path / f"a.{suffix}", pictures(7), times=[time + 0.1 for time in times], audio=sound)
    ours = [time for _, time in VideoFile(path).frames()]
    assert ours == pytest.approx([time + 0.1 for time in times], abs=1e-3)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_start_that_all_streams_share_is_no_delay(tmp_path: Path, suffix: str) -> None:
    times = [10 + index / 25 for index in range(5)]
    path = write_video(tmp_path / f"a.{suffix}", pictures(5), times=times)
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).time >= 10
    assert [time for _, time in VideoFile(path).frames()] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16], abs=1e-3)


def test_missing_times_follow_the_average_rate(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.h264", pictures(10), codec_options={"bf": "0"})
    times = [time for _, time in VideoFile(whole).frames()]
    assert np.diff(times) == pytest.approx([1 / VideoFile(whole).fps] * 9)


# --- broken files


def keyframe_cut(path: Path, target: Path) -> Path:
    """Everything from the second keyframe on, without encoding again, as cutting tools do."""
    keys = 0

    def wanted(packet: Any) -> bool:
        nonlocal keys
        keys += packet.is_keyframe
        return keys >= 2

    return remux(path, target, wanted=wanted)


def remux(
    path: Path,
    target: Path,
    *,
    prepare: Callable[[Any], None] = lambda stream: None,
    wanted: Callable[[Any], bool] = lambda packet: True,
    options: dict[str, str] | None = None,
) -> Path:
    """The packets of the video stream in another file."""
    with av.open(str(path)) as source, av.open(str(target), "w", options=options or {}) as sink:
        stream = sink.add_stream_from_template(source.streams.video[0])
        prepare(stream)
        start = None
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is None or not wanted(packet):
                continue
            start = packet.dts if start is None else start
            packet.dts, packet.pts = packet.dts - start, packet.pts - start
            packet.stream = stream
            sink.mux(packet)
    return target


CONTAINERS = {
    "moov at the back": ("mp4", {}),
    "moov in front": ("mp4", {"movflags": "faststart"}),
    "fragments": ("mp4", {"movflags": "frag_keyframe+empty_moov"}),
    "mov": ("mov", {}),
    "avi": ("avi", {}),
    "mkv": ("mkv", {}),
}


@pytest.mark.parametrize("sound", [True, False], ids=["sound", "silent"])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("container", list(CONTAINERS))
def test_cut_off_files_never_pass_for_shorter_ones(tmp_path: Path, container: str, codec: str, sound: bool) -> None:
    suffix, options = CONTAINERS[container]
    whole = tmp_path / f"whole.{suffix}"
    audio = np.arange(32000, dtype=np.int16) if sound else None
    write_video(
        whole, pictures(50), audio=audio, codec=codec, container_options=options, codec_options={"g": "10", "crf": "20"}
    )
    assert count(whole) == 50
    data = whole.read_bytes()
    cut = tmp_path / f"cut.{suffix}"
    for percent in (*range(10, 100, 7), 97, 98, 99):
        cut.write_bytes(data[: len(data) * percent // 100])
        found, fault = count_or_fault(cut)
        if fault is None:  # what is lost may be sound, or the end of an index
            assert found == 50, f"cut to {percent} %"
            assert percent > 60
        else:
            assert re.search(r"cut\.\w+: (breaks off after \d+ decoded|cannot be opened|holds no video)", fault)


def test_error_tells_how_many_frames_came_before_the_cut(tmp_path: Path) -> None:
    options = {"movflags": "faststart"}
    path = write_video(tmp_path / "a.mp4", pictures(50), codec="mpeg4", container_options=options)
    with av.open(str(path)) as container:
        entry = container.streams.video[0].index_entries[30]
        end = entry.pos + entry.size // 2
    path.write_bytes(path.read_bytes()[:end])
    frames = VideoFile(path).frames()
    with pytest.raises(MediaError, match=r"a\.mp4: breaks off after 30 decoded frames"):
        for _ in frames:
            pass


@pytest.mark.clips
@pytest.mark.parametrize("name", ["misc/face_noface.mov", "misc/short_header_mismatch.mp4"])
def test_real_clips_cut_off(clips: Path, tmp_path: Path, name: str) -> None:
    front = remux(clips / name, tmp_path / "front.mp4", options={"movflags": "faststart"})
    whole, path = count(front), tmp_path / "cut.mp4"
    for percent in (10, 50, 90, 99):
        path.write_bytes(front.read_bytes()[: front.stat().st_size * percent // 100])
        found, fault = count_or_fault(path)
        told = re.search(r"cut\.mp4: breaks off after (\d+) decoded frames", fault or "")
        assert told, (percent, found, fault)
        assert int(told[1]) < whole
        path.write_bytes((clips / name).read_bytes()[: (clips / name).stat().st_size * percent // 100])
        assert "cut.mp4: cannot be opened" in (count_or_fault(path)[1] or "")  # the index is at the back


@pytest.mark.parametrize(
    ("codec", "place", "damage"),
    [
        ("libx264", 0, b"\xff" * 60),
        ("libx264", 0, b"\xff" * 3000),
        ("mpeg4", 200, bytes(60)),
        ("mpeg4", 200, bytes(3000)),
    ],
)
def test_damage_inside_a_file_is_not_concealed(tmp_path: Path, codec: str, place: int, damage: bytes) -> None:
    path = write_video(tmp_path / "a.mp4", pictures(50, (256, 256)), codec=codec)
    with av.open(str(path)) as container:
        entry = container.streams.video[0].index_entries[20]
        start = entry.pos + place
    data = bytearray(path.read_bytes())
    data[start : start + len(damage)] = damage
    path.write_bytes(data)
    with pytest.raises(MediaError, match=r"breaks off after \d+ decoded frames"):
        count(path)


def test_damage_does_not_hang_where_ffmpeg_logs_into_python(tmp_path: Path) -> None:
    """Torchvision up to 0.25 switches PyAV's logging on."""
    path = write_video(tmp_path / "a.mp4", pictures(50, (256, 256)), codec="libx264")
    with av.open(str(path)) as container:
        start = container.streams.video[0].index_entries[20].pos
    data = bytearray(path.read_bytes())
    data[start : start + 60] = b"\xff" * 60
    path.write_bytes(data)
    code = f"""
import av
from thm_torchmetrics.errors import MediaError
from thm_torchmetrics.media.video import VideoFile
av.logging.set_level(av.logging.ERROR)
for _ in range(20):
    try:
        list(VideoFile({str(path)!r}).frames())
    except MediaError:
        print("broken")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == ["broken"] * 20


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_cut_at_an_open_group_of_pictures_is_not_damage(tmp_path: Path, suffix: str) -> None:
    options = {"x264-params": "keyint=20:open-gop=1:bframes=3:scenecut=0"}
    whole = write_video(tmp_path / f"a.{suffix}", pictures(60), codec_options=options)
    path = keyframe_cut(whole, tmp_path / f"b.{suffix}")
    assert 10 < count(path) == sum(1 for _ in opencv(path)) < 60


def test_size_that_changes(tmp_path: Path) -> None:
    first = write_video(tmp_path / "a.h264", pictures(10))
    second = write_video(tmp_path / "b.h264", pictures(10, (64, 64)))
    path = tmp_path / "c.h264"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    with pytest.raises(MediaError, match=r"c\.h264: frame 10 is 64x64, those before it are 96x64"):
        count(path)


def no_file(path: Path) -> None:
    """Nothing there."""


def text(path: Path) -> None:
    path.write_text("this is no video\n" * 100, encoding="utf-8")


def playlist(path: Path) -> None:
    path.write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n", encoding="utf-8"
    )


def sound_only(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, 0, Fraction(1, 16000)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def no_frames(path: Path) -> None:
    with av.open(str(path), "w", format="avi") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.start_encoding()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (no_file, "there is no such file"),
        (Path.touch, r"is empty \(0 bytes\)"),
        (Path.mkdir, "is a folder, not a media file"),
        (text, "cannot be opened .*it is no media file"),
        (playlist, "is a playlist, which only names other files"),
        (sound_only, "holds only audio"),
        (no_frames, "the video stream has no frames"),
    ],
)
def test_what_is_no_video(tmp_path: Path, make: Callable[[Path], None], message: str) -> None:
    path = tmp_path / "broken.mp4"
    make(path)
    for read in (count, lambda path: VideoFile(path).fps):
        with pytest.raises(MediaError, match=rf"broken\.mp4: .*({message})"):
            read(path)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="permissions of this kind are POSIX")
def test_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", pictures(2))
    path.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # root may read everything
    try:
        with pytest.raises(MediaError, match=r"a\.mp4: may not be read"):
            count(path)
    finally:
        os.seteuid(user)


# --- times and facts


def test_times_of_avi_with_reordered_frames_are_steady(tmp_path: Path) -> None:
    """AVI stores no times, and FFmpeg numbers the frames in the order of decoding."""
    options = {"bf": "3", "b-pyramid": "normal", "g": "20"}
    path = write_video(tmp_path / "a.avi", pictures(40), codec_options=options)
    with av.open(str(path)) as container:
        scrambled = [frame.time for frame in container.decode(video=0)]
    assert min(np.diff(scrambled)) < 0
    assert np.diff([time for _, time in VideoFile(path).frames()]) == pytest.approx([0.04] * 39)


def test_times_that_go_back_are_made_to_follow_and_remarked(tmp_path: Path) -> None:
    """The third block of a cluster gets the time of the first."""
    path = write_video(tmp_path / "a.mkv", pictures(12), codec="mjpeg", pixel_format="yuvj420p")
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    late = b"\x81" + (80).to_bytes(2, "big")  # track 1, 80 ms
    index = next(index for index, place in enumerate(places) if data[place : place + 3] == late)
    data[places[index] + 1 : places[index] + 3] = bytes(2)
    path.write_bytes(data)
    with av.open(str(path)) as container:
        assert min(np.diff([frame.time for frame in container.decode(video=0)])) < 0
    said = rf"a\.mkv: the times of 1 frames lie before .* \(the first is frame {index}\)"
    with pytest.warns(MediaWarning, match=said):
        times = [time for _, time in VideoFile(path).frames()]
    assert times == pytest.approx(np.arange(12) / 25, abs=1e-3)


def test_duration_is_the_container_s(tmp_path: Path) -> None:
    assert VideoFile(write_video(tmp_path / "a.mp4", pictures(50))).duration == pytest.approx(2.0)
    assert VideoFile(write_video(tmp_path / "c.mkv", pictures(50))).duration == pytest.approx(2.0, abs=0.002)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
@pytest.mark.parametrize("every", [1, 2])
def test_a_variable_rate_is_a_remark_at_the_end(tmp_path: Path, suffix: str, every: int) -> None:
    times = [0.0, 0.04, 0.12, 0.16, 0.36, 0.4]
    video = VideoFile(write_video(tmp_path / f"b.{suffix}", pictures(6), times=times), every=every)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with pytest.warns(MediaWarning, match=rf"b\.{suffix}: the frame rate varies, a frame lasts 40 to 200 ms"):
            read = [time for _, time in video.frames()]
    assert read == pytest.approx(times[::every], abs=1e-3)
    even = VideoFile(write_video(tmp_path / f"d.{suffix}", pictures(50), 30000 / 1001), every=every)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(even.frames())) == 50 // every


@pytest.mark.parametrize(
    ("times", "varies"),
    [
        ([], False),
        ([0.0], False),
        ([index / 25 for index in range(50)], False),
        ([round(index / 29.97, 3) for index in range(50)], False),
        ([round(index / 60, 3) for index in range(50)], False),
        ([0.0, 0.04, 0.08, 0.16, 0.2], True),
        ([0.0, 0.02, 0.08], True),
    ],
)
def test_a_rate_varies_where_steps_differ_by_half(times: list[float], varies: bool) -> None:
    assert is_variable(times) == varies


def encoded(path: Path, ffmpeg: Callable[..., None], *options: str) -> VideoFile:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25:duration=0.2", *options, path)
    return VideoFile(path)


def test_pixel_formats_are_told(tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    plain = encoded(tmp_path / "a.mp4", ffmpeg, "-c:v", "libx264", "-pix_fmt", "yuv420p").pixels
    assert (plain.name, plain.bits, plain.matrix, plain.is_hdr, plain.interlaced) == (
        "yuv420p",
        8,
        "unknown",
        False,
        False,
    )
    hd = (
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        "-x264-params",
        "colorprim=bt709:transfer=bt709:colormatrix=bt709:fullrange=on",
    )
    told = encoded(tmp_path / "b.mp4", ffmpeg, *hd).pixels
    assert (told.range, told.matrix, told.transfer, told.primaries, told.is_hdr) == (
        "full",
        "bt709",
        "bt709",
        "bt709",
        False,
    )
    for curve, name in (("smpte2084", "pq"), ("arib-std-b67", "hlg")):
        parameters = f"log-level=error:colorprim=bt2020:transfer={curve}:colormatrix=bt2020nc:range=limited"
        hdr = ("-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", parameters)
        pixels = encoded(tmp_path / f"{name}.mp4", ffmpeg, *hdr).pixels
        assert pixels.is_hdr
        assert str(pixels) == f"yuv420p10le 10 bit, limited range, bt2020nc/{name}/bt2020"
    fields = ("-c:v", "mpeg2video", "-pix_fmt", "yuv420p", "-flags", "+ilme+ildct", "-vf", "setfield=tff")
    assert encoded(tmp_path / "c.mpg", ffmpeg, *fields).pixels.interlaced
    assert encoded(tmp_path / "d.png", ffmpeg, "-frames:v", "1").pixels.matrix == "rgb"


def test_hdr_keeps_the_stored_values_and_interlaced_video_its_pictures(
    tmp_path: Path, ffmpeg: Callable[..., None]
) -> None:
    """OpenCV 5 maps tones of HDR, and breaks interlaced video; the program ffmpeg does neither."""
    parameters = "log-level=error:lossless=1:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
    for name, options in {
        "hdr.mov": ("-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", parameters),
        "fields.mov": ("-c:v", "libx264", "-crf", "0", "-flags", "+ilme+ildct", "-pix_fmt", "yuv420p"),
    }.items():
        video = encoded(tmp_path / name, ffmpeg, "-vf", "format=gray,format=yuv420p", *options)
        ffmpeg("-i", tmp_path / name, "-f", "rawvideo", "-pix_fmt", "rgb24", tmp_path / "raw.rgb")
        theirs = np.fromfile(tmp_path / "raw.rgb", np.uint8).reshape(-1, 64, 96, 3)
        ours = np.stack([picture for picture, _ in video.frames()])
        assert np.abs(ours.astype(int) - theirs).mean() < 2, name  # OpenCV 5: 24 to 41 in HDR


def test_pixels_that_cannot_become_rgb_are_our_error(tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    options = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-x264-params", "colormatrix=YCgCo")
    video = encoded(tmp_path / "a.mp4", ffmpeg, *options)
    assert video.pixels.matrix == "ycgco"
    for read in (video.frames, video.decoded):
        with pytest.raises(MediaError, match=r"a\.mp4: its pictures \(yuv420p 8 bit.* cannot become RGB"):
            list(read())
