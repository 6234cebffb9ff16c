"""``thm doctor``: what is installed, what is searched, and which metric runs here."""

import json
import os
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from thm_torchmetrics import catalog, weights
from thm_torchmetrics.cli import main
from thm_torchmetrics.media.container import library_versions


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders without any checkpoint."""
    for variable in ("HOME", "XDG_CACHE_HOME", "THM_WEIGHTS_DIR", "TORCH_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "THM_WEIGHTS_DIR"


def doctor(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["doctor", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def facts() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(doctor("--format", "json"))
    return found


def test_versions_are_those_of_the_packages() -> None:
    found = facts()
    assert found["packages"]["torch"] == metadata.version("torch")
    assert found["ffmpeg"] == library_versions()
    assert "face-alignment" not in str(found)  # no metric uses it
    text = doctor()
    assert f"thm-torchmetrics  {metadata.version('thm-torchmetrics')}" in text
    for name, version in found["packages"].items():
        assert [name, version] in [line.split() for line in text.splitlines()]


def test_folders_and_variables_are_shown(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THM_OFFLINE", "1")
    found = facts()
    assert found["folders"]["downloads"] == str(nowhere)
    assert set(map(str, weights.places())) <= set(found["folders"]["searched"])
    assert str(nowhere.parent / "TORCH_HOME/hub/checkpoints") in found["folders"]["searched"]
    assert found["settings"]["THM_WEIGHTS_DIR"] == str(nowhere)
    assert found["settings"]["THM_OFFLINE"] is True
    assert found["settings"]["THM_COMMERCIAL"] is False
    assert str(nowhere) in doctor()


def test_every_metric_is_told_of(nowhere: Path) -> None:
    found = facts()["metrics"]
    assert list(found) == list(catalog.CATALOG)
    for key, here in found.items():
        assert (here["runs"] == "yes") == (here["lacks"] == ""), key
    assert found["psnr"]["runs"] == "yes"
    assert "alexnet" in found["lpips"]["lacks"]
    assert found["lmd"]["instead"] == "--extractor lmd=dlib"


def test_what_is_missing_is_what_a_run_names(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THM_OFFLINE", "1")
    assert facts()["metrics"]["lse-d"]["runs"] == "no"
    lacks = facts()["metrics"]["lse-d"]["lacks"]
    assert {part.split()[0] for part in lacks.split(", ")} == {"syncnet", "s3fd"}


def test_a_checkpoint_that_is_there_is_not_missing(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = facts()["metrics"]["lpips"]
    assert (before["runs"], before["lacks"].split()[0]) == ("after a download", "alexnet")
    nowhere.mkdir()
    (nowhere / weights.registry()["alexnet"].file).write_bytes(b"a file with the published hash, say")
    assert facts()["metrics"]["lpips"]["lacks"] == "alexnet corrupt"
    assert facts()["metrics"]["lpips"]["runs"] == "no"
    monkeypatch.setattr(weights.WeightEntry, "matches", lambda self, digest: True)
    assert facts()["metrics"]["lpips"] == {"runs": "yes", "lacks": "", "instead": ""}


def test_a_license_that_excludes_the_use_is_told(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THM_COMMERCIAL", "1")
    excluded = {name for name, entry in weights.registry().items() if entry.commercial is False}
    for key, here in facts()["metrics"].items():
        if "license" in here["lacks"]:
            assert excluded & set(here["lacks"].partition(":")[0].split(", ")), key
    assert "license excludes commercial use" in facts()["metrics"]["csim"]["lacks"]


def test_it_prints_where_torch_cannot_be_imported() -> None:
    code = "import sys; sys.modules['torch'] = None; from thm_torchmetrics.cli import main; main(['doctor'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "PyTorch cannot be imported" in done.stdout
    assert "thm-torchmetrics" in done.stdout


def test_names_are_whole_on_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    line = [sys.executable, "-m", "thm_torchmetrics", "doctor"]
    text = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    assert max(map(len, text[text.index("Runs here") :].splitlines())) <= 80
    assert set(catalog.CATALOG) <= set(text.split())


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    version = metadata.version

    def absent(name: str) -> str:
        if name == "dlib-bin":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr("thm_torchmetrics.cli.machine.metadata.version", absent)
    assert "pip install 'thm-torchmetrics[dlib]'" in doctor()
    assert "dlib" not in facts()["metrics"]["lmd"]["instead"]


def test_every_extra_of_a_user_is_told() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].keys() - {"all", "docs", "test"}
    assert facts()["extras"].keys() == extras


def test_a_metric_of_given_features_runs() -> None:
    assert facts()["metrics"]["silent-lip"] == {"runs": "yes", "lacks": "", "instead": ""}


def test_a_machine_without_cuda_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.version.cuda", "12.8")
    assert "nvidia-smi" in facts()["devices"]["cuda"]
    monkeypatch.setattr("torch.version.cuda", None)
    assert "built without CUDA" in facts()["devices"]["cuda"]


def test_openface_is_found_or_named_with_the_ways_to_give_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("THM_OPENFACE", raising=False)
    told = facts()["openface"]
    assert told["program"].startswith("none: OpenFace is not found")
    assert "--openface" in told["program"]
    assert told["docker"].startswith("none: docker is not on PATH")
    for name in ("FeatureExtraction", "docker"):
        (tmp_path / name).touch(0o755)
    assert facts()["openface"] == {name: str(tmp_path / file) for name, file in PROGRAMS.items()}
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setenv("THM_OPENFACE", str(tmp_path))
    assert facts()["openface"]["program"] == str(tmp_path / "FeatureExtraction")


PROGRAMS = {"program": "FeatureExtraction", "docker": "docker"}


def test_a_checkpoint_that_is_here_stands_with_its_license(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = weights.registry()
    nowhere.mkdir()
    (nowhere / known["emonet8"].file).write_bytes(b"a file with the published hash, say")
    told = doctor()
    assert "thm weights fetch --metrics KEY" in told
    assert "emonet8: `thm weights verify` says why" in told
    monkeypatch.setattr(weights.WeightEntry, "matches", lambda self, digest: True)
    found = facts()["checkpoints"]
    assert found.keys() == known.keys()
    here = found["emonet8"]
    assert (here["state"], here["place"]) == ("available", str(nowhere / known["emonet8"].file))
    lines = [line.split(maxsplit=1) for line in doctor().splitlines()]
    assert ["emonet8", f"{known['emonet8'].license}; no commercial use"] in lines


def test_a_machine_that_downloads_nothing_is_given_the_addresses(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THM_OFFLINE", "1")
    told = doctor()
    assert "thm weights fetch --urls --metrics KEY" in told
    assert "a run downloads" not in told


def test_terms_that_must_be_accepted_are_told_with_the_command(nowhere: Path) -> None:
    first, *others = [name for name, entry in weights.registry().items() if entry.terms]
    assert f"thm weights fetch --accept-license {' '.join([first, *others])}" in doctor()
    weights.accept_license(first)
    assert f"thm weights fetch --accept-license {' '.join(others)}" in doctor()


def test_a_folder_that_takes_no_download_is_told(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert facts()["folders"]["fault"] == ""  # it is not there, and can be made
    monkeypatch.setattr("thm_torchmetrics.cli.machine.writing_fault", lambda folder: "Read-only file system")
    assert "(cannot be written: Read-only file system; set THM_WEIGHTS_DIR to a folder that can)" in doctor()
