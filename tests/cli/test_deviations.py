"""What changes a number is seen in every report of a real run."""

import hashlib
import json
import tomllib
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from parity.seeded import seeded_state

from thm_torchmetrics.cli import main
from thm_torchmetrics.demo.sample import make_sample

FORMS = ("json", "csv", "md", "tex", "toml", "html")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports of one run with a checkpoint of the user's own, from a folder, and with options."""
    place = tmp_path_factory.mktemp("reports")
    sample = make_sample(place / "my data", clips=2, seconds=0.4, size=128)
    (place / "own").mkdir()
    torch.save(seeded_state("iresnet18"), place / "own/arcface-r18.pth")
    line = [
        "score", sample, "--metrics", "csim:vico,psnr,aue", "--extractor", "csim=arcface-r18",
        "--weights-dir", place / "own", "--every", 2, "--average", "clip", "--align", "truncate", "--resize", "bicubic",
        "--au-min-confidence", 0.5, "--fail-under", "psnr=1",
    ]  # fmt: skip
    line += [each for suffix in FORMS for each in ("-o", place / f"r.{suffix}")]
    result = CliRunner().invoke(main, [str(each) for each in line])
    assert result.exit_code == 0, result.output
    (place / "r.txt").write_text(result.stdout)
    return place


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / "own/arcface-r18.pth").read_bytes()).hexdigest()


@pytest.mark.parametrize("suffix", ["txt", "csv", "md", "tex", "html"])
def test_every_deviation_is_in_every_report(folder: Path, suffix: str) -> None:
    lines = (folder / f"r.{suffix}").read_text().splitlines()
    seen = "\n".join(line for line in lines if not line.startswith(("%", "<!--"))).replace("\\", "")
    for words in (
        f"csim:vico: custom checkpoint arcface-r18 (arcface-r18.pth, sha256 {digest(folder)[:12]})",
        "all metrics: every 2nd frame only",
        "average=clip",
        "resize=bicubic",
        "rows of tables by min_confidence=0.5",
        "frame i beside frame i, also of unlike frame rates",
    ):
        assert words in seen, words
    assert suffix == "html" or str(folder) not in seen  # the page tells the command, too
    assert "[arcface-r18]" in seen or suffix == "csv"


def test_json_tells_where_everything_came_from(folder: Path) -> None:
    found = json.loads((folder / "r.json").read_text())["provenance"]
    assert found["weights"]["arcface-r18"] == {
        "file": "arcface-r18.pth", "sha256": digest(folder), "custom": True, "metrics": ["csim:vico"],
    }  # fmt: skip
    assert found["arguments"]["weights-dir"] == str(folder / "own")
    assert found["gates"][0]["passed"] is True
    assert found["command"].startswith("thm score ")


def test_options_are_in_the_file_of_options(folder: Path) -> None:
    text = (folder / "r.toml").read_text()
    options = tomllib.loads(text)
    assert options["weights-dir"] == str(folder / "own")
    assert options["output"] == [str(folder / f"r.{suffix}") for suffix in FORMS if suffix != "toml"]
    assert f"# checkpoint arcface-r18: arcface-r18.pth, sha256 {digest(folder)}" in text


def test_a_file_is_the_same_by_name_and_by_folder(folder: Path) -> None:
    by_folder = json.loads((folder / "r.json").read_text())["metrics"]["csim:vico"]
    given = ["--weights", f"arcface-r18={folder}/own/arcface-r18.pth", "--every", "2", "--average", "clip"]
    line = ["score", str(folder / "my data"), "--metrics", "csim:vico", "--extractor", "csim=arcface-r18", *given]
    result = CliRunner().invoke(main, [*line, "--format", "json"])
    assert json.loads(result.stdout)["metrics"]["csim:vico"] == by_folder
