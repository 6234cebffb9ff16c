"""The similarity transform against scikit-image, and the warp against OpenCV."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from imaging.pixels import assert_same_pixels, planes
from skimage.transform import SimilarityTransform

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.imaging.warp import similarity_transform, warp_affine

GENERATOR = np.random.default_rng(11)
FRAMES = GENERATOR.integers(0, 256, (9, 140, 170, 3), dtype=np.uint8)
MATRICES = np.array(
    [
        [[k * np.cos(t), -k * np.sin(t), x], [k * np.sin(t) * flip, k * np.cos(t) * flip, y]]
        for k, t, x, y, flip in zip(
            GENERATOR.uniform(0.2, 3, 9),
            GENERATOR.uniform(-3, 3, 9),
            *GENERATOR.uniform(-40, 140, (2, 9)),
            [1] * 8 + [-1],
            strict=True,
        )
    ]
)
TEMPLATE = np.array([[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]])


def warped(images: npt.NDArray[np.uint8], matrices: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.uint8]:
    return np.stack(
        [cv2.warpAffine(image, matrix, (size, size)) for image, matrix in zip(images, matrices, strict=True)]
    )


def estimated(points: np.ndarray) -> SimilarityTransform:
    if hasattr(SimilarityTransform, "from_estimate"):  # scikit-image 0.26
        return SimilarityTransform.from_estimate(points, TEMPLATE)
    transform = SimilarityTransform()
    assert transform.estimate(points, TEMPLATE)
    return transform


def test_transform_equals_skimage() -> None:
    points = GENERATOR.normal(size=(200, 5, 2)) * GENERATOR.uniform(0.1, 300, (200, 1, 1)) + 100
    points[150:] = TEMPLATE[None] * [-2.0, 2.0] + GENERATOR.normal(size=(50, 5, 2))  # mirrored: a reflection fits best
    got = similarity_transform(torch.from_numpy(points), torch.from_numpy(TEMPLATE)).numpy()
    expected = np.stack([estimated(p).params[:2] for p in points])
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)


def test_transform_of_no_face_is_nan() -> None:
    points = torch.from_numpy(TEMPLATE).repeat(4, 1, 1)
    points[0, 3, 1] = torch.nan
    points[1] = 7.0
    points[2, 0] = torch.inf
    matrices = similarity_transform(points, torch.from_numpy(TEMPLATE))
    assert matrices.isfinite().flatten(1).all(dim=1).tolist() == [False, False, False, True]


@pytest.mark.parametrize("size", [64, 112, 256])
def test_warp_equals_opencv(size: int) -> None:
    assert_same_pixels(warp_affine(planes(FRAMES), torch.from_numpy(MATRICES), size), warped(FRAMES, MATRICES, size))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_warp_of_tiny_frames_equals_opencv(height: int, width: int) -> None:
    frames = np.ascontiguousarray(FRAMES[:, :height, :width])
    matrices = MATRICES * [[[40, 40, 1], [40, 40, 1]]]
    assert_same_pixels(warp_affine(planes(frames), torch.from_numpy(matrices), 112), warped(frames, matrices, 112))


def test_warp_takes_any_memory_layout_and_default_dtype() -> None:
    frames = planes(FRAMES)
    expected = warp_affine(frames, torch.from_numpy(MATRICES), 48)
    backing = torch.zeros(10, 3, 150, 2 * 170, dtype=torch.uint8)
    view = backing[1:, :, 4:144, 1::2]
    view.copy_(frames)
    for layout in (frames.contiguous(), view):
        assert torch.equal(warp_affine(layout, torch.from_numpy(MATRICES), 48), expected)
    repeated = frames[:1].expand(9, -1, -1, -1)
    same = torch.from_numpy(MATRICES[:1]).repeat(9, 1, 1)
    assert torch.equal(warp_affine(repeated, same, 48)[8], expected[0])
    torch.set_default_dtype(torch.bfloat16)
    try:
        assert torch.equal(warp_affine(frames, torch.from_numpy(MATRICES), 48), expected)
    finally:
        torch.set_default_dtype(torch.float32)


def test_warp_without_a_usable_matrix_is_black() -> None:
    matrices = torch.from_numpy(MATRICES).clone()
    matrices[0, 0, 0] = torch.nan
    matrices[1, :, :2] = 0.0
    matrices[2, 1, 2] = torch.inf
    matrices[3, :, 2] = 1e30
    crops = warp_affine(planes(FRAMES), matrices, 32)
    assert crops[:4].max() == 0
    assert torch.equal(crops[4:], warp_affine(planes(FRAMES), torch.from_numpy(MATRICES), 32)[4:])
    assert warp_affine(planes(FRAMES)[:0], matrices[:0], 32).shape == (0, 3, 32, 32)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_bytes() -> None:
    frames, matrices = planes(FRAMES), torch.from_numpy(MATRICES)
    assert torch.equal(warp_affine(frames.cuda(), matrices.cuda(), 112).cpu(), warp_affine(frames, matrices, 112))


def test_bad_input_is_named() -> None:
    frames, matrices = planes(FRAMES), torch.from_numpy(MATRICES)
    points = torch.from_numpy(TEMPLATE).repeat(9, 1, 1)
    with pytest.raises(InputError, match=r"\(9, 5, 2\) and \(4, 2\)"):
        similarity_transform(points, points[0, :4])
    with pytest.raises(InputError, match="uint8"):
        warp_affine(frames / 255, matrices, 112)
    with pytest.raises(InputError, match=r"\(140, 170, 3\)"):
        warp_affine(torch.from_numpy(FRAMES[0]), matrices, 112)
    with pytest.raises(InputError, match=r"int64 \(9, 2, 3\)"):
        warp_affine(frames, matrices.long(), 112)
    with pytest.raises(MismatchError, match="8 matrices for 9 frames"):
        warp_affine(frames, matrices[1:], 112)
    with pytest.raises(InputError, match="to 0 x 0"):
        warp_affine(frames, matrices, 0)
