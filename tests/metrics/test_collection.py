"""The collection: what it is made of, what it costs, what it says."""

import json
import pickle
from pathlib import Path

import matplotlib as mpl
import pytest
import torch
from click.testing import CliRunner
from metrics.cases import CASES
from torch import Tensor

from thm_torchmetrics import BlurDetectionProbability, PeakSignalNoiseRatio, TalkingHeadMetrics
from thm_torchmetrics.catalog import CATALOG, SUITES, choose
from thm_torchmetrics.cli import main
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media import open_clip
from thm_torchmetrics.media.openface import read_action_units
from thm_torchmetrics.media.video import VideoFile

mpl.use("Agg")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=2, seconds=0.4, size=128)


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


def test_a_video_is_decoded_once_for_all_members(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    read = VideoFile.frames
    monkeypatch.setattr(VideoFile, "frames", lambda self: (opened.append(self.path), read(self))[1])
    paths = [next((sample / f"{side}_video").iterdir()) for side in ("pred", "gt")]
    TalkingHeadMetrics(["psnr", "ssim", "cpbd"]).update(*(open_clip(path) for path in paths))
    assert sorted(opened) == sorted(paths)


def test_members_that_share_an_update_share_a_state() -> None:
    metrics = TalkingHeadMetrics(["aue-u", "psnr", "aue-l", "aue", "ssim"])
    assert sorted(metrics.compute_groups.values()) == [["aue-u", "aue-l", "aue"], ["psnr"], ["ssim"]]
    case = CASES["aue"]
    for clip in case.clips:
        metrics.update(frames(0), frames(1), **clip)
    assert metrics.compute()["aue"].item() == pytest.approx(case.reference(case.clips))
    assert metrics["aue-l"].update_count == len(case.clips)


def test_every_metric_together_is_small() -> None:
    metrics = {name.replace(".", "_"): case.make() for name, case in CASES.items() if choose(case.key).row.key != "fid"}
    assert len({choose(case.key).row.key for case in CASES.values()}) == len(CATALOG)
    small = {name: metric for name, metric in metrics.items() if metric.sums.numel() < 5000}
    assert len(pickle.dumps(TalkingHeadMetrics(small))) < 100_000


def test_every_suite_names_metrics_that_exist() -> None:
    for name in ("thm", "talkinggaussian", "wav2lip", "vico", "fomm", "styleheat", "all"):
        assert [choose(text).text for text in SUITES[name]] == list(SUITES[name])


def test_names_prefixes_and_further_members() -> None:
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


def test_wrong_use_is_named() -> None:
    with pytest.raises(InputError, match="no metric of this collection takes `preds_au`"):
        TalkingHeadMetrics(["psnr"]).update(frames(0), frames(1), preds_au=torch.zeros(4, 17))
    with pytest.raises(InputError, match="option points"):
        TalkingHeadMetrics(["psnr"], points="mouth")
    with pytest.raises(InputError, match="already"):
        TalkingHeadMetrics(["psnr"]).add_metrics(["psnr"])
    with pytest.raises(InputError, match="did you mean 'psnr'"):
        TalkingHeadMetrics(["pnsr"])


def test_describe_says_what_will_run() -> None:
    text = TalkingHeadMetrics(["psnr", "lmd", "aue"], extractor={"lmd": "dlib"}).describe()
    lines = dict(line.split(": ", 1) for line in text.splitlines())
    assert lines["psnr"] == "PeakSignalNoiseRatio, protocol piq, needs preds and target"
    assert "extractor dlib, checkpoint dlib-68 available" in lines["lmd"]
    assert "needs preds_au and target_au" in lines["aue"]


def test_plot() -> None:
    metric = PeakSignalNoiseRatio()
    values = [metric(frames(seed), frames(seed + 1)) for seed in range(3)]
    figure, axes = metric.plot(values)
    assert figure is axes.figure
    assert "PeakSignalNoiseRatio" in axes.get_title() + axes.get_ylabel() + axes.get_xlabel()
    assert axes.get_ylim()[0] <= min(value.item() for value in values)
