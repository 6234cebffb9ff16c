"""Rows of the metrics of identity: CSIM and FOMM's AED."""

from __future__ import annotations

from thm_torchmetrics.catalog.row import BOTH, Protocol, Row, Scale

RECOGNITION = (
    ("arcface-r100", "arcface-r100-glint360k", "arcface-r50", "arcface-r18", "insightface", "dlib"),
    "identity",
)

ROWS = (
    Row(
        "csim", "IdentitySimilarity", "identity", "cosine similarity of identity embeddings",
        Scale(True, "", -1.0, 1.0), BOTH,
        (
            Protocol(
                "aligned",
                "as PIRender, StyleHEAT, SadTalker and LivePortrait describe it; the crop is InsightFace's norm_crop",
            ),
            Protocol("vico", "arcface_torch/compute_csim.py of the ViCo baseline and of TalkingHeadMetrics"),
        ),
        *RECOGNITION,
    ),
    Row(
        "aed-id", "AverageEuclideanDistance", "identity", "average Euclidean distance of identity embeddings (FOMM)",
        Scale(False, "", 0.0, 4.0), BOTH,
        (
            Protocol(
                "fomm",
                "formula of github.com/AliaksandrSiarohin/pose-evaluation; ArcFace in place of its OpenFace network",
            ),
            Protocol("aligned", "this package's own: the same on aligned faces"),
        ),
        *RECOGNITION,
    ),
)  # fmt: skip
