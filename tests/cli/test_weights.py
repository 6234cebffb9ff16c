"""Checkpoints on the command line."""

import importlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from parity import seeded
from weights.server import Server, make_entry

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
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=1, seconds=0.4, size=128)


@pytest.fixture(scope="module")
def inception(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inception") / "mine.pth"
    torch.save(seeded.seeded_state("inception_fid"), path)
    return path


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


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


def put(path: Path, body: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def test_verify_names_a_missing_checkpoint_once() -> None:
    shown = thm("weights", "verify", "syncnet").stdout
    assert shown.startswith("the checkpoint 'syncnet' is missing: syncnet_v2.model (54,573,114 bytes")
    assert shown.count("is missing") == shown.count("'syncnet'") == 1


def test_files_that_no_hash_verifies_are_called_custom_and_corrupt_ones_have_a_reason(tmp_path: Path) -> None:
    put(tmp_path / "weights/arcface-r50/ms1mv3_arcface_r50_fp16.pth", b"mine")
    put(tmp_path / "weights/emonet_8.pth", b"<html>")
    shown = thm("weights", "list").stdout
    assert re.search(r"arcface-r50 +ms1mv3_arcface_r50_fp16\.pth +\? +custom +seeded .* 1 *\n", shown)
    assert re.search(r"emonet8 +emonet_8\.pth +\? +corrupt ", shown)
    assert (
        f"emonet8 is corrupt: {tmp_path}/weights/emonet_8.pth is not the checkpoint 'emonet8': it is an HTML" in shown
    )
    for number, folder in enumerate((*weights.places(), *weights.other_caches()), 1):
        assert f"  {number}  {folder}\n" in shown
    assert thm("weights", "verify", "arcface-r50").stdout.startswith("arcface-r50: custom ")


@pytest.mark.parametrize("columns", [80, 160])
def test_list_breaks_no_name(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    out = subprocess.run([sys.executable, "-m", "thm_torchmetrics", "weights", "list"], capture_output=True, check=True)
    lines = out.stdout.decode().splitlines()
    table = [line.rstrip() for line in lines[: lines.index("Places:")]]
    assert max(map(len, table)) <= columns
    words = {word for line in table for word in line.split()}
    for name, entry in weights.registry().items():
        assert {name, entry.file} <= words


def test_list_as_json_has_the_facts_of_the_registry(tmp_path: Path) -> None:
    path = put(tmp_path / "weights/deep3d-2023/epoch_20.pth", b"mine")
    facts = json.loads(thm("weights", "list", "--format", "json").stdout)
    assert list(facts) == list(weights.registry())
    for name, entry in weights.registry().items():
        told = facts[name]
        for field in ("file", "size", "sha256", "license", "commercial", "verified_with", "page"):
            assert told[field] == getattr(entry, field)
        assert told["urls"] == list(entry.addresses)
    assert (facts["deep3d-2023"]["state"], facts["deep3d-2023"]["path"]) == ("custom", str(path))
    assert (facts["alexnet"]["state"], facts["alexnet"]["path"]) == ("missing", None)
    assert facts["lpips-alex"]["state"] == "available"
    assert facts["vgg16"]["metrics"] == ["lpips:vgg"]
    assert {"csim", "lmd"} <= set(facts["fan2d"]["metrics"])
    assert "csim:vico" not in facts["fan2d"]["metrics"]  # it takes the whole frame
    assert "csim:vico" in facts["arcface-r100"]["metrics"]
    assert (
        facts["arcface-r50"] | {"metrics": [], "extractors": [{"kind": "identity", "name": "arcface-r50"}]}
        == (facts["arcface-r50"])
    )


def test_every_checkpoint_has_a_use() -> None:
    unused = {name for name, entry in weights.registry().items() if not entry.used_by}
    # the one comes with dlib's other two, the other is read under a protocol of AUE
    assert unused == {"dlib-5", "openface-au-static"}


def test_fetch_without_names_says_what_it_would_fetch_and_fetches_nothing(tmp_path: Path) -> None:
    result = thm("weights", "fetch")
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    absent = [entry for entry in weights.registry().values() if entry.fetchable]
    known = sum(entry.size or 0 for entry in absent) / 1e6
    assert f"give --all to fetch all that are missing: {len(absent)} files, {known:,.0f} MB" in said
    assert "no commercial use of arcface-r100, arcface-r100-glint360k, buffalo_l, emonet8, emonet5" in said
    assert not (tmp_path / "weights").exists()
    assert thm("weights", "fetch", "--all").exit_code == 3
    assert thm("weights", "fetch", "--all", "syncnet").exit_code == 2


NEEDS = {
    "psnr": [],
    "lpips:vgg": ["vgg16", "lpips-vgg"],
    "csim": ["fan2d", "fan-s3fd", "arcface-r100"],
    "csim:vico": ["arcface-r100"],
    "fid,lpips": ["inception-fid", "alexnet", "lpips-alex"],
    "lse-d": ["syncnet", "s3fd"],
    "lse-d:wav2lip-lrs": ["syncnet"],
    "lse-d-seq": ["syncnet", "s3fd"],
    "aed": ["fan2d", "fan-s3fd", "deep3d"],
}
"""What the originals load for each, face detectors included."""


@pytest.mark.parametrize("metrics", NEEDS)
def test_fetch_asks_for_what_the_metrics_need(metrics: str) -> None:
    result = thm("weights", "fetch", "--metrics", metrics)
    asked = [line.partition(": license: ")[0] for line in result.stderr.splitlines() if ": license: " in line]
    assert [name for name in asked if not name.startswith(" ")] == NEEDS[metrics]
    missing = [name for name in NEEDS[metrics] if not name.startswith("lpips-")]
    assert result.exit_code == (3 if missing else 0)
    if len(missing) > 1:
        assert f"the checkpoints {', '.join(missing)} are missing" in result.stderr
        assert result.stderr.count("Looked for in") == 1


def test_fetch_takes_suites_and_other_networks() -> None:
    def listed(*arguments: str) -> list[str]:
        return [line.split()[1] for line in thm("weights", "fetch", "--urls", *arguments).stdout.splitlines()]

    fan = ["2DFAN4-11f355bf06.pth.tar", "s3fd-619a316812.pth"]
    assert listed("--metrics", "lmd") == fan
    assert listed("--metrics", "lmd", "--extractor", "lmd=dlib") == []
    assert listed("--metrics", "lmd:vico", "--extractor", "lmd=dlib", "syncnet") == ["syncnet_v2.model"]
    assert listed("--metrics", "lmd", "--metrics", "aed") == [*fan, "deep3d/epoch_20.pth"]
    assert listed("--suite", "wav2lip") == ["syncnet_v2.model", "pt_inception-2015-12-05-6726825d.pth"]
    known = weights.registry().values()
    assert len(listed()) == sum(entry.fetchable and bool(entry.sha256) and not entry.terms for entry in known)


def test_urls_are_lines_for_wget_and_sha256sum(tmp_path: Path) -> None:
    result = thm("weights", "fetch", "--urls", "syncnet", "deep3d", "arcface-r50", "lpips-alex")
    assert result.exit_code == 0
    assert [line.split("  ") for line in result.stdout.splitlines()] == [
        [entry.urls[0], file, entry.sha256]
        for entry, file in (
            (weights.registry()["syncnet"], "syncnet_v2.model"),
            (weights.registry()["deep3d"], "deep3d/epoch_20.pth"),
        )
    ]
    assert "arcface-r50 is left out, as no SHA256 of it is known; download it by hand: https://" in result.stderr
    assert not (tmp_path / "weights").exists()


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_the_lines_of_the_help_check_what_was_fetched(tmp_path: Path) -> None:
    shown = thm("weights", "fetch", "--help").stdout
    (check,) = re.findall(r"awk .*sha256sum -c", shown)
    (tmp_path / "urls.txt").write_text(thm("weights", "fetch", "--urls", "lpips-alex", "emonet8").stdout)
    put(tmp_path / "emonet_8.pth", b"not it")
    done = subprocess.run(["bash", "-c", check], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "emonet_8.pth: FAILED\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--metrics", ""], "an empty one"),
        (["--metrics", "psnr,,"], "an empty one"),
        (["--metrics", "psnrr"], "psnr"),
        (["--suite", "thmm"], "thm"),
        (["--extractor", "lmd=dlib"], "name the metric by --metrics or --suite"),
        (["--metrics", "psnr", "--extractor", "lmd=dlib"], "'lmd' is none of psnr"),
        (["--metrics", "lmd", "--extractor", "lmd=dlibb"], "'dlib'"),
    ],
)
def test_wrong_usage_of_fetch(arguments: list[str], said: str) -> None:
    result = thm("weights", "fetch", *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_fetch_downloads_what_is_not_here_and_says_where_it_is(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THM_OFFLINE", "0")
    monkeypatch.setenv("NO_PROXY", "*")
    entries = {
        "here": make_entry("here", b"here"),
        "absent": make_entry("absent", b"absent", server.put("absent.pth", b"absent")),
        "gone": make_entry("gone", b"gone", server.url("gone.pth")),
    }
    module = importlib.import_module("thm_torchmetrics.weights.registry")
    monkeypatch.setattr(module, "_entries", lambda: entries)
    put(tmp_path / "weights/here.pth", b"here")
    result = thm("weights", "fetch", "here", "absent", "gone")
    assert result.exit_code == 3
    assert result.stdout.splitlines() == [f"{name}: {tmp_path}/weights/{name}.pth" for name in ("here", "absent")]
    assert "fetching absent, <1 MB" in result.stderr
    assert "the checkpoint 'gone' could not be downloaded: gone.pth (4 bytes, SHA256 " in result.stderr
    assert f"HTTP 404 from {server.url('gone.pth')}" in result.stderr
    server.put("gone.pth", b"gone")
    again = thm("weights", "fetch", "--all")
    assert again.exit_code == 0
    assert "fetching gone, <1 MB" in again.stderr
    assert [request.path for request in server.requests] == ["absent.pth", "gone.pth", "gone.pth"]


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
        (["--weights", "inception=x"], "inception-fid"),
        (["--weights", "inception-fid"], "KEY=VALUE"),
        (["--extractor", "fid=dlib"], "inception"),
        (["--extractor", "akd=dlib"], "none of"),
    ],
)
def test_wrong_usage(sample: Path, arguments: list[str], message: str) -> None:
    result = thm("score", sample, "--metrics", "fid", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
