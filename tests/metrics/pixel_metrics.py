"""Every key and protocol that sees pixels, on networks with seeded weights, and frames to show them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from extractors.lpips_reference import checkpoint, theirs
from extractors.pictures import batch
from functional.scene_parameters import write_brisque, write_niqe
from lipsync.stand_ins import KnownFaces, with_detector
from parity.seeded import seeded_state
from skimage.data import astronaut
from torch import Tensor, nn
from torchvision.models import inception_v3

from thm_torchmetrics.catalog import CATALOG
from thm_torchmetrics.collection import make_metric, metric_class
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.metrics.syncnet_metric import SyncNetMetric

GIVEN_ONLY = {key for key, row in CATALOG.items() if not row.extractors and metric_class(row).feature_shape is not None}
"""The metrics without an extractor of their own, which take given features only."""

NAMES = [
    f"{key}:{protocol}"
    for key, row in CATALOG.items()
    if "preds" in row.inputs and key not in GIVEN_ONLY
    for protocol in row.protocols
    if row.protocol(protocol).options.get("extractor", "") is not None  # nor do these protocols see pixels
]
"""The metrics, by key and protocol."""

_NETWORKS = {
    "inception": "inception_fid", "r18": "iresnet18", "emonet8": "emonet8", "deep3d": "deep3d_resnet50",
    "syncnet": "syncnet", "s3fd": "s3fd",
}  # fmt: skip

SCENE_FILES = {"niqe": write_niqe, "brisque": write_brisque}


class ClipMeans(nn.Module):
    """A network of clips: the mean of each channel, and that of the first frame."""

    def forward(self, clips: Tensor) -> Tensor:
        return torch.cat([clips.mean(dim=(2, 3, 4)), clips[:, :, 0].mean(dim=(1, 2, 3))[:, None]], dim=1)


class SeededWeights:
    """Checkpoints in a folder, each written when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str) -> Path:
        """Return the file of a network, or of a classifier of LPIPS."""
        file = self._folder / f"{name}.{'npz' if name == 'niqe' else 'pth'}"
        if not file.exists():
            if name in _NETWORKS:
                state: Any = dict(seeded_state(_NETWORKS[name]))
                torch.save({"net_recon": state} if name == "deep3d" else state, file)
            elif name == "imagenet":
                with torch.random.fork_rng():
                    torch.manual_seed(0)
                    network = inception_v3(weights=None, init_weights=False)
                torch.save(network.state_dict(), file)
            elif name in SCENE_FILES:
                SCENE_FILES[name](file)
            else:
                checkpoint(theirs(name), file)
        return file


def make(name: str, weights: SeededWeights, **options: Any) -> TalkingHeadMetric:
    """Make a metric of `NAMES`; faces are those that dlib finds, and for lip sync the middle of every frame."""
    key, protocol = name.split(":")
    kind = CATALOG[key].extractor_kind
    needed: Mapping[str, Any] = {}
    if name == "ssim:talklip":
        needed = {"landmarks": "dlib"}
    elif kind == "lpips":
        needed = {"weights": weights(protocol if key == "lpips" else "alex")}
    elif kind == "inception":
        needed = {"weights": {"inception-imagenet": weights("imagenet")} if protocol == "eat" else weights("inception")}
    elif kind == "i3d":
        needed = {"extractor": ClipMeans(), "num_features": 4, "frames": 8}
    elif kind in SCENE_FILES:
        needed = {"weights": weights(kind)}
    elif kind == "landmarks":
        needed = {"extractor": "dlib"}
    elif kind == "pose":
        needed = {"extractor": "pnp", "landmarks": "dlib"}
    elif kind == "identity":
        needed = {"extractor": "arcface-r18", "weights": {"arcface-r18": weights("r18")}, "landmarks": "dlib"}
    elif kind == "emotion":
        needed = {"weights": {"emonet8": weights("emonet8")}, "landmarks": "dlib"}
    elif kind == "face3d":
        needed = {"weights": weights("deep3d"), "landmarks": "dlib"}
    elif kind == "syncnet":
        files = {each: weights(each) for each in ("syncnet", "s3fd")}
        needed = {"weights": files, "min_track": 2, "min_face_size": 10.0}
    metric = make_metric(name, {**needed, **options})
    if isinstance(metric, SyncNetMetric) and metric.detector is not None:
        return with_detector(metric, KnownFaces(_middle, keep=False))
    return metric


def _middle(picture: Any, index: int) -> list[list[float]]:
    height, width = picture.shape[:2]
    return [[width * 0.3, height * 0.3, width * 0.7, height * 0.7]]


def footage(count: int = 8) -> tuple[Tensor, Tensor]:
    """Return a face, generated and real, that gets brighter from frame to frame; 140x140 pixels, uint8."""
    face = batch(astronaut()[None, 50:190, 160:300]).to(torch.float32)
    gains = torch.linspace(0.7, 1.0, count)[:, None, None, None]
    target = face * gains
    preds = (target * 0.9 + 12).roll(2, dims=3)
    return preds.round().to(torch.uint8), target.round().to(torch.uint8)


def further(metric: TalkingHeadMetric, count: int = 8) -> dict[str, Tensor]:
    """Return what a metric needs beside one clip of ``count`` frames: its sound, or its label."""
    if "labels" in metric.inputs:
        return {"labels": torch.tensor([1])}
    if "audio" not in metric.inputs:
        return {}
    return {"audio": torch.randn(640 * count, generator=torch.Generator().manual_seed(3)).mul(0.1).clamp(-1, 1)}
