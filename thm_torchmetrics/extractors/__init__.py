"""Extractors turn frames or audio into features; a pool holds the networks of the process."""

from thm_torchmetrics.extractors.base import CustomModule, Extractor
from thm_torchmetrics.extractors.network import FaceNetwork, FrozenNetwork, PooledNetwork, release
from thm_torchmetrics.extractors.registry import EXTRACTORS, landmarks_in_use, make_extractor, register_extractor

__all__ = [
    "EXTRACTORS",
    "CustomModule",
    "Extractor",
    "FaceNetwork",
    "FrozenNetwork",
    "PooledNetwork",
    "landmarks_in_use",
    "make_extractor",
    "register_extractor",
    "release",
]
