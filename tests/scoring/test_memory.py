"""Scoring streams: its memory does not grow with the length of a clip."""

import json
import subprocess
import sys
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest

from thm_torchmetrics.media.encode import write_video

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
