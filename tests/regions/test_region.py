"""Regions of frames: the pixels that count, and what cannot be found."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import piq
import pytest
import torch
from parity import build
from parity.seeded import golden, golden_meta
from PIL import Image
from torch import Tensor, nn

from thm_torchmetrics import (
    Clip,
    FrechetInceptionDistance,
    LearnedPerceptualSimilarity,
    MultiScaleStructuralSimilarity,
    PeakSignalNoiseRatio,
    PixelAbsoluteError,
    PixelSquaredError,
    StructuralSimilarity,
    TalkingHeadMetrics,
)
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import InputError, MediaError, MissingFaceError

PAIRED = [PeakSignalNoiseRatio, StructuralSimilarity, PixelAbsoluteError, PixelSquaredError]


class Points(nn.Module):
    """68 points around the brightest column and row of the blue channel; none in a frame without blue."""

    def forward(self, frames: Tensor) -> Tensor:
        blue = frames[:, 2]
        center = torch.stack([blue.sum(dim=1).argmax(dim=1), blue.sum(dim=2).argmax(dim=1)], dim=1)
        angles = torch.arange(68) * (2 * math.pi / 68)
        circle = (torch.stack([angles.cos(), angles.sin()], dim=1) * 15).round()
        points = center[:, None] + circle
        return points.masked_fill((blue.amax(dim=(1, 2)) == 0)[:, None, None], torch.nan)


def frames(seed: int, count: int = 6, size: int = 64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    made = torch.randint(0, 255, (count, 3, size, size), dtype=torch.uint8, generator=generator)
    made[:, 2] = 0
    for i in range(count):
        made[i, 2, 30 + i, 28 - i] = 255
    return made


def boxes(count: int = 6) -> list[tuple[int, int, int, int]]:
    return [(28 - i - 15, 30 + i - 15, 28 - i + 16, 30 + i + 16) for i in range(count)]


def crops(clip: Tensor, of: Any = None) -> list[Tensor]:
    return [frame[None, :, y1:y2, x1:x2] for frame, (x1, y1, x2, y2) in zip(clip, of or boxes(len(clip)), strict=True)]


@pytest.mark.parametrize("kind", PAIRED)
@pytest.mark.parametrize("average", ["frame", "clip"])
def test_a_part_of_the_face_is_the_metric_of_the_target_s_crops(kind: type[TalkingHeadMetric], average: str) -> None:
    preds, target = frames(1), frames(2)
    preds[:, 2] = preds[:, 0]  # its own points would lie elsewhere
    metric = kind(region="face", landmarks=Points(), average=average)
    whole = kind()
    whole.update(crops(preds), crops(target))
    assert metric(preds, target).item() == pytest.approx(whole.compute().item(), rel=1e-6)
    assert metric(preds, target).item() != pytest.approx(kind()(preds, target).item(), rel=1e-3)


def test_pooled_errors_weigh_crops_by_their_pixels(tmp_path: Path) -> None:
    preds, target = frames(1, 2), frames(2, 2)
    cuts = [(0, 0, 8, 8), (4, 2, 40, 44)]
    np.save(tmp_path / "boxes.npy", np.array(cuts))
    metric = PeakSignalNoiseRatio(protocol="global-mse", region=str(tmp_path / "boxes.npy"))
    pairs = zip(crops(preds, cuts), crops(target, cuts), strict=True)
    errors = torch.cat([(first.double() - second.double()).flatten() for first, second in pairs]) / 255
    assert metric(preds, target).item() == pytest.approx(-10 * errors.square().mean().log10().item(), rel=1e-6)


def test_a_frame_without_a_face_is_not_scored_and_counted() -> None:
    preds, target = frames(1), frames(2)
    target[2, 2] = 0
    metric = PixelAbsoluteError(region="face", landmarks=Points())
    kept = [0, 1, 3, 4, 5]
    expected = np.mean(
        [
            np.abs(a.numpy() / 255 - b.numpy() / 255).mean()
            for i, (a, b) in enumerate(zip(crops(preds), crops(target), strict=True))
            if i in kept
        ]
    )
    assert metric(preds, target).item() == pytest.approx(expected, rel=1e-6)
    metric.update(preds, target)
    assert metric.coverage == 5 / 6
    target[:, 2] = 0
    none = PixelAbsoluteError(region="mouth", landmarks=Points())
    none.update(preds, target)
    with pytest.warns(UserWarning, match="the network Points gave NaN or infinity in 6 frames, in the target"):
        assert none.compute().isnan()
    with pytest.raises(MissingFaceError):
        PixelAbsoluteError(region="face", landmarks=Points(), missing="error").update(preds, target)


@pytest.mark.parametrize("kind", PAIRED)
def test_a_fixed_box_is_the_metric_of_the_cut_frames(kind: type[TalkingHeadMetric]) -> None:
    preds, target = frames(1), frames(2)
    cut = kind()(preds[:, :, 4:44, 10:50], target[:, :, 4:44, 10:50]).item()
    assert kind(region="10,4,40,40")(preds, target).item() == pytest.approx(cut, rel=1e-6)


def test_other_metrics_measure_the_box_too() -> None:
    preds, target = frames(1, 3, 200), frames(2, 3, 200)
    cut = [side[:, :, 10:180, 20:195] for side in (preds, target)]
    box = "20,10,175,170"
    value = MultiScaleStructuralSimilarity(region=box)(preds, target)
    assert value.item() == pytest.approx(MultiScaleStructuralSimilarity()(*cut).item(), rel=1e-9)

    class Distance(nn.Module):
        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return (a - b).abs().mean(dim=(1, 2, 3))

    value = LearnedPerceptualSimilarity(extractor=Distance(), region=box)(preds, target)
    assert value.item() == pytest.approx(PixelAbsoluteError()(*cut).item(), rel=1e-6)


class Means(nn.Module):
    """The mean of each color."""

    def forward(self, frames: Tensor) -> Tensor:
        return frames.mean(dim=(2, 3))


@pytest.mark.filterwarnings("ignore:FID of")
def test_fid_crops_each_side_by_its_own_faces() -> None:
    preds, target = frames(1), frames(2, 8)
    preds = preds.roll(3, dims=3)  # and its points with it
    options: dict[str, Any] = {"extractor": Means(), "num_features": 3}
    metric = FrechetInceptionDistance(region="face", landmarks=Points(), **options)
    moved = [(x1 + 3, y1, x2 + 3, y2) for x1, y1, x2, y2 in boxes()]
    sides = crops(preds, moved), crops(target)
    rows = [torch.cat([cut.float().mean(dim=(2, 3)) / 255 for cut in side]) for side in sides]
    expected = FrechetInceptionDistance(extractor=None, num_features=3)(*rows).item()
    assert metric(preds, target).item() == pytest.approx(expected, rel=1e-4)
    preds[0, 2] = 0
    metric.reset()
    metric.update(preds, target)
    metric.compute()
    assert metric.coverage == 13 / 14
    with pytest.raises(InputError, match="features are given; leave out region='face'"):
        FrechetInceptionDistance(extractor=None, region="face", landmarks=Points())


def test_boxes_in_files_are_found_by_the_clip_s_name(tmp_path: Path) -> None:
    preds, target = frames(1), frames(2)
    (tmp_path / "sub").mkdir()
    np.save(tmp_path / "sub" / "a.npy", np.array(boxes()))
    metric = PixelAbsoluteError(region=str(tmp_path))
    expected = PixelAbsoluteError(region="face", landmarks=Points())(preds, target).item()
    assert metric(Clip(preds), Clip(target, key="sub/a")).item() == pytest.approx(expected, rel=1e-9)
    for key, words in (("", "has no name"), ("b", "one file .* got none")):
        with pytest.raises(InputError, match=words):
            metric.update(Clip(preds, key=key), Clip(target, key=key))
    np.save(tmp_path / "few.npy", np.array(boxes()[:4]))
    with pytest.raises(InputError, match="4 boxes for a clip of 6 frames"):
        metric.update(Clip(preds, key="few"), target)
    np.save(tmp_path / "far.npy", np.array([[0, 0, 70, 20]]))
    with pytest.raises(InputError, match=r"\(70, 20\) does not lie in the frame of 64x64"):
        metric.update(Clip(preds, key="far"), target)
    np.save(tmp_path / "wide.npy", np.zeros((6, 5)))
    with pytest.raises(MediaError, match="wide"):
        metric.update(Clip(preds, key="wide"), target)


class Video:
    """A video of given frames, of which every n-th is taken."""

    fps, size = 25.0, (64, 64)

    def __init__(self, frames: Tensor, every: int) -> None:
        self.pictures, self.every = frames.permute(0, 2, 3, 1).numpy(), every

    def frames(self) -> Iterator[tuple[npt.NDArray[np.uint8], float]]:
        for index in range(0, len(self.pictures), self.every):
            yield self.pictures[index], index / 25


@pytest.mark.parametrize("delay", [-4, 3])
def test_without_its_delay_a_clip_is_measured_in_the_boxes_of_the_same_frames(tmp_path: Path, delay: int) -> None:
    """The boxes of the first frames were taken for those behind the delay of an early clip."""
    cuts = [(i, 5, i + 16, 21) for i in range(20)]
    np.save(tmp_path / "a.npy", np.array(cuts))
    target = torch.randint(0, 100, (20, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    preds = target + 9
    for frame, real, (x1, y1, x2, y2) in zip(preds, target, cuts, strict=True):
        frame[:, y1:y2, x1:x2] = real[:, y1:y2, x1:x2] + 1
    preds = torch.cat([frames(5, 3), preds]) if delay > 0 else preds[-delay:]
    metric = PixelAbsoluteError(region=tmp_path, align="delay")
    assert metric(Clip(preds, key="a"), Clip(target, key="a")).item() == pytest.approx(1 / 255, rel=1e-6)
    assert metric.coverage == 1


def test_of_every_second_frame_every_second_box_counts(tmp_path: Path) -> None:
    preds, target = frames(1), frames(2)
    np.save(tmp_path / "boxes.npy", np.array(boxes()))
    metric = PixelAbsoluteError(region=tmp_path / "boxes.npy")
    thinned = metric(Clip(Video(preds, 2)), Clip(Video(target, 2))).item()
    parts = [PixelAbsoluteError()(a, b).item() for a, b in zip(crops(preds)[::2], crops(target)[::2], strict=True)]
    assert thinned == pytest.approx(float(np.mean(parts)), rel=1e-6)


def test_a_region_is_told_apart_by_its_files(tmp_path: Path) -> None:
    """A cache gave the value of boxes that were changed since."""
    np.save(tmp_path / "a.npy", np.array(boxes()))
    metrics = [PixelAbsoluteError(region=tmp_path) for _ in range(2)]
    assert metrics[0].identity == metrics[1].identity
    np.save(tmp_path / "a.npy", np.array(boxes()) + 1)
    other = PixelAbsoluteError(region=tmp_path)
    assert other.content not in (None, metrics[0].content)
    assert other.identity != metrics[0].identity
    distance = FrechetInceptionDistance(region=tmp_path, extractor=Means())
    assert distance.settings()["region_sha256"] == other.settings()["region_sha256"]


def test_a_mask_stands_for_the_box_of_its_white_pixels(tmp_path: Path) -> None:
    preds, target = frames(1), frames(2)
    mask = np.zeros((64, 64), np.uint8)
    mask[10:20, 30:50] = 255
    mask[12, 25] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    metric = PixelAbsoluteError(region=str(tmp_path / "mask.png"))
    assert metric(preds, target).item() == PixelAbsoluteError(region="25,10,25,10")(preds, target).item()
    with pytest.raises(
        InputError, match="masks of the region are 64x64 and the frames 96x80; give masks of the frames'"
    ):
        metric.update(torch.zeros(2, 3, 80, 96), torch.zeros(2, 3, 80, 96))


def test_a_region_that_is_none_is_named() -> None:
    wrong: Any
    for wrong in ("nose", "1,2,3", "1,2,0,4", "a,b,c,d", (1, 2, 3, 4)):
        with pytest.raises(InputError, match="region must be 'face', 'mouth', 'upper', a box"):
            PixelAbsoluteError(region=wrong)
    with pytest.raises(InputError, match=r"\(70, 12\) does not lie in the frame of 64x64"):
        PixelAbsoluteError(region="60,2,10,10").update(frames(1), frames(2))


def test_regions_are_told_apart_in_a_collection() -> None:
    preds, target = frames(1), frames(2)
    members = {
        "whole": PeakSignalNoiseRatio(),
        "box": PeakSignalNoiseRatio(region="0,0,9,9"),
        "face": PeakSignalNoiseRatio(region="face", landmarks=Points()),
    }
    values = TalkingHeadMetrics(members)(preds, target)
    assert len({round(value.item(), 6) for value in values.values()}) == 3
    assert members["box"].settings()["region"] == "0,0,9,9"


def test_ssim_of_talklip_is_its_own_script_s(tmp_path: Path) -> None:
    meta, arrays = golden_meta("frames"), golden("frames")
    metric = StructuralSimilarity(protocol="talklip", region=str(tmp_path), align="truncate")
    for i, (target, preds) in enumerate(build.talklip_pairs(meta)):
        np.save(tmp_path / f"{i}.npy", arrays[f"talklip_boxes_{i}"])
        sides = [torch.from_numpy(side[..., ::-1].copy()).movedim(-1, 1) for side in (preds, target)]
        count = min(map(len, sides))
        metric.update(Clip(sides[0][:count], key=str(i)), Clip(sides[1][:count]))
    assert metric.compute().item() == pytest.approx(float(arrays["talklip_ssim"]), rel=1e-6)


def test_the_pixels_of_a_crop_are_piq_s() -> None:
    preds, target = frames(1), frames(2)
    expected = np.mean([piq.psnr(a / 255, b / 255).item() for a, b in zip(crops(preds), crops(target), strict=True)])
    metric = PeakSignalNoiseRatio(region="face", landmarks=Points())
    assert metric(preds, target).item() == pytest.approx(expected, rel=1e-5)


def test_boxes_that_are_no_whole_pixels_are_named(tmp_path: Path) -> None:
    np.save(tmp_path / "talk.npy", np.full((2, 4), 0.5))
    frames = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    metric = PeakSignalNoiseRatio(region=str(tmp_path))
    with pytest.raises(InputError, match=r"talk\.npy holds boxes that are no whole pixels"):
        metric.update(Clip(frames, key="talk"), Clip(frames, key="talk"))


def test_a_protocol_with_crops_of_its_own_takes_no_region() -> None:
    with pytest.raises(InputError, match="protocol 'eat' has crops of its own; leave out region='mouth'"):
        PeakSignalNoiseRatio(protocol="eat", region="mouth")
