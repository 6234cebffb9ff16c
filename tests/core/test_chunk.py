"""A chunk: consecutive frames, and features computed once."""

import pytest
import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk, why_missing
from thm_torchmetrics.errors import InputError


class Brightness:
    """An extractor that counts its calls; equal ones have equal gains."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain
        self.calls: list[int] = []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Brightness) and other.gain == self.gain

    def __hash__(self) -> int:
        return hash(self.gain)

    def extract(self, chunk: Chunk) -> Tensor:
        self.calls.append(len(chunk))
        return self.gain * chunk.as_float().mean(dim=(2, 3))


def frames(count: int = 6) -> Tensor:
    return torch.randint(0, 256, (count, 3, 4, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_bytes_become_floats_by_255_and_floats_bytes_by_rounding() -> None:
    every = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(1, 3, 16, 16)
    floats = Chunk(every).as_float()
    assert floats.dtype == torch.float32
    assert torch.equal(floats, every.float() / 255)
    assert torch.equal(Chunk(floats).as_uint8(), every)
    near = Chunk(torch.tensor([0.0, 0.49, 0.51, 1.0])[None, None, None].expand(1, 3, 1, 4) / 255)
    assert near.as_uint8()[0, 0, 0].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_floats_of_any_precision_become_float32(dtype: torch.dtype) -> None:
    given = (frames() / 255).to(dtype)
    assert torch.equal(Chunk(given).as_float(), given.float())


def test_conversions_are_made_once_and_bytes_are_not_copied() -> None:
    chunk = Chunk(frames())
    assert chunk.as_float() is chunk.as_float()
    assert chunk.as_uint8() is chunk.rows


def test_equal_extractors_run_once() -> None:
    chunk, one, same, other = Chunk(frames()), Brightness(), Brightness(), Brightness(2.0)
    features = chunk.features(one)
    assert chunk.features(same) is features
    torch.testing.assert_close(chunk.features(other), 2 * features)
    assert (one.calls, same.calls, other.calls) == ([6], [], [6])


def test_the_head_shares_what_the_whole_computes() -> None:
    chunk, extractor = Chunk(frames(), start=7, times=[float(i) for i in range(6)]), Brightness()
    head = chunk.head(2)
    assert (len(head), head.start, head.times) == (2, 7, [0.0, 1.0])
    assert torch.equal(head.features(extractor), chunk.features(extractor)[:2])
    assert torch.equal(head.as_float(), chunk.as_float()[:2])
    assert torch.equal(head.head(1).features(extractor), chunk.features(extractor)[:1])
    assert extractor.calls == [6]
    assert chunk.head(6) is chunk
    assert chunk.head(9) is chunk


def test_a_chunk_is_moved_once() -> None:
    chunk = Chunk(frames(), start=3, times=[0.5] * 6)
    assert chunk.to(torch.device("cpu")) is chunk
    meta = torch.device("meta")
    moved = chunk.to(meta)
    assert chunk.to(meta) is moved
    assert (moved.rows.device, moved.start, moved.times) == (meta, 3, [0.5] * 6)
    assert chunk.to(meta).cached("a", lambda: 1) == moved.cached("a", lambda: 2) == 1


def test_a_cached_value_is_computed_once_even_if_it_is_none() -> None:
    chunk, calls = Chunk(frames()), []
    for _ in range(2):
        assert chunk.cached("nothing", lambda: calls.append(1)) is None
    assert calls == [1]


def test_what_fails_is_not_kept() -> None:
    chunk = Chunk(frames())
    with pytest.raises(ZeroDivisionError):
        chunk.cached("ratio", lambda: 1 / 0)
    assert chunk.cached("ratio", lambda: 2) == 2


def test_features_are_no_pictures() -> None:
    with pytest.raises(InputError, match=r"RGB frames.*\(6, 17\)"):
        Chunk(torch.zeros(6, 17)).as_float()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (torch.rand(2, 3, 4, 5).to_sparse(), "`frames` must be dense"),
        (torch.rand(2, 3, 4, 5) * 1j, "`frames` must hold real numbers"),
        (torch.rand(2, 17) * 1j, "`features` must hold real numbers"),
        (torch.rand(2, 3, 4, 5) * 2 - 1, r"look like -1\.\.1"),
    ],
)
def test_what_holds_no_frames_and_no_features_is_named(rows: Tensor, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Chunk(rows)


def test_rows_on_meta_are_named_where_they_are_to_be_read() -> None:
    for rows in (torch.zeros(2, 3, 4, 5, device="meta"), torch.zeros(2, 17, device="meta")):
        with pytest.raises(InputError, match="meta device and holds no values"):
            Chunk(rows).to(torch.device("cpu"))


def test_features_of_four_axes_are_no_pixels() -> None:
    rows = torch.full((2, 5, 3, 3), 7.0)
    assert Chunk(rows).rows is rows


@pytest.mark.parametrize(
    ("extractor", "missing", "seen", "words"),
    [
        (None, 5, 5, "all 5 rows of the features hold NaN or infinity"),
        (None, 1, 1, "the one row of the features holds NaN or infinity"),
        (None, 2, 9, "2 of 9 rows of the features hold NaN or infinity"),
        (Brightness(), 1, 1, "a b gave nothing in 1 frame"),
        (Brightness(), 3, 8, "a b gave nothing in 3 of 8 frames"),
    ],
)
def test_why_frames_have_no_features_is_said_in_words(
    extractor: Brightness | None, missing: int, seen: int, words: str
) -> None:
    if extractor is not None:
        vars(extractor)["why_missing"] = "a b gave nothing"
    assert why_missing(extractor, missing, seen) == words
