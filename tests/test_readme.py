"""README.md and the other pages: what they name exists, and their examples run."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import torch
from lipsync.stand_ins import SmallSyncNet

from thm_torchmetrics.catalog import CATALOG
from thm_torchmetrics.cli import main
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.extractors.syncnet import CustomSyncNetwork, SyncNetwork
from thm_torchmetrics.weights import Checkpoints

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


def commands(group: click.Command, name: str = "thm") -> Iterator[tuple[str, click.Command]]:
    """A command and those below it, by what is typed."""
    yield name, group
    if isinstance(group, click.Group):
        for each in group.commands.values():
            yield from commands(each, f"{name} {each.name}")


def test_the_test_command_is_one_line_that_the_ci_finds() -> None:
    found = re.search(r"<!-- test command -->\n```bash\n(.+?)\n```", README, re.S)
    assert found is not None
    assert found[1] == "pip install -e '.[all,test]' && python -m pytest -n auto --dist loadfile"


def test_the_table_is_the_catalog() -> None:
    rows = re.findall(r"^\| `(\S+)` \| `(\w+)` \| (.+?) \| .+? \| (.+) \|$", README, re.M)
    assert rows == [
        (row.key, row.name, f"{row.arrow} {row.unit}".strip(), ", ".join(f"`{each}`" for each in row.protocols))
        for row in CATALOG.values()
    ]


def test_every_command_and_option_exists() -> None:
    known = dict(commands(main))
    options = {option for command in known.values() for each in command.params for option in each.opts}
    of_pytest = {"--dist"}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)) - of_pytest
    assert named - options == set()
    for words in re.findall(r"`thm ([a-z]+)", README):
        assert f"thm {words}" in known
    for group in re.findall(r"`thm weights ([a-z|]+)`", README):
        assert all(f"thm weights {each}" in known for each in group.split("|"))


@pytest.mark.filterwarnings("ignore::UserWarning:lightning")
@pytest.mark.filterwarnings("ignore:.*LipSyncConfidence:UserWarning")
def test_the_examples_run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_sample(tmp_path)
    for name, folder in (("talk.mp4", "gt_video"), ("speech.wav", "gt_audio")):
        (tmp_path / name).symlink_to(next((tmp_path / folder).iterdir()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Checkpoints, "obtain_all", lambda *args: None)
    monkeypatch.setattr(SyncNetwork, "make", lambda *args, **options: CustomSyncNetwork(SmallSyncNet()))
    names: dict[str, Any] = {}
    examples = blocks("python")
    for example in examples:
        exec(compile(example, "<README.md>", "exec"), names)  # noqa: S102
    assert len(examples) == 5
    assert names["metric"].detail()["not_scored"] == {}
    assert names["metric"].compute().isfinite()
    assert "psnr: PeakSignalNoiseRatio, protocol piq, needs preds and target" in capsys.readouterr().out
    frames = torch.full((2, 3, 16, 16), 100, dtype=torch.uint8)
    assert names["BrightnessError"]()(frames + 7, frames).item() == pytest.approx(7, rel=1e-6)


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_files_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    paths = re.findall(r"`([\w.-]+/[\w/.-]*\w\.(?:py|toml|md|sh)|\w+/)`", text)
    assert paths
    folders = (ROOT, ROOT / "thm_torchmetrics")
    assert [path for path in (*links, *paths) if not any((folder / path).exists() for folder in folders)] == []


@pytest.mark.parametrize("page", PAGES)
def test_lines_fit_in_120_columns(page: str) -> None:
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    long = {number: line for number, line in enumerate(lines, 1) if len(line) > 120}
    assert {number: line for number, line in long.items() if not line.startswith("| ")} == {}  # rows cannot be broken


def test_the_version_stands_in_one_place() -> None:
    assert "version:" not in (ROOT / "CITATION.cff").read_text(encoding="utf-8").replace("cff-version:", "")
