"""The type of a file by its first bytes: a name and a suffix prove nothing."""

from __future__ import annotations

import zipfile
from pathlib import Path

CHECKPOINT = "a PyTorch checkpoint"
TORCHSCRIPT = "a TorchScript archive, which runs code"
_DLIB = "a dlib model"
_ARCHIVE = "a zip archive"
_PACK = f"{_ARCHIVE} of ONNX models"
_NATIVE = {".dat": _DLIB, ".zip": _PACK}
"""The type of the files that other libraries than PyTorch read, by the suffix under which they are published."""
_HEAD = 512


def describe_wrong_body(body: bytes) -> str | None:
    """Name what a server may send instead of a file, None if the first bytes do not look like it."""
    start = body.lstrip()[:_HEAD].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return "an HTML page"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the file that it points to"
    if not start:
        return "empty"
    return None


def _archive_type(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return "a damaged zip archive, its end is missing"
    except Exception:  # a damaged archive can fail in any part of the reader
        return "a damaged zip archive"
    if any(name.endswith("/constants.pkl") for name in names):
        return TORCHSCRIPT
    if any(name.endswith("/data.pkl") for name in names):
        return CHECKPOINT
    if any(name.endswith(".onnx") for name in names):
        return _PACK
    return _ARCHIVE


def read_head(path: Path) -> bytes:
    """Read the first bytes of a file."""
    with path.open("rb") as file:
        return file.read(_HEAD)


def file_type(path: Path) -> str:
    """Return the type of a file: `CHECKPOINT`, or other words that complete "the file is ..."."""
    start = read_head(path)
    if (wrong := describe_wrong_body(start)) is not None:
        return wrong
    if start.startswith(b"PK\x03\x04"):
        return _archive_type(path)
    if start.startswith(b"\x80\x02"):
        return CHECKPOINT
    if start[:2] in (b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        return f"a pickle of protocol {start[1]}, of which PyTorch cannot read the tensors alone"
    # An ONNX model is a protocol buffer: field 1 (the version) first, then producer, graph or operator set.
    if start.startswith(b"\x08") and start[2:3] in (b"\x12", b"\x1a", b"\x3a", b"\x42"):
        return "an ONNX model"
    if start.startswith(b"\x01\x01"):  # dlib writes the version 1 first, as a length and a number
        return _DLIB
    if start[8:9] == b"{":
        return "a safetensors file"
    return "a file of unknown type"


def describe_wrong_file(path: Path, published: str) -> str | None:
    """Name what a file is that cannot stand for a checkpoint, None if it may.

    PyTorch checkpoints are looked at where they are read.

    Args:
        path: the file.
        published: name of the file in whose place it is given.
    """
    if (wrong := describe_wrong_body(read_head(path))) is not None:
        return wrong
    needed = _NATIVE.get(Path(published).suffix)
    if needed is None:
        return None
    found = file_type(path)
    if needed.startswith(found):  # an archive without models is told where it is unpacked
        return None
    return f"{found}, and not {needed}"
