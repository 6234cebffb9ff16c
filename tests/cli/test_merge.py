"""``thm score --shard`` and ``thm merge``."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from thm_torchmetrics.cli import main
from thm_torchmetrics.demo.sample import make_sample


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=3, seconds=0.2, size=64)


def thm(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def parts(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("parts")
    for index in (1, 2):
        done = thm("score", sample, "--metrics", "psnr,ssim", "--shard", f"{index}/2", "-o", folder / f"{index}.json")
        assert done.exit_code == 0, done.output
    return sorted(folder.glob("*.json"))


def test_the_sums_lie_beside_the_reports(parts: list[Path]) -> None:
    assert [path.name for path in sorted(parts[0].parent.iterdir())] == ["1.json", "1.sums.zip", "2.json", "2.sums.zip"]


def test_every_format_is_written_as_of_one_run(sample: Path, parts: list[Path], tmp_path: Path) -> None:
    outputs = [part for name in ("json", "csv", "md", "tex", "toml") for part in ("-o", tmp_path / f"merged.{name}")]
    merged = thm("merge", *parts, *outputs)
    whole = thm("score", sample, "--metrics", "psnr,ssim", "-o", tmp_path / "whole.json", "-o", tmp_path / "whole.csv")
    assert merged.exit_code == whole.exit_code == 0
    assert merged.stdout == whole.stdout
    assert (tmp_path / "merged.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    first, second = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("merged", "whole"))
    assert first["metrics"] == second["metrics"]
    assert first["clips"] == second["clips"]
    assert {path.suffix for path in tmp_path.glob("merged.*")} == {".json", ".csv", ".md", ".tex", ".toml"}


def test_gates_hold_for_the_merged_values(parts: list[Path], tmp_path: Path) -> None:
    passed = thm("merge", *parts, "--fail-under", "psnr=1", "--format", "json")
    assert passed.exit_code == 0
    failed = thm("merge", *parts, "--fail-under", "psnr=90", "-o", tmp_path / "merged.json")
    assert failed.exit_code == 1
    assert "is below 90" in failed.stderr
    assert json.loads((tmp_path / "merged.json").read_text())["provenance"]["gates"][0]["passed"] is False


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--fail-under", "ssim:skimage=1"], "is none of psnr, ssim"),
        (["-o", "no-such-folder/x.json"], "there is no folder"),
        (["-o", "x.pdf"], "no report has the suffix"),
    ],
)
def test_wrong_options_of_merge_are_usage_errors(parts: list[Path], given: list[str], said: str) -> None:
    result = thm("merge", *parts, *given)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_a_missing_shard_is_a_usage_error(parts: list[Path]) -> None:
    result = thm("merge", parts[0])
    assert result.exit_code == 2
    assert "of 2 shards 2 is missing" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--shard", "1/2"], "--shard needs -o PART.json"),
        (["--shard", "1/2", "-o", "part.csv"], "--shard needs -o PART.json"),
        (["--shard", "3/2", "-o", "part.json"], "--shard 3/2: a shard is I/N"),
    ],
)
def test_wrong_shards_are_usage_errors(sample: Path, given: list[str], said: str) -> None:
    result = thm("score", sample, "--metrics", "psnr", *given)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_no_report_replaces_a_part(parts: list[Path]) -> None:
    before = parts[0].read_bytes()
    run = thm("merge", *parts, "-o", parts[0])
    assert run.exit_code == 2
    assert "1.json would replace a file that is read; give another name" in run.stderr
    assert parts[0].read_bytes() == before


def test_what_toml_cannot_hold_is_told_before_the_others_are_written(parts: list[Path], tmp_path: Path) -> None:
    named = tmp_path / "1.json"
    plain = json.loads(parts[0].read_text())
    plain["provenance"]["arguments"]["preds"] = "caf\udce9"
    named.write_text(json.dumps(plain))
    (tmp_path / "1.sums.zip").write_bytes(parts[0].with_name("1.sums.zip").read_bytes())
    run = thm("merge", named, parts[1], "-o", tmp_path / "all.toml", "-o", tmp_path / "all.json")
    assert run.exit_code == 2
    assert "a TOML file cannot hold the name" in run.stderr
    assert not (tmp_path / "all.json").exists()
