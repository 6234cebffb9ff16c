"""The sums of clips beside a report make its value again, and give set metrics an interval."""

from pathlib import Path

import numpy as np
import pytest

from thm_torchmetrics.comparison.compare import compare_models
from thm_torchmetrics.comparison.models import read_models, read_sums
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.scoring.clip_sums import read_clip_sums
from thm_torchmetrics.scoring.result import Result
from thm_torchmetrics.scoring.score import score

CLIPS, KEYS = 10, ("e-fid", "v-pcc")


def features(folder: Path, seed: int, shift: float) -> dict[str, Path]:
    """Made-up coefficients, and valence and arousal, of ten clips, by metric."""
    rng = np.random.default_rng(seed)
    for key, width in (("e-fid", 257), ("v-pcc", 2)):
        place = folder / key
        place.mkdir(parents=True)
        for i in range(CLIPS):
            common = np.random.default_rng(100 + i).uniform(-0.5, 0.5, (30, width))
            np.save(place / f"c{i}.npy", common + shift + 0.1 * rng.normal(size=(30, width)))
    return {key: folder / key for key in KEYS}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Path]]:
    """Reports of two models, each with its sums."""
    folder = tmp_path_factory.mktemp("sums")
    target = features(folder / "target", 0, 0.0)
    found = []
    for name, shift in (("near", 0.0), ("far", 0.3)):
        path = folder / f"{name}.json"
        preds = features(folder / name, 1 + len(found), shift)
        result = score(
            preds_features=preds, target_features=target, metrics=KEYS, shard="1/1", sums=folder / f"{name}.sums.zip"
        )
        result.save(path)
        found.append(("", path))
    return found


def test_the_sums_of_all_clips_give_the_value(files: list[tuple[str, Path]]) -> None:
    for _, path in files:
        result, found = Result.load(path), read_clip_sums(path, KEYS)
        assert set(found) == set(KEYS)
        for key, sums in found.items():
            assert len(sums.rows) == CLIPS
            rows = np.stack(list(sums.rows.values()))
            assert float(sums.values(rows.sum(axis=0))) == pytest.approx(result.metrics[key].value, rel=1e-9)
            both = np.stack([rows.sum(axis=0), rows[:5].sum(axis=0)])[None]
            assert sums.values(both).shape == (1, 2)


def test_metrics_over_all_frames_have_intervals_where_the_sums_are_known(files: list[tuple[str, Path]]) -> None:
    models = read_models(files)
    found = compare_models(models, sums=read_sums(files, models), resamples=99)
    for key in KEYS:
        for cell in found.cells[key].values():
            assert cell.interval is not None
            assert cell.interval.low <= cell.interval.high
            assert cell.clips == cell.interval.units == CLIPS
    assert found.difference("e-fid", "far").is_significant
    assert "of metrics over sets of features at most 999 resamples and exchanges" in found.notes
    alone = compare_models(models, resamples=99)
    assert alone.cells["e-fid"]["near"].interval is None
    assert "the sums of clips are not known" in alone.cells["e-fid"]["near"].why


def test_metrics_over_all_frames_have_a_value_over_common_clips(files: list[tuple[str, Path]]) -> None:
    models = read_models(files)
    models["far"].clips[0].clip = "other"
    sums = read_sums(files, models)
    sums["far"]["e-fid"].rows.pop("c0")
    sums["far"]["v-pcc"].rows.pop("c0")
    found = compare_models(models, sums=sums, common=True, resamples=99)
    rows = read_clip_sums(files[0][1], KEYS)["e-fid"]
    expected = rows.values(np.stack([row for name, row in rows.rows.items() if name != "c0"]).sum(axis=0))
    assert found.cells["e-fid"]["near"].value == pytest.approx(float(expected))
    assert found.cells["e-fid"]["near"].clips == CLIPS - 1


def test_absent_sums_are_named(files: list[tuple[str, Path]], tmp_path: Path) -> None:
    copy = tmp_path / "near.json"
    copy.write_bytes(files[0][1].read_bytes())
    with pytest.raises(InputError, match=r"near\.sums\.zip, the sums of .*near\.json, cannot be read"):
        read_clip_sums(copy, KEYS)
