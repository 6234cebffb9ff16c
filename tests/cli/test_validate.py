"""`thm validate` from files to reports."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from comparison.results_of_models import two_models
from markdown_it import MarkdownIt
from reports.test_hostile_names import NAMES, STORABLE, acting

from thm_torchmetrics.cli import main
from thm_torchmetrics.comparison.votes import Agreement
from thm_torchmetrics.reports.votes import FORMATS, show_agreements


def thm(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments], prog_name="thm")


@pytest.fixture
def arguments(tmp_path: Path) -> list[Path | str]:
    for name, result in two_models().items():
        result.save(tmp_path / f"{name}.json")
    votes = [f"c{i:02d},ours,base,{'base' if i % 4 == 0 else 'ours'},lips" for i in range(20)]
    (tmp_path / "votes.csv").write_text("\n".join(["clip,model_a,model_b,winner,aspect", *votes]) + "\n")
    return ["validate", "--votes", tmp_path / "votes.csv", tmp_path / "ours.json", tmp_path / "base.json"]


def test_votes_give_a_table_and_reports(arguments: list[Path | str], tmp_path: Path) -> None:
    outputs = [tmp_path / f"out.{form}" for form in FORMATS]
    run = thm(*arguments, *(part for path in outputs for part in ("-o", path)))
    assert run.exit_code == 0, run.output
    assert "chance is 0.500" in run.stdout
    found = json.loads((tmp_path / "out.json").read_text())["agreements"]
    assert [each["metric"] for each in found] == ["psnr", "ssim"]
    assert found[0]["votes"] == 20
    assert f"{found[0]['value']:.3f}" in run.stdout
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith(f"psnr,lips,{found[0]['value']},")
    assert thm(*arguments, "--format", "md").stdout == (tmp_path / "out.md").read_text()


def test_wrong_usage_is_an_error(arguments: list[Path | str], tmp_path: Path) -> None:
    assert "no report of votes has the suffix '.tex'" in thm(*arguments, "-o", tmp_path / "out.tex").stderr
    run = thm(*arguments[:-1])
    assert run.exit_code == 2
    assert "votes name 'base', and the models are ours" in run.stderr


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_change_no_report(name: str) -> None:
    found = [Agreement(name, name, 0.5, None, 3, 2, 1, 0)]
    screen = io.StringIO()
    show_agreements(found, screen)
    for text in (screen.getvalue(), FORMATS["md"](found), FORMATS["json"](found)):
        assert acting(text) == []
    rows = list(csv.reader(io.StringIO(FORMATS["csv"](found), newline="")))
    assert [len(row) for row in rows] == [9, 9]
    assert not rows[1][1].strip(" ").startswith(tuple("=+-@\t\r\n\uff1d"))
    if name in STORABLE:
        assert rows[1][0].removeprefix("'") == name
    tokens = MarkdownIt("commonmark").enable("table").parse(FORMATS["md"](found))
    assert sum(token.type == "td_open" for token in tokens) == 8


def test_no_report_replaces_the_votes(arguments: list[Path | str], tmp_path: Path) -> None:
    votes = (tmp_path / "votes.csv").read_bytes()
    run = thm(*arguments, "-o", tmp_path / "votes.csv")
    assert run.exit_code == 2
    assert "votes.csv would replace a file that is read; give another name" in run.stderr
    assert (tmp_path / "votes.csv").read_bytes() == votes
