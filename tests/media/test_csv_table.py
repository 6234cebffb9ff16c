"""Tables of text as pandas, C++, R and spreadsheets write them, against pandas."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas._libs.parsers import STR_NA_VALUES

from thm_torchmetrics.errors import MediaError
from thm_torchmetrics.media.csv_table import CsvTable, read_csv

NAMES = ["frame", "timestamp", "AU01_r", "AU45_r"]

NO_VALUES = [
    *sorted(STR_NA_VALUES),
    "nan(ind)", "-nan(ind)", "nan(snan)", "NAN", "nanq", "1.#QNAN0", "1.#SNAN", "-1.#IND00", "1.#INF", "1.#J",
    "-1,#IND", "inf", "-inf", "Inf", "-Infinity", "infinity", "#NV", "#DIV/0!", "#VALUE!", "#ZAHL!", "na", "NULL",
]  # fmt: skip


def frame(rows: int = 4) -> pd.DataFrame:
    values = np.random.default_rng(0).uniform(0, 5, (rows, 4)).round(2)
    return pd.DataFrame(values, columns=NAMES).assign(frame=range(1, rows + 1))


def numbers(table: CsvTable) -> np.ndarray:
    return np.stack([table.numbers(name) for name in NAMES], axis=1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("decimal", [".", ","])
def test_every_dialect_is_the_same_table(tmp_path: Path, encoding: str, separator: str, decimal: str) -> None:
    path, expected = tmp_path / "a.csv", frame()
    ends, quotes = ["\n", "\r\n", "\r"], [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]
    for end, quoting in itertools.product(ends, quotes):
        if decimal == separator and quoting == csv.QUOTE_NONNUMERIC:
            continue  # pandas cannot write it: the fields would not tell their decimals from the separator
        text = expected.to_csv(sep=separator, decimal=decimal, lineterminator=end, quoting=quoting, index=False)
        for begin, finish in [("", ""), (end, end + end), ("", (3 * separator + end) * 2)]:
            path.write_bytes((begin + text + finish).encode(encoding))
            np.testing.assert_array_equal(numbers(read_csv(path)), expected.to_numpy())


@pytest.mark.parametrize("separator", [",", ";", "\t", ", ", ",\t  "])
def test_separators_at_the_ends_of_lines_do_not_count(tmp_path: Path, separator: str) -> None:
    path, expected = tmp_path / "a.csv", frame()
    rows = [separator.join(map(str, row)) for row in expected.to_numpy().tolist()]
    for header, row in itertools.product(["", separator], repeat=2):
        path.write_text("\n".join([separator.join(NAMES) + header, *(line + row for line in rows)]))
        np.testing.assert_array_equal(numbers(read_csv(path)), expected.to_numpy())


def test_excel_s_own_line_about_the_separator_is_no_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("sep=;\n" + frame().to_csv(sep=";", decimal=",", index=False))
    table = read_csv(path)
    np.testing.assert_array_equal(numbers(table), frame().to_numpy())
    assert table.place(0, "frame") == f"{path}: row 1 (line 3), column frame"


@pytest.mark.parametrize("text", NO_VALUES)
def test_every_spelling_of_no_value_is_nan(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    for quoted in (text, f'"{text}"', f"  {text} "):
        path.write_text(f"a; b; c\n1; {quoted}; 2\n1; .5; 2\n")
        np.testing.assert_array_equal(read_csv(path).numbers("b"), [np.nan, 0.5])


@pytest.mark.parametrize("text", ["0.5", ".5", "5e-1", "+0.50", "0,5", "05E-1", "0.5  "])
def test_numbers(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"a;b\n1;{text}\n")
    assert read_csv(path).numbers("b").tolist() == [0.5]


@pytest.mark.parametrize(
    "text", ["x", "?", "1_0", "1.2.3", "0x1", "1 2", "--1", "1.000,5", "Jan 91", "٣", "1.91°", "nana"]
)
def test_other_text_is_named_with_its_place(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"a; b; c\n1; 2; 3\n\n1; {text}; 2\n", encoding="utf-8")
    with pytest.raises(MediaError, match=r"a\.csv: row 2 \(line 4\), column b: a number is needed, got '") as caught:
        read_csv(path).numbers("b")
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["", "nan", "inf", "1.5", "1e99"])
def test_whole_numbers(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"a,b\n3.0,1\n{text},2\n")
    with pytest.raises(MediaError, match=r"row 2 \(line 3\), column a: a whole number is needed, got '"):
        read_csv(path).whole_numbers("a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,c\n1,2,3\n4,5\n", r"row 2 \(line 3\), column c: .* has 2 fields and the header 3; the file is cut off"),
        ("a,b,c\n0,98,1,5,2\n", r"row 1 \(line 2\) has 5 fields and the header 3; .* decimal commas"),
        ('"a" "b"\n"1" 1.5 2.5\n', 'lacks the columns a; the file has a "b"'),
        ("a,b\nfirst,1,2\nsecond,3,4\n", r"row 1 \(line 2\) has 3 fields and the header 2; .*rows have names"),
        ("a,b,c\n1,2,3\na, b ,c\n1,2,3\n", "line 3 is the header again: the file holds two tables"),
        ("a,b,a\n1,2,3\n", "has two columns a; keep one"),
    ],
)
def test_what_cannot_be_told_apart_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(MediaError, match=rf"a\.csv: {message}"):
        read_csv(path).require(["a"])


def test_any_cut_within_a_line_is_an_error(tmp_path: Path) -> None:
    """A cut after the last separator of a line shortens a number and cannot be told."""
    path, text = tmp_path / "a.csv", frame().to_csv(index=False)
    ends = {index for index, letter in enumerate(text) if letter == "\n"}
    header = text.index("\n") + 1
    for length in range(header, len(text)):
        line = text[:length].rpartition("\n")[2]
        path.write_text(text[:length])
        if line.count(",") in range(1, 3) or (line and "," not in line):
            with pytest.raises(MediaError, match="the file is cut off or damaged"):
                read_csv(path)
        else:
            assert len(read_csv(path).rows) == sum(end < length for end in ends) - 1 + bool(line)


def test_an_empty_row_between_others_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n,\n\n3,4\n,\n\n,,,\n")
    np.testing.assert_array_equal(read_csv(path).numbers("a"), [1, np.nan, 3])
