"""Model packs: whole, or an error that names the file."""

import zipfile
from pathlib import Path

import pytest

from thm_torchmetrics import weights
from thm_torchmetrics.errors import WeightsError


@pytest.fixture
def pack(machine: Path) -> Path:
    path = machine / "pack.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/det.onnx", b"detector" * 500)
        archive.writestr("rec.onnx", bytes(range(256)) * 50)
        archive.writestr("readme.txt", b"no model")
    return path


def test_files_of_the_pack_are_unpacked_without_folders(pack: Path, machine: Path) -> None:
    folder = weights.unpacked(pack, "models/pack", ".onnx")
    assert folder == machine / "cache/models/pack"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "det.onnx": b"detector" * 500,
        "rec.onnx": bytes(range(256)) * 50,
    }


def test_damaged_pack_is_refused_and_leaves_nothing(pack: Path, machine: Path) -> None:
    whole = pack.read_bytes()
    for at in range(0, len(whole), 7):
        pack.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        name = f"models/pack{at}"
        try:
            weights.unpacked(pack, name, ".onnx")
        except WeightsError as error:
            assert str(pack) in str(error)  # noqa: PT017  (most flips, not all, are faults)
            assert not (machine / "cache" / name).exists()
    for kept in (0, 10, len(whole) // 2, len(whole) - 5):
        pack.write_bytes(whole[:kept])
        with pytest.raises(WeightsError, match=r"pack\.zip is no model pack"):
            weights.unpacked(pack, "models/cut", ".onnx")
    assert all(path.name.startswith("pack") for path in (machine / "cache/models").iterdir())


def test_folder_that_cannot_be_written_is_named(pack: Path, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "file").touch()
    monkeypatch.setenv("THM_WEIGHTS_DIR", str(machine / "file" / "weights"))
    with pytest.raises(WeightsError, match=r"pack\.zip cannot be unpacked into .*file/weights/models: "):
        weights.unpacked(pack, "models/pack", ".onnx")


def test_a_pack_without_models_is_named(pack: Path) -> None:
    with pytest.raises(WeightsError, match=r"pack\.zip is no model pack: it holds no \.pth file"):
        weights.unpacked(pack, "models/none", ".pth")
