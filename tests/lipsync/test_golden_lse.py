"""The clips with published SyncNet scores: all that can be compared without the trained checkpoints.

`tests/golden_lse.py` compares the scores themselves.
"""

import json
import wave
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from golden_lse import FOLDER, Golden, golden_clips, main
from lipsync.stand_ins import KnownFaces, SmallSyncNet, score_clip, with_detector
from lipsync.syncnet_reference import Run
from torch import Tensor

from thm_torchmetrics import Clip, LipSyncConfidence, LipSyncDistance
from thm_torchmetrics.faces.shots import shot_scores, shots
from thm_torchmetrics.lipsync.forks import own_sound
from thm_torchmetrics.lipsync.frame_rate import constant_rate, with_empty_ticks
from thm_torchmetrics.lipsync.protocols import LipSyncResult, ScoredTrack
from thm_torchmetrics.lipsync.reencoded import as_decoded
from thm_torchmetrics.lipsync.sound import DecodedSound
from thm_torchmetrics.media import open_clip
from thm_torchmetrics.media.audio import read_audio
from thm_torchmetrics.metrics.lipsync_metric import LipSync
from thm_torchmetrics.metrics.lipsync_run import Footage, SyncNetRun

if not FOLDER.is_dir():
    pytest.skip("no clips with published scores: THM_GOLDEN_LSE names no folder", allow_module_level=True)

pytestmark = pytest.mark.clips

TABLE = golden_clips()
MOCHA = {clip.name: clip for clip in TABLE if clip.video.startswith("mocha")}
CUTS = {
    "1p_camera_movement__7_woman_warrior_rush": {"0.5.1": [51], "0.6.1": [51], "0.6.7.1": [51]},
    "1p_camera_movement__9_woman_driving_handheld": {
        "0.5.1": [15, 73, 90, 109, 125], "0.6.1": [15, 73, 90, 109, 125], "0.6.7.1": [15, 73, 90],
    },
    "1p_protrait__36_man_tie_blue_suit": {"0.5.1": [], "0.6.1": [81], "0.6.7.1": [81]},
}  # fmt: skip
"""What the three versions of scenedetect themselves found in the files; nothing in the other nine."""


@pytest.mark.parametrize(
    "name", [name if name in CUTS else pytest.param(name, marks=pytest.mark.slow) for name in MOCHA]
)
def test_shots_are_those_of_three_versions_of_scenedetect(name: str) -> None:
    scores: dict[str, list[Tensor]] = {"0.5.1": [], "0.6.1": [], "0.6.7.1": []}
    before = None
    count = 0
    for chunk in open_clip(FOLDER / MOCHA[name].video).chunks():
        frames = chunk.as_uint8()
        for version, parts in scores.items():
            parts.append(shot_scores(frames, before, version))
        before, count = frames[-1].clone(), count + len(frames)
    for version, parts in scores.items():
        cuts = CUTS.get(name, {}).get(version, [])
        end = count - (version == "0.6.1" and bool(cuts))
        assert shots(torch.cat(parts), version) == list(zip([0, *cuts], [*cuts, end], strict=True))


@pytest.mark.parametrize("golden", TABLE[1:6], ids=[clip.name for clip in TABLE[1:6]])
def test_pictures_at_25_per_second_and_speech_are_as_many_as_by_ffmpeg(
    ffmpeg: Run, tmp_path: Path, golden: Golden
) -> None:
    """24 frames per second become 25; the sound of the video itself, 44.1 kHz, repeats the first picture."""
    clip = golden.open(FOLDER)
    own = own_sound(clip)
    delay = 0 if own is None else DecodedSound(own, torch.zeros(0), 16000, 7).avi_delay
    read = chain.from_iterable(pictures for _, pictures in with_empty_ticks(constant_rate(as_decoded(clip)), delay))
    ffmpeg("-i", FOLDER / golden.video, "-qscale:v", 20, "-async", 1, "-r", 25, tmp_path / "video.avi")
    ffmpeg("-i", tmp_path / "video.avi", "-qscale:v", 31, "-f", "image2", tmp_path / "%06d.jpg")
    assert sum(1 for _ in read) == len(list(tmp_path.glob("*.jpg")))
    ffmpeg("-i", FOLDER / (golden.audio or golden.video), "-ac", 1, "-ar", 16000, "-vn", tmp_path / "speech.wav")
    with wave.open(str(tmp_path / "speech.wav")) as file:
        assert len(read_audio(FOLDER / (golden.audio or golden.video))) == file.getnframes()


def dlib_faces() -> KnownFaces:
    """dlib's detector on every second pixel, in the place of S3FD."""
    dlib = pytest.importorskip("dlib")
    detect = dlib.get_frontal_face_detector()

    def boxes(picture: npt.NDArray[np.uint8], index: int) -> list[list[float]]:
        small = np.ascontiguousarray(picture[::2, ::2])
        return [[2 * side for side in (b.left(), b.top(), b.right(), b.bottom())] for b in detect(small, 0)]

    return KnownFaces(boxes, keep=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "1p_camera_movement__4_man_skateboarding",
        "1p_camera_movement__7_woman_warrior_rush",
        "1p_emotion__19_facing_right_man_on_hospital_bed_scared",
        "1p_protrait__36_man_tie_blue_suit",
    ],
)
def test_there_are_as_many_tracks_as_published(sync_weights: dict[str, Path], name: str) -> None:
    """Where dlib finds the faces that S3FD finds: none, one in each of two shots, one in a long shot, one in the first.

    The second shot of the last clip is shorter than 50 frames.
    """
    metric = LipSyncDistance(protocol="mochabench", extractor=SmallSyncNet(), weights=sync_weights)
    score, detail = score_clip(with_detector(metric, dlib_faces()), MOCHA[name].open(FOLDER))
    assert len(detail["tracks"]) == len(MOCHA[name].offsets)
    assert (score.value is None) == (MOCHA[name].distance is None)


class PublishedTracks(Footage):
    """Tracks whose smallest distance and largest confidence are the published ones, each of another track."""

    def __init__(self, golden: Golden) -> None:
        super().__init__(Clip(torch.zeros(1, 3, 8, 8)), None)
        self.golden = golden

    def result(self, with_curves: bool = False) -> LipSyncResult:
        golden, last = self.golden, len(self.golden.offsets) - 1
        if golden.distance is None or golden.confidence is None:
            return LipSyncResult([], "no face track", "no face track")
        tracks = []
        for index, offset in enumerate(golden.offsets):
            distance = golden.distance + 0.5 * index
            confidence = golden.confidence - 0.3 * (last - index)
            curve = torch.full((31,), distance + confidence, dtype=torch.float64)
            curve[15 - offset] = distance
            tracks.append(ScoredTrack(0, 60, 55, curve))
        return LipSyncResult(tracks)


@pytest.mark.parametrize(("cls", "field"), [(LipSyncDistance, "distance"), (LipSyncConfidence, "confidence")])
def test_the_published_table_is_read_by_extremes_and_averaged_over_clips_with_a_face(
    sync_weights: dict[str, Path], cls: type[LipSync], field: str
) -> None:
    rows = json.loads((FOLDER / "mocha" / "scores.json").read_text())
    metric = cls(protocol="mochabench", extractor=SmallSyncNet(), weights=sync_weights)
    for golden in MOCHA.values():
        metric.add(SyncNetRun(metric, PublishedTracks(golden)).finish())
    expected = np.mean([row[field] for row in rows if row["has_face"]])
    assert metric.compute().item() == pytest.approx(expected, rel=1e-12)
    assert metric.coverage == pytest.approx(10 / 12)
    assert metric.tally(metric.named(metric.sums)).scored == 10
    detail: dict[str, Any] = metric.detail() or {}
    assert detail["offsets"] == Counter(str(offset) for row in rows for offset in row["offsets"])
    assert detail["not_scored"] == {"no face track": 2}


@pytest.mark.slow
def test_the_command_prints_ours_beside_the_published_scores(
    sync_weights: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """With seeded checkpoints, whose scores mean nothing."""
    files = [f"--weights={name}={file}" for name, file in sync_weights.items()]
    main([*files, "--only", "example, uncropped"])
    printed = capsys.readouterr().out
    assert "5.353" in printed
    assert "1 of 1 clips compared, mean error of LSE-D" in printed
    with pytest.raises(SystemExit):
        main([files[0]])
    assert "syncnet=FILE and s3fd=FILE are needed" in capsys.readouterr().err
