"""``thm info`` explains every metric, and ``thm list`` what there is and what runs here."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from thm_torchmetrics import weights
from thm_torchmetrics.catalog import CATALOG
from thm_torchmetrics.cli import main


def explained(*arguments: str) -> Any:
    shown = CliRunner().invoke(main, ["info", *arguments, "--format", "json"])
    assert shown.exit_code == 0, shown.stderr
    return json.loads(shown.stdout)


@pytest.mark.parametrize("key", CATALOG)
def test_every_metric_is_explained_with_its_protocols_and_checkpoints(key: str) -> None:
    row, facts = CATALOG[key], explained(key)
    assert list(facts["protocols"]) == list(row.protocols)
    assert all(told["source"] for told in facts["protocols"].values())
    assert facts["class"].endswith(f".{row.name}")
    assert list(facts["networks"]) == list(row.extractors)
    text = CliRunner().invoke(main, ["info", key]).stdout
    for name in (*row.protocols, *(each["name"] for needed in facts["networks"].values() for each in needed)):
        assert name in text
    assert ":math:" not in text


def test_a_protocol_alone_has_its_own_direction_and_needs() -> None:
    facts = explained("esd:cosine")
    assert facts["protocols"].keys() == {"cosine"}
    assert facts["protocols"]["cosine"]["higher_is_better"] is False
    assert explained("esd:survey")["protocols"]["survey"]["higher_is_better"] is True
    needs = {each["name"] for each in explained("csim")["networks"]["arcface-r100"]}
    assert needs == {"arcface-r100", "fan2d", "fan-s3fd"}
    assert {each["name"] for each in explained("csim:vico")["networks"]["arcface-r100"]} == {"arcface-r100"}
    known = weights.registry()["fan-s3fd"]
    shown = next(each for each in explained("csim")["networks"]["arcface-r100"] if each["name"] == "fan-s3fd")
    assert (shown["sha256"], shown["urls"]) == (known.sha256, list(known.urls))


def test_an_unknown_metric_is_a_usage_error_with_the_nearest() -> None:
    shown = CliRunner().invoke(main, ["info", "PSRN"])
    assert shown.exit_code == 2
    assert "did you mean 'psnr'?" in shown.stderr


@pytest.mark.parametrize("columns", [80, 160])
def test_lines_fit_the_terminal_but_for_formulas_and_examples(columns: int) -> None:
    for key in ("psnr", "lmd", "lse-d", "csim"):
        text = CliRunner(env={"COLUMNS": str(columns)}).invoke(main, ["info", key], terminal_width=columns).stdout
        long = [line for line in text.splitlines() if len(line) > 160 and ">>>" not in line and "\\" not in line]
        assert long == []
