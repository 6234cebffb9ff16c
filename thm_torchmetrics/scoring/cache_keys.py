"""The keys of cached values name everything that decides them.

CONTRIBUTING.md says when the versions of the numbers are raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib import metadata
from typing import Any

import torch

from thm_torchmetrics.collection import checkpoints_of
from thm_torchmetrics.core.fingerprint import content_fingerprint
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.extractors.base import Loadable
from thm_torchmetrics.media.content import DECODING
from thm_torchmetrics.scoring.network_loading import networks_of, with_parts
from thm_torchmetrics.weights import Checkpoint

NUMERICS = 1
"""Version of the numbers of all metrics: a change of a helper that many share, and that moves one, raises it."""

_FORMAT = 1
"""Version of the content of entries."""


def key_of_metric(metric: TalkingHeadMetric) -> dict[str, Any] | None:
    """Return what tells a metric from others in any process; None if it has an option that cannot be compared there."""
    if metric.content is None:
        return None
    cls = type(metric)
    return {
        "class": f"{cls.__module__}.{cls.__qualname__}",
        "options": _without_places(metric.content, checkpoints_of(metric)),
        "numerics": metric.numerics,
        **_key_of_networks(tuple(networks_of(metric))),
        **_key_of_surroundings(metric.device),
    }


def key_of_extractor(extractor: Any, device: torch.device) -> dict[str, Any] | None:
    """Return what tells an extractor from others in any process; None if it cannot be compared there."""
    content = content_fingerprint(extractor)
    if content is None or not isinstance(extractor, Loadable):
        return None
    return {
        "extractor": _without_places(content, extractor.checkpoints),
        **_key_of_networks(tuple(with_parts(extractor))),
        **_key_of_surroundings(device),
    }


def _key_of_networks(networks: Sequence[Loadable]) -> dict[str, Any]:
    packages = {package for network in networks for package in network.packages}
    return {
        "networks": sorted({f"{type(each).__name__} {each.numerics}" for each in networks}),
        "packages": {package: _version(package) for package in sorted(packages)},
    }


def _key_of_surroundings(device: torch.device) -> dict[str, Any]:
    """Return versions of what all numbers come through: the decoder, and PyTorch, whose kernels round as they like."""
    return {
        "format": _FORMAT,
        "numerics of all": NUMERICS,
        "decoding": DECODING,
        "av": _version("av"),
        "torch": _version("torch").split("+")[0],
        "device": device.type,
    }


@cache
def _version(package: str) -> str:
    """Return the version of a package; empty if it is not installed, or installed under another name."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _without_places(content: str, checkpoints: Iterable[Checkpoint]) -> str:
    """Return options without the paths of custom checkpoints, which are known by their hashes."""
    for checkpoint in checkpoints:
        if checkpoint.file is not None:
            content = content.replace(repr(checkpoint.file), "'custom'")
    return content
