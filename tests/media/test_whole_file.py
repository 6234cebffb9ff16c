"""Files are written whole or not at all, whatever stands in their place."""

import errno
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from thm_torchmetrics.media.whole_file import whole_file


def write(path: Path, text: str = "new") -> None:
    with whole_file(path) as file:
        file.write(text)


def write_half(path: Path) -> None:
    with whole_file(path) as file:
        file.write("new")
        raise KeyError


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with whole_file(path) as file:
        file.write("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyError):
        write_half(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_rest_of_a_killed_process_blocks_nobody(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    read, written = os.pipe()
    if (child := os.fork()) == 0:
        with whole_file(path) as file:
            file.write("half")
            file.flush()
            os.write(written, b"x")
            os.kill(os.getpid(), 9)
    os.read(read, 1)
    os.waitpid(child, 0)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".a.txt.")
    # another process may have the same id
    (tmp_path / f".a.txt.{os.getpid()}.part").write_text("half")
    write(path)
    assert path.read_text() == "new"
    assert left.read_text() == "half"


def test_two_that_write_one_file_at_once_both_succeed(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with whole_file(path) as first, whole_file(path) as second:
        first.write("first")
        second.write("second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_followed(tmp_path: Path, there: bool) -> None:
    (tmp_path / "far").mkdir()
    real, link = tmp_path / "far" / "real.txt", tmp_path / "link.txt"
    if there:
        real.write_text("old")
    (tmp_path / "between.txt").symlink_to(real)
    link.symlink_to("between.txt")
    write(link)
    assert link.is_symlink()
    assert (tmp_path / "between.txt").is_symlink()
    assert real.read_text() == link.read_text() == "new"
    assert [path.name for path in real.parent.iterdir()] == ["real.txt"]


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to("b.txt")
    (tmp_path / "b.txt").symlink_to("a.txt")
    with pytest.raises(OSError, match=r"a\.txt") as caught:
        write(tmp_path / "a.txt")
    assert caught.value.errno == errno.ELOOP
    assert all(path.is_symlink() for path in tmp_path.iterdir())


def test_a_read_only_file_is_an_error_for_root_too(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o444)
    (tmp_path / "link.txt").symlink_to(path)
    for name in ("a.txt", "link.txt"):
        with pytest.raises(PermissionError, match=rf"read-only.*{name}"):
            write(tmp_path / name)
    assert path.read_text() == "old"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.txt", "link.txt"]


def test_permissions_of_the_earlier_file_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o600)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    (tmp_path / "b.txt").write_text("")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode


@pytest.mark.parametrize("letter", ["x", "é", "中", "😀"])
def test_a_name_as_long_as_the_file_system_allows(tmp_path: Path, letter: str) -> None:
    path = tmp_path / (letter * (250 // len(letter.encode())) + ".md")
    write(path)
    assert path.read_text() == "new"


def test_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(IsADirectoryError):
        write(tmp_path / "a.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "absent" / "a.txt")


def test_a_pipe_is_written_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    os.mkfifo(path)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(path.read_text()))
    reader.start()
    write(path)
    reader.join()
    assert got == ["new"]
    assert path.is_fifo()


def test_bytes(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a.bin", "wb") as file:
        file.write(b"a\r\n\xff")
    assert (tmp_path / "a.bin").read_bytes() == b"a\r\n\xff"


def test_line_ends_are_written_as_they_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows would write others; what asks Python not to is seen here."""
    asked = []
    opened = Path.open

    def watched(path: Path, *arguments: Any, **options: Any) -> Any:
        asked.append(options["newline"])
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", watched)
    write(tmp_path / "a.txt", "a\r\nb\n")
    monkeypatch.undo()
    assert asked == [""]
    assert (tmp_path / "a.txt").read_bytes() == b"a\r\nb\n"
