"""Score frames by NIQE and BRISQUE with LIVE's parameters, which are numbers in files, and nothing in them is run."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from thm_torchmetrics import weights
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import WeightsError
from thm_torchmetrics.extractors.base import Extractor
from thm_torchmetrics.extractors.network import released_with_networks
from thm_torchmetrics.functional.brisque import BRISQUE_FEATURES, blind_spatial_quality
from thm_torchmetrics.functional.niqe import NIQE_FEATURES, natural_image_quality
from thm_torchmetrics.weights import Checkpoint, Checkpoints, CustomFiles


@dataclass(frozen=True)
class _SceneScore(Extractor):
    """Score every frame by the parameters of a checkpoint.

    Attributes:
        checkpoint: the file of the parameters.
        protocol: the protocol of the formula.
    """

    checkpoint: Checkpoint
    protocol: str = ""

    @classmethod
    def make(cls, name: str, files: CustomFiles = None, *, protocol: str = "", **options: Any) -> Self:
        """Return the extractor; ``options`` are those of other extractors.

        Raises:
            WeightsError: if the checkpoint is absent, corrupt or not allowed.
        """
        return cls(Checkpoints.of(files, name).obtain(name), protocol)

    @property
    def name(self) -> str:
        """Return the name for reports."""
        return self.checkpoint.name

    @property
    def why_missing(self) -> str:
        """Return why a frame may have no score, in words, for reports."""
        return "the picture is flat"

    def file(self) -> tuple[Path, str]:
        """Return the file of the parameters and its hash."""
        found = weights.locate(self.checkpoint.name, self.checkpoint.file)
        return found.path, found.sha256


class NaturalScene(NamedTuple):
    """The statistics of natural images.

    Attributes:
        mean: ``(36,)``.
        covariance: ``(36, 36)``.
    """

    mean: Tensor
    covariance: Tensor


class SupportVectors(NamedTuple):
    """A support vector regression.

    Attributes:
        vectors: ``(K, 36)``.
        coefficients: ``(K,)``.
        offset: rho.
    """

    vectors: Tensor
    coefficients: Tensor
    offset: float


class NiqeScore(_SceneScore):
    """Compute NIQE of every frame."""

    kind = "niqe"

    def load(self, device: torch.device) -> None:
        """Read the parameters."""
        read_natural_scene(*self.file())

    def extract(self, chunk: Chunk) -> Tensor:
        """Return scores ``(n,)``; NaN if a frame is flat."""
        mean, covariance = read_natural_scene(*self.file())
        return natural_image_quality(chunk.rows, mean, covariance, self.protocol)


class BrisqueScore(_SceneScore):
    """Compute BRISQUE of every frame."""

    kind = "brisque"

    def load(self, device: torch.device) -> None:
        """Read the support vectors."""
        read_support_vectors(*self.file())

    def extract(self, chunk: Chunk) -> Tensor:
        """Return scores ``(n,)``; NaN if a frame is flat."""
        vectors, coefficients, offset = read_support_vectors(*self.file())
        return blind_spatial_quality(chunk.rows, vectors, coefficients, offset)


@released_with_networks
@cache
def read_natural_scene(path: Path, sha256: str) -> NaturalScene:
    """Return mean and covariance from the arrays ``mu_pris_param`` and ``cov_pris_param`` of an ``.npz`` file.

    Args:
        path: the file.
        sha256: its hash, which tells a changed file apart.

    Raises:
        WeightsError: if the file is damaged, or its arrays have another shape.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            mean, covariance = (np.asarray(held[name], np.float64) for name in ("mu_pris_param", "cov_pris_param"))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path} holds no parameters of NIQE: {error}; get the published file") from error
    shapes = mean.size, covariance.shape
    finite = np.isfinite(mean).all() and np.isfinite(covariance).all()
    if shapes != (NIQE_FEATURES, (NIQE_FEATURES, NIQE_FEATURES)) or not finite:
        raise WeightsError(
            f"{path} holds a mean of {mean.shape} and a covariance of {covariance.shape}, needs {NIQE_FEATURES} finite "
            "features; get the published file"
        )
    return NaturalScene(torch.from_numpy(mean.reshape(NIQE_FEATURES)), torch.from_numpy(covariance))


@released_with_networks
@cache
def read_support_vectors(path: Path, sha256: str) -> SupportVectors:
    """Return the support vectors of a model file of libsvm.

    The file is text: a header with ``svm_type epsilon_svr``, ``kernel_type rbf``, ``gamma 0.05`` and ``rho``, a line
    ``SV``, and then a line per vector: its coefficient, and ``number:value`` of each feature that is not 0.

    Args:
        path: the file.
        sha256: its hash, which tells a changed file apart.

    Raises:
        WeightsError: if the file is damaged, or of another kind of model.
    """
    try:
        head, _, body = path.read_text(encoding="ascii").partition("\nSV\n")
        facts = dict(line.split(maxsplit=1) for line in head.splitlines())
        rows = [line.split() for line in body.splitlines()]
        vectors = np.zeros((len(rows), BRISQUE_FEATURES))
        for row, (_, *features) in zip(vectors, rows, strict=True):
            for number, value in (feature.split(":") for feature in features):
                row[int(number) - 1] = float(value)
        coefficients = np.array([float(row[0]) for row in rows])
        model = SupportVectors(torch.from_numpy(vectors), torch.from_numpy(coefficients), float(facts["rho"]))
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise WeightsError(f"{path} is no model of libsvm, or damaged: {error}; get the published file") from error
    kind = tuple(facts.get(name) for name in ("svm_type", "kernel_type", "gamma", "total_sv"))
    if kind != ("epsilon_svr", "rbf", "0.05", str(len(rows))) or not np.isfinite(vectors).all():
        raise WeightsError(
            f"{path} is {kind[0]} with kernel {kind[1]}, gamma {kind[2]} and {len(rows)} of {kind[3]} vectors, needs "
            "epsilon_svr, rbf, 0.05 and all vectors; get the published file"
        )
    return model
