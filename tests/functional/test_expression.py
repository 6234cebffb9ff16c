"""Statistics against NumPy and torchmetrics, EmoNet's crop against OpenCV."""

import cv2
import numpy as np
import pytest
import torch
from torchmetrics.functional.regression import concordance_corrcoef

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.expression import (
    MOMENTS,
    concordance,
    correlation,
    emonet_crops,
    emonet_matrices,
    emotion_similarity_distance,
    paired_moments,
    root_mean_square_error,
    sign_agreement,
)


def sequences(seed, frames):
    generator = np.random.default_rng(seed)
    x = generator.normal(0.2, 0.6, frames)
    return x, 0.5 * x + generator.normal(0.1, 0.4, frames)


def moments(x, y):
    return paired_moments(torch.as_tensor(x), torch.as_tensor(y)).sum(dim=0)


@pytest.mark.parametrize("frames", [2, 3, 50, 1000])
def test_statistics_of_clamped_values(frames):
    x, y = sequences(frames, frames)
    got = moments(x, y)
    x, y = x.clip(-1, 1), y.clip(-1, 1)
    assert float(root_mean_square_error(got)) == pytest.approx(np.sqrt(((x - y) ** 2).mean()))
    assert float(sign_agreement(got)) == pytest.approx((np.sign(x) == np.sign(y)).mean())
    assert float(correlation(got)) == pytest.approx(np.corrcoef(x, y)[0, 1])
    expected = 2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    assert float(concordance(got)) == pytest.approx(expected)
    if frames > 100:  # torchmetrics takes the variances over n - 1 and the means' gap as it is
        theirs = concordance_corrcoef(torch.from_numpy(x), torch.from_numpy(y))
        assert float(concordance(got)) == pytest.approx(float(theirs), rel=1e-2)


def test_means_do_as_well_as_sums():
    x, y = sequences(1, 20)
    total = moments(x, y)
    for statistic in (root_mean_square_error, sign_agreement, correlation, concordance):
        torch.testing.assert_close(statistic(total), statistic(total / 20))


def test_valence_and_arousal_at_once():
    x, y = (np.stack(pair, axis=1) for pair in zip(sequences(1, 9), sequences(2, 9), strict=True))
    both = moments(x, y)
    assert both.shape == (2, len(MOMENTS))
    torch.testing.assert_close(both[1], moments(x[:, 1], y[:, 1]))


def test_zero_is_a_sign_of_its_own():
    got = paired_moments(torch.tensor([0.0, 0.0, 0.1, -0.1]), torch.tensor([0.0, 0.1, 0.0, -0.9]))
    assert got[:, 7].tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize("frames", [1, 2, 7, 1000])
def test_constant_sequences(frames):
    x, y = sequences(0, frames)
    level = np.full(frames, 0.3)
    for got in (moments(level, y), moments(x, level), moments(level, level + 0.1)):
        assert correlation(got).isnan()
        assert concordance(got) == 0
    assert concordance(moments(level, level)).isnan()
    assert root_mean_square_error(moments(level, level)) == 0


def test_nearly_constant_sequences_keep_their_correlation():
    x = 0.5 + 1e-4 * np.random.default_rng(0).normal(size=300)
    y = 0.5 - x**2
    assert float(correlation(moments(x, y))) == pytest.approx(np.corrcoef(x, y)[0, 1], rel=1e-6)


def test_frames_without_a_face():
    x, y = (torch.from_numpy(side) for side in sequences(3, 4))
    x[1], y[2] = torch.nan, torch.nan
    assert paired_moments(x, y).isnan().all(dim=1).tolist() == [False, True, True, False]
    assert root_mean_square_error(torch.zeros(8)).isnan()
    assert concordance(torch.zeros(8)).isnan()


def random_landmarks(count):
    generator = np.random.default_rng(count)
    return generator.uniform(0, 1, (count, 68, 2)) * generator.uniform(30, 150, (count, 1, 2)) + generator.uniform(
        -30, 120, (count, 1, 2)
    )


def test_crops_of_opencv():
    """The matrix is built from three corresponding points by OpenCV, not from the formula under test."""
    landmarks = random_landmarks(12)
    images = np.random.default_rng(0).integers(0, 256, (12, 180, 200, 3), dtype=np.uint8)
    crops = emonet_crops(torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(landmarks))
    for image, points, matrix, crop in zip(
        images, landmarks, emonet_matrices(torch.from_numpy(landmarks)), crops, strict=True
    ):
        low, high = points.min(axis=0), points.max(axis=0)
        centre, half = (low + high) / 2, 200 * (high - low).sum() / 220 / 2
        corners = np.array([centre, centre - half, centre + np.array([half, -half])], dtype=np.float32)
        expected = cv2.getAffineTransform(corners, np.array([[128, 128], [0, 0], [256, 0]], dtype=np.float32))
        np.testing.assert_allclose(matrix, expected, atol=1e-3)
        warped = cv2.warpAffine(image, matrix.numpy(), (256, 256))
        assert np.abs(crop.permute(1, 2, 0).numpy().astype(int) - warped).max() <= 1


def test_no_face_is_black():
    landmarks = torch.from_numpy(random_landmarks(2))
    landmarks[1] = torch.nan
    crops = emonet_crops(torch.full((2, 3, 300, 300), 7, dtype=torch.uint8), landmarks)
    assert crops[0].any()
    assert not crops[1].any()


def test_emotion_similarity_distance():
    a, b = (torch.randn(5, 16, generator=torch.Generator().manual_seed(i), dtype=torch.float64) for i in range(2))
    cosine = 1 - torch.nn.functional.cosine_similarity(a, b)
    torch.testing.assert_close(emotion_similarity_distance(a, b), cosine)
    euclid = torch.nn.functional.pairwise_distance(a, b, eps=0.0)
    torch.testing.assert_close(emotion_similarity_distance(a, b, "l2"), euclid)
    a[3] = torch.nan
    assert emotion_similarity_distance(a, b, "l2").isnan().tolist() == [False, False, False, True, False]


def test_bad_input_is_named():
    with pytest.raises(MismatchError, match=r"\(2,\) and target \(3,\)"):
        paired_moments(torch.zeros(2), torch.zeros(3))
    with pytest.raises(InputError, match=r"\(1, 5, 2\)"):
        emonet_matrices(torch.zeros(1, 5, 2))
    with pytest.raises(InputError, match="'l1'"):
        emotion_similarity_distance(torch.zeros(1, 4), torch.zeros(1, 4), "l1")
