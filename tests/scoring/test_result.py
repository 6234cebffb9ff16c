"""What a result is turned into, and read from."""

import json
import math
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from reports.results import result, with_real_videos

from thm_torchmetrics.errors import InputError, MissingExtraError
from thm_torchmetrics.scoring.result import ClipResult, Result

HOSTILE = ["<script>alert(1)</script>", "a & b", "x\ny", "\u202eabc", "caf\udce9", "</table>", '"', "a, b: c; d"]


def hostile() -> Result:
    found = result(("psnr", "csim"), tuple(HOSTILE), command="thm score <x>", sizes={"a": [1, 2.5, None]})
    found.clips[0].fail(["psnr"], "one; two")
    found.clips[0].fail(["csim"], "<b>three</b>")
    found.skipped = {"lmd": "<i>no network</i>"}
    found.notes = ["<img src=x>", "two"]
    return found


@pytest.mark.parametrize("found", [hostile(), with_real_videos(), Result({}, {}, [], {})], ids=["hostile", "real", "0"])
def test_a_loaded_result_is_the_saved_one(found: Result, tmp_path: Path) -> None:
    found.save(tmp_path / "a.json")
    loaded = Result.load(tmp_path / "a.json")
    assert loaded == found
    loaded.save(str(tmp_path / "b.json"))
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_numbers_that_json_cannot_hold_come_back(tmp_path: Path) -> None:
    found = result()
    found.provenance = {"deep": [{"low": -math.inf, "high": math.inf, "tiny": 5e-324, "sum": 0.1 + 0.2}]}
    found.save(tmp_path / "a.json")
    assert Result.load(tmp_path / "a.json").provenance == found.provenance


def test_errors_of_earlier_reports_are_one() -> None:
    plain = hostile().to_json()
    for clip in plain["clips"]:
        del clip["errors"]
    loaded = Result.from_json(plain)
    assert [clip.error for clip in loaded.clips] == [clip.error for clip in hostile().clips]


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in result().to_json().items() if name != key}


def of_metric(**values: Any) -> dict[str, Any]:
    plain = result().to_json()
    plain["metrics"]["psnr"] |= values
    return plain


def of_clip(**values: Any) -> dict[str, Any]:
    plain = result().to_json()
    plain["clips"][0]["metrics"]["psnr"] |= values
    return plain


def changed(**values: Any) -> dict[str, Any]:
    return result().to_json() | values


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ([], "no JSON object"),
        ({}, "schema is None"),
        (changed(schema=2), "schema is 2"),
        ({"schema": 1, "models": {"ours": {}}}, r"several models \(ours\)"),
        (without("clips"), "lacks 'clips'"),
        (without("metrics"), "lacks 'metrics'"),
        (changed(clips=[{"clip": 3}]), r"clips\[0\].clip is 3, and a text is needed"),
        (changed(clips={}), "clips is {}, and a list is needed"),
        (changed(metrics={"psnr": {"value": "30"}}), "metrics.psnr.value is '30', and a number is needed"),
        (changed(metrics={"psnr": {"value": True}}), "metrics.psnr.value is True, and a number is needed"),
        (changed(notes=[None]), r"notes\[0\] is None, and a text is needed"),
        (of_metric(value=10**400), r"metrics\.psnr\.value is 1000.* and must fit into 64 bits"),
        (of_metric(detail={"target": 3}), r"metrics\.psnr\.detail\.target is 3, and an object is needed"),
        (of_metric(detail={"target": {"value": "x"}}), r"detail\.target\.value is 'x', and a number is needed"),
        (of_clip(detail={"tracks": [3]}), r"clips\[0\]\.metrics\.psnr\.detail\.tracks\[0\] is 3, and an object"),
        (changed(clips=result().to_json()["clips"][:1] * 2), "has the clip 'a' more than once"),
        *(
            (changed(provenance={part: wrong}), rf"provenance\.{part} is .* is needed")
            for part in (
                "versions",
                "numerics",
                "options",
                "weights",
                "features",
                "deviations",
                "media",
                "action_units",
                "arguments",
                "inputs",
                "every",
            )
            for wrong in (None, [1], "x")
        ),
        (changed(provenance={"options": {"psnr": 3}}), r"provenance\.options\.psnr is 3, and an object is needed"),
        (changed(provenance={"arguments": {"fps": "a"}}), r"arguments\.fps is 'a', and a number is needed"),
    ],
)
def test_what_is_no_result_is_refused_by_name(plain: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(InputError, match=rf"bad\.json.*{message}"):
        Result.load(path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, None])
def test_what_is_no_json_is_refused_by_name(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.json (is not JSON|cannot be read)"):
        Result.load(path)


def test_a_mark_at_the_start_of_a_file_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "by_notepad.json"
    path.write_text(result().to_text(), encoding="utf-8-sig")
    assert Result.load(path) == result()


def test_every_cut_of_a_file_is_refused(tmp_path: Path) -> None:
    text = result().to_text().rstrip()
    path = tmp_path / "cut.json"
    for end in range(0, len(text), 7):
        path.write_text(text[:end], encoding="utf-8")
        with pytest.raises(InputError, match=r"cut\.json"):
            Result.load(path)


def test_the_table_of_pandas_holds_the_values_of_the_clips() -> None:
    found = with_real_videos()
    found.clips.append(ClipResult("failed", ["psnr: broken"]))
    table = found.to_pandas()
    expected = pd.DataFrame(
        {"psnr": [math.inf, math.inf, math.nan], "cpbd": [math.nan] * 3},
        index=pd.Index(["a", "b", "failed"], name="clip", dtype=object),
    )
    pd.testing.assert_frame_equal(table, expected)


def test_without_pandas_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'thm-torchmetrics\[pandas\]'"):
        result().to_pandas()


class Page(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_table_for_notebooks_shows_names_of_any_kind_as_text() -> None:
    page = Page(hostile()._repr_html_())
    assert page.tags == {"table", "thead", "tbody", "tr", "th", "td", "ul", "li", "bdi"}
    for text in ("<script>alert(1)</script>", "<b>three</b>", "<i>no network</i>", "<img src=x>"):
        assert text in page.text
