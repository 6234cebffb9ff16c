"""Made-up parameters of NIQE and BRISQUE, and their published files where they are on this machine."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from thm_torchmetrics import weights


def natural_scene() -> tuple[Tensor, Tensor]:
    """A mean and a covariance of the right size."""
    generator = torch.Generator().manual_seed(5)
    mean = torch.rand(36, dtype=torch.float64, generator=generator)
    spread = torch.randn(36, 36, dtype=torch.float64, generator=generator)
    return mean, spread @ spread.T / 36 + torch.eye(36, dtype=torch.float64)


def support_vectors() -> tuple[Tensor, Tensor]:
    """Vectors ``(50, 36)`` in -1..1 and their coefficients."""
    generator = torch.Generator().manual_seed(6)
    vectors = torch.rand(50, 36, dtype=torch.float64, generator=generator) * 2 - 1
    return vectors, torch.randn(50, dtype=torch.float64, generator=generator) * 100


def write_niqe(file: Path) -> Path:
    """Write the made-up parameters as the published file has them."""
    mean, covariance = natural_scene()
    np.savez(file, mu_pris_param=mean.numpy()[None], cov_pris_param=covariance.numpy())
    return file


def write_brisque(file: Path) -> Path:
    """Write the made-up vectors as libsvm does."""
    vectors, coefficients = support_vectors()
    head = f"svm_type epsilon_svr\nkernel_type rbf\ngamma 0.05\nnr_class 2\ntotal_sv {len(vectors)}\nrho -153.591\nSV\n"
    lines = [
        f"{float(weight)!r} " + " ".join(f"{i}:{float(value)!r}" for i, value in enumerate(row, 1))
        for weight, row in zip(coefficients, vectors, strict=True)
    ]
    file.write_text(head + "\n".join(lines) + "\n", encoding="ascii")
    return file


def published(name: str) -> Path:
    """The published file; the test is skipped where it is not on this machine."""
    found = weights.status(name).found
    if found is None:
        pytest.skip(f"the published parameters of {name} are not on this machine")
    return found.path
