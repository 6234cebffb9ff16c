"""A tensor that is written into between two updates is measured as it is, not as it was."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from thm_torchmetrics import Clip, IdentitySimilarity, TalkingHeadMetrics
from thm_torchmetrics.errors import InputError


class Counting(nn.Module):
    """Embeds a frame by its corner and counts frames."""

    def __init__(self) -> None:
        super().__init__()
        self.frames = 0

    def forward(self, frames: Tensor) -> Tensor:
        self.frames += len(frames)
        return frames[:, :, :2, :2].flatten(1) + 0.1


def frames(seed: int, dtype: torch.dtype = torch.uint8) -> Tensor:
    bytes_ = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    return bytes_ if dtype == torch.uint8 else bytes_.to(dtype) / 255


def fresh(preds: Tensor, target: Tensor) -> float:
    return IdentitySimilarity(extractor=Counting())(preds.clone(), target.clone()).item()


WAYS: dict[str, Callable[[Tensor, Tensor], object]] = {
    "copy_": lambda tensor, new: tensor.copy_(new),
    "a slice": lambda tensor, new: tensor[2:].copy_(new[2:]),
    "out=": lambda tensor, new: torch.add(new, torch.zeros_like(new), out=tensor),
    "a view": lambda tensor, new: tensor.flatten().view_as(tensor)[1].copy_(new[1]),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("inference", [False, True])
def test_a_clip_notices_that_its_tensor_was_refilled(way: str, dtype: torch.dtype, inference: bool) -> None:
    """CSIM was 1.0 for 0.9998: the features of the first contents were kept."""
    with torch.inference_mode(inference):
        target, buffer = frames(0, dtype), frames(0, dtype)
        preds = Clip(buffer)
        metric = IdentitySimilarity(extractor=Counting())
        assert metric(preds, target).item() == pytest.approx(1)
        collection = TalkingHeadMetrics({"one": IdentitySimilarity(extractor=Counting())})
        collection(preds, target)
        WAYS[way](buffer, frames(1, dtype))
        expected = fresh(buffer, target)
        assert expected < 0.999
        metric.reset()
        metric.update(preds, target)
        assert metric.compute().item() == expected
        assert collection(preds, target)["one"].item() == expected


def test_values_that_no_pixel_has_are_noticed_too() -> None:
    buffer = frames(0, torch.float32)
    clip, metric = Clip(buffer), IdentitySimilarity(extractor=Counting())
    metric.update(clip, clip)
    buffer[0, 0, 0, 0] = torch.nan
    with pytest.raises(InputError, match="NaN"):
        metric.update(clip, clip)


@pytest.mark.parametrize("inference", [False, True])
def test_members_of_a_collection_share_features_of_a_clip(inference: bool) -> None:
    with torch.inference_mode(inference):
        network = Counting()
        metrics = TalkingHeadMetrics(
            {name: IdentitySimilarity(extractor=network, reference=name) for name in ("target-frame", "target-first")}
        )
        metrics.update(Clip(frames(0)), Clip(frames(1)))
        assert network.frames == 10
