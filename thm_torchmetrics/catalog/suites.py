"""The suites: sets of metrics with their protocols."""

from __future__ import annotations

from collections.abc import Mapping

SUITES: Mapping[str, tuple[str, ...]] = {
    "thm": (
        "psnr", "ssim", "cpbd", "lpips", "fid", "lmd:vico", "csim:vico", "v-rmse:thm", "a-rmse:thm", "v-sagr:thm",
        "a-sagr:thm", "lse-d", "lse-c", "aue-u", "aue-l",
    ),
    "talkinggaussian": ("psnr", "lpips", "lmd", "lse-c:syncnet-python", "aue-u", "aue-l"),
    "wav2lip": ("lse-d:wav2lip-lrs-jpeg", "lse-c:wav2lip-lrs-jpeg", "fid"),
    "vico": (
        "psnr", "ssim", "cpbd", "fid", "lmd:vico", "csim:vico", "aed:vico", "apd:vico", "lse-c:syncnet-python",
        "av-offset:syncnet-python",
    ),
    "eat": ("psnr:eat", "ssim:eat", "fid:eat", "lmd:eat-m", "lmd:eat-f"),
    "fomm": ("akd", "mkr", "aed-id"),
    "styleheat": ("lpips", "fid", "csim", "aed", "apd"),
    "offline": ("psnr", "ssim", "cpbd", "lmd", "akd", "mkr", "csim", "aed-id:aligned", "aue-u", "aue-l", "aue"),
}  # fmt: skip
"""Sets of metrics by name: those of a family of papers, and those that run without a download."""
