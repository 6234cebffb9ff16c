"""Pairs files, on tables whose answer is plain to see."""

from pathlib import Path

import pandas
import pytest

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.pairing import Item
from thm_torchmetrics.media.pairs_file import inputs_of, read_pairs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.mp4", "b.mp4", "real/a.mov", "real/b.mov", "w.wav", "u.csv", "photo.jpg", "k,1.mp4", "fr/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "pairs.csv"
    path.write_bytes(text.encode(encoding))
    return path


def items(folder: Path) -> list[Item]:
    return [
        Item("one", folder / "a.mp4", folder / "real/a.mov", folder / "w.wav"),
        Item("two", folder / "b.mp4", folder / "real/b.mov"),
    ]


ROWS = [
    ["clip", "preds", "target", "audio"],
    ["two", "b.mp4", "real/b.mov", ""],
    ["one", "a.mp4", "real/a.mov", "w.wav"],
]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_way_of_writing_a_table(folder: Path, separator: str, encoding: str, newline: str) -> None:
    text = newline.join(separator.join(row) for row in ROWS)
    for form in (text, text + newline * 3, text.replace("clip", " Clip "), newline + text):
        assert read_pairs(write(folder, form, encoding)) == items(folder)


def test_a_table_of_pandas(folder: Path) -> None:
    path = folder / "pairs.csv"
    pandas.DataFrame(ROWS[1:], columns=ROWS[0]).to_csv(path, index=False)
    assert read_pairs(path) == items(folder)


def test_only_the_columns_that_are_needed(folder: Path) -> None:
    found = read_pairs(write(folder, "target_au,preds_au\nu.csv,u.csv\n"))
    assert found == [Item("u", preds_au=folder / "u.csv", target_au=folder / "u.csv")]
    assert inputs_of(found) == {"preds_au", "target_au"}
    assert read_pairs(write(folder, "target,preds\nreal/a.mov,a.mp4\n"))[0].key == "a"


def test_one_photo_folders_of_pictures_and_quotes(folder: Path) -> None:
    text = 'clip,preds,target\n#1,"k,1.mp4",photo.jpg\n2,fr,photo.jpg\n3,fr/%d.png,photo.jpg\n'
    photo = folder / "photo.jpg"
    assert read_pairs(write(folder, text)) == [
        Item("#1", folder / "k,1.mp4", photo),
        Item("2", folder / "fr", photo),
        Item("3", folder / "fr/%d.png", photo),
    ]


def test_absolute_paths(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "pairs.csv").write_text(f"clip,preds\nx,{folder / 'a.mp4'}\n")
    assert read_pairs(elsewhere / "pairs.csv") == [Item("x", folder / "a.mp4")]


def test_all_faults_are_named_at_once_with_their_lines(folder: Path) -> None:
    text = (
        "clip,preds,target,audio\n\none,a.mp4,gone.mov,\none,nowhere.mp4,,fr\nthree,,,\nfour,a.mp4,,,x.mp4\n,b.mp4,,\n"
    )
    with pytest.raises(InputError) as caught:
        read_pairs(write(folder, text))
    message = str(caught.value)
    for part in (
        "pairs.csv: mend these lines", "line 3: target", "gone.mov does not exist", "line 4: preds", "nowhere.mp4",
        "line 4: audio", "fr is a folder, a file is needed", "line 4: the clip 'one' is that of line 3",
        "line 5: names no file", "line 6: has 5 cells for 4 columns", "line 7: has no name in the column clip",
    ):  # fmt: skip
        assert part in message


def test_the_list_of_faults_is_bounded(folder: Path) -> None:
    with pytest.raises(InputError, match="and 90 more"):
        read_pairs(write(folder, "preds\n" + "".join(f"gone{i}.mp4\n" for i in range(100))))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; its first line names the columns: clip, preds"),
        ("clip,preds\n", "has no line after the first"),
        ("clip,pred,gt\nx,a.mp4,b.mp4\n", "'pred', 'gt' is none of clip, preds, target, audio, preds_au, target_au"),
        ("a.mp4,b.mp4\n", "'a.mp4', 'b.mp4' is none of clip"),
        ("clip,preds,preds\nx,a.mp4,b.mp4\n", "a column is named twice"),
        ("clip\nx\n", "has no column of files"),
        ('clip,preds\nx,"a.mp4\n', "line 2: unexpected end of data"),
        ("clip,preds\nx,a.mp4\nX\u0301,a.mp4\nX\u0301,b.mp4\n", "is that of line 3"),
        ("clip,preds\nE\u0301,a.mp4\n\u00c9,b.mp4\n", "is that of line 2"),
    ],
)
def test_what_is_no_pairs_file(folder: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=r"pairs\.csv: ") as caught:
        read_pairs(write(folder, text))
    assert message in str(caught.value)


def test_files_that_cannot_be_read(folder: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.csv: cannot be read"):
        read_pairs(folder / "absent.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_pairs(folder)
    with pytest.raises(InputError, match="is not UTF-8 text"):
        read_pairs(write(folder, "clip,preds\nJosé,a.mp4\n", "latin-1"))
    with pytest.raises(InputError, match=r"pairs\.csv"):
        read_pairs(write(folder, "clip,preds\nx,a\0.mp4\n"))


def test_an_empty_cell_of_the_audio_column_is_no_sound(folder: Path) -> None:
    one, two = read_pairs(write(folder, "clip,preds,audio\none,a.mp4,w.wav\ntwo,b.mp4,\n"))
    assert (one.audio, one.no_sound) == (folder / "w.wav", "")
    assert (two.audio, two.no_sound[:16]) == (None, "no sound for two")
    for text in ("clip,preds\none,a.mp4\n", "preds,target\na.mp4,real/a.mov\n"):
        assert [item.no_sound for item in read_pairs(write(folder, text))] == [""]
    (short,) = read_pairs(write(folder, "clip,preds,audio\none,a.mp4\n"))
    assert short.no_sound
