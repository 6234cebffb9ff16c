"""Pictures through encoders in memory, beside the files of OpenCV and FFmpeg itself."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from skimage.data import astronaut

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.lipsync.codecs import H264, Jpeg, Mpeg4, Xvid, fixed_quality
from thm_torchmetrics.media.write import write_video

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


def test_h264_is_what_ffmpeg_writes(face: Frames, ffmpeg: Callable[..., None], tmp_path: Path) -> None:
    """With one thread on both sides; the pictures come in order, none is lost."""
    source = write_video(tmp_path / "source.mp4", face, audio=np.zeros(16000, np.int16))
    ffmpeg("-i", source, "-qscale:v", 2, "-async", 1, "-r", 25, "-threads", 1, tmp_path / "video.mp4")
    ours = list(H264()(decoded(source)))
    theirs = list(decoded(tmp_path / "video.mp4"))
    assert len(ours) == len(theirs) == len(face)
    assert min(psnr(a.to_ndarray(), b.to_ndarray()) for a, b in zip(ours, theirs, strict=True)) > 45
    ffmpeg("-i", tmp_path / "video.mp4", "-qscale:v", 2, "-f", "image2", tmp_path / "%06d.jpg")
    jpeg = Jpeg(2)
    for frame, file in zip(theirs, pictures(tmp_path), strict=True):
        np.testing.assert_array_equal(jpeg(frame), file)


@pytest.mark.parametrize("count", [0, 1, 2, 70])
def test_h264_gives_as_many_pictures_as_it_took(count: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    frames = (av.VideoFrame.from_ndarray(np.roll(picture, i, axis=1), format="rgb24") for i in range(count))
    assert [frame.format.name for frame in H264()(frames)] == ["yuv420p"] * count


@pytest.mark.parametrize("size", [(31, 48), (32, 47), (1, 1)])
def test_h264_refuses_odd_sides_by_name(size: tuple[int, int]) -> None:
    frame = av.VideoFrame.from_ndarray(np.zeros((*size, 3), np.uint8), format="rgb24")
    with pytest.raises(InputError, match=f"{size[1]}x{size[0]} cannot be encoded as H.264"):
        list(H264()([frame]))
    whole = av.VideoFrame.from_ndarray(np.zeros((3, *size), np.uint8), format="yuv444p")
    assert [(each.height, each.width) for each in H264()([whole])] == [size]


def test_mp4v_is_written_like_xvid(face: Frames, tmp_path: Path) -> None:
    """LatentSync writes its crops as mp4v."""
    path = tmp_path / "crops.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25, (224, 224))
    for frame in face:
        writer.write(frame[..., ::-1])
    writer.release()
    recode = Xvid((224, 224))
    for frame, theirs in zip(face, decoded(path), strict=True):
        np.testing.assert_array_equal(recode(frame).to_ndarray(), theirs.to_ndarray())


@pytest.fixture(scope="module")
def quiet_face(face: Frames) -> Frames:
    """The face at an eighth of its pixels, so that the quantiser depends on the rate of the pictures."""
    return [np.asarray(cv2.resize(frame, (160, 160)), np.uint8) for frame in face for _ in range(2)]


@pytest.mark.parametrize("fps", ["24000/1001", "25", "30000/1001", "30", "50", "60"])
def test_jpeg_files_share_their_bits_over_the_rate_of_the_video(
    quiet_face: Frames, ffmpeg: Callable[..., None], tmp_path: Path, fps: str
) -> None:
    """200 kb/s over 60 pictures are fewer for each than over 25; an encoder fixed at 25 differs in the first second."""
    source = tmp_path / "source.mkv"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(fps))
        stream.width = stream.height = 160
        stream.pix_fmt = "yuv420p"
        for frame in quiet_face:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    ffmpeg("-i", source, "-threads", 1, "-f", "image2", tmp_path / "%06d.jpg")
    files = pictures(tmp_path)
    jpeg, fixed = Jpeg(fps=float(Fraction(fps))), Jpeg()
    ours = [jpeg(frame) for frame in decoded(source)]
    at_25 = [fixed(frame) for frame in decoded(source)]
    assert len(ours) == len(files) == len(quiet_face)
    assert sum((a != b).any() for a, b in zip(ours, files, strict=True)) <= 1
    changed = sum((a != b).any() for a, b in zip(at_25, files, strict=True))
    assert changed <= 1 if fps == "25" else changed >= 3
