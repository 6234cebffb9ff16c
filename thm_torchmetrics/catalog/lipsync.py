"""Rows of the lip-sync metrics: LSE-D, LSE-C and the audio-visual offset."""

from __future__ import annotations

from thm_torchmetrics.catalog.row import Protocol, Row, Scale

_SOUND = ("preds", "audio")
_PUBLISHED = (
    Protocol("tracked", "this package's own: syncnet_python's pipeline on the frames as decoded", "clip"),
    Protocol("syncnet-python", "github.com/joonson/syncnet_python, run_pipeline.py and run_syncnet.py", "track"),
    Protocol("wav2lip-lrs", "this package's own: calculate_scores_LRS.py of Wav2Lip without its JPEG files", "clip"),
    Protocol("wav2lip-lrs-jpeg", "github.com/Rudrabha/Wav2Lip, evaluation, calculate_scores_LRS.py", "clip"),
)
_NETWORK = (("syncnet",), "syncnet")

ROWS = (
    Row(
        "lse-d", "LipSyncDistance", "lipsync", "lip-sync error, distance",
        Scale(False), _SOUND, _PUBLISHED, *_NETWORK,
    ),
    Row(
        "lse-c", "LipSyncConfidence", "lipsync", "lip-sync error, confidence",
        Scale(True), _SOUND, _PUBLISHED, *_NETWORK,
    ),
    Row(
        "av-offset", "LipSyncOffset", "lipsync", "mean absolute audio-visual offset",
        Scale(False, "frames"), _SOUND, _PUBLISHED, *_NETWORK,
    ),
)  # fmt: skip
