"""Train a small generator on the demo's clips with two processes and log every metric that runs offline.

``python examples/lightning_validation.py`` makes the clips itself and downloads nothing (needs the extras
``lightning`` and ``dlib``).
"""

import tempfile
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from thm_torchmetrics import Clip, ShardSampler, TalkingHeadMetrics
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.media.openface import read_action_units
from thm_torchmetrics.media.video import VideoFile

BY_DLIB = {"lmd": "dlib", "akd": "dlib", "mkr": "dlib", "csim": "dlib"}


class Portraits(Dataset):
    """The demo's pairs: the distorted clip as input, the real one as target, and their action units."""

    def __init__(self, folder: Path, frames: int = 8) -> None:
        self.names = sorted(path.stem for path in (folder / "gt_video").iterdir())
        self.folder = folder
        self.frames = frames

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        name = self.names[index]
        video = {side: Clip(VideoFile(self.folder / f"{side}_video/{name}.mp4")).load() for side in ("pred", "gt")}
        units = {side: read_action_units(self.folder / f"{side}_au_csv/{name}.csv") for side in ("pred", "gt")}
        return {
            **{side: clip.frames[: self.frames].contiguous() for side, clip in video.items()},
            **{f"{side}_au": torch.from_numpy(rows[: self.frames]) for side, rows in units.items()},
        }


class Restorer(pl.LightningModule):
    """Two convolutions that learn to undo the distortion."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1))
        self.metrics = TalkingHeadMetrics(
            ["psnr", "ssim", "cpbd", "lmd", "akd", "mkr", "csim", "aue-u", "aue-l"], extractor=BY_DLIB, prefix="val/"
        )

    def generate(self, frames: Tensor) -> Tensor:
        """The restored clips, float in 0..1."""
        flat = frames.flatten(0, 1).to(self.dtype) / 255
        return (flat + 0.1 * self.net(flat)).clamp(0, 1).unflatten(0, frames.shape[:2])

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        """Mean absolute error."""
        return nn.functional.l1_loss(self.generate(batch["pred"]), batch["gt"].to(self.dtype) / 255)

    def validation_step(self, batch: dict[str, Tensor], index: int) -> None:
        """Show the metrics 8-bit frames, as a video file would hold them."""
        frames = (self.generate(batch["pred"]) * 255).round().to(torch.uint8)
        self.metrics.update(frames, batch["gt"], preds_au=batch["pred_au"], target_au=batch["gt_au"])
        self.log_dict(self.metrics)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam over the two convolutions; the metrics add no parameters."""
        return torch.optim.Adam(self.parameters(), 1e-3)


class Data(pl.LightningDataModule):
    """Training pads the shorter shard, as gradients must be averaged in step; validation shows each clip once."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.data = Portraits(folder)

    def train_dataloader(self) -> DataLoader[Any]:
        """Equally many clips for each process."""
        sampler = DistributedSampler(self.data) if torch.distributed.is_initialized() else None
        return DataLoader(self.data, batch_size=1, sampler=sampler)

    def val_dataloader(self) -> DataLoader[Any]:
        """Three clips on two processes: two and one."""
        return DataLoader(self.data, batch_size=1, sampler=ShardSampler(self.data))


def main(processes: int = 2) -> dict[str, float]:
    """Train for two steps, validate, and return what was logged."""
    with tempfile.TemporaryDirectory() as folder:
        make_sample(folder, clips=3, seconds=0.6, size=192)
        trainer = pl.Trainer(
            accelerator="cpu", devices=processes, strategy="ddp_spawn" if processes > 1 else "auto", max_epochs=1,
            max_steps=2, use_distributed_sampler=False, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        )  # fmt: skip
        trainer.fit(Restorer(), Data(Path(folder)))
        return {name: float(value) for name, value in trainer.callback_metrics.items()}


if __name__ == "__main__":
    for name, value in main().items():
        print(f"{name:<12} {value:.4f}")
