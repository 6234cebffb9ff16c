"""Rows of the metrics of action units: AUE-U, AUE-L, AUE."""

from __future__ import annotations

from thm_torchmetrics.catalog.row import Protocol, Row, Scale

_PUBLISHED = (
    Protocol("talkinggaussian", "auerror.py of TalkingGaussian and InsTaG, on tables of OpenFace"),
    Protocol(
        "talkinggaussian-static", "auerror.py of TalkingGaussian, on tables of OpenFace's FeatureExtraction -au_static"
    ),
    Protocol(
        "mean", "this package's own: the mean over units in place of the sum; no published source is known",
        scale=Scale(False, "AU²", 0.0, 25.0),
    ),
)  # fmt: skip


def _row(key: str, name: str, part: str, units: int) -> Row:
    """Return the row of the error of some units, each of which is at most 25."""
    title, scale = f"action unit error, {part} face", Scale(False, "AU²", 0.0, 25.0 * units)
    return Row(
        key, name, "action_units", title, scale, ("preds_au", "target_au"), _PUBLISHED,
        ("openface-au", "libreface", "libreface-resnet18"), "action_units", features_by_default=True,
    )  # fmt: skip


ROWS = (
    _row("aue-u", "ActionUnitErrorUpper", "upper", 8),
    _row("aue-l", "ActionUnitErrorLower", "lower", 9),
    _row("aue", "ActionUnitError", "whole", 17),
)
