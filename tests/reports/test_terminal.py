"""The table on streams of any encoding and width."""

import io
import json
import math
import re

import pytest
from reports.results import metric, own_extractor, result, with_real_videos

from thm_torchmetrics import reports
from thm_torchmetrics.catalog import CATALOG, find_choice
from thm_torchmetrics.reports.table import console, grid, print_text, show
from thm_torchmetrics.scoring.result import Result

ENCODINGS = ("ascii", "cp1252", "latin-1", "cp437", "koi8-r", "shift_jis", "gb18030", "utf-8", "utf-16")
EVERY_PROTOCOL = tuple(f"{row.key}:{protocol}" for row in CATALOG.values() for protocol in row.protocols)


class Stream(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def odd() -> Result:
    found = with_real_videos()
    found.metrics = {**found.metrics, "aue": metric("aue", None, why="naïve \u2013 中"), "fid": metric("fid", 12.0)}
    found.clips[0].clip = "中文 ↑ é…"
    found.clips[0].errors = ["psnr: 中"]
    return found


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("form", ["table", *reports.FORMATS])
def test_printing_raises_in_no_encoding(form: str, encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    if form == "table":
        show(odd(), stream)
    else:
        print_text(reports.FORMATS[form](odd()), stream)
    stream.flush()
    text = raw.getvalue().decode(encoding)
    assert "psnr" in text.lower()
    if form == "json":
        assert json.loads(text)["clips"][0]["clip"] == "中文 ↑ é…"


def test_arrows_and_lines_are_ascii_where_the_encoding_has_none() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
    show(odd(), stream)
    stream.flush()
    lines = [line for line in raw.getvalue().decode().splitlines() if line.count("|") > 5]
    rows = {line.split("|")[1].split()[0]: line for line in lines}
    assert " ^ " in rows["psnr"]
    assert " v " in rows["aue"]
    assert "AU^2" in rows["aue"]
    assert r"\u4e2d\u6587 ^ \xe9..." in raw.getvalue().decode()


def test_a_process_without_standard_output_prints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    show(odd())
    print_text("text")


def test_nothing_is_printed_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    screen = io.StringIO()
    show(odd(), screen)
    assert capsys.readouterr().out == ""
    show(odd())
    assert capsys.readouterr().out == screen.getvalue()


def on_terminal(found: Result, width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    screen = Stream()
    show(found, screen)
    return re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue()).splitlines()


def all_protocols() -> Result:
    found = result(())
    real = {"target": {"value": 0.5, "clips": 1, "coverage": 1.0, "detail": None}}
    found.metrics = {
        text: metric(text, detail=real, extractor=(find_choice(text).row.extractors or (None,))[-1])
        for text in EVERY_PROTOCOL
    }
    found.provenance = {"every": 10}
    return found


@pytest.mark.parametrize("width", [40, 80, 100, 160])
def test_no_width_breaks_the_name_of_a_metric_or_a_protocol(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = all_protocols()
    lines = on_terminal(found, width, monkeypatch)
    words = [set(line.split()) for line in lines]
    for text in EVERY_PROTOCOL:
        row = find_choice(text).row
        other = row.extractors[-1:] not in ((), (own_extractor(text),))
        name = f"{text}[{row.extractors[-1]}]*" if other else f"{text}*"
        for other in (text.partition(":")[2], "0.5000"):
            assert any({name, other} <= each for each in words), name
    if width >= 100:
        assert max(map(len, lines)) <= width


def test_every_protocol_fits_on_80_columns_with_its_own_network(monkeypatch: pytest.MonkeyPatch) -> None:
    found = all_protocols()
    found.metrics = {text: metric(text, detail=real.detail) for text, real in found.metrics.items()}
    assert max(map(len, on_terminal(found, 80, monkeypatch))) <= 80


def test_one_table_where_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    def heads(width: int) -> int:
        return sum(line.split()[:1] == ["Metric"] for line in on_terminal(all_protocols(), width, monkeypatch))

    assert heads(160) == 1
    assert heads(120) == 2
    assert heads(80) == 3
    assert len([line for line in on_terminal(result(), 80, monkeypatch) if "Metric" in line]) == 1


def test_a_wide_pipe_keeps_one_line_per_metric() -> None:
    screen = io.StringIO()
    show(all_protocols(), screen)
    assert screen.getvalue().count("of the real videos") == len(EVERY_PROTOCOL)
    assert all("0.5000" in line for line in screen.getvalue().splitlines() if "of the real videos" in line)


def test_infinity_and_no_value_differ() -> None:
    found = result(("psnr", "lpips"))
    found.metrics = {"psnr": metric("psnr", math.inf), "lpips": metric("lpips", None)}
    screen = io.StringIO()
    show(found, screen)
    rows = {line.split()[0]: line.split() for line in screen.getvalue().splitlines() if line.strip()}
    assert rows["psnr"][2] == "inf"
    assert rows["lpips"][2] == "–"  # noqa: RUF001


def test_cells_of_all_tables_are_plain_text() -> None:
    screen = io.StringIO()
    out = console(screen)
    table = grid("[red]Head[/red]", "b")
    table.add_row("[bold]x[/bold]\x1b[2J", ":smile: [/]")
    out.print(table)
    for text in ("[red]Head[/red]", r"[bold]x[/bold]\x1b[2J", ":smile: [/]"):
        assert text in screen.getvalue()
    assert "\x1b" not in screen.getvalue()
