"""The examples run as they are."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, *arguments: str) -> str:
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


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
