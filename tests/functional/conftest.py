"""Real frames, straight from PyAV."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from torch import Tensor

Decoder = Callable[[Path], Iterator[Tensor]]


@pytest.fixture(scope="session")
def decode() -> Decoder:
    """A function that yields the frames of a video, one ``(3, H, W)`` uint8 tensor each."""

    def frames(path: Path) -> Iterator[Tensor]:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                yield torch.from_numpy(np.ascontiguousarray(frame.to_ndarray(format="rgb24").transpose(2, 0, 1)))

    return frames


@pytest.fixture(scope="session")
def reference(clips: Path) -> dict[str, Any]:
    """What piq and cpbd, run elsewhere, said of the clips."""
    values: dict[str, Any] = json.loads((clips / "reference.json").read_text(encoding="utf-8"))["pairs"]
    return values
