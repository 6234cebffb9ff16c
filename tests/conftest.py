"""Fixtures that every test may use."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest
import torch
from ddp.process_group import ProcessGroup
from parity.seeded import seeded_state
from raised import record_if_asked

from thm_torchmetrics.extractors import release

SHARED = Path(__file__).resolve().parents[2] / "shared"

if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores run side by side, so that each has one thread
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))

record_if_asked()


def _footage(variable: str, folder: str) -> Path:
    path = Path(os.environ.get(variable, SHARED / folder))
    if not path.is_dir():
        pytest.skip(f"real footage is absent: no folder {folder}, and {variable} is not set")
    return path


@pytest.fixture(scope="session")
def clips() -> Path:
    """The folder of real clips (gt_video, pred_video, gt_audio, misc, reference.json)."""
    return _footage("THM_CLIPS", "clips")


@pytest.fixture(scope="session")
def clips_extra() -> Path:
    """A second folder of real clips, laid out like the first."""
    return _footage("THM_CLIPS_EXTRA", "clips_extra")


@pytest.fixture
def data(sample: Path, tmp_path: Path) -> Path:
    """A copy of the module's ``sample`` that a test may damage."""
    return Path(shutil.copytree(sample, tmp_path / "data"))


@pytest.fixture(scope="session")
def processes() -> Iterator[ProcessGroup]:
    """Three processes joined by gloo; a test that asks for them fails, not skips, when they cannot start."""
    group = ProcessGroup(3)
    yield group
    group.close()


@pytest.fixture(scope="session")
def ffmpeg() -> Callable[..., None]:
    """Runs FFmpeg 9, as the published pipelines call it."""
    program = imageio_ffmpeg.get_ffmpeg_exe()

    def run(*arguments: object) -> None:
        subprocess.run([program, "-y", "-loglevel", "error", *map(str, arguments)], check=True)

    return run


@pytest.fixture(scope="session")
def sync_weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Seeded checkpoints of SyncNet and of its detector."""
    folder = tmp_path_factory.mktemp("weights")
    files = {name: folder / f"{name}.pth" for name in ("syncnet", "s3fd")}
    for name, file in files.items():
        torch.save(dict(seeded_state(name)), file)
    yield files
    release()
