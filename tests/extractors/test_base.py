"""What an extractor is, and a user's own module as one."""

import pickle

import pytest
import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import CustomModule, Extractor


class Corner(nn.Module):
    """Embeds a frame by its corner."""

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))

    def forward(self, frames: Tensor) -> Tensor:
        return self.gain * frames[:, :, 0, 0]


def frames(dtype: torch.dtype = torch.uint8) -> Tensor:
    bytes_ = torch.randint(0, 256, (5, 3, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return bytes_ if dtype == torch.uint8 else bytes_.to(dtype) / 255


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float64, torch.float16])
def test_a_custom_module_sees_float32_in_0_to_1(dtype: torch.dtype) -> None:
    seen: list[Tensor] = []
    module = Corner()
    module.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    given = frames(dtype)
    rows = Chunk(given).features(CustomModule(module))
    assert seen[0].dtype == torch.float32
    expected = given.float() / 255 if dtype == torch.uint8 else given.float()
    assert torch.equal(seen[0], expected)
    assert torch.equal(rows, expected[:, :, 0, 0])


def test_custom_modules_are_equal_only_if_they_are_one_object() -> None:
    one, other = Corner(), Corner()
    assert CustomModule(one) == CustomModule(one)
    assert len({CustomModule(one), CustomModule(one), CustomModule(other)}) == 2
    chunk = Chunk(frames())
    assert chunk.features(CustomModule(one)) is chunk.features(CustomModule(one))
    assert chunk.features(CustomModule(one)) is not chunk.features(CustomModule(other))


def test_a_custom_module_is_named_by_its_class_and_has_no_checkpoint() -> None:
    extractor = CustomModule(Corner())
    assert (extractor.name, str(extractor), extractor.checkpoints) == ("Corner", "Corner", ())


def test_a_custom_module_can_be_pickled_with_its_weights() -> None:
    copied = pickle.loads(pickle.dumps(CustomModule(Corner(3.0))))  # noqa: S301
    assert torch.equal(copied.extract(Chunk(frames())), 3 * CustomModule(Corner()).extract(Chunk(frames())))


@pytest.mark.parametrize("wrong", [255.0, torch.nan])
def test_float_frames_out_of_range_are_refused_before_the_module_sees_them(wrong: float) -> None:
    module = Corner()
    module.register_forward_hook(lambda *call: pytest.fail("it was run"))
    with pytest.raises(InputError, match=r"0\.\.1"):
        Chunk(frames(torch.float32) * wrong).features(CustomModule(module))


def test_an_extractor_has_to_say_how_it_extracts() -> None:
    class Lazy(Extractor):
        pass

    with pytest.raises(TypeError, match="extract"):
        Lazy()  # type: ignore[abstract]
