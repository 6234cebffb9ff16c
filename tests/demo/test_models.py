"""The three made-up models of the demo differ from the truth by what they are named after."""

import functools
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import thm_torchmetrics
from thm_torchmetrics.cli import main
from thm_torchmetrics.demo import models as made_up, sample as demo
from thm_torchmetrics.demo.models import LATE, make_models
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.media.openface import read_action_unit_table
from thm_torchmetrics.media.video import VideoFile

SMALL = {"clips": 1, "seconds": 0.4, "size": 64}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Path]]]:
    folder = make_sample(tmp_path_factory.mktemp("demo"), **SMALL)
    return folder, make_models(folder, **SMALL)


def frames(path: Path) -> np.ndarray:
    return np.stack([frame for frame, _ in VideoFile(path / "portrait_01.mp4").frames()]).astype(float)


def test_each_model_has_the_clips_of_the_sample(data: tuple[Path, dict[str, dict[str, Path]]]) -> None:
    folder, models = data
    assert list(models) == ["made-up: blurred", "made-up: late", "made-up: noisy"]
    for places in models.values():
        assert frames(places["preds"]).shape == frames(folder / "gt_video").shape
        table = read_action_unit_table(places["preds_au"] / "portrait_01.csv")
        assert len(table.rows) == 10


def test_their_errors_are_those_of_their_names(data: tuple[Path, dict[str, dict[str, Path]]]) -> None:
    folder, models = data
    real = frames(folder / "gt_video")
    blurred, late, noisy = (frames(places["preds"]) for places in models.values())
    gradient = {name: np.abs(np.diff(each, axis=2)).mean() for name, each in
                {"real": real, "blurred": blurred, "late": late, "noisy": noisy}.items()}  # fmt: skip
    assert gradient["blurred"] < 0.8 * gradient["real"] < gradient["late"]
    assert gradient["noisy"] > 1.05 * gradient["real"]
    mouth = [read_action_unit_table(places / "portrait_01.csv").rows[:, -2] for places in
             (folder / "gt_au_csv", models["made-up: late"]["preds_au"])]  # fmt: skip
    shifted = np.abs(mouth[1][LATE:] - mouth[0][:-LATE]).mean()  # AU26 moves with the jaw
    assert shifted < 0.3 < np.abs(mouth[1] - mouth[0]).mean()


@pytest.mark.slow
def test_the_demo_writes_one_page_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "make_sample", functools.partial(make_sample, **SMALL))
    monkeypatch.setattr(made_up, "make_models", functools.partial(make_models, **SMALL))
    page = tmp_path / "demo.html"
    done = CliRunner().invoke(main, ["demo", "--folder", str(tmp_path / "sample"), "--report", str(page)])
    assert done.exit_code == 0, done.output
    text = page.read_text(encoding="utf-8")
    assert "3 models compared" in text
    for told in ("made-up: blurred", "made-up: late", "made-up: noisy", "are made up", "every 2nd frame only"):
        assert told in text
    assert text.count("data:image/webp;base64,") >= 6
    assert thm_torchmetrics.__version__ in text
