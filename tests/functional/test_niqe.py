"""NIQE against SciPy, and with the published parameters against mmagic and pyiqa."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from functional.scene_parameters import natural_scene, published
from parity.seeded import golden, golden_input
from piq.functional import imresize
from scipy.ndimage import convolve1d
from scipy.special import gamma
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.natural_scenes import read_natural_scene
from thm_torchmetrics.functional.niqe import natural_image_quality

Array = npt.NDArray[np.float64]
SHAPES = np.arange(0.2, 10.001, 0.001)
RATIOS = gamma(2 / SHAPES) ** 2 / (gamma(1 / SHAPES) * gamma(3 / SHAPES))


def golden_frame(name: str) -> Tensor:
    arrays = golden("niqe_brisque")
    image = arrays[name] if name in arrays else golden_input("niqe_brisque", name)[-1]
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None]


def fit(block: Array) -> tuple[float, float, float]:
    left, right = (np.sqrt(np.mean(part**2)) for part in (block[block < 0], block[block > 0]))
    ratio = left / right
    share = np.mean(np.abs(block)) ** 2 / np.mean(block**2)
    shape = SHAPES[np.argmin((RATIOS - share * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2) ** 2)]
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, left * scale, right * scale


def features(block: Array) -> list[float]:
    shape, left, right = fit(block)
    values = [shape, (left + right) / 2]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        shape, left, right = fit(block * np.roll(block, shift, (0, 1)))
        values += [shape, (right - left) * gamma(2 / shape) / gamma(1 / shape), left, right]
    return values


def blurred(image: Array) -> Array:
    taps = np.exp(-(np.arange(-3, 4) ** 2) / (2 * (7 / 6) ** 2))
    return convolve1d(convolve1d(image, taps / taps.sum(), 0, mode="nearest"), taps / taps.sum(), 1, mode="nearest")


def by_scipy(grey: Array, mean: Array, covariance: Array) -> float:
    rows, columns = (size // 96 for size in grey.shape)
    image, columns_of = grey[: rows * 96, : columns * 96], []
    for side in (96, 48):
        average = blurred(image)
        normalized = (image - average) / (np.sqrt(np.abs(blurred(image**2) - average**2)) + 1)
        starts = [(y * side, x * side) for y in range(rows) for x in range(columns)]
        columns_of.append([features(normalized[y : y + side, x : x + side]) for y, x in starts])
        image = imresize(torch.from_numpy(image)[None, None], sizes=(rows * 48, columns * 48))[0, 0].numpy()
    held = np.concatenate(columns_of, axis=1)
    difference = mean - held.mean(axis=0)
    inverse = np.linalg.pinv((covariance + np.cov(held, rowvar=False)) / 2)
    return float(np.sqrt(difference @ inverse @ difference))


@pytest.mark.parametrize("name", ["demo_0", "odd"])
def test_it_is_the_formula_by_scipy(name: str) -> None:
    grey = golden_frame(name)[:, 1:2]
    expected = by_scipy(grey[0, 0].numpy().astype(np.float64), *(each.numpy() for each in natural_scene()))
    assert natural_image_quality(grey.expand(-1, 3, -1, -1), *natural_scene()).item() == pytest.approx(
        expected, rel=1e-9
    )


@pytest.mark.parametrize("name", ["demo_0", "demo_1", "seeded", "odd"])
@pytest.mark.parametrize(("protocol", "theirs"), [("mmagic", "mmagic_gray"), ("mmagic-y", "mmagic_y")])
def test_with_the_published_parameters_it_is_that_of_mmagic(name: str, protocol: str, theirs: str) -> None:
    scene = read_natural_scene(published("niqe"), "")
    expected = float(golden("niqe_brisque")[f"{name}_niqe_{theirs}"])
    # halves of grey levels are rounded as the machine's arithmetic has it there
    assert natural_image_quality(golden_frame(name), *scene, protocol).item() == pytest.approx(expected, rel=2e-3)


def test_flat_blocks_are_left_out_and_a_flat_frame_has_no_value() -> None:
    frame = golden_frame("demo_0").clone()
    frame[:, :, :, 96:] = 0
    assert natural_image_quality(frame, *natural_scene()).isfinite().all()
    frame[:, :, 96:] = 0
    assert natural_image_quality(frame, *natural_scene()).isnan().all()
    assert natural_image_quality(torch.zeros(1, 3, 200, 200, dtype=torch.uint8), *natural_scene()).isnan().all()


def test_bytes_and_floats_are_the_same_and_frames_are_scored_alone() -> None:
    frames = torch.cat([golden_frame("demo_0"), golden_frame("demo_1")])
    values = natural_image_quality(frames, *natural_scene())
    torch.testing.assert_close(natural_image_quality(frames.float() / 255, *natural_scene()), values)
    torch.testing.assert_close(natural_image_quality(frames[1:], *natural_scene()), values[1:])


def test_frames_with_one_block_are_named() -> None:
    with pytest.raises(InputError, match="two blocks of 96x96 pixels, got 150x191"):
        natural_image_quality(torch.zeros(1, 3, 191, 150, dtype=torch.uint8), *natural_scene())
