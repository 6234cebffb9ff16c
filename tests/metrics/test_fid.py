"""FID through its network, with seeded weights in place of the published ones, and on given features."""

from pathlib import Path

import cv2
import numpy as np
import piq
import pytest
import torch
from parity import seeded
from regions.eat_pipeline import crop_video, face_frames, paired
from torch import Tensor, nn
from torchvision.models import Inception3

from thm_torchmetrics import FrechetInceptionDistance
from thm_torchmetrics.errors import InputError, WeightsNotFoundError
from thm_torchmetrics.extractors import release


@pytest.fixture(autouse=True)
def _fresh() -> None:
    release()


@pytest.fixture(scope="module")
def inception(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inception") / "inception.pth"
    torch.save(seeded.seeded_state("inception_fid"), path)
    return path


@pytest.mark.filterwarnings("ignore:FID of")
def test_frames_through_the_network_give_pytorch_fid_s_value(inception: Path) -> None:
    golden = seeded.golden("inception_fid")
    names = ("images", "other_images")
    preds, target = (seeded.as_batch(seeded.golden_input("inception_fid", name)).to(torch.uint8) for name in names)
    metric = FrechetInceptionDistance(weights=inception)
    assert metric(preds, target).item() == pytest.approx(float(golden["fid_pool3_exact"]), rel=1e-4)
    assert metric.detail() == {"frames_preds": len(preds), "frames_target": len(target)}


@pytest.fixture(scope="module")
def torchvision_inception(tmp_path_factory: pytest.TempPathFactory) -> tuple[Inception3, Path]:
    torch.manual_seed(0)
    network = Inception3(transform_input=True, init_weights=False).eval()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):  # torchvision's own initial weights let no difference of the input through
            nn.init.kaiming_normal_(layer.weight)
    path = tmp_path_factory.mktemp("torchvision") / "inception.pth"
    torch.save(network.state_dict(), path)
    return network, path


@pytest.mark.filterwarnings("ignore:FID of")
@pytest.mark.filterwarnings("ignore:the prediction has:thm_torchmetrics.errors.MediaWarning")
def test_eat_s_distance_is_that_of_five_crops_by_torchvision(torchvision_inception: tuple[Inception3, Path]) -> None:
    network, path = torchvision_inception
    maps: list[Tensor] = []
    network.Mixed_7c.register_forward_hook(lambda layer, given, output: maps.append(output))
    clips = [(face_frames(7).flip(3), face_frames(9)), (face_frames(3, shift=4), face_frames(3).flip(3))]
    rows: list[list[Tensor]] = [[], []]
    for clip in clips:
        crops = [crop_video(side) for side in clip]
        pairs = paired(*crops)
        for i in np.linspace(0, len(pairs), min(len(pairs), 5), endpoint=False).astype(int):
            for side, picture in enumerate(pairs[i]):
                bgr = picture.flip(0).permute(1, 2, 0).numpy().astype(np.float32) / 255
                resized = torch.from_numpy(cv2.resize(bgr, (299, 299))).permute(2, 0, 1)[None]
                with torch.no_grad():
                    network(resized * 2 - 1)
                rows[side].append(maps[-1].mean(dim=(2, 3))[0].double())
    given = FrechetInceptionDistance(extractor=None)
    given.update(*(torch.stack(side) for side in rows))
    metric = FrechetInceptionDistance(protocol="eat", weights=path, align="truncate")
    for clip in clips:
        metric.update(*clip)
    assert metric.compute().item() == pytest.approx(given.compute().item(), rel=1e-4)
    assert metric.detail() == {"frames_preds": 8, "frames_target": 8}
    assert metric.coverage == 1


def test_features_give_pytorch_fid_s_value() -> None:
    golden = seeded.golden("inception_fid")
    x, y = (torch.from_numpy(seeded.golden_input("inception_fid", name)) for name in ("fid_x", "fid_y"))
    y = 0.5 * y + 0.25 * y.flip(1) + 0.125
    metric = FrechetInceptionDistance(extractor=None, num_features=x.shape[1])
    for part in zip(x.chunk(3), y.chunk(3), strict=True):
        metric.update(*part)
    assert metric.compute().item() == pytest.approx(float(golden["fid_full"]), rel=1e-6)
    metric.reset()
    metric.update(x, x)
    assert abs(metric.compute().item()) <= 1e-5


@pytest.mark.parametrize("count", [20, 200])
@pytest.mark.filterwarnings("ignore:FID of")
def test_piq_s_protocol_is_piq_s_fid(count: int) -> None:
    """Also of fewer frames than features; its iteration stops before the exact root."""
    generator = torch.Generator().manual_seed(4)
    preds, target = (torch.randn(count, 32, generator=generator, dtype=torch.float64) for _ in range(2))
    metric = FrechetInceptionDistance(protocol="piq", extractor=None, num_features=32)
    value = metric(2 * preds + 1, target).item()
    assert value == pytest.approx(float(piq.FID()(2 * preds + 1, target)), rel=1e-9)
    exact = FrechetInceptionDistance(extractor=None, num_features=32)(2 * preds + 1, target).item()
    assert value != pytest.approx(exact, rel=1e-7)


def test_sides_may_differ_in_length_and_in_number_of_clips() -> None:
    generator = np.random.default_rng(0)
    x, y = (torch.from_numpy(generator.normal(size=(n, 3))) for n in (50, 80))
    metric = FrechetInceptionDistance(extractor=None, num_features=3)
    metric.update([x[:20], x[20:]], [y])
    whole = FrechetInceptionDistance(extractor=None, num_features=3)
    assert metric.compute().item() == pytest.approx(whole(x, y).item(), rel=1e-12)
    assert metric.coverage == 1.0


def test_a_row_of_nan_is_a_frame_without_a_value_and_is_counted() -> None:
    rows = torch.from_numpy(np.random.default_rng(1).normal(size=(30, 2)))
    target = torch.from_numpy(np.random.default_rng(2).normal(size=(40, 2)))
    metric, whole = (FrechetInceptionDistance(extractor=None, num_features=2) for _ in range(2))
    broken = torch.cat([rows[:10], torch.full((5, 2), torch.nan, dtype=torch.float64), rows[10:]])
    assert metric(broken, target).item() == pytest.approx(whole(rows, target).item(), rel=1e-12)
    assert metric.coverage == pytest.approx(70 / 75)


def test_few_frames_are_warned_of() -> None:
    metric = FrechetInceptionDistance(extractor=None, num_features=8)
    metric.update(torch.rand(8, 8), torch.rand(9, 8))
    with pytest.warns(UserWarning, match="8 generated and 9 real frames: below 9 a side"):
        metric.compute()


def test_one_frame_is_nan() -> None:
    metric = FrechetInceptionDistance(extractor=None, num_features=2)
    metric.update(torch.rand(1, 2), torch.rand(5, 2))
    with pytest.warns(UserWarning, match="is NaN"):
        assert torch.isnan(metric.compute())


def test_wrong_use_is_named() -> None:
    metric = FrechetInceptionDistance(extractor=None, num_features=2)
    with pytest.raises(InputError, match="num_features=3"):
        metric.update(torch.rand(4, 3), torch.rand(4, 3))
    assert not metric.sums.any()
    with pytest.raises(InputError, match="average"):
        FrechetInceptionDistance(extractor=None, average="clip")
    with pytest.raises(WeightsNotFoundError, match=r"nowhere\.pth"):
        FrechetInceptionDistance(weights="nowhere.pth")
