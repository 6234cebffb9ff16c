"""Identity: distances against SciPy, alignment against scikit-image, OpenCV and InsightFace, on real faces."""

import cv2
import numpy as np
import pytest
import scipy.spatial.distance
import torch
from functional.portraits import as_image, astronaut, batch, footage
from parity.seeded import golden, golden_input
from skimage.transform import SimilarityTransform

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.faces.crops import ARCFACE_TEMPLATE, align_faces, five_points
from thm_torchmetrics.functional.identity import cosine_similarity, squared_euclidean_distance
from thm_torchmetrics.imaging.warp import similarity_transform, warp_affine

GENERATOR = np.random.default_rng(11)
EMBEDDINGS = GENERATOR.normal(size=(2, 40, 512))
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


def planes(images):
    """(N, H, W, 3) array -> (N, 3, H, W) tensor, still laid out as the array."""
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def warped(images, matrices, size):
    return np.stack(
        [cv2.warpAffine(image, matrix, (size, size)) for image, matrix in zip(images, matrices, strict=True)]
    )


def assert_same_pixels(crops, expected):
    """Equal but for the rounding of a few: a processor without fused multiply-add gives OpenCV other last bits."""
    difference = np.abs(crops.permute(0, 2, 3, 1).numpy().astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-4


def test_cosine_equals_scipy():
    a, b = EMBEDDINGS
    expected = [1 - scipy.spatial.distance.cosine(x, y) for x, y in zip(a, b, strict=True)]
    got = cosine_similarity(torch.from_numpy(a), torch.from_numpy(b))
    assert got.dtype == torch.float64
    np.testing.assert_allclose(got, expected, atol=1e-14)
    np.testing.assert_allclose(cosine_similarity(torch.from_numpy(3 * a), torch.from_numpy(b).float()), got, atol=1e-7)


@pytest.mark.parametrize("model", ["iresnet18", "iresnet50", "iresnet100"])
def test_cosine_equals_the_original(model):
    arrays = golden(model)
    a, b = torch.from_numpy(arrays["embedding"][:2]), torch.from_numpy(arrays["odd_embedding"])
    np.testing.assert_allclose(cosine_similarity(a, b), arrays["cosine"], atol=1e-5)


def test_cosine_stays_in_range():
    rows = torch.from_numpy(EMBEDDINGS[0])
    for other, expected in ((rows, 1.0), (-rows, -1.0)):
        cosine = cosine_similarity(rows, other)
        assert cosine.abs().max() <= 1
        torch.testing.assert_close(cosine, torch.full_like(cosine, expected))


def test_squared_distance_equals_scipy_on_unit_rows():
    a, b = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in EMBEDDINGS)
    expected = [scipy.spatial.distance.sqeuclidean(x, y) for x, y in zip(a, b, strict=True)]
    got = squared_euclidean_distance(torch.from_numpy(EMBEDDINGS[0]), torch.from_numpy(EMBEDDINGS[1]))
    np.testing.assert_allclose(got, expected, rtol=1e-13)
    opposite = squared_euclidean_distance(torch.from_numpy(a), torch.from_numpy(-a))
    np.testing.assert_allclose(opposite, 4.0)


@pytest.mark.parametrize("distance", [cosine_similarity, squared_euclidean_distance])
def test_rows_without_a_direction_are_nan(distance):
    a, b = torch.ones(4, 3), torch.ones(4, 3)
    a[0] = 0
    b[1] = 0
    a[2, 1] = torch.nan
    assert distance(a, b).isnan().tolist() == [True, True, True, False]


def test_five_points_are_corner_means_nose_and_mouth():
    landmarks = GENERATOR.normal(size=(3, 68, 2))
    expected = np.stack(
        [
            landmarks[:, [36, 39]].mean(axis=1),
            landmarks[:, [42, 45]].mean(axis=1),
            landmarks[:, 30],
            landmarks[:, 48],
            landmarks[:, 54],
        ],
        axis=1,
    )
    np.testing.assert_allclose(five_points(torch.from_numpy(landmarks)), expected)


def test_transform_equals_skimage():
    template = np.array(ARCFACE_TEMPLATE)
    points = GENERATOR.normal(size=(200, 5, 2)) * GENERATOR.uniform(0.1, 300, (200, 1, 1)) + 100
    points[150:] = template[None] * [-2.0, 2.0] + GENERATOR.normal(size=(50, 5, 2))  # mirrored: a reflection fits best
    got = similarity_transform(torch.from_numpy(points), torch.from_numpy(template)).numpy()
    expected = np.stack([SimilarityTransform.from_estimate(p, template).params[:2] for p in points])
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)


def test_transform_of_no_face_is_nan():
    points = torch.tensor(ARCFACE_TEMPLATE).repeat(4, 1, 1)
    points[0, 3, 1] = torch.nan
    points[1] = 7.0
    points[2, 0] = torch.inf
    matrices = similarity_transform(points, torch.tensor(ARCFACE_TEMPLATE))
    assert matrices.isfinite().flatten(1).all(dim=1).tolist() == [False, False, False, True]


@pytest.mark.parametrize("size", [64, 112, 256])
def test_warp_equals_opencv(size):
    assert_same_pixels(warp_affine(planes(FRAMES), torch.from_numpy(MATRICES), size), warped(FRAMES, MATRICES, size))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_warp_of_tiny_frames_equals_opencv(height, width):
    frames = np.ascontiguousarray(FRAMES[:, :height, :width])
    matrices = MATRICES * [[[40, 40, 1], [40, 40, 1]]]
    assert_same_pixels(warp_affine(planes(frames), torch.from_numpy(matrices), 112), warped(frames, matrices, 112))


def test_warp_takes_any_memory_layout_and_default_dtype():
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


def test_warp_without_a_usable_matrix_is_black():
    matrices = torch.from_numpy(MATRICES).clone()
    matrices[0, 0, 0] = torch.nan
    matrices[1, :, :2] = 0.0
    matrices[2, 1, 2] = torch.inf
    matrices[3, :, 2] = 1e30
    crops = warp_affine(planes(FRAMES), matrices, 32)
    assert crops[:4].max() == 0
    assert torch.equal(crops[4:], warp_affine(planes(FRAMES), torch.from_numpy(MATRICES), 32)[4:])
    assert warp_affine(planes(FRAMES)[:0], matrices[:0], 32).shape == (0, 3, 32, 32)


def test_an_aligned_face_stays_as_it_is():
    frames = planes(golden_input("iresnet18", "images"))
    crops, found = align_faces(frames, torch.tensor(ARCFACE_TEMPLATE).expand(len(frames), -1, -1))
    assert found.all()
    assert torch.equal(crops, frames)


def insightface_crops(faces, size):
    face_align = pytest.importorskip("insightface.utils.face_align")
    frames, landmarks = batch(faces)
    points = five_points(landmarks)
    expected = [face_align.norm_crop(frame, p.numpy(), size) for (frame, _), p in zip(faces, points, strict=True)]
    return frames, points, np.stack(expected)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # InsightFace calls scikit-image by an old name
@pytest.mark.parametrize("size", [112, 128, 224, 256])
def test_alignment_equals_insightface_on_a_portrait(size):
    frames, points, expected = insightface_crops([astronaut()], size)
    crops, found = align_faces(frames, points, size)
    assert found.tolist() == [True]
    assert_same_pixels(crops, expected)


@pytest.mark.clips
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", ["gt_video/radio8_wav2lip.mp4", "gt_video/kim_wav2lip.mp4", "misc/hevc_portrait.mp4"])
def test_alignment_equals_insightface_on_footage(clips, name):
    frames, points, expected = insightface_crops(footage(clips)[name], 112)
    crops, found = align_faces(frames, points)
    assert found.all()
    assert_same_pixels(crops, expected)
    np.testing.assert_allclose(as_image(crops[0])[40:70, 30:80].mean(), expected[0, 40:70, 30:80].mean(), atol=0.01)


def test_a_frame_without_a_face_is_masked_and_black():
    points = torch.tensor(ARCFACE_TEMPLATE).repeat(9, 1, 1)
    points[2, 4, 0] = torch.nan
    points[5] = 33.0
    crops, found = align_faces(planes(FRAMES), points)
    assert found.tolist() == [i not in (2, 5) for i in range(9)]
    assert crops[~found].max() == 0
    assert torch.equal(crops[found], align_faces(planes(FRAMES)[found], points[found])[0])


@pytest.mark.clips
def test_footage_without_a_face_is_masked(clips):
    faces = footage(clips)["misc/no_face.mp4"]
    frames, landmarks = batch([*faces, (faces[0][0], footage(clips)["gt_video/radio8_wav2lip.mp4"][0][1])])
    crops, found = align_faces(frames, five_points(landmarks))
    assert found.tolist() == [False, False, True]
    assert crops[:2].max() == 0
    assert crops[2].max() > 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_bytes():
    frames, matrices = planes(FRAMES), torch.from_numpy(MATRICES)
    assert torch.equal(warp_affine(frames.cuda(), matrices.cuda(), 112).cpu(), warp_affine(frames, matrices, 112))


def test_bad_input_is_named():
    frames, matrices = planes(FRAMES), torch.from_numpy(MATRICES)
    points = torch.tensor(ARCFACE_TEMPLATE).repeat(9, 1, 1)
    with pytest.raises(InputError, match=r"\(3, 4, 5\)"):
        cosine_similarity(torch.zeros(3, 4, 5), torch.zeros(3, 4, 5))
    with pytest.raises(MismatchError, match=r"\(3, 4\) and \(2, 4\)"):
        squared_euclidean_distance(torch.zeros(3, 4), torch.zeros(2, 4))
    with pytest.raises(InputError, match=r"\(1, 5, 2\)"):
        five_points(torch.zeros(1, 5, 2))
    with pytest.raises(InputError, match=r"\(9, 5, 2\) and \(4, 2\)"):
        similarity_transform(points, points[0, :4])
    with pytest.raises(InputError, match=r"\(9, 4, 2\)"):
        align_faces(frames, points[:, :4])
    with pytest.raises(InputError, match="multiple of 112 or of 128, got 100"):
        align_faces(frames, points, 100)
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
