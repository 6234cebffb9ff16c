"""Score the clips whose SyncNet scores are published, and print ours beside them.

    python tests/golden_lse.py --weights syncnet=syncnet_v2.model --weights s3fd=sfd_face.pth

It needs the two published checkpoints and the folder of clips (``golden_lse``; its README says where each file and
number comes from). The clips are SyncNet's own example, the example of nawta/SyncNet_py309_313, and twelve generated
clips of MoChaBench with their separate speech. docs/lse.md explains the columns.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch

from thm_torchmetrics import TalkingHeadMetrics
from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.media import open_clip

FOLDER = Path(os.environ.get("THM_GOLDEN_LSE", Path(__file__).resolve().parents[2] / "shared" / "golden_lse"))


@dataclass(frozen=True)
class Golden:
    """A clip with published scores.

    Attributes:
        name: the clip.
        video: its file, within the folder.
        audio: the file of its speech; empty for the video's own sound.
        protocol: the protocol that the published run followed.
        offsets: one per track, in frames of 40 ms.
        distance: LSE-D; None where no face was found.
        confidence: LSE-C, likewise.
    """

    name: str
    video: str
    audio: str
    protocol: str
    offsets: tuple[int, ...]
    distance: float | None
    confidence: float | None

    def open(self, folder: Path) -> Clip:
        """Open the clip."""
        return open_clip(folder / self.video, audio=folder / self.audio if self.audio else True)


EXAMPLES = (
    Golden("example, uncropped", "syncnet_example.avi", "", "wav2lip-lrs-jpeg", (3,), 5.353, 10.021),
    Golden("example, cropped", "syncnet_example.avi", "", "mochabench", (5,), 5.370, 9.892),
    Golden("nawta", "nawta_video.avi", "nawta_speech.wav", "mochabench", (1,), 4.529, 9.237),
)


def golden_clips(folder: Path = FOLDER) -> list[Golden]:
    """Return all clips with published scores."""
    found = list(EXAMPLES)
    for row in json.loads((folder / "mocha" / "scores.json").read_text()):
        name, has_face = row["clip"], row["has_face"]
        found.append(
            Golden(
                name, f"mocha/pred_video/{name}.mp4", f"mocha/gt_audio/{name}.wav", "mochabench",
                tuple(row["offsets"]), row["distance"] if has_face else None, row["confidence"] if has_face else None,
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True)
class Score:
    """Our score of a clip; ``why`` says why there is none."""

    offsets: tuple[int, ...]
    distance: float | None
    confidence: float | None
    why: str = ""


def score(golden: Golden, folder: Path, weights: dict[str, Path], device: torch.device, ffmpeg: int) -> Score:
    """Score one clip."""
    keys = [f"{key}:{golden.protocol}" for key in ("lse-d", "lse-c")]
    metrics = TalkingHeadMetrics(keys, weights=weights, ffmpeg=ffmpeg).to(device)
    distance, confidence = metrics.add_clip(keys, golden.open(folder)).values()
    tracks = (distance.detail or {})["tracks"]
    return Score(tuple(row["offset"] for row in tracks), distance.value, confidence.value, distance.why or "")


def lines(found: Sequence[tuple[Golden, Score]]) -> Iterator[str]:
    """Yield the lines of the table: ours beside the published scores, with the relative error."""
    yield f"{'clip':54} {'offsets':>15} {'LSE-D':>15} {'error':>7} {'LSE-C':>15} {'error':>7}"
    yield f"{'':54}" + f" {'ours published':>15} {'ours published':>15} {'':7}" + f" {'ours published':>15}"
    for golden, ours in found:
        offsets = f"{_listed(ours.offsets)} {_listed(golden.offsets)}"
        pairs = ((ours.distance, golden.distance), (ours.confidence, golden.confidence))
        cells = " ".join(f"{f'{_number(a)} {_number(b)}':>15} {_error(a, b):>7}" for a, b in pairs)
        yield f"{golden.name[:54]:54} {offsets:>15} {cells}"
    both = [(golden, ours) for golden, ours in found if golden.distance is not None and ours.distance is not None]
    if both:
        errors = [abs(ours.distance / golden.distance - 1) for golden, ours in both]  # type: ignore[operator]
        yield f"{len(both)} of {len(found)} clips compared, mean error of LSE-D {100 * fmean(errors):.2f} %"
    for golden, ours in found:
        if ours.why and golden.distance is not None:
            yield f"{golden.name}: {ours.why}"


def _listed(offsets: Sequence[int]) -> str:
    return ",".join(map(str, offsets)) or "-"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _error(ours: float | None, published: float | None) -> str:
    return "-" if ours is None or not published else f"{100 * (ours / published - 1):+.2f}%"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", action="append", required=True, metavar="NAME=FILE", help="syncnet and s3fd")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the clips; default: $THM_GOLDEN_LSE")
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    parser.add_argument("--ffmpeg", type=int, choices=(4, 7), default=7, help="whose 25 frames per second")
    parser.add_argument("--only", default="", help="part of the names of the clips to score")
    options = parser.parse_args(arguments)
    weights = {name: Path(file) for name, _, file in (each.partition("=") for each in options.weights)}
    if weights.keys() != {"syncnet", "s3fd"}:
        parser.error(f"--weights names {', '.join(weights)}; syncnet=FILE and s3fd=FILE are needed")
    if not (options.folder / "mocha" / "scores.json").is_file():
        parser.error(f"no golden clips in {options.folder}; give their folder with --folder")
    found = []
    for golden in golden_clips(options.folder):
        if options.only in golden.name:
            found.append((golden, score(golden, options.folder, weights, options.device, options.ffmpeg)))
    sys.stdout.write("\n".join(lines(found)) + "\n")


if __name__ == "__main__":
    main()
