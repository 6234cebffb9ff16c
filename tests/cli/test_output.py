"""Files are written before anything is printed, and a standard output that fails loses nothing."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from cli.words import words
from click.testing import CliRunner

from thm_torchmetrics import reports
from thm_torchmetrics.cli import main
from thm_torchmetrics.demo.sample import make_sample

NEEDS_PROC = pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="needs Linux's /proc, where even root cannot make a file"
)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=1, seconds=0.2, size=64)


def shell(line: str, sample: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a line of bash in which ``$THM`` stands for the command; the status is that of the command."""
    variables = {**os.environ, "SAMPLE": str(sample), "THM": f"{sys.executable} -m thm_torchmetrics", **environment}
    return subprocess.run(
        ["bash", "-c", line], env=variables, capture_output=True, text=True, encoding="utf-8", check=False
    )


def test_a_closed_pipe_keeps_the_files(sample: Path, tmp_path: Path) -> None:
    line = "$THM score $SAMPLE --metrics psnr --format json -o $OUT/r.json | true; exit ${PIPESTATUS[0]}"
    done = shell(line, sample, OUT=str(tmp_path))
    assert done.returncode in (0, 141), done.stderr  # 0 where the pipe took everything before it was closed
    assert "Traceback" not in done.stderr
    assert json.loads((tmp_path / "r.json").read_text())["metrics"]["psnr"]["value"] > 0


def test_a_full_disk_keeps_the_files_and_is_named(sample: Path, tmp_path: Path) -> None:
    line = "$THM score $SAMPLE --metrics psnr -o $OUT/r.json > /dev/full"
    done = shell(line, sample, OUT=str(tmp_path))
    assert done.returncode == 2
    assert "standard output was not written: No space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads((tmp_path / "r.json").read_text())["metrics"]["psnr"]["value"] > 0


@pytest.mark.parametrize("setting", [{"PYTHONIOENCODING": "cp1252"}, {"LC_ALL": "C"}])
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
@NEEDS_PROC
def test_a_folder_that_cannot_be_written_is_named_before_any_work(sample: Path, command: str, said: str) -> None:
    done = CliRunner().invoke(main, command.replace("SAMPLE", str(sample)).split())
    assert done.exit_code == 2
    assert said in words(done.stderr)
    assert "; name another" in words(done.stderr)
    assert done.stdout == ""


def test_the_list_breaks_no_name_at_80_columns() -> None:
    done = shell("$THM list", Path(), COLUMNS="80")
    assert max(map(len, done.stdout.splitlines())) <= 80
    for name in ("StructuralSimilarity", "torch-fidelity", "wav2lip-lrs-jpeg", "talkinggaussian", "IdentitySimilarity"):
        assert name in done.stdout


@pytest.mark.parametrize(
    "command", ["list", "info psnr", "doctor", "--version", "--help", "score --help", "cache info"]
)
def test_every_command_names_a_full_disk_in_one_line(command: str, tmp_path: Path) -> None:
    (tmp_path / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55")
    place = f" {tmp_path}" if command == "cache info" else ""
    for unbuffered in ("", "1") if command == "list" else ("",):
        done = shell(f"$THM {command}{place} > /dev/full", tmp_path, PYTHONUNBUFFERED=unbuffered)
        assert done.returncode == 2
        assert "standard output was not written: No space left" in done.stderr
        assert "Traceback" not in done.stderr


def test_every_command_has_the_status_of_a_closed_pipe(tmp_path: Path) -> None:
    done = shell(
        "(sleep 1; $THM info psnr; echo $? > $OUT/status) | true; cat $OUT/status", tmp_path, OUT=str(tmp_path)
    )
    assert (done.stdout.strip(), done.stderr) == ("141", "")


def test_a_fault_of_one_format_does_not_cost_the_others(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise ValueError("no such color")

    monkeypatch.setitem(reports.FORMATS, "md", broken)
    outputs = (part for name in ("r.md", "r.json") for part in ("-o", str(tmp_path / name)))
    done = CliRunner().invoke(main, ["score", str(sample), "--metrics", "psnr", *outputs])
    assert done.exit_code == 2
    assert "r.md was not written: ValueError: no such color" in done.stderr
    assert (tmp_path / "r.json").is_file()


def test_no_report_replaces_a_file_that_is_read(sample: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.csv"
    lines = ["preds,target", *(f"{sample}/pred_video/{path.name},{path}" for path in (sample / "gt_video").iterdir())]
    pairs.write_text("\n".join(lines))
    for line in (
        "$THM score --pairs $OUT/pairs.csv --metrics psnr -o $OUT/pairs.csv",
        "cd $OUT; $THM score --pairs pairs.csv --metrics psnr -o ../${OUT##*/}/pairs.csv",
    ):
        done = shell(line, sample, OUT=str(tmp_path))
        assert done.returncode == 2
        assert "pairs.csv would replace a file that is read; give another name" in done.stderr
    assert pairs.read_text() == "\n".join(lines)


def test_a_disk_that_is_full_for_sums_and_statistics_keeps_the_reports(sample: Path, tmp_path: Path) -> None:
    lines = {
        "0.json": "--preds a=$SAMPLE/pred_video --preds b=$SAMPLE/gt_video --metrics psnr",
        "fid.safetensors": "--preds-features fid=$OUT/f --target-features fid=$OUT/f --metrics fid "
        "--save-statistics $OUT/kept",
    }
    (tmp_path / "f").mkdir()
    numpy.save(tmp_path / "f" / "a.npy", numpy.random.default_rng(0).normal(size=(9, 16)).astype("float32"))
    for file, options in lines.items():
        target = "--target $SAMPLE/gt_video" if "psnr" in options else ""
        line = f"ulimit -f 1; $THM score {target} {options} -o $OUT/{file}.csv"
        done = shell(line, sample, OUT=str(tmp_path), TMPDIR=str(tmp_path))
        assert done.returncode == 2
        assert re.search(rf"{file}.* (was not|cannot be) written: .*File too large", done.stderr)
        assert "Traceback" not in done.stderr
        assert (tmp_path / f"{file}.csv").stat().st_size > 0


@NEEDS_PROC
def test_a_folder_for_statistics_that_cannot_be_made_is_named_before_any_work(sample: Path) -> None:
    line = ["score", str(sample), "--metrics", "fid", "--offline", "--save-statistics", "/proc/kept"]
    done = CliRunner().invoke(main, line)
    assert done.exit_code == 2
    assert "/proc/kept: nothing can be written in /proc" in words(done.stderr)
    assert done.stdout == ""
