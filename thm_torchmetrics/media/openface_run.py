"""Run OpenFace's program FeatureExtraction on videos, and keep the tables that it has finished.

The exit code of the program tells nothing: it is 0 where a video cannot be opened, and some builds crash after the
table is whole. So a table is judged by what it holds.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from thm_torchmetrics.errors import MediaError, MediaWarning
from thm_torchmetrics.media import open_video
from thm_torchmetrics.media.csv_table import read_csv
from thm_torchmetrics.media.openface import ACTION_UNITS, read_action_unit_table
from thm_torchmetrics.media.openface_program import OUTPUT_NAME, PROGRAM, Launch, OpenFace, hash_file
from thm_torchmetrics.media.video import VideoFile
from thm_torchmetrics.media.whole_file import whole_file

LANDMARK_MODELS: Mapping[str, Sequence[str]] = {"ce-clm": (), "clnf": ("-mloc", "model/main_clnf_general.txt")}
"""Arguments that choose the landmark model; the program's default is CE-CLM, whose files are downloaded apart."""

_PRESENCES = (*ACTION_UNITS[:-1], "28", ACTION_UNITS[-1])  # OpenFace estimates AU28 as present or absent alone
_STOP_LIMIT = 30.0  # seconds
_LOG_HEAD, _LOG_TAIL = 1 << 16, 1 << 12  # bytes of what the program prints that are read


class Tracked(NamedTuple):
    """This is what came of a video.

    Attributes:
        frames: rows of the table, one per frame.
        failed: frames in which OpenFace found no face (``success`` 0).
    """

    frames: int
    failed: int


def track_action_units(
    program: OpenFace,
    video: Path,
    table: Path,
    *,
    static: bool,
    landmarks: str,
    time_limit: float,
) -> Tracked:
    """Run OpenFace on a video and write its table of action units, with a record of how it was made beside it.

    A table is accepted only if it has the columns of ``-aus``, one row for each frame that this package decodes,
    intensities in 0..5, and presences with two decimals, which OpenFace writes in its last pass alone. It is written
    whole or not at all; the record has the same name and the suffix ``.json``.

    Args:
        program: the program.
        video: the video file.
        table: the file to write, ``.csv``.
        static: use the models without calibration over the video (``-au_static``).
        landmarks: the landmark model, one of `LANDMARK_MODELS`.
        time_limit: seconds after which the program is stopped.

    Raises:
        MediaError: if the video cannot be read, the program cannot be started or takes too long, or its table is absent
            or not accepted.
        OSError: if the table cannot be written.

    Warns:
        MediaWarning: if the program ended with an error although its table is whole.
    """
    frames = _count_frames(video)
    options = ["-aus", *(["-au_static"] if static else []), *LANDMARK_MODELS[landmarks]]
    # its own folder, so that neither models of the user's folder are taken nor another run's output
    with tempfile.TemporaryDirectory(prefix="thm-openface-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        launch = program.launch(video, folder, options)
        with tempfile.TemporaryFile() as log:
            code = _run(launch, folder, time_limit, video, log)
            said = _Log.of(log)
        made = folder / f"{OUTPUT_NAME}.csv"
        ending = f"OpenFace ended with {_ending(code)}{said.last}"
        if not made.is_file():
            raise MediaError(f"{video}: OpenFace wrote no table. {ending}{_advice(said.text)}")
        try:
            tracked = _accept(made, frames)
        except MediaError as error:
            reason = str(error).removeprefix(f"{made}: ")
            raise MediaError(f"{video}: the table of OpenFace is not accepted: {reason}. {ending}") from error
        if code:
            warnings.warn(
                f"{video}: OpenFace ended with {_ending(code)}, but its table is whole, and is kept",
                MediaWarning,
                stacklevel=2,
            )
        record = {
            "made_by": f"OpenFace {PROGRAM}",
            **program.identity(),
            "command": launch.command,
            "exit_code": code,
            "landmark_model": said.landmark_model or f"{landmarks} (as asked; the program does not say)",
            "models": "static" if static else "dynamic",
            "video": str(video),
            "video_sha256": hash_file(video),
            "frames": tracked.frames,
            "failed_frames": tracked.failed,
            "table_sha256": hash_file(made),
            "version": metadata.version("thm-torchmetrics"),
        }
        _keep(made, table, record)
    return tracked


def _count_frames(video: Path) -> int:
    """Return the number of frames that this package decodes."""
    source = open_video(video)
    if not isinstance(source, VideoFile):
        raise MediaError(f"{video}: OpenFace reads video files, and these are pictures; make a video of them by ffmpeg")
    return sum(1 for _ in source.decoded())


def _run(launch: Launch, folder: Path, time_limit: float, video: Path, log: IO[bytes]) -> int:
    """Run the program to its end, or end it, with all that it has started, when the time is over or we are stopped."""
    closed = subprocess.DEVNULL
    try:
        process = subprocess.Popen(  # noqa: S603  (without a shell, and the user's own program)
            launch.command, cwd=folder, stdin=closed, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    except OSError as error:
        raise MediaError(
            f"{video}: {launch.command[0]} cannot be started: {error.strerror or error}; start it by hand to see why"
        ) from error
    try:
        return process.wait(time_limit)
    except subprocess.TimeoutExpired as error:
        raise MediaError(
            f"{video}: OpenFace did not end within {time_limit:g} s and was stopped; allow it more (--time-limit), or "
            "look whether it runs by itself"
        ) from error
    finally:
        if process.poll() is None:
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:  # Windows has no groups of processes
                process.kill()
            process.wait()
            _stop(launch.stop)


def _stop(command: Sequence[str]) -> None:
    """Run the command that ends what outlives the process."""
    closed = subprocess.DEVNULL
    if command:
        with suppress(OSError, subprocess.SubprocessError):  # the error that led here says more
            subprocess.run(  # noqa: S603
                command, stdin=closed, stdout=closed, stderr=closed, timeout=_STOP_LIMIT, check=False
            )


class _Log(NamedTuple):
    """What the program has printed."""

    text: str

    @classmethod
    def of(cls, file: IO[bytes]) -> _Log:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        data = file.read(_LOG_HEAD)
        if size > _LOG_HEAD:
            file.seek(max(_LOG_HEAD, size - _LOG_TAIL))
            data += b"\n" + file.read(_LOG_TAIL)
        text = data.decode("utf-8", errors="replace")
        return cls("\n".join("".join(c if c.isprintable() else " " for c in line) for line in text.splitlines()))

    @property
    def last(self) -> str:
        """Return the last line, ready to be appended to a sentence."""
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        return f", and printed last: {lines[-1][:200]}" if lines else ""

    @property
    def landmark_model(self) -> str:
        """Return the file of the landmark model that the program has read; empty if it does not say."""
        found = re.search(r"landmark detector\S* from:\s*(\S.*)", self.text)
        return found[1].strip() if found else ""


def _ending(code: int) -> str:
    """Name an exit code."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"the signal {signal.Signals(-code).name}"
    except ValueError:
        return f"the signal {-code}"


def _advice(text: str) -> str:
    """Return what to do where there is no table, after what was printed."""
    if re.search("could not (load|find).*(landmark|CEN|patch)", text, re.IGNORECASE):
        return "; download its CE-CLM models (download_models.sh of OpenFace), or choose those of CLNF"
    if "failed to open the video" in text.lower():
        return "; convert the video, for example by ffmpeg -i FILE -pix_fmt yuv420p NEW.mp4"
    return "; run it by hand on this video to see why"


def _accept(made: Path, frames: int) -> Tracked:
    """Return the counts of a table that OpenFace has finished.

    Raises:
        MediaError: if it has not, or the table is not one of this video.
    """
    table = read_csv(made)
    presences = [f"AU{unit}_c" for unit in _PRESENCES]
    table.require(["frame", "success", *(f"AU{unit}_r" for unit in ACTION_UNITS), *presences])
    if len(table.rows) != frames:
        raise MediaError(
            f"it has {len(table.rows)} rows, and the video has {frames} frames; if OpenFace ended by itself, convert "
            "it, for example by ffmpeg -i FILE -c:v libx264 -profile:v baseline -pix_fmt yuv420p NEW.mp4"
        )
    rows = read_action_unit_table(made).rows
    if len(rows) != frames or not np.isfinite(rows).all():
        raise MediaError("it leaves out frames or values; run OpenFace again")
    if not all(re.fullmatch(r"[01][.,]\d\d", text) for name in presences for text in table.texts(name)):
        raise MediaError(
            "OpenFace was stopped before its last pass, which writes presences with two decimals; run it again and let "
            "it end"
        )
    return Tracked(frames, int((table.numbers("success") == 0).sum()))


def _keep(made: Path, table: Path, record: Mapping[str, object]) -> None:
    """Write the table and its record, each whole."""
    table.parent.mkdir(parents=True, exist_ok=True)
    with made.open("rb") as source, whole_file(table, "wb") as target:
        shutil.copyfileobj(source, target)
    with whole_file(table.with_suffix(".json")) as target:
        json.dump(record, target, indent=2)
        target.write("\n")
