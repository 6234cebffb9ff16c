"""Valence, arousal and ESD: through the network's whole path, and on hard series."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchmetrics.functional as reference
from extractors.pictures import batch, face_and_none
from parity.seeded import golden, golden_input, seeded_state
from torch import Tensor

from thm_torchmetrics import EmotionSimilarityDistance, TalkingHeadMetrics, ValenceConcordance, ValenceError
from thm_torchmetrics.catalog import CATALOG
from thm_torchmetrics.errors import InputError, WeightsNotFoundError
from thm_torchmetrics.extractors import release
from thm_torchmetrics.extractors.emotion import Emotion

KEYS = [key for key in CATALOG if key[:2] in ("v-", "a-")]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    release()


@pytest.fixture(scope="module")
def emonet8(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint as it is published, with its prefix."""
    path = tmp_path_factory.mktemp("weights") / "emonet_8.pth"
    torch.save({f"module.{key}": value for key, value in seeded_state("emonet8").items()}, path)
    return path


@pytest.fixture
def passes(emonet8: Path) -> Iterator[list[int]]:
    """Sizes of the batches that the network sees."""
    sizes: list[int] = []
    network = Emotion.make("emonet8", emonet8).network(torch.device("cpu"))
    hook = network.register_forward_hook(lambda module, inputs, output: sizes.append(len(inputs[0])))
    yield sizes
    hook.remove()


def statistics(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    covariance = np.cov(x, y, bias=True)
    return {
        "rmse": float(np.sqrt(np.mean((x - y) ** 2))),
        "sagr": float(np.mean(np.sign(x) == np.sign(y))),
        "pcc": float(np.corrcoef(x, y)[0, 1]),
        "ccc": float(2 * covariance[0, 1] / (covariance[0, 0] + covariance[1, 1] + (x.mean() - y.mean()) ** 2)),
    }


def test_whole_frames_through_the_network_once_for_eight_metrics(emonet8: Path, passes: list[int]) -> None:
    preds, target = (batch(golden_input("emonet8", name)[:2]) for name in ("odd_images", "images"))
    metrics = TalkingHeadMetrics([f"{key}:thm" for key in KEYS], weights={"emonet8": emonet8})
    assert len(KEYS) == 8
    assert len(metrics.compute_groups) == 1
    metrics.update(preds, target)
    assert passes == [2, 2]  # each side once
    values = metrics.compute()
    stored = golden("emonet8")
    for series in ("valence", "arousal"):
        x, y = (np.clip(stored[name][:2].astype(np.float64), -1, 1) for name in (f"odd_{series}", series))
        expected = statistics(x, y)
        for name in ("rmse", "sagr", "pcc"):
            assert values[f"{series[0]}-{name}:thm"].item() == pytest.approx(expected[name], abs=1e-4), name


@pytest.mark.filterwarnings("ignore:ArousalConcordance is NaN")  # of the one face
def test_esd_shares_the_pass_and_a_missing_face_is_counted(emonet8: Path, passes: list[int]) -> None:
    frames = face_and_none(256)
    metrics = TalkingHeadMetrics(["v-rmse", "a-ccc", "esd"], weights={"emonet8": emonet8}, landmarks="dlib")
    metrics.update(batch(frames[:, :, ::-1]), batch(frames))
    assert passes == [2, 2]
    metrics.compute()
    assert {member.coverage for member in metrics.members().values()} == {0.5}


def series(*values: float) -> Tensor:
    return torch.tensor([[value, value] for value in values], dtype=torch.float64)


@pytest.mark.parametrize("offset", [0.0, 0.9])
def test_a_small_variation_on_a_large_mean_keeps_its_correlation(offset: float) -> None:
    generator = torch.Generator().manual_seed(1)
    target = offset + 1e-4 * torch.randn(3000, 2, generator=generator, dtype=torch.float64)
    preds = target + 5e-5 * torch.randn(3000, 2, generator=generator, dtype=torch.float64)
    metrics = TalkingHeadMetrics(["v-pcc", "v-ccc", "a-pcc"], extractor=None)
    for start in range(0, 3000, 500):
        metrics.update(preds[start : start + 500], target[start : start + 500])
    values = metrics.compute()
    expected = statistics(preds[:, 0].numpy(), target[:, 0].numpy())
    assert values["v-pcc"].item() == pytest.approx(expected["pcc"], abs=1e-6)
    assert values["v-ccc"].item() == pytest.approx(expected["ccc"], abs=1e-6)
    theirs = reference.pearson_corrcoef(preds[:, 1] - offset, target[:, 1] - offset)
    assert values["a-pcc"].item() == pytest.approx(theirs.item(), abs=1e-6)


HARD: list[tuple[Tensor, Tensor, dict[str, float]]] = [
    (series(0.3), series(0.1), {"rmse": 0.2, "sagr": 1.0}),
    (series(0.3, 0.3), series(0.1, -0.1), {"rmse": (0.5 * (0.04 + 0.16)) ** 0.5, "sagr": 0.5, "ccc": 0.0}),
    (series(0.3, 0.3), series(0.3, 0.3), {"rmse": 0.0, "sagr": 1.0}),
    (series(2.0, -3.0), series(1.0, -1.0), {"rmse": 0.0, "sagr": 1.0, "pcc": 1.0, "ccc": 1.0}),
    (series(0.0, 0.2), series(0.1, 0.2), {"rmse": 0.005**0.5, "sagr": 0.5, "pcc": 1.0, "ccc": 2 / 3}),
]


@pytest.mark.filterwarnings("ignore:.* is NaN")
@pytest.mark.parametrize(("preds", "target", "expected"), HARD)
def test_single_frames_and_constants_have_the_values_of_the_formulas(
    preds: Tensor, target: Tensor, expected: dict[str, float]
) -> None:
    metrics = TalkingHeadMetrics(KEYS, extractor=None)
    metrics.update(preds, target)
    for name, value in metrics.compute().items():
        want = expected.get(name[2:], float("nan"))
        assert value.item() == pytest.approx(want, rel=1e-9, abs=1e-9, nan_ok=True), name


def test_clips_without_a_correlation_do_not_count_among_clips() -> None:
    first, second = (series(0.1, 0.4, 0.2), series(0.3, 0.5, 0.1)), (series(-0.5, -0.1, 0.3), series(0.5, 0.2, 0.4))
    constant = (series(0.2, 0.2), series(0.1, 0.5))
    metric = ValenceConcordance(extractor=None, average="clip", missing="skip")
    pairs: list[Any] = [first, second, (series(0.3), series(0.1)), constant]
    for pair in pairs:
        metric.update(*pair)
    each = [statistics(*(side[:, 0].numpy() for side in pair))["ccc"] for pair in (first, second)]
    assert metric.compute().item() == pytest.approx((sum(each) + 0) / 3)  # a constant side has concordance 0
    pooled = statistics(*(np.concatenate([pair[side][:, 0].numpy() for pair in pairs]) for side in (0, 1)))["ccc"]
    assert metric.detail() == {"frame": pytest.approx(pooled), "clip": pytest.approx(metric.compute().item())}


def test_frames_missing_on_either_side_are_left_out_and_counted() -> None:
    preds, target = series(0.1, 0.5, 0.9, 0.4), series(0.2, 0.2, 0.2, 0.2)
    preds[1] = torch.nan
    target[2, 1] = torch.nan
    metric = ValenceError(extractor=None)
    metric.update(preds, target)
    assert metric.compute().item() == pytest.approx(((0.01 + 0.04) / 2) ** 0.5)
    assert metric.coverage == 0.5


def test_a_custom_module_gives_valence_and_arousal_or_features() -> None:
    class Means(torch.nn.Module):
        def forward(self, frames: Tensor) -> Tensor:
            return frames.mean(dim=3).mean(dim=2)[:, :2]

    frames = batch(face_and_none(256))
    means = frames.double().mean(dim=(2, 3))[:, :2] / 255
    metric = ValenceError(extractor=Means())
    metric.update(frames, frames.flip(0))
    assert metric.compute().item() == pytest.approx(abs(means[0, 0] - means[1, 0]).item(), rel=1e-5)
    distance = EmotionSimilarityDistance(protocol="l2", extractor=Means())
    distance.update(frames, frames.flip(0))
    assert distance.compute().item() == pytest.approx((means[0] - means[1]).norm().item(), rel=1e-5)


def test_wrong_options_are_named(emonet8: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="landmarks must be 'fan', 'dlib', got 'mtcnn'"):
        ValenceError(weights=emonet8, landmarks="mtcnn")
    with pytest.raises(InputError, match="'emonet8', 'emonet5', a torch module or None, got 'emonet7'"):
        ValenceError(extractor="emonet7")
    monkeypatch.setenv("THM_OFFLINE", "1")
    with pytest.raises(WeightsNotFoundError, match=r"fan2d|fan-s3fd"):  # the file is EmoNet's, not the detector's
        ValenceError(weights=emonet8)
