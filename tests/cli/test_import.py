"""What importing the package and asking for help cost."""

import subprocess
import sys

import pytest


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["--version"], ["score", "--help"], ["weights", "list"]])
def test_help_needs_no_torch(arguments: list[str]) -> None:
    code = f"""
import sys
from thm_torchmetrics.cli import main
main({arguments!r}, standalone_mode=False)
heavy = sorted({{"torch", "torchmetrics", "torchvision", "av", "scipy", "skimage"}} & set(sys.modules))
assert not heavy, heavy
"""
    assert run(code)


def test_import_loads_nothing_heavy_and_opens_no_socket() -> None:
    code = """
import socket, sys
def refuse(*args, **kwargs):
    raise AssertionError("a socket was opened")
socket.socket.connect = refuse
import thm_torchmetrics
assert "torch" not in sys.modules
import torchmetrics
theirs = set(sys.modules)
from thm_torchmetrics import PeakSignalNoiseRatio, TalkingHeadMetrics
TalkingHeadMetrics(["psnr", "ssim", "cpbd", "aue"])
heavy = sorted({"cv2", "librosa", "lightning", "face_alignment", "insightface", "dlib"} & (set(sys.modules) - theirs))
assert not heavy, heavy
"""
    assert run(code) == ""


def test_every_public_name_is_there() -> None:
    import thm_torchmetrics

    for name in thm_torchmetrics.__all__:
        assert getattr(thm_torchmetrics, name) is not None
    assert dir(thm_torchmetrics) == sorted(thm_torchmetrics.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = thm_torchmetrics.Nonsense
