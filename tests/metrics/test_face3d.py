"""AED, APD, E-FID and P-FID: closed forms on given coefficients, and frames on the whole path with made-up weights."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from extractors.pictures import batch
from parity.seeded import seeded_state
from PIL import Image
from skimage.data import astronaut
from torch import Tensor, nn

from thm_torchmetrics import (
    AverageExpressionDistance,
    AveragePoseDistance,
    Clip,
    ExpressionFrechetDistance,
    PoseFrechetDistance,
    TalkingHeadMetrics,
)
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError, MismatchError, WeightsNotFoundError
from thm_torchmetrics.extractors import make_extractor, release
from thm_torchmetrics.extractors.face3d import Deep3D
from thm_torchmetrics.functional import frechet_from_features
from thm_torchmetrics.media.video import VideoFile

EXPRESSION = slice(80, 144)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("weights") / "epoch_20.pth"
    torch.save({"net_recon": seeded_state("deep3d_resnet50")}, path)
    yield path
    release()


def gaussian(count: int, mean: npt.NDArray[np.float64], deviation: npt.NDArray[np.float64], seed: int) -> Tensor:
    """Coefficients whose expressions have exactly this mean and these unbiased deviations, without correlation."""
    draw = np.random.default_rng(seed)
    rows = draw.standard_normal((count, 64))
    rows -= rows.mean(axis=0)
    rows = np.linalg.qr(rows)[0] * np.sqrt(count - 1) * deviation + mean
    all_columns = draw.uniform(-9, 9, (count, 257))
    all_columns[:, EXPRESSION] = rows
    return torch.from_numpy(all_columns)


def test_e_fid_of_two_known_gaussians_is_their_distance() -> None:
    draw = np.random.default_rng(8)
    means, deviations = draw.standard_normal((2, 64)), draw.uniform(0.2, 2, (2, 64))
    preds, target = (gaussian(100 + 37 * i, means[i], deviations[i], seed=i) for i in range(2))
    metric = ExpressionFrechetDistance(extractor=None)
    metric.update(preds[:60], target)
    metric.update(torch.cat([torch.full((3, 257), torch.nan), preds[60:]]), torch.full((2, 257), torch.nan))
    expected = ((means[0] - means[1]) ** 2).sum() + ((deviations[0] - deviations[1]) ** 2).sum()
    assert metric.compute().item() == pytest.approx(expected, rel=1e-9)
    assert metric.coverage == pytest.approx(237 / 242)
    assert metric.detail() == {"frames_preds": 100, "frames_target": 137}


def test_e_fid_of_equal_sets_is_zero() -> None:
    draw = np.random.default_rng(3)
    rows = gaussian(200, draw.standard_normal(64), draw.uniform(0.2, 2, 64), seed=5)
    metric = ExpressionFrechetDistance(extractor=None)
    metric.update(rows, rows.flip(0))
    assert abs(metric.compute().item()) < 1e-9


def test_e_fid_sees_the_expression_only() -> None:
    rows = gaussian(80, np.zeros(64), np.ones(64), seed=6)
    other = rows.clone()
    other[:, :80] += 5
    other[:, 144:] -= 5
    metric = ExpressionFrechetDistance(extractor=None)
    metric.update(other, rows)
    assert abs(metric.compute().item()) < 1e-9


@pytest.mark.parametrize("kind", [AverageExpressionDistance, AveragePoseDistance])
def test_clips_of_another_length_are_an_error_or_cut(kind: type[AverageExpressionDistance]) -> None:
    preds, target = (torch.from_numpy(np.random.default_rng(i).standard_normal((9 + i, 257))) for i in range(2))
    with pytest.raises(MismatchError, match="9 frames and the target 10"):
        kind(extractor=None).update(preds, target)
    metric = kind(extractor=None, align="truncate")
    metric.update(preds, target)
    columns = EXPRESSION if kind is AverageExpressionDistance else slice(224, 227)
    assert metric.compute().item() == pytest.approx((preds - target[:9])[:, columns].abs().numpy().mean(), rel=1e-12)
    assert metric.tally(metric.named(metric.sums)).left_out == 1


def test_another_number_of_coefficients_is_named() -> None:
    for kind in (AverageExpressionDistance, AveragePoseDistance, ExpressionFrechetDistance):
        with pytest.raises(InputError, match=r"\(T, 257\).*\(5, 64\)"):
            kind(extractor=None).update(torch.zeros(5, 64), torch.zeros(5, 64))


def test_e_fid_has_no_clip_average() -> None:
    with pytest.raises(InputError, match="average"):
        ExpressionFrechetDistance(extractor=None, average="clip")


def portraits() -> npt.NDArray[np.uint8]:
    """A face, the same a little smaller, none, and the first again."""
    face = np.asarray(Image.fromarray(astronaut()[:300, 80:380]).resize((280, 280)))
    smaller = np.asarray(Image.fromarray(np.pad(face, ((12, 12), (12, 12), (0, 0)), mode="edge")).resize((280, 280)))
    return np.stack([face, smaller, np.full_like(face, 90), face])


def test_frames_give_the_distances_of_their_coefficients(checkpoint: Path) -> None:
    frames = batch(portraits())
    preds, target = frames[[0, 1, 3]], frames[[1, 1, 2]]
    options: dict[str, Any] = {"weights": checkpoint, "landmarks": "dlib"}
    metrics = TalkingHeadMetrics(["aed", "aed:vico", "apd", "apd:vico", "e-fid"], **options)
    metrics.update(preds, target)
    values = metrics.compute()
    rows = make_extractor("face3d", "deep3d", checkpoint, landmarks="dlib").extract(Chunk(frames)).double().numpy()
    difference = abs(rows[[0, 1]] - rows[[1, 1]]).mean(axis=0)
    assert values["aed"].item() == pytest.approx(difference[80:144].mean(), rel=1e-4)
    assert values["aed:vico"] == values["aed"]
    assert values["apd"].item() == pytest.approx(difference[224:227].mean(), rel=1e-4)
    assert values["apd:vico"].item() == pytest.approx(difference[[224, 225, 226, 254, 255, 256]].mean(), rel=1e-4)
    assert values["aed"] > 0
    assert metrics.members()["aed"].coverage == pytest.approx(2 / 3)
    assert metrics.members()["e-fid"].coverage == pytest.approx(5 / 6)


def test_metrics_share_landmarks_and_coefficients(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    extract = Deep3D.extract
    monkeypatch.setattr(Deep3D, "extract", lambda self, chunk: (calls.append(len(chunk)), extract(self, chunk))[1])
    frames = batch(portraits())
    options: dict[str, Any] = {"weights": checkpoint, "landmarks": "dlib", "face": "first"}
    metrics = TalkingHeadMetrics(["aed", "apd", "apd:vico", "e-fid"], **options)
    metrics.update(frames[:2], frames[1:3])
    assert calls == [2, 2]


def test_options_that_change_the_value_change_the_identity(checkpoint: Path) -> None:
    options: dict[str, Any] = {"weights": checkpoint, "landmarks": "dlib"}
    made = [
        AverageExpressionDistance(**options),
        AverageExpressionDistance(**options, face="largest"),
        AverageExpressionDistance(**options, extractor="deep3d-2023"),
        AveragePoseDistance(**options),
    ]
    assert len({metric.identity for metric in made}) == len({metric._state_name for metric in made}) == 4
    assert AverageExpressionDistance(**options).identity == made[0].identity


def test_wrong_options_are_named(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="'fan', 'dlib', got 'mtcnn'"):
        AverageExpressionDistance(weights=checkpoint, landmarks="mtcnn")
    with pytest.raises(InputError, match="'deep3d', 'deep3d-2023'"):
        AverageExpressionDistance(extractor="deca")
    monkeypatch.setenv("THM_OFFLINE", "1")
    monkeypatch.setenv("THM_WEIGHTS_DIR", str(tmp_path))
    with pytest.raises(WeightsNotFoundError, match=r"epoch_20\.pth"):
        AverageExpressionDistance(landmarks="dlib")


@pytest.mark.clips
@pytest.mark.slow
def test_coverage_of_a_real_pair_is_that_of_its_faces(clips: Path, checkpoint: Path) -> None:
    """The values are those of made-up weights and mean nothing."""
    name = "radio22_pcavs"
    sides = [Clip(VideoFile(next((clips / side).glob(f"{name}.*")), every=20)) for side in ("pred_video", "gt_video")]
    metric = AverageExpressionDistance(weights=checkpoint, landmarks="dlib", align="truncate")
    metric.update(*sides)
    assert metric.compute() > 0
    faces = make_extractor("landmarks", "dlib")
    points = [torch.cat([faces.extract(chunk) for chunk in clip.chunks()]) for clip in sides]
    count = min(len(side) for side in points)
    seen = ~torch.stack([side[:count] for side in points]).isnan().flatten(2).any(dim=2)
    assert metric.coverage == pytest.approx(seen.all(dim=0).double().mean().item())
    assert metric.coverage > 0.9
    assert count >= 5


def test_rows_of_any_length_have_a_frechet_distance() -> None:
    """``num_features=`` of E-FID was a raw TypeError."""
    preds, target = torch.randn(2, 90, 52, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    metric = ExpressionFrechetDistance(protocol="features", num_features=52)
    assert metric(preds, target).item() == pytest.approx(frechet_from_features(preds, target).item(), rel=1e-9)
    with pytest.raises(InputError, match="made for 52 features per frame and got 6; pass num_features=6"):
        metric.update(preds[:, :6], target[:, :6])
    with pytest.raises(InputError, match=r"e-fid:emo reads rows of 257 coefficients, got num_features=52; pass protoc"):
        ExpressionFrechetDistance(extractor=None, num_features=52)
    with pytest.raises(InputError, match=r"\(T, 79\) or \(B, T, 79\)"):
        ExpressionFrechetDistance(protocol="hallo").update(preds, target)
    with pytest.raises(InputError, match="e-fid:hallo reads given coefficients; pass extractor=None"):
        ExpressionFrechetDistance(protocol="hallo", extractor="deep3d")
    with pytest.raises(InputError, match="D"):
        AverageExpressionDistance(protocol="features").update(preds[0], target[0])


def test_pose_distance_reads_angles_and_shifts_of_an_extractor() -> None:
    class Coefficients(nn.Module):
        def forward(self, frames: Tensor) -> Tensor:
            return frames.mean(dim=(2, 3)) @ torch.randn(3, 257, generator=torch.Generator().manual_seed(2))

    preds, target = torch.rand(2, 40, 3, 8, 8, generator=torch.Generator().manual_seed(3))
    metric = PoseFrechetDistance(extractor=Coefficients())
    rows = [Coefficients()(side)[:, [224, 225, 226, 254, 255, 256]] for side in (preds, target)]
    value = PoseFrechetDistance(extractor=None)(*rows).item()
    assert metric(preds, target).item() == pytest.approx(value, rel=1e-4)
