"""CSV as pandas reads it without options."""

import csv
import io
import math
from pathlib import Path

import pandas
from reports.results import metric, result, with_real_videos

from thm_torchmetrics import reports
from thm_torchmetrics.reports.text import to_csv
from thm_torchmetrics.scoring.result import ClipScore, Result


def read(found: Result) -> pandas.DataFrame:
    return pandas.read_csv(io.StringIO(to_csv(found)))


def test_columns_are_clip_status_metrics_and_notes() -> None:
    assert read(result(("psnr", "ssim:skimage"))).columns.tolist() == [
        "clip",
        "status",
        "psnr",
        "ssim:skimage",
        "notes",
    ]


def test_a_clip_called_all_is_not_the_total() -> None:
    found = result(names=("ALL", "a"))
    found.metrics = {"psnr": metric("psnr", 3.0), "csim": metric("csim", 4.0)}
    table = read(found)
    assert table["status"].tolist() == ["ok", "ok", "total"]
    assert table.loc[table["status"] == "total", "psnr"].item() == 3.0
    assert table.loc[(table["clip"] == "ALL") & (table["status"] == "ok"), "psnr"].item() == 0.5


def test_names_of_digits_stay_text() -> None:
    assert read(result(names=("0001", "0002")))["clip"].tolist() == ["0001", "0002", "ALL"]


def test_infinity_is_not_the_lack_of_a_value() -> None:
    found = result(("psnr",), ("a", "b", "c"))
    values = (math.inf, None, -math.inf)
    for clip, value in zip(found.clips, values, strict=True):
        clip.metrics = {"psnr": ClipScore(value, 3, 0)}
    found.metrics = {"psnr": metric("psnr", math.inf)}
    read_back = read(found)["psnr"].tolist()
    assert read_back[0] == read_back[3] == math.inf
    assert math.isnan(read_back[1])
    assert read_back[2] == -math.inf


def test_values_come_back_to_the_last_digit() -> None:
    found = result(("psnr",))
    found.clips[0].metrics = {"psnr": ClipScore(0.1 + 0.2, 3, 0)}
    row = next(csv.DictReader(io.StringIO(to_csv(found))))
    assert float(row["psnr"]) == 0.1 + 0.2


def test_rows_of_the_real_videos() -> None:
    table = read(with_real_videos())
    real = table[table["status"] == "real"]
    assert real["clip"].tolist() == ["a", "b"]
    assert real["cpbd"].tolist() == [0.7, math.inf]
    assert real["psnr"].isna().all()
    assert table.loc[table["status"] == "real total", "cpbd"].item() == 0.75
    assert table.loc[table["status"] == "total", "cpbd"].item() == 0.25
    assert "real" not in set(read(result())["status"])


def test_reasons_stand_beside_their_clip_in_one_clause() -> None:
    found = result(names=("a", "b"))
    found.clips[1].errors = ["psnr: /home/me/gt/b.mp4: is cut short; copy it again", "csim: no face found"]
    found.clips[1].notes = ["/home/me/gt/b.mp4 is HDR"]
    notes = read(found)["notes"]
    assert notes[1] == "psnr: b.mp4: is cut short; csim: no face found; b.mp4 is HDR"
    assert notes.isna().tolist() == [True, False, True]


def test_nothing_is_written_beside_it(tmp_path: Path) -> None:
    reports.write(result(every=10), tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
