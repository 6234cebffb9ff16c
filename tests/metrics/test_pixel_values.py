"""Values of pixels: what no pixel can be is an error of every metric that sees pixels, rounding is clamped."""

import math
import warnings
from collections.abc import Callable, Iterator

import pytest
import torch
from metrics.pixel_metrics import NAMES, SeededWeights, footage, further, make
from torch import Tensor

from thm_torchmetrics import Clip, TalkingHeadMetrics
from thm_torchmetrics.catalog import CATALOG
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import release

Made = Callable[..., TalkingHeadMetric]
ULP = torch.finfo(torch.float32).eps


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Makes every metric once."""
    weights = SeededWeights(tmp_path_factory.mktemp("weights"))
    metrics: dict[object, TalkingHeadMetric] = {}

    def find(name: str, resize: str | None = None) -> TalkingHeadMetric:
        if (name, resize) not in metrics:
            metrics[name, resize] = make(name, weights, resize=resize)
        return metrics[name, resize]

    yield find
    release()


def with_one(frames: Tensor, value: float) -> Tensor:
    frames = frames.clone()
    frames[5, 1, 7, 9] = value
    return frames


PREDS, TARGET = (side[:, :, ::2, ::2] / 255 for side in footage())

MOTION = ("beat", "eyes_and_mouth", "head_pose", "theval")
"""Modules of metrics that need longer clips."""

FIRST = list({name.split(":")[0]: name for name in reversed(NAMES)}.values())
"""One protocol of each metric."""

SAME_NETWORK = {name for name in NAMES if name[:2] in ("v-", "a-") and not name.startswith("v-rmse")}
SAME_NETWORK |= {"esd:cosine", "esd:l2"}
"""Metrics of the same features as others."""

LEFT_OUT = SAME_NETWORK | {"fid:piq", "ms-ssim:pytorch-msssim", "niqe:mmagic", "niqe:mmagic-y"}

BAD: dict[str, tuple[Callable[[Tensor], Tensor], str, str]] = {
    "-1..1": (lambda x: x * 2 - 1, "both", r"look like -1\.\.1: map them with \(x \+ 1\) / 2"),
    "-1..1 in half": (lambda x: (x * 2 - 1).half(), "both", r"look like -1\.\.1"),
    "0..255": (lambda x: x * 255, "both", r"look like 0\.\.255: divide by 255"),
    "0..65535": (lambda x: x.double() * 65535, "both", "look like 16 bits"),
    "normalised": (lambda x: (x - 0.45) / 0.22, "both", "normalised by a mean and a deviation"),
    "NaN in the prediction": (lambda x: with_one(x, torch.nan), "preds", "NaN and infinity are no pixels"),
    "NaN in the target": (lambda x: with_one(x, torch.nan), "target", "NaN and infinity are no pixels"),
    "NaN on both sides": (lambda x: x * torch.nan, "both", "NaN and infinity are no pixels"),
    "infinity": (lambda x: with_one(x, torch.inf), "both", "NaN and infinity are no pixels"),
    "overshoot": (lambda x: with_one(x, 1.07), "both", r"0\.\.1, got .*\.\.1\.07; clamp them"),
    "undershoot": (lambda x: with_one(x, -2e-4), "both", r"got -0\.0002\.\.0\.\d+; clamp them"),
    "255 alone": (lambda x: with_one(x, 255), "both", r"look like 0\.\.255"),
}

LAYOUTS: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "complex": (lambda x: x.to(torch.complex64), "complex64"),
    "bool": (lambda x: x > 0.5, r"bool"),
    "int64": (lambda x: (x * 255).to(torch.int64), "int64.*convert it to uint8"),
    "float8": (lambda x: x.to(torch.float8_e4m3fn), "float8_e4m3fn"),
    "sparse": (lambda x: x.to_sparse(), "sparse_coo.*to_dense"),
    "meta": (lambda x: x.to("meta"), "meta device"),
    "meta, uint8": (lambda x: x.to(torch.uint8).to("meta"), "meta device"),
    "quantized": (lambda x: torch.quantize_per_tensor(x, 1 / 255, 0, torch.quint8), "quint8"),
}


def given(metric: TalkingHeadMetric, preds: Tensor, target: Tensor) -> dict[str, Tensor]:
    sides = {"preds": preds, "target": target} if "target" in metric.inputs else {"preds": preds}
    return {**sides, **further(metric)}


@pytest.mark.parametrize(
    ("name", "resize"), [*((name, None) for name in NAMES), *((name, "bilinear") for name in FIRST)]
)
def test_values_that_no_pixel_has_are_an_error_that_names_the_cause(made: Made, name: str, resize: str | None) -> None:
    """FID of -1..1 was 12.2 for .069, CSIM of NaN 1.0; ``resize=`` clamped before anything was checked."""
    metric = made(name, resize)
    target = TARGET if resize is None else TARGET[:, :, :, 4:-4]
    for kind, (spoil, side, words) in BAD.items():
        if side == "target" and "target" not in metric.inputs:
            continue
        sides = (spoil(PREDS) if side != "target" else PREDS, spoil(target) if side != "preds" else target)
        inputs = given(metric, *sides)
        for as_clip in (False, True) if kind in ("-1..1", "NaN in the target") else (False,):
            frames = {key: Clip(inputs[key]) if as_clip else inputs[key] for key in inputs.keys() & {"preds", "target"}}
            with pytest.raises(InputError, match=words):
                metric.update(**{**inputs, **frames})
            assert not metric.sums.any(), kind


@pytest.mark.parametrize("name", NAMES)
def test_tensors_that_hold_no_pixels_are_an_error_that_names_the_remedy(made: Made, name: str) -> None:
    metric = made(name)
    for spoil, words in LAYOUTS.values():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about quantized and sparse tensors
            inputs = given(metric, spoil(PREDS), spoil(TARGET))
            for batch in (inputs, {key: value[None] for key, value in inputs.items()}):
                with pytest.raises(InputError, match=words):
                    metric.update(**batch)
        assert not metric.sums.any()


def values(made: Made, preds: Tensor, target: Tensor) -> dict[str, float]:
    """Values of all metrics, of each by one protocol, in one collection, whose networks see each side once.

    All but those of the same features as others, those that need larger frames or longer clips, the differences of lip
    sync, which measure both sides by the pipelines of the others, FVD, which has no value of one clip, and those of
    EmoNet, which takes most of the time of all.
    """
    modules = {name: CATALOG[name.split(":")[0]].module for name in FIRST}
    left_out = {name for name, module in modules.items() if module in ("lipsync_gap", "fvd", *MOTION)} | LEFT_OUT
    left_out |= {name for name in FIRST if CATALOG[name.split(":")[0]].extractor_kind == "emotion"}
    metrics = TalkingHeadMetrics({name: made(name) for name in FIRST if name not in left_out})
    metrics.update(preds, target, **further(made("lse-d:wav2lip-lrs")))
    found = {name: value.item() for name, value in metrics.compute().items()}
    metrics.reset()
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:FID of")
def test_rounding_beyond_the_range_is_the_clamped_value_and_bytes_stay_bytes(made: Made) -> None:
    """A bilinear resize of white gives 1 + 1.2e-7, which ended a training run."""
    as_bytes = footage()
    for side in as_bytes:
        side[:, :, 20, 30:32], side[:, :, 20, 32:34] = 0, 255
    near = [side / 255 for side in as_bytes]
    for side in near:
        for frame, (low, high) in enumerate(((0, 1 + ULP), (-1e-5, 1), (-9e-5, 1 + 9e-5))):
            side[frame, frame % 3, 20, 30:32], side[frame, frame % 3, 20, 32:34] = low, high
    rounded = values(made, *near)
    assert rounded == values(made, *(side.clamp(0, 1) for side in near))
    assert rounded == pytest.approx(values(made, *as_bytes), rel=1e-4, abs=1e-5)
    assert not any(math.isnan(value) for value in rounded.values())


@pytest.mark.filterwarnings("ignore:.* is NaN")
@pytest.mark.parametrize(
    "name",
    [name for name in NAMES if CATALOG[name.split(":")[0]].extractor_kind in ("", "lpips", "landmarks", "syncnet")],
)
def test_frames_of_any_size_have_a_value_or_an_error_that_names_it(made: Made, name: str) -> None:
    """LPIPS ended in a raw error of a layer."""
    metric = made(name)
    layered = CATALOG[name.split(":")[0]].extractor_kind == "lpips"
    for side in (1, 15, 16, 17, 30, 31) if layered else (1, 16, 31):
        generator = torch.Generator().manual_seed(side)
        preds, target = torch.randint(0, 256, (2, 8, 3, side, side), dtype=torch.uint8, generator=generator)
        try:
            metric.update(**given(metric, preds, target))
        except InputError as error:
            assert f"{side}x{side}" in str(error)  # noqa: PT017
        else:
            metric.compute()
        metric.reset()
