"""Scoring streams: its memory does not grow with the length of a clip."""

import json
import subprocess
import sys
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest
import torch
from parity.seeded import seeded_state

from thm_torchmetrics.media.write import write_video

MEASURE = """
import resource, sys
from thm_torchmetrics.cli import main
main(["score", "--preds", sys.argv[1], "--target", sys.argv[1], "--metrics", "psnr", "--format", "json"],
     standalone_mode=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
"""


def peak_megabytes(path: Path, frames: int) -> int:
    done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["metrics"]["psnr"]["frames"] == frames
    return int(done.stderr.split()[-1])


@pytest.mark.slow
def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    pictures = np.arange(10, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 160, 160, 3), np.uint8)
    peaks = []
    for frames in (100, 2500):
        path = tmp_path / f"{frames}.mp4"
        write_video(path, islice(cycle(pictures), frames), 25)
        peaks.append(peak_megabytes(path, frames))
    assert peaks[1] < peaks[0] + 60  # 2400 more frames are 180 MB a side


LIP_SYNC = """
import resource, sys
import numpy as np
import torch
from thm_torchmetrics import Clip, LipSyncDistance
from thm_torchmetrics.extractors.face_detection import SyncNetS3FD

class Towers(torch.nn.Module):
    def forward_lip(self, windows):
        return windows[..., ::32, ::32].mean(dim=(3, 4)).flatten(1)
    def forward_audio(self, windows):
        return windows.flatten(1)[:, :15]

def one_face(self, frames):
    return [torch.tensor([[8.0, 8.0, 56.0, 56.0]], dtype=torch.float64)] * len(frames)

SyncNetS3FD.faces = one_face

class Recording:
    fps, size = 25.0, (64, 64)
    def frames(self):
        for i in range(int(sys.argv[2])):
            yield np.full((64, 64, 3), i % 50, np.uint8), i / 25

metric = LipSyncDistance(protocol=sys.argv[1], extractor=Towers(), weights=sys.argv[3], min_face_size=10)
metric.update(Clip(Recording(), audio=torch.zeros(640 * int(sys.argv[2]), dtype=torch.int16)))
print(metric.detail()["offsets"].popitem()[1], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["tracked", "syncnet-python", "wav2lip-lrs", "wav2lip-lrs-jpeg"])
def test_lip_sync_keeps_no_frames(tmp_path: Path, protocol: str) -> None:
    """Detection, tracks, crops, re-encoding and distances of a clip; the networks see pieces of one length anyway."""
    torch.save(dict(seeded_state("s3fd")), tmp_path / "s3fd.pth")
    peaks = []
    for frames in ("200", "800"):
        arguments = [sys.executable, "-c", LIP_SYNC, protocol, frames, str(tmp_path / "s3fd.pth")]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True)
        scored, peak = map(int, done.stdout.split())
        assert scored == 1
        peaks.append(peak)
    assert peaks[1] < peaks[0] + 60  # the crops of 600 frames are 90 MB
