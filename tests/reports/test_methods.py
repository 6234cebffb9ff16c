"""The paragraph of methods states the facts, and cites what exists."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from comparison.results_of_models import two_models
from reports.results import result
from reports.test_hostile_names import NAMES, acting, everywhere

from thm_torchmetrics.catalog import CATALOG, citations
from thm_torchmetrics.catalog.bibliography import ENTRIES
from thm_torchmetrics.catalog.citations import citations_of
from thm_torchmetrics.comparison.compare import compare_models
from thm_torchmetrics.reports.methods import methods_of


def test_every_entry_is_cited_by_its_key_and_every_citation_exists() -> None:
    for key, entry in ENTRIES.items():
        assert re.match(r"@(article|misc|inproceedings)\{" + re.escape(key) + ",\n", entry)
        assert entry.count("{") == entry.count("}")
        assert all(re.search(rf"^  {field} = ", entry, re.M) for field in ("title", "author", "year"))
    assert len(ENTRIES) == sum(entry.count("\n@") + 1 for entry in ENTRIES.values())
    tables = (citations._BY_KEY, citations._BY_PROTOCOL, citations._BY_NETWORK)
    assert {key for table in tables for keys in table.values() for key in keys} <= ENTRIES.keys()


def test_what_is_cited_for_exists_in_the_catalog() -> None:
    protocols = {name for row in CATALOG.values() for name in row.protocols}
    networks = {name for row in CATALOG.values() for name in row.extractors}
    assert citations._BY_KEY.keys() <= set(CATALOG)
    assert citations._BY_PROTOCOL.keys() <= protocols
    assert citations._BY_NETWORK.keys() <= networks


def test_every_protocol_with_a_source_cites_it() -> None:
    assert [
        f"{key}:{protocol.name}"
        for key, row in CATALOG.items()
        for protocol in row.published
        if "this package's own" not in protocol.source and not citations_of(key, protocol.name)
    ] == ["quality:higher", "quality:lower"]  # any network at all


def test_a_table_of_openface_cites_openface_and_its_substitute_its_own_paper() -> None:
    assert "baltrusaitis2018openface" in citations_of("aue", "talkinggaussian")
    assert citations_of("aue", "mean", "libreface") == ("chang2024libreface",)


def test_the_paragraph_states_how_the_numbers_were_made() -> None:
    models = two_models()
    media = {"preds": {"h264 512x512 25 fps, yuv420p 8 bit": 20}, "target": {"h264 512x512 30 fps, yuv": 20}}
    for each in models.values():
        each.provenance = {
            **each.provenance, "media": media, "every": 10,
            "weights": {"alexnet": {"file": "a.pth", "sha256": "cd" * 32, "custom": True, "metrics": ["psnr"]}},
        }  # fmt: skip
    text = methods_of(models, compare_models(models, resamples=99))
    paragraph, _, entries = text.partition("\n\n")
    for fact in (
        "2 models (ours, base) on 20 clips", "h264 512x512 25 fps", "h264 512x512 30 fps", "protocol piq", "piq.ssim",
        "mean over frames", "alexnet (SHA-256 cdcdcdcdcdcd, custom)", "every 10th frame only", "thm-torchmetrics 0.1.0",
        "PyTorch 2.6.0", "bootstrap over clips", "Holm for 2 tests",
    ):  # fmt: skip
        assert fact in paragraph, fact
    cited = {key for keys in re.findall(r"\\cite\{([^}]*)\}", paragraph) for key in keys.split(",")}
    assert cited == set(re.findall(r"^@\w+\{(\w+),", entries, re.M))


def test_the_paragraph_of_one_result_counts_failures_and_coverage() -> None:
    found = result(("psnr",), ("a", "b"))
    found.clips[0].errors = ["psnr: broken"]
    text = methods_of({"ours": found})
    assert "generated videos on 2 clips" in text
    assert "1 clip could not be measured" in text
    assert "Intervals" not in text


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_change_no_paragraph(name: str) -> None:
    text = methods_of({name: everywhere(name), "other": everywhere(name)})
    assert acting(text) == []
    paragraph = re.sub(r"\\[{}$&#%_]", "", text.partition("\n\n")[0])
    assert paragraph.count("{") == paragraph.count("}")
    assert not re.search(r"(?<!\\)[%#]", paragraph)


@pytest.mark.skipif(shutil.which("pdflatex") is None or shutil.which("bibtex") is None, reason="there is no BibTeX")
@pytest.mark.slow
def test_bibtex_reads_every_entry(tmp_path: Path) -> None:
    (tmp_path / "all.bib").write_text("\n\n".join(ENTRIES.values()), encoding="utf-8")
    page = r"\documentclass{article}\begin{document}\nocite{*}\bibliographystyle{plain}\bibliography{all}\end{document}"
    (tmp_path / "page.tex").write_text(page, encoding="utf-8")
    for command in ("pdflatex", "bibtex", "pdflatex", "pdflatex"):
        options = [] if command == "bibtex" else ["-interaction=nonstopmode", "-halt-on-error"]
        made = subprocess.run([command, *options, "page"], cwd=tmp_path, capture_output=True, check=False)
        assert made.returncode == 0, made.stdout.decode(errors="replace")[-1000:]
        assert b"Warning--" not in made.stdout


def test_a_metric_without_the_delay_says_so_and_cites_as_the_metric_does() -> None:
    keys = ("ssim", "ssim@aligned")
    options = {"ssim": {"align": "truncate"}, "ssim@aligned": {"align": "delay"}}
    told = methods_of({"ours": result(keys, options=options)})
    assert told.count("frames are paired without the delay of each clip") == 1
    assert told.count(r"SSIM (structural similarity)~\cite{wang2004ssim,kastryulin2022piq} follows") == 2
