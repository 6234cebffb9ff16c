"""Checks of frames: layout, dtype, range, and the slices in which they are worked on."""

import pytest
import torch

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.imaging import checks
from thm_torchmetrics.imaging.checks import (
    check_bytes,
    check_frames,
    check_numbers,
    check_pair,
    check_range,
    in_range,
    slabs,
    widest_float,
)

CPU, CUDA, MPS = (torch.device(name) for name in ("cpu", "cuda", "mps"))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_rgb_frames_pass(dtype: torch.dtype) -> None:
    frames = torch.zeros(2, 3, 4, 5, dtype=dtype)
    check_frames("frames", frames)
    check_pair(frames, frames.to(torch.float32))


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (torch.zeros(3, 4, 5), r"`clip` must be RGB frames of shape \(N, 3, H, W\), got \(3, 4, 5\)"),
        (torch.zeros(2, 4, 5, 3), r"\(2, 4, 5, 3\)"),
        (torch.zeros(2, 3, 4, 5, dtype=torch.int64), r"`clip` must be uint8 0\.\.255.*int64.*convert"),
        (torch.zeros(2, 3, 4, 5, dtype=torch.bool), "bool"),
    ],
)
def test_other_layouts_are_named(frames: torch.Tensor, words: str) -> None:
    for check in (check_frames, check_bytes):
        with pytest.raises(InputError, match=words):
            check("clip", frames)


def test_floats_are_not_bytes() -> None:
    check_bytes("frames", torch.zeros(2, 3, 4, 5, dtype=torch.uint8))
    with pytest.raises(InputError, match=r"`frames` must be uint8, got torch\.float32; convert"):
        check_bytes("frames", torch.zeros(2, 3, 4, 5))


def test_sides_of_different_shape_are_named() -> None:
    with pytest.raises(MismatchError, match=r"`preds` \(2, 3, 4, 5\) and `target` \(1, 3, 4, 5\)"):
        check_pair(torch.zeros(2, 3, 4, 5), torch.zeros(1, 3, 4, 5))
    with pytest.raises(InputError, match="`target` must be RGB"):
        check_pair(torch.zeros(2, 3, 4, 5), torch.zeros(2, 1, 4, 5))


@pytest.mark.parametrize("bad", [-2e-4, 1 + 2e-4, torch.nan, torch.inf, 255.0])
def test_floats_outside_of_0_to_1_are_refused(bad: float) -> None:
    values = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    check_range("frames", values)
    values[1, 2, 3, 4] = bad
    with pytest.raises(InputError, match=r"`frames` has dtype torch\.float32.*0\.\.1"):
        check_range("frames", values)


@pytest.mark.parametrize("off", [1.2e-7, 9e-5])
def test_rounding_is_clamped(off: float) -> None:
    values = torch.tensor([-off, 0.5, 1 + off]).reshape(1, 3, 1, 1)
    assert not check_range("frames", values)
    assert in_range("frames", values).flatten().tolist() == [0, 0.5, 1]
    assert in_range("frames", values.clamp(0, 1)) is not values
    whole = torch.tensor([0, 128, 255], dtype=torch.uint8)
    assert in_range("frames", whole) is whole


@pytest.mark.parametrize(
    ("low", "high", "remedy"),
    [
        (-1.0, 1.0, r"look like -1\.\.1: map them with \(x \+ 1\) / 2"),
        (-1.1, 1.05, r"look like -1\.\.1"),  # of a decoder that is not clamped
        (0.0, 255.0, "divide by 255"),
        (0.0, 12.0, "divide by 255"),  # a dark frame
        (0.0, 1023.0, "10 bits"),
        (16.0, 4095.0, "12 bits"),
        (0.0, 65535.0, "16 bits"),
        (-2.1, 2.6, "normalised by a mean and a deviation"),
        (-1.8, 0.7, "normalised"),
        (-0.1, 0.9, r"clamp them to 0\.\.1, or if they are -1\.\.1"),
        (0.0, 1.2, "clamp"),
        (0.0, torch.nan, "NaN"),
        (-torch.inf, 0.5, "NaN and infinity"),
    ],
)
def test_the_likely_cause_is_named(low: float, high: float, remedy: str) -> None:
    with pytest.raises(InputError, match=remedy):
        check_range("frames", torch.tensor([low, high]))


def test_integers_and_nothing_have_no_range() -> None:
    check_range("frames", torch.full((2, 2), 255, dtype=torch.uint8))
    check_range("frames", torch.zeros(0, 3, 4, 5))


@pytest.mark.parametrize(("count", "pixels"), [(0, 10), (1, 1 << 30), (7, 1 << 16), (100, 5000), (5, 0)])
@pytest.mark.parametrize("device", [CPU, CUDA])
def test_slabs_cover_the_batch_in_order(count: int, pixels: int, device: torch.device) -> None:
    pieces = list(slabs(count, pixels, device))
    assert [i for piece in pieces for i in range(count)[piece]] == list(range(count))
    most = checks._CACHED_PIXELS if device == CPU else checks._LAUNCHED_PIXELS
    assert all(0 < piece.stop - piece.start <= max(1, most // max(1, pixels)) for piece in pieces)


def test_only_mps_lacks_float64() -> None:
    assert [widest_float(device) for device in (CPU, CUDA, MPS)] == [torch.float64, torch.float64, torch.float32]


@pytest.mark.filterwarnings("ignore:.*in beta state", "ignore:.*quantize_per_tensor", "ignore:.*prototype stage")
def test_what_holds_no_numbers_is_named_with_the_remedy() -> None:
    rows = torch.rand(3, 4)
    cases = [
        (rows.numpy(), r"`x` must be a tensor, got ndarray; pass torch\.from_numpy"),
        ([1.0], "`x` must be a tensor, got list"),
        (rows.to(torch.complex64), r"real numbers, got torch\.complex64; pass x\.real"),
        (rows.to_sparse(), r"dense, got torch\.sparse_coo; pass x\.to_dense"),
        (rows.to_sparse_csr(), r"dense, got torch\.sparse_csr"),
        (rows.to("meta"), "meta device and holds no values"),
        (torch.nested.nested_tensor([rows, rows[:2]]), "nested"),
    ]
    for value, words in cases:
        with pytest.raises(InputError, match=words):
            check_numbers("x", value)  # type: ignore[arg-type]
    for dtype in (torch.uint8, torch.int64, torch.float16, torch.float64, torch.float8_e4m3fn):
        check_numbers("x", rows.to(dtype))
    check_numbers("x", rows[:, ::2].T)
    check_numbers("x", torch.zeros(0, 3))


@pytest.mark.parametrize(
    ("dtype", "remedy"),
    [(torch.bool, r"255 \* x\.to\(torch\.uint8\)"), (torch.int32, "to uint8"), (torch.float8_e5m2, "to float32")],
)
def test_another_dtype_is_named_with_the_way_to_pixels(dtype: torch.dtype, remedy: str) -> None:
    with pytest.raises(InputError, match=f"uint8 0..255 or floating point 0..1, got {dtype}; .*{remedy}"):
        check_frames("clip", torch.zeros(1, 3, 2, 2).to(dtype))
