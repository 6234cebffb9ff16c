"""The layout and the digits of LaTeX tables."""

import math
import shutil
import subprocess
from pathlib import Path

import pytest
from reports.results import metric, result, with_real_videos

from thm_torchmetrics import reports
from thm_torchmetrics.catalog import CATALOG, SUITES
from thm_torchmetrics.reports.cells import decimals
from thm_torchmetrics.reports.text import to_latex
from thm_torchmetrics.scoring.result import Result


def body(text: str) -> list[list[str]]:
    """The rows of a table, its head included, by cells."""
    lines = [line for line in text.splitlines() if line.endswith(r" \\")]
    return [line.removesuffix(r" \\").split(" & ") for line in lines]


def test_packages_are_named() -> None:
    assert r"% needs \usepackage{booktabs}" in to_latex(result()).splitlines()


def test_the_real_videos_stand_above_the_method() -> None:
    found = with_real_videos()
    assert body(to_latex(found, "Mine & co")) == [
        ["Method", r"PSNR $\uparrow$", r"CPBD $\uparrow$"],
        ["Ground truth", "--", "0.7500"],
        [r"Mine \& co", r"$\infty$", "0.2500"],
    ]
    assert [row[0] for row in body(to_latex(result()))] == ["Method", "Ours"]


def test_the_name_of_the_method_is_written_to_the_file(tmp_path: Path) -> None:
    reports.write(result(), tmp_path / "out.tex", "中文 Net")
    assert body((tmp_path / "out.tex").read_text(encoding="utf-8"))[1][0] == "中文 Net"


def test_a_metric_without_the_delay_is_told_from_the_metric() -> None:
    heads = body(to_latex(result(("psnr", "psnr@aligned", "ssim:skimage", "ssim:skimage@aligned"))))[0]
    assert [head.partition(" $")[0] for head in heads[1:]] == [
        "PSNR", "PSNR@aligned", "SSIM (skimage)", "SSIM@aligned (skimage)",
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 7, 8, 9, 28])
def test_more_than_eight_metrics_are_rows(count: int) -> None:
    keys = tuple(key for key in CATALOG if len(key) > 3)[:count]  # more of those with short names fit
    rows = body(to_latex(result(keys)))
    if rows[0][0] == "Metric":
        assert rows[0] == ["Metric", "Ours"]
        assert len(rows) == count + 1
    else:
        assert count <= 8
        assert len(rows[0]) == count + 1
    assert {len(row) for row in rows} == {len(rows[0])}


@pytest.mark.parametrize(
    ("unit", "values", "places"),
    [
        ("dB", [31.7654], 2), ("dB", [math.inf], 2), ("frames", [0.5], 2),
        ("", [0.83145], 4), ("", [0.0512], 4), ("", [0.0], 4), ("", [1.0], 3), ("px", [3.4567], 3), ("", [12.3456], 2),
        ("", [9.9, 10.1], 2), ("", [-7.5, None], 3), ("", [123456.789], 2), ("", [None], 4), ("AU²", [0.25], 4),
    ],
)  # fmt: skip
def test_decimals_by_unit_and_size(unit: str, values: list[float | None], places: int) -> None:
    assert decimals(unit, values) == places


def test_both_rows_of_a_metric_have_the_same_decimals() -> None:
    real = {"target": {"value": 12.3456, "clips": 1, "coverage": 1.0, "detail": None}}
    found = Result({}, {"lse-d": metric("lse-d", 7.12345, detail=real)}, [], {})
    assert [row[1] for row in body(to_latex(found))[1:]] == ["12.35", "7.12"]


def test_a_negative_value_has_a_minus_sign() -> None:
    assert body(to_latex(Result({}, {"csim": metric("csim", -0.25)}, [], {})))[1] == ["Ours", "$-$0.2500"]


def test_a_metric_that_is_not_of_the_catalog_is_shown_by_its_key() -> None:
    found = Result({}, {"my_metric": metric("psnr")}, [], {})
    assert body(to_latex(found))[0][1] == r"my\_metric $\uparrow$"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex")
@pytest.mark.slow
@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_fits_on_a_page(suite: str, tmp_path: Path) -> None:
    found = result(SUITES[suite])
    found.metrics = {key: metric(key, 23.4567 if part.unit == "dB" else 0.12345) for key, part in found.metrics.items()}
    table = to_latex(found)
    start = table.index(r"\begin{tabular}")
    box = table[start : table.index(r"\end{tabular}")] + r"\end{tabular}"
    page = rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}\setbox0=\hbox{{{box}}}"
    page += rf"\ifdim\wd0>440pt\errmessage{{too wide}}\fi{table}\end{{document}}"
    (tmp_path / "page.tex").write_text(page, encoding="utf-8")
    made = subprocess.run(["pdflatex", "-halt-on-error", "page.tex"], cwd=tmp_path, capture_output=True)
    assert made.returncode == 0, made.stdout.decode(errors="replace")[-1000:]
