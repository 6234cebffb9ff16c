"""The pages in docs/ say what the package does."""

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from lipsync.stand_ins import SmallSyncNet
from matplotlib import pyplot
from matplotlib.text import Text

from thm_torchmetrics.catalog import CATALOG, LACKING, SUITES, find_choice
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.extractors.syncnet import CustomSyncNetwork, SyncNetwork
from thm_torchmetrics.weights import Checkpoints

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAPERS = [name for name in SUITES if name not in ("all", "offline")]


def rows(suite: str) -> list[tuple[str, str, str]]:
    """The rows of a suite's table: the paper's name, what is measured here, and by what."""
    section = (DOCS / "suites.md").read_text(encoding="utf-8").partition(f"\n## {suite}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", section, re.M)
    return [row for row in found if row[0] != "the paper's row"]


@pytest.mark.parametrize("suite", PAPERS)
def test_the_page_of_suites_lists_every_member_and_what_is_lacking(suite: str) -> None:
    table = rows(suite)
    assert [here.strip("`") for _, here, _ in table if here != "-"] == list(SUITES[suite])
    lacking = {name: why for name, here, why in table if here == "-"}
    assert lacking.keys() == LACKING.get(suite, {}).keys()
    for name, why in lacking.items():
        assert LACKING[suite][name].startswith(why)


def test_suites_of_papers_are_described_in_their_order_and_name_what_exists() -> None:
    page = (DOCS / "suites.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", page, re.M) == PAPERS
    for members in SUITES.values():
        for text in members:
            assert find_choice(text).name == text


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_every_protocol_that_a_page_names_exists(page: Path) -> None:
    for key, protocol in re.findall(r"`([a-z][a-z0-9-]*):([a-z0-9-]+)`", page.read_text(encoding="utf-8")):
        assert find_choice(f"{key}:{protocol}").protocol == protocol


def test_the_share_of_papers_is_that_of_the_steps_that_are_complete(capsys: pytest.CaptureFixture[str]) -> None:
    script = runpy.run_path(str(DOCS / "papers_share.py"))
    steps = script["read"]("papers_share.csv")
    assert [int(step["papers"]) for step in steps] == [180, 233, 267, 331, 364, 425, 444, 474]
    keys = {key for step in steps[:3] for key in step["needs"].split()}
    assert script["filled"](steps, keys) == 267
    assert script["filled"](steps, keys - {"fvd"} | {"lve", "fdd", "mve"}) == 180
    script["main"]()
    papers = script["filled"](steps, set(CATALOG))
    assert f"the whole automatic table of {papers} of 492 papers: {papers / 492:.1%}" in capsys.readouterr().out
    assert papers >= 267


def examples(page: Path) -> list[str]:
    """The Python of a page."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


PAGES = [page for page in (ROOT / "README.md", *sorted(DOCS.glob("*.md"))) if examples(page)]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample") / "DATA", clips=1, seconds=1.0)


@pytest.mark.filterwarnings("ignore::UserWarning:lightning")
@pytest.mark.filterwarnings("ignore:.*LipSyncConfidence:UserWarning")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_run(
    page: Path, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a folder with DATA, talk.mp4 and speech.wav, one after the other; SyncNet is a small stand-in."""
    (tmp_path / "DATA").symlink_to(sample)
    for name, folder in (("talk.mp4", "gt_video"), ("speech.wav", "gt_audio")):
        (tmp_path / name).symlink_to(next((sample / folder).iterdir()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Checkpoints, "obtain_all", lambda *args: None)
    monkeypatch.setattr(SyncNetwork, "make", lambda *args, **options: CustomSyncNetwork(SmallSyncNet()))
    names: dict[str, Any] = {}
    for example in examples(page):
        exec(compile(example, f"<{page.name}>", "exec"), names)  # noqa: S102
    if page.name == "python.md":
        assert names["metric"].compute().isfinite()
        assert "psnr: PeakSignalNoiseRatio, protocol piq, needs preds and target" in capsys.readouterr().out
    if page.name == "own_metric.md":
        frames = torch.full((2, 3, 16, 16), 100, dtype=torch.uint8)
        assert names["BrightnessError"]()(frames + 7, frames).item() == pytest.approx(7, rel=1e-6)


def test_the_pages_are_made_from_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The site's build draws the figures, which take longest."""
    monkeypatch.syspath_prepend(DOCS)
    figures: list[Path] = []
    monkeypatch.setattr("sensitivity.draw", lambda key, rows, path: figures.append(path))
    runpy.run_path(str(DOCS / "generated.py"))["write"](tmp_path)
    assert tmp_path / "sensitivity/psnr.svg" in figures
    assert {page.stem for page in (tmp_path / "metrics").glob("*.md")} == {*CATALOG, "index"}
    page = (tmp_path / "metrics/lmd.md").read_text(encoding="utf-8")
    assert all(f"| `{protocol}` |" in page for protocol in CATALOG["lmd"].protocols)
    messages = (tmp_path / "messages.md").read_text(encoding="utf-8")
    assert "| InputError | unknown suite {name}" in messages


def test_the_study_of_what_moves_a_metric_is_what_its_script_measures(tmp_path: Path) -> None:
    file = tmp_path / "study.csv"
    command = [sys.executable, DOCS / "sensitivity.py", "--metrics", "psnr,flicker", "-o", file]
    subprocess.run(command, check=True, timeout=300)
    kept = (DOCS / "sensitivity.csv").read_text(encoding="utf-8").splitlines()
    for line in file.read_text(encoding="utf-8").splitlines():
        *facts, value = line.split(",")
        (known,) = [each for each in kept if each.rpartition(",")[0] == ",".join(facts)]
        assert value == known.rpartition(",")[2] or float(value) == pytest.approx(
            float(known.rpartition(",")[2]), rel=1e-3
        )


@pytest.mark.parametrize(("page", "figures"), [("motion", 7), ("meshes", 5)])
def test_the_pictures_of_what_metrics_measure_are_drawn(
    page: str, figures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(DOCS)
    pyplot.switch_backend("Agg")
    runpy.run_path(str(DOCS / f"gallery/plot_{page}.py"))
    drawn = [pyplot.figure(number) for number in pyplot.get_fignums()]
    pyplot.close("all")
    assert len(drawn) == figures
    texts = [text.get_text() for figure in drawn for text in figure.findobj(Text)]
    keys = runpy.run_path(str(DOCS / "generated.py"))["PICTURES"][page]
    assert [key for key in keys if not any(re.search(rf"\b{key}\b.* \d", text) for text in texts)] == []
    assert not any("nan" in text for text in texts)


def test_the_picture_of_a_terminal_shows_what_was_printed_and_loads_nothing(tmp_path: Path) -> None:
    draw = runpy.run_path(str(DOCS / "pictures.py"))["draw_terminal"]
    draw("thm demo", "Metric  Value\npsnr    24.05\n", tmp_path / "a.svg")
    for path in (tmp_path / "a.svg", DOCS / "_static/table.svg"):
        svg = path.read_text(encoding="utf-8")
        assert "psnr" in svg
        assert "demo" in svg
        assert re.findall(r"(?:href|src|url)[=(]['\"]?(https?:[^'\")]+)", svg) == []
