"""Pictures as videos, against OpenCV's `imread`, skimage's pictures and names whose order is plain to see."""

import copy
import pickle
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from thm_torchmetrics.core.clip import VideoSource
from thm_torchmetrics.errors import InputError, MediaError, MediaWarning
from thm_torchmetrics.media import open_clip, open_video
from thm_torchmetrics.media.pictures import PICTURE_SUFFIXES, PictureFolder, is_pattern
from thm_torchmetrics.media.video import VideoFile

PHOTO = np.ascontiguousarray(astronaut()[100:301, 96:333])  # odd sides


def grey(path: Path, level: int, size: tuple[int, int] = (16, 12)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, level, level)).save(path)
    return path


def levels(pictures: PictureFolder) -> list[int]:
    return [int(picture[0, 0, 0]) for picture, _ in pictures.frames()]


# ---- pixels


def alpha() -> Image.Image:
    image = Image.fromarray(PHOTO)
    image.putalpha(Image.fromarray(np.random.default_rng(0).integers(0, 256, PHOTO.shape[:2], dtype=np.uint8)))
    return image


def deep(*channels: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 65536, (50, 60, *channels), dtype=np.uint16)


RGB = Image.fromarray(PHOTO)
WRITTEN = {
    "rgb.png": lambda path: RGB.save(path),
    "grey.png": lambda path: RGB.convert("L").save(path),
    "bits.png": lambda path: RGB.convert("1").save(path),
    "palette.png": lambda path: RGB.quantize(64).save(path),
    "two_bits.png": lambda path: RGB.quantize(4).save(path),
    "transparent_palette.png": lambda path: RGB.quantize(64).save(path, transparency=3),
    "transparent_color.png": lambda path: RGB.save(path, transparency=(10, 20, 30)),
    "alpha.png": lambda path: alpha().save(path),
    "grey_alpha.png": lambda path: alpha().convert("LA").save(path),
    "grey16.png": lambda path: cv2.imwrite(str(path), deep()),
    "rgb16.png": lambda path: cv2.imwrite(str(path), deep(3)),
    "alpha16.png": lambda path: cv2.imwrite(str(path), deep(4)),
    "coarse_420.jpg": lambda path: RGB.save(path, quality=50, subsampling=2),
    "422.jpeg": lambda path: RGB.save(path, quality=90, subsampling=1),
    "444.jpg": lambda path: RGB.save(path, quality=95, subsampling=0),
    "progressive.jpg": lambda path: RGB.save(path, progressive=True),
    "grey.jpg": lambda path: RGB.convert("L").save(path),
    "lossy.webp": lambda path: RGB.save(path, quality=70),
    "lossless.webp": lambda path: RGB.save(path, lossless=True),
    "alpha.webp": lambda path: alpha().save(path, quality=80),
    "rgb.bmp": lambda path: RGB.save(path),
    "palette.bmp": lambda path: RGB.quantize(16).save(path),
    "alpha.bmp": lambda path: alpha().save(path),
    "rgb.tiff": lambda path: RGB.save(path),
    "lzw.tif": lambda path: RGB.save(path, compression="tiff_lzw"),
    "jpeg.tif": lambda path: RGB.save(path, compression="jpeg"),
    "grey16.tiff": lambda path: cv2.imwrite(str(path), deep()),
    "rgb.ppm": lambda path: RGB.save(path),
    "grey.pgm": lambda path: RGB.convert("L").save(path),
    "rgb.jp2": lambda path: RGB.save(path),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_pixels_are_those_of_opencv(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    WRITTEN[name](path)
    expected = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    ((picture, time),) = PictureFolder(path).frames()
    assert picture.dtype == np.uint8
    assert time == 0
    assert np.array_equal(picture, expected)
    assert PictureFolder(path).size == expected.shape[:2]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_pictures_are_turned_as_opencv_turns_them(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"photo{suffix}"
    RGB.save(path, exif=exif)
    expected = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    video = PictureFolder(path)
    assert video.size == expected.shape[:2]
    assert np.array_equal(next(video.frames())[0], expected)


def test_a_cmyk_jpeg_is_that_of_opencv_within_one_level(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    RGB.convert("CMYK").save(path)
    ((picture, _),) = PictureFolder(path).frames()
    assert np.abs(picture.astype(int) - cv2.imread(str(path))[..., ::-1]).max() <= 1


# ---- order


@pytest.mark.parametrize(
    "names",
    [
        [f"{i:04}" for i in range(1, 14)],
        [str(i) for i in range(8, 13)],  # 10 after 9
        [f"frame_{i}" for i in range(99, 102)],
        [f"take2-{i:03}_out" for i in range(5)],
        ["7"],
        [str(10**20 + i) for i in range(3)],
    ],
)
@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_frames_come_in_the_order_of_their_numbers(tmp_path: Path, names: list[str], suffix: str) -> None:
    order = list(enumerate(names))
    np.random.default_rng(0).shuffle(order)
    for level, name in order:
        grey(tmp_path / f"talk/{name}{suffix}", 10 * level)
    (tmp_path / "talk/.hidden99.png").touch()
    expected = [10 * level for level in range(len(names))]
    assert levels(PictureFolder(tmp_path / "talk")) == expected
    assert levels(PictureFolder(tmp_path / "talk", every=3)) == expected[::3]


def test_times_and_facts(tmp_path: Path) -> None:
    for i in range(7):
        grey(tmp_path / f"{i + 5}.png", i, (20, 10))
    video = PictureFolder(tmp_path, fps=30, every=2)
    assert [time for _, time in video.frames()] == pytest.approx([0, 2 / 30, 4 / 30, 6 / 30])
    assert (video.fps, video.size, video.codec, video.has_audio, video.estimated_frames) == (
        30,
        (10, 20),
        "png",
        False,
        4,
    )
    assert isinstance(video, VideoSource)
    for other in (copy.deepcopy(video), pickle.loads(pickle.dumps(video))):  # noqa: S301
        assert other == video
        assert levels(other) == levels(video)


@pytest.mark.parametrize("pattern", ["f_%05d.png", "f_%d.png", "f_%5d.png"])
def test_a_pattern_names_its_pictures_and_no_others(tmp_path: Path, pattern: str) -> None:
    for i in range(3):
        grey(tmp_path / f"f_{i:05}.png", i)
    for other in ("g_00001.png", "f_00001.bmp", "f_x.png", "xf_00009.png"):
        grey(tmp_path / other, 200)
    assert is_pattern(tmp_path / pattern)
    assert levels(PictureFolder(tmp_path / pattern)) == [0, 1, 2]
    with pytest.raises(MediaError, match=r"h_%d\.png: there is no picture"):
        levels(PictureFolder(tmp_path / "h_%d.png"))


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path: Path) -> None:
    assert not is_pattern(grey(tmp_path / "100%d.png", 3))
    assert levels(PictureFolder(tmp_path / "100%d.png")) == [3]


# ---- faults


def test_a_gap_in_the_numbers_is_named(tmp_path: Path) -> None:
    for i in (1, 2, 3, 5, 6):
        grey(tmp_path / f"{i:04}.png", i)
    with pytest.raises(MediaError, match=r"missing between 0003\.png and 0005\.png"):
        PictureFolder(tmp_path).size  # noqa: B018


def test_equal_steps_are_a_remark(tmp_path: Path) -> None:
    for i in (0, 5, 10):
        grey(tmp_path / f"{i:04}.png", i)
    with pytest.warns(MediaWarning, match="steps of 5"):
        assert levels(PictureFolder(tmp_path)) == [0, 5, 10]


@pytest.mark.parametrize("names", [("01.png", "1.png"), ("1.png", "1.bmp", "2.png")])
def test_two_pictures_of_one_number(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        grey(tmp_path / name, 0)
    with pytest.raises(MediaError, match=r"have the same number; keep one"):
        levels(PictureFolder(tmp_path))


def test_pictures_without_numbers(tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        grey(tmp_path / f"{name}.png", 0)
    with pytest.raises(MediaError, match=r"without an order \(ann\.png, bob\.png\); give them names"):
        levels(PictureFolder(tmp_path))
    with pytest.raises(MediaError, match="there is no picture"):
        levels(PictureFolder(grey(tmp_path / "empty/deep/a.png", 0).parents[1]))


def test_a_picture_without_a_number_beside_frames_is_a_remark(tmp_path: Path) -> None:
    for name in ("1", "2", "3", "cover"):
        grey(tmp_path / f"{name}.png", 0)
    with pytest.warns(MediaWarning, match=r"cover\.png passed over"):
        assert len(levels(PictureFolder(tmp_path))) == 3


def test_another_size_names_the_picture(tmp_path: Path) -> None:
    for i in range(4):
        grey(tmp_path / f"{i}.png", i, (16, 12) if i != 2 else (12, 16))
    frames = PictureFolder(tmp_path).frames()
    assert [int(next(frames)[0][0, 0, 0]) for _ in range(2)] == [0, 1]
    with pytest.raises(MediaError, match=r"2\.png: is 12x16, the pictures before it are 16x12"):
        next(frames)


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"no picture", b"<svg/>", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_what_is_no_picture_is_named(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=f"a{suffix}: cannot be read as a picture"):
        levels(PictureFolder(path))


@pytest.mark.parametrize("form", ["GIF", "TGA", "ICO", "PCX", "EPS", "PDF"])
def test_no_other_decoder_is_tried_on_a_renamed_file(tmp_path: Path, form: str) -> None:
    RGB.resize((64, 64)).save(tmp_path / "a.png", format=form)
    with pytest.raises(MediaError, match=r"a\.png: cannot be read as a picture"):
        levels(PictureFolder(tmp_path / "a.png"))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tiff"])
def test_a_cut_or_damaged_picture_is_read_whole_or_named(tmp_path: Path, suffix: str) -> None:
    whole = tmp_path / f"whole{suffix}"
    RGB.save(whole)
    data = whole.read_bytes()
    path = tmp_path / f"a{suffix}"
    rng = np.random.default_rng(3)
    for _ in range(40):
        path.write_bytes(data[: int(rng.integers(len(data) * 9 // 10))])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's on metadata
            with pytest.raises(MediaError, match=f"a{suffix}"):
                levels(PictureFolder(path))


def test_several_pictures_in_one_file(tmp_path: Path) -> None:
    others = [RGB.rotate(10), RGB.rotate(20)]
    for suffix in (".png", ".webp", ".tiff"):
        path = tmp_path / f"a{suffix}"
        RGB.save(path, save_all=True, append_images=others)
        with pytest.raises(MediaError, match=f"a{suffix}: holds 3 pictures"):
            levels(PictureFolder(path))


def test_the_preview_of_a_phones_photo_is_no_second_picture(tmp_path: Path) -> None:
    path = tmp_path / "phone.jpg"
    RGB.save(path, format="MPO", save_all=True, append_images=[RGB.resize((64, 64))])
    ((picture, _),) = PictureFolder(path).frames()
    assert np.array_equal(picture, cv2.imread(str(path))[..., ::-1])


def test_a_picture_of_32_bits_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tiff"
    Image.fromarray(np.zeros((4, 4), np.float32)).save(path)
    with pytest.raises(MediaError, match=r"a\.tiff: has 32 bits per channel"):
        levels(PictureFolder(path))


def test_a_picture_beyond_the_limit_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    RGB.save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(MediaError, match=r"a\.png: is larger than Pillow's limit .* raise PIL.Image.MAX_IMAGE_PIXELS"):
        levels(PictureFolder(path))


def test_arguments(tmp_path: Path) -> None:
    for every in (0, -1, 1.5, True):
        with pytest.raises(InputError, match="every must be a whole number"):
            PictureFolder(tmp_path, every=every)  # type: ignore[arg-type]
    for fps in (0, -25, float("nan"), float("inf")):
        with pytest.raises(InputError, match="fps must be a number above 0"):
            PictureFolder(tmp_path, fps=fps)
    for name in ("absent.png", "absent/%d.png"):
        with pytest.raises(MediaError, match="absent"):
            levels(PictureFolder(tmp_path / name))


def test_open_clip_takes_pictures(tmp_path: Path) -> None:
    folder = grey(tmp_path / "talk.v1/7.png", 9).parent
    grey(folder / "8.png", 19)
    for path in (folder, folder / "%d.png"):
        clip = open_clip(path, fps=50)
        assert (clip.key, clip.fps, clip.size) == ("talk.v1", 50, (12, 16))
        loaded = clip.load()
        assert loaded.length == 2
        assert list(loaded.times) == [0, 0.02]
    assert open_clip(folder / "7.png").key == "7"
    with pytest.raises(InputError, match="pictures have no sound of their own"):
        open_clip(folder, audio=True)


def test_open_video_picks_the_reader_by_the_path(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "%03d.png", tmp_path / "photo.JPG"):
        assert open_video(path, every=2, fps=30) == PictureFolder(path, 30, 2)
    for path in (tmp_path / "a.mp4", tmp_path / "a.gif"):
        assert open_video(path, every=2, fps=30) == VideoFile(path, 2)
