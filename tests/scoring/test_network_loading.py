"""Networks are loaded before the first clip; one that cannot be loaded costs its metrics alone, and is read once."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from parity.seeded import seeded_state

from thm_torchmetrics import weights
from thm_torchmetrics.catalog import CATALOG
from thm_torchmetrics.cli import main
from thm_torchmetrics.collection import metric_class
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.extractors import network as pool, release
from thm_torchmetrics.extractors.network import PooledNetwork
from thm_torchmetrics.scoring.plan import make_metrics
from thm_torchmetrics.scoring.run import DatasetRun
from thm_torchmetrics.weights import Checkpoints

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    release()
    yield
    release()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=2, seconds=0.2, size=64)


@pytest.fixture(scope="module")
def r18(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("weights") / "r18.pth"
    torch.save(dict(seeded_state("iresnet18")), file)
    return file


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The checkpoints that are read, in order."""
    seen: list[str] = []
    load = weights.load

    def counted(name: str, *args: Any, **kwargs: Any) -> Any:
        seen.append(name)
        return load(name, *args, **kwargs)

    monkeypatch.setattr(weights, "load", counted)
    return seen


def score(data: Path, *arguments: object) -> tuple[int, dict[str, Any]]:
    asked = ["score", data, "--format", "json", "--quiet", *arguments]
    result = CliRunner().invoke(main, [str(argument) for argument in asked])
    assert result.stdout, result.output
    return result.exit_code, json.loads(result.stdout)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


def other_network(file: Path) -> None:
    torch.save({"fc.weight": torch.zeros(3, 3)}, file)


def text(file: Path) -> None:
    file.write_text("<!doctype html><title>Not found</title>", encoding="utf-8")


@pytest.mark.parametrize("damage", [cut, other_network, text])
def test_a_bad_checkpoint_is_read_once_and_costs_its_own_metrics(
    sample: Path, r18: Path, tmp_path: Path, reads: list[str], damage: Callable[[Path], None]
) -> None:
    """PSNR had no value either, and the file was read for every clip."""
    bad = tmp_path / "bad.pth"
    bad.write_bytes(r18.read_bytes())
    damage(bad)
    metrics = "psnr,csim:vico,aed-id:aligned,csim:aligned"
    extractors = (
        "--extractor",
        "csim=arcface-r18",
        "--extractor",
        "aed-id=arcface-r18",
        "--option",
        "csim.landmarks=dlib",
    )
    code, report = score(
        sample,
        "--metrics",
        metrics,
        *extractors,
        "--option",
        "aed-id.landmarks=dlib",
        "--weights",
        f"arcface-r18={bad}",
    )
    assert code == 3
    assert report["metrics"]["psnr"]["clips"] == 2
    assert set(report["metrics"]) == {"psnr"}
    assert all(clip["error"] is None for clip in report["clips"])
    reasons = report["skipped"]
    assert list(reasons) == ["csim:vico", "aed-id:aligned", "csim:aligned"]
    assert all(reason.endswith("; see csim:vico") for reason in list(reasons.values())[1:])
    assert reads.count("arcface-r18") <= 1  # for two extractors, on the whole frame and on the face


def test_networks_are_there_before_the_first_clip(
    sample: Path, r18: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before: list[list[str]] = []
    measure = DatasetRun.measure

    def measured(self: DatasetRun, *args: Any, **kwargs: Any) -> Any:
        before.append(list(reads))
        return measure(self, *args, **kwargs)

    monkeypatch.setattr(DatasetRun, "measure", measured)
    given = ("--extractor", "csim=arcface-r18", "--weights", f"arcface-r18={r18}")
    code, _ = score(sample, "--metrics", "csim:vico", *given)
    assert code == 0
    assert before[0] == ["arcface-r18"]
    assert reads == ["arcface-r18"]


def test_memory_that_runs_out_costs_the_metrics_of_that_network(
    sample: Path, r18: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: PooledNetwork, device: torch.device) -> NoReturn:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nSee the documentation ...")

    monkeypatch.setattr(PooledNetwork, "network", full)
    given = ("--extractor", "csim=arcface-r18", "--weights", f"arcface-r18={r18}")
    code, report = score(sample, "--metrics", "psnr,csim:vico", *given)
    assert code == 3
    reason = report["skipped"]["csim:vico"]
    assert "the network arcface-r18 cannot be loaded on cpu: OutOfMemoryError: CUDA out of memory" in reason
    assert "\n" not in reason
    assert report["metrics"]["psnr"]["clips"] == 2


def test_every_network_of_a_metric_is_loaded(r18: Path, sync_weights: dict[str, Path]) -> None:
    made = make_metrics(
        ["lse-d", "lse-c:wav2lip-lrs", "csim:vico"],
        {"extractor": {"csim": "arcface-r18"}},
        CPU,
        Checkpoints({**sync_weights, "arcface-r18": r18}),
    )
    assert made.skipped == {}
    assert sorted(place[0] for place in pool._networks) == ["arcface-r18", "s3fd", "syncnet"]


def test_dlib_s_models_are_loaded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    dlib = pytest.importorskip("dlib")
    made = make_metrics(["lmd", "csim"], {"extractor": {"lmd": "dlib", "csim": "dlib"}}, CPU, Checkpoints())
    assert made.skipped == {}
    monkeypatch.setattr(dlib, "shape_predictor", lambda file: pytest.fail("it was not loaded before"))
    monkeypatch.setattr(dlib, "face_recognition_model_v1", lambda file: pytest.fail("it was not loaded before"))
    for metric in made.metrics.members().values():
        metric.update(*[torch.zeros(1, 3, 64, 64, dtype=torch.uint8)] * 2)


def test_a_damaged_model_of_dlib_costs_its_metrics_alone(sample: Path, tmp_path: Path) -> None:
    pytest.importorskip("dlib")
    bad = tmp_path / "bad.dat"
    bad.write_bytes(weights.locate("dlib-68").path.read_bytes()[:100_000])
    given = ("--extractor", "lmd=dlib", "--extractor", "akd=dlib", "--weights", f"dlib-68={bad}")
    code, report = score(sample, "--metrics", "psnr,lmd,akd", *given)
    assert code == 3
    assert "bad.dat cannot be loaded by dlib" in report["skipped"]["lmd"]
    assert "bad.dat" in report["skipped"]["akd"]
    assert report["skipped"]["akd"].endswith("; see lmd")
    assert report["metrics"]["psnr"]["clips"] == 2


@pytest.mark.parametrize(
    "key", [key for key, row in CATALOG.items() if row.extractors and set(row.inputs) == {"preds", "target"}]
)
def test_nothing_is_loaded_for_given_features(key: str, tmp_path: Path, reads: list[str]) -> None:
    shape = metric_class(CATALOG[key]).feature_shape
    if shape is None:
        return
    np.save(tmp_path / "a.npy", np.zeros((4, *(size or 3 for size in shape))))
    folders = {key: {"preds": tmp_path, "target": tmp_path}}
    made = make_metrics([key], {}, CPU, Checkpoints(offline=True), folders)
    assert (list(made.metrics.members()), made.skipped, reads) == ([key], {}, [])
    assert not pool._networks


def test_missing_checkpoints_are_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THM_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = make_metrics(["v-rmse", "a-rmse", "v-ccc", "lmd"], {}, CPU, Checkpoints(offline=True))
    assert not made.metrics.members()
    for name in ("emonet8", "fan2d", "fan-s3fd"):
        assert name in made.skipped["v-rmse"]
    assert made.skipped["a-rmse"] == made.skipped["v-ccc"]
    assert made.skipped["a-rmse"] == "the checkpoints emonet8, fan2d, fan-s3fd are missing; see v-rmse"
    assert not any("\n" in reason for reason in made.skipped.values())
    assert "fan2d" in made.skipped["lmd"]
    assert "fan-s3fd" in made.skipped["lmd"]
