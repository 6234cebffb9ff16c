"""FVD through its network, with seeded weights in place of the published ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from metrics.pixel_metrics import ClipMeans
from parity.seeded import TOLERANCE, deviation, golden, golden_input, seeded_state
from torch import Tensor, nn

from thm_torchmetrics import Clip, FrechetVideoDistance, weights
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError, MediaWarning, WeightsError
from thm_torchmetrics.extractors import release
from thm_torchmetrics.weights.hashes import hash_file

MODEL = "i3d400"
pytestmark = pytest.mark.filterwarnings("ignore:FVD of")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    release()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("i3d") / "i3d.pt"
    torch.save(seeded_state(MODEL), path)
    return path


def frames(name: str) -> Tensor:
    return torch.from_numpy(golden_input(MODEL, name)).permute(0, 3, 1, 2)


def ramp(length: int, seed: int = 0) -> Tensor:
    """Frames whose level is their number."""
    return torch.arange(seed, seed + length, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 16, 16).contiguous()


def means_of(metric: FrechetVideoDistance, clip: Tensor, name: str = "") -> tuple[list[float], list[float]]:
    """The mean level and the first level that a custom network got of each side."""
    run = metric.start(Clip(clip, key=name), Clip(clip, key=name))
    for start in range(0, len(clip), 7):
        run.add(*(Chunk(clip[start : start + 7], start) for _ in range(2)))
    sums = run.finish()
    unit = (lambda x: x * 255) if metric.protocol == "latentsync" else (lambda x: (x + 1) * 127.5)
    sides = [[round(float(unit(sums_of[0, at])), 2) for at in (1, 4)] for sums_of in (sums.preds, sums.target)]
    return sides[0], sides[1]


@pytest.mark.slow
def test_the_whole_chain_gives_the_program_s_value(checkpoint: Path) -> None:
    """Of 8-bit frames videogpt's pixels are the same; its float32 root of a covariance of rank 4 is not."""
    metric = FrechetVideoDistance(protocol="common-metrics", weights=checkpoint)
    for i in range(5):
        metric.update(frames(f"fake_{i}"), frames(f"real_{i}"))
    assert metric.compute().item() == pytest.approx(float(golden(MODEL)["chain_common_metrics"]), rel=1e-4)
    assert metric.compute().item() == pytest.approx(float(golden(MODEL)["chain_videogpt"]), rel=2e-3)
    assert metric.detail() == {"clips_preds": 5, "clips_target": 5}
    sums = metric.named(metric.sums)
    for side, stored in ((sums.preds, "chain_fake_features"), (sums.target, "chain_real_features")):
        assert deviation(side[0, 1:] / 5, golden(MODEL)[stored].mean(axis=0)) <= TOLERANCE


@pytest.mark.parametrize(
    ("protocol", "clip", "stored", "options"),
    [
        ("cd-fvd", "wide", "wide_cdfvd_folder", {"frames": 12, "resolution": 128}),
        ("fastvideo", "tall", "tall_fastvideo", {}),
        ("latentsync", "latentsync_clip", "latentsync", {}),
    ],
)
def test_features_of_other_protocols_are_the_original_s(
    checkpoint: Path, protocol: str, clip: str, stored: str, options: dict[str, int]
) -> None:
    metric = FrechetVideoDistance(protocol=protocol, weights=checkpoint, **options)
    metric.update([], frames(clip))
    features = metric.named(metric.sums).target[0, 1:]
    assert deviation(features, golden(MODEL)[f"{stored}_features"]) <= TOLERANCE


def test_windows_are_those_of_the_protocols() -> None:
    made = {"extractor": ClipMeans(), "num_features": 4}
    for protocol in ("videogpt", "common-metrics", "fastvideo"):
        assert means_of(FrechetVideoDistance(protocol=protocol, **made), ramp(50)) == ([24.5, 0], [24.5, 0])
    assert means_of(FrechetVideoDistance(protocol="latentsync", **made), ramp(50)) == ([27.5, 20], [27.5, 20])
    preds, target = means_of(FrechetVideoDistance(protocol="styleganv", **made), ramp(50), "a")
    assert preds == [7.5, 0]
    assert target[0] == target[1] + 7.5
    assert target[1] > 0
    sides = means_of(FrechetVideoDistance(protocol="cd-fvd", **made), ramp(50), "a")
    assert all(side[0] == side[1] + 7.5 for side in sides)
    assert sides[0] != sides[1]
    assert means_of(FrechetVideoDistance(**made, frames=25, stride=2), ramp(50)) == ([24, 0], [24, 0])


def test_starts_depend_on_seed_and_name_alone() -> None:
    made = {"extractor": ClipMeans(), "num_features": 4, "protocol": "cd-fvd"}
    drawn = [means_of(FrechetVideoDistance(seed=seed, **made), ramp(200), name) for seed in (0, 1) for name in "aabc"]
    assert drawn[0] == drawn[1]
    assert len({str(each) for each in drawn}) == 6


def test_a_clip_that_is_too_short_is_counted_and_explained() -> None:
    metric = FrechetVideoDistance(protocol="styleganv", extractor=ClipMeans(), num_features=4)
    with pytest.warns(MediaWarning, match="the prediction has 15 frames, and 16 are needed: the other side alone"):
        metric.update(ramp(15), ramp(16))
    for seed in range(3):
        metric.update(ramp(16, seed), ramp(16, seed))
    metric.update([ramp(9)], [])
    assert metric.compute().isfinite()
    assert metric.coverage == 7 / 9
    run = metric.start()
    run.add(Chunk(ramp(9)), Chunk(ramp(3)))
    run.finish()
    assert metric.unpacked(run.packed()).short.tolist() == [1, 1]
    assert metric.score(run).why == (
        "the prediction has 9 frames, and 16 are needed and the target has 3 frames, and 16 are needed"
    )
    alone = FrechetVideoDistance(extractor=ClipMeans(), num_features=4)
    alone.update(ramp(9), [])
    with pytest.warns(
        UserWarning, match=r"0 clips of the prediction and 0 clips of the target.*1 of 1 clip has fewer than 10"
    ):
        assert alone.compute().isnan()


def test_few_clips_are_warned_of() -> None:
    metric = FrechetVideoDistance(extractor=None, num_features=3)
    metric.update(torch.rand(256, 3), torch.rand(255, 3))
    with pytest.warns(
        UserWarning, match="FVD of 256 generated and 255 real clips: below 256 a side the estimate is bi"
    ):
        metric.compute()


def test_wrong_use_is_named(checkpoint: Path) -> None:
    for options, message in (
        ({"frames": 8}, "frames must be at least 9, got 8"),
        ({"stride": 0}, "stride must be at least 1, got 0"),
        ({"resolution": 0}, "resolution must be at least 1, got 0"),
        ({"extractor": "r3d_18"}, "extractor must be 'i3d', 'i3d-torchscript'"),
    ):
        with pytest.raises(InputError, match=message):
            FrechetVideoDistance(weights=checkpoint, **options)
    metric = FrechetVideoDistance(extractor=None, num_features=3)
    with pytest.raises(InputError, match="made for 3 features per clip and got 2; pass num_features=2"):
        metric.update(torch.rand(4, 2), torch.rand(4, 2))
    with pytest.raises(InputError, match="must return a tensor with a row for each of 1 frames"):
        FrechetVideoDistance(extractor=nn.Flatten(0)).update(ramp(10), ramp(10))


class Archive(nn.Module):
    """Stands for the published archive: it tells by which arguments it is called."""

    def forward(self, x: Tensor, rescale: bool, resize: bool, return_features: bool) -> Tensor:
        flags = torch.stack([torch.tensor(float(flag)) for flag in (rescale, resize, return_features)])
        return torch.cat([flags, x.mean().reshape(1), torch.tensor([float(x.shape[-1])])])[None]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_the_published_archive_runs_as_the_programs_call_it_and_no_other_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "i3d_torchscript.pt"
    torch.jit.script(Archive()).save(str(path))
    options = {"weights": path, "num_features": 5, "frames": 10}
    with pytest.raises(WeightsError, match=r"TorchScript archive, which runs code.*nothing in it was run"):
        FrechetVideoDistance(protocol="common-metrics", **options).update(ramp(10), [])
    entry = replace(weights.registry()["i3d-torchscript"], sha256=hash_file(path), size=None)
    monkeypatch.setitem(weights.registry.__globals__["_entries"](), "i3d-torchscript", entry)
    seen = {}
    for protocol in ("common-metrics", "styleganv", "latentsync"):
        metric = FrechetVideoDistance(protocol=protocol, **options)
        metric.update(ramp(40), [])
        seen[protocol] = np.round(metric.named(metric.sums).preds[0, 1:].numpy(), 4).tolist()
    assert seen["common-metrics"] == [0, 0, 1, round(4.5 / 127.5 - 1, 4), 224]
    assert seen["styleganv"] == [1, 1, 1, 4.5, 16]
    assert seen["latentsync"] == [0, 0, 1, round(24.5 / 255, 4), 224]
