"""Files that do not fit each other, or cannot be measured: what `thm score` says of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from thm_torchmetrics.cli import main
from thm_torchmetrics.media.write import write_video

SIZE = 64


def pictures(fps: float, seconds: float = 1.0) -> list[np.ndarray]:
    """A bar that moves across the picture once a second, whatever the rate."""
    frames = []
    for i in range(round(fps * seconds)):
        frame = np.full((SIZE, SIZE, 3), 40, np.uint8)
        left = round((i / fps % 1) * (SIZE - 8))
        frame[:, left : left + 8] = 220
        frames.append(frame)
    return frames


def lossless(path: Path, fps: float, seconds: float = 1.0, **kwargs: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_video(path, pictures(fps, seconds), fps, codec_options={"crf": "4"}, **kwargs)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["score", *map(str, arguments), "--quiet"])


def report(*arguments: object) -> tuple[int, dict[str, Any]]:
    result = run(*arguments, "--format", "json")
    assert result.stdout, result.output
    return result.exit_code, json.loads(result.stdout)


@pytest.fixture(scope="module")
def rates(tmp_path_factory: pytest.TempPathFactory) -> dict[float, Path]:
    folder = tmp_path_factory.mktemp("rates")
    return {fps: lossless(folder / f"fps_{fps:g}.mp4", fps) for fps in (24, 25, 29.97, 30, 50)}


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("target", [24, 25, 30, 50])
@pytest.mark.parametrize("preds", [24, 25, 29.97, 50])
def test_pairs_of_unlike_rates(rates: dict[float, Path], preds: float, target: float) -> None:
    files = ("--preds", rates[preds], "--target", rates[target], "--metrics", "psnr,cpbd")
    code, result = report(*files)
    if abs(preds - target) <= 0.01 * target:
        assert (code, result["clips"][0]["error"]) == (0, None)
        return
    assert code == 3
    (clip,) = result["clips"]
    for part in (f"{preds:.6g}", f"{target:.6g}", "--align time", "--align truncate"):
        assert part in clip["error"]
    assert "cpbd" not in clip["error"]
    assert result["metrics"]["psnr"]["value"] is None
    assert result["metrics"]["cpbd"]["frames"] == round(preds)
    by_number = report(*files, "--align", "truncate")[1]["metrics"]["psnr"]
    by_time = report(*files, "--align", "time")[1]["metrics"]["psnr"]
    assert by_time["frames"] + by_time["left_out"] >= round(target)
    if max(preds, target) > 1.1 * min(preds, target):  # else number and time differ by one frame at most
        assert by_time["value"] > by_number["value"] + 3


def test_every_thins_the_target_alone_where_frames_are_paired_by_time(rates: dict[float, Path]) -> None:
    files = ("--preds", rates[50], "--target", rates[25], "--metrics", "psnr,cpbd", "--align", "time")
    whole, thinned = report(*files)[1], report(*files, "--every", 5)[1]
    assert (thinned["metrics"]["psnr"]["frames"], thinned["metrics"]["cpbd"]["frames"]) == (5, 10)
    assert thinned["metrics"]["psnr"]["value"] == pytest.approx(whole["metrics"]["psnr"]["value"], abs=4)


def test_a_clip_without_a_face_is_a_failed_clip(tmp_path: Path) -> None:
    pytest.importorskip("dlib")
    video = lossless(tmp_path / "bar.mp4", 25, 0.2)
    code, result = report(
        "--preds", video, "--target", video, "--metrics", "psnr,lmd,csim", "--extractor", "lmd=dlib",
        "--extractor", "csim=dlib",
    )  # fmt: skip
    assert code == 3
    (clip,) = result["clips"]
    assert clip["status"] == "failed"
    assert "lmd, csim: no face found in 5 frames" in clip["error"]
    assert result["metrics"]["psnr"]["value"] == pytest.approx(80)  # piq's epsilon of 1e-8
    assert result["metrics"]["lmd"]["value"] is None
    assert "no face found in 5 frames" in result["metrics"]["lmd"]["why"]


def test_a_suite_member_without_its_input_leaves_the_status(rates: dict[float, Path]) -> None:
    files = ("--preds", rates[25], "--target", rates[25])
    code, _ = report(*files, "--metrics", "psnr,aue")
    assert code == 3
    named = run(*files, "--metrics", "psnr")
    assert named.exit_code == 0


def test_one_frame_is_no_video(rates: dict[float, Path], tmp_path: Path) -> None:
    still = write_video(tmp_path / "still.mp4", pictures(25)[:1], 25)
    code, result = report("--preds", rates[25], "--target", still, "--metrics", "psnr")
    assert code == 4
    assert "one frame beside 25" in result["clips"][0]["error"]


def test_a_variable_rate_is_a_remark(rates: dict[float, Path], tmp_path: Path) -> None:
    times = [0.04 * i + (0.2 if i > 10 else 0) for i in range(25)]
    varies = write_video(tmp_path / "varies.mp4", pictures(25), 25, times=times)
    code, result = report("--preds", varies, "--target", rates[25], "--metrics", "psnr", "--align", "time")
    assert code == 0
    (note,) = result["clips"][0]["notes"]
    assert "varies.mp4" in note
    assert "frame rate" in note
    assert report("--preds", rates[25], "--target", rates[25], "--metrics", "psnr")[1]["clips"][0]["notes"] == []


def test_brightness_of_another_kind_is_a_remark(rates: dict[float, Path], tmp_path: Path) -> None:
    tags = {"x265-params": "colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc:log-level=none"}
    hlg = write_video(
        tmp_path / "hlg.mp4", pictures(25), 25, codec="libx265", pixel_format="yuv420p10le", codec_options=tags
    )
    code, result = report("--preds", rates[25], "--target", hlg, "--metrics", "psnr")
    assert code == 0
    assert any("hlg.mp4 is HDR" in note for note in result["clips"][0]["notes"])
    stored = next(iter(result["provenance"]["media"]["target"]))
    assert stored.startswith("hevc 64x64 25 fps, yuv420p10le 10 bit")
    assert "hlg" in stored
    assert report("--preds", hlg, "--target", hlg, "--metrics", "psnr")[1]["clips"][0]["notes"] == []


def test_remarks_stand_in_every_format(tmp_path: Path) -> None:
    times = [0.04 * i + (0.2 if i > 10 else 0) for i in range(25)]
    varies = write_video(tmp_path / "varies.mp4", pictures(25), 25, times=times)
    outputs = [tmp_path / f"out.{suffix}" for suffix in ("json", "csv", "md", "tex")]
    result = run(
        "--preds", varies, "--target", varies, "--metrics", "psnr", *(part for file in outputs for part in ("-o", file))
    )
    assert result.exit_code == 0
    assert "Remark" in result.stdout
    for text in (result.stdout, *(file.read_text(encoding="utf-8") for file in outputs)):
        assert "frame rate" in text


def test_lip_sync_counts_clips(tmp_path: Path, sync_weights: dict[str, Path]) -> None:
    sound = (np.random.default_rng(0).normal(0, 0.1, 16000) * 2**15).astype(np.int16)
    for name in ("a", "b"):
        lossless(tmp_path / "pred_video" / f"{name}.mp4", 25, 1.0, audio=sound)
    result = run(
        tmp_path, "--metrics", "lse-d:wav2lip-lrs,cpbd", "--weights", f"syncnet={sync_weights['syncnet']}",
        "--format", "md",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    columns = {row[0].split()[0].strip("*\\"): row for row in rows(result.stdout)[2:4]}
    assert columns["lse-d:wav2lip-lrs"][4:6] == ["2 clips", "2"]
    assert columns["cpbd"][4:6] == ["50", "2"]


@pytest.mark.parametrize(("fps", "seconds", "remarks"), [(25, 1.0, []), (30, 1.0, ["30"]), (25, 2.0, ["1.00 s"])])
def test_lip_sync_remarks_on_clocks(
    tmp_path: Path, sync_weights: dict[str, Path], fps: float, seconds: float, remarks: list[str]
) -> None:
    sound = (np.random.default_rng(0).normal(0, 0.1, 16000) * 2**15).astype(np.int16)
    video = lossless(tmp_path / "talk.mp4", fps, seconds, audio=sound)
    weights = ("--weights", f"syncnet={sync_weights['syncnet']}")
    _, result = report("--preds", video, "--metrics", "lse-d:wav2lip-lrs", *weights)
    notes = result["clips"][0]["notes"]
    assert len(notes) == len(remarks)
    for note, part in zip(notes, remarks, strict=True):
        assert part in note


UNITS = ("01", "02", "04", "05", "06", "07", "09", "10", "12", "14", "15", "17", "20", "23", "25", "26", "45")


def table(path: Path, fps: float, seconds: float, units: tuple[str, ...] = UNITS) -> Path:
    """Intensities that change every 0.2 s, and are 0 in every second such interval."""
    header = ["frame", "timestamp", "confidence", "success", *(f"AU{unit}_r" for unit in units)]
    lines = [",".join(header)]
    for i in range(round(seconds * fps)):
        step = int((i / fps + 1e-9) / 0.2)
        level = 0.0 if step % 2 else 0.5 + step % 5
        lines.append(f"{i + 1},{i / fps:.3f},0.98,1," + ",".join(f"{level:.2f}" for _ in units))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("fps", [24, 30, 50])
def test_tables_of_unlike_rates_are_paired_by_timestamp(tmp_path: Path, fps: float) -> None:
    preds, target = table(tmp_path / "p.csv", fps, 4), table(tmp_path / "t.csv", 25, 4)
    files = ("--preds-au", preds, "--target-au", target, "--metrics", "aue")
    code, result = report(*files)
    assert code == 0
    (note,) = result["clips"][0]["notes"]
    assert f"{fps:g} rows per second" in note
    late = 0 if fps % 5 == 0 else 20  # at 24 a step begins up to 40 ms late: at most once in each of the 20 intervals
    assert result["metrics"]["aue"]["value"] <= 17 * 4.5**2 * late / 100
    assert result["metrics"]["aue"]["frames"] == 100
    by_number = report(*files, "--align", "truncate")[1]
    assert by_number["metrics"]["aue"]["value"] > 17
    assert by_number["clips"][0]["notes"] == []


def test_a_table_without_a_unit_feeds_the_metrics_without_it(tmp_path: Path) -> None:
    preds, target = table(tmp_path / "p.csv", 25, 1, UNITS[:-1]), table(tmp_path / "t.csv", 25, 1)
    code, result = report("--preds-au", preds, "--target-au", target, "--metrics", "aue,aue-u,aue-l")
    assert code == 3
    assert "aue, aue-u: " in result["clips"][0]["error"]
    assert "p.csv: lacks the columns AU45_r" in result["clips"][0]["error"]
    values = {key: (metric["value"], metric["coverage"]) for key, metric in result["metrics"].items()}
    assert values == {"aue": (None, 0), "aue-u": (None, 0), "aue-l": (0, 1)}


def test_every_nth_row_of_tables(tmp_path: Path) -> None:
    preds, target = table(tmp_path / "p.csv", 25, 1), table(tmp_path / "t.csv", 25, 1)
    files = ("--preds-au", preds, "--target-au", target, "--metrics", "aue", "--every", 4)
    assert report(*files)[1]["metrics"]["aue"]["frames"] == 7
