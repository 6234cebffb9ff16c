"""Alignment against scikit-image, OpenCV and InsightFace; similarities against torch and the stored cosines."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from parity import inputs
from skimage.transform import SimilarityTransform

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.identity import (
    align_faces,
    arcface_template,
    cosine_similarity,
    five_points,
    similarity_transform,
    squared_distance,
)

GOLDEN = Path(__file__).parents[1] / "parity" / "golden"


@pytest.mark.parametrize("model", ["iresnet18", "iresnet50", "iresnet100"])
def test_stored_cosines(model):
    stored = np.load(GOLDEN / f"{model}.npz")
    got = cosine_similarity(torch.from_numpy(stored["embedding"][:2]), torch.from_numpy(stored["odd_embedding"]))
    np.testing.assert_allclose(got, stored["cosine"], rtol=0, atol=1e-5)


def test_rows():
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(6, 32, generator=generator, dtype=torch.float64) for _ in range(2))
    torch.testing.assert_close(cosine_similarity(a, 3 * b), torch.nn.functional.cosine_similarity(a, b))
    torch.testing.assert_close(squared_distance(a, b), torch.nn.functional.pairwise_distance(a, b, eps=0.0) ** 2)
    a[2] = torch.nan
    assert cosine_similarity(a, b).isnan().tolist() == [False, False, True, False, False, False]
    assert squared_distance(a, b).isnan().sum() == 1
    assert cosine_similarity(torch.zeros(1, 4), torch.ones(1, 4)).isnan()


def random_faces(seed, count):
    """Five points near the template under a random similarity, some mirrored."""
    generator = np.random.default_rng(seed)
    faces = []
    for i in range(count):
        angle, scale = generator.uniform(-1, 1), generator.uniform(0.4, 3)
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        points = arcface_template().numpy() + generator.normal(0, 4, (5, 2))
        if i % 7 == 0:
            points[:, 0] = 112 - points[:, 0]
        faces.append(points @ turn.T + generator.uniform(-20, 150, 2))
    return np.stack(faces)


@pytest.mark.parametrize("size", [112, 224, 128, 256])
def test_transform_of_scikit_image(size):
    faces = random_faces(size, 40)
    got = similarity_transform(torch.from_numpy(faces), arcface_template(size))
    expected = [SimilarityTransform.from_estimate(f, arcface_template(size).numpy()).params[:2] for f in faces]
    np.testing.assert_allclose(got, np.stack(expected), rtol=0, atol=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_crops_of_insightface():
    face_align = pytest.importorskip("insightface.utils.face_align")
    images = np.random.default_rng(0).integers(0, 256, (30, 200, 240, 3), dtype=np.uint8)
    images = np.stack([cv2.GaussianBlur(image, (5, 5), 0) for image in images])
    faces = random_faces(1, 30).astype(np.float32)
    for size in (112, 128):
        got = align_faces(torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(faces), size)
        expected = np.stack([face_align.norm_crop(i, f, size) for i, f in zip(images, faces, strict=True)])
        difference = np.abs(got.permute(0, 2, 3, 1).numpy().astype(int) - expected)
        assert difference.max() <= 1
        assert (difference > 0).mean() < 2e-3


def test_an_aligned_face_stays():
    image = inputs.rebuild(json.loads(str(np.load(GOLDEN / "iresnet18.npz")["meta"]))["inputs"]["images"])
    frames = torch.from_numpy(image).permute(0, 3, 1, 2)
    got = align_faces(frames, arcface_template().expand(len(frames), -1, -1))
    torch.testing.assert_close(got, frames, rtol=0, atol=0)


def test_no_face_is_black():
    frames = torch.full((2, 3, 200, 200), 99, dtype=torch.uint8)
    points = torch.stack([arcface_template(), torch.full((5, 2), torch.nan, dtype=torch.float64)])
    assert align_faces(frames, points).flatten(1).float().mean(dim=1).tolist() == [99.0, 0.0]


def test_five_of_68_points():
    landmarks = np.random.default_rng(0).normal(size=(3, 68, 2))
    eyes = (landmarks[:, [36, 42]] + landmarks[:, [39, 45]]) / 2
    expected = np.concatenate([eyes, landmarks[:, [30, 48, 54]]], axis=1)
    np.testing.assert_allclose(five_points(torch.from_numpy(landmarks)), expected)


def test_bad_input_is_named():
    with pytest.raises(MismatchError, match=r"\(2, 4\) and \(3, 4\)"):
        cosine_similarity(torch.zeros(2, 4), torch.zeros(3, 4))
    with pytest.raises(InputError, match=r"\(4,\)"):
        squared_distance(torch.zeros(4), torch.zeros(4))
    with pytest.raises(InputError, match=r"\(5, 2\)"):
        five_points(torch.zeros(5, 2))
    with pytest.raises(InputError, match="112 or 128, got 100"):
        arcface_template(100)
    with pytest.raises(InputError, match=r"\(1, 4, 2\)"):
        similarity_transform(torch.zeros(1, 4, 2), arcface_template())
