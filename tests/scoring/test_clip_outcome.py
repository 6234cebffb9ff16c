"""Outcomes of clips: a result made of stored ones, in any split, equals that of one run."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch

from thm_torchmetrics import FrechetInceptionDistance, TalkingHeadMetrics
from thm_torchmetrics.core.clip import FeatureClip
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.media.pairing import Item, pair, pair_features
from thm_torchmetrics.scoring.outcome_file import OutcomeReader, OutcomeWriter
from thm_torchmetrics.scoring.result import Result
from thm_torchmetrics.scoring.run import DatasetRun

CLIPS = 3


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """A sample with given features: those of the last clip were made by another version, those of the second hold NaN.

    One generated video is damaged.
    """
    folder = make_sample(tmp_path_factory.mktemp("sample"), clips=CLIPS, seconds=0.2, size=64)
    generator = np.random.default_rng(0)
    names = sorted(path.stem for path in (folder / "pred_video").iterdir())
    for side in ("preds", "target"):
        (folder / side).mkdir()
        for number, name in enumerate(names):
            rows = generator.normal(size=(6, 4)).astype(np.float64 if number else np.float32)
            rows[:number] = np.nan
            facts = {"extractor": "mine", "version": str(number // 2), "checkpoints": ["c"], "sha256": ["ab"]}
            np.savez(folder / side / f"{name}.npz", features=rows, fps=25.0, times=np.arange(6) / 25, **facts)
    damaged = folder / "pred_video" / f"{names[1]}.mp4"
    damaged.write_bytes(damaged.read_bytes()[:600])
    kinds = {"preds": "pred_video", "target": "gt_video", "preds_au": "pred_au_csv", "target_au": "gt_au_csv"}
    found = pair(**{kind: folder / name for kind, name in kinds.items()})
    return pair_features(found, {"fid": {"preds": folder / "preds", "target": folder / "target"}})


def dataset_run() -> DatasetRun:
    fid = FrechetInceptionDistance(extractor=None, num_features=4)
    others = TalkingHeadMetrics(["psnr", "cpbd", "aue-u", "aue-l"]).members()
    return DatasetRun(TalkingHeadMetrics({**others, "fid": fid}), with_target=True)


def plain_result(result: Result) -> dict[str, Any]:
    plain = result.to_json()
    del plain["provenance"]["created"]
    return plain


def test_a_result_of_stored_outcomes_is_that_of_the_run_to_the_last_bit(items: list[Item]) -> None:
    expected = dataset_run().score(items, {})
    assert len(expected.failed) == 2  # the damaged video, and the features of another version
    assert any("first clip" in str(clip.error) for clip in expected.failed)
    file = BytesIO()
    writer = OutcomeWriter(file)
    for number, item in reversed([*enumerate(items)]):
        writer.add(number, dataset_run().measure(item))
    writer.close()
    reader = OutcomeReader(file, "outcomes")
    outcomes = [reader[number] for number in range(CLIPS)]
    assert plain_result(dataset_run().result(outcomes, {})) == plain_result(expected)


def test_measuring_changes_no_metric(items: list[Item]) -> None:
    run = dataset_run()
    before = {name: metric.sums.clone() for name, metric in run.metrics.members().items()}
    for item in items:
        run.measure(item)
    assert all(torch.equal(metric.sums, before[name]) for name, metric in run.metrics.members().items())


def test_two_results_of_one_run_do_not_add_up(items: list[Item]) -> None:
    run = dataset_run()
    assert plain_result(run.score(items, {})) == plain_result(run.score(items, {}))


@pytest.mark.parametrize("frames", [(5, 7), (0, 3), (40, 90)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_packed_features_give_the_sums_of_the_clip_to_the_last_bit(frames: tuple[int, int], dtype: torch.dtype) -> None:
    """Features of few frames are packed as they are, those of many as their sums."""
    metric = FrechetInceptionDistance(extractor=None, num_features=16)
    generator = torch.Generator().manual_seed(0)
    run = metric.start()
    for count in frames:
        chunk = next(FeatureClip(torch.randn(count, 16, generator=generator, dtype=dtype)).chunks())
        run.add(chunk, chunk)
    sums, arrays = run.finish(), run.packed()
    assert ("sums" in arrays) == (sum(frames) == 130)
    assert torch.equal(metric.unpacked(arrays).vector, sums.vector)
    if dtype is torch.float32 and "preds" in arrays:
        assert arrays["preds"].dtype is torch.float32
