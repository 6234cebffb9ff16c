"""Reports of several models: ranks, intervals, marks, and names that may hold anything."""

import csv
import io
import json
import re
import shutil
import subprocess
import unicodedata
from dataclasses import replace
from pathlib import Path

import pandas
import pytest
from comparison.results_of_models import model, two_models
from reports.results import metric
from reports.test_hostile_names import NAMES, STORABLE, acting

from thm_torchmetrics import reports
from thm_torchmetrics.catalog import CATALOG
from thm_torchmetrics.comparison.compare import compare_models
from thm_torchmetrics.comparison.comparison import Comparison
from thm_torchmetrics.comparison.models import read_models
from thm_torchmetrics.reports.comparison_cells import columns
from thm_torchmetrics.reports.comparison_latex import comparison_to_latex
from thm_torchmetrics.reports.comparison_table import show_comparison
from thm_torchmetrics.reports.comparison_text import (
    comparison_to_csv,
    comparison_to_json,
    comparison_to_markdown,
    comparison_to_wide_csv,
)
from thm_torchmetrics.scoring.result import Result


def compared(**options: object) -> Comparison:
    models = two_models()
    real = {"target": {"value": 0.9, "clips": 20, "coverage": 1.0, "detail": None}}
    ours = models["ours"]
    ours.metrics = {**ours.metrics, "ssim": replace(ours.metrics["ssim"], detail=real)}
    return compare_models(models, resamples=199, correlations=True, **options)


def named(name: str) -> Comparison:
    """A comparison in which one name stands wherever a name can stand."""
    models = two_models(8)
    for result in models.values():
        result.metrics = {**result.metrics, name: metric("csim", extractor=name, clips=8)}
        result.notes = [name]
        result.clips[0].clip = name
    found = compare_models({name: models["ours"], "base": models["base"]}, resamples=49, correlations=True)
    return replace(found, left_out=[name])


def shown(comparison: Comparison) -> str:
    screen = io.StringIO()
    show_comparison(comparison, screen)
    return screen.getvalue()


def test_the_best_is_the_first_by_direction_and_equal_as_shown_is_equal() -> None:
    values = {"a": 0.50001, "b": 0.50002, "c": 0.4, "d": 0.3}
    models = {name: model({"ssim": [value] * 8, "lpips": [value] * 8}) for name, value in values.items()}
    ssim, lpips = columns(compare_models(models, resamples=49))
    assert ssim.ranks == {"a": 1, "b": 1, "c": 2}
    assert lpips.ranks == {"d": 1, "c": 2}


def test_the_terminal_shows_values_intervals_differences_and_assumptions() -> None:
    text = shown(compared())
    found = compared().cells["psnr"]["base"]
    assert found.interval is not None
    assert f"{found.value:.2f}†" in text
    assert f"[{found.interval.low:.2f}, {found.interval.high:.2f}]" in text
    assert re.search(r"Ground truth +\u2013 +0\.9000", text)
    assert re.search(r"psnr +base +-1\.\d\d +\[-1\.\d\d, -0\.\d\d\] +0\.0\d\d +-\d\.\d\d", text)
    assert "p-values by Holm for 2 tests" in text
    assert "† differs from ours" in text
    assert "Kendall" in text


@pytest.mark.parametrize("width", [40, 80, 120])
def test_tables_are_split_to_fit_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {key: [0.5] * 8 for key in list(CATALOG)[:12]}
    monkeypatch.setattr("thm_torchmetrics.reports.table._WIDTH_OF_A_FILE", width)
    text = shown(compare_models({"ours": model(values), "base": model(values)}, resamples=49))
    table = text.partition("less ours")[0]
    assert max(len(line.rstrip()) for line in table.splitlines()[:-1]) <= max(width, 45)
    assert [key for key in values if f"{key} ↑" not in text and f"{key} ↓" not in text] == []


def test_json_is_read_again_as_the_same_models(tmp_path: Path) -> None:
    found = compared()
    reports.write_comparison(found, tmp_path / "all.json")
    plain = json.loads((tmp_path / "all.json").read_text())
    assert plain["schema"] == 1
    assert plain["comparison"]["differences"][0]["metric"] == "psnr"
    models = read_models([("", tmp_path / "all.json")])
    assert list(models) == ["ours", "base"]
    again = compare_models(models, resamples=199, correlations=True)
    assert comparison_to_json(again) == comparison_to_json(found)


def test_csv_is_read_by_pandas_long_and_wide() -> None:
    found = compared()
    table = pandas.read_csv(io.StringIO(comparison_to_csv(found)))
    row = table[(table.metric == "psnr") & (table.model == "base")].iloc[0]
    difference = found.difference("psnr", "base")

    def same(*numbers: float | None) -> object:  # pandas before 3.1 reads the last digit as it comes
        return pytest.approx(numbers, rel=1e-14)

    assert (row["value"], row["low"], row["high"]) == same(
        found.cells["psnr"]["base"].value, *found.cells["psnr"]["base"].interval[:2]
    )
    assert (row["difference"], row["p_holm"], row["dz"]) == same(difference.value, difference.p_holm, difference.effect)
    wide = pandas.read_csv(io.StringIO(comparison_to_wide_csv(found)), index_col="model")
    assert (wide.loc["base", "psnr"], wide.loc["Ground truth", "ssim"]) == same(row["value"], 0.9)


def test_markdown_marks_best_and_second() -> None:
    text = comparison_to_markdown(compared())
    assert re.search(r"^\| ours \| \*\*\d\d\.\d\d\*\* \\\[", text, re.M)
    assert re.search(r"^\| base \| <ins>\d\d\.\d\d†</ins> \\\[", text, re.M)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_change_no_report(name: str) -> None:
    found = named(name)
    for text in (shown(found), comparison_to_markdown(found), comparison_to_latex(found), comparison_to_json(found)):
        assert acting(text) == []
        text.encode("utf-8")
    rows = list(csv.reader(io.StringIO(comparison_to_csv(found), newline="")))
    assert {len(row) for row in rows} == {19}
    texts = [cell for row in rows for cell in (*row[:2], row[10], row[-1])]
    assert [text for text in texts if text.strip(" ").startswith(tuple("=+-@\t\r\n\uff1d"))] == []
    if name in STORABLE:
        assert name in [row[1].removeprefix("'") for row in rows]
    table = [line for line in comparison_to_markdown(found).splitlines() if line.startswith("|")]
    assert "<" not in re.sub("</?ins>", "", "".join(table)).replace(r"\<", "")
    lines = [line for line in comparison_to_latex(found).splitlines() if not line.startswith("%")]
    body = re.sub(r"\\[{}$&#%_\\]", "", "\n".join(lines))
    assert body.count("{") == body.count("}")
    assert len({line.count("&") for line in body.splitlines() if "&" in line}) == 1


def test_latex_names_packages_protocols_and_clips() -> None:
    text = comparison_to_latex(compared())
    assert r"% needs \usepackage{booktabs} and \usepackage{siunitx}" in text
    assert r"\caption{Values over 20 clips. Protocols: PSNR, SSIM: piq." in text
    assert r"{\textsuperscript{\dag}}" in text
    assert r"\bfseries 29" in text
    assert r"\llap{\underline{\phantom{2" in text


def compile_page(tables: list[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    page = r"\documentclass{article}\usepackage{booktabs}\usepackage{siunitx}\begin{document}" + "\n"
    (folder / "page.tex").write_text(page + "\n\\clearpage\n".join(tables) + "\\end{document}\n", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False)


def has_latex() -> bool:
    if shutil.which("pdflatex") is None or shutil.which("kpsewhich") is None:
        return False
    return subprocess.run(["kpsewhich", "siunitx.sty"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not has_latex(), reason="there is no pdflatex with siunitx")
@pytest.mark.slow
def test_latex_compiles_with_every_name_and_size(tmp_path: Path) -> None:
    values = {key: [0.5, 0.25, 3.0, -1.0] * 2 for key in CATALOG}
    many = compare_models({f"model {i}": model(values) for i in range(5)}, resamples=49)
    tables = [comparison_to_latex(compared()), comparison_to_latex(many)]
    for name in NAMES:
        if all(unicodedata.category(letter) != "Lo" and ord(letter) < 0x2000 for letter in name):
            tables.append(comparison_to_latex(named(name)))
    assert len(tables) > 25
    made = compile_page(tables, tmp_path)
    assert made.returncode == 0, made.stdout.decode(errors="replace")[-1500:]


def test_csv_says_what_changes_the_numbers_and_what_is_left_out() -> None:
    models = {
        name: replace(result, provenance={**result.provenance, "every": 5, "deviations": {"psnr": ["=average"]}})
        for name, result in two_models().items()
    }
    found = replace(compare_models(models, resamples=49), left_out=["ours has 1 clip (d) that not all have"])
    long = pandas.read_csv(io.StringIO(comparison_to_csv(found)))
    assert set(long.query("metric == 'psnr'").notes) == {"every 5th frame only; =average"}
    assert set(long.query("metric == 'ssim'").notes) == {"every 5th frame only"}
    wide = pandas.read_csv(io.StringIO(comparison_to_wide_csv(found)), index_col="model")
    assert list(wide.columns) == ["psnr", "ssim", "notes"]
    assert wide.loc["base", "notes"] == (
        "not compared: ours has 1 clip (d) that not all have; all metrics: every 5th frame only; psnr: =average"
    )


def test_wide_csv_has_notes_only_where_there_is_something_to_note() -> None:
    assert comparison_to_wide_csv(compare_models(two_models(), resamples=49)).startswith("model,psnr,ssim\nours,")


def test_latex_says_that_intervals_are_over_frames() -> None:
    def framed(values: list[float]) -> Result:
        result = model({"psnr": values}, [4] * len(values))
        for clip, value in zip(result.clips, values, strict=True):
            per_frame = {"value": [value - 1, value, value, value + 1]}
            clip.metrics["psnr"] = replace(clip.metrics["psnr"], per_frame=per_frame)
        return result

    few = compare_models({"ours": framed([30.0, 31.0]), "base": framed([29.0, 28.0])}, resamples=49)
    assert r"In brackets 95 \% bootstrap intervals, over the frames of these clips." in comparison_to_latex(few)
    many = comparison_to_latex(compare_models(two_models(), resamples=49))
    assert "bootstrap intervals." in many
    assert "over the frames" not in many
