"""Rows of the metrics of generated frames alone: sharpness, naturalness, steadiness, motion."""

from __future__ import annotations

from math import inf

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
        "niqe", "NaturalImageQuality", "no_reference", "natural image quality evaluator", Scale(False), _ALONE,
        (
            Protocol("mmagic", "A. Mittal et al., IEEE SPL 2013, on the grey frame, as mmagic and pyiqa compute it"),
            Protocol("mmagic-y", "the same on the Y of YCbCr, as mmagic's convert_to='y' and BasicSR"),
        ),
        ("niqe",), "niqe",
    ),
    Row(
        "brisque", "BlindSpatialQuality", "no_reference", "blind image spatial quality evaluator",
        Scale(False, "", -inf), _ALONE,
        (Protocol("piq", "A. Mittal et al., IEEE TIP 2012, with LIVE's model, as piq.brisque in float64"),),
        ("brisque",), "brisque",
    ),
    Row(
        "quality", "PerceptualQuality", "no_reference", "score of a given no-reference network, by its scale",
        Scale(True, "", -inf), _ALONE,
        (
            Protocol("higher", "any network of which a higher score is better"),
            Protocol("lower", "any network of which a lower score is better", scale=Scale(False, "", -inf)),
            Protocol("q-align", "H. Wu et al., Q-Align, ICML 2024, its scorer", scale=Scale(True, "", 0.0, 1.0)),
            Protocol("q-align-1-5", "Q-Align as pyiqa scales it, 1 + 4 y", scale=Scale(True, "", 1.0, 5.0)),
        ),
    ),
    Row(
        "flicker", "TemporalFlicker", "flicker", "steadiness from frame to frame", Scale(True, "", 0.0, 1.0), _ALONE,
        (Protocol("vbench", f"temporal flickering {_VBENCH}", average="clip", every_frame=True),),
    ),
    Row(
        "dynamic-degree", "DynamicDegree", "dynamic_degree", "share of clips that move, of given optical flow",
        Scale(True, "", 0.0, 1.0), _ALONE, (Protocol("vbench", f"dynamic degree {_VBENCH}", average="clip"),),
    ),
)  # fmt: skip
