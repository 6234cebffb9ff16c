"""The sums of clips beside a report make its value again, and give set metrics an interval."""

from pathlib import Path

import numpy as np
import pytest
import torch
from functional.weighted_frechet import weighted_distance

from thm_torchmetrics.comparison.compare import compare_models
from thm_torchmetrics.comparison.models import read_models, read_sums
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.frechet import frechet_from_features
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
            assert len(sums.packed) == CLIPS
            rows = np.stack([sums.row(clip) for clip in sums.packed])
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
    sums["far"]["e-fid"].packed.pop("c0")
    sums["far"]["v-pcc"].packed.pop("c0")
    found = compare_models(models, sums=sums, common=True, resamples=99)
    rows = read_clip_sums(files[0][1], KEYS)["e-fid"]
    expected = rows.values(np.stack([rows.row(clip) for clip in rows.packed if clip != "c0"]).sum(axis=0))
    assert found.cells["e-fid"]["near"].value == pytest.approx(float(expected))
    assert found.cells["e-fid"]["near"].clips == CLIPS - 1


def sets(folder: Path, name: str, spread: float) -> Path:
    """Made-up features of ten clips, so long that the sums of FID are too many for resamples."""
    place = folder / name
    place.mkdir()
    for i in range(CLIPS):
        rng = np.random.default_rng((i, len(name)))
        np.save(place / f"c{i}.npy", rng.normal(size=(5 + i % 3, 500)) * spread + rng.normal(size=500) * 0.3)
    return place


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Path]]:
    """Reports of FID of two models, each with its sums."""
    folder = tmp_path_factory.mktemp("large")
    target = sets(folder, "target", 1.0)
    for name, spread in (("near", 1.0), ("wider", 1.4)):
        sums = folder / f"{name}.sums.zip"
        given = {"preds_features": {"fid": sets(folder, name, spread)}, "target_features": {"fid": target}}
        score(**given, metrics=("fid",), shard="1/1", sums=sums).save(folder / f"{name}.json")
    return [("", folder / f"{name}.json") for name in ("near", "wider")]


def distance_of(folder: Path, name: str, clips: list[int]) -> float:
    """FID of some clips, from the features themselves."""
    return float(frechet_from_features(*(of_clips(folder / side, clips) for side in (name, "target"))))


def of_clips(place: Path, clips: list[int]) -> torch.Tensor:
    return torch.from_numpy(np.concatenate([np.load(place / f"c{i}.npy") for i in clips]))


@pytest.mark.parametrize("groups", [[[i] for i in range(CLIPS)], [[0, 1, 2], [3], [4, 5], [6, 7, 8, 9]]], ids=len)
def test_pseudo_values_are_those_of_the_infinitesimal_jackknife(
    large: list[tuple[str, Path]], groups: list[list[int]]
) -> None:
    path = large[0][1]
    found = read_clip_sums(path, ["fid"])["fid"].pseudo_values([[f"c{i}" for i in group] for group in groups])
    sides = [[of_clips(path.parent / side, group) for group in groups] for side in ("near", "target")]
    weight = torch.ones(len(groups), dtype=torch.float64, requires_grad=True)
    weights = [torch.cat([each.expand(len(rows)) for each, rows in zip(weight, side, strict=True)]) for side in sides]
    value = weighted_distance(torch.cat(sides[0]), torch.cat(sides[1]), *weights)
    (changes,) = torch.autograd.grad(value, weight)  # of a group's weight
    expected = value.detach() / len(groups) + changes - changes.mean()
    np.testing.assert_allclose(found[:, 0], expected.numpy(), rtol=1e-6)


def test_fid_has_an_interval_and_a_test(large: list[tuple[str, Path]]) -> None:
    models = read_models(large)
    found = compare_models(models, sums=read_sums(large, models), resamples=999)
    for name, result in models.items():
        cell = found.cells["fid"][name]
        assert cell.value == result.metrics["fid"].value
        assert cell.interval.low < cell.value < cell.interval.high
    assert found.difference("fid", "wider").is_significant
    assert any("infinitesimal jackknife" in note for note in found.notes)
    speakers = {f"c{i}": f"s{i // 2}" for i in range(CLIPS)}
    clustered = compare_models(models, sums=read_sums(large, models), clusters=speakers, resamples=999)
    assert "too few for an interval" in clustered.cells["fid"]["near"].why
    del speakers["c0"]
    with pytest.raises(InputError, match=r"no cluster of 1 clip \(c0\)"):
        compare_models(models, sums=read_sums(large, models), clusters=speakers)
    models["near"].clips[0].clip = "other"
    sums = read_sums(large, models)
    sums["near"]["fid"].packed.pop("c0")
    common = compare_models(models, sums=sums, common=True, resamples=999)
    expected = distance_of(large[0][1].parent, "wider", list(range(1, CLIPS)))
    assert common.cells["fid"]["wider"].value == pytest.approx(expected, rel=1e-6)


def test_the_interval_of_a_distance_has_no_end_below_0(large: list[tuple[str, Path]]) -> None:
    models = read_models(large)
    sums = read_sums(large, models)
    same = {clip: {**arrays, "preds": arrays["target"]} for clip, arrays in sums["near"]["fid"].packed.items()}
    sums["near"]["fid"].packed.update(same)  # type: ignore[attr-defined]
    interval = compare_models(models, sums=sums, resamples=99).cells["fid"]["near"].interval
    assert 0 <= interval.low <= interval.high == pytest.approx(0, abs=1e-6)


def test_an_infinite_sum_gives_no_interval(files: list[tuple[str, Path]]) -> None:
    models = read_models(files)
    sums = read_sums(files, models)
    sums["far"]["v-pcc"].packed["c0"]["sums"][:] = torch.inf
    found = compare_models(models, sums=sums, resamples=99)
    for name, result in models.items():
        cell = found.cells["v-pcc"][name]
        assert (cell.value, cell.interval) == (result.metrics["v-pcc"].value, None)
        assert "no interval" in cell.why


def test_absent_sums_are_named(files: list[tuple[str, Path]], tmp_path: Path) -> None:
    copy = tmp_path / "near.json"
    copy.write_bytes(files[0][1].read_bytes())
    with pytest.raises(InputError, match=r"near\.sums\.zip, the sums of .*near\.json, cannot be read"):
        read_clip_sums(copy, KEYS)
