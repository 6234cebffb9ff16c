"""One clip through several metrics: decoded once, and a member that fails fails alone."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from thm_torchmetrics import Clip, FrameMean
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.frame_mean import FrameMeanRun
from thm_torchmetrics.core.one_pass import measure_clip
from thm_torchmetrics.core.sums import Sums


class Video:
    """A video of grey levels 0, 1, 2, ... that counts the frames it gives."""

    fps, size = 25.0, (2, 2)

    def __init__(self, count: int) -> None:
        self.count = count
        self.given = 0

    def frames(self) -> Iterator[tuple[npt.NDArray[np.uint8], float]]:
        for index in range(self.count):
            self.given += 1
            yield np.full((2, 2, 3), index, np.uint8), index / 25


class Level(FrameMean):
    inputs = ("preds",)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        return preds.rows[:, 0, 0, 0].double()


class Difference(Level):
    inputs = ("preds", "target")

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        return (preds.rows.double() - target.rows.double()).mean(dim=(1, 2, 3))


class Breaking(Level):
    """Raises an exception at one of the steps."""

    def __init__(self, step: str = "", error: Exception | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step = step
        self.error = error or ZeroDivisionError("by zero")

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        if self.step == "start":
            raise self.error
        return BreakingRun(self, preds, target)


class BreakingRun(FrameMeanRun):
    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        if self.metric.step == "add" and preds is not None and preds.start:
            raise self.metric.error
        super().measure(preds, target)

    def finish(self) -> Sums:
        if self.metric.step == "finish":
            raise self.metric.error
        return super().finish()


class Unread(Level):
    """Reads the file itself."""

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        return UnreadRun(self, preds, target)


class UnreadRun(FrameMeanRun):
    reads_chunks = False

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        raise AssertionError("it was given a chunk")


ERRORS = [RuntimeError("r"), ValueError("v"), ZeroDivisionError("z"), KeyError("k"), torch.OutOfMemoryError("m")]


def test_a_clip_is_decoded_once_whatever_the_number_of_members() -> None:
    preds, target = Video(150), Video(150)
    members = {f"level {i}": Level() for i in range(3)} | {f"difference {i}": Difference() for i in range(3)}
    runs = measure_clip(members, Clip(preds), Clip(target))
    assert (preds.given, target.given) == (150, 150)
    assert {name: run.sums.total.item() for name, run in runs.items()} == {
        name: sum(range(150)) if name.startswith("level") else 0 for name in members
    }
    assert not any(member.sums.any() for member in members.values())


def test_a_side_that_no_member_reads_is_not_decoded() -> None:
    preds, target = Video(9), Video(9)
    measure_clip({"level": Level()}, Clip(preds), Clip(target))
    assert (preds.given, target.given) == (9, 0)


def test_nothing_is_decoded_for_members_that_read_the_file_themselves() -> None:
    preds = Video(9)
    runs = measure_clip({"unread": Unread()}, Clip(preds))
    assert preds.given == 0
    assert runs["unread"].sums.scored == 0
    measure_clip({"unread": Unread(), "level": Level()}, Clip(preds))
    assert preds.given == 9


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("step", ["start", "add", "finish"])
def test_a_member_that_raises_anything_fails_alone(step: str, error: Exception) -> None:
    failures: dict[str, Exception] = {}
    members = {"before": Level(), "breaking": Breaking(step, error), "after": Level()}
    runs = measure_clip(members, Clip(Video(150)), failures=failures)
    assert failures == {"breaking": error}
    assert {name: run.sums.total.item() for name, run in runs.items()} == {"before": 11175, "after": 11175}


@pytest.mark.parametrize("step", ["start", "add", "finish"])
def test_without_a_place_for_failures_the_first_is_raised(step: str) -> None:
    members = {"good": Level(), "breaking": Breaking(step), "worse": Breaking(step, KeyError("second"))}
    with pytest.raises(ZeroDivisionError):
        measure_clip(members, Clip(Video(150)))
    assert not members["good"].sums.any()


def test_decoding_ends_when_no_reader_is_left() -> None:
    video, failures = Video(64 * 9), {}
    measure_clip({"a": Breaking("add"), "b": Breaking("add")}, Clip(video), failures=failures)
    assert set(failures) == {"a", "b"}
    assert video.given <= 64 * 3


def test_a_video_that_breaks_off_fails_every_reader_alike() -> None:
    class Broken(Video):
        def frames(self) -> Iterator[tuple[npt.NDArray[np.uint8], float]]:
            yield from super().frames()
            raise ValueError("the rest is missing")

    with pytest.raises(ValueError, match="the rest is missing"):
        measure_clip({"level": Level()}, Clip(Broken(70)))
    with pytest.raises(ValueError, match="the rest is missing"):  # of the clip, not of a member
        measure_clip({"level": Level()}, Clip(Broken(70)), failures={})


def test_an_interrupt_is_no_failure_of_a_member() -> None:
    class Interrupted(Level):
        def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_clip({"level": Interrupted()}, Clip(Video(3)), failures={})
