"""Resizing against OpenCV itself, every byte, and against the stored outputs of the originals."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from imaging.pixels import planes
from parity.seeded import golden, golden_input

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.imaging.resize import resize, resize_area, resize_by, resize_crops


def stored_case(model: str, name: str) -> tuple[dict[str, npt.NDArray[Any]], npt.NDArray[Any]]:
    """The outputs of an original, and one of its inputs."""
    return golden(model), golden_input(model, name)


def random_sizes(count: int) -> Iterator[tuple[npt.NDArray[np.uint8], tuple[int, int]]]:
    generator = np.random.default_rng(7)
    for trial in range(count):
        old_h, old_w, new_h, new_w = (int(v) for v in generator.integers(1, 70, 4))
        kind = trial % 8
        if kind == 0:
            new_h, new_w = 2 * old_h, 2 * old_w
        elif kind == 1:
            old_h, old_w = 2 * new_h, 2 * new_w
        elif kind == 2:
            old_h, old_w = 4 * new_h, 4 * new_w
        elif kind == 3:
            old_h, old_w = old_h * 6, old_w * 6
        elif kind == 4:
            old_h, new_w = 1, 1
        image = generator.integers(0, 256, (1, old_h, old_w, 3), dtype=np.uint8)
        yield image, (new_h, new_w)


def test_any_size_equals_opencv() -> None:
    for image, (height, width) in random_sizes(400):
        expected = cv2.resize(image[0], (width, height)).reshape(height, width, 3)
        got = resize(planes(image), (height, width))[0].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(got, expected, err_msg=f"{image.shape} -> {height} x {width}")


def test_any_size_by_area_equals_opencv() -> None:
    for image, (height, width) in random_sizes(400):
        expected = cv2.resize(image[0], (width, height), interpolation=cv2.INTER_AREA).reshape(height, width, 3)
        got = resize_area(planes(image), (height, width))[0].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(got, expected, err_msg=f"{image.shape} -> {height} x {width}")


@pytest.mark.parametrize("factor", [0.25, 0.5, 0.125, 0.3, 0.75, 1.0, 1.7, 2.0])
def test_any_factor_equals_opencv(factor: float) -> None:
    generator = np.random.default_rng(3)
    for height, width in generator.integers(5, 140, (40, 2)).tolist():
        image = generator.integers(0, 256, (1, height, width, 3), dtype=np.uint8)
        expected = cv2.resize(image[0], None, fx=factor, fy=factor)
        got = resize_by(planes(image), factor)[0].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(got, expected, err_msg=f"{height} x {width} by {factor}")


def test_a_batch_is_its_images_and_memory_layout_does_not_matter() -> None:
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 3, 37, 51), dtype=np.uint8))
    expected = np.stack([cv2.resize(i.permute(1, 2, 0).numpy(), (20, 45)) for i in images])
    for batch in (images, images.to(memory_format=torch.channels_last), images.flip(0).flip(0)):
        np.testing.assert_array_equal(resize(batch, (45, 20)).permute(0, 2, 3, 1).numpy(), expected)


@pytest.mark.parametrize("pad", [0, 110])
def test_crops_equal_padding_slicing_and_opencv(pad: int) -> None:
    generator = np.random.default_rng(pad)
    images = generator.integers(0, 256, (5, 40, 60, 3), dtype=np.uint8)
    corner = generator.integers(-50, 60, (60, 2))
    boxes = np.concatenate([corner, corner + generator.integers(1, 90, (60, 2))], axis=1)
    index = generator.integers(0, 5, 60)
    got = resize_crops(planes(images), torch.from_numpy(boxes), (24, 31), pad=pad, index=torch.from_numpy(index))
    margin = 200
    for i, (x1, y1, x2, y2) in enumerate(boxes + margin):
        frame = np.pad(images[index[i]], ((margin, margin), (margin, margin), (0, 0)), constant_values=pad)
        expected = cv2.resize(frame[y1:y2, x1:x2], (31, 24))
        np.testing.assert_array_equal(got[i].permute(1, 2, 0).numpy(), expected, err_msg=str(boxes[i]))


def test_a_crop_of_the_whole_image_is_its_resize() -> None:
    images = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (3, 3, 30, 20), dtype=np.uint8))
    boxes = torch.tensor([[0, 0, 20, 30]]).repeat(3, 1)
    torch.testing.assert_close(resize_crops(images, boxes, (17, 64)), resize(images, (17, 64)), rtol=0, atol=0)


def test_s3fd_scales() -> None:
    stored, image = stored_case("s3fd", "scaled_image")
    for i, factor in enumerate(stored["scaled_scales"]):
        got = resize_by(planes(image[:1]), float(factor))[0].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(got, stored[f"scaled_scaled_{i}"])


def test_syncnet_frames() -> None:
    stored, clip = stored_case("syncnet", "C_clip")
    got = resize(planes(clip[:2]), (224, 224)).permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(got, stored["C_resized"])


@pytest.mark.parametrize(("model", "side"), [("iresnet18", 112), ("emonet8", 256)])
def test_network_inputs(model: str, side: int) -> None:
    stored, images = stored_case(model, "odd_images")
    expected = stored["odd_resized"]
    got = resize(planes(images[: len(expected)]), (side, side)).permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(got, expected)


def test_bad_input_is_named() -> None:
    images = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    with pytest.raises(InputError, match="float32"):
        resize(images.to(torch.float32), (2, 2))
    with pytest.raises(InputError, match=r"\(3, 4, 4\)"):
        resize(images[0], (2, 2))
    with pytest.raises(InputError, match="at least 1 x 1"):
        resize_by(images, 0.01)
    with pytest.raises(InputError, match="x2 > x1"):
        resize_crops(images, torch.tensor([[2, 0, 2, 4]]), (2, 2))
    with pytest.raises(InputError, match="2 boxes for 1 images"):
        resize_crops(images, torch.tensor([[0, 0, 2, 4], [0, 0, 1, 1]]), (2, 2))
    with pytest.raises(InputError, match="integers"):
        resize_crops(images, torch.tensor([[0.0, 0, 2, 4]]), (2, 2))
