"""Checkpoints: which there are, where they lie, what their licenses say, how they are fetched, verified and read.

A checkpoint is looked for in the argument, ``$THM_WEIGHTS_DIR``, ``./weights`` and the user's cache, then downloaded
unless ``THM_OFFLINE=1``. Its SHA256 is checked wherever it comes from, and it is read with ``weights_only=True``. Under
``THM_COMMERCIAL=1`` those whose license excludes commercial use are refused. Nothing here prints, and neither torch nor
the network is touched before a function needs it.
"""

from thm_torchmetrics.weights.download import obtain
from thm_torchmetrics.weights.licenses import allow, license_notice
from thm_torchmetrics.weights.load import StateDict, load, load_into
from thm_torchmetrics.weights.locate import Found, Status, cache_dir, find, places, status, verify
from thm_torchmetrics.weights.registry import Weight, registry

__all__ = [
    "Found",
    "StateDict",
    "Status",
    "Weight",
    "allow",
    "cache_dir",
    "find",
    "license_notice",
    "load",
    "load_into",
    "obtain",
    "places",
    "registry",
    "status",
    "verify",
]
