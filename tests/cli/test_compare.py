"""`thm compare` from files to reports."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from comparison.results_of_models import two_models

from thm_torchmetrics.cli import main


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    for name, result in two_models().items():
        result.save(tmp_path / f"{name}.json")
    return [str(tmp_path / f"{name}.json") for name in ("ours", "base")]


def thm(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments], prog_name="thm")


def test_files_give_a_table_and_reports(files: list[str], tmp_path: Path) -> None:
    outputs = [tmp_path / name for name in ("all.json", "all.csv", "all.wide.csv", "all.md", "all.tex")]
    run = thm("compare", *files, *(part for path in outputs for part in ("-o", path)))
    assert run.exit_code == 0, run.output
    assert "less ours" in run.stdout
    assert all(path.stat().st_size for path in outputs)
    assert (tmp_path / "all.wide.csv").read_text().startswith("model,psnr,ssim\nours,")
    again = thm("compare", tmp_path / "all.json")
    assert again.stdout == run.stdout


def test_names_and_the_reference_are_chosen(files: list[str]) -> None:
    run = thm("compare", f"A={files[0]}", f"B={files[1]}", "--reference", "B", "--metrics", "psnr", "--format", "json")
    plain = json.loads(run.stdout)
    assert list(plain["models"]) == ["A", "B"]
    assert plain["comparison"]["reference"] == "B"
    assert list(plain["comparison"]["metrics"]) == ["psnr"]


def test_speakers_are_read_from_a_file(files: list[str], tmp_path: Path) -> None:
    table = tmp_path / "speakers.csv"
    table.write_text("clip,speaker\n" + "".join(f"c{i:02d},s{i % 9}\n" for i in range(20)))
    assert "bootstrap over clusters" in thm("compare", *files, "--cluster", table).stdout
    table.write_text("clip,speaker\nc00,a\nc00,b\n")
    run = thm("compare", *files, "--cluster", table)
    assert run.exit_code == 2
    assert "the clip 'c00' has two speakers, 'a' and 'b'" in run.stderr
    table.write_text("clip,who\nc00,a\n")
    assert "lacks the columns speaker" in thm("compare", *files, "--cluster", table).stderr


def test_the_methods_are_printed(files: list[str]) -> None:
    run = thm("compare", *files, "--methods")
    assert run.stdout.startswith("We score 2 models (ours, base) on 20 clips.")
    assert "@article{wang2004ssim," in run.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Missing argument"),
        (("{0}", "{0}"), "there is a model 'ours' already"),
        (("absent.json",), "absent.json cannot be read"),
        (("{0}", "-o", "out.txt"), "no report of several models has the suffix '.txt'"),
        (("{0}", "-o", "/absent/out.csv"), "there is no folder /absent"),
        (("{0}", "--metrics", "lpips"), "no model has the metric 'lpips'"),
    ],
)
def test_wrong_usage_is_an_error(files: list[str], arguments: tuple[str, ...], told: str) -> None:
    run = thm("compare", *(each.format(*files) for each in arguments))
    assert run.exit_code == 2
    assert told in run.stderr


def test_other_clips_need_common(files: list[str], tmp_path: Path) -> None:
    models = two_models(12)
    models["base"].save(tmp_path / "base.json")
    run = thm("compare", *files)
    assert run.exit_code == 2
    assert "ours has 8 clips (c12, c13, c14, c15, c16, ...) that not all have; compare" in run.stderr
    assert "by --common" in run.stderr
    assert "Python" not in run.stderr
    assert "ours has 8 clips" in thm("compare", *files, "--common").stdout


def test_a_file_that_is_no_result_is_an_error(tmp_path: Path) -> None:
    for text, told in (("[1]", "is no result of `thm score`"), ('{"models": {}, "schema": 1}', "holds no models")):
        (tmp_path / "x.json").write_text(text)
        run = thm("compare", tmp_path / "x.json")
        assert run.exit_code == 2
        assert told in run.stderr


def test_no_report_replaces_a_result(files: list[str], tmp_path: Path) -> None:
    before = Path(files[0]).read_bytes()
    run = thm("compare", *files, "-o", files[0])
    assert run.exit_code == 2
    assert "ours.json would replace a file that is read; give another name" in run.stderr
    assert Path(files[0]).read_bytes() == before
