"""Sound through encoders in memory, beside FFmpeg itself."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from scipy.signal import correlate

from thm_torchmetrics.lipsync.sound import aac, after_silence, mp3, mp3_rate, sound_frames
from thm_torchmetrics.media.audio import SoundFile, mixed, read_audio
from thm_torchmetrics.media.write import write_wav


def speech(rate: int, seconds: float = 2.0) -> npt.NDArray[np.int16]:
    generator = np.random.default_rng(1)
    time = np.arange(int(seconds * rate)) / rate
    tone = np.sin(2 * np.pi * (150 * time + 40 * np.sin(3 * time))) * (np.sin(11 * time) > 0)
    return (6000 * tone + generator.normal(0, 300, len(time))).astype(np.int16)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_mp3_is_late_by_what_ffmpeg_makes_it_late(ffmpeg: Callable[..., None], tmp_path: Path, rate: int) -> None:
    """Of equal length and shape; the samples depend on the version of LAME."""
    samples = speech(rate)
    ours = mp3(sound_frames(samples, rate))
    source = write_wav(tmp_path / "a.wav", samples, rate)
    ffmpeg("-f", "lavfi", "-i", "color=size=64x64:rate=25:duration=2", "-i", source, "-r", 25, tmp_path / "a.avi")
    ffmpeg("-i", tmp_path / "a.avi", "-ac", 1, "-vn", "-acodec", "pcm_s16le", "-ar", 16000, tmp_path / "b.wav")
    theirs = read_audio(tmp_path / "b.wav")
    assert abs(len(ours) - len(theirs)) <= 1152 * 16000 / rate
    count = min(len(ours), len(theirs))
    assert np.corrcoef(ours[:count], theirs[:count])[0, 1] > 0.99

    plain = mixed(sound_frames(samples, rate), 16000)
    late = int(correlate(ours[:30000].astype(float), plain[:30000].astype(float)).argmax()) - 29999
    assert late == pytest.approx(1105 * 16000 / rate, abs=3)


def test_stereo_floats_and_rates_that_mp3_lacks_are_converted() -> None:
    stereo = np.stack([speech(96000), np.zeros(192000, np.int16)])
    frame = av.AudioFrame.from_ndarray(stereo, "s16p", "stereo")
    frame.sample_rate = 96000
    ours = mp3([frame])
    half = mp3(sound_frames(speech(48000) // 2, 48000))
    assert mp3_rate(96000) == 48000
    assert abs(len(ours) - len(half)) <= 1152
    assert np.abs(ours).max() == pytest.approx(np.abs(half).max(), rel=0.1)
    floats = mp3(sound_frames((speech(16000) / 32768).astype(np.float32), 16000))
    assert np.corrcoef(floats, mp3(sound_frames(speech(16000), 16000)))[0, 1] > 0.999


def test_no_sound_is_no_sound() -> None:
    assert len(mp3(sound_frames(np.zeros(0, np.int16), 16000))) == 0


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16le", "pcm_f32le"])
def test_silence_is_put_at_the_front(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=16000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.repeat(speech(16000)[None], 2, axis=1), "s16", "stereo")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    plain = read_audio(path)
    padded = mixed(after_silence((frame for frame, _ in SoundFile(path).decoded()), 0.25), 16000)
    assert np.abs(padded[:4000]).max() <= 1
    np.testing.assert_array_equal(padded[4000:], plain)


@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (44100, 1), (48000, 2), (11025, 2)])
def test_aac_of_an_mp4_file_is_not_late_and_as_long(
    ffmpeg: Callable[..., None], tmp_path: Path, rate: int, channels: int
) -> None:
    source = tmp_path / "a.wav"
    ffmpeg("-i", write_wav(tmp_path / "mono.wav", speech(rate), rate), "-ac", channels, source)
    ours = mixed(aac(frame for frame, _ in SoundFile(source).decoded()), 16000)
    ffmpeg("-f", "lavfi", "-i", "color=size=64x64:rate=25:duration=2", "-i", source, "-r", 25, tmp_path / "a.mp4")
    ffmpeg("-i", tmp_path / "a.mp4", "-ac", 1, "-vn", "-acodec", "pcm_s16le", "-ar", 16000, tmp_path / "b.wav")
    theirs, plain = read_audio(tmp_path / "b.wav"), read_audio(source)
    assert abs(len(ours) - len(plain)) <= 1
    assert abs(len(ours) - len(theirs)) <= 1
    count = min(len(ours), len(theirs), len(plain))
    assert np.corrcoef(ours[:count], theirs[:count])[0, 1] > 0.99
    late = correlate(ours[:count].astype(float), plain[:count].astype(float)).argmax() - (count - 1)
    assert late == 0


@pytest.mark.parametrize("count", [0, 1, 700, 1023, 1024, 1025, 5000])
def test_aac_gives_as_many_samples_as_it_took(count: int) -> None:
    samples = speech(16000)[:count]
    assert sum(frame.samples for frame in aac(sound_frames(samples, 16000))) == count


def test_aac_takes_sound_whose_channels_are_not_named() -> None:
    frame = av.AudioFrame.from_ndarray(np.stack([speech(16000)] * 2), "s16p", "2 channels")
    frame.sample_rate = 16000
    assert {part.layout.name for part in aac([frame])} == {"stereo"}
