"""Every suffix that a folder is searched for is one that can be read: a file of each is written and read."""

from pathlib import Path

import av
import numpy as np
import pytest

from thm_torchmetrics.media.audio import read_audio
from thm_torchmetrics.media.pairing import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from thm_torchmetrics.media.video import VideoFile

_VIDEO = {
    ("mpeg4", "mp4"): (".mp4", ".m4v", ".f4v"),
    ("mpeg4", "mov"): (".mov", ".qt"),
    ("mpeg4", "avi"): (".avi", ".divx"),
    ("mpeg4", "matroska"): (".mkv",),
    ("libvpx", "webm"): (".webm",),
    ("mpeg1video", "mpeg"): (".mpg", ".mpeg", ".mpe"),
    ("mpeg1video", "mpeg1video"): (".m1v",),
    ("mpeg2video", "mpeg2video"): (".m2v",),
    ("mpeg2video", "vob"): (".vob",),
    ("h264", "mpegts"): (".ts", ".mts", ".m2ts", ".m2t"),
    ("flv", "flv"): (".flv",),
    ("wmv2", "asf"): (".wmv", ".asf"),
    ("mpeg4", "3gp"): (".3gp", ".3g2"),
    ("libvpx", "ogg"): (".ogv",),
    ("gif", "gif"): (".gif",),
    ("apng", "apng"): (".apng",),
    ("mjpeg", "mjpeg"): (".mjpeg", ".mjpg"),
    ("h264", "h264"): (".h264", ".264"),
    ("hevc", "hevc"): (".h265", ".265", ".hevc"),
    ("libvpx", "ivf"): (".ivf",),
    ("rawvideo", "yuv4mpegpipe"): (".y4m",),
    ("mpeg2video", "mxf"): (".mxf",),
}
_AUDIO = {
    ("pcm_s16le", "wav"): (".wav", ".rf64", ".bwf"),
    ("flac", "flac"): (".flac",),
    ("mp3", "mp3"): (".mp3",),
    ("aac", "ipod"): (".m4a", ".m4b"),
    ("aac", "adts"): (".aac", ".adts"),
    ("libopus", "ogg"): (".ogg", ".oga", ".opus"),
    ("libopus", "webm"): (".weba",),
    ("pcm_s16be", "aiff"): (".aiff", ".aif", ".aifc"),
    ("wmav2", "asf"): (".wma",),
    ("libopencore_amrnb", "amr"): (".amr",),
    ("aac", "3gp"): (".3ga",),
    ("pcm_s16le", "caf"): (".caf",),
    ("pcm_s16le", "w64"): (".w64",),
    ("pcm_s16be", "au"): (".au", ".snd"),
    ("mp2", "mp2"): (".mp2",),
    ("flac", "matroska"): (".mka",),
    ("ac3", "ac3"): (".ac3",),
    ("eac3", "eac3"): (".eac3",),
    ("wavpack", "wv"): (".wv",),
    ("tta", "tta"): (".tta",),
    ("pcm_s16le", "voc"): (".voc",),
}
_PIXELS = {"gif": "rgb8", "apng": "rgb24", "mjpeg": "yuvj420p", "mxf": "yuv422p"}
_RATES = {"libopencore_amrnb": 8000, "libopus": 48000, "ac3": 48000, "eac3": 48000, "wmav2": 44100}

VIDEOS = [(suffix, *kind) for kind, suffixes in _VIDEO.items() for suffix in suffixes]
AUDIOS = [(suffix, *kind) for kind, suffixes in _AUDIO.items() for suffix in suffixes]


def test_no_suffix_is_untried() -> None:
    assert {suffix for suffix, *_ in VIDEOS} == set(VIDEO_SUFFIXES)
    assert {suffix for suffix, *_ in AUDIOS} == set(AUDIO_SUFFIXES)


@pytest.mark.parametrize(("suffix", "codec", "container"), VIDEOS)
def test_a_video_of_the_suffix_is_read(tmp_path: Path, suffix: str, codec: str, container: str) -> None:
    path = tmp_path / f"a{suffix}"
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=25)
        stream.pix_fmt = _PIXELS.get(container, "yuv420p")
        stream.width, stream.height = (720, 576) if container == "mxf" else (64, 48)
        for i in range(6):
            picture = np.full((stream.height, stream.width, 3), 40 * i, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=stream.pix_fmt)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    shown = [picture.mean() for picture, _ in VideoFile(path).frames()]
    assert shown == pytest.approx([0, 40, 80, 120, 160, 200], abs=24)


@pytest.mark.parametrize(("suffix", "codec", "container"), AUDIOS)
def test_a_sound_of_the_suffix_is_read(tmp_path: Path, suffix: str, codec: str, container: str) -> None:
    path, rate = tmp_path / f"a{suffix}", _RATES.get(codec, 16000)
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.int16)[None]
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout="mono")
        if codec == "wmav2":
            stream.bit_rate = 128000  # its default is too much for one channel
        size = stream.codec_context.frame_size or 1024
        sound = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
        sound.sample_rate, sound.pts = rate, 0
        resampler = av.AudioResampler(stream.codec_context.format, "mono", rate, size)
        for frame in [*resampler.resample(sound), *resampler.resample(None)]:
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    samples = read_audio(path).astype(float)
    assert len(samples) == pytest.approx(16000, abs=1700)  # padding of the codecs
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) * 16000 / len(samples) == pytest.approx(440, abs=3)
