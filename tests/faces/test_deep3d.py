"""Deep3DFaceRecon's alignment against the original's outputs, least squares in NumPy and Pillow."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from faces.face_images import Face, astronaut, batch, footage
from imaging.pixels import as_image, pillow_crop
from parity.seeded import golden, golden_input
from PIL import Image
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.faces.deep3d import STANDARD_FACE, alignment, crop

GENERATOR = np.random.default_rng(8)
CASES = ("inside", "border", "lm68")


def case(name: str) -> tuple[Tensor, Tensor, dict[str, npt.NDArray[Any]]]:
    """Frame, landmarks and the original's outputs of one golden case."""
    arrays = golden("deep3d_resnet50")
    frames = torch.from_numpy(golden_input("deep3d_resnet50", f"{name}_image")).permute(0, 3, 1, 2)
    return frames, torch.from_numpy(arrays[f"{name}_landmarks"])[None], arrays


def faces(count: int, height: int, width: int, size: float) -> Tensor:
    """Five points of ``count`` faces of about the given size in pixels, some of them partly outside."""
    face = np.array(STANDARD_FACE)[:, :2] * [1, -1]
    points = face * size * GENERATOR.uniform(0.7, 1.4, (count, 1, 1))
    points = points + GENERATOR.normal(scale=size / 20, size=(count, 5, 2))
    return torch.from_numpy(points + GENERATOR.uniform(-0.1, 1.1, (count, 1, 2)) * [width, height])


@pytest.mark.parametrize("name", CASES)
def test_parameters_equal_the_original(name: str) -> None:
    frames, landmarks, arrays = case(name)
    aligned = alignment(landmarks, *frames.shape[2:])
    assert aligned.found.tolist() == [True]
    np.testing.assert_allclose(aligned.parameters[0], arrays[f"{name}_trans_params"], rtol=1e-7)


@pytest.mark.parametrize("name", CASES)
def test_crops_equal_the_original(name: str) -> None:
    frames, landmarks, arrays = case(name)
    crops, found = crop(frames, landmarks)
    assert found.tolist() == [True]
    np.testing.assert_array_equal(as_image(crops[0]), arrays[f"{name}_crop"])


def test_the_standard_face_is_the_originals() -> None:
    np.testing.assert_array_equal(np.array(STANDARD_FACE, dtype=np.float32), golden("deep3d_resnet50")["lm3d_5"])


def test_alignment_is_the_least_squares_fit_with_eight_unknowns() -> None:
    points = faces(20, 240, 300, 90)
    got = alignment(points, 240, 300)
    rows = np.hstack([np.array(STANDARD_FACE), np.ones((5, 1))])
    system = np.kron(np.eye(2), rows)
    for i, face in enumerate(points.numpy()):
        right = np.concatenate([face[:, 0], 239 - face[:, 1]])
        r1, (tx,), r2, (ty,) = np.split(np.linalg.lstsq(system, right, rcond=None)[0], [3, 4, 7])
        scale = 102 / ((np.linalg.norm(r1) + np.linalg.norm(r2)) / 2)
        np.testing.assert_allclose(got.parameters[i], [300, 240, scale, tx, ty], rtol=1e-10)
        width, height = int(300 * scale), int(240 * scale)
        left = int(width / 2 - 112 + (tx - 150) * scale)
        top = int(height / 2 - 112 + (120 - ty) * scale)
        assert got.resized[i].tolist() == [width, height]
        assert got.corner[i].tolist() == [left, top]
    assert (got.corner < 0).any()


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [(120, 160, 30), (300, 220, 80), (300, 220, 200), (700, 500, 420), (90, 400, 60), (400, 90, 120), (5, 7, 60)],
)
def test_crops_equal_pillow(height: int, width: int, size: float) -> None:
    images = GENERATOR.integers(0, 256, (6, height, width, 3), dtype=np.uint8)
    points = faces(6, height, width, size)
    aligned = alignment(points, height, width)
    frames = torch.from_numpy(images).permute(0, 3, 1, 2)
    crops, found = crop(frames, points)
    assert found.all()
    for i in range(6):
        np.testing.assert_array_equal(
            as_image(crops[i]), pillow_crop(images[i], aligned.resized[i].tolist(), aligned.corner[i].tolist())
        )
    assert torch.equal(crop(frames.contiguous(), points)[0], crops)


def test_faces_of_very_different_size_share_a_batch() -> None:
    images = GENERATOR.integers(0, 256, (4, 200, 200, 3), dtype=np.uint8)
    points = torch.cat([faces(1, 200, 200, size) for size in (3, 20, 150, 900)])
    aligned = alignment(points, 200, 200)
    crops, found = crop(torch.from_numpy(images).permute(0, 3, 1, 2), points)
    assert found.all()
    for i in range(4):
        np.testing.assert_array_equal(
            as_image(crops[i]), pillow_crop(images[i], aligned.resized[i].tolist(), aligned.corner[i].tolist())
        )


def assert_crops_equal_pillow(some: list[Face]) -> None:
    frames, landmarks = batch(some)
    aligned = alignment(landmarks, *frames.shape[2:])
    crops, found = crop(frames, landmarks)
    assert found.all()
    for i, (image, _) in enumerate(some):
        whole = Image.fromarray(image).resize(tuple(aligned.resized[i].tolist()), Image.Resampling.BICUBIC)
        left, top = aligned.corner[i].tolist()
        np.testing.assert_array_equal(as_image(crops[i]), whole.crop((left, top, left + 224, top + 224)))


def test_crop_equals_pillow_on_a_portrait() -> None:
    assert_crops_equal_pillow([astronaut()])


@pytest.mark.clips
@pytest.mark.parametrize("name", ["gt_video/radio8_wav2lip.mp4", "gt_video/kim_wav2lip.mp4", "misc/hevc_portrait.mp4"])
def test_crop_equals_pillow_on_footage(clips: Path, name: str) -> None:
    assert_crops_equal_pillow(footage(clips)[name])


def test_a_frame_without_a_face_is_masked_and_black() -> None:
    points = faces(7, 100, 100, 50)
    points[0, 2, 0] = torch.nan
    points[1] = 40.0
    points[2] = 1e12 * points[2]
    points[3, 0, 0] = torch.inf
    points[4] = 1e-9 * points[4] + 50.0
    frames = torch.full((7, 3, 100, 100), 200, dtype=torch.uint8)
    aligned = alignment(points, 100, 100)
    assert aligned.parameters.isnan().all(dim=1).tolist() == [True] * 5 + [False] * 2
    crops, found = crop(frames, points)
    assert found.tolist() == [False] * 5 + [True] * 2
    assert crops[:5].max() == 0
    assert torch.equal(crops[5:], crop(frames[5:], points[5:])[0])
    assert crop(frames[:0], points[:0])[0].shape == (0, 3, 224, 224)


def test_default_dtype_does_not_matter() -> None:
    frames, landmarks, arrays = case("border")
    torch.set_default_dtype(torch.bfloat16)
    try:
        crops, _ = crop(frames, landmarks)
        parameters = alignment(landmarks, *frames.shape[2:]).parameters
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_array_equal(as_image(crops[0]), arrays["border_crop"])
    np.testing.assert_allclose(parameters[0], arrays["border_trans_params"], rtol=1e-7)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_bytes() -> None:
    frames = torch.from_numpy(GENERATOR.integers(0, 256, (6, 3, 300, 220), dtype=np.uint8))
    points = faces(6, 300, 220, 100)
    crops, found = crop(frames.cuda(), points.cuda())
    assert found.is_cuda
    assert torch.equal(crops.cpu(), crop(frames, points)[0])


def test_bad_input_is_named() -> None:
    frames = torch.zeros(2, 3, 50, 50, dtype=torch.uint8)
    points = faces(2, 50, 50, 20)
    with pytest.raises(InputError, match=r"\(N, 5 or 68, 2\), got \(2, 4, 2\)"):
        alignment(points[:, :4], 50, 50)
    with pytest.raises(InputError, match="height 0"):
        alignment(points, 0, 50)
    with pytest.raises(InputError, match="uint8"):
        crop(frames.to(torch.float32), points)
    with pytest.raises(MismatchError, match="1 faces for 2 frames"):
        crop(frames, points[:1])
