"""Rows of the lip-sync metrics: LSE-D, LSE-C, the audio-visual offset, and their differences to the real videos."""

from __future__ import annotations

from dataclasses import replace

from thm_torchmetrics.catalog.row import BOTH, Protocol, Row, Scale

SOUND = ("preds", "audio")
_PROCEDURES = (
    Protocol("tracked", "this package's own: syncnet_python's pipeline on the frames as decoded", "clip"),
    Protocol(
        "syncnet-python",
        "github.com/joonson/syncnet_python to 2025, run_pipeline.py and run_syncnet.py, scenedetect 0.5.1",
        "track",
        {"scenedetect": "0.5.1"},
    ),
    Protocol(
        "syncnet-python-2026",
        "github.com/joonson/syncnet_python since April 2026 (d3e3d44e), scenedetect 0.6.7.1, ffmpeg of conda-forge",
        "track",
        {"scenedetect": "0.6.7.1", "ffmpeg": 7},
    ),
    Protocol("wav2lip-lrs", "this package's own: calculate_scores_LRS.py of Wav2Lip without its JPEG files", "clip"),
    Protocol("wav2lip-lrs-jpeg", "github.com/Rudrabha/Wav2Lip, evaluation, calculate_scores_LRS.py", "clip"),
    Protocol(
        "vico",
        "github.com/dc3ea9f/vico_challenge_baseline, compute_lipsync.py and scoring_example.py",
        "clip",
        {"tracks": "last", "scenedetect": "0.5.1", "signed": True},
    ),
    Protocol(
        "latentsync",
        "github.com/bytedance/LatentSync (a229c39), eval_sync_conf.py and syncnet_detect.py, scenedetect 0.6.1",
        "clip",
        {"tracks": "truncated", "min_track": 50, "scenedetect": "0.6.1"},
    ),
    Protocol(
        "mochabench",
        "github.com/congwei1230/MoChaBench (043908d), syncnet_pipeline.py, scenedetect 0.6.6",
        "clip",
        {"tracks": "extremes", "min_track": 50, "scenedetect": "0.6.7.1"},
    ),
    Protocol(
        "mova",
        "github.com/OpenMOSS/MOVA (595a976), eval_lip_sync.py: mean_LSE-D and mean_LSE-C",
        "clip",
        {"tracks": "mean", "min_track": 20, "scenedetect": "0.6.7.1"},
    ),
    Protocol(
        "mova-max",
        "github.com/OpenMOSS/MOVA (595a976), eval_lip_sync.py: min_D_inperson and max_C_inperson",
        "clip",
        {"tracks": "best", "min_track": 20, "scenedetect": "0.6.7.1"},
    ),
)
_PUBLISHED = tuple(replace(each, every_frame=True) for each in _PROCEDURES)  # sound does not skip frames
_SIGNED = replace(
    _PUBLISHED[0],
    name="signed",
    source="this package's own pipeline, tracked; the mean as on the board of dc3ea9f/vico_challenge_baseline",
    options={"signed": True},
)
_GAPS = tuple(
    replace(
        each, source=f"this package's own: difference to the real video's score, both by: {each.source}", average="clip"
    )
    for each in _PUBLISHED
)
NETWORK = (("syncnet",), "syncnet")

ROWS = (
    Row(
        "lse-d", "LipSyncDistance", "lipsync", "lip-sync error, distance",
        Scale(False), SOUND, _PUBLISHED, *NETWORK,
    ),
    Row(
        "lse-c", "LipSyncConfidence", "lipsync", "lip-sync error, confidence",
        Scale(True), SOUND, _PUBLISHED, *NETWORK,
    ),
    Row(
        "av-offset", "LipSyncOffset", "lipsync", "audio-visual offset",
        Scale(False, "frames"), SOUND, (*_PUBLISHED, _SIGNED), *NETWORK,
    ),
    Row(
        "lse-d-gap", "LipSyncDistanceGap", "lipsync_gap", "difference of LSE-D to the real video's",
        Scale(False), (*BOTH, "audio"), _GAPS, *NETWORK,
    ),
    Row(
        "lse-c-gap", "LipSyncConfidenceGap", "lipsync_gap", "difference of LSE-C to the real video's",
        Scale(False), (*BOTH, "audio"), _GAPS, *NETWORK,
    ),
)  # fmt: skip
