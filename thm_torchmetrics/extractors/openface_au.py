"""Extract the intensities of 17 action units with OpenFace 2.2's models, on the landmarks of this package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from thm_torchmetrics import weights
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.base import Extractor
from thm_torchmetrics.extractors.network import released_with_networks
from thm_torchmetrics.extractors.openface_models import read_models
from thm_torchmetrics.functional.action_units import ACTION_UNITS
from thm_torchmetrics.functional.openface_au import Models, action_unit_outputs, calibrate_action_units
from thm_torchmetrics.weights import Checkpoint, Checkpoints, CustomFiles

DYNAMIC, STATIC = "openface-au", "openface-au-static"
"""The checkpoints: the models of FeatureExtraction's default, and those of its option ``-au_static``."""


@dataclass(frozen=True)
class OpenFaceActionUnits(Extractor):
    """Run OpenFace 2.2's intensity stage on 68 landmarks.

    A row holds the outputs of the linear models, which are intensities only after `intensities` has seen all rows of
    the clip: the zero of a unit is a quantile of the clip, and each value the mean of three frames.

    With OpenFace's own landmarks the stage gives the AUE of OpenFace's tables to about 1 %. With others it does not:
    landmarks of dlib on four pairs of 251 frames gave AUE-U / AUE-L of 0.53 / 2.15 for 0.36 / 1.49, 2.17 / 1.42 for
    2.20 / 1.29, 0.19 / 0.79 for 0.42 / 1.46, and 0.65 / 1.38 for 0.66 / 1.20. So the name holds that of the landmarks,
    and values are never compared with those of tables.

    Attributes:
        checkpoint: the folder of the models, `DYNAMIC` or `STATIC`, or the user's own in its place.
        landmarks: the extractor of the 68 points.
        dynamic: whether the units that have a cut-off get their zero from the clip.
    """

    kind = "action_units"
    default_landmarks = "fan"
    units: ClassVar[tuple[str, ...]] = ACTION_UNITS
    """Numbers of the action units, in the order of the columns."""

    checkpoint: Checkpoint
    landmarks: Extractor
    dynamic: bool = True

    @classmethod
    def make(
        cls,
        name: str,
        files: CustomFiles = None,
        *,
        landmarks: Extractor | None = None,
        net: str = DYNAMIC,
        **options: Any,
    ) -> Self:
        """Return the extractor.

        Args:
            name: its name.
            files: the user's own folders, or the `Checkpoints` to take them from.
            landmarks: the extractor of the points.
            net: the checkpoint, `DYNAMIC` or `STATIC`.
            options: those of other extractors of action units.

        Raises:
            InputError: if no landmarks are given.
            WeightsError: if the models are absent, damaged or not allowed.
        """
        if landmarks is None:
            raise InputError(f"the extractor {name!r} needs landmarks to find the face; name 'fan' or 'dlib'")
        return cls(Checkpoints.of(files, net).obtain(net), landmarks, net == DYNAMIC)

    @property
    def name(self) -> str:
        """Return the name for reports, with that of the landmarks: they decide as much as the models."""
        return f"{DYNAMIC}/{self.landmarks}"

    def load(self, device: torch.device) -> None:
        """Load the models, and the networks of the landmarks.

        Raises:
            WeightsError: if a file is damaged.
        """
        super().load(device)
        self.models(torch.empty(0, device=device).device)

    def models(self, device: torch.device) -> Models:
        """Return the models on a device, read at first use."""
        found = weights.locate(self.checkpoint.name, self.checkpoint.file)
        models: Models = _models_on(device, found.path, found.sha256)
        return models

    def extract(self, chunk: Chunk) -> Tensor:
        """Return the outputs of the linear models ``(n, 17)``; NaN if a frame has no face."""
        frames = chunk.as_uint8()
        return action_unit_outputs(frames, chunk.features(self.landmarks), self.models(frames.device))

    def intensities(self, outputs: Tensor) -> Tensor:
        """Turn the rows of all frames of a clip into intensities.

        Args:
            outputs: ``(T, 17)``, the rows of `extract`.

        Returns:
            ``(T, 17)``, 0..5. A frame without a face is NaN; it counts as zeros in the means of its neighbours, as in
            OpenFace's tables.
        """
        values = calibrate_action_units(outputs, self.models(outputs.device).cutoffs, self.dynamic)
        return torch.where(outputs.isfinite().all(dim=1, keepdim=True), values, torch.nan)


@released_with_networks
@cache
def _models_on(device: torch.device, folder: Path, sha256: str) -> Models:
    """Return the models of a folder on a device; the hash tells a changed folder apart."""
    return read_models(folder).to(device)
