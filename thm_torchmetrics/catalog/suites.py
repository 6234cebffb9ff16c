"""The suites: sets of metrics with their protocols, and what their papers report beside them."""

from __future__ import annotations

from collections.abc import Mapping

SUITES: Mapping[str, tuple[str, ...]] = {
    "thm": (
        "psnr", "ssim", "cpbd", "lpips", "fid:piq", "lmd:vico", "csim:vico", "v-rmse:thm", "a-rmse:thm", "v-sagr:thm",
        "a-sagr:thm", "lse-d:vico", "lse-c:vico", "aue-u", "aue-l",
    ),
    "vico": (
        "psnr", "ssim", "cpbd", "fid:piq", "lmd:vico", "csim:vico", "aed:vico", "apd:vico", "lse-c:vico",
        "av-offset:vico",
    ),
    "talkinggaussian": (
        "psnr:mean-of-frames", "ssim", "lpips", "lmd", "aue-u", "aue-l", "lse-c:syncnet-python",
        "lse-d:syncnet-python",
    ),
    "synctalk": (
        "psnr:mean-of-frames", "lpips", "ms-ssim", "fid", "niqe", "brisque", "lmd", "aue", "lse-d:syncnet-python",
        "lse-c:syncnet-python",
    ),
    "instag": (
        "psnr:mean-of-frames", "ssim", "lpips", "lmd", "aue-u", "aue-l", "lse-c:syncnet-python",
        "lse-d:syncnet-python",
    ),
    "wav2lip": ("lse-d:wav2lip-lrs-jpeg", "lse-c:wav2lip-lrs-jpeg", "fid"),
    "eat": ("psnr:eat", "ssim:eat", "fid:eat", "lmd:eat-m", "lmd:eat-f"),
    "latentsync": ("fid", "fvd:latentsync", "ssim", "lmd", "lse-c:latentsync", "av-offset:latentsync"),
    "hallo": ("fid", "fvd", "lse-c:syncnet-python", "lse-d:syncnet-python", "e-fid"),
    "sadtalker": ("fid", "cpbd", "csim", "lse-c:syncnet-python", "lse-d:syncnet-python"),
    "fomm": ("l1", "akd", "mkr", "aed-id"),
    "styleheat": ("lpips", "fid", "csim", "aed", "apd"),
    "offline": ("psnr", "ssim", "cpbd", "lmd", "akd", "mkr", "csim", "aed-id:aligned", "aue-u", "aue-l", "aue"),
}  # fmt: skip
"""Sets of metrics by name: those of a paper or a family of papers, and those that run without a download."""

LACKING: Mapping[str, Mapping[str, str]] = {
    "eat": {
        "Sync_conf": "SyncNet on the crops of PC-AVS, which are not made here; lse-c:wav2lip-lrs-jpeg of such crops is "
        "the same network",
        "Acc_emo": "needs Emotion-FAN, of which no checkpoint with a hash is public, and the intended emotions",
        "L1": "no script for it is published, nor its scale; l1 of the whole frames is FOMM's",
    },
    "sadtalker": {
        "Diversity": "needs Hopenet's logits, of which no checkpoint with a hash is public; on given logits "
        "pose-diversity:sadtalker is the formula",
        "Beat Align": "no code was released; beat-align:kdtalker is that of KDTalker's table",
    },
}
"""What the papers of a suite report and this package cannot measure, with the reason."""
