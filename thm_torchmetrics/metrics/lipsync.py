"""Measure lip sync by SyncNet as LSE-D, LSE-C and the audio-visual offset."""

from __future__ import annotations

from torch import Tensor

from thm_torchmetrics.core.sums import Sums
from thm_torchmetrics.metrics.lipsync_metric import LipSync


class LipSyncDistance(LipSync, key="lse-d", reads_state_of_parent=True):
    """Compute the lip-sync error as a distance (LSE-D, also Sync-D), lower is better.

    It is the smallest mean distance, at least 0; for formula and options see `LipSync`. Real talking heads score around
    6 to 8; a value near 13 points to a fault of the input.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import LipSyncDistance
        >>> lip = 10 * torch.eye(40, 64)
        >>> LipSyncDistance(extractor=None)(lip, audio=lip + 0.25).round(decimals=3)  # 0.25 * sqrt(64)
        tensor(2., dtype=torch.float64)
    """


class LipSyncConfidence(LipSync, key="lse-c", reads_state_of_parent=True):
    """Compute the confidence of lip sync (LSE-C, also Sync-C), higher is better, at least 0.

    It is the median minus the smallest mean distance; for formula and options see `LipSync`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import LipSyncConfidence
        >>> lip = 3 * torch.eye(60, 64)
        >>> LipSyncConfidence(extractor=None)(lip, audio=lip).round(decimals=2)
        tensor(4.0800, dtype=torch.float64)
    """

    _reading = "confidence"


class LipSyncOffset(LipSync, key="av-offset", reads_state_of_parent=True):
    """Compute the audio-visual offset in frames of 40 ms, lower is better, at least 0.

    It is the mean of absolute offsets; with ``signed=True`` the absolute value of the mean of signed ones, by which the
    board of the ViCo challenge ranks (``scoring_example.py``). For formula and options see `LipSync`. Audio that comes
    k frames late has offset -k, as in syncnet_python. The ``detail`` of reports holds the histogram of signed offsets,
    one count per track.

    Protocol ``signed`` is ``tracked`` with ``signed=True``; ``vico`` has it, too. Metrics share a measurement only if
    their options are equal, so give ``signed=True`` to the whole collection.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import LipSyncOffset
        >>> lip = torch.eye(40, 64)
        >>> metric = LipSyncOffset(extractor=None)
        >>> metric(lip, audio=lip.roll(3, dims=0))
        tensor(3., dtype=torch.float64)
        >>> metric.detail()
        {'offsets': {'-3': 1}, 'not_scored': {}}
    """

    def value(self, sums: Sums) -> Tensor:
        """Return the mean of absolute offsets, or the absolute value of the mean."""
        return (sums.signed / sums.weight).abs() if self.signed else sums.offset / sums.weight
