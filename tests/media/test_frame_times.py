"""Times of frames and frame rates, against the clock that printed them."""

import numpy as np
import pytest

from thm_torchmetrics.media.frame_times import RESOLUTION, fill_times

RATES = [10, 12.5, 15, 16.05, 24000 / 1001, 24, 25, 30000 / 1001, 30, 50, 60000 / 1001, 60, 100, 120, 240]


def printed(rate: float, frames: np.ndarray, start: float = 0.0) -> np.ndarray:
    return np.array([float(f"{start + frame / rate:.3f}") for frame in frames])


@pytest.mark.parametrize("rate", RATES)
def test_rate_and_times_come_back_with_any_frames_left_out(rate: float) -> None:
    draw = np.random.default_rng(0)
    for length in (2, 3, 5, 10, 100, 3000):
        for share in (0, 0.3, 0.8):
            frames = np.flatnonzero(draw.random(length) >= share)
            if len(frames) < 2:
                continue
            start = float(draw.choice([0, 1.5]))
            times, fps = fill_times(frames, printed(rate, frames, start), length)
            span = (frames[-1] - frames[0]) / rate
            assert fps == pytest.approx(rate, rel=1.1 * RESOLUTION / span)
            if length > 100:
                assert fps == pytest.approx(rate, rel=1e-4)
            outside = max(frames[0], length - 1 - frames[-1]) / rate / span
            np.testing.assert_allclose(times, start + np.arange(length) / rate, atol=RESOLUTION * (1 + outside))


@pytest.mark.parametrize("rate", [24, 25, 30, 50, 60])
def test_a_whole_rate_is_exact_in_the_shortest_table(rate: int) -> None:
    """Two frames at 30 per second are printed as 0.000 and 0.033, which alone would be 30.3."""
    for length in range(2, 40):
        frames = np.arange(length)
        assert fill_times(frames, printed(rate, frames), length)[1] == rate


def test_a_pause_is_kept_in_the_times_and_not_in_the_rate() -> None:
    frames = np.arange(40)
    times = printed(25, frames) + 60.0 * (frames >= 20)
    filled, fps = fill_times(frames, times, 40)
    assert fps == pytest.approx(25, rel=1e-3)
    np.testing.assert_allclose(filled, times)


def test_order_repetition_and_unknown_times_do_not_matter() -> None:
    frames = np.array([7, 3, 3, 5, 0, 9])
    times = np.array([0.28, 0.12, 0.12, np.nan, 0.0, np.inf])
    filled, fps = fill_times(frames, times, 10)
    assert fps == 25
    np.testing.assert_allclose(filled, np.arange(10) / 25)


@pytest.mark.parametrize(
    "times",
    [
        [0.0] * 4,
        [0.04] * 4,
        [0, 0.001, 0.002, 0.003],
        [0, 0.04, 0.02, 0.06],
        [np.nan] * 4,
        [np.nan, 0.04, np.nan, np.nan],
    ],
    ids=["zero", "constant", "a thousand", "decreasing", "unknown", "one"],
)
def test_times_that_tell_nothing_are_none(times: list[float]) -> None:
    assert fill_times(np.arange(4), np.array(times), 4) == (None, None)


def test_a_single_frame_has_no_rate() -> None:
    assert fill_times(np.array([0]), np.array([0.0]), 1) == (None, None)
