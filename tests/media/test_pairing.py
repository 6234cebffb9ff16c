"""Which files belong together, on small folders whose answer is plain to see."""

from pathlib import Path

import pytest

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.pairing import VIDEO_SUFFIXES, Item, discover, find_files, pair


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_keys(tmp_path: Path) -> None:
    touch(tmp_path, "b.mp4", "a.b.MP4", "sub/deep/c.mov", "sub/a.b.avi", "notes.txt", "b.wav", "b")
    (tmp_path / "folder.mp4").mkdir()
    found = find_files(tmp_path, VIDEO_SUFFIXES)
    assert list(found) == ["a.b", "b", "sub/a.b", "sub/deep/c"]
    assert found["sub/deep/c"] == tmp_path / "sub/deep/c.mov"


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    touch(tmp_path / ".home", "a.mp4", "._a.mp4", ".cache/b.mp4", "x/.c.mp4")
    assert list(find_files(tmp_path / ".home", (".mp4",))) == ["a"]


def test_two_files_of_one_clip(tmp_path: Path) -> None:
    touch(tmp_path, "sub/a.mp4", "sub/a.mov", "a.mp4")
    with pytest.raises(InputError, match=r"a\.mov and a\.mp4 are both the clip 'sub/a'"):
        find_files(tmp_path, VIDEO_SUFFIXES)


def test_empty_and_absent_folders(tmp_path: Path) -> None:
    touch(tmp_path / "videos", "a.txt")
    with pytest.raises(InputError, match=r"videos: holds no file that ends in \.mp4"):
        find_files(tmp_path / "videos", VIDEO_SUFFIXES)
    with pytest.raises(InputError, match="absent: there is no such folder"):
        pair(preds=tmp_path / "absent")


def test_folders_are_joined(tmp_path: Path) -> None:
    preds = touch(tmp_path / "p", "b.mp4", "sub/a.mp4")
    target = touch(tmp_path / "t", "b.mov", "c.mp4")
    audio = touch(tmp_path / "w", "b.wav", "d.mp4", "d.flac")
    units = touch(tmp_path / "u", "c.csv")
    items = pair(str(preds), target, audio, target_au=units)
    assert items == [
        Item("b", preds=preds / "b.mp4", target=target / "b.mov", audio=audio / "b.wav"),
        Item("c", target=target / "c.mp4", target_au=units / "c.csv"),
        Item("d", audio=audio / "d.flac"),
        Item("sub/a", preds=preds / "sub/a.mp4"),
    ]
    assert items[3].target is items[3].audio is items[3].preds_au is None


def test_single_files_belong_together(tmp_path: Path) -> None:
    touch(tmp_path, "ours.mp4", "real.mov", "speech.mp3")
    one = pair(tmp_path / "ours.mp4", tmp_path / "real.mov", audio=tmp_path / "speech.mp3")
    assert one == [Item("ours", tmp_path / "ours.mp4", tmp_path / "real.mov", tmp_path / "speech.mp3")]
    with pytest.raises(InputError, match=r"target: .* is a folder, but .*ours\.mp4 is a file"):
        pair(tmp_path / "ours.mp4", tmp_path)
    with pytest.raises(InputError, match=r"target: .*gone\.mp4 does not exist"):
        pair(tmp_path / "ours.mp4", tmp_path / "gone.mp4")
    with pytest.raises(InputError, match="nothing to pair"):
        pair()


def test_dataset(tmp_path: Path) -> None:
    data = touch(tmp_path / "data", "gt_video/a.mp4", "pred_video/a.mp4", "gt_au_csv/a.csv", "other/a.mp4")
    folders = discover(str(data))
    assert folders == {
        "target": data / "gt_video",
        "preds": data / "pred_video",
        "target_au": data / "gt_au_csv",
    }
    assert [item.key for item in pair(**folders)] == ["a"]
    touch(data, "gt_audio/a.wav", "pred_au_csv/a.csv")
    assert set(discover(data)) == {"preds", "target", "audio", "preds_au", "target_au"}


def test_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent does not exist; a dataset is a folder with gt_video"):
        discover(tmp_path / "absent")
    touch(tmp_path, "a.mp4")
    with pytest.raises(InputError, match="is a file, not a folder"):
        discover(tmp_path / "a.mp4")
    with pytest.raises(InputError, match="none of the folders gt_video, pred_video, gt_audio, gt_au_csv, pred_au_csv"):
        discover(tmp_path)
