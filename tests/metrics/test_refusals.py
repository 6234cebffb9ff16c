"""What metrics refuse, where no property of all of them reaches it."""

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from metrics.cases import CASES
from torch import Tensor

from thm_torchmetrics import (
    BeatAlignment,
    BlinkRate,
    BlinkSimilarityDistance,
    Clip,
    DynamicDegree,
    EmotionSimilarityDistance,
    ExpressionFrechetDistance,
    FrameDelay,
    FrechetInceptionDistance,
    FrechetVideoDistance,
    KernelInceptionDistance,
    LipVertexError,
    MeanVertexError,
    MouthOpeningDifference,
    MouthTimingMisalignment,
    UpperFaceDynamicsDeviation,
    UpperFaceVertexError,
)
from thm_torchmetrics.collection import option_names
from thm_torchmetrics.core.inputs import sounds_by_clip
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import InputError, MismatchError, WeightsError
from thm_torchmetrics.extractors.natural_scenes import read_natural_scene
from thm_torchmetrics.extractors.openface_models import read_triangles
from thm_torchmetrics.functional import kernel_distance
from thm_torchmetrics.reports.contact_sheet import landmark_sheet
from thm_torchmetrics.scoring.metric_options import settable_options


def test_sounds_that_are_no_tensors_are_refused() -> None:
    with pytest.raises(InputError, match=r"audio must be tensors \(S,\), got "):
        sounds_by_clip([torch.zeros(9), "a.wav"], 2)


def test_a_clip_without_its_sound_is_refused() -> None:
    case = next(case for case in CASES.values() if case.key == "slcc")
    clip = case.clips[1]
    with pytest.raises(InputError, match="needs `audio` of every clip"):
        case.make().update([clip["preds"]], audio=[None])


LIPS: dict[str, Any] = {"lips": [0, 1]}
UPPER: dict[str, Any] = {"upper": [0, 1], "template": torch.zeros(5, 3)}


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (LipVertexError, LIPS),
        (MouthOpeningDifference, LIPS),
        (MouthTimingMisalignment, LIPS),
        (MeanVertexError, {}),
        (UpperFaceVertexError, {"upper": [0, 1]}),
        (UpperFaceDynamicsDeviation, UPPER),
    ],
    ids=lambda value: getattr(value, "key", ""),
)
def test_two_meshes_are_not_compared(kind: type[TalkingHeadMetric], options: dict[str, Any]) -> None:
    """Vertex 0 of one is not vertex 0 of the other; two metrics took it for that."""
    metric = kind(**options)
    with pytest.raises(MismatchError, match="the prediction has 6 vertices and the target 5; both need the same mesh"):
        metric.update(torch.rand(8, 6, 3), torch.rand(8, 5, 3))
    metric.update(torch.rand(8, 5, 3), torch.rand(8, 5, 3))


def test_the_neutral_face_is_of_the_same_mesh() -> None:
    clips = torch.rand(8, 4, 3), torch.rand(8, 4, 3)
    with pytest.raises(MismatchError, match="the mesh has 4 vertices and `template` 5; give the neutral face of"):
        UpperFaceDynamicsDeviation(**UPPER).update(*clips)
    with pytest.raises(MismatchError, match="the mesh has 4 vertices and `template` 6"):
        UpperFaceDynamicsDeviation(upper=[0]).update(*clips, template=torch.zeros(6, 3))


@pytest.mark.parametrize(
    ("face", "words"),
    [
        (np.zeros((5, 3)), r"must be a tensor, got ndarray; pass torch\.from_numpy"),
        ([[0, 0, 0]], "must be a tensor, got list"),
        (torch.zeros(5, 3, device="meta"), "meta device"),
        (torch.zeros(1, 5, 3), r"\(V, 3\), got \(1, 5, 3\)"),
        (torch.full((5, 3), torch.nan), "holds NaN or infinity"),
    ],
)  # fmt: skip
def test_a_neutral_face_that_is_none_is_named(face: Any, words: str) -> None:
    with pytest.raises(InputError, match=f"`template` .*{words}"):
        UpperFaceDynamicsDeviation(upper=[0], template=face)


@pytest.mark.parametrize("numbers", [[np.int64(3), np.int32(1)], list(torch.tensor([3, 1])), (3, 1), np.array([3, 1])])
def test_vertices_are_listed_by_whole_numbers_of_any_type(numbers: Any) -> None:
    assert LipVertexError(lips=numbers).settings() == LipVertexError(lips=torch.tensor([3, 1])).settings()


@pytest.mark.parametrize("numbers", [3, [1.0], [-1], [], torch.ones(4, dtype=torch.bool), [True], [[1]], [np.bool_(1)]])
def test_a_list_of_vertices_that_is_none_is_named(numbers: Any) -> None:
    with pytest.raises(InputError, match=r"`lips` must be a list of whole numbers from 0.* of a mask give"):
        LipVertexError(lips=numbers)


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf"), "25"])
def test_a_rate_is_above_0(fps: Any) -> None:
    """A Clip took 0 for 25, and any other number as it was; infinity divided by zero."""
    landmarks = torch.rand(6, 68, 2)
    with pytest.raises(InputError, match="fps must be above 0, got"):
        DynamicDegree(fps=fps)
    with pytest.raises(InputError, match="fps must be above 0, got"):
        Clip(torch.zeros(2, 3, 8, 8), fps=fps)
    with pytest.raises(InputError, match="fps must be above 0, got"):
        BlinkRate(extractor=None).update(landmarks, fps=fps)
    with pytest.raises(InputError, match="fps must be above 0, got"):
        BeatAlignment(extractor=None).update(landmarks, audio=torch.ones(1), fps=fps)


NUMBERS = [
    (kind, name)
    for kind in {case.make().key: type(case.make()) for case in CASES.values()}.values()
    for name, text in settable_options(kind).items()
    if float in (text, *get_args(text))
]


@pytest.mark.parametrize(("kind", "name"), NUMBERS, ids=lambda value: getattr(value, "key", value))
def test_an_option_that_is_no_number_is_named(kind: type[TalkingHeadMetric], name: str) -> None:
    """With a threshold of NaN no mouth was ever open, and no eye closed."""
    given: dict[str, Any] = {"extractor": None} if "extractor" in option_names(kind) else {}
    with pytest.raises(InputError, match=rf"{name} must be .*nan|{name} .* nan"):
        kind(**{**given, name: float("nan")})


@pytest.mark.parametrize("value", [2.5, "3", True])
def test_an_option_that_counts_is_a_whole_number(value: Any) -> None:
    counts: list[tuple[type[TalkingHeadMetric], str]] = [
        (KernelInceptionDistance, "max_samples"),
        (KernelInceptionDistance, "num_features"),
        (FrechetInceptionDistance, "num_features"),
        (ExpressionFrechetDistance, "num_features"),
        (FrameDelay, "max_delay"),
        (FrechetVideoDistance, "frames"),
        (FrechetVideoDistance, "stride"),
        (FrechetVideoDistance, "resolution"),
    ]
    for kind, name in counts:
        options: dict[str, Any] = {"extractor": None, name: value}
        options |= {"protocol": "features"} if kind is ExpressionFrechetDistance else {}
        with pytest.raises(InputError, match=f"{name} must be a whole number, got"):
            kind(**options)


def test_a_flow_has_pixels() -> None:
    with pytest.raises(InputError, match="the flow is 6x3, needs at least 20 pixels"):
        DynamicDegree().update(torch.zeros(4, 2, 3, 6))


def test_a_clip_has_one_emotion() -> None:
    with pytest.raises(InputError, match='protocol "survey" has one value per clip and no average="frame"'):
        EmotionSimilarityDistance(extractor=None, average="frame")


def test_features_of_two_networks_are_not_compared() -> None:
    with pytest.raises(MismatchError, match="prediction have length 3 and those of the target 4; give both sides"):
        BlinkSimilarityDistance().update(torch.ones(1, 3), torch.ones(1, 4))
    with pytest.raises(InputError, match="preds has 3 features a row and target 4; they must be equal"):
        kernel_distance(torch.ones(2, 3), torch.ones(2, 4))


def test_a_sheet_needs_frames() -> None:
    with pytest.raises(InputError, match="there are no frames to draw"):
        landmark_sheet([], [], [])


@pytest.mark.parametrize("mean", [np.zeros(35), np.full(36, np.nan)], ids=["shape", "NaN"])
def test_parameters_of_niqe_have_a_shape_and_are_finite(tmp_path: Path, mean: Any) -> None:
    file = tmp_path / "niqe.npz"
    np.savez(file, mu_pris_param=mean, cov_pris_param=np.eye(36))
    with pytest.raises(WeightsError, match=r"niqe\.npz holds a mean of .* needs 36 finite features"):
        read_natural_scene(file, "")


def test_files_of_openface_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"absent\.txt cannot be read: No such file"):
        read_triangles(tmp_path / "absent.txt")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WeightsError, match=r"bytes\.txt is damaged: it is no text"):
        read_triangles(tmp_path / "bytes.txt")


def test_statistics_of_another_size_are_refused(tmp_path: Path) -> None:
    """The facts of both are equal where a class of a user's changes the state alone."""

    class Half(FrechetInceptionDistance):
        def compared(self, features: Tensor) -> Tensor:
            return features[:, : self.dimensions]

        @property
        def dimensions(self) -> int:
            return 2

    options: dict[str, Any] = {"extractor": None, "num_features": 4}
    metric = FrechetInceptionDistance(**options)
    metric.update([], torch.randn(9, 4))
    metric.save_target(tmp_path / "fid.safetensors")
    with pytest.raises(InputError, match=r"fid\.safetensors are \(5, 5\), and the metric needs \(3, 3\)"):
        Half(**options, target=tmp_path / "fid.safetensors")
