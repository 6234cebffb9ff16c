"""The examples run as they are."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from thm_torchmetrics.demo.sample import make_sample

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, *arguments: str) -> str:
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture
def program(tmp_path: Path) -> str:
    """A search path on which ``thm`` is the package under test."""
    program = tmp_path / "bin/thm"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m thm_torchmetrics "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    torchrun = program.with_name("torchrun")
    torchrun.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m torch.distributed.run "$@"\n', encoding="utf-8")
    torchrun.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


def shell(path: str, *command: object, **variables: str) -> None:
    done = subprocess.run(
        [str(part) for part in command], env={**os.environ, "PATH": path, **variables}, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def test_custom_metric() -> None:
    assert run("custom_metric.py") == "brightness error: 7.00 levels, coverage 100%\n"


def test_custom_network() -> None:
    assert run("custom_network.py") == "luma error: 2.99 levels, coverage 100%\n"


@pytest.mark.slow
def test_lightning_validation_logs_every_offline_metric() -> None:
    values = dict(re.findall(r"^val/(\S+)\s+(-?\d+\.\d+)$", run("lightning_validation.py"), re.M))
    assert values.keys() == {"psnr", "ssim", "cpbd", "lmd", "akd", "mkr", "csim", "aue-u", "aue-l"}
    assert 10 < float(values["psnr"]) < 40
    assert float(values["mkr"]) == 0


def test_make_sample(tmp_path: Path) -> None:
    run("make_sample.py", str(tmp_path / "sample"))
    assert len(list((tmp_path / "sample/gt_video").glob("*.mp4"))) == len(
        list((tmp_path / "sample/gt_audio").iterdir())
    )


def test_slurm_array(program: str, tmp_path: Path) -> None:
    """Each job of an array, without SLURM; and the command that its last line tells."""
    data, out = make_sample(tmp_path / "data", clips=2, seconds=0.2, size=64), tmp_path / "out"
    for job in ("1", "2"):
        array = {"SLURM_ARRAY_TASK_ID": job, "SLURM_ARRAY_TASK_COUNT": "2"}
        shell(program, EXAMPLES / "slurm_array.sh", data, out, "--metrics", "psnr", **array)
    shell(program, "thm", "merge", *sorted(out.glob("part*.json")), "-o", out / "all.json")
    assert len(json.loads((out / "all.json").read_text(encoding="utf-8"))["clips"]) == 2


def test_torchrun(program: str, tmp_path: Path) -> None:
    """Two processes for one clip."""
    data, out = make_sample(tmp_path / "data", clips=1, seconds=0.2, size=64), tmp_path / "all.json"
    shell(program, EXAMPLES / "torchrun.sh", 2, data, out, "--metrics", "psnr")
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["provenance"]["ranks"] == 2
    assert [clip["status"] for clip in report["clips"]] == ["ok"]
