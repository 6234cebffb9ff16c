"""An extractor turns frames into one row of features per frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk, check_features
from thm_torchmetrics.weights import Checkpoint, needed_by


class Loadable:
    """An extractor, or a network that it runs, can be loaded before it is used."""

    numerics: ClassVar[int] = 1
    """Version of the numbers, raised by a change of the class that moves one, as `OptionsMetric.numerics`."""
    packages: ClassVar[tuple[str, ...]] = ()
    """The packages outside PyTorch, by their names on PyPI, that may compute the numbers."""

    @classmethod
    def check_installed(cls) -> None:
        """Raise an error if a package of an extra is not installed, before checkpoints are fetched; none by default.

        Raises:
            MissingExtraError: if it is not.
        """

    def parts(self) -> tuple[Loadable, ...]:
        """Return the extractors and networks that this one runs: those among its fields."""
        return tuple(part for part in vars(self).values() if isinstance(part, Loadable))

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """Return the checkpoints in use: those among the fields, then those of the `parts`."""
        own = (value for value in vars(self).values() if isinstance(value, Checkpoint))
        return (*own, *(checkpoint for part in self.parts() for checkpoint in part.checkpoints))

    def load(self, device: torch.device) -> None:
        """Load every network onto a device, so that a fault shows before the first frame.

        By default those of the `parts`. What is loaded stays loaded, and is not read again.

        Raises:
            WeightsError: if a checkpoint is damaged or does not fit its network.
            torch.OutOfMemoryError: if a network does not fit into the memory of the device.
        """
        for part in self.parts():
            part.load(device)


class Extractor(Loadable, ABC):
    """An extractor computes one row of features per frame.

    Extractors are small, hashable and picklable. Equal ones give equal features, which a chunk computes once.
    """

    kind: ClassVar[str] = ""
    """Kind of the features: ``landmarks``, ``identity``, ``emotion``, ``face3d``, ..."""
    default_landmarks: ClassVar[str | None] = None
    """The default landmark extractor, by whose points the face is cropped; None: no landmarks are needed."""
    whole_frames: ClassVar[bool] = False
    """Whether it also works on whole frames."""

    @classmethod
    def required(cls, name: str) -> tuple[str, ...]:
        """Return the names of the checkpoints that this extractor needs, landmarks apart."""
        return needed_by(cls.kind, name) or (name,)

    @property
    def name(self) -> str:
        """Return the name for reports."""
        return type(self).__name__

    @property
    def why_missing(self) -> str:
        """Return why a frame may have no features, in words, for reports."""
        by_face = self.kind == "landmarks" or getattr(self, "landmarks", None) is not None
        return "no face found" if by_face else f"the network {self} gave NaN or infinity"

    @abstractmethod
    def extract(self, chunk: Chunk) -> Tensor:
        """Return features ``(n, ...)`` of the chunk's frames, on its device.

        A frame without features has NaN in its row.
        """

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class CustomModule(Extractor):
    """A custom module is a user's network from frames to rows of features.

    Frames are float32, RGB, 0..1.
    """

    module: nn.Module

    @property
    def name(self) -> str:
        """Return the class name of the network."""
        return type(self.module).__name__

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.module is self.module

    def __hash__(self) -> int:
        return hash((type(self), id(self.module)))

    def extract(self, chunk: Chunk) -> Tensor:
        """Return the module's output on the chunk's frames, computed where its parameters are."""
        rows = self.module(chunk.as_float().to(self.device(chunk.rows.device)))
        return check_features(self, rows, len(chunk)).to(chunk.rows.device)

    def device(self, default: torch.device) -> torch.device:
        """Return the device of the module's parameters; the default if it has none."""
        return next((parameter.device for parameter in self.module.parameters()), default)
