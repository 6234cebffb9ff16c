"""Given features: a row that is no row of numbers is a frame without a value, the same in every metric."""

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from metrics.cases import CASES, Case
from metrics.cases.case import ClipInputs
from metrics.cases.lip_reading import TEXTS
from torch import Tensor

from thm_torchmetrics import SpeechLipCorrelation
from thm_torchmetrics.catalog import CATALOG
from thm_torchmetrics.collection import metric_class
from thm_torchmetrics.core.clip_mean import ClipMean
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.core.set_distance import SetDistance
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.scoring.score import score

ON_FEATURES = [case for case in CASES.values() if case.make().feature_shape is not None and case.key not in TEXTS]
UNITS = [case for case in ON_FEATURES if case.key.startswith("aue")]
IN_TIME = (ClipMean, SpeechLipCorrelation)
"""Metrics that measure in time, where a frame that is missing leaves a gap."""
SPOILT = [torch.nan, torch.inf, -torch.inf, 1e200, -1e39]
CLIP, ROW = 1, 2


@pytest.fixture(params=ON_FEATURES, ids=[case.name for case in ON_FEATURES])
def case(request: pytest.FixtureRequest) -> Case:
    made: Case = request.param
    return made


def sides(case: Case) -> list[str]:
    """The inputs with a row per frame; labels, times of beats and flags of speech are none."""
    return [name for name, rows in case.clips[CLIP].items() if name != "labels" and (name != "audio" or rows.ndim > 1)]


def spoilt(case: Case, side: str, value: float) -> list[ClipInputs]:
    clips = [dict(clip) for clip in case.clips]
    clips[CLIP][side] = clips[CLIP][side].to(torch.float64).clone()
    clips[CLIP][side][ROW] = value
    return clips


def expected(case: Case, side: str) -> float:
    """The value without the frame, by code that is not ours."""
    clips = [dict(clip) for clip in case.clips]
    key = case.key.partition(":")[0]
    keep = [i for i in range(len(clips[CLIP][side])) if i != ROW]
    reference = case.options.get("reference")
    if CATALOG[key].extractor_kind == "syncnet":
        del clips[CLIP]  # a mean over a clip has no value if a part of it has none
    elif key == "mkr" and side == "preds":
        clips[CLIP][side] = clips[CLIP][side].clone()
        clips[CLIP][side][ROW] = torch.nan  # a face that was missed
    elif (
        issubclass(metric_class(CATALOG[key]), SetDistance)
        or case.key in ("esd", "bsd")
        or (reference == "preds-first")
    ):
        clips[CLIP][side] = clips[CLIP][side][keep]
    elif reference == "target-first":
        clips[CLIP]["preds"] = clips[CLIP]["preds"][keep if side == "preds" else slice(None)]
    else:
        clips[CLIP] |= {name: rows[keep] for name, rows in clips[CLIP].items() if name in sides(case)}
    return case.reference(clips)


def measured(case: Case, clips: list[ClipInputs]) -> TalkingHeadMetric:
    metric = case.make()
    for clip in clips:
        metric.update(**clip)
    metric.compute()
    return metric


@pytest.mark.parametrize("value", SPOILT)
def test_a_row_that_is_not_finite_is_a_frame_without_a_value_and_is_counted(case: Case, value: float) -> None:
    """There were six behaviours, one of them a crash in ``compute`` after the whole set."""
    if case in UNITS and math.isfinite(value):
        pytest.skip("intensities have a range of their own")
    whole = measured(case, case.clips).coverage
    for side in sides(case):
        metric, missing = (measured(case, spoilt(case, side, each)) for each in (value, torch.nan))
        if not isinstance(metric, IN_TIME):
            assert float(metric.compute()) == pytest.approx(expected(case, side), rel=max(case.tolerance, 1e-7))
        assert metric.compute() == missing.compute()
        assert metric.coverage == missing.coverage
        counts = not (case.key == "mkr" and side == "preds")
        counts &= not (case.options.get("reference") == "target-first" and side == "target")
        assert (metric.coverage < whole) == counts


def test_one_number_of_a_row_is_enough(case: Case) -> None:
    """Of the numbers that the metric reads: of the mouth, the expression, the angles, the lower face."""
    columns: dict[str, Any] = {
        "lmd": (50, 0), "akd": slice(None), "mkr": slice(None), "aed": 90, "apd": 225, "e-fid": 90, "aue-l": 10,
    }  # fmt: skip
    own = case.key.endswith((":features", ":hallo"))
    column = 1 if own else columns.get(case.key.partition(":")[0], 1)
    for side in sides(case):
        metrics = []
        for value in (torch.nan, torch.inf, -torch.inf):
            clips = [dict(clip) for clip in case.clips]
            rows = clips[CLIP][side].to(torch.float64).clone()
            rows[ROW if rows.ndim == 1 else (ROW, *column) if isinstance(column, tuple) else (ROW, column)] = value
            clips[CLIP][side] = rows
            metrics.append(measured(case, clips))
        assert len({str(float(metric.compute())) for metric in metrics}) == 1  # NaN differs from NaN
        if not isinstance(metrics[0], IN_TIME):
            assert float(metrics[0].compute()) == pytest.approx(expected(case, side), rel=max(case.tolerance, 1e-7))
        assert len({metric.coverage for metric in metrics}) == 1


OF_FILES = {case.key.partition(":")[0]: case for case in CASES.values() if case.make().feature_shape is not None}
"""A case of each metric."""


@pytest.mark.parametrize("key", OF_FILES)
def test_rows_of_files_are_those_of_tensors(key: str, tmp_path: Path) -> None:
    """Scores, one number per frame, were refused by a message that asked for what was given."""
    case = OF_FILES[key]
    if not case.clips[0].keys() <= {"preds", "target"} or key.startswith("lse-"):
        pytest.skip("needs more than two folders of features")
    for number, clip in enumerate(case.clips):
        for side, rows in clip.items():
            (tmp_path / side).mkdir(exist_ok=True)
            save = np.save if number % 2 else np.savez
            save(tmp_path / side / f"{number}{'.npy' if number % 2 else '.npz'}", rows.numpy())
    options = {name: value for name, value in case.options.items() if name != "extractor"}
    for name, value in options.items():
        if isinstance(value, Tensor | tuple):  # of vertices
            np.save(tmp_path / f"{name}.npy", np.asarray(value))
            options[name] = str(tmp_path / f"{name}.npy")
    result = score(
        metrics=[case.key],
        preds_features={case.key: tmp_path / "preds"},
        target_features={case.key: tmp_path / "target"} if "target" in case.clips[0] else None,
        options={case.key: options} if options else None,
    )
    found = result.metrics[case.key]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few samples
        metric = measured(case, case.clips)
        assert found.value == pytest.approx(float(metric.compute()), rel=1e-9)
    assert found.coverage == metric.coverage


def test_whole_numbers_are_numbers(case: Case) -> None:
    if case.key == "slcc":
        pytest.skip("sound has a range of its own")
    highest = 1 if case.key == "quality:q-align" else 5  # the largest score, or intensity of a unit

    def rounded(clip: ClipInputs, dtype: torch.dtype) -> ClipInputs:
        return {name: (3 * rows.nan_to_num(nan=1)).round().clamp(0, highest).to(dtype) for name, rows in clip.items()}

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of metrics that have no value of such rows
        whole, floats = (
            measured(case, [rounded(clip, dtype) for clip in case.clips]) for dtype in (torch.int32, torch.float64)
        )
        assert torch.equal(whole.compute().nan_to_num(nan=-9), floats.compute().nan_to_num(nan=-9))


NO_NUMBERS = {
    "complex": (lambda x: x.to(torch.complex128), "complex128.*x.real"),
    "sparse": (lambda x: x.to_sparse(), "sparse_coo.*to_dense"),
    "sparse in rows": (lambda x: x.reshape(len(x), -1).to_sparse_csr(), "sparse_csr|must be"),
    "meta": (lambda x: x.to("meta"), "meta device"),
    "quantized": (lambda x: torch.quantize_per_tensor(x.float(), 0.1, 0, torch.qint8), "qint8.*dequantize"),
}


@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_what_holds_no_numbers_is_an_error_that_names_the_remedy(case: Case, kind: str) -> None:
    """The imaginary part of complex features was dropped; sparse and meta ones ended in an error of torch."""
    spoil, words = NO_NUMBERS[kind]
    metric = case.make()
    for side in sides(case):
        clip: dict[str, Tensor] = dict(case.clips[CLIP])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about quantized and sparse tensors
            clip[side] = spoil(clip[side])
            with pytest.raises(InputError, match=words):
                metric.update(**clip)
        assert not metric.sums.any()
