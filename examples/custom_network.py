"""A custom metric with a network of its own, in one file: how far the luma of generated frames is off."""

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from thm_torchmetrics import FrameMean
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors import FrozenNetwork
from thm_torchmetrics.weights import CustomFiles, WeightEntry, register

register(
    WeightEntry(
        name="luma",
        file="luma.pth",
        urls=("https://example.org/luma.pth",),
        sha256="789a06cd230aba4653706e4953b709f5095982a62afc22765b57f4aa36fca7b6",
        license="CC0-1.0",
        commercial=True,
    )
)


class LumaNet(nn.Module):
    """The architecture, with the keys of the checkpoint: here one, ``mix.weight``."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(3, 1, kernel_size=1, bias=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Return the mean luma ``(n,)`` of frames ``(n, 3, H, W)`` in 0..1, in grey levels."""
        luma: Tensor = self.mix(frames)
        return 255 * luma.mean(dim=(1, 2, 3))


class Luma(FrozenNetwork):
    """The luma of every frame, by the network of the pool."""

    def build(self) -> nn.Module:
        """Return the architecture; the pool loads the checkpoint into it."""
        return LumaNet()

    def extract(self, chunk: Chunk) -> Tensor:
        """Return one value, or one row, per frame; NaN where a frame has none."""
        return self.in_batches(self.network(chunk.rows.device), chunk.as_float())


class LumaError(FrameMean):
    """Mean absolute difference of the frames' luma, in grey levels; lower is better."""

    key = "luma-error"
    unit = "levels"
    higher_is_better = False

    def __init__(self, *, weights: CustomFiles = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.extractor = Luma.make("luma", weights)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the difference of every frame."""
        return (self.features(preds) - self.features(target)).abs()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "luma.pth"  # a custom file in place of the published one
        torch.save({"mix.weight": torch.tensor([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)}, file)
        metric = LumaError(weights=file)
        target = torch.full((2, 10, 3, 64, 64), 100, dtype=torch.uint8)
        preds = target.clone()
        preds[:, :, 0] += 10  # red alone
        metric.update(preds, target)
        print(f"luma error: {metric.compute():.2f} levels, coverage {metric.coverage:.0%}")
