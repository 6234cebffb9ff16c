"""Accuracy of emotion: where labels come from, clips without one, and what the command does."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

from thm_torchmetrics import EmotionAccuracy
from thm_torchmetrics.cli import main
from thm_torchmetrics.core.clip import FeatureClip
from thm_torchmetrics.errors import InputError, MismatchError


def logits(*classes: int, count: int = 8) -> Tensor:
    """One row per class, which has the highest logit."""
    return torch.eye(count, dtype=torch.float64)[list(classes)] * 5


def test_names_numbers_and_tensors_are_one_label() -> None:
    for label in ("Happy", "happiness", 1, "1", torch.tensor([1]), torch.tensor(1.0), np.int64(1)):
        assert EmotionAccuracy(extractor=None)(logits(1, 1, 2), labels=[label]) == 1
    for label in ("Surprised", "surprise", 6):
        metric = EmotionAccuracy(protocol="logits")
        assert metric(logits(6), labels=label) == 1
        assert metric.detail() == {"not_scored": {}, "classes": {"surprised": {"value": 1.0, "clips": 1}}}


def test_the_mean_of_probabilities_decides_and_not_the_number_of_frames() -> None:
    rows = torch.tensor([[0.0, 0.1], [0.0, 0.1], [9.0, 0.0]])
    made = {name: EmotionAccuracy(extractor=None, classes="calm,glad", average=name) for name in ("clip", "frame")}
    assert made["clip"](rows, labels="calm") == 1
    assert float(made["frame"](rows, labels="calm")) == pytest.approx(1 / 3)


def test_a_clip_without_a_label_is_counted() -> None:
    metric = EmotionAccuracy(extractor=None)
    metric.update([logits(1), logits(2)], labels=torch.tensor([1.0, torch.nan]))
    assert metric.compute() == 1
    assert metric.coverage == 0.5
    detail = metric.detail()
    assert detail is not None
    assert detail["not_scored"] == {"no label": 1}


@pytest.mark.parametrize("labels", [["nope"], [8], [-1], [1.5], [torch.tensor([1, 2])], [[torch.tensor(1)]]])
def test_a_label_that_is_no_class_is_an_error_that_names_it(labels: list[object]) -> None:
    metric = EmotionAccuracy(extractor=None)
    with pytest.raises(InputError, match="labels must be"):
        metric.update(logits(1), labels=labels)
    assert not metric.sums.any()


def test_an_array_of_labels_is_told_what_to_do() -> None:
    with pytest.raises(InputError, match=r"got array\(\[1\]\); pass torch\.from_numpy\(labels\)"):
        EmotionAccuracy(extractor=None).update(logits(1), labels=np.array([1]))  # type: ignore[arg-type]


def test_labels_and_clips_are_equally_many() -> None:
    with pytest.raises(MismatchError, match="2 clips and labels 1"):
        EmotionAccuracy(extractor=None).update([logits(1), logits(1)], labels=[1])


def test_a_pattern_takes_the_label_from_the_name() -> None:
    metric = EmotionAccuracy(extractor=None, labels=r"_front_([a-z]+)_")
    for name in ("M003_front_angry_1", "M003_front_fear_2", "M003_side", "M003_front_bored_1"):
        metric.measure(FeatureClip(logits(6), key=name))
    assert metric.compute() == 0.5
    detail = metric.detail()
    assert detail is not None
    assert detail["not_scored"] == {"no label": 2}
    run = metric.start(FeatureClip(logits(6), key="M003_front_bored_1"))
    run.add(*(next(FeatureClip(logits(6)).chunks()), None))
    run.finish()
    assert run.why.startswith("the name 'M003_front_bored_1' holds 'bored'; the classes are neutral, ")


@pytest.mark.parametrize(
    ("text", "words"),
    [("clip,label\na,bored\n", "'a' has the label 'bored'"), ("clip,label\na,sad\na,fear\n", "two labels"),
     ("name,label\na,sad\n", "lacks the columns clip")],
)  # fmt: skip
def test_a_table_that_cannot_be_read_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        EmotionAccuracy(extractor=None, labels=str(tmp_path / "labels.csv"))


def test_a_changed_table_is_another_metric(tmp_path: Path) -> None:
    """Caches know a metric by the content of its options."""
    path = tmp_path / "labels.csv"
    found = []
    for label in ("sad", "fear"):
        path.write_text(f"clip,label\na,{label}\n")
        found.append(EmotionAccuracy(extractor=None, labels=str(path)).content)
    assert found[0] != found[1]


def test_options_that_do_not_fit_are_errors() -> None:
    with pytest.raises(InputError, match="no regular expression"):
        EmotionAccuracy(extractor=None, labels="(")
    with pytest.raises(InputError, match="reads given logits"):
        EmotionAccuracy(protocol="logits", extractor=nn.Identity())
    with pytest.raises(InputError, match="different names"):
        EmotionAccuracy(extractor=None, classes="a,a")
    with pytest.raises(InputError, match="logits per frame, and there are 8 classes"):
        EmotionAccuracy(extractor=nn.Flatten()).update(torch.zeros(2, 3, 8, 8, dtype=torch.uint8), labels=1)


def test_the_command_scores_given_logits_by_a_table(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    for name, rows in {"a": logits(0, 0), "b": logits(3), "c": logits(2)}.items():
        np.save(tmp_path / "rows" / f"{name}.npy", rows.numpy())
    (tmp_path / "labels.csv").write_text("clip,label\na,happy\nb,angry\n")
    words = [
        "score",
        "--metrics",
        "emotion-accuracy:logits",
        "--preds-features",
        f"emotion-accuracy={tmp_path / 'rows'}",
    ]
    lacking = CliRunner().invoke(main, words)
    assert "give --option emotion-accuracy.labels=FILE.csv" in lacking.output
    table = ["--option", f"emotion-accuracy.labels={tmp_path / 'labels.csv'}", "-o", str(tmp_path / "out.json")]
    CliRunner().invoke(main, [*words, *table])
    result = json.loads((tmp_path / "out.json").read_text())
    (found,) = result["metrics"].values()
    assert found["value"] == 0.5
    assert found["detail"]["not_scored"] == {"no label": 1}
    assert found["detail"]["classes"] == {"happy": {"value": 1.0, "clips": 1}, "angry": {"value": 0.0, "clips": 1}}
