"""Processes that a signal stops: their status, their last line, and what they leave on disk."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from thm_torchmetrics.demo.sample import make_sample

WAITING = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that they are ignored
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from thm_torchmetrics.cli import main
from thm_torchmetrics.media.video import VideoFile
frames = VideoFile.frames
def wait(self):
    if "{clip}" in str(self.path):
        print("ready", flush=True)
        time.sleep(60)
    return frames(self)
VideoFile.frames = wait
main(sys.argv[1:])
"""
"""Runs the command until it reads a clip, and then waits for a signal."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=3, seconds=0.2, size=64)


def names(sample: Path) -> list[str]:
    return sorted(path.stem for path in (sample / "pred_video").iterdir())


def stopped(clip: str, number: signal.Signals, *arguments: object) -> tuple[int, str]:
    line = [sys.executable, "-c", WAITING.format(clip=clip), *map(str, arguments)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        process.send_signal(number)
        _, errors = process.communicate()
    assert ready == "ready\n", errors
    return process.returncode, errors


@pytest.mark.parametrize(("number", "position"), [(signal.SIGINT, 0), (signal.SIGTERM, 2), (signal.SIGHUP, 1)])
def test_a_signal_has_a_status_of_its_own_and_the_place_is_told(
    sample: Path, tmp_path: Path, number: signal.Signals, position: int
) -> None:
    """128 and the number of the signal, as shells have it; 1 means that a gate failed."""
    report = tmp_path / "r.json"
    report.write_text("before")
    clip = names(sample)[position]
    status, errors = stopped(clip, number, "score", sample, "--metrics", "psnr", "-o", report)
    assert status == 128 + number
    assert errors.splitlines() == [f"stopped at clip {position + 1} of 3; no report is written"]
    assert report.read_text() == "before"
    assert list(tmp_path.iterdir()) == [report]


def test_any_command_is_stopped_in_one_line(sample: Path, tmp_path: Path) -> None:
    clip = names(sample)[0]
    video = sample / f"pred_video/{clip}.mp4"
    given = ("extract", "landmarks", video, "--extractor", "dlib", "-o", tmp_path / "x.npz")
    status, errors = stopped(clip, signal.SIGTERM, *given)
    assert status == 143
    assert errors.splitlines()[-1].startswith("stopped")
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_is_ignored_stays_ignored(sample: Path, tmp_path: Path) -> None:
    """As under nohup, which ignores SIGHUP."""
    code = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from thm_torchmetrics.cli import main
from thm_torchmetrics.media.video import VideoFile
frames = VideoFile.frames
VideoFile.frames = lambda self: (os.kill(os.getpid(), signal.SIGHUP), frames(self))[1]
main(sys.argv[1:])
"""
    arguments = ["score", str(sample), "--metrics", "psnr", "-o", str(tmp_path / "r.json")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "r.json").is_file()
