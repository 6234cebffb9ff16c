"""What a metric costs beside its network alone (ratio bare to metric; 0.87 is 1.15x), with random weights."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import face_alignment.utils
import torch
from comparison import Row, compare
from skimage.data import astronaut
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors.face_detection import FaceAlignmentS3FD
from thm_torchmetrics.extractors.inception import Inception
from thm_torchmetrics.extractors.landmarks import Fan, FanLandmarks
from thm_torchmetrics.extractors.lpips import LpipsNetwork
from thm_torchmetrics.nets.fan import FAN
from thm_torchmetrics.nets.inception import FIDInception
from thm_torchmetrics.nets.lpips import LPIPS
from thm_torchmetrics.nets.s3fd_face_alignment import FanS3FD
from thm_torchmetrics.weights import Checkpoint

BARE = 1 / 1.15
CPU = torch.device("cpu")
BOX = torch.tensor([[70.0, 50.0, 190.0, 200.0, 0.99]], dtype=torch.float64)


@dataclass(frozen=True)
class KnownFace(FaceAlignmentS3FD):
    """A detector that costs nothing."""

    def faces(self, chunk: Chunk) -> list[Tensor]:
        return [BOX] * len(chunk)


def stored(network: nn.Module, folder: str) -> Path:
    path = Path(folder) / f"{type(network).__name__}.pth"
    torch.save({key: value for key, value in network.state_dict().items() if not key.startswith("heads")}, path)
    return path


@torch.no_grad()
def comparisons() -> Iterator[Row]:
    """LPIPS, Inception, FAN and its detector at 256x256; FAN beside the package's own scheme."""
    torch.manual_seed(0)
    pictures = torch.from_numpy(cv2.resize(astronaut()[:300, 80:380], (256, 256))).permute(2, 0, 1)
    batch = pictures.repeat(16, 1, 1, 1).contiguous()
    unit, other = batch.float() / 255, (batch.flip(3)).float() / 255
    with TemporaryDirectory() as folder:
        lpips = LpipsNetwork.make("lpips", stored(LPIPS("alex"), folder), net="alex")
        features = lpips.network(CPU).features
        metric: Callable[[], object] = partial(lpips.distance, unit, other)
        yield compare("LPIPS alex, beside its classifier", "256x256", metric,
                      lambda: (features(unit), features(other)), BARE, (16, 16), 5)  # fmt: skip
        inception = Inception.make("inception", stored(FIDInception(), folder))
        yield compare("FID features, beside Inception", "256x256", lambda: inception.extract(Chunk(batch)),
                      lambda: inception.network(CPU)(unit), BARE, (16, 16), 3)  # fmt: skip
        fan = Fan.make("fan2d", stored(FAN(), folder))
        network = fan.network(CPU)
        landmarks = FanLandmarks(fan, KnownFace(Checkpoint("fan-s3fd", None, "")))
        yield compare("FAN landmarks, beside the network", "256x256", lambda: landmarks.extract(Chunk(batch[:8])),
                      lambda: network(unit[:8]), BARE, (8, 8), 3)  # fmt: skip
        yield compare("FAN landmarks, beside face-alignment", "256x256", lambda: landmarks.extract(Chunk(batch[:8])),
                      lambda: package(batch[:8], network), 1.0, (8, 8), 3)  # fmt: skip
        detector = FaceAlignmentS3FD.make("fan-s3fd", stored(FanS3FD(), folder))
        bare = detector.network(CPU)
        yield compare("FAN's detector, beside the network", "256x256", lambda: detector.faces(Chunk(batch[:8])),
                      lambda: bare(unit[:8] * 255), BARE, (8, 8), 3)  # fmt: skip


def package(batch: Tensor, network: nn.Module) -> None:
    """face-alignment's scheme: crop, forward and decode face by face."""
    x1, y1, x2, y2 = BOX[0, :4].tolist()
    center = torch.tensor([x2 - (x2 - x1) / 2, y2 - (y2 - y1) / 2 - (y2 - y1) * 0.12], dtype=torch.float64)
    scale = (x2 - x1 + y2 - y1) / 195
    for picture in batch.permute(0, 2, 3, 1).numpy():
        crop = face_alignment.utils.crop(picture, center, scale)
        maps = network(torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 255)
        face_alignment.utils.get_preds_fromhm(maps.numpy(), center.numpy(), scale)
