"""The metrics in Lightning's loops: logged, invisible to the checkpoint, untouched by precision."""

import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from thm_torchmetrics import LandmarkDistance, PeakSignalNoiseRatio, TalkingHeadMetrics

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:lightning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*"),
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec.*"),
]


class Clips(Dataset):
    """Four pairs of clips, uint8."""

    def __init__(self, count: int = 4) -> None:
        generator = torch.Generator().manual_seed(0)
        self.target = torch.randint(0, 200, (count, 3, 3, 16, 16), dtype=torch.uint8, generator=generator)
        noise = torch.randint(0, 50, self.target.shape, dtype=torch.uint8, generator=generator)
        self.preds = self.target + noise

    def __len__(self) -> int:
        return len(self.target)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.preds[index], self.target[index]


class Generator(pl.LightningModule):
    """A model that learns next to nothing, and validates with metrics."""

    def __init__(self, metrics: bool = True) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)
        if metrics:
            self.single = PeakSignalNoiseRatio(protocol="global-mse")
            self.several = TalkingHeadMetrics(["psnr", "ssim:skimage"], prefix="val/")
            self.absent = LandmarkDistance(extractor=None)
        self.seen: dict[str, float] = {}

    def training_step(self, batch: Any, index: int) -> Tensor:
        return self.layer(torch.ones(1, 2, device=self.device, dtype=self.layer.weight.dtype)).sum()

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        if not hasattr(self, "single"):
            return
        preds, target = batch
        self.single.update(preds, target)
        self.several.update(preds, target)
        self.log("single", self.single)
        self.log_dict(self.several)

    def on_validation_end(self) -> None:
        self.seen = {name: float(value) for name, value in self.trainer.logged_metrics.items()}

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 1e-3)


def trainer(folder: Path, **options: Any) -> pl.Trainer:
    settings: dict[str, Any] = {
        "max_epochs": 2, "accelerator": "cpu", "devices": 1, "logger": False, "enable_checkpointing": False,
        "enable_progress_bar": False, "enable_model_summary": False, "default_root_dir": folder,
    } | options  # fmt: skip
    return pl.Trainer(**settings)


def loader() -> DataLoader:
    return DataLoader(Clips(), batch_size=2)


def expected() -> dict[str, float]:
    """The values over all four clips, computed without Lightning."""
    data = Clips()
    collection = TalkingHeadMetrics(["psnr", "ssim:skimage"], prefix="val/")
    values = collection(data.preds, data.target)
    single = PeakSignalNoiseRatio(protocol="global-mse")(data.preds, data.target)
    return {name: value.item() for name, value in values.items()} | {"single": single.item()}


@pytest.mark.parametrize("precision", ["32-true", "bf16-true", "16-true", "bf16-mixed"])
def test_logged_values_are_those_of_the_data(tmp_path: Path, precision: str) -> None:
    module = Generator()
    trainer(tmp_path, precision=precision).fit(module, DataLoader(Clips(), batch_size=2), loader())
    for name, value in expected().items():
        assert module.seen[name] == pytest.approx(value, rel=1e-6), name
    results = trainer(tmp_path, precision=precision).validate(module, loader(), verbose=False)
    assert results[0]["single"] == pytest.approx(expected()["single"], rel=1e-6)


def test_the_checkpoint_holds_nothing_of_the_metrics(tmp_path: Path) -> None:
    sizes = []
    for metrics in (True, False):
        module = Generator(metrics)
        run = trainer(tmp_path, max_epochs=1, enable_checkpointing=True)
        run.fit(module, loader(), loader())
        path = tmp_path / f"{metrics}.ckpt"
        run.save_checkpoint(path)
        sizes.append(path.stat().st_size)
        assert set(torch.load(path, weights_only=False)["state_dict"]) == {"layer.weight", "layer.bias"}
        assert len(list(module.parameters())) == 2
    assert abs(sizes[0] - sizes[1]) < 1024


def test_callbacks_read_what_was_logged(tmp_path: Path) -> None:
    keeper = ModelCheckpoint(dirpath=tmp_path, monitor="val/psnr", mode="max")
    stopper = EarlyStopping(monitor="single", mode="max", patience=3)
    trainer(tmp_path, callbacks=[keeper, stopper], enable_checkpointing=True).fit(Generator(), loader(), loader())
    assert float(keeper.best_model_score) == pytest.approx(expected()["val/psnr"], rel=1e-6)
    assert stopper.stopped_epoch == 0


def test_a_metric_that_saw_nothing_stops_training_only_by_its_own_early_stopping(tmp_path: Path) -> None:
    class Blind(Generator):
        def validation_step(self, batch: Any, index: int) -> None:
            self.absent.update(torch.full((1, 68, 2), torch.nan), torch.zeros(1, 68, 2))
            self.log("lmd", self.absent)

    stopper = EarlyStopping(monitor="lmd", check_finite=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = trainer(tmp_path, max_epochs=4, callbacks=[stopper], num_sanity_val_steps=0)
        run.fit(Blind(), loader(), loader())
        assert run.current_epoch < 3  # NaN is not finite, so this one stops
        lenient = trainer(tmp_path, max_epochs=3, num_sanity_val_steps=0)
        lenient.fit(Blind(), loader(), loader())
    assert lenient.current_epoch == 3
