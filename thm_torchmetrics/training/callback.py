"""Score generated clips every few epochs by a Lightning callback."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from lightning.pytorch import Callback, LightningModule, Trainer

from thm_torchmetrics.collection import TalkingHeadMetrics
from thm_torchmetrics.errors import InputError

Generate: TypeAlias = Callable[[LightningModule], Iterable[Mapping[str, Any]]]
"""A function from the module to arguments for ``update`` (``preds``, ``target``, ``audio``, ...), clip by clip."""


class TalkingHeadEvaluation(Callback):
    """Generate clips with the module every few epochs, score them, and log the values.

    Each process generates and scores its own share; the logged values are those of all processes together.

    Args:
        metrics: the metrics, as `TalkingHeadMetrics` takes them, or such a collection.
        generate: called with the module, in eval mode and without gradients; yields arguments for ``update``.
        every: number of validation epochs between two evaluations.
        prefix: put before every name.

    Raises:
        InputError: if ``every`` is not at least 1.
    """

    def __init__(self, metrics: Any, generate: Generate, every: int = 1, prefix: str = "eval/") -> None:
        if every < 1:
            raise InputError(f"every must be at least 1, got {every}")
        self.metrics = metrics if isinstance(metrics, TalkingHeadMetrics) else TalkingHeadMetrics(metrics)
        self.generate = generate
        self.every = every
        self.prefix = prefix

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Score, log and reset; the sanity check before training is skipped."""
        if trainer.sanity_checking or (trainer.current_epoch + 1) % self.every:
            return
        self.metrics.to(pl_module.device)
        self.metrics.reset()
        for inputs in self.generate(pl_module):
            self.metrics.update(**inputs)
        values = {f"{self.prefix}{name}": value for name, value in self.metrics.compute().items()}
        pl_module.log_dict(values, rank_zero_only=False)
        self.metrics.reset()
