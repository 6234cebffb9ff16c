"""Rows of the metrics that tolerate unlike lengths and delays: Soft-DTW of features, and the delay itself."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from thm_torchmetrics.catalog.face3d import DEEP3D
from thm_torchmetrics.catalog.identity import RECOGNITION
from thm_torchmetrics.catalog.landmarks import POINTS
from thm_torchmetrics.catalog.lipsync import NETWORK, SOUND
from thm_torchmetrics.catalog.motion import POSE
from thm_torchmetrics.catalog.row import BOTH, Protocol, Row, Scale

_GAMMA: Mapping[str, Any] = {"gamma": 0.01}
_PAPER = "Z. Zhang et al., arXiv 2606.01031, section 3.4, in words; no code is public"


def _published(unit: str, high: float, every_frame: bool = False) -> tuple[Protocol, ...]:
    """Return the protocols of a metric of sequences."""
    soft = f"Soft-DTW of {_PAPER}; gamma is this package's choice"
    scale = Scale(False, unit, 0.0, high)
    return (
        Protocol("seq", soft, "clip", _GAMMA, every_frame=every_frame),
        Protocol("frame", f"the frame-wise value of {_PAPER}", "clip", scale=scale, every_frame=every_frame),
    )


def _row(
    key: str, name: str, title: str, extractors: tuple[str, ...], kind: str, unit: str = "", high: float = inf
) -> Row:
    title = f"distance of two sequences of {title}"
    scale = Scale(False, unit, -inf, high)
    return Row(key, name, "sequences", title, scale, BOTH, _published(unit, high), extractors, kind)


ROWS = (
    _row("csim-seq", "IdentitySequenceDistance", "identity embeddings (CSIM_seq)", *RECOGNITION, high=4.0),
    _row("lmd-seq", "LandmarkSequenceDistance", "lip landmarks", *POINTS, "px²"),
    _row("pose-seq", "HeadPoseSequenceDistance", "head poses", *POSE, "deg²"),
    _row("expression-seq", "ExpressionSequenceDistance", "expressions (3-D face coefficients)", *DEEP3D),
    _row("lpips-seq", "PerceptualSequenceDistance", "LPIPS features (LPIPS_seq)", ("lpips",), "lpips"),
    Row(
        "lse-d-seq", "LipSyncSequenceDistance", "lipsync_sequences",
        "distance of two sequences of SyncNet's embeddings, of lips and sound (Sync-D_seq)", Scale(False, "", -inf),
        SOUND, _published("", inf, every_frame=True), *NETWORK,  # sound does not skip frames
    ),
    Row(
        "delay", "FrameDelay", "delay", "delay of the frames", Scale(False, "frames"), BOTH,
        (
            Protocol(
                "squared-l2", "this package's own: the shift of the smallest mean squared distance", "clip",
                {"max_delay": 10},
            ),
        ),
        ("thumbnail", "fan", "dlib"), "delay",
    ),
)  # fmt: skip
