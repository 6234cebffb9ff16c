"""Beat alignment on frames with sound, and clips that have no beat."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from thm_torchmetrics import BeatAlignment, TalkingHeadMetrics
from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.audio import SoundFile


class Place(nn.Module):
    """68 points that lie where the brightness of the frame says."""

    def forward(self, frames: Tensor) -> Tensor:
        return 255 * frames.mean(dim=(1, 2, 3))[:, None, None].expand(-1, 68, 2)


def nodding(frames: int = 100) -> Tensor:
    """Frames of a face that stops every 25 frames."""
    speed = 1 - torch.cos(torch.arange(frames) * 2 * torch.pi / 25)
    return speed.cumsum(dim=0)


def clicks(seconds: float, late: float = 0.0) -> Tensor:
    times = np.arange(1 + late, seconds, 1.0)
    return torch.from_numpy(librosa.clicks(times=times, sr=16000, length=int(16000 * seconds)).astype(np.float32))


def test_librosa_s_beats_are_taken_of_the_sound() -> None:
    place = nodding()
    frames = place.to(torch.uint8)[:, None, None, None].expand(-1, 3, 8, 8)
    metric = BeatAlignment(extractor=Place())
    metric.update(frames, audio=clicks(4))
    found = metric.compute()
    keypoints = frames[:, :1, :1, 0].expand(-1, 68, 2).double()
    beats = metric.from_sound(clicks(4), 16000, 100, 25)
    assert found == BeatAlignment(extractor=None)(keypoints, audio=beats)
    assert 0 < found < 1


def test_beats_that_come_later_align_worse() -> None:
    keypoints = nodding()[:, None, None].expand(-1, 68, 2)
    values = [
        BeatAlignment(extractor=None)(keypoints, audio=torch.tensor([1.0, 2.0, 3.0]) + late - 1 / 25).item()
        for late in (0, 0.1, 0.2)
    ]
    assert values == pytest.approx([1, np.exp(-0.5), np.exp(-2)], abs=1e-3)


def test_the_rate_of_frames_moves_the_beats() -> None:
    keypoints, beats = nodding()[:, None, None].expand(-1, 68, 2), torch.tensor([0.5, 1.0, 1.5]) - 1 / 50
    metric = BeatAlignment(extractor=None)
    metric.update(keypoints, audio=beats, fps=50)
    assert metric.compute().item() == pytest.approx(1, abs=1e-3)
    with pytest.raises(InputError, match="fps must be above 0, got 0"):
        metric.update(keypoints, audio=beats, fps=0)


def test_clips_without_a_beat_are_counted_with_the_reason() -> None:
    moving, still = nodding()[:, None, None].expand(-1, 68, 2), torch.zeros(60, 68, 2)
    beats = torch.tensor([1.0, 2.0])
    metric = BeatAlignment(extractor=None)
    faceless = torch.full((9, 68, 2), torch.nan)
    metric.update([moving, still, moving[:80], faceless], audio=[beats, beats, beats[:0], beats])
    assert 0 < metric.compute() < 1
    assert metric.coverage == pytest.approx(100 / 249)
    assert metric.detail() == {"not_scored": {"no face": 1, "no motion beat": 1, "no sound beat": 1}}
    metric.reset()
    metric.update(still, audio=beats)
    with pytest.warns(UserWarning, match=r"none of 1 clips has a value \(no motion beat: 1\)"):
        assert metric.compute().isnan()


def test_a_clip_without_sound_is_counted_and_frames_without_any_are_an_error(tmp_path: Path) -> None:
    frames = torch.zeros(30, 3, 8, 8, dtype=torch.uint8)
    metric = BeatAlignment(extractor=Place())
    missing = Clip(frames, audio=SoundFile(tmp_path / "absent.wav"))
    metrics = TalkingHeadMetrics([metric])
    scores = metrics.add_clip(["beat-align"], missing)
    assert scores["beat-align"].value is None
    assert "absent.wav" in str(scores["beat-align"].why)
    assert metric.detail() == {"not_scored": {"no sound": 1}}
    with pytest.raises(InputError, match="needs `audio`"):
        metric.update(frames)
    with pytest.raises(InputError, match="preds holds 1 clips and audio 2 sounds"):
        metric.update(frames, audio=torch.zeros(2, 9))
    with pytest.raises(InputError, match="int16"):
        metric.update(frames, audio=torch.zeros(9, dtype=torch.int64))
    with pytest.raises(InputError, match="finite seconds"):
        BeatAlignment(extractor=None).update(torch.rand(9, 4, 3), audio=torch.tensor([torch.nan]))


def test_reports_know_the_beats() -> None:
    metrics = TalkingHeadMetrics([BeatAlignment(extractor=Place())])
    frames = nodding().to(torch.uint8)[:, None, None, None].expand(-1, 3, 8, 8)
    score = metrics.add_clip(["beat-align"], Clip(frames, audio=clicks(4)))["beat-align"]
    assert score.detail is not None
    assert len(score.detail["motion_beats"]) >= 2
    assert len(score.detail["sound_beats"]) >= 2
