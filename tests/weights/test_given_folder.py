"""A user's own folder of checkpoints, recognized by names."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from weights.server import make_entry

from thm_torchmetrics import weights
from thm_torchmetrics.errors import InputError, MediaWarning

PUBLISHED = {name: entry for name, entry in weights.registry().items() if not entry.parts}
"""Those of one file; `test_folders_of_files` has the others."""


def put(path: Path, body: bytes = b"mine") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


@pytest.fixture
def folder(machine: Path) -> Path:
    return machine / "mine"


@pytest.mark.parametrize("name", PUBLISHED)
def test_checkpoint_is_recognized_by_each_of_its_names(folder: Path, name: str) -> None:
    entry = PUBLISHED[name]
    files = [other for each in PUBLISHED.values() for other in (each.file, *each.aliases)]
    forms = [
        Path(f"{name}{suffix}")
        for suffix in (".pth", ".pt", ".pth.tar", ".ckpt", ".bin", Path(entry.file).suffix or ".pth")
    ]
    for file in (entry.file, *entry.aliases):
        forms += [Path(name) / file, *([Path(file)] if files.count(file) == 1 else [])]
    for form in dict.fromkeys(forms):
        path = put(folder / form)
        assert weights.files_in(folder) == {name: path}
        assert weights.Checkpoints(weights.files_in(folder)).files == {name: str(path)}
        path.unlink()


def test_file_name_that_several_share_counts_in_a_folder_only(folder: Path) -> None:
    for file, names in (("epoch_20.pth", ["deep3d", "deep3d-2023"]), ("backbone.pth", ["arcface-r100", "arcface-r18"])):
        alone = put(folder / file)
        with pytest.raises(InputError, match=rf"holds no checkpoint by a name that is known \(but {file}\)"):
            weights.files_in(folder)
        inside = {name: put(folder / name / file) for name in names}
        alone.unlink()
        assert weights.files_in(folder) == inside
        for path in inside.values():
            path.unlink()


def test_files_are_used_whatever_they_hold_and_custom_unless_published(folder: Path, use_registry: Callable) -> None:
    use_registry(make_entry("net", b"published"), make_entry("other", b"other"))
    put(folder / "net.pth", b"published")
    put(folder / "other.ckpt", b"trained by the user")
    checkpoints = weights.Checkpoints(weights.files_in(folder), offline=True)
    for name in ("net", "other"):
        assert checkpoints.obtain(name).file == str(weights.files_in(folder)[name])
    assert not weights.locate("net", folder / "net.pth").custom
    assert weights.locate("other", folder / "other.ckpt").custom


def test_folder_that_gives_nothing_is_refused_with_the_names_that_are_known(folder: Path) -> None:
    with pytest.raises(InputError, match=rf"the folder of checkpoints cannot be read: {folder}, No such file"):
        weights.files_in(folder)
    put(folder)
    with pytest.raises(InputError, match=rf"cannot be read: {folder}, Not a directory"):
        weights.files_in(str(folder))
    folder.unlink()
    for made in ([], ["notes.txt", "syncnet.json", "syncnet/readme.md"], ["weights.pth"]):
        for file in made:
            put(folder / file)
        folder.mkdir(exist_ok=True)
        with pytest.raises(InputError) as error:
            weights.files_in(folder)
        assert str(folder) in str(error.value)
        for name, entry in PUBLISHED.items():
            assert f"{name}.pth" in str(error.value)
            assert entry.file in str(error.value)


def test_two_files_for_one_checkpoint_are_not_chosen_between(folder: Path) -> None:
    put(folder / "syncnet.pth")
    put(folder / "syncnet_v2.model", b"another")
    with pytest.raises(InputError, match=re.escape("'syncnet': syncnet_v2.model and syncnet.pth; leave one")):
        weights.files_in(folder)
    (folder / "syncnet.pth").unlink()
    (folder / "syncnet.pth").symlink_to(folder / "syncnet_v2.model")
    assert list(weights.files_in(folder)) == ["syncnet"]


def test_checkpoint_that_is_not_recognized_beside_others_is_told(folder: Path) -> None:
    put(folder / "syncnet.pth")
    put(folder / "s3fd/wrong_name.pth")
    put(folder / "my_alexnet.pth")
    put(folder / "readme.md")
    put(folder / ".hidden.pth")
    with pytest.warns(MediaWarning, match=r"my_alexnet\.pth, s3fd/wrong_name\.pth in .* is not used") as told:
        assert list(weights.files_in(folder)) == ["syncnet"]
    assert len(told) == 1


def test_suffixes_of_the_registry_are_those_of_checkpoints(folder: Path) -> None:
    for name, entry in PUBLISHED.items():
        path = put(folder / f"{name}{Path(entry.file).suffix or '.pth'}")
        assert weights.files_in(folder)[name] == path
