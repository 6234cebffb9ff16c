"""Shards, scored apart and merged, give the result of one run."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thm_torchmetrics
from thm_torchmetrics import Result
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.errors import InputError

COUNT = 3
ALL = ["psnr", "ssim:skimage", "cpbd", "aue", "fid", "lmd"]
OF_ONE_RUN = {"created", "duration_s", "platform", "device", "shards", "arguments"}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_sample(tmp_path_factory.mktemp("sample"), clips=4, seconds=0.2, size=64)
    sorted((folder / "pred_video").iterdir())[1].write_bytes(b"no video")
    draw = np.random.default_rng(0)
    for number, file in enumerate(sorted((folder / "gt_video").iterdir())):
        for side in ("preds", "target"):
            for name, shape in (("fid", (4 + number, 16)), ("lmd", (5, 68, 2))):
                (folder / side / name).mkdir(parents=True, exist_ok=True)
                np.save(folder / side / name / f"{file.stem}.npy", draw.normal(3, 1, shape))
    return folder


def options(sample: Path) -> dict[str, Any]:
    features = {f"{side}_features": {name: sample / side / name for name in ("fid", "lmd")} for side in
                ("preds", "target")}  # fmt: skip
    return {"data": sample, "metrics": ALL, "with_target": True, "options": {"ssim": {"average": "clip"}}, **features}


@pytest.fixture(scope="module")
def whole(sample: Path) -> Result:
    return thm_torchmetrics.score(**options(sample))


Write = Callable[..., Path]


@pytest.fixture(scope="module")
def shard(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Write:
    """Scores a shard with further options, and returns its report."""

    def write(index: int, count: int = COUNT, **others: Any) -> Path:
        folder = tmp_path_factory.mktemp("shard")
        given = options(sample) | others
        result = thm_torchmetrics.score(**given, shard=f"{index}/{count}", sums=folder / "part.sums.zip")
        result.save(folder / "part.json")
        return folder / "part.json"

    return write


@pytest.fixture(scope="module")
def parts(shard: Write) -> list[Path]:
    return [shard(index) for index in range(1, COUNT + 1)]


def plain(result: Result) -> dict[str, Any]:
    report = result.to_json()
    report["provenance"] = {name: value for name, value in report["provenance"].items() if name not in OF_ONE_RUN}
    return report


def test_merged_shards_are_the_whole_to_the_last_bit(whole: Result, parts: list[Path]) -> None:
    assert len(whole.failed) == 1
    assert all(whole.metrics[key].value is not None for key in ALL)
    assert plain(thm_torchmetrics.merge([parts[2], parts[0], parts[1]])) == plain(whole)


def test_more_shards_than_clips_leave_some_empty(whole: Result, shard: Write) -> None:
    many = [shard(index, 5) for index in range(1, 6)]
    assert sorted(len(Result.load(path).clips) for path in many) == [0, 1, 1, 1, 1]
    assert plain(thm_torchmetrics.merge(many)) == plain(whole)


def test_a_merged_result_names_its_shards(parts: list[Path]) -> None:
    shards = thm_torchmetrics.merge(parts).provenance["shards"]
    assert [each["file"] for each in shards] == ["part.json"] * COUNT
    assert sum(each["clips"] for each in shards) == 4


def refused(paths: list[Path]) -> str:
    with pytest.raises(InputError) as caught:
        thm_torchmetrics.merge(paths)
    return str(caught.value)


def test_a_missing_shard_is_named(parts: list[Path]) -> None:
    assert "of 3 shards 2 is missing" in refused([parts[0], parts[2]])
    assert "of 3 shards 1, 3 are missing" in refused([parts[1]])
    assert "nothing to merge" in refused([])


def test_a_shard_given_twice_is_named(parts: list[Path], tmp_path: Path) -> None:
    shutil.copy(parts[1], tmp_path / "again.json")
    said = refused([*parts, tmp_path / "again.json"])
    assert "again.json (shard 2/3) is given twice" in said
    assert str(parts[1]) in said


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"metrics": ["psnr", "cpbd"], "options": None, "preds_features": None, "target_features": None}, "asked"),
        ({"options": {"ssim": {"average": "frame"}}}, "own_options"),
        ({"with_target": False}, "with_target"),
        ({"every": 2}, "every"),
        ({"missing": "error"}, "options missing is error and not skip"),
        ({"align": "error"}, "options align is error and not truncate"),
    ],
    ids=str,
)
def test_a_shard_of_other_options_is_named(parts: list[Path], shard: Write, others: dict[str, Any], said: str) -> None:
    foreign = shard(2, **others)
    text = refused([parts[0], foreign, parts[2]])
    assert f"{foreign} (shard 2/3) is of another run than {parts[0]} (shard 1/3): the run's " in text
    assert said in text


def test_a_shard_of_another_count_or_of_other_data_is_named(
    parts: list[Path], shard: Write, sample: Path, tmp_path: Path
) -> None:
    assert "the number of shards is 2 and not 3" in refused([parts[0], shard(2, 2), parts[2]])
    other = Path(shutil.copytree(sample, tmp_path / "other"))
    with sorted((other / "pred_video").iterdir())[0].open("ab") as file:
        file.write(b"\0")
    assert "the data is" in refused([parts[0], shard(2, **options(other)), parts[2]])


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda plain: plain["provenance"]["versions"].update(av="1.0"), "the version of av is 1.0 and not"),
        (lambda plain: plain["provenance"].update(weights={"x": {"sha256": "ab"}}), "the checkpoint x is ab and not"),
        (lambda plain: plain["skipped"].update(lpips="no network"), "a skipped metric lpips is no network and not"),
        (lambda plain: plain["clips"].pop(), "it was stopped; run it again"),
        (lambda plain: plain["provenance"].pop("shard"), "is no shard"),
        (lambda plain: plain["provenance"]["shard"].pop("recipe"), "shard lacks 'recipe'"),
        (
            lambda plain: plain["provenance"]["shard"].update(numbers=[0] * len(plain["clips"])),
            "do not hold each of the 4 clips once",
        ),
        (lambda plain: plain["provenance"]["shard"].update(sums="absent.zip"), "absent.zip, the sums of"),
        (lambda plain: plain["provenance"]["shard"].update(run="other"), "holds the sums of another run than"),
    ],
)
def test_a_report_that_does_not_fit_is_named(
    parts: list[Path], edit: Callable[[dict[str, Any]], Any], said: str, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(parts[1].parent, tmp_path / "edited"))
    plain = json.loads((folder / "part.json").read_text(encoding="utf-8"))
    edit(plain)
    (folder / "part.json").write_text(json.dumps(plain), encoding="utf-8")
    text = refused([parts[0], folder / "part.json", parts[2]])
    assert said in text
    assert str(folder) in text or "each of the 4 clips" in text


def test_a_shard_of_a_metric_whose_package_is_absent_is_named(
    sample: Path, shard: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dlib")
    asked = {"metrics": "lmd", "extractor": {"lmd": "dlib"}, "with_target": False}
    part = shard(1, 1, **asked, options={}, preds_features={}, target_features={})
    assert "lmd" in thm_torchmetrics.merge([part]).metrics
    monkeypatch.setitem(sys.modules, "dlib", None)
    said = "lmd cannot be made here: the extractor 'dlib' needs dlib: pip install 'thm-torchmetrics[dlib]'"
    assert f"{part}: {said}" in refused([part])


@pytest.mark.parametrize("seed", range(12))
def test_damaged_sums_are_an_error_or_change_nothing(
    whole: Result, parts: list[Path], seed: int, tmp_path: Path
) -> None:
    """Flipped bits, cuts and zeroed holes at random places."""
    folder = Path(shutil.copytree(parts[1].parent, tmp_path / "damaged"))
    file = folder / "part.sums.zip"
    content, draw = bytearray(file.read_bytes()), np.random.default_rng(seed)
    place = int(draw.integers(len(content)))
    if seed % 3 == 0:
        content[place] ^= 1 << int(draw.integers(8))
    elif seed % 3 == 1:
        content = content[:place]
    else:
        content[place : place + 64] = bytes(len(content[place : place + 64]))
    file.write_bytes(content)
    try:
        merged = thm_torchmetrics.merge([parts[0], folder / "part.json", parts[2]])
    except InputError as error:
        assert str(file) in str(error)  # noqa: PT017
    else:
        assert plain(merged) == plain(whole)


def test_one_file_is_no_list_of_files() -> None:
    with pytest.raises(InputError, match=r"merge takes a list of files, got 'part1.json' alone"):
        thm_torchmetrics.merge("part1.json")


def test_a_shard_needs_a_file_for_its_sums(sample: Path) -> None:
    with pytest.raises(InputError, match="`shard=` and `sums=` go together"):
        thm_torchmetrics.score(sample, metrics="psnr", shard="1/2")


def test_sums_that_cannot_be_written_cost_no_clip(sample: Path, whole: Result) -> None:
    found = thm_torchmetrics.score(**options(sample), shard="1/1", sums="/dev/full")
    assert {key: metric.value for key, metric in found.metrics.items()} == {
        key: metric.value for key, metric in whole.metrics.items()
    }
    assert len(found.clips) == len(whole.clips)
    assert found.unwritten == ["/dev/full was not written: No space left on device"]
    assert found.notes[-1] == found.unwritten[0]
