"""Rows of the metrics of facial landmarks: LMD, AKD, MKR."""

from __future__ import annotations

from thm_torchmetrics.catalog.row import BOTH, Protocol, Row, Scale

POINTS = (("fan", "dlib"), "landmarks")
_FOMM = Protocol(
    "fomm", "github.com/AliaksandrSiarohin/pose-evaluation (First Order Motion Model)", options={"face": "first"}
)
_EAT = "test_lmd.py of github.com/yuangan/evaluation_eat (Y. Gan et al., EAT, ICCV 2023)"
_DLIB_OF_CROPS = {"extractor": "dlib", "face": "first", "upsample": 0, "grey": "bgr"}

ROWS = (
    Row(
        "lmd", "LandmarkDistance", "landmarks", "landmark distance of the lips", Scale(False, "px"), BOTH,
        (
            Protocol(
                "instag", "metrics.py of InsTaG, TalkingGaussian, ER-NeRF and SyncTalk", options={"face": "last"}
            ),
            Protocol(
                "vico", "compute_lmd.py of the ViCo baseline and of TalkingHeadMetrics",
                options={"face": "first", "flip": True},
            ),
            Protocol(
                "atvg", "evaluation_matrix.py of ATVGnet (L. Chen et al., CVPR 2019)",
                options={"extractor": "dlib", "face": "last", "upsample": 1, "grey": "rgb"},
            ),
            Protocol("eat-m", f"{_EAT}: M-LMD, on its aligned crops", "clip", _DLIB_OF_CROPS, every_frame=True),
            Protocol("eat-f", f"{_EAT}: F-LMD, on its aligned crops", "clip", _DLIB_OF_CROPS, every_frame=True),
            Protocol("centered-mouth", "this package's own: the formula of EAT's M-LMD on whole frames", "clip"),
            Protocol("centered-face", "this package's own: the formula of EAT's F-LMD on whole frames", "clip"),
        ),
        *POINTS,
    ),
    Row(
        "akd", "AverageKeypointDistance", "landmarks", "average keypoint distance of the face",
        Scale(False, "px"), BOTH, (_FOMM,), *POINTS,
    ),
    Row(
        "mkr", "MissingKeypointRate", "landmarks", "missing keypoint rate (missed faces)",
        Scale(False, "", 0.0, 1.0), BOTH, (_FOMM,), *POINTS,
    ),
)  # fmt: skip
