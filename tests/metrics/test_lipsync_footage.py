"""Lip sync on real clips: faces found by dlib, because the published detector's checkpoint cannot be had here."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from lipsync.stand_ins import KnownFaces, SmallSyncNet, score_clip, with_detector

from thm_torchmetrics import Clip, LipSyncDistance
from thm_torchmetrics.extractors.syncnet import SyncNetwork
from thm_torchmetrics.functional.lipsync import sync_distances
from thm_torchmetrics.lipsync.windows import mfcc_windows
from thm_torchmetrics.media import open_clip
from thm_torchmetrics.media.audio import read_audio
from thm_torchmetrics.media.video import VideoFile

dlib = pytest.importorskip("dlib")
pytestmark = [pytest.mark.clips, pytest.mark.slow]


def dlib_faces(pixels: int) -> KnownFaces:
    """dlib's detector on frames shrunk to so many pixels."""
    detect = dlib.get_frontal_face_detector()

    def boxes(picture: npt.NDArray[np.uint8], index: int) -> list[list[float]]:
        step = -(-max(picture.shape[:2]) // pixels)
        small = np.ascontiguousarray(picture[::step, ::step])
        return [[step * side for side in (b.left(), b.top(), b.right(), b.bottom())] for b in detect(small, 0)]

    return KnownFaces(boxes, keep=False)


def scored(
    sync_weights: dict[str, Path], clip: Clip, pixels: int = 320, **options: Any
) -> tuple[LipSyncDistance, KnownFaces, dict[str, Any]]:
    faces = dlib_faces(pixels)
    made = LipSyncDistance(weights=sync_weights, **{"extractor": SmallSyncNet(), **options})
    metric = with_detector(made, faces)
    return metric, faces, score_clip(metric, clip)[1]


def at_25(path: Path) -> int:
    """How many frames of 40 ms a video fills: its last frame lasts as long as an average one."""
    video = VideoFile(path)
    last = list(video.decoded())[-1][1]
    return int(np.ceil((last + 1 / video.fps - 0.002) * 25))


@pytest.mark.parametrize("name", ["lipsync_hdtf_aoc", "lipsync_vox00086"])
def test_one_talking_face_is_one_track(sync_weights: dict[str, Path], clips: Path, name: str) -> None:
    path = clips / "misc" / f"{name}.mp4"
    sound = path.with_suffix(".wav")
    metric, _, detail = scored(sync_weights, open_clip(path, audio=sound), min_face_size=60, extractor="syncnet")
    (track,) = detail["tracks"]
    frames = at_25(path)
    assert track["first"] <= 2
    assert track["frames"] >= frames - 4
    assert track["windows"] == track["frames"] - 5
    assert metric.compute().item() == track["lse-d"] > 0
    assert metric.coverage == 1


@pytest.mark.parametrize(("name", "fps"), [("kim_wav2lip", 30.0), ("mona_wav2lip", 30000 / 1001)])
def test_other_rates_are_sampled_at_25(
    sync_weights: dict[str, Path], clips: Path, clips_extra: Path, name: str, fps: float
) -> None:
    folder = clips if name.startswith("kim") else clips_extra
    path = folder / "pred_video" / f"{name}.mp4"
    _, known, detail = scored(sync_weights, open_clip(path, audio=folder / "gt_audio" / f"{name}.wav"), min_track=60)
    assert VideoFile(path).fps == pytest.approx(fps, abs=1e-3)
    frames = at_25(path)
    assert len(known.found) == frames == round(sum(1 for _ in VideoFile(path).decoded()) / fps * 25)
    assert sum(track["frames"] for track in detail["tracks"]) > 0.8 * frames


def test_three_faces_are_three_tracks(sync_weights: dict[str, Path], clips_extra: Path) -> None:
    path = clips_extra / "misc" / "multi_face.mp4"
    metric, known, detail = scored(sync_weights, open_clip(path, audio=path), 480)
    assert len(detail["tracks"]) == 3
    columns = sorted(float(boxes[0, 0] // 515) for boxes in known.found if len(boxes) == 1)
    assert set(columns) <= {0, 1, 2}
    assert metric.compute().item() == pytest.approx(np.mean([track["lse-d"] for track in detail["tracks"]]))
    chosen = scored(sync_weights, open_clip(path, audio=path), 480, tracks="longest")[2]
    assert chosen["tracks"] == [max(detail["tracks"], key=lambda track: track["frames"])]


def test_a_face_that_goes_away_ends_its_track(sync_weights: dict[str, Path], clips: Path) -> None:
    """72 frames of 33 ms with a face, then none; the sound starts 2.43 s after the pictures."""
    path = clips / "misc" / "face_noface.mov"
    metric, _, detail = scored(sync_weights, open_clip(path, audio=True))
    assert detail["tracks"] == []
    assert "no face track of more than 100 detections" in detail["not_scored"]
    with pytest.warns(UserWarning, match="no face track: 1"):
        assert metric.compute().isnan()
    detail = scored(sync_weights, open_clip(path, audio=True), min_track=30)[2]
    (track,) = detail["tracks"]
    assert 50 <= track["first"] + track["frames"] <= 61
    assert not read_audio(path)[: int(2.4 * 16000)].any()


def test_a_variable_rate_is_sampled_at_25(sync_weights: dict[str, Path], clips_extra: Path) -> None:
    path = clips_extra / "misc" / "vfr_talking.mp4"
    _, known, detail = scored(sync_weights, open_clip(path, audio=True))
    times = [time for _, time, _ in VideoFile(path).decoded()]
    assert len(known.found) == at_25(path) > len(times)
    (track,) = detail["tracks"]
    assert track["frames"] > 140


def test_no_sound_and_no_face_are_explained(sync_weights: dict[str, Path], clips: Path, clips_extra: Path) -> None:
    silent = scored(sync_weights, open_clip(clips_extra / "misc" / "vfr_noface_twofaces.mp4"))[2]
    assert silent["not_scored"].startswith("no audio")
    faceless = scored(sync_weights, open_clip(clips / "misc" / "no_face.mp4", audio=True))[2]
    assert "faces in 0 of" in faceless["not_scored"]


def test_a_cut_between_two_people_ends_the_track(sync_weights: dict[str, Path], clips: Path, clips_extra: Path) -> None:
    """Two faces in one place are one track to the overlap of boxes; the cut between them ends it."""
    parts = []
    for path in (clips / "gt_video" / "radio8_wav2lip.mp4", clips_extra / "gt_video" / "radio51_iplap.mp4"):
        parts.append(next(open_clip(path).chunks(64)).rows)
    sound = torch.from_numpy(read_audio(clips / "gt_audio" / "radio8_wav2lip.wav"))
    detail = scored(sync_weights, Clip(torch.cat(parts), audio=sound), min_track=40, min_face_size=60)[2]
    first, second = detail["tracks"]
    assert first["first"] + first["frames"] <= 64 <= second["first"]


def test_sound_moved_by_frames_moves_the_distances(sync_weights: dict[str, Path], clips: Path) -> None:
    """Of real footage: where no end of the sound is near, column j of the moved sound is column j - k of the other."""
    path = clips / "misc" / "lipsync_vox00086.mp4"
    network = SyncNetwork.make("syncnet", sync_weights)
    frames = next(open_clip(path).chunks(64)).rows
    samples = torch.from_numpy(read_audio(path)).float()
    lips, late = network.lips(frames), 4
    moved = torch.cat([samples.new_zeros(640 * late), samples])
    one, other = (network.sounds(mfcc_windows(sound, 0, len(lips))) for sound in (samples, moved))
    torch.testing.assert_close(other[late + 1 :], one[1:-late], rtol=1e-4, atol=1e-3)
    here, there = sync_distances(lips, one), sync_distances(lips, other)
    inner = slice(20, len(lips) - 20)
    torch.testing.assert_close(there[inner, late:], here[inner, :-late], rtol=1e-4, atol=0)
    assert (there - here)[inner].abs().max() > 1e-2  # what would pass anything shows no shift
