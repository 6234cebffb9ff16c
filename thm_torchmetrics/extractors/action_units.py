"""A module that estimates action units from the frames of a clip."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import CHUNK_FRAMES, Chunk
from thm_torchmetrics.core.clip import check_layout
from thm_torchmetrics.core.precision import exact_arithmetic
from thm_torchmetrics.extractors.openface_au import DYNAMIC, STATIC
from thm_torchmetrics.extractors.registry import make_extractor
from thm_torchmetrics.weights import CustomFiles


class ActionUnits(nn.Module):
    """Estimate the intensities of the action units of one clip, 0..5.

    The module has no parameters and no state of its own; its networks are those of the pool.

    Args:
        extractor: ``"openface-au"``: OpenFace 2.2's models of 17 units on the landmarks of this package; see
            `openface_au.OpenFaceActionUnits` for how far its values are from OpenFace's, and ``thm weights fetch
            openface-au`` for the license of the files. Or another one of action units, such as ``"libreface"``.
        landmarks: the extractor of the 68 points, ``"fan"`` or ``"dlib"``.
        dynamic: for ``"openface-au"``, whether the clip's own neutral face is the zero of the dynamic units, as by
            default in OpenFace; else the static models are read.
        weights: your own checkpoints, by name.
        options: further options of the landmark extractor: ``face``, ``upsample``.

    Attributes:
        units: the numbers of the action units, in the order of the columns: ``"01"``, ...

    Raises:
        InputError: if there is no such extractor, or no such landmarks.
        WeightsError: if checkpoints are absent or not allowed.

    Example::

        action_units = ActionUnits(landmarks="dlib")
        action_units(frames).shape  # (T, 17)
        action_units.by_name(frames)["AU12"]  # (T,)
    """

    def __init__(
        self,
        extractor: str = DYNAMIC,
        *,
        landmarks: str = "fan",
        dynamic: bool = True,
        weights: CustomFiles = None,
        **options: Any,
    ) -> None:
        super().__init__()
        if extractor == DYNAMIC:
            options["net"] = DYNAMIC if dynamic else STATIC
        self.extractor = make_extractor("action_units", extractor, weights, landmarks=landmarks, **options)
        self.units: tuple[str, ...] = self.extractor.units

    def forward(self, frames: Tensor) -> Tensor:
        """Return the intensities of one clip.

        Args:
            frames: ``(T, 3, H, W)``, RGB, uint8 0..255 or float 0..1.

        Returns:
            ``(T, U)``; NaN in a frame without a face.

        Raises:
            InputError: if the frames have another shape, dtype or range, or there is none.
        """
        check_layout(frames, "frames")
        with exact_arithmetic(frames.device):
            rows = torch.cat([self.extractor.extract(Chunk(part)) for part in torch.split(frames, CHUNK_FRAMES)])
            intensities: Tensor = self.extractor.intensities(rows) if hasattr(self.extractor, "intensities") else rows
            return intensities

    def by_name(self, frames: Tensor) -> dict[str, Tensor]:
        """Return the intensities of one clip by unit, ``{"AU01": (T,), ...}``."""
        return {f"AU{unit}": column for unit, column in zip(self.units, self(frames).unbind(dim=1), strict=True)}
