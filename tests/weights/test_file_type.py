"""File types by the first bytes; the types of whole checkpoints are in test_load.py."""

import zipfile
from pathlib import Path

import pytest
import torch

from thm_torchmetrics.weights.file_type import CHECKPOINT, describe_wrong_body, file_type


@pytest.mark.parametrize("zipped", [True, False])
def test_checkpoints_of_torch(tmp_path: Path, zipped: bool) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "file", _use_new_zipfile_serialization=zipped)
    assert file_type(tmp_path / "file") == CHECKPOINT


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"  <HTML>", "an HTML page"),
        (b"<?xml version='1.0'?><Error/>", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer, not the file that it points to"),
        (b"\x80\x04\x95", "a pickle of protocol 4, of which PyTorch cannot read the tensors alone"),
        (b"\x80", "a file of unknown type"),
        (b"\x08\x07\x12\x04", "an ONNX model"),
        (b"\x01\x01\x81\x88", "a dlib model"),
        (b"\x10\0\0\0\0\0\0\0{}", "a safetensors file"),
        (b"PK\x03\x04 and no more", "a damaged zip archive, its end is missing"),
        (b"something else", "a file of unknown type"),
    ],
)
def test_other_files_are_named(tmp_path: Path, body: bytes, said: str) -> None:
    (tmp_path / "file").write_bytes(body)
    assert file_type(tmp_path / "file") == said


@pytest.mark.parametrize(
    ("member", "said"),
    [
        ("net/data.pkl", CHECKPOINT),
        ("net/constants.pkl", "a TorchScript archive, which runs code"),
        ("pack/net.onnx", "a zip archive of ONNX models"),
        ("README", "a zip archive"),
    ],
)
def test_archives_are_told_apart_by_their_members(tmp_path: Path, member: str, said: str) -> None:
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        archive.writestr(member, b"")
    assert file_type(tmp_path / "file") == said


def test_damaged_archive_of_any_kind_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        archive.writestr("net/däta.pkl", b"")
    whole = (tmp_path / "file").read_bytes()
    for at in range(4, len(whole)):  # the four first are those of a zip
        for spoiled in (0, 0x7F, 0xFF):
            (tmp_path / "file").write_bytes(whole[:at] + bytes([spoiled]) + whole[at + 1 :])
            assert file_type(tmp_path / "file") in (
                CHECKPOINT,
                "a zip archive",
                "a damaged zip archive",
                "a damaged zip archive, its end is missing",
            )


def test_body_of_a_checkpoint_is_not_wrong() -> None:
    assert describe_wrong_body(b"\x80\x02\x8a\nl\xfc") is None
