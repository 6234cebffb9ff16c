"""The progress of a run, on a terminal and in a log, by a clock that the test moves."""

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from thm_torchmetrics.cli.progress import INTERVAL, Bar, Counted, Log, duration, shown
from thm_torchmetrics.demo.sample import make_sample


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=2, seconds=0.2, size=64)


def run(progress: Counted, clock: Clock, clips: int, frames: int, seconds: float) -> None:
    """Clips of some frames, each of which takes some seconds."""
    progress.start(clips)
    for i in range(clips):
        progress.clip(f"clip{i}")
        for _ in range(frames):
            clock.now += seconds / frames
            progress.frame()
        progress.done()


def test_a_log_has_the_counts_the_rate_and_the_time_left(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Sixteen frames a second; a clip lasts 20 s, so 40 clips last 800 s."""
    with Log(clock) as log:
        run(log, clock, clips=40, frames=320, seconds=20.0)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "2 of 40 clips, 960 frames, 16 frames/s, about 12 min left"  # after 60 s; 740 s are left
    assert lines[4] == "14 of 40 clips, 4,800 frames, 16 frames/s, about 8 min left"  # after 300 s; 500 s are left
    assert lines[-1] == "40 of 40 clips, 12,800 frames, in 13 min"


@pytest.mark.parametrize("seconds", [0.001, 1.0, 7.0, 100.0])
def test_a_log_has_at_most_one_line_per_interval(
    clock: Clock, capsys: pytest.CaptureFixture[str], seconds: float
) -> None:
    with Log(clock) as log:
        run(log, clock, clips=50, frames=10, seconds=seconds)
    lines = capsys.readouterr().err.splitlines()
    elapsed = 50 * seconds
    assert len(lines) <= elapsed / INTERVAL + 1
    assert bool(lines) == (elapsed >= INTERVAL)  # a short run has none


def test_a_log_names_what_is_fetched_and_loaded(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Log(clock) as log:
        log.step("loading networks of lpips")
        for done in range(0, 244_000_001, 1_000_000):
            clock.now += 1
            log.download("alexnet", done, 244_000_000)
        log.download("other", 5, None)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:3] == ["loading networks of lpips", "fetching alexnet, 244 MB", "fetching alexnet: 60 of 244 MB"]
    assert lines[-1] == "fetching other"
    assert len(lines) == 2 + 244 // 60 + 1


def test_the_rate_and_the_time_left_move_while_networks_run(clock: Clock) -> None:
    """The same amount is done, and later it is less per second; the time left shrinks."""
    progress = Counted(clock)
    progress.start(10)
    for _ in range(100):
        progress.frame()
    clock.now += 10
    progress.done()
    assert progress.pace() == "10 frames/s, about 2 min left"  # 9 clips of 10 s
    clock.now += 8
    assert progress.pace() == "5.6 frames/s, about 1 min left"  # 82 s
    clock.now += 2
    assert progress.pace() == "5.0 frames/s, about 1 min left"
    clock.now += 100  # the clip takes longer than the one before it: the others are still to come
    assert progress.pace() == "0.8 frames/s, about 1 min left"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (61, "1 min"), (89, "1 min"), (3600, "1 h 0 min"), (7530, "2 h 6 min")],
)
def test_durations_are_told_in_their_unit(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_quiet_shows_remarks_and_nothing_else(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with shown(quiet=True) as progress:
        progress.step("loading")
        run(progress, clock, clips=3, frames=2, seconds=1e9)
        progress.download("alexnet", 1, 2)
        progress.note("a remark")
    assert capsys.readouterr().err == "a remark\n"


def test_a_terminal_has_a_bar_and_a_log_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert isinstance(shown(quiet=False), Log)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert isinstance(shown(quiet=False), Bar)
    monkeypatch.setattr(sys, "stderr", None)  # as of a process without any
    assert isinstance(shown(quiet=False), Log)


@pytest.mark.parametrize("width", [80, 120, 139, 140, 200])
def test_the_bar_is_one_line(clock: Clock, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    screen = Console(width=width, file=io.StringIO(), force_terminal=True)
    monkeypatch.setattr("thm_torchmetrics.cli.progress.console", lambda stream: screen)
    bar = Bar(clock)
    bar.step(f"loading networks of {', '.join(['a-metric'] * 40)}")
    assert len(screen.render_lines(bar._rich.get_renderable())) == 1
    bar.start(40)
    bar.clip("subject/" + "a_long_name_" * 20)
    for _ in range(123_456):
        bar.frame()
    clock.now += 10_000
    bar.done()
    (line,) = screen.render_lines(bar._rich.get_renderable())
    text = "".join(segment.text for segment in line)
    assert text.rstrip().endswith("1/40 clips, 123,456 frames, 12 frames/s, about 108 h 20 min left")


def test_the_bar_shows_clips_frames_and_rate(sample: Path) -> None:
    """In a real terminal; standard output stays that of the report."""
    ours, theirs = pty.openpty()
    line = [sys.executable, "-m", "thm_torchmetrics", "score", str(sample), "--metrics", "psnr", "--format", "json"]
    seen = b""
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        try:
            while part := os.read(ours, 4096):
                seen += part
        except OSError:  # the other side is closed
            pass
        os.close(ours)
        assert process.stdout is not None
        assert process.stdout.read().startswith(b"{")
    assert process.returncode == 0
    text = seen.decode()
    assert "clips, " in text
    assert "frames/s" in text


@pytest.mark.parametrize("redirection", ["2> /dev/full", "2>&-"])
def test_a_standard_error_that_fails_loses_nothing(sample: Path, tmp_path: Path, redirection: str) -> None:
    report = tmp_path / "r.json"
    (sample / "gt_video/notes.txt").touch()  # a remark
    line = f"{sys.executable} -m thm_torchmetrics score {sample} --metrics psnr --fail-under psnr=99 -o {report}"
    done = subprocess.run(["bash", "-c", f"{line} {redirection}"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "psnr" in done.stdout
    assert report.is_file()
