"""What made given features: files that were made differently are refused, and the report says what made them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from thm_torchmetrics.cli import main
from thm_torchmetrics.errors import MismatchError
from thm_torchmetrics.media.feature_files import FeatureFile
from thm_torchmetrics.scoring.feature_provenance import GivenFeatures, check_times

ROWS = np.random.default_rng(0).normal(size=(2, 12, 8))
EXPECTED = np.mean(
    [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(*ROWS, strict=True)],
)
MADE_BY: dict[str, Any] = {
    "extractor": "arcface-r100",
    "face_landmarks": "fan",
    "face": "largest",
    "upsample": 0,
    "options": ["flip=False"],
    "checkpoints": ["arcface-r100", "fan2d"],
    "sha256": ["a" * 64, "b" * 64],
    "every": 1,
    "version": "0.1.0",
}
OTHERS: dict[str, Any] = {
    "extractor": "dlib",
    "face_landmarks": "dlib",
    "face": "first",
    "upsample": 1,
    "options": ["flip=True"],
    "sha256": ["a" * 64, "c" * 64],
    "every": 5,
    "version": "0.2.0",
}
SHOWN = {"sha256": ("fan2d bbbbbbbbbbbb", "fan2d cccccccccccc"), "options": ("flip=False", "flip=True")}


def write(path: Path, rows: np.ndarray, fps: float = 25.0, times: Any = None, **facts: Any) -> None:
    """Write a file as ``thm extract`` does; a fact of None is left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(len(rows)) / fps if times is None else times
    held = {name: value for name, value in (MADE_BY | facts).items() if value is not None}
    np.savez_compressed(path, embeddings=rows, times=times, fps=fps, **held)


def both(folder: Path, clip: str = "a", **target: Any) -> None:
    write(folder / "preds" / f"{clip}.npz", ROWS[0])
    write(folder / "target" / f"{clip}.npz", ROWS[1], **target)


def score(folder: Path, *arguments: object, key: str = "csim") -> tuple[int, dict[str, Any]]:
    given = [f"--{side}-features={key}={folder / side}" for side in ("preds", "target")]
    asked = ["score", *given, "--metrics", key, "--format", "json", "--quiet", *map(str, arguments)]
    result = CliRunner().invoke(main, asked)
    assert result.stdout, result.output
    return result.exit_code, json.loads(result.stdout)


def test_what_made_the_features_stands_in_the_report(tmp_path: Path) -> None:
    both(tmp_path)
    code, report = score(tmp_path)
    assert code == 0
    metric = report["metrics"]["csim"]
    assert metric["value"] == pytest.approx(EXPECTED)
    assert metric["extractor"] == "arcface-r100 (features, landmarks of fan)"
    made_by = report["provenance"]["features"]["csim"]
    assert made_by["extractor"] == "arcface-r100"
    assert (made_by["landmarks"], made_by["face"], made_by["every"]) == ("fan", "largest", 1)
    assert made_by["sha256"] == MADE_BY["sha256"]
    assert (made_by["files"], made_by["without_provenance"]) == (2, 0)
    (line,) = report["provenance"]["deviations"]["csim"]
    for part in ("arcface-r100", "landmarks fan", "face largest", "aaaaaaaaaaaa", "bbbbbbbbbbbb", "version 0.1.0"):
        assert part in line


@pytest.mark.parametrize("fact", OTHERS)
def test_a_pair_that_was_made_differently_is_a_failed_clip(tmp_path: Path, fact: str) -> None:
    both(tmp_path)
    both(tmp_path, "b", **{fact: OTHERS[fact]})
    code, report = score(tmp_path)
    assert code == 3
    one, other = report["clips"]
    assert one["error"] is None
    for part in SHOWN.get(fact, (str(MADE_BY[fact]), str(OTHERS[fact]))):
        assert part in other["error"]
    assert report["metrics"]["csim"]["value"] == pytest.approx(EXPECTED)
    assert report["metrics"]["csim"]["clips"] == 1


@pytest.mark.parametrize("fact", OTHERS)
@pytest.mark.parametrize("key", ["csim", "fid"])
def test_clips_that_were_made_differently_have_no_common_mean(tmp_path: Path, fact: str, key: str) -> None:
    both(tmp_path)
    for side, rows in zip(("preds", "target"), ROWS, strict=True):
        write(tmp_path / side / "b.npz", rows, **{fact: OTHERS[fact]})
    code, report = score(tmp_path, key=key)
    assert code == 3
    assert report["clips"][0]["error"] is None
    error = report["clips"][1]["error"]
    assert "first clip, a" in error
    for part in SHOWN.get(fact, (str(MADE_BY[fact]), str(OTHERS[fact]))):
        assert part in error
    assert report["metrics"][key]["clips"] == 1


def test_sides_of_an_unpaired_metric_are_compared_across_clips(tmp_path: Path) -> None:
    write(tmp_path / "preds" / "a.npz", ROWS[0])
    write(tmp_path / "target" / "b.npz", ROWS[1], extractor="dlib")
    code, report = score(tmp_path, key="fid")
    assert code == 4
    assert "arcface-r100" in report["clips"][1]["error"]
    assert "dlib" in report["clips"][1]["error"]


def test_facts_that_a_file_of_an_earlier_version_lacks_are_not_compared(tmp_path: Path) -> None:
    both(tmp_path, face=None, upsample=None, options=None)
    code, report = score(tmp_path)
    assert (code, report["clips"][0]["error"]) == (0, None)


@pytest.mark.parametrize("form", ["npy", "npz"])
def test_files_without_provenance_are_taken_and_the_report_says_so(tmp_path: Path, form: str) -> None:
    both(tmp_path)
    for side, rows in zip(("preds", "target"), ROWS, strict=True):
        path = tmp_path / side / f"b.{form}"
        np.save(path, rows) if form == "npy" else np.savez(path, anything=rows)
    code, report = score(tmp_path)
    assert code == 0
    assert report["metrics"]["csim"]["value"] == pytest.approx(EXPECTED)
    assert report["provenance"]["features"]["csim"]["without_provenance"] == 2
    assert any("2 of 4 files, such as b." in line for line in report["provenance"]["deviations"]["csim"])
    for side in ("preds", "target"):
        (tmp_path / side / "a.npz").unlink()
    code, report = score(tmp_path)
    assert report["metrics"]["csim"]["extractor"] is None
    assert report["provenance"]["deviations"]["csim"] == [
        "features without provenance: no provenance tells what made them"
    ]


# ---- clocks


def test_unlike_rates_fail_and_can_be_paired_by_time(tmp_path: Path) -> None:
    write(tmp_path / "preds" / "a.npz", np.repeat(ROWS[0], 2, axis=0), fps=50)
    write(tmp_path / "target" / "a.npz", ROWS[1])
    code, report = score(tmp_path)
    assert code == 4
    for part in ("50", "25", "--align time"):
        assert part in report["clips"][0]["error"]
    code, report = score(tmp_path, "--align", "time")
    assert code == 0
    assert report["metrics"]["csim"]["value"] == pytest.approx(EXPECTED)


def test_every_may_differ_where_rows_are_paired_by_time(tmp_path: Path) -> None:
    write(tmp_path / "preds" / "a.npz", ROWS[0])
    write(tmp_path / "target" / "a.npz", ROWS[1][::3], fps=25 / 3, every=3)
    assert score(tmp_path)[0] == 4
    assert score(tmp_path, "--align", "truncate")[0] == 4
    code, report = score(tmp_path, "--align", "time")
    cosines = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(*ROWS[:, ::3], strict=True)]
    assert code == 0
    assert report["metrics"]["csim"]["value"] == pytest.approx(np.mean(cosines))
    assert report["provenance"]["features"]["csim"]["every"] == {"preds": 1, "target": 3}


@pytest.mark.parametrize("gap", range(1, 12))
def test_rows_of_one_number_and_other_times_are_no_pair(tmp_path: Path, gap: int) -> None:
    """One frame was dropped somewhere, which the header's rate does not tell."""
    times = np.arange(12) / 25 + (np.arange(12) >= gap) / 25
    both(tmp_path, times=times)
    code, report = score(tmp_path)
    assert code == 4
    assert "of other times: row" in report["clips"][0]["error"]
    assert "--align time" in report["clips"][0]["error"]
    assert score(tmp_path, "--align", "truncate")[0] == 0
    assert score(tmp_path, "--align", "time")[0] == 0


@pytest.mark.parametrize("count", [200, 1001])
def test_a_dropped_frame_is_seen_wherever_it_was(count: int) -> None:
    def clip(times: np.ndarray) -> GivenFeatures:
        return GivenFeatures(FeatureFile(Path("a.npz"), np.zeros((count, 2)), tuple(times.tolist()), 25.0), "a")

    frames = np.arange(count) / 25
    check_times(clip(frames), clip(np.round(frames, 2)))
    for gap in range(1, count - 1):
        with pytest.raises(MismatchError, match="of other times"):
            check_times(clip(frames), clip(frames + (np.arange(count) >= gap) / 25))


@pytest.mark.parametrize(
    "times",
    [
        np.arange(12) / 25 + 3.2,  # the other clock starts later
        np.round(np.arange(12) / 25, 2),
        np.round(np.arange(12) / 25 * 1.001, 3),  # 24.975 is 25, as for videos
        np.arange(12) / 25 + np.tile([0.0, 0.004], 6),
    ],
)
def test_clocks_that_are_one(tmp_path: Path, times: np.ndarray) -> None:
    both(tmp_path, times=times)
    assert score(tmp_path)[0] == 0


def test_without_times_rows_cannot_be_paired_by_time(tmp_path: Path) -> None:
    for side, rows in zip(("preds", "target"), ROWS, strict=True):
        (tmp_path / side).mkdir()
        np.save(tmp_path / side / "a.npy", rows)
    code, report = score(tmp_path, "--align", "time")
    assert code == 4
    assert "needs the times of the frames" in report["clips"][0]["error"]


# ---- first files that cannot be read


@pytest.mark.parametrize("bad", [["preds/a"], ["preds/a", "preds/b"], ["preds/a", "target/a"]])
def test_an_unreadable_first_file_fails_its_clip_alone(tmp_path: Path, bad: list[str]) -> None:
    for clip in "abc":
        both(tmp_path, clip)
    for name in bad:
        (tmp_path / f"{name}.npz").write_bytes(b"PK\x03\x04 damaged")
    code, report = score(tmp_path, key="fid")
    assert code == 3
    broken = {name[-1] for name in bad}
    for clip in report["clips"]:
        assert (clip["error"] is not None) == (clip["clip"] in broken)
    assert report["metrics"]["fid"]["value"] is not None


def test_where_no_file_can_be_read_the_metric_is_skipped_and_the_others_go_on(tmp_path: Path) -> None:
    both(tmp_path)
    for side in ("p", "t"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "a.npy").write_bytes(b"damaged")
    more = ["--metrics", "csim,fid", "--preds-features", f"fid={tmp_path / 'p'}"]
    given = [f"--{side}-features=csim={tmp_path / side}" for side in ("preds", "target")]
    asked = ["score", *given, *more, "--target-features", f"fid={tmp_path / 't'}", "--format", "json"]
    result = CliRunner().invoke(main, asked)
    report = json.loads(result.stdout)
    assert result.exit_code == 3
    assert "none of 2 files of features can be read" in report["skipped"]["fid"]
    assert "a.npy" in report["skipped"]["fid"]
    assert report["metrics"]["csim"]["value"] == pytest.approx(EXPECTED)


def test_e_fid_reads_all_coefficients(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(2, 100, 257))
    for side, own in zip(("preds", "target"), (rows[0], rows[0] + 0.5), strict=True):
        (tmp_path / side).mkdir()
        np.savez(tmp_path / side / "a.npz", coefficients=own)
    code, report = score(tmp_path, key="e-fid")
    assert code == 0
    assert report["metrics"]["e-fid"]["value"] == pytest.approx(64 * 0.25)  # 64 means 0.5 apart
