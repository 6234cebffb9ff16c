"""CPBD against the package cpbd; Canny, hysteresis and grey against scikit-image, SciPy and OpenCV."""

import sys
from collections.abc import Callable, Iterator
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.ndimage
import torch
import torch.nn.functional as F
from skimage.feature import canny
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional import sharpness
from thm_torchmetrics.functional.sharpness import blur_detection_probability
from thm_torchmetrics.imaging import checks

Decoder = Callable[[Path], Iterator[Tensor]]
Package = Callable[[npt.NDArray[np.uint8]], float]


@pytest.fixture(scope="module")
def package() -> Iterator[Package]:
    """The package cpbd, which imports an image reader that SciPy dropped and that its computation never uses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scipy.ndimage, "imread", None, raising=False)
        import cpbd

        yield cpbd.compute


def rgb(grey: npt.ArrayLike) -> Tensor:
    return torch.from_numpy(np.array(grey, dtype=np.uint8))[None, None].expand(1, 3, *np.shape(grey))


def check(package: Package, grey: npt.ArrayLike) -> float:
    expected = package(np.array(grey, dtype=np.uint8))
    assert blur_detection_probability(rgb(grey)).tolist() == pytest.approx([expected], abs=1e-9)
    return expected


def picture(seed: int, height: int = 130, width: int = 200) -> npt.NDArray[np.uint8]:
    """Random, smooth in places, with flat patches, steps and a frame of its own contrast."""
    random = np.random.default_rng(seed)
    image = random.uniform(0, 255, (height, width))
    image = scipy.ndimage.gaussian_filter(image, random.uniform(0, 3))
    image = (image - image.mean()) * random.uniform(0.2, 8) + random.uniform(20, 235)
    for _ in range(int(random.integers(0, 12))):
        top, left = random.integers(0, height), random.integers(0, width)
        patch = np.s_[top : top + random.integers(1, 90), left : left + random.integers(1, 120)]
        image[patch] = random.integers(0, 256) + random.choice([0.0, 0.1]) * image[patch]
    return image.clip(0, 255).round().astype(np.uint8)


@pytest.mark.parametrize("seed", range(12))
def test_random_pictures(package: Package, seed: int) -> None:
    check(package, picture(seed))


def test_the_pictures_are_not_all_alike(package: Package) -> None:
    values = [check(package, picture(seed, 64, 128)) for seed in range(6)]
    assert len(set(values)) > 4
    assert 0 < min(values) < max(values) < 1


y, x = np.mgrid[:128, :300]
PATTERNS = {
    "black": 0 * x,
    "white": 255 + 0 * x,
    "ramp to the right": x * 255 // 299,
    "ramp to the left": 255 - x * 255 // 299,
    "ramp down": y * 2,
    "diagonal ramp": (x + y) // 2,
    "step to the right": np.where(x < 100, 10, 200),
    "soft step to the right": np.where(x < 100, 10, np.where(x == 100, 90, 200)),
    "soft step to the left": np.where(x < 100, 200, np.where(x == 100, 90, 10)),
    "soft step down": np.where(y < 60, 10, np.where(y == 60, 90, 200)),
    "one pixel": np.where((x == 150) & (y == 70), 255, 0),
    "dots": np.where((x % 16 == 3) & (y % 16 == 5), 255, 0),
    "columns": (x % 8 == 0) * 255,
    "checkerboard": ((x // 4 + y // 4) % 2) * 255,
    "disc": 255 * (np.hypot(x - 150, y - 60) < 50),
    "slanted edge": (128 + 40 * (x - 150 + 0.3 * y)).clip(0, 255),
    "long slopes": np.abs(x - 150) + (y > 64),
    "edges of two to eight pixels": np.cumsum((x % 21 > 2) & (x % 21 < 2 + y // 16), axis=1) * 9 % 256,
    "faint": 100 + (x // 7 + y // 5) % 2,
    "sines": 128 + 120 * np.sin(x / 6) * np.cos(y / 9),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns(package: Package, name: str) -> None:
    check(package, PATTERNS[name])


# Grey levels across an edge, the steps beyond the neighbours of its steepest pixel (width less 2), and its CPBD.
PROFILES = [
    ([100, 100, 125, 150, 150], "0 + 0", 1),
    ([100, 106, 125, 144, 150], "1 + 1", 1),
    ([100, 106, 125, 144, 151], "1 + 1, contrast over 50", 0),
    ([100, 104, 113, 125, 144, 150, 150], "2 + 1", 1),
    ([100, 104, 113, 125, 137, 146, 150], "2 + 2", 0),
    ([103, 103, 107, 112, 118, 136, 150, 150, 150, 150, 150], "3 + 0", 1),
    ([100, 103, 107, 112, 118, 136, 150, 150, 150, 150, 150], "4 + 0", 0),
    ([100, 100, 100, 100, 100, 114, 132, 138, 143, 147, 150], "0 + 4", 0),
]


@pytest.mark.parametrize(("levels", "expected"), [(levels, value) for levels, _, value in PROFILES])
def test_widths_and_contrast(package: Package, levels: list[int], expected: float) -> None:
    row = [*levels, *[levels[-1]] * 4, *levels[::-1], *[levels[0]] * 4]
    wave = np.tile(np.resize(row, 192), (128, 1))
    assert check(package, wave) == pytest.approx(expected, abs=0.1)  # the last wave may be cut


@pytest.mark.parametrize(("seed", "levels"), [(18, 4), (19, 5), (20, 5)])
def test_noise_whose_gradients_are_next_to_the_threshold(package: Package, seed: int, levels: int) -> None:
    check(package, 100 + np.random.default_rng(seed).integers(0, levels, (64, 64)))


@pytest.mark.parametrize(
    ("height", "width"), [(64, 64), (63, 200), (200, 63), (65, 127), (128, 129), (66, 193), (10, 10), (300, 64)]
)
def test_sizes(package: Package, height: int, width: int) -> None:
    value = check(package, picture(5, 300, 300)[:height, :width])
    assert (value == 0) == (min(height, width) < 64)


def test_canny_is_that_of_scikit_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_CACHED_PIXELS", 1000)  # strips of one row of blocks
    for grey in (*PATTERNS.values(), *(picture(seed) for seed in range(6))):
        luma = torch.from_numpy(np.array(grey, dtype=np.uint8))[None]
        padded, coverage = F.pad(luma, (4, 4, 4, 4)), sharpness._coverage(luma)
        strips = [sharpness._canny(padded, coverage, top, bottom) for top, bottom in sharpness._strips(luma)]
        assert len(strips) > 1
        ours = sharpness._connected(*(torch.cat(maps, dim=1) for maps in zip(*strips, strict=True)))[0].numpy()
        assert (ours != canny(luma[0].double().numpy())).sum() == 0


def test_hysteresis_is_that_of_scipy() -> None:
    field = scipy.ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(90, 140)), 1.5)
    low, high = np.quantile(field, [0.6, 0.97])
    weak, strong = (torch.from_numpy(field > least)[None] for least in (low, high))
    connected = sharpness._connected(weak, strong)[0].numpy()
    assert strong.sum() < connected.sum() < weak.sum()
    expected = scipy.ndimage.binary_propagation(strong[0].numpy(), np.ones((3, 3)), mask=weak[0].numpy())
    assert (connected == expected).all()


def test_weak_edges_count_only_where_they_touch_strong_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    weak, strong = torch.zeros(2, 2, 64, 192, dtype=torch.bool).unbind()
    weak[0, 20:50, 5] = weak[0, 20:50, 100] = strong[0, 20, 5] = True
    weak[:, 32, 130:150] = strong[:, 32, 130:150] = True
    monkeypatch.setattr(
        sharpness,
        "_canny",
        lambda some, _, top, bottom: (weak[: len(some), top:bottom], strong[: len(some), top:bottom]),
    )
    luma, asked = torch.zeros(2, 64, 192, dtype=torch.uint8), torch.ones(2, 1, 3, dtype=torch.bool)
    assert sharpness._are_edge_blocks(luma, asked).tolist() == [[[True, False, True]], [[False, False, True]]]


def test_a_frame_without_angles_at_its_top(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_CACHED_PIXELS", 1000)
    grey = picture(2, 200, 128)
    grey[:70] = 100
    assert check(package, grey) > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_floats_are_rounded_to_bytes(dtype: torch.dtype) -> None:
    frames = rgb(picture(3))
    shift = torch.rand(frames.shape, dtype=dtype, generator=torch.Generator().manual_seed(0)) * 0.98 - 0.49
    near = ((frames.to(dtype) + shift) / 255).clamp(0, 1)
    assert torch.equal(blur_detection_probability(near), blur_detection_probability(frames))


def test_batch_layout_and_slab_size_leave_values_alone(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    grey = [picture(seed, 150, 150) for seed in range(5)] + [np.full((150, 150), 7)]
    frames = torch.cat([rgb(each) for each in grey])
    expected = [package(np.asarray(each, dtype=np.uint8)) for each in grey]
    assert blur_detection_probability(frames).tolist() == pytest.approx(expected, abs=1e-9)
    last = frames.contiguous(memory_format=torch.channels_last)
    assert blur_detection_probability(last).tolist() == pytest.approx(expected, abs=1e-9)
    for pixels in (1000, 1 << 22):
        monkeypatch.setattr(checks, "_CACHED_PIXELS", pixels)
        assert blur_detection_probability(frames).tolist() == pytest.approx(expected, abs=1e-9)


def test_default_dtype_does_not_matter() -> None:
    frames = rgb(picture(1))
    expected = blur_detection_probability(frames)
    torch.set_default_dtype(torch.bfloat16)
    try:
        value = blur_detection_probability(frames)
    finally:
        torch.set_default_dtype(torch.float32)
    assert value.dtype == torch.float64
    assert torch.equal(value, expected)


def test_no_frames_give_no_values() -> None:
    for size in (32, 64):
        assert blur_detection_probability(torch.zeros(0, 3, size, size)).shape == (0,)


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (lambda n: torch.full((1, 3, n, n), 2.0), r"frames.*0\.\.1.*2\.\.2"),
        (lambda n: torch.full((1, 3, n, n), torch.nan), "nan"),
        (lambda n: torch.zeros(1, 3, n, n, dtype=torch.int32), "int32"),
        (lambda n: torch.zeros(1, n, n), r"\(N, 3, H, W\)"),
    ],
)
def test_bad_frames_are_named(frames: Callable[[int], Tensor], words: str, size: int) -> None:
    with pytest.raises(InputError, match=words):
        blur_detection_probability(frames(size))


@pytest.mark.clips
@pytest.mark.parametrize("side", ["gt", "pred"])
@pytest.mark.parametrize("pair", ["radio8_wav2lip", "radio22_pcavs", "vox04570_x2face"])
def test_real_frames(clips: Path, reference: dict[str, Any], decode: Decoder, pair: str, side: str) -> None:
    check_frames(clips, reference, decode, pair, side)


@pytest.mark.clips
@pytest.mark.slow
@pytest.mark.parametrize("side", ["gt", "pred"])
def test_real_frames_in_full_hd(clips: Path, reference: dict[str, Any], decode: Decoder, side: str) -> None:
    check_frames(clips, reference, decode, "kim_wav2lip", side)


def check_frames(clips: Path, reference: dict[str, Any], decode: Decoder, pair: str, side: str) -> None:
    expected = reference[pair][f"cpbd_{side}"]
    wanted = set(expected["frame_indices"])
    chosen = (index in wanted for index in range(sys.maxsize))
    frames = torch.stack(list(compress(decode(clips / f"{side}_video" / f"{pair}.mp4"), chosen)))
    assert blur_detection_probability(frames).tolist() == pytest.approx(expected["values"], abs=1e-9)
