"""Several processes give the result of one, and none waits for a dead one."""

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch.distributed as dist
from ddp.rank_pair import end_rank, run_rank
from scoring.test_score import plain

import thm_torchmetrics
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.errors import InputError, MissingExtraError, RankError
from thm_torchmetrics.scoring.dataset import plan_run
from thm_torchmetrics.scoring.devices import score_on_devices
from thm_torchmetrics.scoring.ranks import DEAD_RANK
from thm_torchmetrics.scoring.score_options import ScoreOptions

SECONDS = 240
PATIENCE = 15.0
THM = [sys.executable, "-m", "thm_torchmetrics"]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=3, seconds=0.2, size=64)


def run(*command: object, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(part) for part in command], env={**os.environ, **variables}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def same(report: Path, sample: Path, **options: Any) -> bool:
    first = plain(json.loads(report.read_text(encoding="utf-8")))
    assert first["provenance"].pop("ranks") == 2
    return first == plain(thm_torchmetrics.score(sample, **options).to_json())


@pytest.mark.slow
def test_two_processes_give_the_result_of_one_to_the_last_bit(sample: Path, tmp_path: Path) -> None:
    report = tmp_path / "two.json"
    done = run(*THM, "score", sample, "--metrics", "psnr,cpbd", "--with-target", "--devices", 2, "-o", report)
    _, err = done.communicate(timeout=SECONDS)
    assert done.returncode == 0, err
    assert same(report, sample, metrics="psnr,cpbd", with_target=True)


@pytest.mark.slow
def test_one_clip_on_two_ranks_under_slurm(tmp_path: Path) -> None:
    """The variables of SLURM, without it."""
    sample = make_sample(tmp_path / "sample", clips=1, seconds=0.2, size=64)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    slurm = {
        "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_NNODES": "1", "SLURM_NODEID": "0",
        "SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "thm", "SLURM_NODELIST": "127.0.0.1", "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
    }  # fmt: skip
    report = tmp_path / "two.json"
    command = [*THM, "score", sample, "--metrics", "psnr", "--devices", 2, "-o", report]
    tasks = [run(*command, **slurm, SLURM_PROCID=rank, SLURM_LOCALID=rank) for rank in "01"]
    told = [task.communicate(timeout=SECONDS) for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0], told
    assert ["psnr" in out for out, _ in told] == [True, False]
    assert same(report, sample, metrics="psnr")


class Rank:
    """A process that is one of two ranks, and what it says."""

    def __init__(self, rank: int, folder: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._said, said = context.Pipe(duplex=False)
        self.process = context.Process(target=run_rank, args=(rank, f"{folder}/store", said, PATIENCE))
        self.process.start()
        said.close()

    def says(self) -> str:
        assert self._said.poll(SECONDS)
        return str(self._said.recv())

    def status(self) -> int | None:
        self.process.join(SECONDS)
        return self.process.exitcode


@pytest.fixture
def pair() -> Iterator[tuple[Rank, Rank]]:
    """Two ranks that have met, of which rank 0 waits for rank 1."""
    with tempfile.TemporaryDirectory() as folder:
        both = Rank(0, folder), Rank(1, folder)
        assert [rank.says() for rank in both] == ["ready", "ready"]
        yield both
        for rank in both:
            rank.process.kill()
            rank.process.join()


@pytest.mark.slow
def test_a_rank_that_is_killed_ends_the_one_that_waits(pair: tuple[Rank, Rank]) -> None:
    waiting, killed = pair
    killed.process.kill()
    assert "died" in waiting.says()
    assert waiting.status() not in (None, 0)


@pytest.mark.slow
def test_a_rank_that_gives_no_sign_of_life_ends_the_one_that_waits(pair: tuple[Rank, Rank]) -> None:
    """A machine that stops closes no connection."""
    waiting, stopped = pair
    os.kill(stopped.process.pid or 0, signal.SIGSTOP)
    assert "rank 1 of 2 died, so rank 0 ends" in waiting.says()
    assert waiting.status() == DEAD_RANK


@pytest.mark.slow
def test_the_death_of_rank_0_ends_the_others(pair: tuple[Rank, Rank]) -> None:
    killed, working = pair
    killed.process.kill()
    assert "rank 0 of 2 died, so rank 1 ends" in working.says()
    assert working.status() == DEAD_RANK


def test_without_lightning_the_remedy_is_told(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightning.fabric.plugins", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'thm-torchmetrics\[lightning\]'"):
        thm_torchmetrics.score(sample, metrics="psnr", devices=2)


def test_a_process_of_a_group_starts_no_other(sample: Path, tmp_path: Path) -> None:
    """As in the validation of a training on several devices."""
    dist.init_process_group("gloo", store=dist.FileStore(str(tmp_path / "store"), 1), rank=0, world_size=1)
    try:
        with pytest.raises(InputError, match="part of a group already; score in a process of its own, or leave `devi"):
            thm_torchmetrics.score(sample, metrics="psnr", devices=2)
    finally:
        dist.destroy_process_group()


@pytest.mark.slow
def test_a_rank_that_dies_is_named_by_the_process_that_started_it(sample: Path) -> None:
    plan = plan_run(ScoreOptions(data=sample, metrics=("psnr",), devices=1))
    with pytest.raises(RankError, match=r"rank 0 of the run died, and no result is left: .*SIGKILL; if memory ran out"):
        score_on_devices(plan, end_rank)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"devices": 0}, "`devices=0`: a whole number from 1 on"),
        ({"num_nodes": 2}, "`num_nodes=2` needs `devices=`"),
        ({"devices": 2, "device": "cpu:0"}, "`device='cpu:0'` is one device"),
        ({"devices": 2, "metrics": "psnr", "every": 2, "tracks": "mean"}, "`tracks=`: no metric"),
    ],
    ids=str,
)
def test_wrong_devices_are_named_before_any_process_starts(sample: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        thm_torchmetrics.score(**{"data": sample, "metrics": "psnr"} | given)
    assert message in str(caught.value)
