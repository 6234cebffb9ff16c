"""Blinks and silent mouths: clips without a value, and frames with their sound."""

import pytest
import torch
from torch import Tensor, nn

from thm_torchmetrics import BlinkDuration, BlinkRate, LipLeakage
from thm_torchmetrics.errors import InputError


def eyes(*closed: tuple[int, int], frames: int = 50) -> Tensor:
    """Landmarks of eyes that are closed in some frames."""
    landmarks = torch.zeros(frames, 68, 2)
    landmarks[:, [39, 45], 0] = 10
    landmarks[:, [37, 38, 43, 44], 1] = 3
    for first, last in closed:
        landmarks[first:last, :, 1] = 0
    return landmarks


def test_seconds_without_a_face_are_not_counted() -> None:
    landmarks = eyes((5, 8), (30, 34))
    landmarks[40:] = torch.nan
    metric = BlinkRate(extractor=None)
    metric.update(landmarks, fps=20)
    assert metric.compute().item() == pytest.approx(2 / 2)
    assert metric.coverage == pytest.approx(0.8)


def test_all_blinks_over_all_seconds_or_the_mean_of_clips() -> None:
    clips = [eyes((5, 8)), eyes((3, 5), (9, 12), (20, 22), frames=25)]
    values = []
    for average in ("frame", "clip"):
        metric = BlinkRate(extractor=None, average=average)
        metric.update(clips)
        values.append(metric.compute().item())
    assert values == pytest.approx([4 / 3, (0.5 + 3) / 2])


def test_the_times_of_blinks_are_those_of_their_frames() -> None:
    """They were rounded to float32, 8.960000038 s."""
    (pair,) = BlinkRate(extractor=None).pairs(eyes((24, 27)), None)
    for cls in (BlinkRate, BlinkDuration):
        run = cls(extractor=None).start(*pair)
        run.add(*(next(iter(side.chunks())) if side else None for side in pair))
        run.finish()
        assert run.detail == {"blinks": [[24 / 25, 27 / 25]]}


def test_blinks_that_are_cut_off_have_no_length() -> None:
    landmarks = eyes((0, 9), (15, 17), (30, 32), (45, 50))
    landmarks[32] = torch.nan
    metric = BlinkDuration(extractor=None)
    assert metric(landmarks).item() == pytest.approx(2 / 25)
    metric.reset()
    metric.update([eyes((0, 9)), eyes(), eyes((4, 10)), eyes((4, 6), (9, 15), (20, 26))])
    assert metric.compute().item() == pytest.approx(6 / 25)
    assert metric.detail() == {"not_scored": {"no blink": 2}}


def test_the_threshold_is_an_option() -> None:
    assert BlinkRate(extractor=None, threshold=0.31)(eyes()).item() == 0.5  # closed throughout, one run
    assert BlinkRate(extractor=None)(eyes()).item() == 0
    assert BlinkRate(extractor=None, protocol="survey")(eyes()).item() == 0.5  # 12 pixels
    assert BlinkRate(extractor=None).threshold == 0.2


class Mouth(nn.Module):
    """A mouth that is open in bright frames."""

    def forward(self, frames: Tensor) -> Tensor:
        points = torch.zeros(len(frames), 68, 2)
        points[:, 64, 0] = 10
        points[:, 66, 1] = 255 * frames.mean(dim=(1, 2, 3))
        return points


def test_an_open_mouth_counts_in_pauses_of_the_sound_only() -> None:
    gap = torch.zeros(50)
    gap[[3, 4, 30, 31, 32]] = 6
    gap[40] = torch.tensor(2.0)
    frames = gap.to(torch.uint8)[:, None, None, None].expand(-1, 3, 8, 8)
    sound = 0.5 * torch.sin(torch.arange(32000) * 0.3)
    sound[16000:] = 0
    metric = LipLeakage(extractor=Mouth())
    metric.update(frames, audio=sound)
    assert metric.compute().item() == pytest.approx(3 / 25)
    metric.reset()
    metric.update(frames, audio=torch.zeros(32000))
    assert metric.compute().item() == pytest.approx(5 / 50)


def test_speech_throughout_leaves_no_frame() -> None:
    metric = LipLeakage(extractor=Mouth())
    frames = torch.zeros(25, 3, 8, 8, dtype=torch.uint8)
    metric.update(frames, audio=0.5 * torch.sin(torch.arange(16000) * 0.3))
    with pytest.warns(UserWarning, match=r"none of 1 clips has a value \(no pause: 1\)"):
        assert metric.compute().isnan()
    assert metric.coverage == 0
    with pytest.raises(InputError, match="needs `audio`"):
        metric.update(frames)


def test_speech_is_given_for_each_frame() -> None:
    landmarks = torch.rand(9, 68, 2)
    metric = LipLeakage(extractor=None)
    for wrong in (torch.zeros(8), torch.full((9,), torch.nan), torch.zeros(16000)):
        with pytest.raises(InputError, match="`audio` must be a number for each of 9 frames"):
            metric.update(landmarks, audio=wrong)
    speech = torch.arange(9) % 2 == 0
    assert metric(landmarks, audio=speech) == LipLeakage(extractor=None)(landmarks[1::2])
