"""How reports name a metric that another network than the default has fed."""

import json

import pytest

from thm_torchmetrics.catalog import find_choice
from thm_torchmetrics.reports.cells import label
from thm_torchmetrics.reports.table import show
from thm_torchmetrics.reports.text import to_csv, to_json, to_latex, to_markdown
from thm_torchmetrics.scoring.result import ClipResult, ClipScore, MetricResult, Result


def result() -> Result:
    extractors = {"csim": "dlib", "lpips": "lpips", "aed-id:aligned": "arcface-r50", "esd": None, "psnr": None}
    metrics = {
        key: MetricResult(0.5, "", True, "aligned", extractor, 3, 1, 1.0, 0) for key, extractor in extractors.items()
    }
    clip = ClipResult("a", metrics={key: ClipScore(0.5, 3, 0) for key in extractors})
    return Result({}, metrics, [clip], {})


def test_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show(result())
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines() if " 0.5000 " in line]
    assert names == ["csim[dlib]", "lpips", "aed-id:aligned[arcface-r50]", "esd", "psnr"]


def test_markdown() -> None:
    lines = to_markdown(result()).splitlines()
    assert "| csim[dlib] ↑ |" in lines[2]
    assert "| lpips ↑ |" in lines[3]
    assert "| Clip | Status | csim[dlib] | lpips | aed-id:aligned[arcface-r50] | esd | psnr |" in lines


def test_latex() -> None:
    head = next(line for line in to_latex(result()).splitlines() if line.startswith("Method"))
    titles = [title.split(" $")[0] for title in head.split(" & ")[1:]]
    assert titles == ["CSIM[dlib]", "LPIPS", "AED-ID[arcface-r50] (aligned)", "ESD", "PSNR"]


def test_keys_stay_in_files_for_programs() -> None:
    plain = json.loads(to_json(result()))
    assert list(plain["metrics"]) == ["csim", "lpips", "aed-id:aligned", "esd", "psnr"]
    assert plain["metrics"]["csim"]["extractor"] == "dlib"
    assert "clip,status,csim,lpips,aed-id:aligned,esd,psnr,notes" in to_csv(result()).splitlines()


@pytest.mark.parametrize(
    ("key", "extractor", "name"),
    [
        ("lmd", "fan", "lmd"),
        ("lmd:atvg", "dlib", "lmd:atvg"),  # its protocol says dlib
        ("lmd:atvg", "fan", "lmd:atvg[fan]"),
        ("aue", None, "aue"),
        ("aue", "openface-au", "aue[openface-au]"),  # it reads tables unless a network is named
        ("aed", "deep3d (features, landmarks of fan)", "aed[features]"),
        ("not-of-the-catalog", "net", "not-of-the-catalog"),
    ],
)
def test_a_label_names_what_is_not_the_protocol_s_own(key: str, extractor: str | None, name: str) -> None:
    protocol = key.partition(":")[2] or (find_choice(key).protocol if "catalog" not in key else "mine")
    assert label(key, MetricResult(0.5, "", True, protocol, extractor, 3, 1, 1.0, 0)) == name
