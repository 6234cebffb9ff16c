"""Files are written before anything is printed, and a standard output that fails loses nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from thm_torchmetrics.cli import main
from thm_torchmetrics.demo.sample import make_sample


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=1, seconds=0.2, size=64)


def shell(line: str, sample: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a line of bash in which ``$THM`` stands for the command; the status is that of the command."""
    variables = {**os.environ, "SAMPLE": str(sample), "THM": f"{sys.executable} -m thm_torchmetrics", **environment}
    return subprocess.run(
        ["bash", "-c", line], env=variables, capture_output=True, text=True, encoding="utf-8", check=False
    )


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_closed_pipe_keeps_the_files(sample: Path, tmp_path: Path, form: str) -> None:
    line = "$THM score $SAMPLE --metrics psnr --format $FORM -o $OUT/r.json | true; exit ${PIPESTATUS[0]}"
    done = shell(line, sample, OUT=str(tmp_path), FORM=form)
    assert done.returncode in (0, 141), done.stderr  # 0 where the pipe took everything before it was closed
    assert "Traceback" not in done.stderr
    assert json.loads((tmp_path / "r.json").read_text())["metrics"]["psnr"]["value"] > 0


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_full_disk_keeps_the_files_and_is_named(sample: Path, tmp_path: Path, form: str) -> None:
    line = "$THM score $SAMPLE --metrics psnr --format $FORM -o $OUT/r.json > /dev/full"
    done = shell(line, sample, OUT=str(tmp_path), FORM=form)
    assert done.returncode == 2
    assert "standard output was not written: No space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads((tmp_path / "r.json").read_text())["metrics"]["psnr"]["value"] > 0


@pytest.mark.parametrize("setting", [{"PYTHONIOENCODING": "cp1252"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}])
def test_every_encoding_prints(sample: Path, setting: dict[str, str]) -> None:
    done = shell("$THM score $SAMPLE --metrics psnr", sample, **setting)
    assert done.returncode == 0, done.stderr
    assert "psnr" in done.stdout


def test_every_output_is_written_whatever_becomes_of_the_others(sample: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    line = "$THM score $SAMPLE --metrics psnr -o $OUT/folder.json -o $OUT/ok.json"
    done = shell(line, sample, OUT=str(tmp_path))
    assert done.returncode == 2
    assert "folder.json was not written" in done.stderr
    assert (tmp_path / "ok.json").is_file()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("score SAMPLE --metrics psnr -o /proc/r.json", "/proc/r.json: the folder cannot be written: "),
        ("extract landmarks SAMPLE/pred_video -o /proc/r", "--output: the folder /proc cannot be written: "),
    ],
)
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc, where even root cannot make a file")
def test_a_folder_that_cannot_be_written_is_named_before_any_work(sample: Path, command: str, said: str) -> None:
    done = CliRunner().invoke(main, command.replace("SAMPLE", str(sample)).split())
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert "; name another" in " ".join(done.stderr.replace("│", " ").split())
    assert done.stdout == ""


def test_the_list_breaks_no_name_at_80_columns() -> None:
    done = shell("$THM list", Path(), COLUMNS="80")
    assert max(map(len, done.stdout.splitlines())) <= 80
    for name in ("StructuralSimilarity", "torch-fidelity", "wav2lip-lrs-jpeg", "talkinggaussian", "IdentitySimilarity"):
        assert name in done.stdout
