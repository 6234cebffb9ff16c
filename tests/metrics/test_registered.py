"""Metrics of other packages: registered by call, or by an entry point of an installed package."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from thm_torchmetrics import TalkingHeadMetrics, register_metric
from thm_torchmetrics.catalog import CATALOG, ENTRY_POINTS, Protocol, Row, Scale
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.errors import InputError

MODULE = """
from thm_torchmetrics import FrameMean

class AbsoluteError(FrameMean, key="other-l1"):
    procedures = {"mine": None, "squared": None}

    def per_frame(self, preds, target):
        return (preds.as_float() - target.as_float()).abs().mean(dim=(1, 2, 3))

class NoMetric:
    pass
"""
ROW = """
from thm_torchmetrics.catalog import Protocol, Row, Scale

ROW = Row("other-l1", "AbsoluteError", "other_package.metrics", "absolute error", Scale(False), ("preds", "target"),
          (Protocol("mine", "this laboratory's own"),))
"""


@pytest.fixture
def other_package(tmp_path: Path) -> Path:
    """A folder with an installed package that has a metric, and one whose entry point is broken."""
    package = tmp_path / "other_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "metrics.py").write_text(MODULE)
    (package / "row.py").write_text(ROW)
    for name, points in (
        ("other_package", "l1 = other_package.row:ROW"), ("broken_package", "worse = nowhere.at_all:ROW"),
    ):  # fmt: skip
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\n{points}\n")
    return tmp_path


def thm(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path.append({str(folder)!r}); from thm_torchmetrics.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_an_installed_package_is_listed_and_scored(other_package: Path, tmp_path: Path) -> None:
    listed = thm(other_package, "list", "--format", "json")
    assert json.loads(listed.stdout)["metrics"]["other-l1"]["class"] == "AbsoluteError"
    assert "other-l1" not in json.loads(listed.stdout)["suites"]["all"]
    assert "nowhere" in thm(other_package, "list").stderr
    data = make_sample(tmp_path, clips=1, seconds=0.2, size=64)
    scored = thm(other_package, "score", str(data), "--metrics", "other-l1,psnr", "--format", "json")
    assert scored.returncode == 0, scored.stderr
    metrics = json.loads(scored.stdout)["metrics"]
    assert 0 < metrics["other-l1"]["value"] < 1
    assert metrics["other-l1"]["protocol"] == "mine"


@pytest.fixture
def no_trace() -> Iterator[None]:
    before = dict(CATALOG)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "other_package"]:
        del sys.modules[name]  # each test has a package of its own by that name
    CATALOG.rows.clear()
    CATALOG.rows.update(before)


@pytest.mark.usefixtures("no_trace")
def test_a_registered_metric_is_made_by_its_key(other_package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(other_package))
    published = (Protocol("mine", "ours"), Protocol("squared", "ours", scale=Scale(False, "², say")))
    row = Row("other-l1", "AbsoluteError", "other_package.metrics", "absolute error", Scale(False), ("preds", "target"),
              published)  # fmt: skip
    register_metric(row)
    register_metric(row)
    frames = torch.zeros(1, 3, 8, 8)
    metrics = TalkingHeadMetrics(["other-l1", "other-l1-squared"])
    metrics.update(frames + 0.25, frames)
    assert {name: float(value) for name, value in metrics.compute().items()} == {
        "other-l1": 0.25, "other-l1-squared": 0.25,
    }  # fmt: skip
    assert metrics.members()["other-l1-squared"].unit == "², say"
    with pytest.raises(InputError, match="there is a metric 'other-l1' already"):
        register_metric(Row("other-l1", "Another", "elsewhere.metrics", "", Scale(True), (), published))
    with pytest.raises(InputError, match="a Row with at least one protocol"):
        register_metric(Row("empty", "Another", "elsewhere.metrics", "", Scale(True), (), ()))


@pytest.mark.usefixtures("no_trace")
def test_a_row_that_leads_nowhere_is_named(other_package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(other_package))
    register_metric(Row("a", "A", "nowhere.metrics", "", Scale(True), ("preds",), (Protocol("b", "c"),)))
    register_metric(Row("b", "NoMetric", "other_package.row", "", Scale(True), ("preds",), (Protocol("b", "c"),)))
    with pytest.raises(InputError, match=r"the metric 'a' lies in nowhere\.metrics, which cannot be imported"):
        TalkingHeadMetrics(["a"])
    with pytest.raises(InputError, match=r"should be the class other_package\.row\.NoMetric"):
        TalkingHeadMetrics(["b"])
