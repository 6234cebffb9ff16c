"""Checkpoints on the command line."""

import json
import re
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from parity import seeded

from thm_torchmetrics import weights
from thm_torchmetrics.cli import main
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.extractors import release


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No checkpoint of this machine, no network, and no environment that outlives the test."""
    release()
    monkeypatch.setenv("THM_OFFLINE", "1")
    monkeypatch.setenv("THM_COMMERCIAL", "0")
    monkeypatch.setenv("THM_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=1, seconds=0.4, size=128)


@pytest.fixture(scope="module")
def inception(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inception") / "mine.pth"
    torch.save(seeded.seeded_state("inception_fid"), path)
    return path


def thm(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_list_shows_every_checkpoint_with_its_terms() -> None:
    shown = thm("weights", "list").stdout
    for name in weights.registry():
        assert name in shown
    assert "missing" in shown
    assert "CC BY-NC-ND 4.0" in shown
    assert re.search(r"lpips-alex +alex\.pth +<1 +available +published +yes +BSD-2-Clause", shown)
    assert re.search(r"emonet8 +emonet_8\.pth +\? +missing +seeded +no +CC BY-NC-ND", shown)


def test_verify_and_path_tell_what_is_there(tmp_path: Path) -> None:
    found = thm("weights", "verify", "dlib-68")
    assert found.exit_code == 0
    assert "dlib-68: available" in found.stdout
    assert thm("weights", "path", "dlib-68").stdout.strip().endswith("shape_predictor_68_face_landmarks.dat")
    assert thm("weights", "path").stdout.strip() == str(tmp_path / "weights")
    assert thm("weights", "verify").exit_code == 0
    assert thm("weights", "verify", "alexnet").exit_code == 3
    assert thm("weights", "path", "alexnet").exit_code == 1
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/alexnet-owt-7be5be79.pth").write_text("<html>not here</html>")
    corrupt = thm("weights", "verify", "alexnet")
    assert corrupt.exit_code == 3
    assert "corrupt" in corrupt.stdout
    assert "HTML" in corrupt.stdout


def test_fetch_offline_says_so() -> None:
    result = thm("weights", "fetch", "alexnet")
    assert result.exit_code == 3
    assert "THM_OFFLINE" in result.stderr
    assert thm("weights", "fetch", "alexnett").exit_code == 2


def test_an_own_file_is_used_and_marked(sample: Path, inception: Path) -> None:
    result = thm("score", sample, "--metrics", "fid", "--weights", f"inception-fid={inception}", "--format", "json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["provenance"]["weights"]["inception-fid"]["custom"] is True
    assert report["provenance"]["weights"]["inception-fid"]["file"] == "mine.pth"
    assert report["metrics"]["fid"]["value"] > 0
    assert report["metrics"]["fid"]["extractor"] == "inception"
    assert report["metrics"]["fid"]["detail"] == {"frames_preds": 10, "frames_target": 10}
    assert report["clips"][0]["metrics"] == {}
    assert "biased upwards" in result.stderr


def test_absent_checkpoints_skip_their_metrics_only(sample: Path) -> None:
    result = thm("score", sample, "--metrics", "psnr,lpips", "--offline", "--format", "json")
    assert result.exit_code == 3
    report = json.loads(result.stdout)
    assert "thm weights fetch alexnet" in report["skipped"]["lpips"]
    assert report["metrics"]["psnr"]["value"] > 0


def test_commercial_use_refuses_what_the_license_excludes(sample: Path) -> None:
    asked = ("score", sample, "--metrics", "psnr,akd", "--extractor", "akd=dlib", "--format", "json")
    free = thm(*asked)
    assert free.exit_code == 0
    assert free.stderr.count("dlib-68: ") == 1  # the license, once
    refused = thm(*asked, "--commercial")
    assert refused.exit_code == 3
    assert "commercial" in json.loads(refused.stdout)["skipped"]["akd"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--weights", "inception=x"], "none of"),
        (["--weights", "inception-fid"], "KEY=VALUE"),
        (["--extractor", "fid=dlib"], "inception"),
        (["--extractor", "akd=dlib"], "none of"),
    ],
)
def test_wrong_usage(sample: Path, arguments: list[str], message: str) -> None:
    result = thm("score", sample, "--metrics", "fid", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
