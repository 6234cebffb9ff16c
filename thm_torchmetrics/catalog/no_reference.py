"""Rows of the metrics of generated frames alone: sharpness and steadiness."""

from __future__ import annotations

from thm_torchmetrics.catalog.row import Protocol, Row, Scale

_ALONE = ("preds",)
_VBENCH = "of Z. Huang et al., VBench, CVPR 2024"

ROWS = (
    Row(
        "vl", "LaplacianVariance", "laplacian", "variance of the Laplacian (sharpness)", Scale(True, "levels²"), _ALONE,
        (
            Protocol(
                "video-evaluation-toolkit", "cv2.Laplacian's variance in github.com/harlanhong/video-evaluation-toolkit"
            ),
        ),
    ),
    Row(
        "flicker", "TemporalFlicker", "flicker", "steadiness from frame to frame", Scale(True, "", 0.0, 1.0), _ALONE,
        (Protocol("vbench", f"temporal flickering {_VBENCH}", average="clip"),),
    ),
)  # fmt: skip
