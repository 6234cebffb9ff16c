"""Checkpoints: a registry of them, their places on disk, their licenses, and how they are fetched, verified and read.

A checkpoint is looked for in the argument, `$THM_WEIGHTS_DIR`, `./weights`, the user's cache, and the caches of
torch.hub and insightface, then downloaded unless the caller or `THM_OFFLINE=1` forbids it. Its SHA256 is checked
wherever it comes from, and it is read with `weights_only=True`. Under commercial use (the caller's choice, or
`THM_COMMERCIAL=1`) those whose license excludes it are refused. Nothing here prints, and neither torch nor the network
is touched before a function needs it.
"""

from thm_torchmetrics.weights.checkpoints import Checkpoint, Checkpoints, CustomFiles
from thm_torchmetrics.weights.download import obtain
from thm_torchmetrics.weights.folders import cache_dir, other_caches, path_within, places
from thm_torchmetrics.weights.given_folder import files_in
from thm_torchmetrics.weights.licenses import accept_license, check_license, is_accepted, license_notice
from thm_torchmetrics.weights.load import StateDict, load, load_into
from thm_torchmetrics.weights.locate import Found, Status, locate, status, verify
from thm_torchmetrics.weights.registry import Part, WeightEntry, needed_by, register, registry
from thm_torchmetrics.weights.torchscript import load_torchscript
from thm_torchmetrics.weights.unpack import unpacked

__all__ = [
    "Checkpoint",
    "Checkpoints",
    "CustomFiles",
    "Found",
    "Part",
    "StateDict",
    "Status",
    "WeightEntry",
    "accept_license",
    "cache_dir",
    "check_license",
    "files_in",
    "is_accepted",
    "license_notice",
    "load",
    "load_into",
    "load_torchscript",
    "locate",
    "needed_by",
    "obtain",
    "other_caches",
    "path_within",
    "places",
    "register",
    "registry",
    "status",
    "unpacked",
    "verify",
]
