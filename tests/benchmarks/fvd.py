"""What FVD costs beside I3D alone (ratio bare to metric; 0.91 is 1.1x), with random weights."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from comparison import Row, compare
from torch import Tensor

from thm_torchmetrics import FrechetVideoDistance
from thm_torchmetrics.functional import video_network_input
from thm_torchmetrics.nets.i3d import InceptionI3d

BARE = 1 / 1.1


@torch.no_grad()
def comparisons() -> Iterator[Row]:
    """One clip of 16 frames, from 256x256 pixels to the sums."""
    torch.manual_seed(0)
    clip = torch.randint(0, 256, (16, 3, 256, 256), dtype=torch.uint8)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "i3d.pt"
        torch.save(InceptionI3d().state_dict(), path)
        metric = FrechetVideoDistance(weights=path)
        network = metric.extractor.network(torch.device("cpu"))
        inputs = video_network_input(clip, metric.protocol)[None]
        yield compare("FVD of a clip, beside I3D", "256x256", partial(measure, metric, clip),
                      lambda: network(inputs), BARE, (16, 16), 3)  # fmt: skip


def measure(metric: FrechetVideoDistance, clip: Tensor) -> None:
    """Add one generated clip; a clip of its own each time, since a tensor keeps its chunks."""
    metric.update([clip.clone()], [])
