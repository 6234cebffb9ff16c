"""Why there is no value: every metric says it in plain words, of one clip and of all."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from metrics.cases import CASES, Case
from metrics.cases.case import GIVEN
from metrics.cases.lip_reading import TEXTS
from metrics.pixel_metrics import NAMES, SeededWeights, further, make
from torch import Tensor, nn

from thm_torchmetrics import (
    AverageKeypointDistance,
    FrechetInceptionDistance,
    IdentitySimilarity,
    LandmarkDistance,
    LearnedPerceptualSimilarity,
    TalkingHeadMetrics,
)
from thm_torchmetrics.catalog import CATALOG
from thm_torchmetrics.collection import make_metric, metric_class
from thm_torchmetrics.core.clip_mean import NO_FACE, ClipMean
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.core.set_distance import SetDistance
from thm_torchmetrics.extractors import release
from thm_torchmetrics.metrics.lipsync_metric import LipSync

ON_FEATURES = [
    case for case in CASES.values()
    if case.make().feature_shape is not None and case.key not in (*TEXTS, "slcc")  # sound is no feature
]  # fmt: skip
FACES = [
    name for name in NAMES
    if CATALOG[name.split(":")[0]].extractor_kind in ("landmarks", "identity", "emotion", "face3d")
    and name.split(":")[1] not in ("thm", "fomm") and name != "csim:vico"
    and not issubclass(metric_class(CATALOG[name.split(":")[0]]), ClipMean)
] + ["akd:fomm", "mkr:fomm"]  # fmt: skip


def reason(metric: TalkingHeadMetric) -> str:
    """Return the reason of the state, which is that of its one clip."""
    with pytest.warns(UserWarning, match=f"{type(metric).__name__} is NaN: ") as caught:
        assert metric.compute().isnan()
    (warning,) = (str(each.message) for each in caught if " is NaN: " in str(each.message))
    text = warning.partition(" is NaN: ")[2]
    assert text == metric.why_nan(metric.named(metric.sums))
    assert "too few for a value" not in text
    return text


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("case", ON_FEATURES, ids=[case.name for case in ON_FEATURES])
def test_features_of_nan_or_infinity_are_named_with_their_number(case: Case, value: float) -> None:
    metric = case.make()
    clip = {name: torch.full_like(rows, value) for name, rows in case.clips[1].items()}
    count = len(next(iter(clip.values())))
    metric.update(**clip)
    text = reason(metric)
    if isinstance(metric, LipSync):
        assert "not finite: 1" in text
    elif isinstance(metric, SetDistance):
        word = metric.counted
        assert text.startswith(f"0 {word} of the prediction and 0 {word} of the target: at least 2 needed; all ")
        assert f"all {2 * count} rows of the features hold NaN or infinity" in text
    elif isinstance(metric, ClipMean):
        assert text == f"none of 1 clips has a value ({NO_FACE}: 1)"
    else:
        count *= (
            1 if metric.frame_by_frame or metric.key == "csim" or len(clip) == 1 else 2
        )  # clips are compared by rows of both sides
        assert text.startswith(f"all {count} rows of the features hold NaN")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeededWeights]:
    yield SeededWeights(tmp_path_factory.mktemp("weights"))
    release()


@pytest.mark.parametrize("name", FACES)
def test_frames_without_a_face_are_named_with_their_number(weights: SeededWeights, name: str) -> None:
    metric = make(name, weights)
    grey = torch.full((2, 3, 64, 64), 90, dtype=torch.uint8)
    metric.update(grey, grey)
    of_both_sides = metric.pooled or (metric.average == "clip" and not metric.frame_by_frame)
    found = "no face found in 4 frames" if of_both_sides else "no face found in 2 frames"
    assert found in reason(metric)
    assert metric.why_nan(metric.start(None, None).sums) == "nothing was added to it"


class Nothing(nn.Module):
    """A network that gives NaN, of any shape that a metric needs."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, frames: Tensor, *others: Tensor) -> Tensor:
        return torch.full((len(frames), *self.shape), torch.nan)

    forward_lip = forward_audio = forward


SHAPES: dict[str, tuple[int, ...]] = {
    "lpips": (), "inception": (4,), "i3d": (4,), "landmarks": (68, 2), "identity": (8,), "emotion": (2,),
    "face3d": (257,), "syncnet": (6,), "action_units": (17,), "niqe": (), "brisque": (), "pose": (3,),
}  # fmt: skip


OF_NETWORKS = [key for key, row in CATALOG.items() if row.extractors and not issubclass(metric_class(row), ClipMean)]


@pytest.mark.parametrize("key", OF_NETWORKS)
def test_a_network_that_gives_no_numbers_is_named(key: str) -> None:
    row = CATALOG[key]
    options: dict[str, Any] = {"num_features": 4} if row.extractor_kind in ("inception", "i3d") else {}
    options |= {"frames": 8} if key == "fvd" else {}
    name = f"{key}:wav2lip-lrs" if row.extractor_kind == "syncnet" else key
    metric = make_metric(name, {"extractor": Nothing(*SHAPES[row.extractor_kind]), **options})
    frames = torch.zeros(8, 3, 48, 48, dtype=torch.uint8)
    metric.update(frames, frames, **further(metric))
    text = reason(metric)
    assert (
        "not finite: 1" if row.extractor_kind == "syncnet" else "the network Nothing gave NaN or infinity in"
    ) in text


def series(*values: float) -> Tensor:
    return torch.tensor([[value, value] for value in values], dtype=torch.float64)


VARYING, CONSTANT = series(0.1, 0.4, 0.2), series(0.3, 0.3, 0.3)


@pytest.mark.parametrize("average", ["frame", "clip"])
@pytest.mark.parametrize(
    ("preds", "target", "keys", "text"),
    [
        (CONSTANT, VARYING, ("v-pcc", "a-pcc"), "the prediction is constant"),
        (VARYING, CONSTANT, ("v-pcc", "a-pcc"), "the target is constant"),
        (CONSTANT, CONSTANT, ("v-pcc", "a-pcc", "v-ccc", "a-ccc"), "the prediction and the target are constant"),
        (VARYING[:1], VARYING[1:2], ("v-pcc", "v-ccc"), "1 of 1 frames has a value on both sides: at least 2 needed"),
    ],
)
def test_a_correlation_says_which_side_is_constant(
    preds: Tensor, target: Tensor, keys: tuple[str, ...], text: str, average: str
) -> None:
    for key in keys:
        metric = make_metric(key, {**GIVEN, "average": average})
        metric.update(preds, target)
        assert reason(metric) == text


def test_clips_of_which_none_has_a_correlation_are_named() -> None:
    metric = make_metric("v-pcc", {**GIVEN, "average": "clip"})
    metric.update([VARYING, CONSTANT], [CONSTANT, VARYING])
    assert reason(metric) == "in every clip a side is constant, or fewer than 2 frames have a value on both sides"


@pytest.mark.parametrize(
    ("preds", "target", "text"),
    [
        (9, 1, "1 frame of the target: at least 2 needed"),
        (1, 9, "1 frame of the prediction: at least 2 needed"),
        (1, 1, "1 frame of the prediction and 1 frame of the target: at least 2 needed"),
    ],
)
def test_a_frechet_distance_says_which_side_has_too_few_frames(preds: int, target: int, text: str) -> None:
    rows = torch.randn(9, 3, generator=torch.Generator().manual_seed(0))
    metric = FrechetInceptionDistance(extractor=None, num_features=3)
    metric.update(rows[:preds], rows[:target])
    assert reason(metric) == text
    metric.reset()
    metric.update(rows, torch.cat([rows[:1], torch.full((4, 3), torch.nan)]))
    assert reason(metric) == (
        "1 frame of the target: at least 2 needed; 4 of 14 rows of the features hold NaN or infinity"
    )


def test_the_side_that_decides_is_named() -> None:
    rows, missing = torch.randn(5, 8), torch.full((5, 8), torch.nan)
    for reference, words in {
        "target-frame": "one side or both",
        "image": "the photo",
        "target-first": "target",
    }.items():
        metric = IdentitySimilarity(extractor=None, reference=reference)
        metric.update(rows, missing[:1] if reference == "image" else missing)
        assert words in reason(metric)
    alone = IdentitySimilarity(extractor=None, reference="preds-first")
    alone.update(missing)
    assert reason(alone) == "all 5 rows of the features hold NaN, infinity or nothing but zeros"
    missed = make_metric("mkr", GIVEN)
    missed.update(torch.zeros(3, 68, 2), torch.full((3, 68, 2), torch.nan))
    assert reason(missed) == "all 3 rows of the features hold NaN or infinity, in the target"


def test_rows_without_a_direction_or_a_size_are_named() -> None:
    zeros = torch.zeros(4, 6)
    for key in ("csim", "aed-id", "esd"):
        metric = make_metric(key, GIVEN)
        metric.update(zeros, zeros)
        assert "nothing but zeros" in reason(metric)
    for norm in ("inter-ocular", "face-box"):
        metric = LandmarkDistance(extractor=None, norm=norm)
        metric.update(torch.rand(2, 68, 2), torch.ones(2, 68, 2))
        assert "have no extent" in reason(metric)


def test_one_frame_is_one_frame() -> None:
    metric = AverageKeypointDistance(extractor=None)
    metric.update(torch.full((1, 68, 2), torch.nan), torch.zeros(1, 68, 2))
    assert reason(metric) == "the one row of the features holds NaN or infinity, on one side or both"


def test_a_reason_is_that_of_each_clip_alone_too() -> None:
    metrics = TalkingHeadMetrics({"akd": AverageKeypointDistance(extractor=None)})
    member = metrics.members()["akd"]
    for count in (3, 5):
        (pair,) = member.pairs(torch.full((count, 68, 2), torch.nan), torch.zeros(count, 68, 2))
        run = member.start(*pair)
        for chunk in zip(*(side.chunks() for side in pair if side), strict=True):
            run.add(*chunk)
        assert member.why_nan(run.finish()).startswith(f"all {count} rows of the features hold NaN or infinity")


def test_lpips_of_a_network_without_a_number_belongs_to_both_sides() -> None:
    metric = LearnedPerceptualSimilarity(extractor=Nothing())
    metric.update(torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 8, 8))
    assert reason(metric) == "the network Nothing gave NaN or infinity in 2 frames"
