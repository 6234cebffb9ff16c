"""AUE on frames: OpenFace's stage with made-up models on dlib's landmarks, and extractors of other units."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pytest
import torch
from ddp.process_group import ProcessGroup
from metrics.openface_clips import LOWER, UPPER, by_pandas, face_clip, model_files, pair, table
from metrics.openface_loop import validate
from torch import Tensor, nn

from thm_torchmetrics import (
    ActionUnitError,
    ActionUnitErrorLower,
    ActionUnitErrorUpper,
    LandmarkDistance,
    TalkingHeadMetrics,
)
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.errors import InputError, MismatchError, MissingFaceError
from thm_torchmetrics.extractors import EXTRACTORS, Extractor, release
from thm_torchmetrics.extractors.dlib import DlibLandmarks
from thm_torchmetrics.extractors.openface_au import OpenFaceActionUnits

GROUPS = {"aue-u": UPPER, "aue-l": LOWER, "aue": UPPER + LOWER}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    yield model_files(tmp_path_factory.mktemp("openface"))
    release()


@pytest.fixture(scope="module")
def tables() -> dict[int, tuple[pd.DataFrame, pd.DataFrame]]:
    return {seed: tuple(map(table, pair(seed))) for seed in range(3)}


def made(files: dict[str, str], keys: list[str] | None = None, **options: object) -> TalkingHeadMetrics:
    defaults = {"extractor": "openface-au", "landmarks": "dlib", "weights": files, "align": "truncate"}
    return TalkingHeadMetrics(keys or list(GROUPS), **(defaults | options))


def test_values_are_those_of_the_tables_of_the_clips(files: dict[str, str], tables: dict) -> None:
    """Rows of a frame without a face, and rows beyond the shorter clip, are left out after the calibration."""
    metrics = made(files)
    for seed in tables:
        metrics.update(*pair(seed))
    pairs = [(preds[: len(target)], target) for preds, target in tables.values()]
    for key, value in metrics.compute().items():
        assert value.item() == pytest.approx(by_pandas(pairs, GROUPS[key]), rel=1e-9)
        assert value > 0.1
    for member in metrics.members().values():
        assert member.coverage == 17 / 18
        assert member.tally(member.named(member.sums)).left_out == 2


@pytest.mark.parametrize("key", GROUPS)
def test_equal_clips_have_no_error(files: dict[str, str], key: str) -> None:
    clip = face_clip(0, 5)
    assert made(files, [key])(clip, clip.clone())[key] == 0


def test_the_static_protocol_reads_the_static_models(files: dict[str, str]) -> None:
    preds, target = pair(0)
    metrics = made(files, ["aue-u:talkinggaussian-static", "aue-u:mean"])
    values = metrics(preds, target)
    static = by_pandas([(table(preds, dynamic=False), table(target, dynamic=False))], UPPER)
    dynamic = by_pandas([(table(preds), table(target))], UPPER)
    assert values["aue-u:talkinggaussian-static"].item() == pytest.approx(static, rel=1e-9)
    assert values["aue-u:mean"].item() == pytest.approx(dynamic / 8, rel=1e-9)
    assert len(metrics.compute_groups) == 2


def test_the_three_share_one_state_and_one_pass_of_landmarks(
    files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = {"stage": 0, "landmarks": 0}
    for cls, name in ((OpenFaceActionUnits, "stage"), (DlibLandmarks, "landmarks")):

        def counting(self: Extractor, chunk: Chunk, name: str = name, of: object = cls.extract) -> Tensor:
            counted[name] += len(chunk)
            return of(self, chunk)

        monkeypatch.setattr(cls, "extract", counting)
    metrics = TalkingHeadMetrics({
        **{key: cls(extractor="openface-au", landmarks="dlib", weights=files)
           for key, cls in (("u", ActionUnitErrorUpper), ("l", ActionUnitErrorLower), ("all", ActionUnitError))},
        "lmd": LandmarkDistance(extractor="dlib", face="largest"),
    })  # fmt: skip
    assert len(metrics.compute_groups) == 2
    metrics.update(*pair(0))
    assert counted == {"stage": 12, "landmarks": 12}


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_chunks_of_any_length_give_the_value_of_the_whole(
    files: dict[str, str], tables: dict, frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thm_torchmetrics.core.chunk.CHUNK_FRAMES", frames)
    metrics = made(files)
    values = metrics(*pair(1))
    for key, units in GROUPS.items():
        assert values[key].item() == pytest.approx(by_pandas([tables[1]], units), rel=1e-9)


def test_float_frames_are_those_of_8_bits(files: dict[str, str]) -> None:
    preds, target = pair(0)
    whole, single = made(files)(preds, target), made(files)(preds.float() / 255, target.double() / 255)
    assert {key: value.item() for key, value in single.items()} == {key: value.item() for key, value in whole.items()}


def test_the_state_stays_a_vector_of_fixed_size(files: dict[str, str]) -> None:
    metrics = made(files)
    member = metrics.members()["aue"]
    assert member.sums.shape == (59,)
    metrics.update(*pair(0))
    assert metrics.members()["aue"].sums.shape == (59,)
    assert not metrics.state_dict()


def test_a_clip_that_fails_leaves_no_trace(files: dict[str, str]) -> None:
    metric = ActionUnitErrorUpper(extractor="openface-au", landmarks="dlib", weights=files)
    with pytest.raises(MismatchError, match="8 frames and the target 6"):
        metric.update(*pair(2))
    strict = ActionUnitErrorUpper(extractor="openface-au", landmarks="dlib", weights=files, missing="error")
    with pytest.raises(MissingFaceError, match="1 of 6"):
        strict.update(*pair(1))
    assert not metric.sums.any()
    assert not strict.sums.any()


def test_without_any_face_the_reason_is_told(files: dict[str, str]) -> None:
    grey = torch.full((3, 3, 64, 64), 90, dtype=torch.uint8)
    metric = ActionUnitErrorUpper(extractor="openface-au", landmarks="dlib", weights=files)
    with pytest.warns(UserWarning, match="no face found in 3 frames"):
        assert metric(grey, grey).isnan()


def test_time_compares_the_frames_on_display(files: dict[str, str]) -> None:
    """Half the frame rate: each predicted frame stands for two of the target's, in its calibration, too."""
    preds, target = face_clip(7, 3), face_clip(107, 6)
    metric = ActionUnitErrorUpper(extractor="openface-au", landmarks="dlib", weights=files, align="time")
    metric.update(Clip(preds, fps=12.5), Clip(target, fps=25))
    shown = preds.repeat_interleave(2, dim=0)
    assert metric.compute().item() == pytest.approx(by_pandas([(table(shown), table(target))], UPPER), rel=1e-9)


@pytest.mark.parametrize("shares", [[[0], [1, 2]], [[2, 0, 1], []], [[1], [], [0, 2]]], ids=str)
def test_uneven_processes_agree(
    files: dict[str, str], tables: dict, processes: ProcessGroup, shares: list[list[int]]
) -> None:
    answers = processes.run("metrics.openface_clips:share", files, shares)[: len(shares)]
    pairs = [(preds[: len(target)], target) for preds, target in tables.values()]
    for answer in answers:
        for key, units in GROUPS.items():
            assert answer[key] == pytest.approx(by_pandas(pairs, units), rel=1e-9)


def test_tables_beside_frames_are_for_the_metrics_that_read_them(files: dict[str, str]) -> None:
    """In one collection, by keyword, AUE by frames and AUE by OpenFace's tables keep their own values."""
    preds, target = pair(0)
    by_frames = ActionUnitErrorUpper(extractor="openface-au", landmarks="dlib", weights=files)
    metrics = TalkingHeadMetrics({"frames": by_frames, "tables": ActionUnitErrorUpper()})
    metrics.update(preds, target, preds_au=torch.ones(6, 17), target_au=torch.zeros(6, 17))
    values = metrics.compute()
    assert values["tables"] == 8
    assert values["frames"].item() == pytest.approx(by_pandas([(table(preds), table(target))], UPPER), rel=1e-9)
    with pytest.raises(InputError, match="needs `preds`"):
        ActionUnitErrorUpper(extractor="openface-au", landmarks="dlib", weights=files).update(preds_au=preds)


class Twelve(Extractor):
    """Intensities of twelve units: the mean level of each frame, times the number of the column."""

    kind = "action_units"
    units: ClassVar = ("01", "02", "04", "05", "06", "09", "12", "15", "17", "20", "25", "26")

    @classmethod
    def make(cls, name: str, files: object = None, **options: object) -> "Twelve":
        return cls()

    def extract(self, chunk: Chunk) -> Tensor:
        levels = chunk.as_float().mean(dim=(1, 2, 3))
        rows = levels[:, None] * torch.arange(12) / 11 * 5
        return torch.where(levels[:, None] > 0, rows, torch.nan)


@pytest.mark.parametrize(
    ("cls", "columns"),
    [(ActionUnitErrorUpper, range(6)), (ActionUnitErrorLower, range(6, 12)), (ActionUnitError, range(12))],
)
def test_an_extractor_of_fewer_units_sums_over_its_own(
    cls: type[ActionUnitError], columns: range, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXTRACTORS["action_units"], "twelve", Twelve)
    preds = torch.full((4, 3, 8, 8), 0.5)
    target = torch.full((4, 3, 8, 8), 0.25)
    preds[3] = 0  # a frame without a face
    metric = cls(extractor="twelve")
    value = metric(preds, target).item()
    assert value == pytest.approx(sum((0.25 * column / 11 * 5) ** 2 for column in columns), rel=1e-5)
    assert metric.coverage == 0.75
    metric.update(preds, target)
    assert list(metric.detail()) == [f"AU{Twelve.units[column]}" for column in columns]
    mean = cls(extractor="twelve", protocol="mean")(preds, target).item()
    assert mean == pytest.approx(value / len(columns), rel=1e-9)
    with pytest.raises(InputError, match="twelve has no static models; take another protocol"):
        cls(extractor="twelve", protocol="talkinggaussian-static")


def test_a_module_of_intensities_is_an_extractor() -> None:
    class Level(nn.Module):
        def forward(self, frames: Tensor) -> Tensor:
            return frames.mean(dim=(1, 2, 3))[:, None].expand(-1, 17)

    preds, target = torch.full((4, 3, 8, 8), 0.5), torch.full((4, 3, 8, 8), 0.25)
    assert ActionUnitErrorUpper(extractor=Level())(preds, target).item() == pytest.approx(8 / 16)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning:lightning", "ignore:.*LeafSpec.*", "ignore:.*isinstance.treespec.*")
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.parametrize("count", [1, 2])
def test_a_validation_loop_of_lightning_logs_the_values_of_the_tables(
    files: dict[str, str], tables: dict, count: int
) -> None:
    logged = validate(files, count)
    pairs = [(preds[: len(target)], target) for preds, target in tables.values()]
    for key in ("aue-u", "aue-l"):
        assert logged[key] == pytest.approx(by_pandas(pairs, GROUPS[key]), rel=1e-6)


@pytest.mark.clips
def test_tables_of_openface_s_own_program_against_pandas(clips: Path) -> None:
    """AUE of the eight real pairs that OpenFace measured."""
    from thm_torchmetrics.media.openface import read_action_units

    folder = clips.parent / "openface_csv"
    names = sorted(path.name for path in (folder / "pred_video").glob("*.csv"))
    if not names:
        pytest.skip("no tables of OpenFace")
    assert len(names) == 8
    for name in names:
        paths = [folder / side / name for side in ("pred_video", "gt_video")]
        preds, target = (pd.read_csv(path, skipinitialspace=True) for path in paths)
        count = min(len(preds), len(target))
        rows = [torch.from_numpy(read_action_units(path)) for path in paths]
        for cls, units in ((ActionUnitErrorUpper, UPPER), (ActionUnitErrorLower, LOWER)):
            columns = [f"AU{unit}_r" for unit in units]
            expected = ((preds[columns][:count] - target[columns][:count]) ** 2).mean().sum()
            value = cls(align="truncate")(preds_au=rows[0], target_au=rows[1]).item()
            assert value == pytest.approx(expected, rel=1e-9), name
