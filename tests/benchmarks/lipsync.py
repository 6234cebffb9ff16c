"""Lip sync beside its bare networks, and beside the published scheme, which runs window by window; seeded weights.

On a real clip of ten seconds where there is one (`visual.CLIPS`), else on the demo's portrait.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from comparison import Row, compare
from torch import Tensor, nn
from torch.nn.functional import pad, pairwise_distance
from visual import CLIPS

from thm_torchmetrics import LipSyncDistance
from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.core.one_pass import measure_clip
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.extractors.face_detection import SyncNetS3FD
from thm_torchmetrics.imaging.resize import resize, resize_by
from thm_torchmetrics.lipsync.windows import WindowScorer, mfcc_windows, speech
from thm_torchmetrics.media import open_clip
from thm_torchmetrics.nets.s3fd_syncnet import S3FD
from thm_torchmetrics.nets.syncnet import SyncNet

CPU = torch.device("cpu")


@dataclass(frozen=True)
class KnownFace(SyncNetS3FD):
    """The detector, whose untrained network finds nothing, with a face in the middle of every frame."""

    def faces(self, frames: Tensor) -> list[Tensor]:
        super().faces(frames)
        height, width = frames.shape[-2:]
        box = torch.tensor([[0.25 * width, 0.2 * height, 0.75 * width, 0.8 * height, 1.0]], dtype=torch.float64)
        return [box] * len(frames)


class PublishedSyncNet(nn.Module):
    """The two towers in the layers of the published code."""

    def __init__(self) -> None:
        super().__init__()
        conv, norm, pool = nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d
        self.netcnnaud = nn.Sequential(
            conv(1, 64, 3, padding=1), norm(64), nn.ReLU(True), pool(1),
            conv(64, 192, 3, padding=1), norm(192), nn.ReLU(True), pool(3, (1, 2)),
            conv(192, 384, 3, padding=1), norm(384), nn.ReLU(True),
            conv(384, 256, 3, padding=1), norm(256), nn.ReLU(True),
            conv(256, 256, 3, padding=1), norm(256), nn.ReLU(True), pool(3, 2),
            conv(256, 512, (5, 4)), norm(512), nn.ReLU(),
        )  # fmt: skip
        conv3, norm3, pool3 = nn.Conv3d, nn.BatchNorm3d, nn.MaxPool3d
        self.netcnnlip = nn.Sequential(
            conv3(3, 96, (5, 7, 7), (1, 2, 2)), norm3(96), nn.ReLU(True), pool3((1, 3, 3), (1, 2, 2)),
            conv3(96, 256, (1, 5, 5), (1, 2, 2), (0, 1, 1)), norm3(256), nn.ReLU(True),
            pool3((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            conv3(256, 256, (1, 3, 3), padding=(0, 1, 1)), norm3(256), nn.ReLU(True),
            conv3(256, 256, (1, 3, 3), padding=(0, 1, 1)), norm3(256), nn.ReLU(True),
            conv3(256, 256, (1, 3, 3), padding=(0, 1, 1)), norm3(256), nn.ReLU(True), pool3((1, 3, 3), (1, 2, 2)),
            conv3(256, 512, (1, 6, 6)), norm3(512), nn.ReLU(True),
        )  # fmt: skip
        head = (nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 1024))
        self.netfcaud = nn.Sequential(*head)
        self.netfclip = nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 1024))

    def curve(self, frames: Tensor, sounds: Tensor, batch: int = 20, vshift: int = 15) -> Tensor:
        """Windows of five frames in batches of 20, then distances window by window."""
        clip = frames.flip(1).transpose(0, 1)[None].float()
        lips, audio = [], []
        for start in range(0, len(sounds), batch):
            rows = range(start, min(start + batch, len(sounds)))
            windows = torch.cat([clip[:, :, row : row + 5] for row in rows])
            lips.append(self.netfclip(self.netcnnlip(windows).flatten(1)))
            heard = torch.cat([sounds[row : row + 1] for row in rows])
            audio.append(self.netfcaud(self.netcnnaud(heard).flatten(1)))
        lip, padded = torch.cat(lips), pad(torch.cat(audio), (0, 0, vshift, vshift))
        shifts = 2 * vshift + 1
        distances = [pairwise_distance(lip[[i]].repeat(shifts, 1), padded[i : i + shifts]) for i in range(len(lip))]
        return torch.stack(distances, 1).mean(1)


def filled(network: nn.Module, folder: Path) -> Path:
    """A checkpoint of random weights, with running statistics as a trained network has them."""
    for name, value in network.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 1.5)
        elif name.endswith("running_mean"):
            value.normal_(0, 0.1)
    path = folder / f"{type(network).__name__}.pth"
    torch.save(network.state_dict(), path)
    return path


def footage(folder: Path) -> Clip:
    """Ten seconds of a face with sound."""
    path = CLIPS / "pred_video" / "radio8_wav2lip.mp4"
    if not path.is_file():
        path = make_sample(folder / "sample", clips=1, seconds=10) / "pred_video" / "portrait_01.mp4"
    return open_clip(path, audio=True)


@torch.no_grad()
def comparisons() -> Iterator[Row]:
    """The whole metric, decoding too, at most 1.3x its networks (ratio 0.77); SyncNet beside the published scheme."""
    torch.manual_seed(0)
    with TemporaryDirectory() as name:
        folder = Path(name)
        clip = footage(folder)
        frames = torch.cat([chunk.rows for chunk in clip.chunks()])
        count, size = len(frames), "x".join(map(str, clip.size))
        syncnet, s3fd = filled(SyncNet(), folder), filled(S3FD(), folder)
        metric = LipSyncDistance(weights={"syncnet": syncnet, "s3fd": s3fd})
        vars(metric)["detector"] = KnownFace.make("s3fd", s3fd)  # past the check that options are fixed

        towers, finder = metric.extractor.network(CPU), metric.detector.network(CPU)
        crops = resize(frames, (224, 224))
        samples = speech(clip.audio, 16000)
        rows = min(count, len(samples) // 640) - 5
        sounds = mfcc_windows(samples, 0, rows)
        ready = crops.flip(1).float()
        small = resize_by(frames, 0.25).float() - 110

        def bare() -> None:
            for start in range(0, rows, 32):
                towers.forward_lip_clip(ready[start : min(start + 32, rows) + 4].transpose(0, 1))
                towers.forward_audio(sounds[start : start + 32])
            for start in range(0, count, 16):
                finder(small[start : start + 16])

        def whole() -> None:
            measure_clip({"m": metric}, clip)

        yield compare("lse tracked, beside the bare networks", size, whole, bare, 0.77, (count, count), 3)

        published = PublishedSyncNet()
        published.load_state_dict(towers.state_dict())
        published.eval()

        def ours() -> Tensor:
            run = WindowScorer(metric.extractor, samples, 15)
            run.add(crops)
            return run.curve()

        torch.testing.assert_close(ours(), published.curve(crops, sounds).double(), rtol=1e-4, atol=0)
        yield compare("SyncNet, beside window by window", size, ours,
                      lambda: published.curve(crops, sounds), 1.5, (count, count), 3)  # fmt: skip
