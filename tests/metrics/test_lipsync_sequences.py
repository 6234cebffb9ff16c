"""Sequences of SyncNet's embeddings: of the original's embeddings, of one run with LSE-D, of clips without a value."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from ddp.process_group import ProcessGroup
from lipsync.stand_ins import KnownFaces, SmallSyncNet, recording, with_detector
from metrics.cases.sequences import rigid, rows, warped
from metrics.talks import TALKS, lip_sequences, talk
from parity.seeded import golden
from torch import Tensor

from thm_torchmetrics import Clip, LipSyncDistance, LipSyncDistanceGap, LipSyncSequenceDistance
from thm_torchmetrics.cli import main
from thm_torchmetrics.collection import make_metric
from thm_torchmetrics.core.one_pass import measure_clip
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.errors import InputError, MissingFaceError
from thm_torchmetrics.extractors.face_detection import SyncNetS3FD
from thm_torchmetrics.media.audio import read_audio
from thm_torchmetrics.media.video import VideoFile

GAMMA = 30.0
"""So large that the embeddings' alignments, which all cost much with seeded weights, count beside the straight one."""
WHOLE = [32.0, 0.0, 192.0, 160.0]
"""The face whose crop is the whole of a frame of 224x224."""


@pytest.mark.parametrize("protocol", ["seq", "frame"])
def test_the_value_is_that_of_the_embeddings_of_the_original(sync_weights: dict[str, Path], protocol: str) -> None:
    """The golden clip has a cut after 14 frames, so it has two tracks, whose windows are rows of the golden ones."""
    frames, samples = recording("B")
    faces = KnownFaces([[WHOLE]] * len(frames))
    metric = LipSyncSequenceDistance(weights=sync_weights, min_track=5, protocol=protocol, gamma=GAMMA)
    metric = with_detector(metric, faces)
    (run,) = measure_clip({"m": metric}, Clip(frames, audio=samples)).values()
    score = metric.score(run)
    lips, sounds = (torch.from_numpy(golden("syncnet")[f"B_{side}_feat"].copy()).double() for side in ("im", "cc"))
    spans = [slice(0, 9), slice(14, 26)]
    reference = warped(rows, GAMMA) if protocol == "seq" else rigid(rows)
    each = [reference([{"preds": lips[span], "target": sounds[span]}]) for span in spans]
    assert score.detail is not None
    first, second = score.detail["tracks"]
    assert (first["windows"], second["windows"]) == (9, 12)
    assert first["lse-d-seq"] == pytest.approx(each[0], rel=2e-5)
    assert second["lse-d-seq"] == pytest.approx(each[1], rel=1e-3)  # the sound of a track begins with its first sample
    assert score.value == pytest.approx((first["lse-d-seq"] + second["lse-d-seq"]) / 2, rel=1e-12)
    assert (first["lse-d-seq"] < 0.99 * rigid(rows)([{"preds": lips[:9], "target": sounds[:9]}])) == (protocol == "seq")


@pytest.mark.parametrize("tracks", ["mean", "longest", "last"])
def test_the_track_that_counts_is_measured_with_its_own_sound(sync_weights: dict[str, Path], tracks: Any) -> None:
    clip = talk(0)
    metric, every = (lip_sequences(sync_weights["s3fd"], tracks=rule, protocol="frame") for rule in (tracks, "mean"))
    value, both = metric(clip).item(), next(iter(measure_clip({"m": every}, clip).values()))
    first, last = both.detail["tracks"] if both.detail else ()
    assert first["first"] + first["frames"] < last["first"]
    assert first["frames"] > last["frames"]
    wanted = {"longest": first["lse-d-seq"], "last": last["lse-d-seq"]}
    wanted["mean"] = (wanted["longest"] + wanted["last"]) / 2
    assert value == pytest.approx(wanted[tracks], rel=1e-12)
    alone = Clip(clip.frames[last["first"] :], audio=clip.audio[640 * last["first"] :])
    metric = lip_sequences(sync_weights["s3fd"], protocol="frame")
    metric.update(alone)
    assert metric.compute().item() == pytest.approx(wanted["last"], rel=1e-3)  # of the MFCC of the first sample


class CountingNet(SmallSyncNet):
    """Counts the windows of lips that it is given, and fails at a call if it is told so."""

    windows = calls = 0
    fails_at = -1

    def forward_lip(self, windows: Tensor) -> Tensor:
        self.calls += 1
        if self.calls == self.fails_at:
            raise ValueError("no memory")
        self.windows += len(windows)
        return super().forward_lip(windows)


def family(weights: dict[str, Path], network: CountingNet, faces: KnownFaces) -> dict[str, Any]:
    options: dict[str, Any] = {"extractor": network, "weights": weights, "min_track": 5, "min_face_size": 0}
    members = {
        "lse-d": LipSyncDistance(**options),
        "seq": LipSyncSequenceDistance(**options),
        "frame": LipSyncSequenceDistance(protocol="frame", **options),
        "gap": LipSyncDistanceGap(**options),
    }
    return {name: with_detector(member, faces) for name, member in members.items()}


def values(members: dict[str, Any], clip: Clip, target: Clip, **options: Any) -> dict[str, float | None]:
    runs = measure_clip(members, clip, target, **options)
    return {name: members[name].score(run).value for name, run in runs.items()}


def test_one_run_of_the_networks_feeds_lse_d_and_the_sequences(sync_weights: dict[str, Path]) -> None:
    clip, real, box = talk(1), talk(2), [[4.0, 4.0, 44.0, 44.0]]
    alone: dict[str, float | None] = {}
    for name in ("lse-d", "seq", "frame", "gap"):
        member = family(sync_weights, CountingNet(), KnownFaces([box] * 99))[name]
        alone |= values({name: member}, clip, real, fps=25.0)
    network, faces = CountingNet(), KnownFaces([box] * 99)
    members = family(sync_weights, network, faces)
    del members["gap"]
    assert values(members, clip, real, fps=25.0) == {name: alone[name] for name in members}
    assert (len(faces.found), network.windows) == (43, 20 + 13)  # two cuts part the clip into tracks of 24 and 17
    network, faces = CountingNet(), KnownFaces([box] * 199)
    assert values(family(sync_weights, network, faces), clip, real, fps=25.0) == alone
    assert len(faces.found) == 43 + 46
    assert values(family(sync_weights, network, faces), clip, clip)["gap"] == 0


def test_what_fails_for_one_fails_for_all_that_share_it(sync_weights: dict[str, Path]) -> None:
    """The others went on with half a measurement."""
    network = CountingNet()
    network.fails_at = 1
    members = family(sync_weights, network, KnownFaces([[[4.0, 4.0, 44.0, 44.0]]] * 99))
    failures: dict[str, Exception] = {}
    assert values(members, talk(1), talk(2), failures=failures) == {}
    assert {str(fault) for fault in failures.values()} == {"no memory"}
    assert failures.keys() == members.keys()


def test_other_options_are_another_run(sync_weights: dict[str, Path]) -> None:
    network, faces = CountingNet(), KnownFaces([[[4.0, 4.0, 44.0, 44.0]]] * 99)
    options: dict[str, Any] = {"extractor": network, "weights": sync_weights, "min_face_size": 0}
    members = {
        "lse-d": with_detector(LipSyncDistance(min_track=5, **options), faces),
        "seq": with_detector(LipSyncSequenceDistance(min_track=98, **options), faces),
    }
    found = values(members, talk(1), talk(2))
    assert found["lse-d"] is not None
    assert found["seq"] is None


@pytest.mark.parametrize(
    ("clip", "reason"),
    [
        (Clip(torch.full((20, 3, 48, 48), 90, dtype=torch.uint8)), "no audio"),
        (Clip(torch.zeros(20, 3, 48, 48, dtype=torch.uint8), audio=torch.zeros(640 * 20)), "no face track"),
        (Clip(torch.full((20, 3, 48, 48), 90, dtype=torch.uint8), audio=torch.zeros(640 * 3)), "too short"),
    ],
    ids=["no sound", "no face", "too short"],
)
def test_a_clip_that_cannot_be_measured_is_counted_with_the_reason(
    sync_weights: dict[str, Path], clip: Clip, reason: str
) -> None:
    metric = lip_sequences(sync_weights["s3fd"])
    metric.update(talk(0))
    value = metric.compute()
    (run,) = measure_clip({"m": metric}, clip).values()
    metric.add(run.sums)
    score = metric.score(run)
    assert score.value is None
    assert str(score.why).startswith(reason)
    assert metric.compute() == value
    assert metric.coverage == 0.5
    assert metric.counted == "clips"
    assert metric.detail() == {"not_scored": {reason: 1}}
    with pytest.raises(MissingFaceError, match=f"LipSyncSequenceDistance: {reason}"):
        measure_clip({"m": lip_sequences(sync_weights["s3fd"], missing="error")}, clip)


def test_embeddings_that_are_not_finite_are_counted(sync_weights: dict[str, Path]) -> None:
    class Broken(SmallSyncNet):
        def forward_audio(self, windows: Tensor) -> Tensor:
            return super().forward_audio(windows) / 0

    metric = lip_sequences(sync_weights["s3fd"], extractor=Broken())
    metric.update(talk(0))
    with pytest.warns(UserWarning, match="none of 1 clips has a value .not finite: 1"):
        assert metric.compute().isnan()


def test_no_sound_at_all_and_tracks_by_lse_d_are_refused(sync_weights: dict[str, Path]) -> None:
    with pytest.raises(InputError, match=r"LipSyncSequenceDistance needs `audio`.*open_clip\(path, audio=True\)"):
        lip_sequences(sync_weights["s3fd"]).update(talk(0).frames)
    with pytest.raises(InputError, match="tracks must be one of 'mean', 'longest', 'last', got 'best'"):
        LipSyncSequenceDistance(extractor=None, tracks="best")  # type: ignore[arg-type]


@pytest.mark.parametrize("world", [1, 2])
def test_processes_agree_on_videos(sync_weights: dict[str, Path], processes: ProcessGroup, world: int) -> None:
    metric = lip_sequences(sync_weights["s3fd"])
    for number in range(TALKS):
        metric.update(talk(number))
    value = metric.compute().item()
    assert metric.coverage == 4 / 5
    shares = [list(range(TALKS))[rank::world] for rank in range(world)]
    answers = processes.run("metrics.talks:compute_lip_sequences", str(sync_weights["s3fd"]), shares)
    for answer in answers[:world]:
        assert answer == (pytest.approx(value, rel=1e-9), 4 / 5)


def test_the_command_measures_folders_of_videos(
    sync_weights: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seeded detector finds no face, so a known one stands in for it."""

    def one_face(self: SyncNetS3FD, frames: Tensor) -> list[Tensor]:
        return [torch.tensor([[16.0, 16.0, 112.0, 112.0]], dtype=torch.float64)] * len(frames)

    monkeypatch.setattr(SyncNetS3FD, "faces", one_face)
    sample = make_sample(tmp_path / "sample", clips=2, seconds=0.4, size=128)
    asked = ["score", sample, "--metrics", "lse-d,lse-d-seq,lse-d-seq:frame", "--min-track", 5, "--min-face-size", 9]
    for name, file in sync_weights.items():
        asked += ["--weights", f"{name}={file}"]
    result = CliRunner().invoke(main, [str(part) for part in [*asked, "--with-target", "--format", "json"]])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    for key in ("lse-d-seq", "lse-d-seq:frame"):
        found = report["metrics"][key]
        assert (found["coverage"], found["counted"]) == (1, "clips")
        metric = make_metric(key, {"weights": sync_weights, "min_track": 5, "min_face_size": 9.0})
        for clip in report["clips"]:
            video = sample / "pred_video" / f"{clip['clip']}.mp4"
            frames = np.stack([frame for frame, _ in VideoFile(video).frames()])
            sound = torch.from_numpy(read_audio(sample / "gt_audio" / f"{clip['clip']}.wav"))
            metric.update(torch.from_numpy(frames).permute(0, 3, 1, 2), audio=sound)
        assert found["value"] == pytest.approx(metric.compute().item(), rel=1e-9)
        assert found["detail"]["target"]["value"] is not None


def test_the_command_takes_embeddings_of_unlike_lengths(tmp_path: Path) -> None:
    sides = {"preds": 9, "target": 12}
    given = {
        side: torch.randn(count, 7, generator=torch.Generator().manual_seed(count)) for side, count in sides.items()
    }
    for side, embeddings in given.items():
        (tmp_path / side).mkdir()
        np.save(tmp_path / side / "a.npy", embeddings.numpy())
    folders = [f"--{side}-features=lse-d-seq={tmp_path / side}" for side in sides]
    result = CliRunner().invoke(main, ["score", "--metrics", "lse-d-seq", *folders, "--format", "json"])
    assert result.exit_code == 0, result.output
    expected = LipSyncSequenceDistance(extractor=None)(given["preds"], given["target"])
    assert json.loads(result.stdout)["metrics"]["lse-d-seq"]["value"] == pytest.approx(expected.item(), rel=1e-9)
    result = CliRunner().invoke(main, ["score", "--metrics", "lse-d-seq", folders[0]])
    assert "it needs --target-features lse-d-seq=DIR" in result.output


def test_missing_checkpoints_are_named_as_for_lse_d() -> None:
    for key in ("lse-d", "lse-d-seq"):
        page = CliRunner().invoke(main, ["info", key, "--format", "json"])
        told = json.loads(page.stdout)
        assert told["inputs"] == ["preds", "audio"]
        assert [each["name"] for each in told["networks"]["syncnet"]] == ["s3fd", "syncnet"]
