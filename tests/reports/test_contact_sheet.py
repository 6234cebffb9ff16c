"""Pictures are written whole or not at all, in the format of their suffix."""

from pathlib import Path

import pytest
from PIL import Image

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.reports.contact_sheet import save


@pytest.mark.parametrize(("suffix", "form"), [(".png", "PNG"), (".JPG", "JPEG"), (".jpeg", "JPEG")])
def test_the_suffix_decides_the_format(tmp_path: Path, suffix: str, form: str) -> None:
    save(Image.new("RGB", (8, 4), (255, 0, 0)), tmp_path / f"sheet{suffix}")
    with Image.open(tmp_path / f"sheet{suffix}") as read:
        assert (read.format, read.size) == (form, (8, 4))


@pytest.mark.parametrize("suffix", ["", ".txt", ".psd"])
def test_a_suffix_of_no_picture_is_an_error(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InputError, match=r"use \.png or \.jpg"):
        save(Image.new("RGB", (8, 4)), tmp_path / f"sheet{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_cannot_be_written_leaves_the_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "sheet.jpg"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="RGBA"):
        save(Image.new("RGBA", (8, 4)), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
