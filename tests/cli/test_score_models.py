"""`thm score --preds NAME=DIR ...`: several models by one command."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from parity.seeded import seeded_state

from thm_torchmetrics.cli import main
from thm_torchmetrics.demo.sample import make_sample


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample with a second model, the real videos themselves, of which one clip is absent."""
    folder = make_sample(tmp_path_factory.mktemp("sample"), clips=3, seconds=0.2, size=64)
    shutil.copytree(folder / "gt_video", folder / "perfect")
    (folder / "perfect" / "portrait_03.mp4").unlink()
    return folder


def thm(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["score", *map(str, arguments)], prog_name="thm")


def two(sample: Path, *arguments: object) -> Result:
    models = ("--preds", f"ours={sample / 'pred_video'}", "--preds", sample / "perfect")
    return thm("--target", sample / "gt_video", *models, "--metrics", "ssim,cpbd", *arguments)


def test_one_command_scores_two_models_as_two_commands_do(sample: Path, tmp_path: Path) -> None:
    run = two(sample, "-o", tmp_path / "all.json", "--quiet")
    assert run.exit_code == 3, run.output  # one model lacks a clip
    plain = json.loads((tmp_path / "all.json").read_text())
    for name, folder in (("ours", "pred_video"), ("perfect", "perfect")):
        alone = tmp_path / f"{name}.json"
        thm("--target", sample / "gt_video", "--preds", sample / folder, "--metrics", "ssim,cpbd", "-o", alone)
        expected = json.loads(alone.read_text())
        assert plain["models"][name]["metrics"] == expected["metrics"]
        assert plain["models"][name]["clips"] == expected["clips"]
        assert plain["models"][name]["provenance"]["arguments"]["preds"] == str(sample / folder)


def test_models_are_compared_on_the_clips_that_all_have(sample: Path) -> None:
    run = two(sample, "--format", "json")
    comparison = json.loads(run.stdout)["comparison"]
    assert comparison["left_out"] == ["ssim, cpbd of perfect: no finite value of 1 clip (portrait_03)"]
    assert {cell["clips"] for cell in comparison["metrics"]["ssim"].values()} == {2}
    assert comparison["metrics"]["ssim"]["perfect"]["value"] == pytest.approx(1)
    assert "not compared: ssim, cpbd of perfect: no finite value of 1 clip (portrait_03)" in two(sample).stdout


def test_a_gate_holds_for_each_model(sample: Path) -> None:
    run = two(sample, "--fail-under", "ssim=0.999")
    assert run.exit_code == 1
    assert "ours: ssim 0." in run.stderr
    assert "perfect: ssim" not in run.stderr


def test_a_model_that_fails_does_not_lose_the_others(sample: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    shutil.copy(sample / "perfect" / "portrait_01.mp4", tmp_path / "other" / "unknown.mp4")
    run = two(sample, "--preds", f"broken={tmp_path / 'other'}")
    assert run.exit_code == 3
    assert "perfect" in run.stdout


def test_one_named_model_is_a_table_of_one(sample: Path) -> None:
    run = thm(sample, "--preds", f"mine={sample / 'gt_video'}", "--metrics", "ssim", "--format", "wide-csv")
    assert run.exit_code == 0, run.output
    assert run.stdout.startswith("model,ssim\nmine,")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--preds", "absent"), "--preds absent: absent does not exist"),
        (("--pairs", "pairs.csv"), "--pairs is of one model"),
        (("-o", "run.toml"), "no report of several models has the suffix '.toml'"),
        (("--format", "toml"), "--format toml is of one model"),
        (("--every", "0"), "0 is not in the range"),
        (("--min-track", "5"), "--min-track"),
    ],
)
def test_wrong_usage_is_an_error_before_any_work(sample: Path, arguments: tuple[str, ...], told: str) -> None:
    run = two(sample, *arguments)
    assert run.exit_code == 2
    assert told in " ".join(run.stderr.split())
    assert "model ours" not in run.stderr


def test_torchrun_is_refused_before_any_work(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its variables: the second process said of each model that it had failed, after all of them were scored."""
    for name, value in {"TORCHELASTIC_RUN_ID": "7", "WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    run = two(sample)
    assert run.exit_code == 2
    said = " ".join(run.stderr.split())
    assert "torchrun starts processes for one model; score each model apart, and use `thm compare`" in said
    assert "model ours" not in run.stderr


def test_two_models_of_one_name_are_an_error(sample: Path) -> None:
    run = two(sample, "--preds", f"ours={sample / 'perfect'}")
    assert run.exit_code == 2
    assert "there is a model 'ours' already" in " ".join(run.stderr.split())


def test_the_methods_of_one_model_are_printed(sample: Path) -> None:
    run = thm(sample, "--metrics", "ssim", "--methods")
    assert run.stdout.startswith("We score generated videos on 3 clips. The generated videos are h264 64x64 25 fps.")
    assert "wang2004ssim" in run.stdout


def test_a_format_of_several_models_needs_several(sample: Path) -> None:
    run = thm(sample, "--metrics", "ssim", "--format", "wide-csv")
    assert run.exit_code == 2
    assert "--format wide-csv is of several models" in run.stderr


def test_metrics_that_no_model_can_have_are_told_with_the_reason(sample: Path, tmp_path: Path) -> None:
    """A suite whose networks are absent printed nothing, and then broke."""
    models = ("--preds", f"ours={sample / 'pred_video'}", "--preds", f"real={sample / 'gt_video'}")
    given = ("--target", sample / "gt_video", *models, "--suite", "wav2lip", "--offline", "--quiet")
    run = thm(*given, "-o", tmp_path / "all.json")
    assert run.exit_code == 4, run.output
    assert "not compared: fid: the checkpoint 'inception-fid' is missing" in " ".join(run.stdout.split())
    told = thm(*given, "--methods").stdout
    assert "Not measured: fid, lse-c" in told
    assert "Every frame that could have a value has one" not in told


@pytest.mark.slow
def test_a_metric_over_all_frames_has_an_interval(tmp_path: Path) -> None:
    folder = make_sample(tmp_path / "sample", clips=8, seconds=0.12, size=64)
    torch.save(seeded_state("inception_fid"), tmp_path / "made_up.pth")
    models = ("--preds", f"ours={folder / 'pred_video'}", "--preds", f"real={folder / 'gt_video'}")
    run = thm(
        "--target", folder / "gt_video", *models, "--metrics", "fid", "--every", 3, "--weights",
        f"inception-fid={tmp_path / 'made_up.pth'}", "--save-statistics", tmp_path / "kept",
        "-o", tmp_path / "all.json",
    )  # fmt: skip
    assert run.exit_code == 0, run.output
    plain = json.loads((tmp_path / "all.json").read_text())
    cell = plain["comparison"]["metrics"]["fid"]["ours"]
    assert cell["interval"]["low"] < cell["value"] < cell["interval"]["high"]
    assert plain["comparison"]["differences"][0]["p"] is not None
    assert "shard" not in plain["models"]["ours"]["provenance"]
    assert list((tmp_path / "kept").glob("*.safetensors"))


def test_a_gate_of_another_metric_is_wrong_usage_before_any_model(sample: Path) -> None:
    run = two(sample, "--fail-under", "fid=10")
    assert run.exit_code == 2
    assert "Error: --fail-under fid=10: 'fid' is none of ssim, cpbd" in run.stderr
    assert "model ours" not in run.stderr
