"""Which files belong together, on small folders whose answer is plain to see."""

import warnings
from pathlib import Path

import pytest

from thm_torchmetrics.errors import InputError, MediaWarning
from thm_torchmetrics.media.pairing import AUDIO_SUFFIXES, VIDEO_SUFFIXES, Item, discover, pair, pair_features
from thm_torchmetrics.media.pictures import PICTURE_SUFFIXES


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def pairs(**folders: Path) -> dict[str, tuple[str | None, ...]]:
    """The names of the files of every clip, by the order of the folders; remarks are passed over."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MediaWarning)
        items = pair(**folders)
    return {
        item.key: tuple(
            None if (path := getattr(item, kind)) is None else str(path.relative_to(folder.parent))
            for kind, folder in folders.items()
        )
        for item in items
    }


def test_folders_are_joined(tmp_path: Path) -> None:
    preds = touch(tmp_path / "p", "b.mp4", "sub/a.mp4")
    target = touch(tmp_path / "t", "b.mov", "c.mp4")
    audio = touch(tmp_path / "w", "b.wav", "d.flac")
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
    with pytest.raises(InputError, match="absent: there is no such folder"):
        pair(preds=tmp_path / "absent")


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES + AUDIO_SUFFIXES)
def test_sound_may_be_in_an_audio_or_a_video_file(tmp_path: Path, suffix: str) -> None:
    preds, audio = touch(tmp_path / "p", "a.mp4"), touch(tmp_path / "w", f"a{suffix}")
    assert pairs(preds=preds, audio=audio) == {"a": ("p/a.mp4", f"w/a{suffix}")}


@pytest.mark.parametrize("kind", ["preds", "target", "audio", "preds_au", "target_au"])
@pytest.mark.parametrize("odd", ["notes.txt", "b.heic", "c.pickle", "deep/d.zip", "noname"])
def test_every_file_of_an_input_is_paired_or_named(tmp_path: Path, kind: str, odd: str) -> None:
    suffix = {"audio": ".wav", "preds_au": ".csv", "target_au": ".csv"}.get(kind, ".mp4")
    folder = touch(tmp_path / "data", f"a{suffix}", odd)
    with pytest.warns(MediaWarning, match=Path(odd).name):
        assert [item.key for item in pair(**{kind: folder})] == ["a"]


def test_no_suffix_means_two_things() -> None:
    assert set(VIDEO_SUFFIXES) & set(AUDIO_SUFFIXES) == set()
    assert set(VIDEO_SUFFIXES) & set(PICTURE_SUFFIXES) == set()


# ---- pictures


def frames(root: Path, folder: str, count: int = 3, form: str = "{:04}.png") -> Path:
    return touch(root, *(f"{folder}/{form.format(i + 1)}" for i in range(count)))


def test_folders_of_pictures_are_clips_beside_videos(tmp_path: Path) -> None:
    preds = touch(frames(tmp_path / "p", "sub/a"), "b.mp4")
    target = touch(frames(tmp_path / "t", "b", form="frame_{}.jpg"), "sub/a.mp4")
    assert pairs(preds=preds, target=target) == {"b": ("p/b.mp4", "t/b"), "sub/a": ("p/sub/a", "t/sub/a.mp4")}


def test_folders_of_pictures_on_both_sides(tmp_path: Path) -> None:
    preds, target = frames(frames(tmp_path / "p", "a"), "b", 2), frames(frames(tmp_path / "t", "a", 1), "b", 2)
    assert pairs(preds=preds, target=target) == {"a": ("p/a", "t/a"), "b": ("p/b", "t/b")}


@pytest.mark.parametrize("names", [("ann", "bob"), ("clip1", "clip2"), ("1", "2"), ("s/001", "s/002")])
def test_photos_that_are_named_as_clips(tmp_path: Path, names: tuple[str, str]) -> None:
    """Numbered or not, they are no frames."""
    preds = touch(tmp_path / "p", *(f"{name}.mp4" for name in names))
    target = touch(tmp_path / "t", *(f"{name}.jpg" for name in names))
    assert pairs(preds=preds, target=target) == {name: (f"p/{name}.mp4", f"t/{name}.jpg") for name in names}


def test_photos_of_clips_that_are_folders_of_pictures(tmp_path: Path) -> None:
    preds = frames(frames(tmp_path / "p", "clip1"), "clip2")
    target = touch(tmp_path / "t", "clip1.png", "clip2.png")
    assert pairs(preds=preds, target=target) == {
        "clip1": ("p/clip1", "t/clip1.png"),
        "clip2": ("p/clip2", "t/clip2.png"),
    }


def test_photos_of_both_sides_are_paired_by_name(tmp_path: Path) -> None:
    preds, target = (touch(tmp_path / side, "ann.png", "bob.jpg", "s/eve.webp") for side in "pt")
    assert pairs(preds=preds, target=target) == {
        "ann": ("p/ann.png", "t/ann.png"),
        "bob": ("p/bob.jpg", "t/bob.jpg"),
        "s/eve": ("p/s/eve.webp", "t/s/eve.webp"),
    }


def test_one_photo_for_all_clips(tmp_path: Path) -> None:
    preds = touch(tmp_path / "p", "a.mp4", "b.mp4")
    photo = touch(tmp_path, "photo.jpg") / "photo.jpg"
    assert [(item.key, item.target) for item in pair(preds, photo)] == [("a", photo), ("b", photo)]
    video = touch(tmp_path, "real.mp4") / "real.mp4"
    with pytest.raises(InputError, match=r"preds: .* is a folder, but .*real\.mp4 is a file"):
        pair(preds, video)
    assert pair(preds / "a.mp4", photo) == [Item("a", preds / "a.mp4", photo)]


def test_a_folder_of_frames_is_a_single_clip(tmp_path: Path) -> None:
    ours, real = frames(tmp_path, "ours"), frames(tmp_path, "real", form="r{}.png")
    video = touch(tmp_path, "real.mp4") / "real.mp4"
    one = Item("ours", ours / "ours", real / "real")
    assert pair(ours / "ours", real / "real") == [one]
    assert pair(ours / "ours", video) == [Item("ours", ours / "ours", video)]
    pattern = ours / "ours/%04d.png"
    assert pair(pattern, real / "real") == [Item("ours", pattern, real / "real")]
    with pytest.raises(InputError, match=r"target: .* is a folder, but .*the pictures of one clip"):
        pair(ours / "ours", touch(tmp_path / "videos", "a.mp4"))


def test_a_video_goes_before_pictures_of_its_name_and_they_are_named(tmp_path: Path) -> None:
    preds = frames(touch(tmp_path / "p", "a.mp4", "a.png", "thumbs1.png", "thumbs2.png"), "a")
    target = touch(tmp_path / "t", "a.mp4")
    with pytest.warns(MediaWarning, match=r"a\.png, a/0001\.png, .* and 1 more were passed over"):
        assert pair(preds, target) == [Item("a", preds / "a.mp4", target / "a.mp4")]


def test_pictures_beside_folders_of_clips_are_named(tmp_path: Path) -> None:
    preds = frames(touch(tmp_path / "p", "sheet1.png", "sheet2.png"), "a")
    with pytest.warns(MediaWarning, match=r"sheet1\.png, sheet2\.png were passed over"):
        assert pair(preds) == [Item("a", preds / "a")]


def test_files_beside_frames_are_named(tmp_path: Path) -> None:
    preds = touch(frames(tmp_path / "p", "a"), "a/sound.wav", "a/Thumbs.db")
    with pytest.warns(MediaWarning, match=r"a/Thumbs\.db, a/sound\.wav were passed over"):
        assert pair(preds) == [Item("a", preds / "a")]


# ---- names that do not match


@pytest.mark.parametrize(
    ("form", "other", "said"),
    [
        ("{}_out", "{}", 'names in p end in "_out" .clip1(0?)_out in p, clip1.? in t.'),
        ("{}", "{}_gt", 'names in t end in "_gt"'),
        ("fake-{}", "{}", 'names in p begin with "fake-"'),
        ("{}_fake", "{}_real", 'names in p end in "fake" and names in t end in "real"'),
        ("run3/{}", "{}", 'names in p begin with "run3/"'),
        ("{0}##{0}x", "{}", 'names in p (go on after "##"|end in "##clip1x")'),
        ("{}.25fps", "{}", r'names in p end in "\.25fps"'),
        ("C{}", "c{}", "differ in upper and lower case"),
    ],
)
@pytest.mark.parametrize("count", [1, 2, 30])
def test_one_affix_is_recognised(tmp_path: Path, form: str, other: str, said: str, count: int) -> None:
    names = [f"clip{i}" for i in range(1, count + 1)]
    preds = touch(tmp_path / "p", *(f"{form.format(name)}.mp4" for name in names))
    target = touch(tmp_path / "t", *(f"{other.format(name)}.mp4" for name in names))
    if count == 1 and "{}_" in form and "{}_" in other:
        return  # from one pair alone nothing can be told
    with pytest.warns(MediaWarning, match=f"{said}.*--pairs FILE"):
        items = pair(preds, target)
    assert len(items) == 2 * count
    assert all("--pairs FILE.csv" in item.unpaired for item in items)


@pytest.mark.filterwarnings("error")
def test_names_without_a_rule_name_the_pairs_file(tmp_path: Path) -> None:
    preds = touch(tmp_path / "p", "a.mp4", "monday.mp4", "xyz.mp4")
    target = touch(tmp_path / "t", "a.mp4", "real_one.mp4")
    reasons = {item.key: item.unpaired for item in pair(preds, target)}
    assert reasons["a"] == ""
    assert all("by their names" in reasons[key] and "--pairs FILE.csv" in reasons[key] for key in ("monday", "xyz"))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("ours", "real"),
    [(["take12", "take3"], ["take7"]), (["take10"], ["take7"]), (["ann_x", "bob", "eve"], ["anna", "ron"])],
)
def test_names_that_are_alike_by_chance_are_no_rule(tmp_path: Path, ours: list[str], real: list[str]) -> None:
    preds = touch(tmp_path / "p", *(f"{name}.mp4" for name in ours))
    target = touch(tmp_path / "t", *(f"{name}.mp4" for name in real))
    assert all("by their names" in item.unpaired for item in pair(preds, target))


@pytest.mark.filterwarnings("error")
def test_one_missing_clip_is_no_rule(tmp_path: Path) -> None:
    preds = touch(tmp_path / "p", *(f"clip{i}.mp4" for i in range(12)))
    target = touch(tmp_path / "t", *(f"clip{i}.mp4" for i in range(11)))
    assert [item.key for item in pair(preds, target) if item.unpaired] == ["clip11"]


STUDY = ("gt", "ours", "wav2lip/run1")


@pytest.mark.parametrize("count", [1, 5, 30])
def test_a_folder_that_is_too_high_up_is_told_the_subfolders(tmp_path: Path, count: int) -> None:
    """Each of 35 rows said that there was no file."""
    names = [f"radio{i}.mp4" for i in range(count)]
    study = touch(tmp_path / "study", *(f"{model}/{name}" for model in STUDY for name in names))
    said = rf"none of {3 * count} clips has a partner; did you mean --preds {study}/ours, {study}/wav2lip/run1\?"
    with pytest.warns(MediaWarning, match=said):
        items = pair(study, study / "gt")
    assert all("did you mean --preds" in item.unpaired for item in items)
    said = rf"did you mean --target {study}/gt, {study}/wav2lip/run1\?"
    with pytest.warns(MediaWarning, match=said):
        pair(study / "ours", study)


def test_where_nothing_pairs_the_nearest_names_are_shown(tmp_path: Path) -> None:
    preds = touch(tmp_path / "p", "monday_talk.mp4", "xyz.mp4")
    target = touch(tmp_path / "t", "real_one.mp4", "mondaytalk2.mp4", "q.mp4")
    for item in pair(preds, target):
        assert f"none of 2 clips in {preds} has a partner in {target}" in item.unpaired
        assert "nearest are monday_talk and mondaytalk2" in item.unpaired
        assert "--pairs FILE.csv" in item.unpaired


# ---- sound


def test_a_clip_that_an_audio_folder_lacks_has_no_sound(tmp_path: Path) -> None:
    preds = touch(tmp_path / "p", "a.mp4", "b.mp4")
    audio = touch(tmp_path / "w", "a.wav")
    one, other = pair(preds, audio=audio)
    assert (one.audio, one.no_sound) == (audio / "a.wav", "")
    assert other.audio is None
    assert other.no_sound.startswith(f"no sound for b in {audio}; add it there")
    assert [item.no_sound for item in pair(preds)] == ["", ""]


# ---- datasets


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


def test_an_animation_beside_a_video_of_its_name_is_its_preview(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.gif", "b.gif"):
        (tmp_path / name).touch()
    with pytest.warns(MediaWarning, match=r"a\.gif was passed over"):
        items = pair(preds=tmp_path)
    assert {item.key: item.preds and item.preds.name for item in items} == {"a": "a.mp4", "b": "b.gif"}


def test_two_videos_of_one_name_are_an_error(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mov"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match="are both the clip 'a'"):
        pair(preds=tmp_path)


def test_one_file_of_features_for_several_clips_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.npy").touch()
    with pytest.raises(InputError, match=r"a\.npy is a file, but there are 2 clips; give a folder"):
        pair_features([Item("a"), Item("b")], {"csim": {"preds": tmp_path / "a.npy"}})
