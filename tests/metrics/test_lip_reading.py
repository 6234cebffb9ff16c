"""Lip reading: texts in Python and from files, and features."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from thm_torchmetrics import CharacterErrorRate, LipScore, TalkingHeadMetrics, VisualSynchronization, WordErrorRate
from thm_torchmetrics.cli import main
from thm_torchmetrics.errors import InputError, MediaError, MismatchError
from thm_torchmetrics.media.feature_files import read_features


def test_edits_and_words_are_summed_over_clips() -> None:
    metric = WordErrorRate()
    metric.update("a b c d", "a b c d")
    metric.update(["x"], ["y"])
    assert float(metric.compute()) == pytest.approx(1 / 5)
    by_clip = WordErrorRate(average="clip")
    by_clip.update(["a b c d", "x"], ["a b c d", "y"])
    assert by_clip.compute() == 0.5
    assert by_clip.coverage == 1


def test_an_empty_transcript_lacks_all_words_and_an_empty_target_is_counted() -> None:
    metric = WordErrorRate()
    metric.update(["", "a"], ["a b", ""])
    assert metric.compute() == 1
    assert metric.coverage == 0.5
    alone = CharacterErrorRate()
    with pytest.warns(UserWarning, match="the target has no characters in 1 clips"):
        assert alone("a", " ").isnan()


def test_what_is_no_text_is_an_error() -> None:
    metric = WordErrorRate()
    with pytest.raises(InputError, match="code points"):
        metric.update(torch.tensor([1e7]), "a")
    with pytest.raises(InputError, match="`target`"):
        metric.update("a")
    with pytest.raises(MismatchError, match="2 clips and target 1"):
        metric.update(["a", "b"], ["a"])
    assert not metric.sums.any()


def test_a_column_of_a_table_is_no_list() -> None:
    for column in (np.array(["bin blue"]), {"a": "bin blue"}):
        with pytest.raises(InputError, match=r"preds must be a text, a list of texts, .*; pass list\(preds\)"):
            WordErrorRate().update(column, ["bin blue"])  # type: ignore[arg-type]


def test_a_collection_measures_both_rates_of_one_text() -> None:
    metrics = TalkingHeadMetrics(["wer", "cer"])
    values = metrics(["place red"], ["place bed"])
    assert {name: round(float(value), 4) for name, value in values.items()} == {"wer": 0.5, "cer": 0.1111}


def test_a_frame_without_features_is_not_scored() -> None:
    rows = torch.tensor([[3.0, 4.0], [0.0, 0.0], [torch.nan, 1.0]])
    for metric in (LipScore(), VisualSynchronization()):
        assert float(metric(rows, rows + 1)) == pytest.approx(32 / 5 / 41**0.5)
        assert metric.coverage == pytest.approx(1 / 3)


def test_the_command_reads_text_files(tmp_path: Path) -> None:
    for side, texts in {"preds": ("bin blue\n", "set red"), "target": ("bin blue", "set bed now\n")}.items():
        (tmp_path / side).mkdir()
        for name, text in zip("ab", texts, strict=True):
            (tmp_path / side / f"{name}.txt").write_text(text, encoding="utf-8")
    words = ["score", "--metrics", "wer,cer", "-o", str(tmp_path / "out.json")]
    for key in ("wer", "cer"):
        for side in ("preds", "target"):
            words += [f"--{side}-features", f"{key}={tmp_path / side}"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "out.json").read_text())["metrics"]
    assert found["wer"]["value"] == pytest.approx(2 / 5)
    assert found["cer"]["value"] == pytest.approx(5 / 19)


def test_text_is_no_row_of_other_features(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("é b".encode())
    np.testing.assert_array_equal(read_features(tmp_path / "a.txt", ()), [233, 32, 98])
    with pytest.raises(MediaError, match="is text, and features"):
        read_features(tmp_path / "a.txt", (68, 2))
    (tmp_path / "b.txt").write_bytes(b"\xff\xfa\xfb")
    with pytest.raises(MediaError, match="not UTF-8"):
        read_features(tmp_path / "b.txt", ())
