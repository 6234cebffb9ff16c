"""What an extractor is, and a user's own module as one."""

import pickle
from collections.abc import Callable
from typing import Any

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


ODD_OUTPUTS: list[tuple[Callable[[Tensor], Any], str]] = [
    (lambda rows: (rows, rows), "with a row for each of 5 frames, got a tuple"),
    (lambda rows: {"features": rows}, "got a dict"),
    (lambda rows: None, "got a NoneType"),
    (lambda rows: rows.detach().numpy(), "got a ndarray"),
    (lambda rows: rows[:3], r"got \(3, 3\)"),
    (lambda rows: rows.mean(), r"got \(\)"),
    (lambda rows: rows.to(torch.complex64), r"features of \w+` must hold real numbers, got torch.complex64"),
    (lambda rows: rows.detach().to_sparse(), "dense"),
    (lambda rows: rows.to("meta"), "meta"),
]


@pytest.mark.parametrize(("output", "words"), ODD_OUTPUTS)
def test_a_network_that_gives_no_row_per_frame_is_named(output: Callable[[Tensor], Any], words: str) -> None:
    class Odd(Corner):
        def forward(self, frames: Tensor) -> Any:
            return output(super().forward(frames))

    class Registered(Extractor):
        def extract(self, chunk: Chunk) -> Any:
            return output(chunk.as_float()[:, :, 0, 0])

    for extractor in (CustomModule(Odd()), Registered()):
        chunk = Chunk(frames())
        with pytest.raises(InputError, match=words):
            chunk.features(extractor)


def test_an_extractor_says_why_a_frame_has_no_features() -> None:
    class Points(Extractor):
        kind = "landmarks"

        def extract(self, chunk: Chunk) -> Tensor:
            return torch.zeros(len(chunk), 68, 2)

    assert Points().why_missing == "no face found"
    assert CustomModule(Corner()).why_missing == "the network Corner gave NaN or infinity"
