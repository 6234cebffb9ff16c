"""A validation loop of Lightning that measures action units of made-up clips."""

from typing import Any

import lightning.pytorch as pl
import torch
from metrics.openface_clips import pair
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from thm_torchmetrics import ShardSampler, TalkingHeadMetrics


class Pairs(Dataset[tuple[Tensor, Tensor]]):
    """The three pairs of made-up clips."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return pair(index)


class Validated(pl.LightningModule):
    """A model of one layer, validated on clips as they are."""

    def __init__(self, files: dict[str, str]) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.metrics = TalkingHeadMetrics(
            ["aue-u", "aue-l"], extractor="openface-au", landmarks="dlib", weights=files, align="truncate"
        )

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        self.metrics.update(*batch)
        self.log_dict(self.metrics)

    def val_dataloader(self) -> DataLoader[Any]:
        """Three clips on two processes: two and one."""
        return DataLoader(Pairs(), batch_size=1, sampler=ShardSampler(Pairs()))


def validate(files: dict[str, str], processes: int) -> dict[str, float]:
    """Validate, and return what was logged."""
    trainer = pl.Trainer(
        accelerator="cpu", devices=processes, strategy="ddp_spawn" if processes > 1 else "auto",
        use_distributed_sampler=False, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    trainer.validate(Validated(files), verbose=False)
    return {name: float(value) for name, value in trainer.callback_metrics.items()}
