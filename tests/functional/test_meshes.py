"""Meshes against the originals' golden numbers, and closed forms."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from parity import build
from parity.seeded import golden, golden_meta

from thm_torchmetrics import LipVertexError, MeanVertexError, MouthTimingMisalignment, UpperFaceDynamicsDeviation
from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional import meshes

MESH = golden("mesh")
TIMING = golden("mtm_slcc")


def clips(dtype: torch.dtype = torch.float64) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Prediction, target and neutral face of each clip."""
    for target, preds, template in build.mesh_clips(golden_meta("mesh")):
        yield tuple(torch.from_numpy(np.asarray(each)).to(dtype) for each in (preds, target, template))


def number(name: str) -> float:
    return float(MESH[name])


@pytest.mark.parametrize(("dtype", "suffix", "tolerance"), [(torch.float64, "", 1e-9), (torch.float32, "_f32", 1e-5)])
def test_lve_and_fdd_are_what_codetalker_prints(dtype: torch.dtype, suffix: str, tolerance: float) -> None:
    lips, upper = build.mesh_regions(golden_meta("mesh"))
    lve, fdd = LipVertexError(lips=lips.tolist()), UpperFaceDynamicsDeviation(upper=upper.tolist())
    for preds, target, template in clips(dtype):
        lve.update(preds, target)
        fdd.update(preds, target, template=template)
    assert float(lve.compute()) == pytest.approx(number("codetalker_lve" + suffix), rel=tolerance)
    assert float(fdd.compute()) == pytest.approx(number("codetalker_fdd" + suffix), rel=tolerance * 10)
    assert lve.tally(lve.named(lve.sums)).scored == number("codetalker_frames")


@pytest.mark.parametrize(("name", "cut"), [("facediffuser_", 0), ("facediffuser_short_", 2)])
def test_errors_are_what_facediffuser_prints(name: str, cut: int) -> None:
    lips, upper = build.mesh_regions(golden_meta("mesh"))
    mve, lve = MeanVertexError(), LipVertexError(lips=lips, protocol="facediffuser")
    fdd = UpperFaceDynamicsDeviation(upper=torch.from_numpy(upper), protocol="facediffuser")
    for preds, target, template in clips():
        preds = preds[: len(target) - cut] if cut else preds
        for metric in (mve, lve):
            metric.update(preds, target)
        fdd.update(preds, target, template=template)
    assert float(mve.compute()) == pytest.approx(number(name + "mve"), rel=1e-9)
    assert float(lve.compute()) == pytest.approx(number(name + "lve"), rel=1e-9)
    assert float(fdd.compute()) == pytest.approx(number(name + "abs_fdd"), rel=1e-9)


def test_codetalker_takes_no_prediction_that_is_shorter() -> None:
    vertices = torch.zeros(5, 4, 3)
    fdd = UpperFaceDynamicsDeviation(upper=[0], template=torch.zeros(4, 3))
    for metric in (LipVertexError(lips=[0]), fdd):
        with pytest.raises(MismatchError, match=r"the prediction has 4 frames and the target 5.*'facediffuser'"):
            metric.update(vertices[:4], vertices)


@pytest.mark.parametrize("case", range(4))
def test_the_timing_of_the_mouth_is_that_of_the_original(case: int) -> None:
    target, preds = build.lip_pair(golden_meta("mtm_slcc"), case)
    made = meshes.mouth_opening(torch.from_numpy(preds))
    real = meshes.mouth_opening(torch.from_numpy(target))[::2]
    found = meshes.mouth_timing_differences(made, real)
    assert found.tolist() == TIMING[f"mtm_{case}_deltas"].tolist()
    steps = [np.diff(TIMING[f"mtm_{case}_{side}_smooth"], prepend=TIMING[f"mtm_{case}_{side}_smooth"][:1]) for side in
             ("gt", "pred")]  # fmt: skip
    assert [list(pair) for pair in meshes.warping_path(*steps)] == TIMING[f"mtm_{case}_path"].tolist()


def test_mtm_is_the_mean_over_clips_that_have_a_match() -> None:
    frames, time = (MouthTimingMisalignment(lips=[0, 1], protocol=name) for name in ("perceptual-frames", "perceptual"))
    for case in range(4):
        target, preds = (torch.from_numpy(side) for side in build.lip_pair(golden_meta("mtm_slcc"), case))
        frames.update(preds, target)
        time.update(preds, target)
    assert float(frames.compute()) == pytest.approx(float(TIMING["mtm_overall"]), rel=1e-12)
    assert float(time.compute()) == pytest.approx(40 * float(TIMING["mtm_overall"]), rel=1e-12)
    frames.reset()
    frames.update(torch.zeros(20, 2, 3), torch.zeros(40, 2, 3))
    with pytest.warns(UserWarning, match="no match: 1"):
        assert frames.compute().isnan()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LipVertexError().update(torch.zeros(2, 3, 3), torch.zeros(2, 3, 3)), "lve needs `lips`"),
        (lambda: LipVertexError(lips=[]), "at least one"),
        (lambda: LipVertexError(lips=[-1]), "whole numbers from 0"),
        (lambda: LipVertexError(lips=torch.tensor([0.5])), "whole numbers from 0"),
        (lambda: LipVertexError(lips=[0], extractor="fan"), "no extractor gives"),
        (lambda: MouthTimingMisalignment(lips=[1, 2, 3]), "two numbers"),
        (lambda: UpperFaceDynamicsDeviation(upper=[0], template=torch.zeros(3)), r"vertices of shape \(V, 3\)"),
        (lambda: UpperFaceDynamicsDeviation(upper=[0]).update(torch.zeros(2, 3, 3), torch.zeros(2, 3, 3)), "template"),
        (lambda: LipVertexError(lips=[7]).update(torch.zeros(2, 3, 3), torch.zeros(2, 3, 3)), "vertex 7"),
        (lambda: LipVertexError(lips=[0]).update(torch.zeros(2, 3, 3), torch.zeros(2, 4, 3)), "the same mesh"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_a_frame_without_a_vertex_is_counted() -> None:
    target = torch.zeros(4, 3, 3)
    preds = target + 1
    preds[1, 2] = torch.nan
    metric = LipVertexError(lips=[0])
    metric.update(preds, target)
    assert float(metric.compute()) == pytest.approx(3)
    assert metric.coverage == 0.75


def test_the_intensity_of_lips_is_that_of_the_original() -> None:
    meta = golden_meta("mtm_slcc")
    lips, _ = build.slcc_clip(meta, "W011_happy_level_3_001", range(int(TIMING["slcc_mouth_map_unique"])), 3)
    twice = [*range(lips.shape[1]), 8, 10, 110, 112]  # the entries that the original's list has twice
    found = meshes.lip_intensity(torch.from_numpy(lips)[:, twice])
    assert float(found) == pytest.approx(TIMING["slcc_lip_intensity"][-1], rel=1e-12)
    assert meshes.lip_intensity(torch.zeros(1, 4, 3)).isnan()
