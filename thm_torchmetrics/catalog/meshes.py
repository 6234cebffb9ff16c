"""Rows of the metrics of 3-D faces, on given vertices."""

from __future__ import annotations

from thm_torchmetrics.catalog.row import BOTH, Protocol, Row, Scale

_CUT = {"align": "truncate"}
_CODETALKER = "cal_metric.py of github.com/Doubiiu/CodeTalker@1b7cb95"
_FACEDIFFUSER = "FaceDiffuser (S. Stan et al., MIG 2023)"
_PERCEPTUAL = "of github.com/kaist-ami/Perceptual-3D-Talking-Head@530d075"
_MTM = f"evaluate_MTM.py {_PERCEPTUAL}"

ROWS = (
    Row(
        "lve", "LipVertexError", "meshes", "lip vertex error", Scale(False, "unit²"), BOTH,
        (
            Protocol("codetalker", f"{_CODETALKER}, which FaceFormer's table uses, too: squared", options=_CUT),
            Protocol("facediffuser", f"{_FACEDIFFUSER}: squared; both sides are cut to the shorter", options=_CUT),
            Protocol("euclidean", "this package's own: the distance instead of its square", scale=Scale(False, "unit")),
        ),
        features_by_default=True,
    ),
    Row(
        "mve", "MeanVertexError", "meshes", "mean vertex error", Scale(False, "unit"), BOTH,
        (Protocol("facediffuser", f"{_FACEDIFFUSER}: not squared, all vertices", options=_CUT),),
        features_by_default=True,
    ),
    Row(
        "ufve", "UpperFaceVertexError", "meshes", "vertex error of the upper face", Scale(False, "unit"), BOTH,
        (
            Protocol("mean", "this package's own reading: MVE over the vertices of the upper face", options=_CUT),
            Protocol("emotalk", "Z. Peng et al., EmoTalk, ICCV 2023, EVE in words: the largest distance", options=_CUT),
        ),
        features_by_default=True,
    ),
    Row(
        "fdd", "UpperFaceDynamicsDeviation", "mesh_motion", "deviation of the upper face's dynamics",
        Scale(False, "unit²", float("-inf")), BOTH,
        (
            Protocol("codetalker", f"{_CODETALKER}: target minus prediction, signed", "clip"),
            Protocol("facediffuser", f"{_FACEDIFFUSER}, ABS FDD", "clip", scale=Scale(False, "unit²")),
        ),
        features_by_default=True,
    ),
    Row(
        "mod", "MouthOpeningDifference", "meshes", "difference of the mouth's opening", Scale(False, "unit"), BOTH,
        (Protocol("diffposetalk", "Z. Sun et al., DiffPoseTalk, SIGGRAPH 2024, in words"),), features_by_default=True,
    ),
    Row(
        "mtm", "MouthTimingMisalignment", "mesh_motion", "misalignment of the mouth's timing", Scale(False, "ms"), BOTH,
        (
            Protocol("perceptual", f"{_MTM}, times the 40 ms of its README", "clip"),
            Protocol("perceptual-frames", f"{_MTM}, as it prints it", "clip", scale=Scale(False, "frames")),
        ),
        features_by_default=True,
    ),
    Row(
        "slcc", "SpeechLipCorrelation", "speech_lip", "correlation of the intensities of speech and lips",
        Scale(True, "", -1.0, 1.0), ("preds", "audio", "labels"),
        (Protocol("perceptual", f"evaluate_SLCC.py {_PERCEPTUAL}", "clip"),), features_by_default=True,
    ),
)  # fmt: skip
