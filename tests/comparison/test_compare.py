"""Which models can be compared, on which clips, and by which means."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparison.results_of_models import drawn, model, two_models
from reports.results import metric
from scipy import stats

from thm_torchmetrics.comparison.clusters import read_clusters
from thm_torchmetrics.comparison.compare import compare_models
from thm_torchmetrics.comparison.models import read_models, read_sums, to_plain
from thm_torchmetrics.comparison.weighted_mean import WeightedMean, find_weighted_mean
from thm_torchmetrics.core.score import ClipScore
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.scoring.result import Result


def test_values_are_those_of_the_results_and_intervals_hold_them() -> None:
    models = two_models()
    found = compare_models(models, resamples=999)
    for key, cells in found.cells.items():
        for name, cell in cells.items():
            assert cell.value == models[name].metrics[key].value
            assert cell.interval is not None
            assert cell.interval.low < cell.value < cell.interval.high
            assert cell.clips == cell.interval.units == 20


def test_differences_are_tested_and_corrected_together() -> None:
    found = compare_models(two_models(), resamples=999)
    psnr, ssim = found.differences
    assert (psnr.metric, psnr.model, found.reference) == ("psnr", "base", "ours")
    assert psnr.value == pytest.approx(found.cells["psnr"]["base"].value - found.cells["psnr"]["ours"].value)
    assert psnr.is_significant
    assert not ssim.is_significant
    assert psnr.p_holm == pytest.approx(2 * psnr.p)
    assert ssim.p_holm == ssim.p
    one, two = ([clip.metrics["psnr"].value for clip in found.models[name].clips] for name in ("base", "ours"))
    assert psnr.effect == pytest.approx(stats.ttest_rel(one, two).statistic / math.sqrt(20))


def test_the_reference_may_be_any_model() -> None:
    one, two = two_models(), compare_models(two_models(), reference="base", resamples=99)
    assert two.differences[0].model == "ours"
    assert two.differences[0].value == pytest.approx(-compare_models(one, resamples=99).differences[0].value)
    with pytest.raises(InputError, match="the reference 'mine' is none of the models ours, base"):
        compare_models(one, reference="mine")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"every": 10}, "psnr, ssim: every 1 of ours, 10 of base"),
        ({"versions": {"thm-torchmetrics": "0.2.0"}}, "psnr, ssim: thm-torchmetrics 0.1 of ours, 0.2 of base"),
        ({"numerics": {"ssim": 2}}, "ssim: version of the numbers None of ours, 2 of base"),
        ({"same_rate": False}, "psnr, ssim: pairs of unlike frame rates none of ours, by number of base"),
        ({"options": {"psnr": {"average": "clip"}}}, "psnr: option average frame of ours, clip of base"),
        (
            {"weights": {"alexnet": {"sha256": "ab" * 32, "metrics": ["psnr"]}}},
            "psnr: checkpoint alexnet none of ours, abababababab of base",
        ),
    ],
)
def test_models_that_were_measured_in_different_ways_are_refused(change: dict, told: str) -> None:
    models = two_models()
    models["base"].provenance = {**models["base"].provenance, **change}
    with pytest.raises(InputError, match="not measured alike") as caught:
        compare_models(models)
    assert told in str(caught.value)


def test_a_table_of_openface_is_not_mixed_with_its_models() -> None:
    models = {name: model({"aue-u": drawn(1, 10, 0.5, 0.1)}) for name in ("tables", "frames")}
    models["frames"].metrics = {"aue-u": replace(models["frames"].metrics["aue-u"], extractor="openface-au")}
    with pytest.raises(InputError, match="aue-u: extractor None of tables, openface-au of frames"):
        compare_models(models)


def test_a_patch_version_and_the_failing_of_clips_are_no_other_way() -> None:
    models = two_models()
    given = models["base"].provenance
    models["base"].provenance = {
        **given,
        "versions": {"thm-torchmetrics": "0.1.7"},
        "options": {key: {**options, "missing": "error"} for key, options in given["options"].items()},
    }
    compare_models(models, resamples=99)


def test_other_clips_are_refused_unless_the_common_ones_are_asked_for() -> None:
    models = two_models()
    models["base"].clips[0].clip = "other"
    with pytest.raises(InputError, match=r"ours has 1 clip \(c00\) that not all have; base has 1 clip \(other\)"):
        compare_models(models)
    found = compare_models(models, common=True, resamples=99)
    assert found.left_out == ["ours has 1 clip (c00) that not all have", "base has 1 clip (other) that not all have"]
    for name, result in models.items():
        scores = [clip.metrics["psnr"] for clip in result.clips[1:]]
        mean = np.average([score.value for score in scores], weights=[score.frames for score in scores])
        assert found.cells["psnr"][name].value == pytest.approx(mean)
        assert found.cells["psnr"][name].clips == 19


def test_a_clip_without_a_value_in_one_model_is_left_out_of_all() -> None:
    models = two_models()
    scores = models["base"].clips[3].metrics
    scores["psnr"] = ClipScore(math.inf, 50, 0)
    with pytest.raises(InputError, match=r"psnr of base: no finite value of 1 clip \(c03\)"):
        compare_models(models)
    models["base"].metrics = {**models["base"].metrics, "psnr": replace(models["base"].metrics["psnr"], value=math.inf)}
    found = compare_models(models, common=True, resamples=99)
    assert {cell.clips for cell in found.cells["ssim"].values()} == {20}


def test_a_metric_over_all_frames_together_has_a_value_and_no_interval() -> None:
    models = two_models()
    for value, result in enumerate(models.values(), 20):
        result.metrics = {**result.metrics, "fid": metric("fid", float(value), clips=20)}
    cells = compare_models(models, resamples=99).cells["fid"]
    assert [cell.value for cell in cells.values()] == [20, 21]
    assert {cell.interval for cell in cells.values()} == {None}
    assert {cell.why for cell in cells.values()} == {
        "no interval: it is no mean over clips, and the sums of clips are not known"
    }
    models["base"].clips[0].clip = "other"
    cells = compare_models(models, common=True, resamples=99).cells["fid"]
    assert {cell.value for cell in cells.values()} == {None}


def test_a_metric_that_one_model_lacks_says_why() -> None:
    models = two_models()
    models["base"].metrics = {"psnr": models["base"].metrics["psnr"]}
    models["base"].skipped = {"ssim": "no input"}
    found = compare_models(models, resamples=99)
    assert found.cells["ssim"]["base"] == type(found.cells["ssim"]["base"])(None, None, 0, "no input")
    assert [each.metric for each in found.differences] == ["psnr"]


def test_a_metric_that_no_model_has_a_value_of_says_why() -> None:
    models = two_models()
    for each in models.values():
        each.metrics = {**each.metrics, "ssim": replace(each.metrics["ssim"], value=None, why="no face")}
        for clip in each.clips:
            clip.metrics["ssim"] = ClipScore(None, 0, 0)
    found = compare_models(models, resamples=99, common=True)
    assert {(cell.value, cell.why) for cell in found.cells["ssim"].values()} == {(None, "no face")}
    assert [each.metric for each in found.differences] == ["psnr"]


@pytest.mark.parametrize(("count", "interval", "test"), [(5, False, False), (6, False, True), (8, True, True)])
def test_few_clips_have_no_interval_or_test_and_it_says_so(count: int, interval: bool, test: bool) -> None:
    found = compare_models(two_models(count), resamples=99)
    assert (found.cells["psnr"]["ours"].interval is not None) is interval
    assert (found.differences[0].p is not None) is test
    if not interval:
        assert f"{count} clips are too few for an interval, which needs 8" in found.differences[0].why
    if not test:
        assert "5 clips are too few for a test, which needs 6" in found.notes[-1]


def test_a_table_of_tests_that_no_p_value_can_pass_says_so() -> None:
    values = {key: drawn(seed, 6) for seed, key in enumerate(("psnr", "ssim", "cpbd"))}
    found = compare_models({"ours": model(values), "base": model(values)}, resamples=99)
    assert "with 3 tests, 6 clips are too few for a p-value below 0.05" in found.notes


def test_below_eight_clips_frames_are_resampled_where_they_were_kept() -> None:
    models = two_models(3)
    for result in models.values():
        for clip in result.clips:
            score = clip.metrics["psnr"]
            frames = score.value + drawn(1, score.frames, 0, 1)
            frames += score.value - frames.mean()
            clip.metrics["psnr"] = replace(score, per_frame={"value": frames.tolist(), "time": [0.0]})
    found = compare_models(models, resamples=99)
    assert found.cells["psnr"]["ours"].interval.method == "moving blocks"
    assert found.cells["ssim"]["ours"].interval is None
    assert found.difference("psnr", "base").interval.method == "moving blocks"
    assert any("says nothing of other clips" in note for note in found.notes)


def test_clips_of_one_speaker_are_one_unit() -> None:
    clusters = {f"c{i:02d}": f"speaker {i % 10}" for i in range(20)}
    found = compare_models(two_models(), clusters=clusters, resamples=99)
    assert found.cells["psnr"]["ours"].interval.units == found.differences[0].units == 10
    assert found.cells["psnr"]["ours"].clips == 20
    assert "bootstrap over clusters" in found.notes[0]
    with pytest.raises(InputError, match=r"no cluster of 10 clips \(c10, c11"):
        compare_models(two_models(), clusters=dict(list(clusters.items())[:10]))


def test_correlations_are_scipys() -> None:
    models = two_models()
    found = compare_models(models, correlations=True, resamples=99).correlations[0]
    one, two = ([clip.metrics[key].value for clip in models["ours"].clips] for key in ("psnr", "ssim"))
    assert (found.model, found.first, found.second, found.clips) == ("ours", "psnr", "ssim", 20)
    assert found.pearson == pytest.approx(stats.pearsonr(one, two).statistic)
    assert found.spearman == pytest.approx(stats.spearmanr(one, two).statistic)
    assert found.kendall == pytest.approx(stats.kendalltau(one, two).statistic)


def test_the_value_of_the_real_videos_is_kept() -> None:
    models = two_models()
    real = {"target": {"value": 0.75, "clips": 20, "coverage": 1.0, "detail": None}}
    base = models["base"]
    base.metrics = {**base.metrics, "ssim": replace(base.metrics["ssim"], detail=real)}
    assert compare_models(models, resamples=99).real == {"ssim": 0.75}


def scored(values: list[float], frames: list[int], total: float) -> Result:
    result = model({"psnr": values}, frames)
    result.metrics = {"psnr": replace(result.metrics["psnr"], value=total)}
    return result


@pytest.mark.parametrize(
    ("total", "found"),
    [
        (np.average([3.0, 4.0], weights=[10, 30]), WeightedMean("mean", "frame")),
        (3.5, WeightedMean("mean", "clip")),
        (np.sqrt(np.average([9.0, 16.0], weights=[10, 30])), WeightedMean("root mean square", "frame")),
        (
            -10 * np.log10(np.average([10**-0.3, 10**-0.4], weights=[10, 30])),
            WeightedMean("decibels of the mean", "frame"),
        ),
        (3.6, None),
    ],
)
def test_the_mean_is_the_one_that_gives_the_value(total: float, found: WeightedMean | None) -> None:
    assert find_weighted_mean({"ours": scored([3.0, 4.0], [10, 30], float(total))}, "psnr") == found


def test_no_model_and_unknown_metrics_are_errors() -> None:
    with pytest.raises(InputError, match="nothing to compare"):
        compare_models({})
    with pytest.raises(InputError, match="no model has the metric 'lpips'; there are psnr, ssim"):
        compare_models(two_models(), metrics=["lpips"])


def test_models_are_compared_from_python() -> None:
    import thm_torchmetrics

    assert thm_torchmetrics.compare_models is compare_models


def test_a_file_that_does_not_fit_is_named(tmp_path: Path) -> None:
    (tmp_path / "speakers.csv").write_text("clip,speaker\na,\n", encoding="utf-8")
    with pytest.raises(InputError, match="the clip 'a' has no speaker; fill the column speaker"):
        read_clusters(tmp_path / "speakers.csv")
    path = tmp_path / "all.json"
    path.write_text(json.dumps(to_plain(two_models())), encoding="utf-8")
    with pytest.raises(InputError, match="the file holds several models, which have names; give the file alone"):
        read_models([("ours", path)])


def test_clips_of_an_infinite_value_leave_the_others_to_be_compared() -> None:
    values = [31.0, 32.0, 33.0, 34.0]
    infinite = scored([math.inf, *values[1:]], [10, 20, 30, 40], math.inf)
    finite = scored([*values], [10, 20, 30, 40], float(np.average(values, weights=[10, 20, 30, 40])))
    found = compare_models({"one": infinite, "two": finite}, common=True)
    expected = np.average(values[1:], weights=[20, 30, 40])
    assert {name: cell.value for name, cell in found.cells["psnr"].items()} == pytest.approx(
        {"one": expected, "two": expected}
    )
    assert found.left_out == ["psnr of one: no finite value of 1 clip (c00)"]
    assert find_weighted_mean({"one": infinite}, "psnr") is None
    assert find_weighted_mean({"one": scored([*values], [10, 20, 30, 40], math.inf), "two": finite}, "psnr") is None


def test_a_file_of_several_models_with_the_name_of_one_of_them_has_no_sums(tmp_path: Path) -> None:
    path = tmp_path / "ours.json"
    models = {
        name: replace(result, provenance={**result.provenance, "shard": {}}) for name, result in two_models().items()
    }
    path.write_text(json.dumps(to_plain(models)), encoding="utf-8")
    assert read_sums([("", path)], read_models([("", path)])) == {}


@pytest.mark.parametrize(
    ("options", "told"),
    [({"seed": -1}, "seed must be at least 0"), ({"resamples": 0}, "resamples must be at least 1"),
     ({"resamples": 9.5}, "whole number"), ({"metrics": "psn"}, "psn")],
)  # fmt: skip
def test_options_out_of_range_are_named(options: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        compare_models(two_models(), **options)


def test_models_need_names() -> None:
    with pytest.raises(InputError, match="by name"):
        compare_models(list(two_models().values()))


def test_one_metric_may_be_given_alone() -> None:
    found = compare_models(two_models(), metrics="psnr", resamples=99)
    assert list(found.cells) == ["psnr"]
    assert any("Holm for 1 test;" in note or note.endswith("Holm for 1 test") for note in found.notes)
