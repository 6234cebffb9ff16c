"""The callback: clips that the module generates are scored every few epochs, and logged."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor
from torch.utils.data import DataLoader

from thm_torchmetrics import PeakSignalNoiseRatio, TalkingHeadEvaluation, TalkingHeadMetrics
from thm_torchmetrics.errors import InputError

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:lightning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*"),
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec.*"),
]

TARGET = torch.full((5, 3, 16, 16), 100, dtype=torch.uint8)


class Model(pl.LightningModule):
    """Learns next to nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)

    def training_step(self, batch: Any, index: int) -> Tensor:
        return self.layer(torch.ones(1, 2)).sum()

    def validation_step(self, batch: Any, index: int) -> None: ...

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 1e-3)


def fit(folder: Path, callback: TalkingHeadEvaluation, epochs: int = 4, **options: Any) -> pl.Trainer:
    trainer = pl.Trainer(
        max_epochs=epochs, accelerator="cpu", devices=1, logger=CSVLogger(folder), enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder, callbacks=[callback], **options,
    )  # fmt: skip
    loader: Any = DataLoader(range(4), batch_size=2)  # type: ignore[arg-type]
    trainer.fit(Model(), loader, loader)
    return trainer


def logged(trainer: pl.Trainer, name: str) -> list[float]:
    assert isinstance(trainer.logger, CSVLogger)
    with Path(trainer.logger.log_dir, "metrics.csv").open(encoding="utf-8") as file:
        return [float(row[name]) for row in csv.DictReader(file) if row[name]]


class Generate:
    """Generates clips that get worse with every epoch, and remembers how it was called."""

    def __init__(self) -> None:
        self.calls: list[tuple[bool, bool]] = []

    def __call__(self, module: pl.LightningModule) -> Iterator[dict[str, Tensor]]:
        self.calls.append((module.training, torch.is_grad_enabled()))
        for _ in range(2):
            yield {"preds": TARGET + 10 * (module.current_epoch + 1), "target": TARGET}


def psnr(difference: int) -> float:
    metric = PeakSignalNoiseRatio()
    return metric(TARGET + difference, TARGET).item()


@pytest.mark.parametrize("every", [1, 2, 3])
def test_clips_are_scored_every_few_epochs_and_each_time_afresh(tmp_path: Path, every: int) -> None:
    generate = Generate()
    trainer = fit(tmp_path, TalkingHeadEvaluation(["psnr"], generate, every=every))
    epochs = [epoch for epoch in range(4) if (epoch + 1) % every == 0]
    assert logged(trainer, "eval/psnr") == pytest.approx([psnr(10 * (epoch + 1)) for epoch in epochs], rel=1e-6)
    assert generate.calls == [(False, False)] * len(epochs)  # in eval mode, without gradients, not before training


def test_a_collection_with_its_own_names_may_be_given(tmp_path: Path) -> None:
    metrics = TalkingHeadMetrics({"quality": PeakSignalNoiseRatio()}, postfix="_db")
    trainer = fit(tmp_path, TalkingHeadEvaluation(metrics, Generate(), prefix="test/"), epochs=1)
    assert float(trainer.callback_metrics["test/quality_db"]) == pytest.approx(psnr(10), rel=1e-6)


def test_the_callback_adds_nothing_to_the_checkpoint(tmp_path: Path) -> None:
    trainer = fit(tmp_path, TalkingHeadEvaluation(["psnr"], Generate()), epochs=1)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    held = torch.load(tmp_path / "a.ckpt", weights_only=False)
    assert set(held["state_dict"]) == {"layer.weight", "layer.bias"}


def test_a_value_is_the_same_under_mixed_precision(tmp_path: Path) -> None:
    trainer = fit(tmp_path, TalkingHeadEvaluation(["psnr"], Generate()), epochs=1, precision="bf16-mixed")
    assert float(trainer.callback_metrics["eval/psnr"]) == pytest.approx(psnr(10), rel=1e-6)


def test_an_error_of_the_generator_is_the_user_s_to_see(tmp_path: Path) -> None:
    def broken(module: pl.LightningModule) -> Any:
        raise ZeroDivisionError("no clip")

    with pytest.raises(ZeroDivisionError, match="no clip"):
        fit(tmp_path, TalkingHeadEvaluation(["psnr"], broken), epochs=1)


@pytest.mark.parametrize("every", [0, -1])
def test_every_is_at_least_one(every: int) -> None:
    with pytest.raises(InputError, match=f"every must be at least 1, got {every}"):
        TalkingHeadEvaluation(["psnr"], Generate(), every=every)
