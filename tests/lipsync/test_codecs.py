"""Pictures and sound through encoders in memory, beside the files of OpenCV and FFmpeg itself."""

from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from scipy.signal import correlate
from skimage.data import astronaut

from thm_torchmetrics.lipsync.codecs import (
    Jpeg,
    Mpeg4,
    Xvid,
    after_silence,
    fixed_quality,
    mp3,
    mp3_rate,
    sound_frames,
)
from thm_torchmetrics.media.audio import SoundFile, mixed, read_audio
from thm_torchmetrics.media.write import write_video, write_wav

Frames = list[npt.NDArray[np.uint8]]


@pytest.fixture(scope="module")
def face() -> Frames:
    """A face that moves and flickers, 224x224, RGB."""
    generator = np.random.default_rng(0)
    photo = cv2.resize(astronaut()[:260, 90:350], (300, 300)).astype(float)
    frames = []
    for i in range(60):
        x, y = int(30 + 25 * np.sin(i / 9)), int(30 + 20 * np.cos(i / 7))
        noise = generator.normal(0, 4, (224, 224, 1))
        frames.append(np.clip(photo[y : y + 224, x : x + 224] * (1 + 0.1 * np.sin(i / 5)) + noise, 0, 255))
    return [frame.astype(np.uint8) for frame in frames]


@pytest.fixture(scope="module")
def xvid_file(face: Frames, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("xvid") / "crops.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"XVID"), 25, (224, 224))
    for frame in face:
        writer.write(frame[..., ::-1])
    writer.release()
    return path


def decoded(path: Path) -> Iterator[av.VideoFrame]:
    with av.open(str(path)) as container:
        yield from container.decode(video=0)


def pictures(folder: Path) -> Frames:
    files = sorted(folder.glob("*.jpg"))
    assert files
    return [np.asarray(cv2.imread(str(file))[..., ::-1]) for file in files]


def psnr(ours: npt.NDArray[np.uint8], theirs: npt.NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / max(np.mean((ours.astype(float) - theirs) ** 2), 1e-9)))


def test_xvid_is_what_opencv_writes(face: Frames, xvid_file: Path) -> None:
    recode = Xvid((224, 224))
    for frame, theirs in zip(face, decoded(xvid_file), strict=True):
        np.testing.assert_array_equal(recode(frame).to_ndarray(), theirs.to_ndarray())


def test_jpeg_without_a_quality_is_what_ffmpeg_writes(
    face: Frames, xvid_file: Path, ffmpeg: Callable[..., None], tmp_path: Path
) -> None:
    """All but one in a hundred pictures, where the rate control may be a step of the quantiser away."""
    ffmpeg("-i", xvid_file, "-threads", 1, "-f", "image2", tmp_path / "%06d.jpg")
    jpeg = Jpeg()
    ours, theirs = [jpeg(frame) for frame in decoded(xvid_file)], pictures(tmp_path)
    assert len(ours) == len(theirs) == len(face)
    assert sum((a != b).any() for a, b in zip(ours, theirs, strict=True)) <= 1
    assert min(psnr(a, b) for a, b in zip(ours, theirs, strict=True)) > 30
    quality = [psnr(a, frame) for a, frame in zip(ours, face, strict=True)]
    assert quality[0] > np.mean(quality[20:]) + 4  # it falls within the first second


def test_pictures_of_fixed_quality_are_what_ffmpeg_writes(
    face: Frames, ffmpeg: Callable[..., None], tmp_path: Path
) -> None:
    """JPEG to the byte; MPEG-4 up to what changed between two versions of its encoder, with one thread."""
    source = tmp_path / "source.mkv"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width = stream.height = 224
        stream.pix_fmt = "yuv420p"
        for frame in face:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    ffmpeg("-i", source, "-qscale:v", 2, "-async", 1, "-r", 25, "-threads", 1, tmp_path / "pipeline.avi")
    ffmpeg("-i", tmp_path / "pipeline.avi", "-qscale:v", 2, "-threads", 1, "-f", "image2", tmp_path / "%06d.jpg")
    jpeg = Jpeg(2)
    for frame, theirs in zip(decoded(tmp_path / "pipeline.avi"), pictures(tmp_path), strict=True):
        np.testing.assert_array_equal(jpeg(frame), theirs)

    mpeg4 = Mpeg4(fixed_quality(2))
    triples = zip(decoded(source), decoded(tmp_path / "pipeline.avi"), strict=True)
    for index, (frame, theirs) in enumerate(triples):
        original = frame.to_ndarray()
        ours = mpeg4(frame).to_ndarray()
        assert psnr(ours, theirs.to_ndarray()) > (42 if index else 80)
        assert psnr(ours, original) == pytest.approx(psnr(theirs.to_ndarray(), original), abs=0.2)


@pytest.mark.parametrize(
    ("suffix", "codec", "pixel_format"),
    [
        ("mp4", "libx264", "yuv420p"),
        ("mp4", "libx264", "yuvj420p"),
        ("mp4", "libx264", "yuv420p10le"),
        ("mkv", "libx264", "yuv444p"),
        ("avi", "mjpeg", "yuvj422p"),
    ],
)
def test_pixel_formats_are_converted_as_by_ffmpeg(
    ffmpeg: Callable[..., None], tmp_path: Path, suffix: str, codec: str, pixel_format: str
) -> None:
    """MPEG-4 has 4:2:0 and limited levels only, JPEG full levels and the chroma of its source."""
    lattice = np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    picture = cv2.resize(lattice, (96, 64), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    frames = [np.roll(picture, step, axis=1) for step in range(4)]
    source = write_video(tmp_path / f"source.{suffix}", frames, codec=codec, pixel_format=pixel_format)
    ffmpeg("-i", source, "-qscale:v", 2, "-r", 25, "-threads", 1, tmp_path / "pipeline.avi")
    ffmpeg("-i", source, "-threads", 1, "-f", "image2", tmp_path / "%06d.jpg")
    mpeg4, jpeg = Mpeg4(fixed_quality(2)), Jpeg()
    for frame, file in zip(decoded(source), pictures(tmp_path), strict=True):
        np.testing.assert_array_equal(jpeg(frame), file)
    for frame, theirs in zip(decoded(source), decoded(tmp_path / "pipeline.avi"), strict=True):
        assert np.abs(mpeg4(frame).to_ndarray().astype(int) - theirs.to_ndarray()).max() <= 8


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
