"""The collection: its members, what they share, what it costs, what it says."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
import torch
from click.testing import CliRunner
from ddp.process_group import ProcessGroup
from metrics.cases import CASES
from parity.seeded import seeded_state
from torch import Tensor

from thm_torchmetrics import (
    BlurDetectionProbability,
    IdentitySimilarity,
    LandmarkDistance,
    PeakSignalNoiseRatio,
    StructuralSimilarity,
    TalkingHeadMetrics,
)
from thm_torchmetrics.catalog import CATALOG, SUITES, find_choice
from thm_torchmetrics.cli import main
from thm_torchmetrics.collection import checkpoints_of
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media import open_clip
from thm_torchmetrics.media.openface import read_action_units
from thm_torchmetrics.media.video import VideoFile

mpl.use("Agg")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=2, seconds=0.4, size=128)


@pytest.fixture(scope="module")
def r18(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "r18.pth"
    torch.save(seeded_state("iresnet18"), path)
    return path


def frames(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (2, 4, 3, 72, 80), dtype=torch.uint8, generator=generator)


def test_values_are_those_of_thm_score(sample: Path) -> None:
    metrics = TalkingHeadMetrics(["psnr", "ssim", "cpbd", "aue-u"])
    for name in sorted(path.stem for path in (sample / "pred_video").iterdir()):
        preds, target = (open_clip(sample / f"{side}_video/{name}.mp4") for side in ("pred", "gt"))
        units = {
            f"{side}_au": torch.from_numpy(read_action_units(sample / f"{folder}_au_csv/{name}.csv"))
            for side, folder in (("preds", "pred"), ("target", "gt"))
        }
        metrics.update(preds, target, **units)
    done = CliRunner().invoke(main, ["score", str(sample), "--metrics", ",".join(metrics), "--format", "json"])
    scored = json.loads(done.stdout)["metrics"]
    for name, value in metrics.compute().items():
        assert value.item() == pytest.approx(scored[name]["value"], rel=1e-9), name


@pytest.mark.parametrize("call", ["update", "forward", "add_clip"])
def test_a_video_is_decoded_once_for_all_members(sample: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    opened: list[Path] = []
    read = VideoFile.frames
    monkeypatch.setattr(VideoFile, "frames", lambda self: (opened.append(self.path), read(self))[1])
    paths = [next((sample / f"{side}_video").iterdir()) for side in ("pred", "gt")]
    names = ["psnr", "ssim", "ssim:skimage"]
    metrics = TalkingHeadMetrics(names)
    calls: dict[str, Callable[..., Any]] = {
        "update": metrics.update, "forward": metrics, "add_clip": lambda *clips: metrics.add_clip(names, *clips)
    }  # fmt: skip
    calls[call](*(open_clip(path) for path in paths))
    assert sorted(opened) == sorted(paths)


def test_members_of_equal_class_and_options_share_a_state() -> None:
    metrics = TalkingHeadMetrics(["aue-u", "psnr", "aue-l", "aue", "ssim"])
    assert sorted(metrics.compute_groups.values()) == [["aue-u", "aue-l", "aue"], ["psnr"], ["ssim"]]
    case = CASES["aue"]
    for clip in case.clips:
        metrics.update(frames(0), frames(1), **clip)
    assert metrics.compute()["aue"].item() == pytest.approx(case.reference(case.clips))
    assert metrics["aue-l"].update_count == len(case.clips)
    assert metrics.members()["aue-u"].sums is metrics.members()["aue"].sums


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (True, [["aue", "aue-l", "aue-u"], ["psnr"]]),
        (False, [["aue"], ["aue-l"], ["aue-u"], ["psnr"]]),
        ([["aue", "aue-u"], ["aue-l"], ["psnr"]], [["aue", "aue-u"], ["aue-l"], ["psnr"]]),
    ],
    ids=["shared", "not shared", "as listed"],
)
def test_states_are_shared_as_asked_and_values_do_not_depend_on_it(groups: Any, expected: list[list[str]]) -> None:
    metrics = TalkingHeadMetrics(["psnr", "aue", "aue-l", "aue-u"], compute_groups=groups)
    assert sorted(sorted(group) for group in metrics.compute_groups.values()) == expected
    for clip in CASES["aue"].clips[1:3]:
        metrics.update(frames(0), frames(1), **clip)
        metrics(frames(1), frames(2), **clip)
    assert sorted(sorted(group) for group in metrics.compute_groups.values()) == expected
    states = {id(member.sums) for member in metrics.members().values()}
    assert len(states) == len(expected)
    clips = [clip for clip in CASES["aue"].clips[1:3] for _ in range(2)]
    for key in ("aue", "aue-l", "aue-u"):
        assert metrics.compute()[key].item() == pytest.approx(CASES[key].reference(clips), rel=1e-9)
    psnr = PeakSignalNoiseRatio()
    psnr.update([*frames(0), *frames(1)], [*frames(1), *frames(2)])
    assert metrics.compute()["psnr"].item() == pytest.approx(psnr.compute().item(), rel=1e-12)


def test_members_that_are_added_later_start_afresh_and_share() -> None:
    metrics = TalkingHeadMetrics(["aue"])
    metrics.add_metrics(["aue-l"], average="frame")
    metrics.add_metrics({"psnr": PeakSignalNoiseRatio()})
    assert sorted(metrics.compute_groups.values()) == [["aue", "aue-l"], ["psnr"]]
    metrics.update(frames(0), frames(1), **CASES["aue"].clips[1])
    assert set(metrics.compute()) == {"aue", "aue-l", "psnr"}


@pytest.mark.filterwarnings("ignore:.* is NaN")
def test_reset_forgets_the_shared_state_of_all() -> None:
    metrics = TalkingHeadMetrics(["aue", "aue-u"])
    for _ in range(2):
        metrics.update(**CASES["aue"].clips[1])
        assert metrics.compute()["aue-u"].item() == pytest.approx(CASES["aue-u"].reference(CASES["aue"].clips[1:2]))
        metrics.reset()
        assert all(value.isnan() for value in metrics.compute().values())


def test_every_metric_together_is_small() -> None:
    metrics = {
        name.replace(".", "_"): case.make() for name, case in CASES.items() if find_choice(case.key).row.key != "fid"
    }
    assert len({find_choice(case.key).row.key for case in CASES.values()}) == len(CATALOG)
    small = {name: metric for name, metric in metrics.items() if metric.sums.numel() < 5000}
    assert len(pickle.dumps(TalkingHeadMetrics(small))) < 3_000 * len(small)


def test_every_suite_names_metrics_that_exist() -> None:
    for members in SUITES.values():
        assert [find_choice(text).name for text in members] == list(members)


def test_names_have_prefix_and_postfix_and_copies_their_own() -> None:
    metrics = TalkingHeadMetrics(["psnr"], prefix="val/", postfix="_x", average={"psnr": "clip"})
    metrics.add_metrics(["ssim:skimage"])
    values = metrics(frames(0), frames(1))
    assert list(values) == ["val/psnr_x", "val/ssim:skimage_x"]
    assert metrics.members()["psnr"].average == "clip"
    copied = metrics.clone(prefix="test/")
    assert list(copied.compute()) == ["test/psnr_x", "test/ssim:skimage_x"]
    metrics.to(torch.bfloat16)
    assert metrics.compute()["val/psnr_x"].dtype == torch.float64
    named = TalkingHeadMetrics({"sharp": BlurDetectionProbability(), "psnr": PeakSignalNoiseRatio()})
    assert set(named(frames(0), frames(1))) == {"sharp", "psnr"}


def test_an_option_by_metric_goes_to_that_metric_alone() -> None:
    metrics = TalkingHeadMetrics(["psnr", "ssim", "ssim:skimage"], average={"psnr": "clip", "ssim:skimage": "clip"})
    assert {name: member.average for name, member in metrics.members().items()} == {
        "psnr": "clip", "ssim": "frame", "ssim:skimage": "clip",
    }  # fmt: skip


def test_wrong_use_is_named() -> None:
    with pytest.raises(InputError, match="no metric of this collection takes `preds_au`"):
        TalkingHeadMetrics(["psnr"]).update(frames(0), frames(1), preds_au=torch.zeros(4, 17))
    with pytest.raises(InputError, match="option points"):
        TalkingHeadMetrics(["psnr"], points="mouth")
    with pytest.raises(InputError, match="already"):
        TalkingHeadMetrics(["psnr"]).add_metrics(["psnr"])
    with pytest.raises(InputError, match="twice"):
        TalkingHeadMetrics(["psnr", PeakSignalNoiseRatio(average="clip")])
    with pytest.raises(InputError, match="did you mean 'psnr'"):
        TalkingHeadMetrics(["pnsr"])
    with pytest.raises(InputError, match="unknown suite 'vicco', did you mean 'vico'"):
        TalkingHeadMetrics("vicco")
    with pytest.raises(InputError, match="do not go with a dict"):
        TalkingHeadMetrics({"psnr": PeakSignalNoiseRatio()}, average="clip")
    with pytest.raises(InputError, match="by position, got 3 values"):
        TalkingHeadMetrics(["psnr"]).update(frames(0), frames(1), frames(2))


def described(metrics: TalkingHeadMetrics) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in metrics.describe().splitlines())


def test_describe_says_what_will_run() -> None:
    lines = described(TalkingHeadMetrics(["psnr", "lmd", "aue"], extractor={"lmd": "dlib"}))
    assert lines["psnr"] == "PeakSignalNoiseRatio, protocol piq, needs preds and target"
    assert "extractor dlib, checkpoint dlib-68 available" in lines["lmd"]
    assert "needs preds_au and target_au" in lines["aue"]
    given = described(TalkingHeadMetrics({"given": IdentitySimilarity(extractor=None)}))
    assert given["given"] == "IdentitySimilarity, protocol aligned, needs preds and target, features given"


def test_describe_names_the_checkpoints_in_use_and_no_others(r18: Path) -> None:
    """It named those of a copy in the catalog: the custom file and dlib were ignored, three were "missing"."""
    metrics = TalkingHeadMetrics(["csim"], extractor="arcface-r18", landmarks="dlib", weights={"arcface-r18": r18})
    line = described(metrics)["csim"]
    assert line.endswith(f"extractor arcface-r18, checkpoint arcface-r18 custom {r18}, checkpoint dlib-68 available")
    assert "missing" not in line
    assert [held.name for held in checkpoints_of(metrics.members()["csim"])] == ["arcface-r18", "dlib-68"]
    whole = TalkingHeadMetrics(["csim:vico"], extractor="arcface-r18", weights=r18)
    assert described(whole)["csim:vico"].endswith(f"checkpoint arcface-r18 custom {r18}")


def test_describe_names_the_face_detector_of_the_protocols_that_have_one(sync_weights: dict[str, Path]) -> None:
    lines = described(TalkingHeadMetrics(["lse-d", "lse-d:wav2lip-lrs"], weights=sync_weights))
    assert "checkpoint syncnet custom" in lines["lse-d"]
    assert "checkpoint s3fd custom" in lines["lse-d"]
    assert "s3fd" not in lines["lse-d:wav2lip-lrs"]


def test_describe_names_a_custom_network_by_its_class() -> None:
    module = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten())
    line = described(TalkingHeadMetrics({"mine": IdentitySimilarity(extractor=module)}))["mine"]
    assert line.endswith("needs preds and target, extractor Sequential")


def test_plot_shows_the_metric_s_name_and_values() -> None:
    metric = PeakSignalNoiseRatio()
    values = [metric(frames(seed), frames(seed + 1)) for seed in range(3)]
    figure, axes = metric.plot(values)
    assert figure is axes.figure
    assert axes.get_ylabel() == "psnr:piq [dB]"
    assert repr(metric) == "PeakSignalNoiseRatio()"
    assert repr(StructuralSimilarity(protocol="skimage")) == "StructuralSimilarity(protocol='skimage')"
    assert LandmarkDistance(extractor=None).plot(val=torch.tensor(1.0))[1].get_ylabel() == "lmd:instag [px]"
    assert axes.get_ylim()[0] <= min(value.item() for value in values)


def test_scores_of_one_clip_are_those_of_each_member_alone(sample: Path) -> None:
    preds, target = (open_clip(next((sample / f"{side}_video").iterdir())) for side in ("pred", "gt"))
    metrics = TalkingHeadMetrics(["psnr", "ssim", "cpbd"])
    scores = metrics.add_clip(["psnr", "ssim"], preds, target)
    assert set(scores) == {"psnr", "ssim"}
    for name, member in (("psnr", PeakSignalNoiseRatio()), ("ssim", StructuralSimilarity())):
        member.update(preds, target)
        assert scores[name].value == pytest.approx(member.compute().item(), rel=1e-12)
    assert not metrics["cpbd"].update_called


@pytest.mark.parametrize("name", ["psnr", "aue-l"])
def test_a_metric_from_another_process_stands_beside_an_equal_one(processes: ProcessGroup, name: str) -> None:
    """Both share a state, whose name must not depend on the process in which a metric was made."""
    case = CASES[name]
    answers = processes.run("metrics.ddp_workers:compute_beside_a_new_one", name, case.make(sync_on_compute=False))
    expected = case.reference(case.clips)
    for answer in answers:
        assert answer == pytest.approx([expected, expected], rel=1e-5)
