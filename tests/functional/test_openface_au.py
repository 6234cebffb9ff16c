"""OpenFace's intensity stage against what its C++ gave with made-up models, and against closed forms."""

import math

import cv2
import numpy as np
import pytest
import torch
from parity.openface import CASES, MODEL, array, frames, models
from parity.seeded import golden
from scipy.linalg import polar
from scipy.spatial.transform import Rotation
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.openface_au import (
    HOG_VALUES,
    Models,
    action_unit_features,
    action_unit_intensities,
    action_unit_outputs,
    calibrate_action_units,
)
from thm_torchmetrics.functional.openface_face import SIDE, align_to_mean_face, triangle_mask
from thm_torchmetrics.functional.openface_hog import oriented_gradients
from thm_torchmetrics.functional.openface_shape import closest_rotation, euler_angles, fit_point_model, rotation_matrix


def landmarks(case: str) -> Tensor:
    return array(f"{case}_landmarks").to(torch.float64)


def success(case: str) -> Tensor:
    return array(f"{case}_success").bool()


def points(case: str) -> Tensor:
    """The landmarks, NaN in frames without a face."""
    return torch.where(success(case)[:, None, None], landmarks(case), torch.nan)


# ---- the golden data of the original


@pytest.mark.parametrize("case", CASES)
def test_pose_and_shape(case: str) -> None:
    fit = fit_point_model(landmarks(case)[success(case)], models().point_model)
    assert (fit.pose - array(f"{case}_global")[success(case)]).abs().max() <= 5e-5
    assert (fit.shape - array(f"{case}_local")[success(case)]).abs().max() <= 1e-4


@pytest.mark.parametrize("case", CASES)
def test_the_aligned_face(case: str) -> None:
    shown = array(f"{case}_frames")
    shift = fit_point_model(landmarks(case)[shown], models().point_model).pose[:, 4:]
    mean = models().point_model.mean
    got = align_to_mean_face(frames(case)[shown], landmarks(case)[shown], shift, mean, models().triangles)
    for pixels, name in zip(got, ("warped", "aligned"), strict=True):
        expected = array(f"{case}_{name}").movedim(-1, 1).flip(1)  # stored as B, G, R
        off = (pixels.int() - expected.int()).abs()
        assert off.max() <= 1
        assert (off > 0).double().mean() <= 1e-3
    expected = array(f"{case}_aligned").movedim(-1, 1).flip(1)
    assert torch.equal(got[1].any(dim=1), expected.any(dim=1))


@pytest.mark.parametrize("case", CASES)
def test_the_gradients(case: str) -> None:
    faces = array(f"{case}_aligned").movedim(-1, 1).flip(1)
    assert (oriented_gradients(faces) - array(f"{case}_hog")).abs().max() <= 1e-6


@pytest.mark.parametrize("case", CASES)
def test_the_features(case: str) -> None:
    shown = array(f"{case}_frames")
    features = action_unit_features(frames(case)[shown], landmarks(case)[shown], models())
    assert (features[:, :HOG_VALUES] - array(f"{case}_hog").flatten(1)).abs().max() <= 5e-3
    assert (features[:, HOG_VALUES:] - array(f"{case}_geometry")).abs().max() <= 1e-3


@pytest.mark.parametrize(("dynamic", "name"), [(True, "intensity"), (False, "static_intensity")])
@pytest.mark.parametrize("case", CASES)
def test_the_intensities(case: str, dynamic: bool, name: str) -> None:
    got = action_unit_intensities(frames(case), landmarks(case), success(case), models(), dynamic)
    assert (got - array(f"{case}_{name}")).abs().max() <= 0.02
    assert not golden(MODEL)[f"{case}_{name}"].max() < 1  # the data tell something


# ---- closed forms


def test_rotations_are_those_of_scipy() -> None:
    draw = torch.Generator().manual_seed(0)
    angles = torch.rand(50, 3, generator=draw, dtype=torch.float64) * 2 - 1
    expected = Rotation.from_euler("XYZ", angles.numpy()).as_matrix()
    np.testing.assert_allclose(rotation_matrix(angles), expected, atol=1e-14)
    np.testing.assert_allclose(euler_angles(rotation_matrix(angles)), angles, atol=1e-13)


def test_a_small_rotation_is_the_orthogonal_factor() -> None:
    steps = torch.randn(20, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for step, got in zip(steps.numpy(), closest_rotation(steps), strict=True):
        linear = np.eye(3) + np.cross(np.eye(3), step)
        np.testing.assert_allclose(got, polar(linear)[0], atol=1e-13)


def test_the_fit_finds_the_pose_of_a_mean_face() -> None:
    """Of points that are a projection of the mean face, to the accuracy at which the fit stops."""
    model = models().point_model
    angles = torch.tensor([[0.2, -0.3, 0.1]], dtype=torch.float64)
    seen = (1.4 * rotation_matrix(angles)[:, :2] @ model.mean).transpose(1, 2) + torch.tensor([90.0, 70.0])
    fit = fit_point_model(seen, model)
    pose = torch.tensor([[1.4, 0.2, -0.3, 0.1, 90.0, 70.0]], dtype=torch.float64)
    assert (fit.pose - pose).abs().max() < 1e-3
    assert fit.shape.abs().max() < 1e-2


def test_the_fit_of_a_face_does_not_depend_on_the_others() -> None:
    together = fit_point_model(landmarks("face"), models().point_model)
    for row in (0, 7, 30):
        alone = fit_point_model(landmarks("face")[row : row + 1], models().point_model)
        assert (alone.pose - together.pose[row]).abs().max() < 1e-10
        assert (alone.shape - together.shape[row]).abs().max() < 1e-10


def test_points_without_an_extent_have_no_fit() -> None:
    points = landmarks("pair").clone()
    points[0] = 40.0
    fit = fit_point_model(points, models().point_model)
    assert fit.pose[0].isnan().any()
    assert fit.shape[0].isnan().all()
    assert fit.shape[1].isfinite().all()


def test_an_even_face_has_no_gradients() -> None:
    assert oriented_gradients(torch.full((2, 3, SIDE, SIDE), 90, dtype=torch.uint8)).count_nonzero() == 0


@pytest.mark.parametrize(("axis", "orientation"), [(3, 0), (2, 4)])
def test_a_ramp_has_one_direction(axis: int, orientation: int) -> None:
    """A gradient along x is direction 0, along y direction 4, the first of the two that fit best; all cells alike."""
    ramp = torch.arange(SIDE).mul(2).to(torch.uint8).view([SIDE if i == axis else 1 for i in range(4)])
    cells = oriented_gradients(ramp.expand(1, 3, SIDE, SIDE))[0]
    signed = cells[1:-1, 1:-1, :18]
    assert torch.equal(signed.amax(dim=(0, 1)).nonzero().flatten(), torch.tensor([orientation]))
    # four blocks, each with the limit 0.2 n and the scale 0.1 / (0.2 n): 4 * 0.2 * 0.5
    assert signed[..., orientation].allclose(torch.tensor(0.4, dtype=torch.float64), atol=1e-6)
    downwards = oriented_gradients(255 - ramp.expand(1, 3, SIDE, SIDE))[0, 1:-1, 1:-1, :18]
    assert torch.equal(downwards.amax(dim=(0, 1)).nonzero().flatten(), torch.tensor([orientation + 9]))


def test_triangles_hold_the_pixels_that_opencv_says() -> None:
    """Whole corners, where edges are exact; a pixel on an edge is inside."""
    draw = torch.Generator().manual_seed(2)
    for _ in range(20):
        corners = torch.randint(0, 60, (1, 3, 2), generator=draw)
        got = triangle_mask(corners.to(torch.float64), torch.tensor([[0, 1, 2]]), 60)[0]
        inside = np.zeros((60, 60), np.uint8)
        contour = corners[0].numpy().astype(np.int32)
        if cv2.contourArea(contour) == 0:
            continue
        for y in range(60):
            for x in range(60):
                inside[y, x] = cv2.pointPolygonTest(contour.astype(np.float32), (float(x), float(y)), False) >= 0
        assert np.array_equal(got.numpy(), inside.astype(bool))


def test_a_corner_far_outside_and_nan_do_not_harm() -> None:
    wild = torch.tensor([[[-1e6, -1e6], [1e6, -1e6], [0.0, 1e6]], [[torch.nan, 0.0], [5.0, 0.0], [0.0, 5.0]]])
    mask = triangle_mask(wild.to(torch.float64), torch.tensor([[0, 1, 2]]), 8)
    assert mask[0].all()
    assert not mask[1].any()


def test_calibration_by_hand() -> None:
    """n = 4, cut-off 0.5: position 2 of the sorted outputs, of tracked frames alone; zeros of failed frames leak."""
    outputs = torch.tensor([0.5, 3.0, torch.nan, 1.0, 9.0], dtype=torch.float64)[:, None].expand(5, 17)
    cutoffs = torch.full((17,), 0.5, dtype=torch.float64)
    cutoffs[1] = torch.nan
    got = calibrate_action_units(outputs, cutoffs)
    assert got[:, 0].tolist() == pytest.approx([0, 0, 0, 5 / 3, 5])  # 0, 0, failed, 0, min(6, 5)
    assert got[:, 1].tolist() == pytest.approx([0.5, 3.5 / 3, 4 / 3, 2, 5])
    assert torch.equal(calibrate_action_units(outputs, cutoffs, dynamic=False)[:, 0], got[:, 1])


@pytest.mark.parametrize("cutoff", [0.2, 0.3, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8])
@pytest.mark.parametrize("count", [1, 2, 20, 100, 251])
def test_the_zero_is_the_value_at_the_position_of_the_cutoff(count: int, cutoff: float) -> None:
    outputs = torch.rand(count, 17, generator=torch.Generator().manual_seed(count), dtype=torch.float64) * 8 - 2
    got = calibrate_action_units(outputs, torch.full((17,), cutoff, dtype=torch.float64))
    rows = outputs.numpy()
    clipped = np.clip(rows - np.sort(rows, axis=0)[int(count * cutoff)], 0, 5)
    expected = clipped.copy()
    for t in range(1, count - 1):
        expected[t] = clipped[t - 1 : t + 2].mean(axis=0)
    np.testing.assert_allclose(got, expected, atol=1e-14)


def test_medians_and_biases_of_dynamic_units_cancel() -> None:
    outputs = action_unit_outputs(frames("face"), points("face"), models())
    dynamic = ~models().cutoffs.isnan()
    shifted = calibrate_action_units(outputs + 7.5 * dynamic, models().cutoffs)
    assert (shifted - calibrate_action_units(outputs, models().cutoffs)).abs().max() < 1e-12


# ---- properties


@pytest.mark.parametrize("step", [1, 4, 30])
def test_parts_of_a_clip_give_what_the_whole_gives(step: int) -> None:
    whole = action_unit_intensities(frames("face"), landmarks("face"), success("face"), models())
    parts = zip(frames("face").split(step), points("face").split(step), strict=True)
    outputs = torch.cat([action_unit_outputs(part, seen, models()) for part, seen in parts])
    assert (calibrate_action_units(outputs, models().cutoffs) - whole).abs().max() < 1e-11


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtypes_and_memory_layouts_of_the_input_do_not_matter(dtype: torch.dtype) -> None:
    whole = action_unit_intensities(frames("edge"), landmarks("edge"), success("edge"), models())
    strided = frames("edge").to(memory_format=torch.channels_last)
    for tracked in (success("edge"), success("edge").to(torch.uint8), success("edge").to(torch.float32)):
        got = action_unit_intensities(strided, landmarks("edge").to(dtype), tracked, models())
        assert torch.equal(got, whole)


def test_a_frame_without_a_face_is_nan_before_and_zero_after_calibration() -> None:
    outputs = action_unit_outputs(frames("face"), points("face"), models())
    assert torch.equal(outputs.isnan().any(dim=1), ~success("face"))
    nothing = torch.zeros(len(outputs), dtype=torch.bool)
    assert action_unit_intensities(frames("face"), landmarks("face"), nothing, models()).count_nonzero() == 0


@pytest.mark.parametrize("bad", ["one point", "a line", "nan", "infinite"])
def test_landmarks_that_are_no_face_do_not_reach_the_others(bad: str) -> None:
    seen = landmarks("pair").repeat(2, 1, 1)
    if bad == "one point":
        seen[1] = 40.0
    elif bad == "a line":
        seen[1, :, 1] = 40.0
    else:
        seen[1, 5, 0] = math.nan if bad == "nan" else math.inf
    outputs = action_unit_outputs(frames("pair").repeat(2, 1, 1, 1), seen, models())
    good = action_unit_outputs(frames("pair"), landmarks("pair"), models())
    assert (outputs[[0, 2, 3]] - good[[0, 0, 1]]).abs().max() < 1e-10
    assert outputs[1].isnan().all() or bad == "a line"  # flat, but it has an extent


def test_an_empty_clip_has_no_rows() -> None:
    nothing = action_unit_intensities(frames("pair")[:0], landmarks("pair")[:0], success("pair")[:0], models())
    assert nothing.shape == (0, 17)


def test_models_take_the_shapes_of_the_file() -> None:
    known = models()
    mean = known.pdm_mean
    for form in (mean, mean[:, None], mean.view(3, 68).T):
        made = Models(
            form, known.pdm_components, known.pdm_variances[None], known.triangles.int(), known.means.repeat(17, 1),
            known.weights.numpy(), known.biases, known.cutoffs.nan_to_num(0.0),
        )  # fmt: skip
        got = action_unit_intensities(frames("pair"), landmarks("pair"), success("pair"), made)
        whole = action_unit_intensities(frames("pair"), landmarks("pair"), success("pair"), known)
        assert (got - whole).abs().max() < 1e-11


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("weights", torch.zeros(17, 4701), r"`weights` .*\(17, 4702\), got \(17, 4701\)"),
        ("means", torch.zeros(4464), r"`means` must be \(4702,\)"),
        ("triangles", torch.full((1, 3), 68), r"0\.\.67"),
        ("biases", torch.full((17,), torch.nan), "`biases` holds NaN"),
        ("cutoffs", torch.zeros(11), r"`cutoffs` .*\(17\), got \(11,\)"),
        ("pdm_components", torch.zeros(68, 34), r"`pdm_components`"),
    ],
)
def test_models_that_do_not_fit_are_refused(name: str, value: Tensor, said: str) -> None:
    known = {each: getattr(models(), each) for each in Models.__dataclass_fields__}
    with pytest.raises(InputError, match=said):
        Models(**(known | {name: value}))


def test_wrong_input_is_named() -> None:
    pictures, seen, tracked = frames("pair"), landmarks("pair"), success("pair")
    with pytest.raises(InputError, match=r"`frames` must be uint8, got torch\.float32"):
        action_unit_intensities(pictures / 255, seen, tracked, models())
    with pytest.raises(InputError, match=r"`landmarks` .* got \(2, 5, 2\)"):
        action_unit_intensities(pictures, seen[:, :5], tracked, models())
    with pytest.raises(MismatchError, match="1 values of `success` for 2 frames"):
        action_unit_intensities(pictures, seen, tracked[:1], models())
    with pytest.raises(MismatchError, match="1 rows of `landmarks` for 2 frames"):
        action_unit_outputs(pictures, seen[:1], models())
    with pytest.raises(InputError, match=r"`outputs` .*got \(3, 12\)"):
        calibrate_action_units(torch.zeros(3, 12), models().cutoffs)
