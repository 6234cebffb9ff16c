"""Labels of clips: tables, patterns, and valence and arousal against the values that are wanted of a clip."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn

from thm_torchmetrics import ArousalError, TalkingHeadMetrics, ValenceConcordance, ValenceCorrelation, ValenceError
from thm_torchmetrics.cli import main
from thm_torchmetrics.core.clip import FeatureClip
from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.metrics.clip_labels import Affect, Classes, Names, names_in, read_labels
from thm_torchmetrics.scoring.plan import select_metrics
from thm_torchmetrics.scoring.spelling import in_python

TABLE = "clip,valence,arousal\na,0.5,0\nb,-0.25,1\n"
FOUND = {
    "a": torch.tensor([[0.4, 0.1], [0.6, 0.1], [0.8, 0.3]], dtype=torch.float64),
    "b": torch.tensor([[-0.3, 0.9], [torch.nan, torch.nan]], dtype=torch.float64),
    "c": torch.tensor([[0.9, 0.9]], dtype=torch.float64),
}


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "wanted.csv"
    path.write_text(TABLE)
    return str(path)


class MeanAffect(nn.Module):
    """The brightness of each frame as valence and arousal."""

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return frames.mean(dim=(1, 2, 3))[:, None].expand(-1, 2)


def filled(metric: Any, clips: str = "abc") -> Any:
    for key in clips:
        metric.measure(FeatureClip(FOUND[key], key=key))
    return metric


def test_the_error_is_that_of_every_frame_to_the_wanted_pair(table: str) -> None:
    valence = np.array([0.4 - 0.5, 0.6 - 0.5, 0.8 - 0.5, -0.3 + 0.25])
    arousal = np.array([0.1, 0.1, 0.3, 0.9 - 1])
    for cls, errors in ((ValenceError, valence), (ArousalError, arousal)):
        metric = filled(cls(extractor=None, labels=table))
        assert float(metric.compute()) == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-12)
        assert metric.coverage == pytest.approx(4 / 6)
        assert metric.detail()["frames_without_label"] == 1


def test_a_real_clip_is_neither_needed_nor_read(table: str) -> None:
    alone, beside = (ValenceError(extractor=None, labels=table) for _ in range(2))
    for key in "ab":
        alone.measure(FeatureClip(FOUND[key], key=key))
        beside.measure(FeatureClip(FOUND[key], key=key), FeatureClip(torch.ones(9, 2), key=key))
    assert alone.inputs == ("preds",)
    assert torch.equal(alone.compute(), beside.compute())


@pytest.mark.parametrize("align", ["error", "truncate", "time"])
def test_pairs_that_are_given_count_like_those_of_a_table(table: str, align: Any) -> None:
    given = ValenceError(extractor=None, align=align)
    given.update([FOUND["a"], FOUND["b"]], wanted=torch.tensor([[0.5, 0.0], [-0.25, 1.0]]))
    assert torch.equal(given.compute(), filled(ValenceError(extractor=None, labels=table), "ab").compute())
    assert given.coverage == pytest.approx(4 / 5)
    one_for_all = ValenceError(extractor=None)
    one_for_all.update([FOUND["a"], FOUND["c"]], wanted=(0.5, 0.0))
    assert float(one_for_all.compute()) == pytest.approx(np.sqrt(np.mean([0.01, 0.01, 0.09, 0.16])))


def test_frames_are_compared_with_a_wanted_pair() -> None:
    frames = torch.rand(5, 3, 8, 8)
    metric = ValenceError(extractor=MeanAffect())
    metric.update(frames, wanted=(0.5, 0.0))
    expected = np.sqrt(np.mean((frames.mean(dim=(1, 2, 3)).double().numpy() - 0.5) ** 2))
    assert float(metric.compute()) == pytest.approx(expected, rel=1e-6)


def test_a_pair_may_be_given_as_tensors_in_a_list() -> None:
    frames = [FOUND["a"], FOUND["c"]]
    for pairs in ([(0.5, 0.0), (0.25, 1.0)], [(0.5, 0.0)]):
        expected = ValenceError(extractor=None)
        expected.update(frames, wanted=pairs if len(pairs) > 1 else pairs[0])
        rows = [torch.tensor(pair) for pair in pairs] if len(pairs) > 1 else list(torch.tensor(pairs[0]))
        metric = ValenceError(extractor=None)
        metric.update(frames, wanted=rows)
        assert metric.compute() == expected.compute()


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [(torch.zeros(2, device="meta"), InputError, "meta device"), ({"valence": 1}, InputError, "pairs of numbers"),
     ([(0.1, 0.2), (0, 0)], MismatchError, "1 clips and wanted 2 pairs"), ((0.1, 2.0), InputError, "in -1..1"),
     ((0.1, float("nan")), InputError, "in -1..1"), ([0.1], InputError, r"\(2,\) or \(B, 2\)"),
     ("happy", InputError, "pairs of numbers"), ([["a", "b"]], InputError, "pairs of numbers")],
)  # fmt: skip
def test_pairs_that_do_not_fit_are_named(wanted: Any, error: type[Exception], words: str) -> None:
    metric = ValenceError(extractor=None)
    with pytest.raises(error, match=words):
        metric.update(FOUND["a"], wanted=wanted)
    assert not metric.sums.any()


def test_all_statistics_share_one_state(table: str) -> None:
    metrics = TalkingHeadMetrics(
        {"error": ValenceError(extractor=None, labels=table), "ccc": ValenceConcordance(extractor=None, labels=table)}
    )
    assert {frozenset(group) for group in metrics.compute_groups.values()} == {frozenset({"error", "ccc"})}


def test_a_correlation_of_one_clip_has_none_and_says_why(table: str) -> None:
    metric = filled(ValenceCorrelation(extractor=None, labels=table), "a")
    with pytest.warns(UserWarning, match="the target is constant"):
        assert metric.compute().isnan()
    assert not filled(metric, "b").compute().isnan()  # two clips of different wanted values


def test_clips_without_a_label_are_the_reason(table: str) -> None:
    metric = ValenceError(extractor=None, labels=table)
    run = metric.start(FeatureClip(FOUND["c"], key="c"))
    run.add(*FeatureClip(FOUND["c"]).chunks())
    run.finish()
    assert run.why == f"{table} has no line for the clip 'c'"
    metric.add(run.sums)
    with pytest.warns(UserWarning, match="1 of 1 frames are of clips without a label in"):
        metric.compute()
    assert metric.coverage == 0


def test_an_absent_label_is_no_reason_where_frames_were_compared(table: str) -> None:
    metric = filled(ValenceCorrelation(extractor=None, labels=table), "ac")
    with pytest.warns(UserWarning, match="the target is constant"):
        assert metric.compute().isnan()


def test_a_pattern_reads_both_values_from_the_name() -> None:
    metric = ValenceError(extractor=None, labels=r"_v(-?[\d.]+)_a(-?[\d.]+)")
    metric.measure(FeatureClip(torch.tensor([[0.5, 0.0]]), key="M003_v0.25_a-1"))
    assert float(metric.compute()) == pytest.approx(0.25)
    for name, words in (("M003_v7_a0", "holds '7' and '0'; two numbers from -1 to 1"), ("M003", "finds nothing")):
        assert words in metric.labels.find(name)


@pytest.mark.parametrize(
    ("text", "words"),
    [("clip,valence,arousal\na,2,0\n", "'a' has the valence '2' and the arousal '0'; two numbers from -1 to 1"),
     ("clip,valence,arousal\na,nan,0\n", "the valence 'nan'"), ("clip,valence,arousal\na,x,0\n", "the valence 'x'"),
     ("clip,valence,arousal\na,0,0\na,0,1\n", "two labels"), ("clip,valence\na,0\n", "lacks the columns arousal")],
)  # fmt: skip
def test_a_table_of_wanted_values_that_does_not_fit_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "wanted.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        ValenceError(extractor=None, labels=str(path))
    assert "wanted.csv" in str(caught.value)


def test_a_pattern_needs_a_group_for_each_word() -> None:
    with pytest.raises(InputError, match="has 1 groups; it needs one for valence and one for arousal"):
        read_labels("v(.*)", Affect())


def test_names_are_compared_as_they_are_written() -> None:
    assert read_labels("^[^_]+", Names(("1", "003", "M3"))).find("003_x") == (1,)
    assert read_labels("^[^_]+", Classes(("1", "003", "M3"))).find("1_x") == (1,)  # a class goes by its number, too
    assert "the names are 1" in str(read_labels("^[^_]+", Names(("1",))).find("m3_x"))


def test_the_names_of_a_table_are_its_words_once(tmp_path: Path) -> None:
    (tmp_path / "who.csv").write_text("clip,identity\na,Bob\nb,Al\nc,Bob\n")
    assert names_in(str(tmp_path / "who.csv"), "identity") == ("Al", "Bob")


@pytest.mark.parametrize("key", ["v-rmse", "a-rmse"])
def test_the_command_scores_against_wanted_values(tmp_path: Path, table: str, key: str) -> None:
    (tmp_path / "rows").mkdir()
    for name, rows in FOUND.items():
        np.save(tmp_path / "rows" / f"{name}.npy", rows.numpy())
    out = tmp_path / "out.json"
    words = ["score", "--metrics", key, "--preds-features", f"{key}={tmp_path / 'rows'}", "-o", str(out)]
    lacking = CliRunner().invoke(main, words)
    assert f"needs --target-features {key}=DIR" in lacking.output
    done = CliRunner().invoke(main, [*words, "--option", f"{key}.labels={table}"])
    assert done.exit_code == 3  # of three clips one has no label
    result = json.loads(out.read_text())
    metric = TalkingHeadMetrics([key], extractor=None, labels=table)[key]
    assert result["metrics"][key]["value"] == pytest.approx(float(filled(metric).compute()))
    assert [clip["status"] for clip in result["clips"]] == ["ok", "ok", "failed"]
    assert "has no line for the clip 'c'" in json.dumps(result["clips"])


def test_videos_need_no_real_ones(table: str) -> None:
    own = {"v-rmse": {"labels": table}}
    assert select_metrics(["v-rmse"], {"preds"}, in_python, own_options=own) == (["v-rmse"], {})
    assert select_metrics(["v-rmse"], {"preds"}, in_python)[0] == []
