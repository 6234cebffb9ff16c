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
for path in sys.argv[1:]:
    main(["score", "--preds", path, "--target", path, "--metrics", "psnr", "-o", path + ".json"], standalone_mode=False)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    pictures = np.arange(10, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 160, 160, 3), np.uint8)
    paths = []
    for frames in (100, 2500):
        paths.append(str(tmp_path / f"{frames}.mp4"))
        write_video(Path(paths[-1]), islice(cycle(pictures), frames), 25)
    done = subprocess.run([sys.executable, "-c", MEASURE, *paths], capture_output=True, text=True, check=True)
    for path in paths:
        report = json.loads(Path(f"{path}.json").read_text(encoding="utf-8"))
        assert report["metrics"]["psnr"]["frames"] == int(Path(path).stem)
    peaks = [int(line) for line in done.stderr.splitlines() if line.isdecimal()]
    assert peaks[0] < peaks[1] + 1 < peaks[0] + 60  # 2400 more frames are 180 MB a side


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
        for i in range(count):
            yield np.full((64, 64, 3), i % 50, np.uint8), i / 25

metric = LipSyncDistance(protocol=sys.argv[1], extractor=Towers(), weights=sys.argv[2], min_face_size=10)
for count in (200, 800):
    metric.update(Clip(Recording(), audio=torch.zeros(640 * count, dtype=torch.int16)))
    print(metric.detail()["offsets"].popitem()[1], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["tracked", "syncnet-python", "wav2lip-lrs-jpeg"])
def test_lip_sync_keeps_no_frames(tmp_path: Path, protocol: str) -> None:
    """Detection, tracks, crops, re-encoding and distances of a clip; the networks see pieces of one length anyway."""
    torch.save(dict(seeded_state("s3fd")), tmp_path / "s3fd.pth")
    arguments = [sys.executable, "-c", LIP_SYNC, protocol, str(tmp_path / "s3fd.pth")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    scored, peaks = zip(*(map(int, line.split()) for line in done.stdout.splitlines()), strict=True)
    assert scored == (1, 2)
    assert peaks[1] < peaks[0] + 60  # the crops of 600 frames are 90 MB
