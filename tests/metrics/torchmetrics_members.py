"""Metrics of torchmetrics' kind that stand beside ours in collections."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric


class Recorder(Metric):
    """Keeps a number of every tensor it is given, in a list."""

    full_state_update = False
    seen: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("seen", default=[], dist_reduce_fx="cat")

    def update(self, **inputs: Any) -> None:
        """Take whatever there is."""
        total = torch.stack(
            [value.double().nan_to_num().sum() for value in inputs.values() if isinstance(value, Tensor)]
        )
        self.seen.append(total.sum())

    def compute(self) -> Tensor:
        """Return the sum of all, and how many there were."""
        numbers = [torch.as_tensor(each).flatten() for each in self.seen]
        return torch.cat(numbers).sum() if numbers else torch.tensor(0.0, dtype=torch.float64)


class RealOrNot(Metric):
    """Has the signature of torchmetrics' FID: one side at a time."""

    full_state_update = False
    real_sum: Tensor
    fake_sum: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in ("real_sum", "fake_sum"):
            self.add_state(name, default=torch.zeros(1, dtype=torch.float64), dist_reduce_fx="sum")
        self.types: list[type] = []

    def update(self, imgs: Tensor, real: bool) -> None:
        """Add pictures to a side."""
        self.types.append(type(imgs))
        if real:
            self.real_sum = self.real_sum + imgs.double().sum()
        else:
            self.fake_sum = self.fake_sum + imgs.double().sum()

    def compute(self) -> Tensor:
        """Return how far the sides are apart."""
        return (self.real_sum - self.fake_sum)[0]
