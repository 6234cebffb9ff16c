"""``thm cache info`` and ``thm cache prune``: what they print, and what they refuse."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from thm_torchmetrics.cli import main
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.scoring.score import score


def cache(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["cache", *map(str, arguments)])


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """A cache that holds the measurement of one clip."""
    score(make_sample(tmp_path / "data", clips=1, seconds=0.2, size=64), metrics="psnr", cache=tmp_path / "cache")
    return tmp_path / "cache"


def test_a_cache_is_shown_and_pruned(used: Path) -> None:
    assert cache("info", used).stdout.startswith("measurements of clips: 1, ")
    assert cache("prune", used, "--max-size", "1GB").stdout == "removed 0 files, 0.0 MB\n"
    assert cache("prune", used, "--max-size", "0").stdout.startswith("removed 1 files, ")
    assert cache("info", used).stdout.startswith("measurements of clips: 0, ")


def test_what_does_not_fit_is_named(used: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "give --older-than DAYS or --max-size SIZE" in cache("prune", used).stderr
    assert "is no size; give a number of bytes" in cache("prune", used, "--max-size", "much").stderr
    for command in (("info", tmp_path), ("prune", tmp_path, "--older-than", "1")):
        refused = cache(*command)
        assert refused.exit_code == 2
        assert str(tmp_path) in refused.stderr

    def fail(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied", "clip.zip")

    monkeypatch.setattr("thm_torchmetrics.scoring.cache_folder.prune", fail)
    refused = cache("prune", used, "--max-size", "0")
    assert "clip.zip cannot be removed: Permission denied" in refused.stderr
