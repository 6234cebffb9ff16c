"""Ready-made features on the command line."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.words import words
from click.testing import CliRunner, Result
from scipy.linalg import sqrtm

from thm_torchmetrics.cli import main
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.errors import MediaError
from thm_torchmetrics.media.feature_files import read_features

WIDTH = 5
ROWS = {"a": 30, "sub/b": 21, "c": 40}


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Features of three clips, with one row without a face."""
    rng = np.random.default_rng(4)
    for side, shift in (("preds", 0.5), ("target", 0.0)):
        for name, rows in ROWS.items():
            path = tmp_path / side / f"{name}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            array = rng.standard_normal((rows, WIDTH)) * (1 + shift) + shift
            array[3] = np.nan
            np.save(path, array)
    return {side: tmp_path / side for side in ("preds", "target")}


def thm(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def score(folders: dict[str, Path], *arguments: object) -> tuple[int, dict[str, Any]]:
    given = [f"--{side}-features=fid={path}" for side, path in folders.items()]
    result = thm("score", *given, "--format", "json", *arguments)
    return result.exit_code, json.loads(result.stdout)


def frechet(folders: dict[str, Path], names: list[str]) -> float:
    stacks = [np.concatenate([np.load(folders[side] / f"{name}.npy") for name in names]) for side in folders]
    rows = [stack[~np.isnan(stack).any(axis=1)] for stack in stacks]
    (mean, cov), (other_mean, other_cov) = ((side.mean(axis=0), np.cov(side.T)) for side in rows)
    return float(((mean - other_mean) ** 2).sum() + np.trace(cov + other_cov - 2 * np.real(sqrtm(cov @ other_cov))))


def test_fid_of_features(folders: dict[str, Path]) -> None:
    status, result = score(folders, "--metrics", "fid")
    fid = result["metrics"]["fid"]
    assert status == 0
    assert fid["value"] == pytest.approx(frechet(folders, list(ROWS)), rel=1e-9)
    assert fid["extractor"] is None
    assert fid["frames"] == 2 * (sum(ROWS.values()) - len(ROWS))
    assert fid["coverage"] == pytest.approx(1 - 3 / sum(ROWS.values()))
    assert [clip["clip"] for clip in result["clips"]] == sorted(ROWS)
    assert result["provenance"]["inputs"]["features of fid"] == {side: str(path) for side, path in folders.items()}


def test_single_files(folders: dict[str, Path]) -> None:
    files = {side: folder / "a.npy" for side, folder in folders.items()}
    files["preds"] = files["preds"].rename(folders["preds"] / "other.npy")
    status, result = score(files, "--metrics", "fid")
    shutil.copy(files["preds"], folders["preds"] / "a.npy")
    assert status == 0
    assert result["metrics"]["fid"]["value"] == pytest.approx(frechet(folders, ["a"]), rel=1e-9)


def test_beside_metrics_on_videos(folders: dict[str, Path], tmp_path: Path) -> None:
    data = make_sample(tmp_path / "data", clips=1, seconds=0.2, size=64)
    status, result = score(folders, data, "--metrics", "psnr,fid")
    assert status == 3  # the clips of the features have no video, that of the videos no features
    alone = thm("score", data, "--metrics", "psnr", "--format", "json")
    assert result["metrics"]["psnr"]["value"] == json.loads(alone.stdout)["metrics"]["psnr"]["value"]
    assert result["metrics"]["fid"]["value"] == pytest.approx(frechet(folders, list(ROWS)), rel=1e-9)
    errors = {clip["clip"]: clip["error"] for clip in result["clips"]}
    assert "psnr: no file for preds and target" in errors["a"]
    assert "fid: no file for features of preds and features of target" in errors["portrait_01"]


def test_another_shape_fails_the_clip_and_names_the_file(folders: dict[str, Path]) -> None:
    np.save(folders["preds"] / "c.npy", np.zeros((4, WIDTH + 1)))
    status, result = score(folders, "--metrics", "fid")
    assert status == 3
    assert [clip["status"] for clip in result["clips"]] == ["ok", "failed", "ok"]
    error = result["clips"][1]["error"]
    assert "c.npy" in error
    assert "(T, 5)" in error
    assert "(4, 6)" in error
    assert result["metrics"]["fid"]["value"] == pytest.approx(frechet(folders, ["a", "sub/b"]), rel=1e-9)


def test_a_clip_without_its_counterpart_fails(tmp_path: Path) -> None:
    rows = np.random.default_rng(1).standard_normal((3, 6, 8))
    for side, names in (("preds", "ab"), ("target", "bc")):
        (tmp_path / side).mkdir()
        for name in names:
            np.save(tmp_path / side / f"{name}.npy", rows["abc".index(name)] + (side == "preds"))
    options = [f"--{side}-features=csim={tmp_path / side}" for side in ("preds", "target")]
    result = thm("score", *options, "--metrics", "csim", "--format", "json")
    scored = json.loads(result.stdout)
    a, b = rows[1] + 1, rows[1]
    cosines = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert result.exit_code == 3
    assert [clip["status"] for clip in scored["clips"]] == ["failed", "ok", "failed"]
    assert scored["clips"][0]["error"] == "csim: no file for features of target"
    assert scored["clips"][2]["error"] == "csim: no file for features of preds"
    assert scored["metrics"]["csim"]["value"] == pytest.approx(cosines.mean(), rel=1e-9)


def test_metrics_of_one_state_count_a_clip_once(tmp_path: Path) -> None:
    rows = np.random.default_rng(1).uniform(-1, 1, (2, 9, 2))
    for name, own in zip(("preds", "target", "other"), (*rows, rows[0] / 2), strict=True):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "a.npy", own)

    def run(first: str, second: str) -> Result:
        folders = {"v-rmse": first, "a-rmse": second}
        options = [f"--preds-features={key}={tmp_path / name}" for key, name in folders.items()]
        options += [f"--target-features={key}={tmp_path / 'target'}" for key in folders]
        return thm("score", *options, "--metrics", "v-rmse,a-rmse", "--format", "json")

    metrics = json.loads(run("preds", "preds").stdout)["metrics"]
    errors = np.sqrt(((rows[0] - rows[1]) ** 2).mean(axis=0))
    assert metrics["v-rmse"]["value"] == pytest.approx(errors[0], rel=1e-9)
    assert metrics["a-rmse"]["value"] == pytest.approx(errors[1], rel=1e-9)
    assert (metrics["v-rmse"]["frames"], metrics["a-rmse"]["frames"]) == (9, 9)
    refused = run("preds", "other")
    assert refused.exit_code == 2
    assert "share one computation" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--metrics", "psnr", "--preds-features", "psnr=x"], "psnr cannot be given features"),
        (["--metrics", "aue", "--preds-features", "aue=x"], "aue cannot be given features"),
        (["--metrics", "lpips", "--target-features", "lpips=x"], "lpips cannot be given features"),
        (["--metrics", "fid", "--preds-features", "fid=x"], "--target-features fid=DIR"),
        (["--metrics", "fid", "--preds-features", "lmd=x"], "'lmd' is none of fid"),
        (["--metrics", "fid", "--preds-features", "fid=x", "--target-features", "fid=x"], "x: there is no such folder"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str) -> None:
    result = thm("score", *arguments)
    assert result.exit_code == 2
    assert message in words(result.stderr)


def test_files_that_are_read(tmp_path: Path) -> None:
    rows = np.arange(6, dtype=np.int64).reshape(3, 2)
    np.savez(tmp_path / "one.npz", anything=rows)
    np.savez_compressed(tmp_path / "several.npz", coefficients=rows.astype(np.float32), fps=25.0)
    assert read_features(tmp_path / "one.npz").dtype == np.float64
    assert read_features(tmp_path / "several.npz", (2,)).dtype == np.float32
    for name in ("one", "several"):
        assert (read_features(tmp_path / f"{name}.npz", (None,)) == rows).all()


def test_files_that_are_not(tmp_path: Path) -> None:
    np.save(tmp_path / "text.npy", np.array([["a"]]))
    np.save(tmp_path / "pickle.npy", np.array([[None]]), allow_pickle=True)
    np.save(tmp_path / "vector.npy", np.zeros(3))
    np.save(tmp_path / "empty.npy", np.zeros((0, 3)))
    np.savez(tmp_path / "two.npz", x=np.zeros((2, 2)), y=np.zeros((2, 2)))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "two.npz").read_bytes()[:200])
    (tmp_path / "noise.npy").write_bytes(b"not an array")
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(MediaError, match=path.name):
            read_features(path)
    with pytest.raises(MediaError, match="no such file"):
        read_features(tmp_path / "absent.npy")


def test_a_metric_of_given_features_alone_says_so_and_is_scored_by_them(tmp_path: Path) -> None:
    for side, row in (("preds", [3.0, 4.0]), ("target", [4.0, 3.0])):
        (tmp_path / side).mkdir()
        np.save(tmp_path / side / "a.npy", np.array([row]))
    folders = [f"--{side}-features=bsd={tmp_path / side}" for side in ("preds", "target")]
    scored = CliRunner().invoke(main, ["score", "--metrics", "bsd", *folders, "--format", "json"])
    assert json.loads(scored.stdout)["metrics"]["bsd"]["value"] == pytest.approx(0.96)
    sample = tmp_path / "data"
    make_sample(sample)
    skipped = CliRunner().invoke(main, ["score", str(sample), "--metrics", "psnr,bsd", "--format", "json"])
    assert "takes given features only: give --preds-features bsd=DIR" in json.loads(skipped.stdout)["skipped"]["bsd"]
    assert skipped.exit_code == 3


def test_a_protocol_of_given_features_alone_says_so_and_takes_rows_of_its_length(tmp_path: Path) -> None:
    for side, shift in (("preds", 0.5), ("target", 0.0)):
        (tmp_path / side).mkdir()
        np.save(tmp_path / side / "a.npy", np.full((9, 6), shift))
    sides = [(side, key) for side in ("preds", "target") for key in ("e-fid", "p-fid")]
    folders = [f"--{side}-features={key}={tmp_path / side}" for side, key in sides]
    asked = "e-fid:features,p-fid,e-fid:hallo"
    scored = CliRunner().invoke(main, ["score", "--metrics", asked, *folders, "--format", "json"])
    report = json.loads(scored.stdout)
    for name in ("e-fid:features", "p-fid"):
        assert report["metrics"][name]["value"] == pytest.approx(6 * 0.25)
        assert any("no provenance tells what made them" in line for line in report["provenance"]["deviations"][name])
    assert report["metrics"]["e-fid:hallo"]["value"] is None
    assert "79" in report["clips"][0]["error"]
    sample = tmp_path / "data"
    make_sample(sample)
    skipped = CliRunner().invoke(main, ["score", str(sample), "--metrics", "psnr,e-fid:hallo", "--format", "json"])
    assert "takes given features only: give --preds-feat" in json.loads(skipped.stdout)["skipped"]["e-fid:hallo"]
