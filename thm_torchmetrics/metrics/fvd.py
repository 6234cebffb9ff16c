"""Compute FVD, the Fréchet video distance."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.frechet_distance import FrechetDistance, FrechetRun
from thm_torchmetrics.core.metric import whole_number
from thm_torchmetrics.core.sums import Fields, Sums
from thm_torchmetrics.errors import MediaWarning
from thm_torchmetrics.extractors import make_extractor
from thm_torchmetrics.extractors.i3d import LEAST_FRAMES, NUM_FEATURES
from thm_torchmetrics.functional.checks import finite_or_nan
from thm_torchmetrics.metrics.clip_window import ClipWindow
from thm_torchmetrics.weights import CustomFiles

_OF_ALL = 10
"""The least length of a clip that is measured whole; published programs ask for it."""


class _Procedure(NamedTuple):
    """First frame of the window of each side, None where it is random, and options of `frechet_distance`."""

    preds: int | None
    target: int | None
    convention: Mapping[str, Any]


class FrechetVideoDistance(FrechetDistance, key="fvd"):
    r"""Compute the Fréchet video distance (FVD), lower is better, at least 0.

    .. math:: \text{FVD} = \|\mu_1 - \mu_2\|^2 + \operatorname{tr}(\Sigma_1 + \Sigma_2 - 2 (\Sigma_1 \Sigma_2)^{1/2})

    with mean and covariance, over all generated and over all real clips, of the 400 logits that I3D, trained on
    Kinetics-400, computes from each clip (T. Unterthiner et al., 2018). A clip is one sample. The numbers of clips of
    the two sides may differ.

    Protocols:

    - ``videogpt`` (default): the whole clip, 10 frames or more; 8-bit levels; shorter side to 224 pixels, bilinear
      without antialiasing, middle 224x224, -1..1; the network of ``i3d_pretrained_400.pt``; covariance over n - 1.
    - ``common-metrics``: the same, without the 8-bit levels, by the network of ``i3d_torchscript.pt``.
    - ``styleganv``: 16 consecutive frames, the first of a generated clip, at random of a real one; 224x224 whatever the
      aspect, made by the network's own file ``i3d_torchscript.pt``; covariance over n.
    - ``cd-fvd``: 16 consecutive frames at random; a loader that makes 256x256 (``resolution``; None for arrays of
      frames), 8-bit levels, 224x224; the network of ``videogpt``; covariance over n.
    - ``latentsync``: frames 20 to 35 of clips that are cropped to the face, frame by frame; 224x224 by OpenCV's area
      filter; 0..1, although the network expects -1..1; ``i3d_torchscript.pt``; covariance over n - 1. The original
      crops by MediaPipe's face detector, which is not part of this package.
    - ``fastvideo``: the whole clip, 10 frames or more; -1..1, 224x224 whatever the aspect; ``i3d_torchscript.pt``;
      covariance over n - 1, with 1e-6 on both diagonals.

    Of 149 talking-head papers of 2023 to 2026 that print FVD, 132 name nothing of this: neither the network file, nor
    the frames of a clip, their size and their range, nor the covariance. A published value can be compared if its paper
    names the protocol, the number of frames (``frames``), the frame rate, and the number of clips of each side. Values
    of other networks go by the same name: torchvision's ``r3d_18``, or resampled GIFs (DisCo's script).

    Below 256 clips a side the value is biased upwards, and ``compute`` warns: the covariance has 400 dimensions and, of
    n clips, rank n - 1. Compare only sets of equal size. A clip that is too short has no features; it is counted in
    ``coverage`` and named. The originals differ from this in the choice of clips: ``styleganv`` draws 2048 clips of
    each side, ``cd-fvd`` repeats the generated clips until there are 2048; here each clip counts once. The original of
    ``videogpt`` takes the root in float32, which moves the value by up to 1e-4 of it.

    A clip that is measured whole is held in memory until its end. ``frames=16`` takes the first 16 frames instead.

    With ``extractor=None`` the input is features, ``(N, num_features)``, one row per clip.

    Args:
        protocol: see above.
        extractor: ``"i3d"``, a state dict, or ``"i3d-torchscript"``, the published archive, which is run only if its
            hash is the published one; a module that maps ``(N, 3, T, 224, 224)``, float32, prepared as the protocol
            prepares clips, to ``(N, num_features)``; or None.
        num_features: length of a feature.
        frames: the number of consecutive frames of a clip that are measured; None: all.
        stride: every which frame is taken.
        resolution: side to which a loader first resizes the frames, bilinearly with antialiasing, and cuts the middle
            square out; None: no loader.
        seed: decides the random starts, together with the clip's name.
        weights: your own checkpoint, a state dict with the keys of `nets.i3d.InceptionI3d`.
        kwargs: the options of `SetDistance`, such as ``reset_target`` and ``target``, and of `TalkingHeadMetric`.

    Raises:
        InputError: if an option has no such value; on ``update``, if features have another length.
        WeightsError: on the first clip, if another TorchScript archive than the published one is given.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import FrechetVideoDistance
        >>> metric = FrechetVideoDistance(extractor=None, num_features=2)
        >>> target = torch.tensor([[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 2.0]]).repeat(64, 1)  # 256 clips
        >>> round(metric(target + 3, target).item(), 6)  # equal covariances, means 3 apart in both dimensions
        18.0
    """

    feature_shape = (None,)
    counted = "clips"
    enough = 256
    few = "the estimate is biased upwards, the more the fewer; compare only sets of equal size"
    procedures: ClassVar[Mapping[str, Any]] = {
        "videogpt": _Procedure(0, 0, {}),
        "common-metrics": _Procedure(0, 0, {}),
        "styleganv": _Procedure(0, None, {"unbiased": False}),
        "cd-fvd": _Procedure(None, None, {"unbiased": False}),
        "latentsync": _Procedure(20, 20, {}),
        "fastvideo": _Procedure(0, 0, {"offset": 1e-6}),
    }

    def __init__(
        self,
        *,
        protocol: str | None = None,
        extractor: str | nn.Module | None = "i3d",
        num_features: int = NUM_FEATURES,
        frames: int | None = None,
        stride: int = 1,
        resolution: int | None = None,
        seed: int = 0,
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, num_features=num_features, **kwargs)
        least = LEAST_FRAMES if isinstance(extractor, str) else 1
        for name, value, smallest in (("frames", frames, least), ("stride", stride, 1), ("resolution", resolution, 1)):
            if value is not None:
                whole_number(name, value, smallest)
        self.extractor = make_extractor("i3d", extractor, weights)
        self.frames, self.stride, self.resolution, self.seed = frames, stride, resolution, seed

    def fields(self) -> Fields:
        """Return the sums of both sides, and the number of clips that are too short."""
        return {**super().fields(), "short": 2}

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""
        if self.extractor is None:
            return super().start(preds, target, **inputs)
        return VideoRun(self, preds, target)

    @property
    def convention(self) -> Mapping[str, Any]:
        """Return how `frechet_distance` forms the covariances."""
        convention: Mapping[str, Any] = self.procedures[self.protocol].convention
        return convention

    def window(self, side: str, name: str) -> ClipWindow:
        """Return the empty window of one side of a clip.

        Args:
            side: ``"preds"`` or ``"target"``.
            name: the clip's name.
        """
        start = getattr(self.procedures[self.protocol], side)
        return ClipWindow(self.frames, self.stride, start, f"{self.seed} {side} {name}")

    def least(self) -> int:
        """Return the least length of a clip."""
        before = 0 if self.frames is None else self.procedures[self.protocol].preds or 0
        return before + ((self.frames or _OF_ALL) - 1) * self.stride + 1

    def why_missing(self, sums: Sums, missing: int) -> str:
        """Return why some of the clips seen have no features, in words."""
        short, seen = int(sums.short.sum()), int(sums.seen.sum())
        reasons = []
        if short:
            clips = "clips have" if seen != 1 else "clip has"
            reasons.append(f"{short} of {seen} {clips} fewer than {self.least()} frames")
        if missing > short:
            reasons.append(super().why_missing(sums, missing - short))
        return " and ".join(reasons)


class VideoRun(FrechetRun):
    """The run adds the features of one clip of each side."""

    metric: FrechetVideoDistance

    def __init__(self, metric: FrechetVideoDistance, preds: AnyClip | None, target: AnyClip | None) -> None:
        super().__init__(metric, preds, target)
        clips = {"preds": preds, "target": target}
        self._windows = {side: metric.window(side, getattr(clip, "key", "")) for side, clip in clips.items()}

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Select the frames of both sides."""
        for window, chunk in zip(self._windows.values(), (preds, target), strict=True):
            if chunk is not None:
                window.add(chunk.rows)

    @torch.no_grad()
    def close(self) -> None:
        """Add the features of each side, and say which side is too short."""
        short = []
        for place, (side, window) in enumerate(self._windows.items()):
            if not window.seen:
                continue
            self.sums.seen[place] = 1
            if window.seen < self.metric.least():
                name = {"preds": "prediction", "target": "target"}[side]
                short.append(f"the {name} has {window.seen} frames, and {self.metric.least()} are needed")
                self.sums.short[place] = 1
                continue
            features = self.metric.extractor.clip_features(window.rows, self.metric.protocol, self.metric.resolution)
            self.add_features(side, finite_or_nan(features).to(torch.float64))
        self.why = " and ".join(short)
        if 0 < len(short) < int(self.sums.seen.sum()):
            warnings.warn(f"{self.why}: the other side alone is used", MediaWarning, stacklevel=2)
