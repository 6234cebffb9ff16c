"""The extractor of thumbnails needs no checkpoint, and is one however it was made."""

import pytest
import torch

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import make_extractor
from thm_torchmetrics.imaging.thumbnails import thumbnails


def test_it_shrinks_frames_of_any_dtype() -> None:
    frames = torch.randint(0, 256, (3, 3, 40, 50), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    extractor = make_extractor("delay", "thumbnail")
    assert (str(extractor), extractor.checkpoints) == ("thumbnail", ())
    rows = Chunk(frames).features(extractor)
    torch.testing.assert_close(rows, thumbnails(frames / 255))
    torch.testing.assert_close(rows, Chunk(frames / 255).features(make_extractor("delay", "thumbnail")))


def test_a_checkpoint_of_its_own_is_refused() -> None:
    with pytest.raises(InputError, match="thumbnail"):
        make_extractor("delay", "thumbnail", "some.pth")
