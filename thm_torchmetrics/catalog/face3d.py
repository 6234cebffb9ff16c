"""Rows of the metrics of 3-D face coefficients: AED, APD, E-FID, P-FID."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from thm_torchmetrics.catalog.row import BOTH, Protocol, Row, Scale

DEEP3D = (("deep3d", "deep3d-2023"), "face3d")
_GIVEN: Mapping[str, Any] = {"extractor": None}
_PUBLISHED = (
    Protocol(
        "styleheat", "cal_3dmm_distance.py, published with Next3D; StyleHEAT (F. Yin et al., ECCV 2022)", "clip",
        {"face": "first"},
    ),
    Protocol("vico", "ExpL1 and PoseL1 of the ViCo challenge, as defined in its issue 1", options={"face": "first"}),
    Protocol("features", "this package's own: of given coefficients of any face model", options=_GIVEN),
)  # fmt: skip

ROWS = (
    Row(
        "aed", "AverageExpressionDistance", "face3d", "average expression distance (3-D face coefficients)",
        Scale(False), BOTH, _PUBLISHED, *DEEP3D,
    ),
    Row(
        "apd", "AveragePoseDistance", "face3d", "average pose distance (3-D face coefficients)",
        Scale(False), BOTH, _PUBLISHED, *DEEP3D,
    ),
    Row(
        "e-fid", "ExpressionFrechetDistance", "face3d", "Fréchet distance of expressions (3-D face coefficients)",
        Scale(False), BOTH,
        (
            Protocol("emo", "as L. Tian et al., EMO, ECCV 2024, describe it; no code is public"),
            Protocol(
                "hallo", "of 79 coefficients of ER-NeRF's face tracking, which issue 31 of github.com/"
                "fudan-generative-vision/hallo2 names; no code is public", options=_GIVEN,
            ),
            Protocol("features", "this package's own: of given coefficients of any face model", options=_GIVEN),
        ),
        *DEEP3D,
    ),
    Row(
        "p-fid", "PoseFrechetDistance", "face3d", "Fréchet distance of head poses (3-D face coefficients)",
        Scale(False), BOTH, (Protocol("float", "as T. Ki et al., FLOAT, ICCV 2025, describe it; no code is public"),),
        *DEEP3D,
    ),
)  # fmt: skip
