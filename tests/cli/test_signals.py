"""Processes that a signal stops: their status, their last line, and what they leave on disk."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.scoring.clip_outcome import ClipOutcome
from thm_torchmetrics.scoring.interrupts import StoppedRun
from thm_torchmetrics.scoring.result import ClipResult, Result
from thm_torchmetrics.scoring.score import score
from thm_torchmetrics.scoring.totals import Totals

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
def test_a_signal_has_a_status_of_its_own_and_what_is_done_is_written(
    sample: Path, tmp_path: Path, number: signal.Signals, position: int
) -> None:
    """128 and the number of the signal, as shells have it; 1 means that a gate failed."""
    report, table = tmp_path / "r.json", tmp_path / "r.md"
    report.write_text("before")
    clip = names(sample)[position]
    gate = ("--fail-under", "psnr=1000")
    status, errors = stopped(clip, number, "score", sample, "--metrics", "psnr", *gate, "-o", report, "-o", table)
    assert status == 128 + number
    *remarks, last = errors.splitlines()
    place = f"stopped at clip {position + 1} of 3; "
    if not position:
        assert last == place + "no report is written"
        assert report.read_text() == "before"
        assert list(tmp_path.iterdir()) == [report]
        return
    clips = "1 clip" if position == 1 else "2 clips"
    assert last == place + ("the report holds the " + clips.removeprefix("1 ")) + " before it"
    assert remarks == [f"not complete: the run was stopped after {clips}"]
    result = Result.load(report)
    assert not result.complete
    assert [each.clip for each in result.clips] == names(sample)[:position]
    assert result.metrics["psnr"].clips == position
    assert result.provenance["gates"] == []
    assert f"not complete: the run was stopped after {clips}" in table.read_text()
    assert sorted(tmp_path.iterdir()) == [report, table]


def test_a_second_signal_ends_the_process_at_once(sample: Path) -> None:
    """Also where the first one is not obeyed."""
    code = WAITING.replace(
        """print("ready", flush=True)
        time.sleep(60)""",
        """
        try:
            print("ready", flush=True)
            time.sleep(60)
        except BaseException:
            print("first", flush=True)
            while True:
                time.sleep(60)
""",
    ).format(clip=names(sample)[1])
    line = [sys.executable, "-c", code, "score", str(sample), "--metrics", "psnr"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "first\n"
        process.send_signal(signal.SIGINT)
        assert process.wait() == -signal.SIGINT


def test_a_signal_while_a_clip_is_added_waits_until_it_is(
    sample: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """So that a clip is in all sums or in none."""
    add = Totals.add

    def slow(self: Totals, outcome: ClipOutcome) -> ClipResult:
        signal.raise_signal(signal.SIGINT)
        return add(self, outcome)

    monkeypatch.setattr(Totals, "add", slow)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored in a job in the background
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    with pytest.raises(StoppedRun) as stop:
        score(sample, metrics=["psnr", "ssim"])
    assert stop.value.number == signal.SIGINT
    result = stop.value.result
    assert [len(result.clips), result.metrics["psnr"].clips, result.metrics["ssim"].clips] == [1, 1, 1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


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
