"""Names without a colon: for loggers, checkpoint files and trackers that do not take one."""

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor
from torch.utils.data import DataLoader

from thm_torchmetrics import FrameMean, StructuralSimilarity, TalkingHeadMetrics
from thm_torchmetrics.catalog import CATALOG, SUITES, find_choice, values_by_metric
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError

CHOICES = [(key, protocol) for key, row in CATALOG.items() for protocol in row.protocols]


class Brightness(FrameMean):
    """A custom metric with a colon in its name."""

    key = "brightness:linear"

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        return (preds.as_float() - target.as_float()).mean(dim=(1, 2, 3)).abs()


def frames(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (2, 4, 3, 24, 24), dtype=torch.uint8, generator=generator)


def test_a_hyphen_names_every_protocol_of_the_catalog_without_doubt() -> None:
    spelled = [f"{key}-{protocol}" for key, protocol in CHOICES]
    assert len(set(spelled)) == len(CHOICES)
    assert not set(spelled) & set(CATALOG)
    for (key, protocol), text in zip(CHOICES, spelled, strict=True):
        choice = find_choice(text)
        assert (choice.row.key, choice.protocol, choice.text) == (key, protocol, text)
        assert choice.name == find_choice(f"{key}:{protocol}").name == f"{key}:{protocol}"
        assert [each for each in CHOICES if f"{each[0]}-{each[1]}" == text] == [(key, protocol)]


def test_keys_with_a_hyphen_are_keys() -> None:
    for key in CATALOG:
        assert (find_choice(key).name, find_choice(key).row.key) == (key, key)
    for wrong in ("ssim-nonsense", "ssim_skimage", "ssim-", "-skimage", "ssim-skimage-x"):
        with pytest.raises(InputError, match="unknown metric"):
            find_choice(wrong)


def test_results_are_named_with_the_separator() -> None:
    names = ["psnr", "ssim:skimage", "ssim:torchmetrics"]
    plain, other = TalkingHeadMetrics(names), TalkingHeadMetrics(names, separator="-", prefix="val/")
    values, named = plain(frames(0), frames(1)), other(frames(0), frames(1))
    assert list(values) == ["psnr", "ssim:skimage", "ssim:torchmetrics"]
    assert list(named) == ["val/psnr", "val/ssim-skimage", "val/ssim-torchmetrics"]
    assert list(named.values()) == list(values.values())
    assert list(other.clone(prefix="test/").compute()) == ["test/psnr", "test/ssim-skimage", "test/ssim-torchmetrics"]
    other.add_metrics(["psnr:global-mse"])
    assert "psnr-global-mse" in other.members()
    assert list(TalkingHeadMetrics(["ssim-skimage"]).members()) == ["ssim-skimage"]
    assert TalkingHeadMetrics(["ssim-skimage"]).members()["ssim-skimage"].protocol == "skimage"


@pytest.mark.parametrize("separator", ["-", "_", "/", " "])
def test_custom_metrics_and_dicts_are_named_alike(separator: str) -> None:
    metrics = TalkingHeadMetrics([Brightness(), "psnr"], separator=separator)
    metrics.update(frames(0), frames(1))
    assert list(metrics.compute()) == [f"brightness{separator}linear", "psnr"]
    named = TalkingHeadMetrics({"a:b": Brightness(), "c": StructuralSimilarity()}, separator=separator)
    assert list(named.members()) == [f"a{separator}b", "c"]


def test_a_suite_has_no_colon_left() -> None:
    texts = [text for text in SUITES["offline"] if not CATALOG[find_choice(text).row.key].extractors]
    metrics = TalkingHeadMetrics([*texts, "psnr:global-mse"], separator="-")
    assert not any(":" in name for name in metrics.members())


def test_groups_and_options_take_either_spelling() -> None:
    for spelled in ("ssim:skimage", "ssim-skimage"):
        for asked in ("ssim:skimage", "ssim-skimage"):
            metrics = TalkingHeadMetrics(["psnr", asked], average={spelled: "clip"})
            assert {name: each.average for name, each in metrics.members().items()} == {"psnr": "frame", asked: "clip"}
    assert values_by_metric({"ssim-skimage": 1, "psnr": 2}) == {"ssim:skimage": 1, "psnr": 2}
    assert values_by_metric("clip") is values_by_metric({"arcface-r18": "file"}) is None
    groups = [["aue-mean", "aue-u-mean"]]
    metrics = TalkingHeadMetrics(["aue:mean", "aue-u:mean"], separator="-", compute_groups=groups)
    assert list(metrics.compute_groups.values()) == groups
    again = TalkingHeadMetrics(["aue:mean", "aue-u:mean"], separator="-", compute_groups=[["aue:mean", "aue-u:mean"]])
    assert list(again.compute_groups.values()) == groups


def test_two_members_of_one_name_and_odd_separators_are_named() -> None:
    with pytest.raises(InputError, match="already"):
        TalkingHeadMetrics(["ssim:skimage", "ssim-skimage"], separator="-")
    for separator in ("", ".", "a.b"):
        with pytest.raises(InputError, match="separator"):
            TalkingHeadMetrics(["psnr"], separator=separator)


class Module(pl.LightningModule):
    """Validates once, with a network that learns nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.metrics = TalkingHeadMetrics(["psnr", "ssim:skimage", "psnr:global-mse"], prefix="val/", separator="-")

    def training_step(self, batch: Any, index: int) -> Tensor:
        loss: Tensor = self.layer(torch.ones(1, 1)).sum()
        return loss

    def validation_step(self, batch: Any, index: int) -> None:
        self.metrics.update(frames(0), frames(1))

    def on_validation_epoch_end(self) -> None:
        self.log_dict(self.metrics.compute())
        self.metrics.reset()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.mark.filterwarnings("ignore::UserWarning:lightning", "ignore:.*LeafSpec.*", "ignore:.*isinstance.treespec.*")
def test_lightning_names_checkpoints_after_them(tmp_path: Path) -> None:
    """``ssim:skimage`` ended in "Invalid format specifier"."""
    keeper = ModelCheckpoint(
        tmp_path, monitor="val/ssim-skimage", mode="max", auto_insert_metric_name=False,
        filename="{val/ssim-skimage:.3f}_{val/psnr-global-mse:.2f}",
    )  # fmt: skip
    trainer = pl.Trainer(
        max_epochs=1, limit_train_batches=1, limit_val_batches=1, callbacks=[keeper], logger=False, accelerator="cpu",
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    module, data = Module(), DataLoader(torch.zeros(1, 1))
    trainer.fit(module, data, data)
    expected = TalkingHeadMetrics(["ssim:skimage", "psnr:global-mse"])(frames(0), frames(1))
    ssim, psnr = (value.item() for value in expected.values())
    assert Path(keeper.best_model_path).name == f"{ssim:.3f}_{psnr:.2f}.ckpt"


@pytest.mark.parametrize("separator", ["", ".", "a.b"])
def test_a_separator_that_names_cannot_have_is_refused(separator: str) -> None:
    with pytest.raises(InputError, match="separator must be a character other than the dot"):
        TalkingHeadMetrics(["psnr"], separator=separator)
