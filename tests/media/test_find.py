"""Which files of a folder are found, and that the others are named, on folders whose answer is plain to see."""

import unicodedata
import warnings
from pathlib import Path

import pytest

from thm_torchmetrics.errors import InputError, MediaWarning
from thm_torchmetrics.media.find import find_files, list_files
from thm_torchmetrics.media.pairing import FEATURE_SUFFIXES, TABLE_SUFFIXES, VIDEO_SUFFIXES, pair


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_keys(tmp_path: Path) -> None:
    touch(tmp_path, "b.mp4", "a.b.MP4", "sub/deep/c.mov", "sub/a.b.avi")
    (tmp_path / "folder.mp4").mkdir()
    found = find_files(tmp_path, VIDEO_SUFFIXES)
    assert list(found) == ["a.b", "b", "sub/a.b", "sub/deep/c"]
    assert found["sub/deep/c"] == tmp_path / "sub/deep/c.mov"


def test_hidden_files_are_passed_over_without_a_word(tmp_path: Path) -> None:
    touch(tmp_path / ".home", "a.mp4", "._a.mp4", ".cache/b.mp4", "x/.c.mp4", ".DS_Store")
    assert list(find_files(tmp_path / ".home", (".mp4",))) == ["a"]


@pytest.mark.parametrize("suffixes", [VIDEO_SUFFIXES, TABLE_SUFFIXES, FEATURE_SUFFIXES], ids=["videos", "csv", "npy"])
@pytest.mark.parametrize("odd", ["notes.md", "sub/clip.heic", "no_suffix", "sub/a.b.c.zip", "clip.mp4.part", "x.MP5"])
def test_a_file_is_found_or_named(tmp_path: Path, suffixes: tuple[str, ...], odd: str) -> None:
    touch(tmp_path, f"a{suffixes[0]}", odd)
    with pytest.warns(MediaWarning, match=rf"{Path(odd).name} was passed over"):
        assert list(find_files(tmp_path, suffixes)) == ["a"]


def test_the_list_of_names_is_bounded(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", *(f"note{i:03}.txt" for i in range(300)))
    with pytest.warns(MediaWarning, match=r"note004\.txt and 295 more were passed over") as caught:
        find_files(tmp_path, VIDEO_SUFFIXES)
    assert len(str(caught[0].message)) < len(str(tmp_path)) + 250


def test_two_files_of_one_clip(tmp_path: Path) -> None:
    touch(tmp_path, "sub/a.mp4", "sub/a.mov", "a.mp4")
    with pytest.raises(InputError, match=r"a\.mov and a\.mp4 are both the clip 'sub/a'"):
        find_files(tmp_path, VIDEO_SUFFIXES)


def test_empty_and_absent_folders(tmp_path: Path) -> None:
    touch(tmp_path / "videos", "a.txt")
    with pytest.raises(InputError, match=r"videos: holds no file that ends in \.mp4.*; it holds a\.txt"):
        find_files(tmp_path / "videos", VIDEO_SUFFIXES)
    with pytest.raises(InputError, match="absent: there is no such folder"):
        find_files(tmp_path / "absent", VIDEO_SUFFIXES)


def test_a_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere", "talk.mp4", "deep/more.mp4")
    touch(tmp_path / "videos", "a.mp4")
    (tmp_path / "videos/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "videos/again").symlink_to(tmp_path / "elsewhere/deep")
    assert list(find_files(tmp_path / "videos", VIDEO_SUFFIXES)) == [
        "a",
        "again/more",
        "linked/deep/more",
        "linked/talk",
    ]
    (tmp_path / "root").symlink_to(tmp_path / "elsewhere")
    assert list(find_files(tmp_path / "root", VIDEO_SUFFIXES)) == ["deep/more", "talk"]


@pytest.mark.parametrize("target", [".", "..", "sub", "../videos/sub"])
def test_a_link_to_a_folder_around_it_ends_and_is_named(tmp_path: Path, target: str) -> None:
    videos = touch(tmp_path / "videos", "a.mp4", "sub/b.mp4")
    (videos / "sub/loop").symlink_to((videos / target).resolve())
    with pytest.warns(MediaWarning, match="sub/loop.*was passed over, as a link to a folder around it"):
        found = find_files(videos, VIDEO_SUFFIXES)
    assert {"a", "sub/b"} <= set(found)
    assert len(found) <= 4  # the parent holds the folder once more


def test_a_link_to_nothing_is_found_and_one_to_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    (tmp_path / "self.mp4").symlink_to(tmp_path / "self.mp4")
    assert list(find_files(tmp_path, VIDEO_SUFFIXES)) == ["gone", "self"]


def test_a_subfolder_that_cannot_be_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    videos = touch(tmp_path / "videos", "a.mp4", "locked/b.mp4")
    iterdir = Path.iterdir

    def refuse(self: Path) -> object:
        if self.name == "locked":  # the mode of a folder does not stop the superuser, who may run this test
            raise PermissionError(13, "Permission denied", str(self))
        return iterdir(self)

    monkeypatch.setattr(Path, "iterdir", refuse)
    for find in (list_files, lambda folder: find_files(folder, VIDEO_SUFFIXES), lambda folder: pair(preds=folder)):
        with pytest.raises(InputError, match=r"videos/locked: cannot be searched \(Permission denied\); give yourself"):
            find(videos)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_composed_and_decomposed_names_are_one_clip(tmp_path: Path, form: str) -> None:
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    names = ["José", "Ngọc/Ánh", "한국어", "Å"]
    preds = touch(tmp_path / "p", *(unicodedata.normalize(form, f"{name}.mp4") for name in names))
    target = touch(tmp_path / "t", *(unicodedata.normalize(other, f"{name}.mp4") for name in names))
    items = pair(preds, target)
    assert [item.key for item in items] == sorted(unicodedata.normalize("NFC", name) for name in names)
    assert all(item.preds and item.target for item in items)
    assert all(item.preds.exists() and item.target.exists() for item in items if item.preds and item.target)


def test_two_files_whose_names_look_alike(tmp_path: Path) -> None:
    touch(tmp_path, *(unicodedata.normalize(form, "José.mp4") for form in ("NFC", "NFD")))
    with pytest.raises(InputError, match=r"both the clip 'José' .their names look alike, but differ in Unicode"):
        find_files(tmp_path, VIDEO_SUFFIXES)


def test_a_name_that_is_no_unicode(tmp_path: Path) -> None:
    (Path(str(tmp_path)) / "latin1-\udce9.mp4").touch()
    assert list(find_files(tmp_path, VIDEO_SUFFIXES)) == ["latin1-\udce9"]


def test_a_file_of_the_fallback_counts_where_there_is_no_other(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "a.mp4", "b.mp4", "c.wav")
    with pytest.warns(MediaWarning, match=r"a\.mp4 was passed over"):
        found = find_files(tmp_path, (".wav",), (".mp4",))
    assert {key: path.name for key, path in found.items()} == {"a": "a.wav", "b": "b.mp4", "c": "c.wav"}


def test_nothing_is_said_where_every_file_is_read(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "sub/b.mov")
    with warnings.catch_warnings(record=True) as caught:
        find_files(tmp_path, VIDEO_SUFFIXES)
    assert caught == []
