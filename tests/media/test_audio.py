"""Sound against the standard library's wave module, closed forms, and the footage's own wav files."""

import json
import struct
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from thm_torchmetrics.errors import InputError, MediaError
from thm_torchmetrics.media import audio
from thm_torchmetrics.media.audio import SoundFile, read_audio
from thm_torchmetrics.media.video import VideoFile
from thm_torchmetrics.media.write import write_video, write_wav


def wav(path: Path, samples: np.ndarray, rate: int) -> Path:
    """Samples (S,) or (S, channels), by the standard library."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1 if samples.ndim == 1 else samples.shape[1], 2, rate, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def plain(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def noise(count: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-20000, 20000, (count, channels)).astype(np.int16).squeeze()


def late_sound(path: Path, delay: float, sound: np.ndarray, rate: int = 16000) -> Path:
    """A video from 0 s on, with lossless sound that starts later."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        stream = container.add_stream("pcm_s16le", rate=rate)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, round(delay * rate), Fraction(1, rate)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        for index in range(50):
            picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), index, np.uint8), format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, 25)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
    return path


def test_wav_at_its_own_rate_is_unchanged(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", noise(12345), 16000)
    samples = read_audio(path)
    assert samples.dtype == np.int16
    np.testing.assert_array_equal(samples, plain(path))


def test_stereo_becomes_the_mean(tmp_path: Path) -> None:
    both = noise(5000, channels=2)
    samples = read_audio(str(wav(tmp_path / "a.wav", both, 16000)))
    assert np.abs(samples - both.astype(np.float64).mean(axis=1)).max() <= 0.5


@pytest.mark.parametrize(("rate", "wanted"), [(48000, 16000), (44100, 16000), (8000, 16000), (16000, 22050)])
def test_rate_is_converted(tmp_path: Path, rate: int, wanted: int) -> None:
    def tone(at: int) -> np.ndarray:
        return 12000 * np.sin(2 * np.pi * 440 * np.arange(at) / at)

    samples = read_audio(wav(tmp_path / "a.wav", np.rint(tone(rate)), rate), wanted)
    assert len(samples) == wanted
    middle = slice(wanted // 10, wanted * 9 // 10)
    assert np.abs(samples[middle] - tone(wanted)[middle]).max() < 12000 * 0.003


def test_sound_of_a_video_lines_up(tmp_path: Path) -> None:
    clicks = np.zeros(32000, np.int16)
    clicks[[4000, 20000]] = 30000
    path = write_video(tmp_path / "a.mp4", [np.zeros((64, 64, 3), np.uint8)] * 50, audio=clicks)
    samples = read_audio(path)
    assert abs(len(samples) - 32000) <= 1024  # AAC comes in blocks
    assert set(np.flatnonzero(np.abs(samples) > 8000)) <= {3999, 4000, 4001, 19999, 20000, 20001}
    assert np.abs(samples[[4000, 20000]]).min() > 8000


@pytest.mark.parametrize("suffix", ["mov", "mkv"])
def test_sound_that_starts_late_is_padded(tmp_path: Path, suffix: str) -> None:
    sound = noise(16000)
    path = late_sound(tmp_path / f"a.{suffix}", 0.5, sound)
    assert next(VideoFile(path).frames())[1] == 0
    samples = read_audio(path)
    np.testing.assert_array_equal(samples, np.concatenate([np.zeros(8000, np.int16), sound]))
    np.testing.assert_array_equal(read_audio(path, align_to_video=False), sound)
    assert len(read_audio(path, 8000)) == 12000


def test_sound_before_the_clock_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = noise(16000)
    path = late_sound(tmp_path / "a.mov", 0.1, sound)
    monkeypatch.setattr(audio, "clock_start", lambda container: 0.35)
    np.testing.assert_array_equal(read_audio(path), sound[4000:])
    np.testing.assert_array_equal(read_audio(path, align_to_video=False), sound)


def test_start_that_all_streams_share_is_no_delay(tmp_path: Path) -> None:
    sound = noise(16000)
    path = late_sound(tmp_path / "a.mkv", 0.0, sound)
    shifted = tmp_path / "b.mkv"
    with av.open(str(path)) as source, av.open(str(shifted), "w") as sink:
        streams = {stream.index: sink.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                late = round(5 / packet.time_base)
                packet.pts, packet.dts = packet.pts + late, packet.dts + late
                packet.stream = streams[packet.stream.index]
                sink.mux(packet)
    with av.open(str(shifted)) as container:
        assert next(container.decode(audio=0)).time == pytest.approx(5)
    np.testing.assert_array_equal(read_audio(shifted), sound)


@pytest.mark.clips
@pytest.mark.parametrize("align", [True, False])
def test_real_clips(clips: Path, align: bool) -> None:
    compared = 0
    for entry in json.loads((clips / "MANIFEST.json").read_text())["files"]:
        source = entry.get("origin", {}).get("extracted_from")
        if entry["file"].endswith(".wav"):
            np.testing.assert_array_equal(read_audio(clips / entry["file"]), plain(clips / entry["file"]))
        if source:  # these start at 0
            samples, stored = read_audio(clips / source, align_to_video=align), plain(clips / entry["file"])
            # stored by FFmpeg 8, with what AAC added at the end; the last samples are filtered with what came after
            assert 0 <= len(stored) - len(samples) <= 1024
            samples, stored = samples[:-16], stored[: len(samples) - 16]
            np.testing.assert_array_equal(samples, stored, err_msg=source)
            compared += 1
    assert compared >= 5


@pytest.mark.clips
def test_real_clip_whose_sound_starts_late(clips: Path) -> None:
    path = clips / "misc/face_noface.mov"
    plain_samples, aligned = read_audio(path, align_to_video=False), read_audio(path)
    assert len(plain_samples) == pytest.approx(3.9656 * 16000, abs=32)
    assert len(aligned) - len(plain_samples) == 2.43 * 16000
    assert not aligned[: int(2.43 * 16000)].any()
    np.testing.assert_array_equal(aligned[int(2.43 * 16000) :], plain_samples)


def test_no_sound(tmp_path: Path) -> None:
    silent = write_video(tmp_path / "a.mp4", [np.zeros((64, 64, 3), np.uint8)] * 5)
    with pytest.raises(MediaError, match=r"a\.mp4: has no audio stream"):
        read_audio(silent)
    with pytest.raises(MediaError, match=r"b\.wav: its audio stream has no samples"):
        read_audio(wav(tmp_path / "b.wav", np.zeros(0, np.int16), 16000))
    with pytest.raises(MediaError, match=r"c\.wav: its sound is shorter than one sample at 16000 Hz"):
        read_audio(wav(tmp_path / "c.wav", np.ones(1, np.int16), 48000))
    with pytest.raises(MediaError, match=r"absent\.wav: there is no such file"):
        read_audio(tmp_path / "absent.wav")


@pytest.mark.parametrize("percent", [20, 50, 90, 99])
def test_cut_off_wav(tmp_path: Path, percent: int) -> None:
    path = wav(tmp_path / "a.wav", noise(16000), 16000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * percent // 100])
    with pytest.raises(MediaError, match=r"a\.wav: its audio breaks off after 0\.\d\d s"):
        read_audio(path)


@pytest.mark.parametrize("percent", [30, 60, 90])
def test_cut_off_sound_of_a_video(tmp_path: Path, percent: int) -> None:
    frames = [np.zeros((64, 64, 3), np.uint8)] * 50
    path = write_video(tmp_path / "a.mp4", frames, audio=noise(32000), container_options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size * percent // 100])
    with pytest.raises(MediaError, match=r"a\.mp4: its audio breaks off after \d\.\d\d s"):
        read_audio(path)


def test_wav_of_unknown_length(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", noise(16000), 16000)
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = b"\xff" * 4  # as written to a pipe
    path.write_bytes(data)
    assert len(read_audio(path)) == 16000


@pytest.mark.parametrize("rate", [0, -16000, 768001, float("nan")])
def test_rate_must_be_one_of_sound(tmp_path: Path, rate: Any) -> None:
    path = write_wav(tmp_path / "a.wav", np.zeros(100, np.int16))
    with pytest.raises(InputError, match="sample_rate must be above 0"):
        read_audio(path, rate)


def test_sound_of_many_channels_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """FFmpeg knows no mix of as many channels as a recording desk has."""
    path = wav(tmp_path / "desk.wav", noise(100, 20), 16000)
    said = r"its sound of 20 channels cannot be converted to 16000 Hz \(.+\); export it with one channel or two"
    with pytest.raises(MediaError, match=said):
        read_audio(path)


# --- what an encoder adds


def click(path: Path, rate: int) -> Path:
    """Three seconds of silence with a click at the start of the second one."""
    samples = np.zeros(3 * rate, np.int16)
    samples[rate : rate + rate // 700] = 30000
    return wav(path, samples, rate)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 32000, 44100, 48000])
@pytest.mark.parametrize("suffix", ["aac", "m4a", "mp4", "mov", "mka", "mp3", "flac", "ogg"])
def test_a_click_stays_where_it_was(tmp_path: Path, ffmpeg: Callable[..., None], rate: int, suffix: str) -> None:
    codec = ("-c:a", "aac", "-b:a", "128k") if suffix in ("aac", "m4a", "mp4", "mov", "mka") else ()
    ffmpeg("-i", click(tmp_path / "a.wav", rate), *codec, tmp_path / f"a.{suffix}")
    samples = np.abs(read_audio(tmp_path / f"a.{suffix}", rate).astype(int))
    loud = np.flatnonzero(samples > 15000)
    assert abs(loud[0] - rate) <= 2
    if suffix in ("m4a", "mp4", "mov", "flac"):  # these state how long the sound is
        assert len(samples) == 3 * rate


@pytest.mark.parametrize("length", [1, 500, 1023, 1024, 1025, 20000])
def test_sound_ends_as_under_ffmpeg_9(tmp_path: Path, ffmpeg: Callable[..., None], length: int) -> None:
    """Whatever FFmpeg PyAV brings; version 8 keeps what the encoder filled the last frame up with."""
    source = wav(tmp_path / "a.wav", noise(length).reshape(-1), 16000)
    ffmpeg("-i", source, "-c:a", "aac", tmp_path / "a.mp4")
    ffmpeg("-i", tmp_path / "a.mp4", "-c:a", "pcm_s16le", tmp_path / "b.wav")
    assert len(plain(tmp_path / "b.wav")) == length
    np.testing.assert_array_equal(read_audio(tmp_path / "a.mp4"), plain(tmp_path / "b.wav"))
    # in fragments the length is stated, but not how much an encoder put in front: 1024 samples
    ffmpeg("-i", source, "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov", tmp_path / "c.mp4")
    assert len(read_audio(tmp_path / "c.mp4")) == 1024 + length


def test_a_length_that_is_far_off_cuts_nothing(tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    ffmpeg("-i", wav(tmp_path / "a.wav", noise(32000), 16000), "-c:a", "aac", tmp_path / "a.m4a")
    data = bytearray((tmp_path / "a.m4a").read_bytes())
    whole = len(read_audio(tmp_path / "a.m4a"))
    place = data.find(b"mdhd")
    data[place + 20 : place + 24] = struct.pack(">I", 8000)  # of 32000
    edit = data.find(b"elst")
    data[edit - 4 + 4 : edit + 4] = b"free"
    (tmp_path / "a.m4a").write_bytes(data)
    assert len(read_audio(tmp_path / "a.m4a")) >= whole


def test_sound_that_starts_far_too_late_is_refused(tmp_path: Path) -> None:
    sound = noise(1600)
    path = late_sound(tmp_path / "late.mkv", 61.0, sound)
    with pytest.raises(MediaError, match=r"late\.mkv: its sound starts 61\.0 s after its pictures, more than 60 s"):
        read_audio(path)
    assert len(read_audio(path, max_lead=62)) == 61 * 16000 + 1600
    np.testing.assert_array_equal(read_audio(path, align_to_video=False), sound)
    with pytest.raises(MediaError, match=r"its sound starts 100000\.0 s"):
        read_audio(late_sound(tmp_path / "bomb.mkv", 100000.0, sound))


def riff(bits: int = 16, rate: int = 16000, channels: int = 1, code: int = 1, data: bytes = bytes(3200)) -> bytes:
    block = max(1, channels * bits // 8)
    head = struct.pack("<IHHIIHH", 16, code, channels, rate, min(rate * block, 2**32 - 1), block, bits)
    return (
        b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + head + b"data" + struct.pack("<I", len(data)) + data
    )


@pytest.mark.parametrize(
    "odd",
    [
        {"bits": 0},
        {"rate": 0},
        {"rate": 1, "data": bytes(200000)},
        {"rate": 999},
        {"rate": 2**31 - 1},
        {"channels": 0},
        {"channels": 300},
        {"code": 0},
        {"code": 0x55},
        {"code": 0xFF},
        {"code": 0xFFFE},
        {"code": 3, "bits": 8},
    ],
    ids=str,
)
def test_odd_wav_headers_are_our_errors(tmp_path: Path, odd: dict[str, int]) -> None:
    path = tmp_path / "odd.wav"
    path.write_bytes(riff(**odd))
    with pytest.raises(MediaError, match=r"odd\.wav: "):
        read_audio(path)


def test_sound_that_changes_its_rate_or_channels_is_refused(tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    source = wav(tmp_path / "a.wav", noise(48000), 48000)
    bare = ("-write_xing", "0", "-id3v2_version", "0")
    for name, options in {"a": (), "rate": ("-ar", "44100"), "stereo": ("-ac", "2")}.items():
        ffmpeg("-i", source, *options, *bare, tmp_path / f"{name}.mp3")
    first = (tmp_path / "a.mp3").read_bytes()
    for name, said in (("rate", "44100 Hz mono"), ("stereo", "48000 Hz stereo")):
        (tmp_path / "both.mp3").write_bytes(first + (tmp_path / f"{name}.mp3").read_bytes())
        with pytest.raises(MediaError, match=rf"both\.mp3: its sound changes after .* {said}"):
            read_audio(tmp_path / "both.mp3")
    (tmp_path / "both.mp3").write_bytes(first + first)
    assert len(read_audio(tmp_path / "both.mp3")) > 1.9 * 16000


@pytest.mark.parametrize("suffix", ["wav", "m4a", "mp4", "mkv", "flac", "mp3", "ogg"])
def test_duration_is_what_the_container_states(tmp_path: Path, ffmpeg: Callable[..., None], suffix: str) -> None:
    ffmpeg("-i", wav(tmp_path / "a.wav", noise(32000), 16000), tmp_path / f"b.{suffix}")
    assert SoundFile(tmp_path / f"b.{suffix}").duration == pytest.approx(2.0, abs=0.08)
